"""Parameters and modules that are no attributes of a module: they would not be trained, saved or copied."""

from types import SimpleNamespace

import pytest
from cases import numbers

import retroprop as rp
from retroprop.errors import CheckError, RetropropError


class Weighted(rp.Module):
    """y = w x, where ``weight()`` is found in some place."""

    def forward(self, x):
        self.point = x
        return x * self.weight().data

    def backward(self, g):
        return g * self.weight().data

    def update(self):
        self.weight().grad = (self.gradient * self.point).sum(0)


def weight():
    return rp.Parameter([1, 2, 3], "weight")


class InAList(Weighted):
    def __init__(self):
        self.weights = [weight()]

    def weight(self):
        return self.weights[0]


class InADict(Weighted):
    def __init__(self):
        self.weights = {"all": (weight(),)}

    def weight(self):
        return self.weights["all"][0]


class InAnObject(Weighted):
    def __init__(self):
        self.held = SimpleNamespace(weight=weight())

    def weight(self):
        return self.held.weight


class InTheClass(Weighted):
    shared = weight()

    def weight(self):
        return self.shared


class ModulesInAList(rp.Module):
    def __init__(self):
        self.inner = [rp.Linear(3, 3, rng=0)]

    def forward(self, x):
        self.point = ()
        return self.inner[0].forward(x)

    def backward(self, g):
        return self.inner[0].backward(g)


class ModuleOfTheClass(rp.Module):
    inner = rp.Tanh()

    def forward(self, x):
        self.point = ()
        return self.inner.forward(x)

    def backward(self, g):
        return self.inner.backward(g)


@pytest.mark.parametrize("kind", [InAList, InADict, InAnObject, InTheClass, ModulesInAList, ModuleOfTheClass])
def test_parameters_and_modules_that_are_not_found_are_refused(kind):
    """By the framework already, or by the law."""
    with pytest.raises(RetropropError) as caught:
        rp.check_module(kind(), numbers(5, 3))
    assert not isinstance(caught.value, CheckError) or "every parameter and module is found" in str(caught.value)
