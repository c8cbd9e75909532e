"""Operations on images whose last two axes are height and width: shift, blur, zoom, total variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arguments import Array, real
from ...errors import ArgumentError

ROUNDED = 1e-2                                                      # δ of total_variation
Bounds = tuple[float, float]
Shift = tuple[int, int]


def total_variation(x: Array) -> tuple[Array, Array]:
    r"""Return the total variation of each image of a batch, and its gradient, of the shape of x.

    Notes
    -----
    The sum over pixels and channels of :math:`\sqrt{a^2 + b^2 + \delta^2} - \delta`, where a and b are the differences to the
    pixels below and to the right (none at the edge) and δ = 0.01 makes it smooth where they are 0.
    """
    down, right = np.zeros_like(x), np.zeros_like(x)
    down[..., :-1, :], right[..., :-1] = np.diff(x, axis=-2), np.diff(x)
    lengths = np.sqrt(down**2 + right**2 + ROUNDED**2)
    values = (lengths - ROUNDED).sum(tuple(range(1, x.ndim)))
    down /= lengths
    right /= lengths
    gradient = -down - right
    gradient[..., 1:, :] += down[..., :-1, :]
    gradient[..., 1:] += right[..., :-1]
    return values, gradient


def drawn_shift(rng: np.random.Generator, jitter: int) -> Shift:
    """Return a random shift, down and right, of up to ``jitter`` pixels in either direction."""
    if not jitter:
        return 0, 0
    down, right = rng.integers(-jitter, jitter + 1, 2)
    return int(down), int(right)


def shifted(x: Array, by: Shift) -> Array:
    """Return x shifted cyclically; x itself for no shift."""
    return np.roll(x, by, (-2, -1)) if any(by) else x


def shifted_back(x: Array, by: Shift) -> Array:
    return shifted(x, (-by[0], -by[1]))


def blurred(x: Array, sigma: float) -> Array:
    """Return each image smoothed by a Gaussian with a standard deviation of ``sigma`` pixels."""
    from scipy.ndimage import gaussian_filter
    return gaussian_filter(x, (0,) * (x.ndim - 2) + (sigma, sigma), mode="nearest")


def zoomed(x: Array, size: Sequence[int]) -> Array:
    """Return each image in this height and width, by linear interpolation."""
    from scipy.ndimage import zoom
    factors = (1,) * (x.ndim - 2) + tuple(new / old for new, old in zip(size, x.shape[-2:], strict=True))
    return zoom(x, factors, order=1)


def as_bounds(bounds: Sequence[float]) -> Bounds:
    """Return the least and the largest value of a pixel; ArgumentError if they are no such pair."""
    if not isinstance(bounds, (tuple, list, np.ndarray)) or len(bounds) != 2:
        raise ArgumentError(f"bounds must be (low, high), got {bounds!r}")
    low = real("bounds[0]", bounds[0])
    return low, real("bounds[1]", bounds[1], low, above=True)
