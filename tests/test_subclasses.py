"""What users build on top: subclasses that call the phases above them, careless modules, losses of their own, extremes."""

import copy

import numpy as np
import pytest
from cases import numbers

import retroprop as rp

X = numbers(5, 3).astype("float32")


class Doubled(rp.Linear):
    """A subclass on top of a module of ours: 2 (W x + b)."""

    def forward(self, x, out=None):
        y = super().forward(x, out)
        y *= 2
        return y

    def backward(self, g, out=None):
        return super().backward(2 * g, out)


@pytest.mark.parametrize("options", [{}, {"input_gradient": False}])
def test_a_subclass_may_call_the_phases_above_it(options):
    """Alone and in a container, and the inherited update takes the gradient that was handed on."""
    rp.check_module(Doubled(3, 4, rng=0), X)
    layer = Doubled(3, 4, dtype="float64", rng=0)
    net = rp.Sequential(layer, rp.Tanh())
    x, g = np.asarray(X, float), np.random.default_rng(1).normal(size=(len(X), 4))
    net.forward(x)
    net.backward(g, **options)
    net.update()
    expected = rp.numerical_gradient(lambda w: np.vdot(g, net.predict(x)), layer.weight.data)
    np.testing.assert_allclose(layer.weight.grad, expected, atol=1e-8)


class Through(rp.Module):
    """Gives back what it was given: written carelessly, without a copy."""

    def forward(self, x):
        self.point = None
        return x

    def backward(self, g):
        return g


def test_what_a_careless_module_returns_is_not_a_buffer_of_the_container():
    net = rp.Sequential(Through(), rp.Linear(3, 4, rng=0), Through())
    first = net.forward(X)
    kept, gx = first.copy(), net.backward(np.ones_like(first))
    kept_gx = gx.copy()
    net.forward(2 * X)
    net.backward(-np.ones_like(first))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(gx, kept_gx)
    np.testing.assert_allclose(net.predict(X, batch_size=2), net.predict(X), rtol=1e-6)


class Branch(rp.Sequential):
    """A container with more than its modules."""

    def __init__(self, *modules):
        super().__init__(*modules)
        self.scale = rp.Parameter([2.0], "scale")
        self.note = "kept"


def test_a_copied_subclass_of_sequential_keeps_all_it_has():
    net = copy.deepcopy(Branch(rp.Linear(3, 4, rng=0), rp.Tanh()))
    assert net.note == "kept"
    assert [name for name, _ in net.named_parameters()] == ["scale", "0.weight", "0.bias"]
    assert net.forward(X).shape == (len(X), 4)


class Cubic(rp.Loss):
    """A loss that overrides forward itself."""

    def forward(self, prediction, target):
        return 2 * super().forward(prediction, target)

    def costs(self, prediction, target):
        self.point = prediction - target
        return np.abs(self.point) ** 3

    def slopes(self):
        return np.multiply(3 * self.point, np.abs(self.point))


def test_a_loss_may_override_forward():
    assert Cubic().forward(np.array([1.0, 3.0]), np.array([0.0, 1.0])) == 2 * (1 + 8) / 2


def test_a_number_is_no_batch():
    with pytest.raises(rp.ShapeError, match=r"Tanh\(\): x must have at least one axis, got shape \(\)"):
        rp.Tanh().forward(0.5)


def test_gelu_and_its_slope_do_not_overflow():
    gelu = rp.GELU()
    np.testing.assert_array_equal(gelu.forward(np.float32([-1e30, 1e30])), np.float32([0, 1e30]))
    np.testing.assert_array_equal(gelu.backward(np.float32([1, 1])), [0, 1])


def test_the_mean_of_millions_of_costs_is_exact_in_float32():
    x = np.random.default_rng(0).normal(size=3_000_000).astype("float32")
    exact = np.mean(x.astype(float) ** 2)
    assert abs(rp.MSE().forward(x, np.zeros_like(x)) / exact - 1) < 1e-7


class Forgetful(rp.Module):
    def forward(self, x):
        return x ** 2

    def backward(self, g):
        return 2 * self.point * g


class Silent(Through):
    def forward(self, x):
        self.point = x


def test_an_author_reads_what_was_forgotten():
    with pytest.raises(rp.ShapeError, match=r"Silent\(\): forward returned None, where output_shape\(\(5, 3\)\) says \(5, 3\)"):
        Silent().forward(X)
    for module in Forgetful(), rp.Sequential(Forgetful()):
        with pytest.raises(TypeError) as caught:
            module.backward(module.forward(X))
        assert "Forgetful(): self.point is None; did forward set it?" in caught.value.__notes__
        assert module.gradient is None


@pytest.mark.parametrize("what", ["Glorot", 0.1, rp.HeNormal])
def test_what_is_no_initializer_is_named(what):
    with pytest.raises(rp.ArgumentError, match=r"weight_init must be an initializer, such as GlorotUniform\(\), got "):
        rp.Linear(2, 3, weight_init=what)
