"""Saliency maps as images of magnitudes, and the share of a map in a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, as_numbers
from ...datasets.checks import finite
from ...errors import DtypeError, ShapeError


def as_images(maps: ArrayLike) -> Array:
    r"""Return the magnitude of each number of a map, the largest of several channels: :math:`M_{ij} = \max_k |m_{kij}|`.

    Parameters
    ----------
    maps : array_like of shape (examples, channels, height, width), or (examples, ...) without channels
        Maps by any method.

    Returns
    -------
    array of shape (examples, height, width), or of the shape of maps

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2013, section 3.1.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.saliency.as_images(np.array([[[[1.0, -2.0]], [[-3.0, 0.5]]]]))
    array([[[3., 2.]]])
    """
    magnitudes = np.abs(as_floating(maps, None, "maps"))
    return magnitudes.max(1) if magnitudes.ndim == 4 else magnitudes


def share(maps: ArrayLike, region: ArrayLike) -> Array:
    """Return the share of the total magnitude of each map that lies in a region.

    Parameters
    ----------
    maps : array_like
        Maps by any method, signed or not.
    region : array_like of bool
        The pixels that should be salient: of the shape of ``as_images(maps)``, or of one of its images. The mean of the
        region is the share of an uninformative, constant map.

    Returns
    -------
    array of shape (examples,)
        In [0, 1]; NaN for a map of zeros.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.saliency.share([[1.0, -3.0, 0.0, 0.0]], [True, False, False, False])
    array([0.25])
    """
    images, inside = finite("maps", as_images(maps)).astype(np.float64), as_numbers(region, "region")
    if inside.dtype != bool:
        raise DtypeError(f"region must be an array of bool, got {inside.dtype}")
    if inside.shape not in (images.shape, images.shape[1:]):
        raise ShapeError(f"region must have the shape of the images, {images.shape}, or of one of them, got {inside.shape}")
    axes = tuple(range(1, images.ndim))
    total = images.sum(axes)
    return np.divide((images * inside).sum(axes), total, out=np.full(len(images), np.nan), where=total > 0)
