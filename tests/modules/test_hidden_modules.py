"""Modules and Parameters that stand where nothing finds them, and assignments where nothing watches."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from steps import SMALL_G, SMALL_X, refuses

import retroprop as rp


class Held(rp.Module):
    """A module that holds what it is given in an attribute, and adds nothing to x."""

    def __init__(self, held):
        self.held = held

    def forward(self, x):
        self.point = x
        return x * 1

    def backward(self, g):
        return g * 1


HIDDEN = {
    "list": lambda layer: [layer], "tuple": lambda layer: (1, layer), "dict": lambda layer: {"a": layer},
    "list in a dict": lambda layer: {"a": [layer]}, "set": lambda layer: {layer},
    "list of Parameters": lambda layer: [layer.weight],
}


@pytest.mark.parametrize("how", HIDDEN)
def test_modules_and_parameters_in_a_collection_are_refused_at_construction(how):
    with pytest.raises(rp.ArgumentError, match=r"held must hold no modules or Parameters, got .*assign each to an attribute"):
        Held(HIDDEN[how](rp.Linear(3, 2, rng=0)))


def test_the_refusal_names_the_module_the_attribute_and_the_remedy():
    with refuses(rp.ArgumentError, "Held([Tanh()]): held must hold no modules or Parameters, got Tanh(): there they are "
                                   "neither trained nor saved; assign each to an attribute of its own, or use a Sequential"):
        Held([rp.Tanh()])


def test_a_collection_that_is_filled_later_is_refused_at_the_first_forward():
    module = Held([])
    module.held.append(rp.Linear(3, 2, rng=0))
    with pytest.raises(rp.ArgumentError, match="held must hold no modules or Parameters"):
        rp.Sequential(module).forward(SMALL_X)

    @dataclass(eq=False)
    class Listing(rp.Module):
        layers: list = field(default_factory=lambda: [rp.Tanh()])
        forward, backward = Held.forward, Held.backward

    with pytest.raises(rp.ArgumentError, match="layers must hold no modules or Parameters"):
        Listing().forward(SMALL_X)


def test_a_collection_of_modules_that_are_attributes_too_is_welcome():
    class Both(Held):
        def __init__(self):
            super().__init__(None)
            self.inner = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Tanh())
            self.held = [self.inner, self.inner[0], self.inner[0].weight]
            self.numbers, self.names = [1, 2.5], {"a": [None, "b"]}

    assert_array_equal(Both().forward(SMALL_X), SMALL_X)


@dataclass(eq=False)
class Scaled(rp.Module):
    """A dataclass, whose class has attributes of the names of its Parameters."""

    scale: rp.Parameter = None
    shift: rp.Parameter = None

    def forward(self, x):
        self.point = x
        return x * self.scale.data + (0 if self.shift is None else self.shift.data)

    def backward(self, g):
        return g * self.scale.data

    def update(self):
        self.scale.grad = (self.gradient * self.point).sum(0)
        if self.shift is not None:
            self.shift.grad = self.gradient.sum(0)


def test_the_parameters_of_a_dataclass_are_watched():
    """After the first forward: before it nothing depends on them."""
    first = Scaled(rp.Parameter(np.ones(2), "scale"), rp.Parameter(np.zeros(2), "shift"))
    second = Scaled(rp.Parameter(np.ones(2), "scale"))
    x = SMALL_X[:, :2]
    net = rp.Sequential(first, second)
    for _ in range(2):
        net.forward(x), net.backward(SMALL_G), net.update()
        second.scale = first.scale
    assert_array_equal(first.scale.grad, 2 * (SMALL_G * x).sum(0))
    assert second.shift is None
    assert Scaled.shift is None
    with pytest.raises(rp.ShapeError, match="scale must be replaced by a Parameter of shape"):
        second.scale = rp.Parameter(np.ones(3), "scale")


@pytest.mark.parametrize("value", [np.ones((4, 3)), [[1.0] * 3] * 4, np.float64(1), memoryview(b"1"), (1, 2)],
                         ids=["array", "list", "number of NumPy", "memoryview", "tuple"])
def test_an_array_is_refused_in_the_place_of_a_parameter(value):
    layer = rp.Linear(3, 4, rng=0)
    held = layer.weight
    with refuses(rp.ArgumentError, f"Linear(3, 4): weight must be a Parameter or None, got {type(value).__name__}; to change "
                                   "its numbers, write weight.data = ..."):
        layer.weight = value
    assert layer.weight is held


def test_a_step_without_a_parameter_to_move_moves_nothing():
    net = rp.Sequential(rp.Linear(3, 2, rng=0))
    for parameter in net.parameters():
        parameter.frozen = True
    optimizer, before = rp.Adam(net.parameters()), net.state_dict()
    net.forward(SMALL_X), net.backward(SMALL_G), net.update()
    optimizer.step()
    assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])
    net.parameters()[0].frozen = False
    with pytest.raises(rp.PhaseError, match="there are no gradients yet"):
        optimizer.step()


def test_a_tape_records_a_module_without_a_backward():
    class Forward(rp.Module):
        def forward(self, x):
            self.point = x
            return x + 1

    module = Forward()
    with rp.tape(module) as t, pytest.raises(NotImplementedError, match=r"^Forward must implement backward\(g\)$"):
        module.backward(module.forward(SMALL_X))
    assert [record.phase for record in t.records] == ["forward", "backward"]
    assert "raised NotImplementedError" in str(t)


@pytest.mark.parametrize("remove", [lambda group: group.pop("lr"), lambda group: group.popitem(), lambda group: group.clear(),
                                    lambda group: group.__delitem__("lr")], ids=["pop", "popitem", "clear", "del"])
def test_the_options_of_a_group_cannot_be_removed(remove):
    optimizer = rp.SGD(rp.Linear(3, 2, rng=0).parameters(), lr=0.1)
    with refuses(rp.ArgumentError, "SGD: the options of a group cannot be removed, only set"):
        remove(optimizer.groups[0])
    assert optimizer.lr == 0.1
