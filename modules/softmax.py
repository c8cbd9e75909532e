"""Softmax and its logarithm, over the last axis."""

from __future__ import annotations

import numpy as np

from ..arguments import Array
from .core.base import Module
from .core.scratch import WithScratch


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


class LogSoftmax(WithScratch):
    r""":math:`y_i = x_i - \log \sum_j e^{x_j}` over the last axis. Any shape.

    Notes
    -----
    :math:`\partial C / \partial x = g - e^y \sum_j g_j`, and forward mode :math:`t - \sum_j e^{y_j} t_j`.
    """

    saved = "output"

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        y = np.subtract(x, x.max(-1, keepdims=True), out)
        y -= np.log(np.exp(y, self.scratch).sum(-1, keepdims=True))
        self.point = y
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.exp(self.point, out)
        gx *= g.sum(-1, keepdims=True)
        return np.subtract(g, gx, gx)

    def jvp(self, t: Array) -> Array:
        """Shape of x -> the same shape."""
        return t - np.vecdot(np.exp(self.point), t)[..., None]
