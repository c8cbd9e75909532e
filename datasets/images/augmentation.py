"""Augmentation: random changes of the examples of a batch, new ones in each epoch.

``fit(augment=...)`` takes these, functions ``(x, rng) -> x`` of your own, and lists of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arguments import Array, as_floating, positive_int, real
from ...errors import ArgumentError, ShapeError


@dataclass(frozen=True)
class Flip:
    """Mirror each image with probability ``p``: left and right change places, or top and bottom.

    Parameters
    ----------
    p : float in [0, 1], default 0.5
    vertical : bool, default False
        Whether top and bottom change places.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.datasets.Flip(p=1)(np.arange(4).reshape(1, 1, 2, 2), np.random.default_rng(0))
    array([[[[1., 0.],
             [3., 2.]]]], dtype=float32)
    """

    p: float = 0.5
    vertical: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", real("p", self.p, 0, 1))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the images, (N, C, H, W), in new memory."""
        images = as_images(self, x)
        chosen = rng.random(len(images)) < self.p
        result = images.copy()
        result[chosen] = np.flip(images[chosen], -2 if self.vertical else -1)
        return result


@dataclass(frozen=True)
class Shift:
    """Move each image by up to ``pixels`` in both directions, by whole pixels, all of them equally likely.

    This is the same as padding it by ``pixels`` on all sides and cropping it at a random place to its size.

    Parameters
    ----------
    pixels : int
    fill : float, default 0
        The value of the pixels that come in at the borders.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.datasets.Shift(1, fill=9)(np.arange(4).reshape(1, 1, 2, 2), np.random.default_rng(0))
    array([[[[2., 3.],
             [9., 9.]]]], dtype=float32)
    """

    pixels: int
    fill: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", positive_int("pixels", self.pixels, 0))
        object.__setattr__(self, "fill", real("fill", self.fill))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the images, (N, C, H, W), in new memory."""
        images, pad = as_images(self, x), self.pixels
        n, _, height, width = images.shape
        padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=self.fill)
        places = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
        top, left = rng.integers(0, 2 * pad, size=(2, n), endpoint=True)
        return np.ascontiguousarray(places[np.arange(n), :, top, left])


@dataclass(frozen=True)
class Noise:
    """Add normal noise of standard deviation ``std`` to each number of the examples, of any shape.

    Parameters
    ----------
    std : float, at least 0

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.datasets.Noise(0.1)(np.zeros((1, 3), "float32"), np.random.default_rng(0)).round(2)
    array([[ 0.11, -0.14, -0.04]], dtype=float32)

    References
    ----------
    Bishop 1995, "Training with noise is equivalent to Tikhonov regularization".
    """

    std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "std", real("std", self.std, 0))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the examples in new memory."""
        if isinstance(x, tuple):
            raise ArgumentError(f"{self!r}: x must be one array, got a tuple of {len(x)}: write a function for several inputs")
        numbers = as_floating(x, None, "x", self)
        noise = rng.standard_normal(numbers.shape, numbers.dtype)
        noise *= numbers.dtype.type(self.std)
        noise += numbers
        return noise


def as_images(of: object, x: Array) -> Array:
    """Return ``x`` as floating numbers; ShapeError unless it has the axes of images."""
    images = as_floating(x, None, "x", of)
    if images.ndim != 4 or not images.size:
        raise ShapeError(f"{of!r}: x must be images of shape (N, C, H, W), got {images.shape}")
    return images
