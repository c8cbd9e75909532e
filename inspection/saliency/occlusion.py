"""Saliency without derivatives: how the score falls when a part of the input is covered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, positive_int
from ...errors import ArgumentError
from ...modules import Module
from ...threads import OneThread
from ..arguments import ROWS
from .class_scores import ClassScores


def occlusion(net: Module, x: ArrayLike, classes: ArrayLike | None = None, *, window: int | tuple[int, int],
              stride: int | tuple[int, int] = 1, value: ArrayLike = 0) -> Array:
    r"""Return how much the score falls when windows of the input are covered.

    Parameters
    ----------
    net, x, classes
        As for ``gradient``.
    window : int or pair of int
        Height and width of the covered window, on the last two axes of x, in all channels. If examples are rows of numbers,
        an int: how many neighbouring numbers are covered.
    stride : int or pair of int, default 1
        Distance from one window to the next, at most the size of the window. The last window ends at the edge of the input.
    value : array_like, default 0
        The numbers that replace those in the window: a number, an example (such as the mean image), or one per example of x.

    Returns
    -------
    array of the shape and dtype of x
        For each number, the mean of S(x) - S(x covered) over the windows that cover it; the same in all channels.

    References
    ----------
    Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(4, 1, weight_init=rp.Constant(1), rng=0))
    >>> rp.saliency.occlusion(net, [[1.0, 2, 3, 4]], window=2)
    array([[3., 4., 6., 7.]])
    """
    score = ClassScores(net, x, classes)
    size = score.x.shape[1:][-2:]
    images, cover = (a.reshape(len(a), -1, *(1, *size)[-2:]) for a in (score.x, score.like_x("value", value)))
    rows, columns = windows(window, stride, size)
    falls = np.empty((len(rows) * len(columns), len(images)))
    before, at_once = score.at(score.x), max(1, ROWS // len(images))
    for first in range(0, len(falls), at_once):
        i, j = np.divmod(np.arange(first, min(first + at_once, len(falls))), len(columns))
        inside = rows[i, None, None, :, None] & columns[j, None, None, None, :]
        covered = np.where(inside, cover, images).reshape(-1, *score.x.shape[1:])
        falls[first:first + at_once] = before - score.at(covered).reshape(-1, len(images))
    by_place = falls.reshape(len(rows), len(columns), -1)
    with OneThread():
        total = np.einsum("ijn,ih,jw->nhw", by_place, rows, columns, optimize=True)
    mean = total / np.multiply.outer(rows.sum(0), columns.sum(0))
    return np.broadcast_to(mean[:, None], images.shape).reshape(score.x.shape).astype(score.x.dtype)


def windows(window: Any, stride: Any, size: tuple[int, ...]) -> list[Array]:
    """Return, for each of two axes, which numbers each window covers, ``(windows, size)``; for a missing axis, one."""
    masks = [np.ones((1, 1), bool)] if len(size) == 1 else []
    for width, step, length in zip(as_sizes("window", window, size), as_sizes("stride", stride, size), size, strict=True):
        if width > length or step > width:
            raise ArgumentError(f"window must fit into {size} and stride into the window, got {window!r} and {stride!r}")
        starts = np.append(np.arange(0, length - width, step), length - width)[:, None]
        masks.append((starts <= np.arange(length)) & (np.arange(length) < starts + width))
    return masks


def as_sizes(name: str, value: Any, size: tuple[int, ...]) -> list[int]:
    """Return one size per axis."""
    values = value if isinstance(value, (tuple, list)) else (value,) * len(size)
    if len(values) != len(size):
        raise ArgumentError(f"{name} must be an integer{', or a pair of them' * (len(size) == 2)}, got {value!r}")
    return [positive_int(name, one) for one in values]
