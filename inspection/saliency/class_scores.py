"""The score of a class, which every map explains: its value and its derivative, of one class for each example."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, as_numbers
from ...datasets.checks import examples, finite
from ...errors import ArgumentError, ShapeError
from ...modules import Module
from ..arguments import ROWS, uncoupled
from ..features.truncation import scores


class ClassScores:
    """S_c(x) of a net, before a closing Softmax, LogSoftmax or Sigmoid; c is one class for each example.

    Parameters
    ----------
    net : Module
        Of one input and an output of shape (examples, classes). Left as it is: a copy runs, in evaluation mode.
    x : array_like of shape (examples, ...)
    classes : None, int or array_like of int
        None: what the net predicts. Else columns of the output, one for all examples or one for each.

    Attributes
    ----------
    net : Module
        The copy, without what closes it.
    x : float32 or float64 array
    classes : int array of shape (examples,)
    """

    def __init__(self, net: Module, x: ArrayLike, classes: ArrayLike | None) -> None:
        self.net = scores(net)
        if net.arity != 1:
            raise ArgumentError(f"net must have one input, got {net!r}, which has {net.arity or 'several'}")
        self.x = as_floating(finite("x", examples("x", as_numbers(x, "x"))), None, "x")
        if self.x.ndim < 2:
            raise ShapeError(f"x must have shape (examples, ...) with at least two axes, got {self.x.shape}")
        uncoupled(self.net)
        output = self.net.predict(self.x, ROWS)
        if output.ndim != 2:
            raise ShapeError(f"net must have an output of shape (examples, classes), got {output.shape}")
        self.classes = output.argmax(1) if classes is None else columns(classes, *output.shape)

    def at(self, x: Array) -> Array:
        """The scores of other inputs, one for each row; the rows are the examples, perhaps several times over."""
        return self.net.predict(x, ROWS)[np.arange(len(x)), self.of_rows(x)]

    def gradient(self, x: Array) -> Array:
        """dS/dx of the same."""
        g, classes = np.empty(x.shape, self.x.dtype), self.of_rows(x)
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            y = self.net.forward(x[part])
            unit = np.zeros(y.shape, y.dtype)
            unit[np.arange(len(y)), classes[part]] = 1
            g[part] = self.net.backward(unit)
        return g

    def of_rows(self, x: Array) -> Array:
        return np.tile(self.classes, len(x) // len(self.x))

    def like_x(self, name: str, value: ArrayLike) -> Array:
        """A number, an example or a batch of them in the shape of x: what stands for "nothing is there"."""
        array = finite(name, as_numbers(value, name))
        try:
            return np.broadcast_to(array, self.x.shape).astype(self.x.dtype)
        except ValueError:
            raise ShapeError(f"{name} must be a number, or broadcast to the shape of x, {self.x.shape}, got shape "
                             f"{array.shape}") from None


def columns(classes: Any, count: int, width: int) -> Array:
    """``classes`` as one column for each of ``count`` examples."""
    found = as_numbers(classes, "classes")
    if found.dtype.kind not in "iu" or found.shape not in ((), (count,)):
        raise ArgumentError(f"classes must be None, an integer or one for each of {count} examples, got "
                            f"{found.dtype} of shape {found.shape}")
    if found.min() < 0 or found.max() >= width:
        only = "; the only score of a net with one column is that column" if width == 1 else ""
        raise ArgumentError(f"classes must be columns of the output, from 0 to {width - 1}, got {found.min()} to "
                            f"{found.max()}{only}")
    return np.array(np.broadcast_to(found, count), np.intp)
