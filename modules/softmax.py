"""Softmax and its logarithm, over the last axis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array
from .core.arrays import Product, inner_for
from .core.base import Module


class Softmax(Module):
    r""":math:`y_i = e^{x_i} / \sum_j e^{x_j}` over the last axis. Any shape.

    Notes
    -----
    The largest input of each row is subtracted first, so that nothing overflows. The Jacobian of a row is
    :math:`\mathrm{diag}(y) - y y^\top`, so :math:`\partial C / \partial x = y \odot (g - \langle g, y \rangle)`. To train
    a classifier, leave the softmax out and give its input to CrossEntropy.
    """

    saved = "output"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        y = np.subtract(x, x.max(-1, keepdims=True), out)
        np.exp(y, y)
        y /= y.sum(-1, keepdims=True)
        self.point = y
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        y = self.point
        gx = np.multiply(g, y, out)
        inner = gx.sum(-1, keepdims=True)
        np.subtract(g, inner, gx)
        gx *= y
        return gx


class Exponentials(NamedTuple):
    """Workspace of LogSoftmax."""

    exps: Array
    flat: Array                                                     # the same memory
    starts: Array                                                   # where each row begins in it
    inner: Product                                                  # of each row with that of another array


class LogSoftmax(Module):
    r""":math:`y_i = x_i - \log \sum_j e^{x_j}` over the last axis. Any shape.

    Notes
    -----
    :math:`\partial C / \partial x = g - e^y \sum_j g_j`, and forward mode :math:`t - \sum_j e^{y_j} t_j`. Both y and the
    gradient are exact to a few units in the last place also where y is almost 0.
    """

    saved = "output"

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Exponentials:
        exps = np.empty(shape, dtype)
        return Exponentials(exps, exps.reshape(-1), np.arange(exps.size // shape[-1]) * shape[-1], inner_for(shape[-1]))

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        exps, flat, starts, _ = self.scratch
        largest = x.argmax(-1)
        y = np.subtract(x, np.take_along_axis(x, largest[..., None], -1), out)
        np.exp(y, exps)
        flat[starts + largest.reshape(-1)] = 0                      # 1 + the others: log1p keeps others that 1 would absorb
        y -= np.log1p(exps.sum(-1, keepdims=True))
        self.point = y
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.subtract(g.sum(-1, keepdims=True), g, out)          # the sum of the other g, 0 for a g of one class
        gx *= np.exp(self.point, self.scratch.exps)
        slope = np.expm1(self.point, self.scratch.exps)             # -(1 - e^y)
        slope *= g
        gx += slope
        return np.negative(gx, gx)

    def jvp(self, t: Array) -> Array:
        """Shape of x -> the same shape."""
        return t - self.scratch.inner(np.exp(self.point), t)[..., None]
