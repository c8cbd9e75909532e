"""What every initializer is, and the fans that the scaled ones are computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, floating_dtype, generator, sizes
from ..errors import ShapeError


@dataclass(frozen=True)
class Initializer:
    """A distribution that parameters are drawn from; it holds no state, so two layers may share one.

    ``init(shape, rng=None, dtype="float32")`` returns a fresh array. Subclasses are frozen dataclasses that implement
    ``draw(shape, rng)`` in float64: the same seed starts a float32 network and its float64 copy at the same point.
    """

    def __call__(self, shape: Sequence[int], rng: Seed = None, dtype: DTypeLike = "float32") -> Array:
        dtype = floating_dtype(dtype)
        return self.draw(sizes(shape), generator(rng)).astype(dtype, copy=False)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """A float64 array of this shape."""
        raise NotImplementedError(f"{type(self).__name__} must implement draw(shape, rng)")


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Number of inputs and of outputs of one unit, ``(fan_in, fan_out)``, for a weight of this shape.

    ``(out, in)`` for Linear; ``(out, in, height, width)`` for Conv2d, where each counts the pixels of the kernel.

    >>> fans((10, 64)), fans((16, 3, 5, 5))
    ((64, 10), (75, 400))
    """
    shape = sizes(shape)
    if len(shape) < 2:
        raise ShapeError(f"fans: shape must be (out, in, ...), got {shape}; a bias has no fan-in, "
                         "use Zeros, Constant, Normal or Uniform")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel
