"""The losses: their reductions, the shapes and values that they accept, extreme values, and the gradients."""

import re
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import DataError, DtypeError, PhaseError, ShapeError
from retroprop.inspection import numerical_gradient

RNG = np.random.default_rng(2018)
X = RNG.standard_normal((5, 3))
P = RNG.uniform(0.1, 0.9, (5, 3))
BITS, CLASSES = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1.0]]), np.array([2, 0, 1, 1, 2])
MIXTURES = RNG.dirichlet([1, 1, 1], 5)
WEIGHT = [0.5, 2.0, 3.0]
REDUCTIONS = ("mean", "sum", "none")


class LogCosh(rp.Loss):
    """A loss of a user's own: log cosh(prediction - target)."""

    def costs(self, prediction, target):
        self.point = prediction - target
        return np.log(np.cosh(self.point))

    def derivatives(self):
        return np.tanh(self.point)


# A constructor, a prediction and a target away from kinks, and the divisor of the mean.
LOSSES = {
    "BCE": (rp.BCE, P, BITS, 15),
    "BCE of soft targets": (rp.BCE, P, P.T.reshape(5, 3), 15),
    "BCEWithLogits": (rp.BCEWithLogits, X, BITS, 15),
    "MSE": (rp.MSE, X, P, 15),
    "L1": (rp.L1, X, P, 15),
    "Huber": (partial(rp.Huber, 0.7), X, P, 15),
    "Hinge": (rp.Hinge, X, BITS, 15),
    "CrossEntropy": (rp.CrossEntropy, X, CLASSES, 5),
    "CrossEntropy with weight": (partial(rp.CrossEntropy, WEIGHT), X, CLASSES, 0.5 + 2 * 2.0 + 2 * 3.0),
    "CrossEntropy of probabilities": (rp.CrossEntropy, X, MIXTURES, 5),
    "CrossEntropy of probabilities with weight": (partial(rp.CrossEntropy, WEIGHT), X, MIXTURES, 5),
    "NLL": (rp.NLL, np.log(P), CLASSES, 5),
    "NLL with weight": (partial(rp.NLL, WEIGHT), np.log(P), CLASSES, 0.5 + 2 * 2.0 + 2 * 3.0),
    "of one's own": (LogCosh, X, P, 15),
}
every_loss = pytest.mark.parametrize(("build", "x", "y", "divisor"), LOSSES.values(), ids=LOSSES)
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
ELEMENTWISE = [rp.BCE, rp.BCEWithLogits, rp.MSE, rp.L1, rp.Huber, rp.Hinge, LogCosh]


def refuses(error, text):
    """``pytest.raises`` for an error of this type and exactly this text."""
    return pytest.raises(error, match=f"^{re.escape(text)}$")


# Reductions


@every_loss
def test_reductions_divide_by_what_the_docstring_says(build, x, y, divisor):
    mean, total, costs = (build(reduction=reduction).forward(x, y) for reduction in REDUCTIONS)
    assert costs.shape == (x.shape if divisor == x.size else (5,))
    assert_allclose(total, costs.sum(), rtol=1e-12)
    assert_allclose(mean, total / divisor, rtol=1e-12)


@every_loss
def test_a_batch_twice_has_the_same_mean_and_twice_the_sum(build, x, y, divisor):
    twice = np.concatenate([x, x]), np.concatenate([y, y])
    for reduction, factor in (("mean", 1), ("sum", 2)):
        loss = build(reduction=reduction)
        once, gradient = loss.forward(x, y), loss.backward()
        assert_allclose(loss.forward(*twice), factor * once, rtol=1e-12)
        assert_allclose(loss.backward()[5:], gradient * factor / 2, rtol=1e-12)


@every_loss
@every_reduction
def test_gradients_match_central_differences(build, x, y, divisor, reduction):
    """The gradients of <g, forward(x)>, with a random g: a g of ones would hide that examples were exchanged."""
    loss, other, x = build(reduction=reduction), build(reduction=reduction), x.copy()
    g = np.random.default_rng(7).standard_normal(np.shape(loss.forward(x, y)))
    numerical = numerical_gradient(lambda x: np.vdot(g, other.forward(x, y)), x)
    assert_allclose(loss.backward(g), numerical, rtol=1e-6, atol=1e-8)


