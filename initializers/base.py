"""Initializer, the base class, and the fans from which the scaled initializers compute their variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, floating_dtype, generator, sizes
from ..errors import ShapeError
from ..underflow import unreported


@dataclass(frozen=True)
class Initializer:
    """A distribution from which initial weights are drawn. It has no state, so that layers may share one.

    ``init(shape, rng=None, dtype="float32")`` returns a new array. Subclasses are frozen dataclasses that implement
    ``draw(shape, rng)`` in float64: with the same seed, a float32 and a float64 network have the same initial weights, up to
    rounding.
    """

    @unreported
    def __call__(self, shape: Sequence[int], rng: Seed = None, dtype: DTypeLike = "float32") -> Array:
        dtype = floating_dtype(dtype)
        return self.draw(sizes(shape), generator(rng)).astype(dtype, copy=False)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a float64 array of this shape."""
        raise NotImplementedError(f"{type(self).__name__} must implement draw(shape, rng)")


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return ``(fan_in, fan_out)``, the numbers of inputs and outputs of one unit, for a weight of this shape.

    The shape is ``(out, in)`` for Linear and ``(out, in, height, width)`` for Conv2d, whose fans include the pixels of the
    kernel.

    >>> fans((10, 64)), fans((16, 3, 5, 5))
    ((64, 10), (75, 400))
    """
    shape = sizes(shape)
    if len(shape) < 2:
        raise ShapeError(f"fans: shape must be (out, in, ...), got {shape}; a bias has no fan-in, "
                         "use Zeros, Constant, Normal or Uniform")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel
