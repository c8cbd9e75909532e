"""The laws check every array of a tuple: they catch modules that are wrong in one of two inputs or outputs."""

import re

import numpy as np
import pytest
from cases import PAIR, UNEQUAL, two_by_two

import retroprop as rp
from retroprop.errors import CheckError


class Mixed(rp.Module):
    """x, y -> 2 x + x y: correct; the wrong ones below derive from it."""

    arity = 2

    def output_shape(self, input_shape):
        return input_shape[0]

    def forward(self, x):
        self.point = x
        return 2 * x[0] + x[0] * x[1]

    def backward(self, g):
        x, y = self.point
        return (2 + y) * g, x * g


class Swapped(Mixed):
    def backward(self, g):
        x, y = self.point
        return x * g, (2 + y) * g


class LastDoubled(Mixed):
    def backward(self, g):
        x, y = self.point
        return (2 + y) * g, 2 * x * g


class WritesIntoTheSecond(Mixed):
    def forward(self, x):
        self.point = tuple(map(np.copy, x))
        y = 2 * x[0] + x[0] * x[1]
        x[1][...] = 0
        return y


class SecondInFloat64(Mixed):
    def backward(self, g):
        x, y = self.point
        return (2 + y) * g, (x * g).astype("float64")


class SameArrayTwice(rp.Add):
    def backward(self, g, out=None):
        if out is not None:
            return rp.Add.backward.__wrapped__(self, g, out)
        gx = g.copy()
        return gx, gx


class SecondIsG(rp.Add):
    def backward(self, g, out=None):
        return rp.Add.backward.__wrapped__(self, g, out)[0], g


class IgnoresTheSecondOut(rp.Multiply):
    def backward(self, g, out=None):
        first, second = rp.Multiply.backward.__wrapped__(self, g)
        if out is None:
            return first, second
        out[0][...] = first
        return out[0], second


class OneGradientOnly(Mixed):
    def backward(self, g):
        y = self.point[1]
        return (2 + y) * g


class ClaimsToSaveNothing(rp.Multiply):
    saved = "neither"


@pytest.mark.parametrize("module", [Mixed(), rp.Add(), rp.Multiply()], ids=repr)
def test_the_right_ones_pass(module):
    rp.check_module(module, PAIR)


@pytest.mark.parametrize(("module", "law"), [
    (Swapped(), "backward is the transposed jacobian: in training mode, dC/dx 0["),
    (LastDoubled(), "backward is the transposed jacobian: in training mode, dC/dx 1["),
    (WritesIntoTheSecond(), "the phases write into no array of the caller: in training mode, forward wrote into an array "
                            "that is not its own: expected x 1[0, 0]"),
    (SecondInFloat64(), "float32 and float64 stay"),
    (SameArrayTwice(), "returned arrays are fresh and never written again: in training mode, the arrays of dC/dx share memory"),
    (SecondIsG(), "returned arrays are fresh and never written again: in training mode, dC/dx shares memory with g"),
    (IgnoresTheSecondOut(), "out receives the result"),
    (OneGradientOnly(), "backward has the shape of x"),
    (ClaimsToSaveNothing(), "the point holds no more than saved says"),
], ids=lambda value: type(value).__name__ if isinstance(value, rp.Module) else "")
def test_the_wrong_ones_are_caught(module, law):
    with pytest.raises(CheckError, match=re.escape(f"{module!r}: {law}")):
        rp.check_module(module, PAIR)


@pytest.mark.parametrize("change", ["gradient", "output"])
def test_a_graph_that_is_wrong_in_one_output_or_gradient_is_caught(change):
    class Wrong(rp.Graph):
        def forward(self, x, out=None):
            y, z = rp.Graph.forward.__wrapped__(self, x, out)
            if change == "output":
                z *= 2
            return y, z

        def backward(self, g, out=None, *, input_gradient=True):
            gx = rp.Graph.backward.__wrapped__(self, g, out, input_gradient=input_gradient)
            if gx is not None and change == "gradient":
                gx[1][...] *= 2
            return gx

    right = two_by_two()
    wrong = Wrong({name: (module, *right.sources[name]) for name, module in two_by_two().children().items()},
                  inputs=right.inputs, outputs=right.outputs)
    with pytest.raises(CheckError, match="transposed jacobian"):
        rp.check_module(wrong, UNEQUAL)
