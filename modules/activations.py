"""Functions of each element: their Jacobian is diagonal, so backward multiplies element by element (slide 47), and
forward mode does the same.

Each saves what makes its slope cheapest: most often its own output, so that the input need not be kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, real
from .core.arrays import ONE, TYPES, ZERO, copy, empty, room, zeros
from .core.base import Module

LARGEST_EXP = {TYPES[0]: np.array(88, "float32"), TYPES[1]: np.array(709, "float64")}     # where exp is still finite


class WithScratch(Module):
    """With one array of the input's shape to work in."""

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return empty(shape, dtype, self.batch_last)


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
    :math:`\sigma'(x) = y (1 - y)` needs the value alone: forward saves ``y`` and lets ``x`` go. The slope is at
    most 1/4, and under 1/400 beyond :math:`|x| = 6`, where the unit saturates (lecture, slide 75). As with all modules
    that save their output: do not write into it before ``update``.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        y = sigmoid(x, out)
        self.point = y
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        y = self.point
        gx = np.multiply(y, y, out)
        np.subtract(y, gx, gx)                                      # the slope, y (1 - y)
        gx *= g
        return gx


class Tanh(Module):
    r"""Hyperbolic tangent of each element: :math:`y = \tanh x`. Any shape.

    Notes
    -----
    The slope is :math:`1 - y^2`, so :math:`\partial C / \partial x = g - y^2 g`.
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


class ReLU(Module):
    r"""Rectifier of each element: :math:`y = \max(0, x)`. Any shape.

    Notes
    -----
    The slope is 1 where :math:`y > 0`, else 0; at the kink, :math:`x = 0`, it is 0.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
        return ZERO[dtype], zeros(shape, dtype, self.batch_last), empty(shape, bool, self.batch_last)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        self.point = y = np.maximum(x, self.scratch[1], out=out)
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        zero, _, positive = self.scratch
        np.greater(self.point, zero, positive)
        gx = room(out, g)
        gx[...] = positive                                          # twice as fast as a product of floats with booleans
        gx *= g
        return gx


class LeakyReLU(WithScratch):
    r""":math:`y = x` where :math:`x > 0`, else :math:`\mathrm{slope} \cdot x`. Any shape.

    Parameters
    ----------
    slope : float in [0, 1], default 0.01
        Of the negative side; at the kink, x = 0, too.

    References
    ----------
    Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = real("slope", slope, 0, 1)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y, whose sign is that of x."""
        scaled = np.multiply(x, self.slope, self.scratch)
        self.point = y = np.maximum(x, scaled, out=out)
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.greater(self.point, ZERO[g.dtype], out=room(out, g))
        gx *= 1 - self.slope
        gx += self.slope
        gx *= g
        return gx


class ELU(WithScratch):
    r""":math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`. Any shape.

    Parameters
    ----------
    alpha : float, at least 0, default 1
        Minus the limit on the left.

    Notes
    -----
    The slope is 1 where :math:`y > 0`, else :math:`y + \alpha`.

    References
    ----------
    Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units".
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real("alpha", alpha, 0)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        zero = ZERO[x.dtype]
        left = np.minimum(x, zero, out=self.scratch)
        np.expm1(left, left)
        left *= self.alpha
        self.point = y = np.maximum(x, zero, out=out)
        y += left
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        y, zero = self.point, ZERO[g.dtype]
        gx = np.greater(y, zero, out=room(out, g))
        gx *= 1 - self.alpha
        gx += self.alpha
        gx += np.minimum(y, zero, out=self.scratch)
        gx *= g
        return gx


class Gate(NamedTuple):
    """The input, and the gate in [0, 1] that it was multiplied with."""

    x: Array
    gate: Array


class GELU(WithScratch):
    r""":math:`y = x \Phi(x)`, with :math:`\Phi` the distribution function of N(0, 1), exact. Any shape.

    Notes
    -----
    The slope is :math:`\Phi(x) + x \varphi(x)`, with :math:`\varphi(x) = e^{-x^2/2} / \sqrt{2 \pi}`.

    References
    ----------
    Hendrycks & Gimpel 2016, "Gaussian error linear units".
    """

    saved = "input"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves x and Φ(x)."""
        from scipy.special import ndtr
        self.point = Gate(x, ndtr(x, self.scratch))
        return np.multiply(x, self.point.gate, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        x, gate = self.point
        gx = np.clip(x, -40, 40, out=out)                           # beyond, φ is 0, and x² may overflow
        np.multiply(gx, gx, gx)
        gx *= -0.5
        np.exp(gx, gx)
        gx *= (2 * np.pi) ** -0.5
        gx *= x
        gx += gate
        gx *= g
        return gx


class SiLU(WithScratch):
    r""":math:`y = x \sigma(x)`, also called swish. Any shape.

    Notes
    -----
    The slope is :math:`\sigma(x) (1 + x (1 - \sigma(x)))`.

    References
    ----------
    Elfwing, Uchibe & Doya 2018, "Sigmoid-weighted linear units for neural network function approximation".
    """

    saved = "input"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves x and σ(x)."""
        self.point = Gate(x, sigmoid(x, self.scratch))
        return np.multiply(x, self.point.gate, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        x, gate = self.point
        gx = np.subtract(ONE[g.dtype], gate, out)
        gx *= x
        gx += ONE[g.dtype]
        gx *= gate
        gx *= g
        return gx


class Softplus(Module):
    r""":math:`y = \log(1 + e^x)`. Any shape.

    Notes
    -----
    The slope, :math:`\sigma(x) = 1 - e^{-y}`, needs the value alone.
    """

    saved = "output"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves y."""
        self.point = y = np.logaddexp(x, ZERO[x.dtype], out)
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        gx = np.negative(self.point, out)
        np.expm1(gx, gx)
        gx *= g
        return np.negative(gx, gx)


class Softsign(WithScratch):
    r""":math:`y = x r` with :math:`r = 1 / (1 + |x|)`. Any shape.

    Notes
    -----
    The slope is :math:`r^2`: it falls like a power, where that of tanh falls like an exponential.

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
    The slope is 1 where :math:`|y| < 1`, else 0, at the kinks too.
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


def sigmoid(x: Array, out: Array | None) -> Array:
    """1 / (1 + exp(-x)), to a few units in the last place in both tails (by tanh it would not be on the left)."""
    y = np.negative(x, out)
    np.minimum(y, LARGEST_EXP[y.dtype], out=y)
    np.exp(y, y)
    y += ONE[y.dtype]
    return np.reciprocal(y, y)
