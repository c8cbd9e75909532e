"""Weights of examples: the cost is the weighted mean, and its gradient; a weight of 2 is the example taken twice."""

import numpy as np
import pytest

import retroprop as rp

RNG = np.random.default_rng(0)
N, K = 6, 3
P, BITS = RNG.uniform(0.05, 0.95, (N, K)), RNG.integers(2, size=(N, K)).astype(float)
X, CLASSES = RNG.standard_normal((N, K)), np.array([0, 1, 2, 2, 1, 0])
SHARES = np.abs(X) / np.abs(X).sum(1, keepdims=True)
WEIGHT = np.array([1.0, 0, 2, 3, 1, 2])
TWICE = np.repeat(np.arange(N), WEIGHT.astype(int))
CLASS_WEIGHTS = np.array([0.5, 2, 1])


class PerExample(rp.Loss):
    """A loss of a user's: one cost for each example."""

    def costs_shape(self, shape):
        return shape[:1]

    def costs(self, prediction, target):
        self.point = prediction - target
        return (self.point**2).sum(1)

    def derivatives(self):
        return 2 * self.point


LOSSES = [
    (lambda **o: rp.MSE(**o), X, SHARES), (lambda **o: rp.L1(**o), X, SHARES), (lambda **o: rp.Huber(0.5, **o), X, SHARES),
    (lambda **o: rp.BCE(**o), P, BITS), (lambda **o: rp.BCEWithLogits(**o), X, BITS), (lambda **o: rp.Hinge(**o), X, BITS),
    (lambda **o: rp.CrossEntropy(**o), X, CLASSES), (lambda **o: rp.CrossEntropy(CLASS_WEIGHTS, **o), X, CLASSES),
    (lambda **o: rp.CrossEntropy(CLASS_WEIGHTS, **o), X, SHARES), (lambda **o: rp.CrossEntropy(**o), 40 * BITS, SHARES),
    (lambda **o: rp.NLL(**o), np.log(P), CLASSES), (lambda **o: rp.NLL(CLASS_WEIGHTS, **o), np.log(P), CLASSES),
    (lambda **o: rp.MSE(**o), X[:, 0], SHARES[:, 0]), (PerExample, X, SHARES),
    (lambda **o: rp.CrossEntropy(**o), 30 * np.eye(K)[CLASSES], CLASSES),                   # costs that need exact_costs
    (lambda **o: rp.BCEWithLogits(**o), 30 * (2 * BITS - 1), BITS)]
IDS = [f"{build()!r} {y.dtype} {k}" for k, (build, _, y) in enumerate(LOSSES)]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("build", "x", "y"), LOSSES, ids=IDS)
def test_a_weight_counts_how_often_an_example_is_taken(build, x, y, reduction):
    loss, repeated = build(reduction=reduction), build(reduction=reduction)
    expected = repeated.forward(x[TWICE], y[TWICE])
    assert loss.forward(x, y, WEIGHT) == pytest.approx(expected, rel=1e-12)
    assert loss.divisor == pytest.approx(repeated.divisor)
    gradient = np.zeros_like(x)
    np.add.at(gradient, TWICE, repeated.backward())
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-12, atol=1e-15)
    tangent = RNG.standard_normal(x.shape)
    assert loss.jvp(tangent) == pytest.approx((gradient * tangent).sum(), rel=1e-9, abs=1e-15)