def test_the_mean_of_probabilities_is_not_divided_by_the_weights_of_an_earlier_batch():
    loss, fresh = (rp.CrossEntropy(WEIGHT) for _ in range(2))
    loss.forward(X, CLASSES)
    assert loss.forward(X, MIXTURES) == fresh.forward(X, MIXTURES)
    assert_array_equal(loss.backward(), fresh.backward())


def test_integer_classes_are_one_hot_probabilities():
    for reduction in REDUCTIONS:
        a, b = (rp.CrossEntropy(reduction=reduction) for _ in range(2))
        assert_allclose(a.forward(X, CLASSES), b.forward(X, np.eye(3)[CLASSES]), rtol=1e-14)
        assert_allclose(a.backward(), b.backward(), rtol=1e-12, atol=1e-16)


def test_cross_entropy_is_nll_after_log_softmax():
    softmax, nll, loss = rp.LogSoftmax(), rp.NLL(WEIGHT), rp.CrossEntropy(WEIGHT)
    assert_allclose(nll.forward(softmax.forward(X), CLASSES), loss.forward(X, CLASSES), rtol=1e-14)
    assert_allclose(softmax.backward(nll.backward()), loss.backward(), rtol=1e-12, atol=1e-16)


def test_class_weights_belong_to_the_loss():
    weight = np.array(WEIGHT)
    loss = rp.NLL(weight)
    before = loss.forward(np.log(P), CLASSES)
    weight[:] = 1
    assert loss.forward(np.log(P), CLASSES) == before
    assert repr(loss) == "NLL(weight=[0.5, 2.0, 3.0])"


# Shapes and values


@pytest.mark.parametrize("build", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [((5, 1), (5,)), ((5,), (5, 1)), ((1, 1), (1,)), ((1,), (1, 1))], ids=str)
def test_n_by_1_and_n_count_as_the_same_shape(build, shapes):
    prediction, target = P[:, 0][:shapes[0][0]].reshape(shapes[0]), BITS[:, 0][:shapes[0][0]].reshape(shapes[1])
    loss, other = build(reduction="none"), build(reduction="none")
    costs = loss.forward(prediction, target)
    assert costs.shape == prediction.shape == loss.backward().shape
    assert_array_equal(costs, other.forward(prediction, target.reshape(prediction.shape)))


@pytest.mark.parametrize("build", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [
    ((5, 3), (5,)), ((5, 3), (3,)), ((5, 3), (5, 1)), ((5, 3), (1, 3)), ((5, 3), (3, 5)), ((5, 3), (15,)), ((5, 3), ()),
    ((5,), (1, 5)), ((1, 5), (5,)), ((5, 1), (1, 5)), ((5,), (1,)), ((5, 1, 1), (5,)), ((5, 1), (5, 1, 1)), ((), (1,)),
], ids=str)
def test_nothing_is_broadcast(build, shapes):
    shape, other = shapes
    with refuses(ShapeError, f"{build()!r}: target must have the shape of the prediction, {shape}, got {other}"):
        build().forward(np.full(shape, 0.5), np.ones(other))


@pytest.mark.parametrize("build", [rp.CrossEntropy, rp.NLL])
def test_classes_must_fit_the_predictions(build):
    loss = build()
    with refuses(ShapeError, f"{loss!r}: prediction must have shape (N, K), got (5,)"):
        loss.forward(X[:, 0], CLASSES)
    with refuses(ShapeError, f"{loss!r}: target must have shape (5,), got (4,)"):
        loss.forward(X, CLASSES[:4])
    with refuses(ShapeError, f"{loss!r}: target must have shape (5,), got (1, 5)"):
        loss.forward(X, CLASSES[None])
    with refuses(DtypeError, f"{loss!r}: target must be integer classes of shape (5,), got float64 of shape (5,); labels "
                 "that are whole floats want y.astype(int)"):
        loss.forward(X, CLASSES.astype(float))
    with refuses(ShapeError, f"{build(WEIGHT)!r}: prediction must have shape (N, 3), got (5, 2)"):
        build(WEIGHT).forward(X[:, :2], CLASSES % 2)
    for same in (CLASSES[:, None].astype("uint8"), CLASSES.tolist()):
        assert loss.forward(X, same) == loss.forward(X, CLASSES)


