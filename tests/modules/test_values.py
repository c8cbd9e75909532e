"""The values of single modules, compared with formulas in float64 and with results computed by hand."""

import math
import re

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, ShapeError

EPS, TINY = np.finfo("float32").eps, np.finfo("float32").tiny
erfc = np.vectorize(math.erfc)


def sigma(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def phi(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def cdf(x):
    return erfc(-x / math.sqrt(2)) / 2


ACTIVATIONS = [                                                     # module, value, derivative
    (rp.Identity(), lambda x: x, np.ones_like),
    (rp.Sigmoid(), sigma, lambda x: sigma(x) * sigma(-x)),
    (rp.Tanh(), np.tanh, lambda x: 4 * sigma(2 * x) * sigma(-2 * x)),
    (rp.ReLU(), lambda x: np.maximum(x, 0), lambda x: x > 0),
    (rp.LeakyReLU(), lambda x: np.where(x > 0, x, x / 100), lambda x: np.where(x > 0, 1, 0.01)),
    (rp.LeakyReLU(0.3), lambda x: np.where(x > 0, x, 0.3 * x), lambda x: np.where(x > 0, 1, 0.3)),
    (rp.ELU(), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    (rp.ELU(0.3), lambda x: np.where(x > 0, x, 0.3 * np.expm1(np.minimum(x, 0))),
     lambda x: np.where(x > 0, 1, 0.3 * np.exp(np.minimum(x, 0)))),
    (rp.GELU(), lambda x: x * cdf(x), lambda x: cdf(x) + x * phi(x)),
    (rp.SiLU(), lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * sigma(-x))),
    (rp.Softplus(), lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), sigma),
    (rp.Softsign(), lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    (rp.HardTanh(), lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) < 1),
]
FUNCTIONS = pytest.mark.parametrize(("module", "value", "slope"), ACTIVATIONS, ids=[repr(row[0]) for row in ACTIVATIONS])
WIDE = np.concatenate([np.linspace(-80, 80, 4001), numbers(2000), [1e-30, -1e-30, 1e-8, -1e-8]]).astype("float32")


@FUNCTIONS
def test_float32_values_are_right_to_a_few_ulp_in_both_tails(module, value, slope):
    """The relative error is small even for the tiny values of Sigmoid, GELU, SiLU and Softplus at negative inputs."""
    expected = value(WIDE.astype(float))
    error = np.abs(module.forward(WIDE) - expected) / np.maximum(np.abs(expected), TINY)
    assert error.max() <= 8 * EPS


@FUNCTIONS
def test_float32_derivatives_are_right_to_a_few_ulp_of_one(module, value, slope):
    module.forward(WIDE)
    assert_allclose(module.backward(np.ones_like(WIDE)), slope(WIDE.astype(float)), rtol=0, atol=10 * EPS)


@FUNCTIONS
def test_float64_values_and_derivatives(module, value, slope):
    x = np.linspace(-30, 30, 1000)
    assert_allclose(module.forward(x), value(x), rtol=1e-12, atol=1e-200)
    assert_allclose(module.backward(np.ones_like(x)), slope(x), rtol=0, atol=1e-14)


@FUNCTIONS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_overflows_far_out(module, value, slope, dtype):
    x = np.array([-1e15, -1e4, -800, -100, 0, 100, 800, 1e4, 1e15]).astype(dtype)
    wide = x.astype(float)
    assert_allclose(module.forward(x), value(np.clip(wide, -1e15, 1e15)), rtol=8 * EPS, atol=1e-20)
    assert_allclose(module.backward(np.ones_like(x))[wide != 0], slope(wide)[wide != 0], atol=1e-6)


def test_derivatives_at_the_kinks():
    for module, x, expected in ((rp.ReLU(), [0.0, -0.0], [0, 0]), (rp.LeakyReLU(0.2), [0.0, -0.0], [0.2, 0.2]),
                                (rp.HardTanh(), [-1.0, 1.0], [0, 0]), (rp.ELU(0.5), [0.0], [0.5]), (rp.ELU(), [0.0], [1])):
        module.forward(np.array(x))
        assert_allclose(module.backward(np.ones(len(x))), expected, rtol=1e-15)


# Softmax


def test_softmax_adds_up_to_one_and_is_invariant_to_a_shift():
    x = numbers(5, 3)
    y = rp.Softmax().forward(x)
    assert_allclose(y, np.exp(x) / np.exp(x).sum(1, keepdims=True), rtol=1e-14)
    assert_allclose(y.sum(1), np.ones(5), rtol=1e-14)
    assert_allclose(rp.Softmax().forward(x + 1000), y, rtol=1e-12)
    assert_allclose(rp.LogSoftmax().forward(x), np.log(y), rtol=1e-13)


def test_softmax_of_far_logits():
    x = np.array([[0, 1000, -1000], [-1e30, 0, -1e30]], "float32")
    assert_array_equal(rp.Softmax().forward(x), [[0, 1, 0], [0, 1, 0]])
    assert_array_equal(rp.LogSoftmax().forward(x), [[-1000, 0, -2000], [np.float32(-1e30), 0, np.float32(-1e30)]])


# BatchNorm and LayerNorm


def test_batchnorm_by_hand():
    """For the values 1, 3, 5, 7 it normalizes with the biased variance, 5, and averages the unbiased one, 20/3."""
    norm, x = rp.BatchNorm(2, eps=1e-3, momentum=0.1, dtype="float64"), np.array([[1.0, 2], [3, 2], [5, 2], [7, 2]])
    norm.weight.data, norm.bias.data = [2, 3], [0.5, -1]
    assert_allclose(norm.forward(x)[:, 0], 2 * (x[:, 0] - 4) / math.sqrt(5 + 1e-3) + 0.5, rtol=1e-14)
    assert_allclose(norm.forward(x)[:, 1], -1, rtol=1e-14)
    mean, var = [4, 2], np.array([20 / 3, 0])
    expected_mean, expected_var = np.zeros(2), np.ones(2)
    for _ in range(2):
        expected_mean, expected_var = 0.9 * expected_mean + 0.1 * np.array(mean), 0.9 * expected_var + 0.1 * var
    assert_allclose(norm.running_mean, expected_mean, rtol=1e-14)
    assert_allclose(norm.running_var, expected_var, rtol=1e-14)
    y = norm.eval().forward(x)
    assert_allclose(y, [2, 3] * (x - expected_mean) / np.sqrt(expected_var + 1e-3) + [0.5, -1], rtol=1e-14)
    assert_allclose(norm.running_mean, expected_mean, rtol=1e-14)


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 2, 4)])
def test_batchnorm_can_average_the_variance_that_normalizes(shape):
    """As Keras, Flax and ONNX do; the outputs in training are the same."""
    x, biased, unbiased = numbers(*shape), rp.BatchNorm(3, dtype="float64", unbiased=False), rp.BatchNorm(3, dtype="float64")
    assert_array_equal(biased.forward(x), unbiased.forward(x))
    assert_allclose(biased.running_var, 0.9 + 0.1 * x.var((0, *range(2, x.ndim))), rtol=1e-12)
    assert repr(biased) == "BatchNorm(3, unbiased=False, dtype='float64')"


