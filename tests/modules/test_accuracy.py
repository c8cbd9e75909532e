"""How exact modules and losses are: compared with mpmath, and for sums of many numbers with exact ones."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.testing import assert_allclose

import retroprop as rp

RNG = np.random.default_rng(2018)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def sigma(x):
    return 1 / (1 + mpmath.exp(-x))


def cdf(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def inputs(dtype):
    """Numbers from -100 to 100, dense near 0 and where exponentials are subnormal."""
    powers = 10.0 ** np.arange(-30, 0)
    return np.concatenate([np.linspace(-100, 100, 401), RNG.normal(0, 1.5, 100), powers, -powers, np.linspace(-105, -86, 77),
                           np.linspace(-15, -12, 31), np.linspace(-39, -36, 31)]).astype(dtype)


def errors(got, exact, scale=None):
    """Return the errors in units in the last place of ``exact``, or of ``scale``, which may be subnormal."""
    kind = np.finfo(got.dtype)
    least = mpf(float(kind.smallest_subnormal))
    return np.array([float(abs(mpf(float(a)) - b) / max(abs(c) * mpf(float(kind.eps)), least))
                     for a, b, c in zip(got.ravel(), exact, scale or exact, strict=True)])


def leaky(slope):
    return lambda x: x if x > 0 else mpf(slope) * x, lambda x: mpf(1) if x > 0 else mpf(slope)


def elu(alpha):
    return lambda x: x if x > 0 else alpha * mpmath.expm1(x), lambda x: mpf(1) if x > 0 else alpha * mpmath.exp(x)


def one(x):
    return mpf(1)


def zero(x):
    return mpf(0)


# The module, its value and derivative, and what the derivative is the difference of: it is as exact as these terms.
ACTIVATIONS = [
    (rp.Identity(), lambda x: x, one, zero),
    (rp.Sigmoid(), sigma, lambda x: sigma(x) * sigma(-x), lambda x: 1 if x > 0 else 0),
    (rp.Tanh(), mpmath.tanh, lambda x: mpmath.sech(x) ** 2, one),
    (rp.ReLU(), lambda x: max(x, 0), lambda x: mpf(x > 0), zero),
    (rp.LeakyReLU(0.25), *leaky(0.25), zero),
    (rp.ELU(), *elu(1), zero),
    (rp.ELU(0.75), *elu(0.75), zero),
    (rp.GELU(), lambda x: x * cdf(x), lambda x: cdf(x) + x * normal(x), lambda x: x * normal(x)),
    (rp.SiLU(), lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * sigma(-x)), lambda x: sigma(x) * max(x, 1)),
    (rp.Softplus(), lambda x: mpmath.log1p(mpmath.exp(x)), sigma, zero),
    (rp.Softsign(), lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, zero),
    (rp.HardTanh(), lambda x: min(max(x, -1), 1), lambda x: mpf(abs(x) < 1), zero),
]


@DTYPES
@pytest.mark.parametrize(("module", "value", "slope", "terms"), ACTIVATIONS, ids=[repr(row[0]) for row in ACTIVATIONS])
def test_values_and_derivatives_are_right_to_a_few_units_in_the_last_place(module, value, slope, terms, dtype):
    """Relative to the result, also where it is subnormal. In its exponent, GELU squares x, whose rounding counts x² times."""
    x = inputs(dtype)
    y, derivative = module.forward(x), module.backward(np.ones_like(x))
    with mpmath.workdps(40):
        exact = [mpf(float(number)) for number in x]
        bound = 4 + (x.astype(float) ** 2 if isinstance(module, rp.GELU) else 0)
        slopes = [slope(number) for number in exact]
        assert (errors(y, [value(number) for number in exact]) <= bound).all()
        scale = [max(abs(s), abs(terms(number))) for s, number in zip(slopes, exact, strict=True)]
        assert (errors(derivative, slopes, scale) <= 2 * bound).all()


def test_the_slope_of_elu_in_the_left_tail():
    """``y + alpha`` would be 5.96e-8 and 0: y is rounded to -1."""
    elu = rp.ELU()
    elu.forward(np.array([-17, -20], "float32"))
    assert_allclose(elu.backward(np.ones(2, "float32")), [4.1399377e-8, 2.0611536e-9], rtol=3e-7)


def test_gates_close_far_to_the_left():
    x = np.array([-1e38, -1e10, -1e4], "float32")
    for module in (rp.SiLU(), rp.GELU(), rp.Sigmoid()):
        assert not module.forward(x).any()
        assert not module.backward(np.ones_like(x)).any()


@DTYPES
def test_log_softmax_is_exact_where_one_class_has_all(dtype):
    """log y is not 0, and neither is its derivative 1 - y with respect to the largest input."""
    gaps = np.array([0, 1, 5, 20, 40, 80], dtype)
    x = np.stack([gaps, np.zeros_like(gaps)], 1)
    module = rp.LogSoftmax()
    y = module.forward(x)
    gx = module.backward(np.tile(np.array([1, 0], dtype), (6, 1)))
    with mpmath.workdps(60):
        for k, gap in enumerate(gaps):
            small = mpmath.exp(-mpf(float(gap)))
            assert max(errors(y[k], [-mpmath.log1p(small), -float(gap) - mpmath.log1p(small)])) <= 4
            assert max(errors(gx[k], [small / (1 + small), -small / (1 + small)])) <= 8


TARGETS = np.array([1, 1, 1, 0, 0, 0.25, 0.75, 1, 0])
LOGITS = np.array([20, 3, 90, -20, -70, 30, -30, -5, 0])


@DTYPES
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_binary_cross_entropy_of_good_predictions_is_relatively_exact(dtype, reduction):
    """In float32 the plain formula gives 0 for x = 20 and y = 1; it is 2.06e-9."""
    for part in (slice(None), *(slice(k, k + 1) for k in range(len(LOGITS)))):
        if reduction == "mean" and part == slice(None):
            continue
        loss, x, y = rp.BCEWithLogits(reduction), LOGITS[part].astype(dtype), TARGETS[part].astype(dtype)
        costs, derivatives = np.atleast_1d(loss.forward(x, y)).astype(dtype), loss.backward()
        with mpmath.workdps(60):
            pairs = [(mpf(float(a)), mpf(float(b))) for a, b in zip(x, y, strict=True)]
            bound = 4 if reduction == "none" or costs[0] < loss.exact_below else 32     # there, x is in an exponent
            assert max(errors(costs, [b * mpmath.log1p(mpmath.exp(-a)) + (1 - b) * mpmath.log1p(mpmath.exp(a))
                                      for a, b in pairs])) <= bound
            assert max(errors(derivatives, [(1 - b) * sigma(a) - b * sigma(-a) for a, b in pairs])) <= bound


@DTYPES
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weight", [None, [0.5, 2, 1]])
@pytest.mark.parametrize("one_hot", [False, True])
def test_cross_entropy_of_good_predictions_is_relatively_exact(dtype, reduction, weight, one_hot):
    x, y = np.array([[20, 0, -3], [-40, 1, -30], [2, 2, 40]], dtype), np.array([0, 1, 2])
    loss = rp.CrossEntropy(weight, reduction)
    costs = loss.forward(x, np.eye(3)[y] if one_hot else y)
    gradient = loss.backward()
    wide = x.astype(float) - x.max(1, keepdims=True)
    others = np.exp(wide) * (1 - np.eye(3)[y])
    share = np.ones(3) if weight is None else np.array(weight)[y]
    exact = share * np.log1p(others.sum(1))
    p = (others - others.sum(1, keepdims=True) * np.eye(3)[y]) / (1 + others.sum(1, keepdims=True))
    divisor = 1 if reduction != "mean" else share.sum() if not one_hot else 3
    assert_allclose(costs, exact if reduction == "none" else exact.sum() / divisor, rtol=4 * np.finfo(dtype).eps)
    assert_allclose(gradient, share[:, None] * p / divisor, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_the_scale_of_class_weights_is_no_rounding(reduction, one_hot, scale):
    """A small cost of a large weight is as exact as one of weight 1."""
    x, y = np.array([[15, 0], [0, 14], [12, 0]], "float32"), np.array([0, 1, 0])
    gradients = []
    for factor in (1, scale):
        loss = rp.CrossEntropy([2.0 * factor, factor], reduction)
        cost = loss.forward(x, np.eye(2)[y] if one_hot else y)
        gradients.append(loss.backward())
        divisor = 1 if reduction == "sum" else 3 if one_hot else 5 * factor
        exact = factor * (np.array([2, 1, 2]) * np.log1p(np.exp([-15.0, -14, -12]))).sum() / divisor
        assert_allclose(cost, exact, rtol=1e-6)
    assert_allclose(gradients[1], gradients[0] * (scale if one_hot or reduction == "sum" else 1), rtol=1e-6)


def test_small_and_large_costs_follow_one_formula():
    """The exact form is that of means below 2**-6; both forms agree around it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 8, (50, 1)), rng.integers(0, 2, (50, 1)).astype(float)
    for loss, inputs in ((rp.BCEWithLogits(), (x, y)), (rp.CrossEntropy(), (np.hstack([-x, x]), y[:, 0].astype(int)))):
        cost, gradient = loss.forward(*inputs), loss.backward()
        loss._small_total = np.inf
        assert_allclose(loss.forward(*inputs), cost, rtol=1e-13)
        assert_allclose(loss.backward(), gradient, rtol=1e-9, atol=1e-17)


