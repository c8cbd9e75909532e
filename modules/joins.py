"""Modules of several inputs, which they take as a tuple of arrays (lecture, slides 12-18)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, ShapeError
from .core.arrays import copy
from .core.base import Module
from .core.values import Shape, Value, same_shapes


class Add(Module):
    r"""Sum of two or more arrays of one shape: :math:`y = x_1 + x_2 + \dots`.

    Notes
    -----
    Each partial derivative is 1: the gradient of every input is that of the sum.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> add = rp.Add()
    >>> add.forward((np.array([1.0, 2.0]), np.array([10.0, 20.0])))
    array([11., 22.])
    >>> add.backward(np.array([1.0, 3.0]))
    (array([1., 3.]), array([1., 3.]))
    """

    saved = "neither"
    layout = "kept"
    arity = None

    def output_shape(self, input_shape: Shape) -> Shape:
        return same_shapes(input_shape, self)

    def forward(self, x: tuple[Array, ...], out: Array | None = None) -> Array:
        """Arrays of one shape -> their sum. Saves their number."""
        self.point = len(x)
        y = np.add(x[0], x[1], out)
        for other in x[2:]:
            y += other
        return y

    def jvp(self, t: tuple[Array, ...]) -> Array:
        """Tangents of the inputs -> their sum."""
        y = np.add(t[0], t[1])
        for other in t[2:]:
            y += other
        return y

    def backward(self, g: Array, out: Value | None = None) -> tuple[Array, ...]:
        """Shape of y -> the same shape for each input."""
        return tuple(copy(g, gx) for gx in out or [None] * self.point)


class Multiply(Module):
    r"""Product, element by element, of two or more arrays of one shape: :math:`y = x_1 x_2 \cdots`.

    Notes
    -----
    The partial derivative with respect to one input is the product of all others. It is computed as a product, and not by
    dividing y by the input, which may be 0.
    """

    saved = "input"
    layout = "kept"
    arity = None

    def output_shape(self, input_shape: Shape) -> Shape:
        return same_shapes(input_shape, self)

    def forward(self, x: tuple[Array, ...], out: Array | None = None) -> Array:
        """Arrays of one shape -> their product. Saves x."""
        self.point = x
        y = np.multiply(x[0], x[1], out)
        for other in x[2:]:
            y *= other
        return y

    def backward(self, g: Array, out: Value | None = None) -> tuple[Array, ...]:
        """Shape of y -> the same shape for each input."""
        x, gradients = self.point, []
        for k, given in enumerate(out or [None] * len(x)):
            gx = copy(g, given)
            for other in x[:k] + x[k + 1:]:
                gx *= other
            gradients.append(gx)
        return tuple(gradients)

    def jvp(self, t: tuple[Array, ...]) -> Array:
        """Tangents of the inputs -> the sum of the products with one input replaced by its tangent."""
        x, y = self.point, np.zeros_like(t[0])
        for k, tangent in enumerate(t):
            y += math.prod((*x[:k], *x[k + 1:]), start=tangent)
        return y


class Concat(Module):
    r"""Concatenation of two or more arrays along an axis: ``(batch, a), (batch, b) -> (batch, a + b)``.

    Parameters
    ----------
    axis : int, default -1
        The axis; not 0, that of the batch.

    Notes
    -----
    Backward splits the gradient into the parts of the inputs.
    """

    saved = "neither"
    layout = "kept"
    arity = None

    def __init__(self, axis: int = -1) -> None:
        if type(axis) is not int or axis == 0:
            raise ArgumentError(f"axis must be an int other than 0, the axis of the batch, got {axis!r}")
        self.axis = axis

    def output_shape(self, input_shape: Shape) -> Shape:
        first, axis = input_shape[0], self.axis + (len(input_shape[0]) if self.axis < 0 else 0)
        if not 1 <= axis < len(first):
            raise ShapeError(f"{self!r}: the arrays of x must have an axis {self.axis} behind that of the batch, got shape "
                             f"{first}")
        if len({shape[:axis] + shape[axis + 1:] for shape in input_shape}) > 1 or len(set(map(len, input_shape))) > 1:
            raise ShapeError(f"{self!r}: the arrays of x must have one shape but for axis {self.axis}, got "
                             f"{' and '.join(map(str, input_shape))}")
        return (*first[:axis], sum(shape[axis] for shape in input_shape), *first[axis + 1:])

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> tuple[int, ...]:
        return tuple(np.cumsum([part[self.axis] for part in shape])[:-1].tolist())

    def forward(self, x: tuple[Array, ...], out: Array | None = None) -> Array:
        """Arrays -> one array. Saves the places where one ends and the next begins."""
        self.point = self.scratch
        return np.concatenate(x, self.axis, out)

    def jvp(self, t: tuple[Array, ...]) -> Array:
        """Tangents of the inputs -> one array."""
        return np.concatenate(t, self.axis)

    def backward(self, g: Array, out: Value | None = None) -> tuple[Array, ...]:
        """Shape of y -> that of each input."""
        pieces = np.split(g, self.point, self.axis)
        return tuple(copy(piece, gx) for piece, gx in zip(pieces, out or [None] * len(pieces), strict=True))
