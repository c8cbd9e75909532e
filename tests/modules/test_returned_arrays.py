"""Arrays that come back are the caller's: whatever is written into them, later phases find what forward saved."""

import numpy as np
import pytest
from cases import MODULES, Both, Residual, numbers
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.modules.core.values import each, parts, shape_of

RNG = np.random.default_rng(2018)


def scribble(value):
    for array in parts(value):
        array[...] = RNG.normal(size=array.shape)


def phases(module, x, g, *, after, out):
    """Return the results of all phases, with ``after`` called with each array that a phase returns."""
    kind = module.dtype or np.dtype("float64")
    x = each(lambda array: array.astype(kind), x)
    y = module.forward(x, each(lambda shape: np.empty(shape, kind), module.output_shape(shape_of(x))) if out else None)
    results = [each(np.copy, y)]
    after(y)
    tangent = module.jvp(each(np.ones_like, x))
    results.append(each(np.copy, tangent))
    after(tangent)
    for _ in range(2):
        given = each(lambda shape: np.ones(shape, kind) * g, shape_of(y))
        gx = module.backward(given, each(np.empty_like, x) if out else None)
        results.append(each(np.copy, gx))
        after(gx)
    module.update()
    return results + [parameter.grad.copy() for parameter in module.parameters()]


@pytest.mark.parametrize("out", [False, True], ids=["new arrays", "out"])
@pytest.mark.parametrize("case", MODULES, ids=str)
def test_arrays_that_come_back_are_the_callers(case, out):
    untouched = phases(case.build(), case.x, 0.7, after=lambda value: None, out=out)
    overwritten = phases(case.build(), case.x, 0.7, after=scribble, out=out)
    for a, b in zip(untouched, overwritten, strict=True):
        for left, right in zip(parts(a), parts(b), strict=True):
            assert_array_equal(left, right)


SAVE_OUTPUT = [rp.Sigmoid, rp.Tanh, rp.ReLU, rp.Softmax, rp.ELU, rp.Softplus, rp.HardTanh, rp.LogSoftmax, rp.LeakyReLU]


@pytest.mark.parametrize("last", SAVE_OUTPUT)
@pytest.mark.parametrize("wrap", [
    lambda last: last, rp.Sequential, lambda last: rp.Sequential(rp.Linear(3, 3, rng=0), rp.Sequential(rp.Tanh(), last)),
    lambda last: rp.Graph({"h": (rp.Linear(3, 3, rng=0), "x"), "y": (last, "h")}, inputs="x", outputs="y"),
    lambda last: rp.Graph({"y": (last, "x"), "z": (rp.Linear(3, 2, rng=0), "y")}, inputs="x", outputs=("y", "z")),
    lambda last: rp.Sequential(rp.Graph({"y": (last, "x"), "z": (rp.GELU(), "y")}, inputs="x", outputs=("y", "z"))),
    Residual, lambda last: Both(rp.Tanh(), last)], ids=range(8))
def test_the_residual_may_be_computed_in_the_prediction(last, wrap):
    """``p = net.forward(x); p -= y; net.backward(p)``, as one writes it by hand."""
    module, other = wrap(last()), wrap(last())
    x, y = numbers(5, 3).astype("float32"), 0.5
    right = other.backward(each(lambda p: p - y, other.forward(x)))
    prediction = module.forward(x)
    for array in parts(prediction):
        array -= y
    for a, b in zip(parts(module.backward(prediction)), parts(right), strict=True):
        assert_array_equal(a, b)


def test_a_subclass_may_write_into_what_super_returns():
    class Doubled(rp.Sigmoid):
        def forward(self, x, out=None):
            y = super().forward(x, out)
            y *= 2
            return y

        def backward(self, g, out=None):
            return super().backward(2 * g, out)

    x = numbers(5, 3)
    slope = rp.Sigmoid().forward(x) * rp.Sigmoid().forward(-x)
    for module in (Doubled(), rp.Sequential(Doubled()), rp.Sequential(Doubled(), rp.Identity())):
        module.forward(x)
        np.testing.assert_allclose(module.backward(np.ones((5, 3))), 2 * slope, rtol=1e-14)


def test_nothing_is_copied_that_no_point_holds():
    """A container that ends in a Linear returns the array that the Linear wrote."""
    net = rp.Sequential(rp.Sigmoid(), rp.Linear(3, 2, rng=0))
    net.forward(numbers(5, 3))
    assert not net._keeps_output
    assert rp.Sequential(rp.Linear(3, 2, rng=0), rp.Sequential(rp.Sigmoid())).keeps_output