def test_batchnorm_of_images_is_that_of_their_pixels():
    x = numbers(5, 3, 2, 4)
    images, rows = rp.BatchNorm(3, dtype="float64"), rp.BatchNorm(3, dtype="float64")
    pixels = rows.forward(x.transpose(0, 2, 3, 1).reshape(-1, 3))
    assert_allclose(images.forward(x), pixels.reshape(5, 2, 4, 3).transpose(0, 3, 1, 2), rtol=1e-12)
    assert_allclose(images.running_var, rows.running_var, rtol=1e-12)
    assert_allclose(images.running_var, 0.9 + 0.1 * x.var((0, 2, 3), ddof=1), rtol=1e-12)


def test_batchnorm_is_accurate_far_from_zero():
    x = (1e3 + numbers(500, 2)).astype("float32")
    y = rp.BatchNorm(2).forward(x)
    centred = x.astype(float) - x.astype(float).mean(0)
    assert_allclose(y, centred / np.sqrt((centred**2).mean(0) + 1e-5), atol=2e-4)


def test_batchnorm_refuses_a_batch_of_one_and_names_the_remedy():
    norm = rp.BatchNorm(3)
    with pytest.raises(ShapeError, match=re.escape(
            "BatchNorm(3): training needs at least two values of each feature to estimate a variance, got x of shape (1, 3); "
            "use a larger batch, or eval()")):
        norm.forward(np.ones((1, 3)))
    assert_array_equal(norm.running_mean, np.zeros(3))
    assert norm.eval().forward(np.ones((1, 3))).shape == (1, 3)
    with pytest.raises(ShapeError, match=re.escape("(batch, 3)")):
        norm.forward(np.ones((5, 4)))