def test_a_loss_derived_from_another_is_computed_from_its_own_costs():
    class Focal(rp.BCEWithLogits):
        def costs(self, prediction, target):
            return 2 * super().costs(prediction, target)

        def derivatives(self):
            return 2 * super().derivatives()

    x, y = np.array([9.0, -8.0]), np.array([1.0, 0.0])
    for reduction in ("mean", "none"):
        loss, focal = rp.BCEWithLogits(reduction), Focal(reduction)
        assert_allclose(focal.forward(x, y), 2 * np.array(loss.forward(x, y)), rtol=1e-10)
        assert_allclose(focal.backward(), 2 * loss.backward(), rtol=1e-10)


# Sums of many numbers


@pytest.mark.parametrize("shape", [(1000, 2), (1000, 1, 1, 1), (1000, 3, 2, 2), (10, 3, 10, 10), (100_000, 2)], ids=str)
def test_batchnorm_of_a_constant_is_zero(shape):
    """The mean is not exactly the constant, and the difference is divided by √eps."""
    norm = rp.BatchNorm(shape[1])
    assert np.abs(norm.forward(np.full(shape, 14.62, "float32"))).max() <= 2e-4
    assert_allclose(norm.running_mean, 1.462, rtol=1e-6)
    assert np.abs(norm.point.centred).max() <= 1e-6


