"""What may be assigned to an attribute that holds a Parameter: one of the same shape and dtype, None, or no Parameter."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from steps import SMALL_G, SMALL_X, assert_same, by_hand, refuses, step

import retroprop as rp


class Scale(rp.Module):
    """A user's module: its second parameter is optional, and the attribute is missing without it."""

    def __init__(self, features, shift=False):
        self.features = features
        self.scale = rp.Parameter(np.ones(features), "scale")
        if shift:
            self.shift = rp.Parameter(np.zeros(features), "shift")

    def forward(self, x):
        self.point = x
        y = x * self.scale.data
        return y + self.shift.data if hasattr(self, "shift") else y

    def backward(self, g):
        return g * self.scale.data

    def update(self):
        self.scale.grad = (self.gradient * self.point).sum(0)
        if hasattr(self, "shift"):
            self.shift.grad = self.gradient.sum(0)


MADE = {
    "weight": (rp.Linear(3, 4, rng=0), rp.Linear(3, 5, rng=0), "Linear(3, 4)", (4, 3), (5, 3)),
    "bias": (rp.Linear(3, 4, rng=0), rp.Linear(3, 1, rng=0), "Linear(3, 4)", (4,), (1,)),
    "weight of Conv2d": (rp.Conv2d(1, 2, 3, rng=0), rp.Conv2d(1, 2, 5, rng=0), "Conv2d(1, 2, 3)", (2, 1, 3, 3), (2, 1, 5, 5)),
    "bias of BatchNorm": (rp.BatchNorm(3), rp.BatchNorm(1), "BatchNorm(3)", (3,), (1,)),
    "weight of LayerNorm": (rp.LayerNorm(3), rp.LayerNorm(4), "LayerNorm(3)", (3,), (4,)),
    "scale of a user": (Scale(3), Scale(1), "Scale(3)", (3,), (1,)),
}


@pytest.mark.parametrize("what", MADE)
def test_another_shape_is_refused_at_the_assignment(what):
    module, other, text, expected, given = MADE[what]
    name = what.partition(" ")[0]
    held = getattr(module, name)
    with refuses(rp.ShapeError, f"{text}: {name} must be replaced by a Parameter of shape {expected}, got {given}"):
        setattr(module, name, getattr(other, name))
    assert getattr(module, name) is held


def test_another_dtype_is_refused_at_the_assignment():
    layer = rp.Linear(3, 4, rng=0)
    with refuses(rp.DtypeError, "Linear(3, 4): bias must be replaced by a Parameter of dtype float32, got float64; use astype"):
        layer.bias = rp.Linear(3, 4, rng=0).astype("float64").bias
    layer.astype("float64").bias = rp.Linear(3, 4, rng=0).astype("float64").bias


def test_a_module_that_comes_from_a_pickle_is_watched_too():
    with pytest.raises(rp.ShapeError, match="weight must be replaced by a Parameter of shape"):
        pickle.loads(pickle.dumps(rp.Linear(3, 4, rng=0))).weight = rp.Linear(4, 4, rng=0).weight


def test_other_assignments_work():
    """None, something that is no Parameter, a first Parameter, and one of another shape after the attribute was emptied."""
    layer, module = rp.Linear(3, 4, rng=0), Scale(3)
    layer.bias = None
    assert_array_equal(layer.forward(SMALL_X), SMALL_X @ layer.weight.data.T)
    layer.bias = rp.Parameter(np.ones(4), "bias")
    module.scale = 2
    module.scale = rp.Parameter(np.ones(1), "scale")
    module.gain = rp.Parameter(np.ones(7), "gain")
    assert list(module.own_parameters()) == ["scale", "gain"]
    del module.gain
    with pytest.raises(AttributeError):
        del module.gain
    with pytest.raises(AttributeError):
        module.gain  # noqa: B018 (that it is missing)


def test_an_optional_parameter_is_missing_where_it_was_not_set():
    for _ in range(2):
        with_shift, without = Scale(3, shift=True), Scale(3)
        assert hasattr(with_shift, "shift")
        assert not hasattr(without, "shift")
        assert_array_equal(without.forward(SMALL_X), with_shift.forward(SMALL_X))


@pytest.mark.parametrize("between", [False, True], ids=["before forward", "between the phases"])
def test_a_layer_that_ran_takes_the_other_layers_parameter(between):
    """Also where weight and bias took part in one product, as one matrix."""
    first, second, like = (rp.Linear(3, 2, rng=k) for k in (0, 1, 0))
    like.bias = second.bias
    step(second, SMALL_X, SMALL_G)
    if between:
        like.forward(SMALL_X), second.forward(SMALL_X), second.backward(SMALL_G)
    second.weight = first.weight
    if between:
        second.update()
        assert_array_equal(first.weight.grad, SMALL_G.T @ SMALL_X)
    else:
        assert_same(step(second, SMALL_X, SMALL_G), by_hand([like], SMALL_X, SMALL_G))


