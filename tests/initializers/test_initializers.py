"""Initializers: their variances, for weights of Linear and of Conv2d, and equal results for equal seeds."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import initializers
from retroprop.errors import ArgumentError, ShapeError

DENSE, KERNEL = (200, 300), (64, 32, 5, 3)                          # fans (300, 200) and (480, 960)
SHAPES = pytest.mark.parametrize(("shape", "fan_in", "fan_out"), [(DENSE, 300, 200), (KERNEL, 480, 960)])
SCALED = [                                                          # initializer, variance, uniform or normal
    (rp.GlorotUniform(), lambda i, o: 2 / (i + o), "uniform"),
    (rp.GlorotNormal(), lambda i, o: 2 / (i + o), "normal"),
    (rp.GlorotUniform(gain=5 / 3), lambda i, o: 25 / 9 * 2 / (i + o), "uniform"),
    (rp.HeUniform(), lambda i, o: 2 / i, "uniform"),
    (rp.HeNormal(), lambda i, o: 2 / i, "normal"),
    (rp.HeNormal(fan="out"), lambda i, o: 2 / o, "normal"),
    (rp.HeNormal(slope=0.5), lambda i, o: 2 / (1.25 * i), "normal"),
    (rp.LeCunUniform(), lambda i, o: 1 / i, "uniform"),
    (rp.LeCunNormal(), lambda i, o: 1 / i, "normal"),
    (rp.Standard(), lambda i, o: 1 / (3 * i), "uniform"),
    (rp.Normal(std=0.01), lambda i, o: 1e-4, "normal"),
    (rp.Uniform(-1, 1), lambda i, o: 1 / 3, "uniform"),
]
EVERY = [*(row[0] for row in SCALED), rp.Orthogonal(), rp.Zeros(), rp.Constant(0.25)]


def test_every_initializer_is_in_these_tables():
    exported = {getattr(initializers, name) for name in initializers.__all__}
    kinds = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, rp.Initializer)} - {rp.Initializer}
    assert kinds == {type(init) for init in EVERY}


@SHAPES
@pytest.mark.parametrize(("init", "variance", "kind"), SCALED, ids=[repr(row[0]) for row in SCALED])
def test_mean_variance_and_distribution(init, variance, kind, shape, fan_in, fan_out):
    """Within four standard errors. The fourth moment is 9/5 for a uniform distribution and 3 for a normal one."""
    w, expected = init(shape, rng=7).astype(float), variance(fan_in, fan_out)
    kurtosis = {"uniform": 9 / 5, "normal": 3}[kind]
    assert abs(w.mean()) < 4 * math.sqrt(expected / w.size)
    assert abs(w.var() / expected - 1) < 4 * math.sqrt((kurtosis - 1) / w.size)
    assert_allclose((w**4).mean() / w.var() ** 2, kurtosis, rtol=0.05)
    if kind == "uniform":
        bound = math.sqrt(3 * expected)
        assert 0.999 * bound < np.abs(w).max() <= bound * (1 + 1e-6)


def test_fans():
    assert initializers.fans(DENSE) == (300, 200)
    assert initializers.fans(KERNEL) == (480, 960)
    with pytest.raises(ShapeError, match=r"^fans: shape must be \(out, in, \.\.\.\), got \(4,\); a bias has no fan-in"):
        rp.HeNormal()((4,))


@pytest.mark.parametrize("shape", [(30, 30), (20, 30), (30, 20), (8, 3, 2, 2), (20, 3, 2, 2)])
def test_orthogonal_rows_or_columns_are_orthonormal(shape):
    w = rp.Orthogonal(gain=2)(shape, rng=1, dtype="float64").reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_orthogonal_is_uniform_over_the_group():
    """The mean of the trace is 0 for uniformly distributed orthogonal matrices; for Q of a QR alone it is not."""
    rng = np.random.default_rng(0)
    traces = [np.trace(rp.Orthogonal()((5, 5), rng, "float64")) for _ in range(2000)]
    assert abs(np.mean(traces)) < 4 / math.sqrt(2000)               # the trace has variance 1
    assert_allclose(np.var(traces), 1, rtol=0.2)


@pytest.mark.parametrize("init", EVERY, ids=repr)
def test_the_same_seed_gives_the_same_bits_in_both_dtypes(init):
    single, double = init((4, 3), rng=5), init((4, 3), rng=5, dtype="float64")
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert_array_equal(single, init((4, 3), rng=np.random.default_rng(5)))
    assert_array_equal(single, double.astype("float32"))


@pytest.mark.parametrize("init", [init for init in EVERY if not isinstance(init, rp.Zeros | rp.Constant)], ids=repr)
def test_another_seed_and_the_next_draw_give_other_numbers(init):
    rng = np.random.default_rng(5)
    draws = [init((4, 3), rng), init((4, 3), rng), init((4, 3), 6), init((4, 3)), init((4, 3))]
    assert all(not np.array_equal(a, b) for k, a in enumerate(draws) for b in draws[:k])


def test_constants():
    assert_array_equal(rp.Zeros()((2, 3)), np.zeros((2, 3)))
    assert_array_equal(rp.Constant(0.25)((3,)), np.full(3, 0.25))


def test_a_layer_has_the_initial_weights_of_its_initializers():
    layer = rp.Linear(300, 200, weight_init=rp.HeNormal(), bias_init=rp.Constant(0.5), rng=3)
    assert_array_equal(layer.weight.data, rp.HeNormal()((200, 300), rng=3))
    assert_array_equal(layer.bias.data, np.full(200, 0.5))
    double = rp.Linear(300, 200, rng=3, dtype="float64")
    assert_array_equal(rp.Linear(300, 200, rng=3).weight.data, double.weight.data.astype("float32"))


@pytest.mark.parametrize(("build", "text"), [
    (lambda: rp.Normal(std=-1), "std must be a number in [0, inf), got -1"),
    (lambda: rp.Uniform(1, -1), "high must be at least low, got low=1 and high=-1"),
    (lambda: rp.HeNormal(fan="both"), "fan must be one of 'in', 'out', got 'both'"),
    (lambda: rp.GlorotUniform(gain=float("nan")), "gain must be a number in [0, inf), got nan"),
    (lambda: rp.Zeros()((0, 3)), "each size in shape must be an integer of at least 1, got 0"),
])
def test_bad_arguments_are_refused(build, text):
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        build()


def test_from_weights_of_zero_only_the_last_bias_of_a_tanh_network_gets_a_gradient():
    rng = np.random.default_rng(0)
    net = rp.Sequential(rp.Linear(4, 5, weight_init=rp.Zeros()), rp.Tanh(), rp.Linear(5, 5, weight_init=rp.Zeros()), rp.Tanh(),
                        rp.Linear(5, 3, weight_init=rp.Zeros()))
    loss = rp.CrossEntropy()
    loss.forward(net.forward(rng.standard_normal((7, 4))), rng.integers(0, 3, 7))
    net.backward(loss.backward())
    net.update()
    assert [parameter.grad.any() for parameter in net.parameters()] == [False] * 5 + [True]