def test_layernorm_of_a_constant_is_zero():
    assert np.abs(rp.LayerNorm(100).forward(np.full((3, 100), 70000.3, "float32"))).max() <= 1e-3


@pytest.mark.parametrize("build", [
    lambda: (rp.Linear(2, 3, rng=0), (1_000_000, 2)), lambda: (rp.Linear(1, 3, rng=0), (300_001, 1)),
    lambda: (rp.Linear(2, 1, rng=0), (300_001, 2)), lambda: (rp.Linear(1, 1, rng=0), (5000, 1)),
    lambda: (rp.LayerNorm(3), (300_001, 3)), lambda: (rp.BatchNorm(3), (300_001, 3)),
    lambda: (rp.Conv2d(1, 2, 1, rng=0), (3000, 1, 10, 10)),
])
def test_gradients_of_very_many_equal_rows_add_up(build):
    """A plain float32 sum over a million equal rows is .35 % off."""
    module, shape = build()
    x = np.resize(np.array([0.3, -0.1, 0.7], "float32"), shape)
    g = np.full(module.forward(x).shape, 0.1, "float32")
    module.backward(g)
    module.update()
    n = g.size // module.bias.data.size
    assert_allclose(module.bias.grad, np.full(module.bias.shape, n * float(np.float32(0.1))), rtol=2e-5)
    if isinstance(module, rp.Linear):
        exact = np.einsum("no,ni->oi", g.astype(float), x.astype(float))
        assert_allclose(module.weight.grad, exact, rtol=5e-5, atol=1e-5 * n * 0.01)


def test_batchnorm_of_very_many_rows_has_their_variance():
    x = np.tile(np.array([[1.0, 5.0], [3.0, 5.5]], "float32"), (250_000, 1))
    norm = rp.BatchNorm(2, momentum=1)
    norm.forward(x)
    assert_allclose(norm.running_mean, [2, 5.25], rtol=1e-5)
    assert_allclose(norm.running_var, [1, 0.0625], rtol=1e-4)