def test_layernorm_by_hand():
    norm, x = rp.LayerNorm(3, eps=1e-3, dtype="float64"), np.array([[1.0, 2, 6], [0, 0, 0]])
    norm.weight.data, norm.bias.data = [1, 2, 3], [0, 0, 1]
    expected = np.array([1, 2, 3]) * np.array([-2, -1, 3]) / math.sqrt(14 / 3 + 1e-3) + [0, 0, 1]
    assert_allclose(norm.forward(x), [expected, [0, 0, 1]], rtol=1e-14, atol=1e-14)


# Dropout


def test_dropout_drops_with_probability_p_and_keeps_the_mean():
    n = 100_000
    for p in (0.1, 0.5, 0.8):
        y = rp.Dropout(p, rng=1).forward(np.full((n, 1), 3, "float32"))
        zeros = np.count_nonzero(y == 0)
        assert abs(zeros - n * p) < 4 * math.sqrt(n * p * (1 - p))
        assert_allclose(np.unique(y), [0, 3 / (1 - p)], rtol=1e-4)
        assert abs(y.mean(dtype=float) - 3) < 4 * 3 * math.sqrt(p / (1 - p) / n)


def test_dropout_uses_the_same_mask_in_backward():
    module, x, g = rp.Dropout(0.5, rng=1), np.ones((50, 4)), numbers(50, 4)
    y = module.forward(x)
    assert_array_equal(module.backward(g), g * y)


def test_dropout_draws_a_new_mask_each_time_from_its_own_seed():
    x = np.ones((50, 4))
    first, again, other = (rp.Dropout(0.5, rng=seed) for seed in (1, 1, 2))
    a, b = first.forward(x), first.forward(x)
    assert not np.array_equal(a, b)
    assert_array_equal(again.forward(x), a)
    assert not np.array_equal(other.forward(x), a)


def test_dropout_draws_only_a_seed_from_a_given_generator():
    rng = np.random.default_rng(3)
    first, second = rp.Dropout(rng=rng), rp.Dropout(rng=rng)
    x, state = np.ones((50, 4)), rng.bit_generator.state
    assert not np.array_equal(first.forward(x), second.forward(x))
    assert rng.bit_generator.state == state


def test_dropout_with_p_0_and_p_almost_1():
    x = numbers(5, 3)
    assert_array_equal(rp.Dropout(0, rng=0).forward(x), x)
    assert_array_equal(rp.Dropout(0.9, rng=0).eval().forward(x), x)
    y = rp.Dropout(0.999, rng=0).forward(np.ones((1000, 1000)))
    assert_allclose(np.unique(y), [0, 1000])
    assert abs(y.mean() - 1) < 4 * 0.0316                           # four standard errors, √(999 / 10⁶) each
    for p in (1, -0.1, float("nan")):
        with pytest.raises(ArgumentError, match=re.escape(f"p must be a number in [0, 1), got {p}")):
            rp.Dropout(p)


