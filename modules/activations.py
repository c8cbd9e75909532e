"""Saturating functions of each element, and the identity; the rectifiers are in ``rectifiers.py``.

The Jacobian of such a function is diagonal: backward and forward mode both multiply with the derivative, element by element
(lecture, slide 47). Each class saves what makes its derivative cheapest, most often its output; then the input need not be
stored.
"""

from __future__ import annotations

import numpy as np

from ..arguments import Array
from .core.arrays import FAR_LEFT, ONE, copy, left_of, sigmoid
from .core.base import Module
from .scratch import WithScratch


class Identity(Module):
    r""":math:`y = x`. Any shape."""

    saved = "neither"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves nothing."""
        self.point = None
        return copy(x, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        return copy(g, out)


class Sigmoid(Module):
    r"""Logistic function of each element: :math:`y = \sigma(x) = 1 / (1 + e^{-x})`. Any shape.

    Notes
    -----
    :math:`\sigma'(x) = y (1 - y)` needs only the output: forward saves ``y`` and not ``x``. The derivative is at most 1/4,
    and less than 1/400 for :math:`|x| > 6`, where the unit saturates (lecture, slide 75). In the left tail it is right to a
    few units in the last place; in the right tail y is rounded to 1, and the derivative has an error of one rounding of 1.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        self.point = y = sigmoid(x, out, left_of(x, FAR_LEFT[x.dtype]))
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        y = self.point
        gx = np.multiply(y, y, out)
        np.subtract(y, gx, gx)                                      # the derivative, y (1 - y)
        gx *= g
        return gx


class Tanh(Module):
    r"""Hyperbolic tangent of each element: :math:`y = \tanh x`. Any shape.

    Notes
    -----
    The derivative is :math:`1 - y^2`, so :math:`\partial C / \partial x = g - y^2 g`. In the tails y is rounded to ±1, and the
    derivative has an error of one rounding of 1.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        self.point = y = np.tanh(x, out)
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        y = self.point
        gx = np.multiply(y, y, out)
        gx *= g
        return np.subtract(g, gx, gx)


class Softsign(WithScratch):
    r""":math:`y = x r` with :math:`r = 1 / (1 + |x|)`. Any shape.

    Notes
    -----
    The derivative is :math:`r^2`: it decays like a power of x, that of tanh exponentially.

    References
    ----------
    Glorot & Bengio 2010, section 2.2.
    """

    saved = "neither"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves r."""
        self.point = r = np.abs(x, self.scratch)
        r += ONE[x.dtype]
        np.reciprocal(r, r)
        return np.multiply(x, r, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.multiply(self.point, self.point, out)
        gx *= g
        return gx


class HardTanh(Module):
    r""":math:`y = \min(\max(x, -1), 1)`. Any shape.

    Notes
    -----
    The derivative is 1 where :math:`|y| < 1`, else 0, also at the kinks.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        one = ONE[x.dtype]
        self.point = y = np.clip(x, -one, one, out=out)
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.abs(self.point, out)
        np.less(gx, ONE[g.dtype], out=gx)
        gx *= g
        return gx
