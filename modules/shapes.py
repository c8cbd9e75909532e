"""Modules that change the shape and keep the numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, ShapeError
from .core.base import Module


class _SameNumbers(Module):
    """Base class: the same numbers in the same order, in the shape that ``output_shape`` returns."""

    saved = "neither"
    layout = "kept"

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
        return self.output_shape(shape)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Input -> the same numbers in the output's shape. Saves the input's shape."""
        self.point = x.shape
        return reshaped(x, self.scratch, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """The output's shape -> the input's."""
        return reshaped(g, self.point, out)

    def jvp(self, t: Array) -> Array:
        """The input's shape -> the output's."""
        return t.reshape(self.scratch)


class Flatten(_SameNumbers):
    """Each example as one row: ``(batch, ...) -> (batch, size)``."""

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(input_shape) < 2:
            raise ShapeError(f"{self!r}: x must have shape (batch, ...) with at least two axes, got {input_shape}")
        return input_shape[0], math.prod(input_shape[1:])


class Reshape(_SameNumbers):
    """Each example in another shape: ``(batch, ...) -> (batch, *shape)``.

    Parameters
    ----------
    *shape : int
        The shape of one example. One size may be -1; it is computed from the others.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.Reshape(1, 8, -1).output_shape((5, 64))
    (5, 1, 8, 8)
    """

    def __init__(self, *shape: int) -> None:
        if not all(type(n) is int and (n >= 1 or n == -1) for n in shape) or shape.count(-1) > 1:
            raise ArgumentError(f"shape must be integers of at least 1, or one -1 among them, got {shape}")
        self.shape = shape

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        size, known = math.prod(input_shape[1:]), math.prod(n for n in self.shape if n != -1)
        if not input_shape or (size % known if -1 in self.shape else size != known):
            raise ShapeError(f"{self!r}: x must have shape (batch, ...) with {known} numbers an example"
                             f"{' or a multiple of it' if -1 in self.shape else ''}, got {input_shape}")
        return (input_shape[0], *(size // known if n == -1 else n for n in self.shape))


def reshaped(x: Array, shape: tuple[int, ...], out: Array | None) -> Array:
    """Return the numbers of ``x`` in ``out``, or in a new array of that shape."""
    if out is None:
        return np.array(x, order="C").reshape(shape)
    np.copyto(out, x.reshape(shape))                                # costs nothing if both are the same memory
    return out