@pytest.mark.long                                                   # the import
def test_the_weighted_means_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the extra scikit-learn")
    weight = np.array([0.3, 0.0, 2.5, 1.25, 4.0, 0.7])
    probabilities = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    for found, expected in [
        (rp.MSE().forward(X, SHARES, weight), metrics.mean_squared_error(SHARES, X, sample_weight=weight)),
        (rp.L1().forward(X, SHARES, weight), metrics.mean_absolute_error(SHARES, X, sample_weight=weight)),
        (rp.CrossEntropy().forward(X, CLASSES, weight), metrics.log_loss(CLASSES, probabilities, sample_weight=weight)),
        (rp.BCE().forward(P[:, 0], BITS[:, 0], weight), metrics.log_loss(BITS[:, 0], P[:, 0], sample_weight=weight)),
        (rp.Hinge().forward(X[:, 0], BITS[:, 0], weight), metrics.hinge_loss(BITS[:, 0], X[:, 0], sample_weight=weight)),
        (rp.CrossEntropy(CLASS_WEIGHTS).forward(X, CLASSES, weight),
         metrics.log_loss(CLASSES, probabilities, sample_weight=weight * CLASS_WEIGHTS[CLASSES]))]:
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("build", "x", "y"), LOSSES, ids=IDS)
def test_single_costs_are_multiplied_and_without_weights_nothing_is_left_of_them(build, x, y):
    loss, plain = build(reduction="none"), build(reduction="none")
    costs = plain.forward(x, y)
    beside = WEIGHT.reshape(-1, *(1,) * (costs.ndim - 1))
    np.testing.assert_allclose(loss.forward(x, y, WEIGHT), costs * beside, rtol=1e-12)
    np.testing.assert_allclose(loss.backward(), plain.backward() * WEIGHT.reshape(-1, *(1,) * (x.ndim - 1)), rtol=1e-12)
    for each in (loss, build()):
        each.forward(x, y, WEIGHT)
        again = build(reduction=each.reduction)
        np.testing.assert_array_equal(each.forward(x, y), again.forward(x, y))
        np.testing.assert_array_equal(each.backward(), again.backward())
        assert each.divisor == again.divisor


@pytest.mark.parametrize("loss", [rp.MSE(), rp.CrossEntropy(), rp.CrossEntropy(CLASS_WEIGHTS), rp.BCE()], ids=repr)
def test_a_batch_of_weight_0_costs_nothing(loss):
    x, y = (P, CLASSES) if isinstance(loss, rp.CrossEntropy) else (P, BITS)
    assert loss.forward(x, y, np.zeros(N)) == loss.divisor == 0
    assert not loss.backward().any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("build", "x", "y"), LOSSES, ids=IDS)
def test_an_example_of_weight_0_adds_nothing_whatever_its_prediction(build, x, y, reduction):
    loss, without, kept = build(reduction=reduction), build(reduction=reduction), WEIGHT > 0
    wild = x.astype(float)
    wild[~kept] = np.nan if isinstance(loss, rp.BCE) else -np.inf
    with np.errstate(invalid="ignore"):                             # as without weights
        cost, gradient = loss.forward(wild, y, WEIGHT), loss.backward()
    np.testing.assert_array_equal(cost[kept] if reduction == "none" else cost, without.forward(x[kept], y[kept], WEIGHT[kept]))
    np.testing.assert_array_equal(gradient[kept], without.backward())
    assert not gradient[~kept].any()
    assert not np.any(cost[~kept] if reduction == "none" else 0)


@pytest.mark.parametrize("loss", [rp.NLL(), rp.NLL([0, 1])], ids=repr)
def test_an_impossible_class_of_weight_0_costs_nothing(loss):
    x, y = np.array([[-np.inf, 0.0], [-2.0, -0.1]]), [0, 1]
    assert loss.forward(x, y, [0, 1]) == 0.1
    if loss.weight is not None:
        assert loss.forward(x, y) == 0.1
    np.testing.assert_array_equal(loss.backward(), [[0, 0], [0, -1]])


@pytest.mark.parametrize(("weight", "kind", "text"), [
    ([1, 2], rp.ShapeError, "MSE(): weight must have shape (6,), a number for each example, got (2,)"),
    (2.0, rp.ShapeError, "weight must have shape (6,), a number for each example, got ()"),
    (X, rp.ShapeError, "weight must have shape (6,), a number for each example, got (6, 3)"),
    (WEIGHT - 1, rp.DataError, "MSE(): weight must hold finite numbers of at least 0, got -1 to 2"),
    ([1, np.nan, 0, 0, 0, 0], rp.DataError, "weight must hold finite numbers of at least 0, got nan to nan"),
    (["a"] * N, rp.DtypeError, "weight must be real numbers, got <U1")], ids=str)
def test_wrong_weights_are_refused_and_nothing_has_changed(weight, kind, text):
    loss = rp.MSE()
    cost = loss.forward(X, SHARES)
    before = loss.backward()
    with pytest.raises(kind) as caught:
        loss.forward(2 * X, SHARES, weight)
    assert text in str(caught.value)
    np.testing.assert_array_equal(loss.backward(), before)
    assert loss.forward(X, SHARES) == cost


def test_a_tape_sees_the_weights():
    loss = rp.MSE()
    with rp.tape(loss) as tape:
        loss.forward(X, SHARES, WEIGHT)
    assert [tensor.shape for tensor in tape.records[0].inputs] == [(N, K), (N, K), (N,)]