# Linear, shapes


def test_linear_by_hand():
    layer = rp.Linear(2, 3, rng=0, dtype="float64")
    layer.weight.data, layer.bias.data = [[1, 2], [3, 4], [5, 6]], [10, 20, 30]
    assert_array_equal(layer.forward([[1, 1], [2, 0]]), [[13, 27, 41], [12, 26, 40]])
    assert_array_equal(layer.backward([[1, 0, 0], [0, 1, 1]]), [[1, 2], [8, 10]])
    layer.update()
    assert_array_equal(layer.weight.grad, [[1, 1], [2, 0], [2, 0]])
    assert_array_equal(layer.bias.grad, [1, 1, 1])


def test_linear_takes_any_leading_axes():
    layer, x = rp.Linear(3, 4, rng=0, dtype="float64"), numbers(5, 2, 6, 3)
    expected = layer.predict(x.reshape(-1, 3)).reshape(5, 2, 6, 4)
    assert_allclose(layer.forward(x), expected, rtol=1e-12)
    assert_allclose(layer.forward(x[0, 0, 0]), expected[0, 0, 0], rtol=1e-12)


def test_flatten_and_reshape_keep_the_order():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert_array_equal(rp.Flatten().forward(x), x.reshape(2, 12))
    assert_array_equal(rp.Reshape(2, 1, -1).forward(x), x.reshape(2, 2, 1, 6))
    text = "x must have shape (batch, ...) with "
    with pytest.raises(ShapeError, match=re.escape(f"Flatten(): {text}at least two axes, got (3,)")):
        rp.Flatten().forward(np.ones(3))
    with pytest.raises(ShapeError, match=re.escape(f"Reshape(5): {text}5 numbers an example, got (2, 3, 4)")):
        rp.Reshape(5).forward(x)
    for shape in ((-1, -1), (0,), (2.0,), (-2,)):
        with pytest.raises(ArgumentError, match="shape must be integers of at least 1, or one -1 among them"):
            rp.Reshape(*shape)


@pytest.mark.parametrize("outputs", [260, 20])
@pytest.mark.parametrize("shape", [(1, 280), (7, 280), (2, 5, 280), (40, 280), (8, 5, 280)])
def test_all_forms_of_the_product_give_the_same_input_gradient(shape, outputs):
    """With few rows and a large weight it is computed transposed, with many rows from a copy of the weight: both are G W."""
    layer = rp.Linear(280, outputs, dtype="float64", rng=0)
    g = numbers(*shape[:-1], outputs)
    layer.forward(numbers(*shape))
    expected = np.einsum("...o,oi->...i", g, layer.weight.data)
    out = np.empty(shape)
    assert layer.backward(g, out) is out
    assert_allclose(out, expected, atol=1e-12)
    assert_array_equal(layer.backward(g), out)


@pytest.mark.parametrize("shape", [(1, 280), (7, 280), (2, 5, 280), (40, 280)])
@pytest.mark.parametrize("tie", [None, "weight", "bias"])
def test_linear_with_weight_and_bias_side_by_side_and_apart(shape, tie):
    """Small inputs are multiplied with weight and bias at once; large ones are not, nor after a parameter was replaced."""
    layer, other = (rp.Linear(280, 6, dtype="float64", rng=k, bias_init=rp.Uniform(-1, 1)) for k in range(2))
    x, g = numbers(*shape), numbers(*shape[:-1], 6, seed=1)
    layer.forward(x)
    if tie:
        setattr(layer, tie, getattr(other, tie))
    y = layer.forward(x)
    layer.backward(g)
    layer.update()
    assert_allclose(y, np.einsum("...i,oi->...o", x, layer.weight.data) + layer.bias.data, atol=1e-12)
    assert_allclose(layer.weight.grad, g.reshape(-1, 6).T @ x.reshape(-1, 280), atol=1e-12)
    assert_allclose(layer.bias.grad, g.reshape(-1, 6).sum(0), atol=1e-12)
