"""Where an adversarial example may be: in the ball around its example, and within the bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, real, spelled
from ...errors import ArgumentError, DataError, ShapeError
from ...underflow import unreported

Bounds = tuple[ArrayLike, ArrayLike]                                # low and high values of x


class Ball:
    """The points within ``eps`` of each example, in the maximum norm (``numpy.inf``) or the Euclidean norm (2), and in bounds.

    Offsets from x are float64 arrays of the shape of x; points have the dtype of x.
    """

    def __init__(self, x: Array, eps: float, norm: float, bounds: Bounds | None) -> None:
        self.x, self.eps, self.norm = x, real("eps", eps, 0), checked_norm(norm)
        self.bounds = None if bounds is None else checked_bounds(bounds, x)

    def part(self, rows: slice) -> Ball:
        """Return the ball around some of the examples."""
        low, high = (None, None) if self.bounds is None else (np.broadcast_to(one, self.x.shape)[rows] for one in self.bounds)
        return Ball(self.x[rows], self.eps, self.norm, None if low is None or high is None else (low, high))

    @unreported
    def point(self, offset: Array) -> Array:
        """Return x + offset, clipped to the bounds, and rounded towards x so that no distance exceeds that of the offset."""
        point = (self.x + offset).astype(self.x.dtype)
        beyond = np.abs(self.offset(point)) > np.abs(offset)
        np.copyto(point, np.nextafter(point, self.x), where=beyond)
        return point if self.bounds is None else np.clip(point, *self.bounds)

    def offset(self, point: Array) -> Array:
        return np.subtract(point, self.x, dtype=float)

    def project(self, offset: Array) -> Array:
        """Return the nearest offset in the ball."""
        if self.norm != 2:
            return np.clip(offset, -self.eps, self.eps)
        radius = self.eps * (1 - 16 * float(np.finfo(self.x.dtype).eps))    # so that the rounded norm is at most eps
        return np.asarray(offset * (radius / np.maximum(lengths(offset), max(radius, TINY))))

    def direction(self, g: Array) -> Array:
        """Return the offset of norm 1 along which a function with the gradient ``g`` rises most; 0 if ``g`` is 0."""
        if self.norm != 2:
            return np.sign(g, dtype=float)
        largest = np.abs(g).reshape(len(g), -1).max(1).reshape(-1, *(1,) * (g.ndim - 1)).astype(float)
        g = g / np.where(largest, largest, 1)                       # else squares of a vanishing gradient would be 0
        return np.asarray(g / np.maximum(lengths(g), TINY))

    def draw(self, rng: np.random.Generator) -> Array:
        """Return a random offset, uniformly distributed in the ball."""
        if self.norm != 2:
            return rng.uniform(-self.eps, self.eps, self.x.shape)
        count, size = len(self.x), self.x[0].size
        radii = self.eps * rng.random(count)**(1 / size)
        return self.project(self.direction(rng.standard_normal(self.x.shape)) * radii.reshape(-1, *(1,) * (self.x.ndim - 1)))


TINY = float(np.finfo(float).tiny)


def lengths(a: Array) -> Array:
    """Return the Euclidean norm of each example, in a shape that broadcasts with ``a``."""
    return np.linalg.norm(a.reshape(len(a), -1), axis=1).reshape(-1, *(1,) * (a.ndim - 1))


def checked_norm(norm: Any) -> float:
    if isinstance(norm, (int, float)) and not isinstance(norm, bool) and norm in (2, np.inf):
        return float(norm)
    raise ArgumentError(f"norm must be 2 or numpy.inf, got {norm!r}")


def checked_bounds(bounds: Any, x: Array) -> tuple[Array, Array]:
    """Return the bounds as arrays; an error if they do not broadcast with x, or if x is outside."""
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ArgumentError(f"bounds must be a pair (low, high), got {bounds!r}")
    low, high = (as_floating(bound, x.dtype, f"bounds[{k}]") for k, bound in enumerate(bounds))
    for k, bound in enumerate((low, high)):
        if np.isnan(bound).any():
            raise DataError(f"bounds[{k}] must hold no NaN, got {np.isnan(bound).sum()} of {bound.size} values")
    try:
        np.broadcast_to(low, x.shape), np.broadcast_to(high, x.shape)
    except ValueError:
        raise ShapeError(f"bounds must be numbers, or arrays that broadcast with x of shape {x.shape}, got shapes {low.shape} "
                         f"and {high.shape}") from None
    ends = np.concatenate([low.reshape(-1), high.reshape(-1)])
    slack = np.finfo(x.dtype).eps * np.abs(ends[np.isfinite(ends)]).max(initial=0)      # for x of a scaler, which rounds
    outside = ~((low - slack <= x) & (x <= high + slack))
    if outside.any():
        least, largest = (spelled(end, low.min(), high.max()) for end in (x.min(), x.max()))
        shown = repr(bounds) if low.size == high.size == 1 else f"from {low.min():g} to {high.max():g}"
        raise DataError(f"x must be within bounds, got {outside.sum()} of {x.size} values outside, from {least} to {largest}, "
                        f"with bounds {shown}")
    return low, high