@pytest.mark.parametrize("build", [rp.CrossEntropy, rp.NLL])
@pytest.mark.parametrize("label", [-1, 3, -3, 2**62])
def test_classes_out_of_range(build, label):
    y = np.array([0, 1, 2, 1, label])
    with refuses(DataError, f"{build()!r}: classes must be in 0..2, got values from {y.min()} to {y.max()}"):
        build().forward(X, y)


@pytest.mark.parametrize(("build", "x"), [(rp.BCE, P), (rp.BCEWithLogits, X), (rp.CrossEntropy, X)])
@pytest.mark.parametrize(("label", "span"), [(-1, "-1 to 1"), (1.25, "0 to 1.25"), (np.nan, "nan to nan")])
def test_targets_out_of_range(build, x, label, span):
    y = BITS.copy()
    y[3, 1] = label
    with refuses(DataError, f"{build()!r}: targets must be in [0, 1], got values from {span}"):
        build().forward(x, y)


@pytest.mark.parametrize("label", [-1, 0.5, 2, np.nan])
def test_hinge_takes_0_and_1_only(label):
    with refuses(DataError, f"Hinge(): targets must be 0 or 1, got {np.unique([0.0, 1.0, label]).tolist()}"):
        rp.Hinge().forward([0.5, 1.5, 2.5], [0, 1, label])


@pytest.mark.parametrize(("p", "span"), [(-1e-9, "-1e-09 to 0.5"), (1 + 1e-9, "0.5 to 1.000000001"), (20, "0.5 to 20")])
def test_bce_takes_probabilities_only(p, span):
    with refuses(DataError, f"BCE(): predictions must be probabilities in [0, 1], got values from {span}; end the network "
                            "with Sigmoid"):
        rp.BCE().forward([p, 0.5], [0, 1])


# Extreme values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bce_at_0_and_1_and_one_ulp_from_them(dtype):
    """The logarithms are at least -100; the gradient is (p - y) / max(p (1 - p), 1e-12)."""
    zero, one = np.array([0, 1], dtype)
    tiny, below = np.nextafter(zero, one), np.nextafter(one, zero)
    p = np.array([zero, zero, one, one, tiny, tiny, below, below])
    y = np.array([0, 1] * 4, dtype)
    loss, ulp = rp.BCE("none"), float(one - below)
    assert_allclose(loss.forward(p, y), [0, 100, 100, 0, 0, 100, -np.log(ulp), ulp], rtol=1e-6, atol=1e-30)
    spread = max(ulp * (1 - ulp), 1e-12)
    derivatives = [0, -1e12, 1e12, 0, 0, -1e12, (1 - ulp) / spread, -ulp / spread]
    assert_allclose(loss.backward(), derivatives, rtol=1e-6, atol=1e-30)
    assert_allclose(loss.forward(np.array([1e-10], dtype), [0]), 1e-10, rtol=1e-6)      # log1p, not log(1 - p)


def test_bce_with_logits_far_out():
    x, y = np.array([800, 800, -800, -800, 1e4, -1e4, 0.0]), np.array([0, 1, 0, 1, 0, 1, 0.25])
    loss = rp.BCEWithLogits("none")
    assert_allclose(loss.forward(x, y), [800, 0, 0, 800, 1e4, 1e4, np.log(2)], rtol=1e-15)
    assert_allclose(loss.backward(), [1, 0, 0, -1, 1, -1, 0.25], rtol=1e-15)
    tail = np.array([-80, -40, -20], "float32")
    assert_allclose(loss.forward(tail, np.zeros(3)), np.exp(tail.astype(float)), rtol=1e-5)
    assert_allclose(loss.backward(), np.exp(tail.astype(float)), rtol=1e-5)


def test_a_saturated_sigmoid_hides_the_gradient_that_logits_show():
    """The case in the docstring of BCE: x = 20, y = 0, float32."""
    x, y = np.float32([[20]]), [[0]]
    sigmoid, bce, logits = rp.Sigmoid(), rp.BCE(), rp.BCEWithLogits()
    bce.forward(sigmoid.forward(x), y)
    logits.forward(x, y)
    assert sigmoid.backward(bce.backward()) == 0
    assert_allclose(logits.backward(), 1, rtol=1e-6)


def test_cross_entropy_far_out():
    x, y = np.array([[800, -800, 0], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]]), [1, 0, 2]
    loss = rp.CrossEntropy(reduction="none")
    assert_allclose(loss.forward(x, y), [1600, np.log(2), np.log(3)], rtol=1e-15)
    assert_allclose(loss.backward(), [[1, -1, 0], [-0.5, 0.5, 0], [1 / 3, 1 / 3, -2 / 3]], rtol=1e-15, atol=1e-300)


# The contract


@every_loss
@every_reduction
def test_dtypes(build, x, y, divisor, reduction):
    """A cost is a Python float (or an array of the prediction's dtype), a gradient has the prediction's dtype."""
    for dtype in ("float32", "float64"):
        loss = build(reduction=reduction)
        cost = loss.forward(x.astype(dtype), y)
        assert cost.dtype == dtype if reduction == "none" else type(cost) is float
        assert loss.backward().dtype == loss.gradient.dtype == dtype
        assert loss.backward(np.ones(np.shape(cost), "float64")).dtype == dtype
    loss.forward(np.ones((5, 3), int), y if "NLL" not in repr(loss) else CLASSES)
    assert loss.backward().dtype == np.float32


@every_loss
@every_reduction
def test_backward_returns_new_arrays_is_idempotent_and_writes_into_out(build, x, y, divisor, reduction):
    loss = build(reduction=reduction)
    x, y = x.copy(), y.copy()
    given = x.copy(), y.copy()
    cost = loss.forward(x, y)
    one, two, out = loss.backward(), loss.backward(), np.full_like(x, np.nan)
    assert loss.backward(out=out) is out
    assert_array_equal(one, two)
    assert_array_equal(one, out)
    assert not any(np.shares_memory(one, other) for other in (two, x, y))
    held = np.copy(one), np.copy(cost)
    loss.forward(x[::-1].copy(), y)
    loss.backward()
    for now, before in zip((one, cost, x, y), (*held, *given), strict=True):
        assert_array_equal(now, before)
    assert loss.update() is None


@every_loss
def test_phases_in_their_order(build, x, y, divisor):
    loss = build()
    with refuses(PhaseError, f"{loss!r}: no forward has run: call forward(x) first"):
        loss.backward()
    loss.forward(x, y)
    with refuses(PhaseError, f"{loss!r}: no backward has run since the last forward: call backward(g) first"):
        loss.update()
    loss.backward()
    loss.forward(x, y)
    with refuses(PhaseError, f"{loss!r}: no backward has run since the last forward: call backward(g) first"):
        loss.update()


@every_loss
def test_preserved_evaluation_leaves_a_loss_as_it_was(build, x, y, divisor):
    loss = build()
    loss.forward(x, y)
    gradient = loss.backward()
    with loss.preserved_evaluation():
        loss.forward(x[:2], y[:2])
    assert_array_equal(loss.backward(), gradient)


def test_a_loss_must_write_costs():
    with refuses(NotImplementedError, "Loss must implement costs(prediction, target)"):
        rp.Loss().forward(X, P)


def test_a_changed_reduction_or_weight_holds_from_the_next_forward():
    """The old divisor is gone, and backward must not use the old forward."""
    x, y = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    loss = rp.CrossEntropy([0.5, 2, 1])
    loss.forward(x, y)
    changes = ("reduction", "sum"), ("weight", None), ("reduction", "mean"), ("weight", [1, 2, 3]), ("reduction", "none")
    twins = [rp.CrossEntropy([0.5, 2, 1], "sum"), rp.CrossEntropy(None, "sum"), rp.CrossEntropy(), rp.CrossEntropy([1, 2, 3]),
             rp.CrossEntropy([1, 2, 3], "none")]
    for (name, value), twin in zip(changes, twins, strict=True):
        setattr(loss, name, value)
        with pytest.raises(PhaseError):
            loss.backward()
        assert_array_equal(loss.forward(x, y), twin.forward(x, y))
        assert_array_equal(loss.backward(), twin.backward())
        assert repr(loss) == repr(twin)
    with pytest.raises(rp.ArgumentError, match=r"^reduction must be one of 'mean', 'sum', 'none', got 'max'$"):
        loss.reduction = "max"
    assert loss.reduction == "none"
