"""Class scores, which saliency maps explain: the score of one class per example, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, as_numbers
from ...datasets.checks import examples, finite
from ...errors import ArgumentError, ShapeError
from ...modules import Module
from ...training.metrics import largest_column
from ..arguments import ROWS, independent_examples, real_inputs
from ..features.truncation import scores


class ClassScores:
    """S_c(x) of a net, before a final Softmax, LogSoftmax or Sigmoid; c is one class per example.

    Parameters
    ----------
    net : Module
        With one input and an output of shape (examples, classes). Left as it is: a copy runs, in evaluation mode.
    x : array_like of shape (examples, ...)
    classes : None, int or array_like of int
        Columns of the output, one for all examples or one per example. None: the predicted classes; DataError if the output
        is NaN or infinite.

    Attributes
    ----------
    net : Module
        The copy, without the final module.
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
        real_inputs(net, self.x)
        independent_examples(self.net)
        output = self.net.predict(self.x, ROWS)
        if output.ndim != 2:
            raise ShapeError(f"net must have an output of shape (examples, classes), got {output.shape}")
        self.classes = largest_column(output) if classes is None else columns(classes, *output.shape)

    def at(self, x: Array) -> Array:
        """Return the scores of other inputs, one per row; the rows are the examples, once or several times in sequence."""
        return self.net.predict(x, ROWS)[np.arange(len(x)), self.of_rows(x)]

    def gradient(self, x: Array) -> Array:
        """Return dS/dx for such inputs."""
        g, classes = np.empty(x.shape, self.x.dtype), self.of_rows(x)
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            y = self.net.forward(x[part])
            basis = np.zeros(y.shape, y.dtype)
            basis[np.arange(len(y)), classes[part]] = 1
            g[part] = self.net.backward(basis)
        return g

    def of_rows(self, x: Array) -> Array:
        return np.tile(self.classes, len(x) // len(self.x))

    def like_x(self, name: str, value: ArrayLike) -> Array:
        """Return a number, an example or a batch, broadcast to the shape of x."""
        array = finite(name, as_numbers(value, name))
        try:
            return np.broadcast_to(array, self.x.shape).astype(self.x.dtype)
        except ValueError:
            raise ShapeError(f"{name} must be a number, or broadcast to the shape of x, {self.x.shape}, got shape "
                             f"{array.shape}") from None


def columns(classes: Any, count: int, width: int) -> Array:
    """Return ``classes`` as one column for each of ``count`` examples."""
    given = as_numbers(classes, "classes")
    if given.dtype.kind not in "iu" or given.shape not in ((), (count,)):
        raise ArgumentError(f"classes must be None, an integer or one for each of {count} examples, got "
                            f"{given.dtype} of shape {given.shape}")
    if given.min() < 0 or given.max() >= width:
        only = "; the only score of a net with one column is that column" if width == 1 else ""
        raise ArgumentError(f"classes must be columns of the output, from 0 to {width - 1}, got {given.min()} to "
                            f"{given.max()}{only}")
    return np.array(np.broadcast_to(given, count), np.intp)