@pytest.mark.parametrize("phase", ["forward", "update"])
def test_a_parameter_that_another_container_moves_is_followed(phase):
    """It moves before the forward, or between the backward and the update, which writes into its new gradient."""
    first, second = rp.Linear(3, 2, rng=0), rp.Linear(3, 2, rng=1)
    second.weight = first.weight
    net = rp.Sequential(first)
    step(net, SMALL_X, SMALL_G)
    if phase == "update":
        net.forward(SMALL_X), net.backward(SMALL_G)
    flat = first.weight.flat
    rp.Sequential(second)
    assert first.weight.flat is not flat
    first.weight.data *= 2
    if phase == "forward":
        assert_array_equal(net.forward(SMALL_X), SMALL_X @ first.weight.data.T)
        net.backward(SMALL_G)
    first.weight.grad = np.zeros((2, 3))
    net.update()
    assert_array_equal(first.weight.grad, SMALL_G.T @ SMALL_X)


def test_a_subclass_of_linear_with_a_workspace_of_its_own():
    class Doubled(rp.Linear):
        def prepare(self, shape, dtype):
            return np.empty(shape, dtype)

        def forward(self, x, out=None):
            self.point = np.multiply(x, 2, self.scratch)
            return self.point @ self.weight.T

        def backward(self, g, out=None):
            return 2 * g @ self.weight.data

        def update(self):
            self.weight.grad = self.gradient.T @ self.point

    layer = Doubled(3, 2, bias=False, rng=0)
    step(layer, SMALL_X, SMALL_G)
    layer.weight.frozen = False                                     # counted as a change: workspaces are checked again
    step(layer, SMALL_X, SMALL_G)
    assert_array_equal(layer.weight.grad, SMALL_G.T @ (2 * SMALL_X))


class WeightNorm(rp.Linear):
    """Its weight goes away in the constructor: the attribute is of the subclass's making, not of Linear's."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, rng=3)
        self.direction = self.weight
        del self.weight


class Plain(rp.Linear):
    """A class attribute of the same name hides the one that watches assignments."""

    weight = None


class Lazy(rp.Module):
    """Makes its Parameter where it is not there yet."""

    def __init__(self):
        if not hasattr(self, "scale"):
            self.scale = rp.Parameter(np.ones(3), "scale")

    def forward(self, x):
        self.point = x
        return x * self.scale.data


def test_a_subclass_without_a_weight_leaves_other_layers_as_they_are():
    rp.Linear(3, 2, rng=0), WeightNorm(3, 2)
    first, second, like = (rp.Linear(3, 2, rng=k) for k in (0, 1, 0))
    step(second, SMALL_X, SMALL_G)
    second.weight, like.bias = first.weight, second.bias
    assert_same(step(second, SMALL_X, SMALL_G), by_hand([like], SMALL_X, SMALL_G))
    with pytest.raises(rp.ShapeError, match="weight must be replaced"):
        second.weight = rp.Linear(3, 5, rng=0).weight


def test_a_subclass_whose_weight_is_not_watched_computes_with_the_new_one():
    first, second, like = Plain(3, 2, rng=0), Plain(3, 2, rng=1), rp.Linear(3, 2, rng=0)
    step(second, SMALL_X, SMALL_G)
    second.weight, like.bias = first.weight, second.bias
    found, expected = step(second, SMALL_X, SMALL_G), by_hand([like], SMALL_X, SMALL_G)
    for a, b in zip(found, expected, strict=True):
        for x, y in zip(a if isinstance(a, (list, tuple)) else [a], b if isinstance(b, (list, tuple)) else [b], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)


def test_each_instance_makes_the_parameter_that_it_lacks():
    assert [len(Lazy().parameters()) for _ in range(3)] == [1, 1, 1]


def test_a_parameter_replaced_while_the_evaluation_is_preserved_is_seen_after_it():
    first, second = rp.Linear(3, 2, rng=0), rp.Linear(3, 2, rng=1)
    step(first, SMALL_X, SMALL_G)
    with first.preserved_evaluation():
        first.weight = second.weight
        first.forward(SMALL_X), first.backward(SMALL_G), first.update()
    second.weight.grad = np.zeros((2, 3))
    first.update()
    assert_array_equal(second.weight.grad, SMALL_G.T @ SMALL_X)


@pytest.mark.parametrize("value", [0.5, "weight", rp.Tanh()])
def test_a_layer_holds_a_parameter_or_none(value):
    layer = rp.Linear(3, 2, rng=0)
    with pytest.raises(rp.ArgumentError, match=r"weight must be a Parameter or None, got .*; to change its numbers"):
        layer.weight = value
