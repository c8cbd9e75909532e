"""Rectifiers: functions of each element that pass large inputs and hold back negative ones, with a kink or smoothly.

Their Jacobian is diagonal, as that of all functions of each element: see ``activations.py``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, real
from .core.arrays import FAR_LEFT, ONE, TYPES, ZERO, as_out, empty, left_of, sigmoid, zeros
from .core.base import Module
from .scratch import WithScratch


class ReLU(Module):
    r"""Rectifier of each element: :math:`y = \max(0, x)`. Any shape.

    Notes
    -----
    The derivative is 1 where :math:`y > 0`, else 0; at the kink, :math:`x = 0`, it is 0.
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
        gx = np.empty(g.shape, g.dtype) if out is None else out
        gx[...] = positive                                          # twice as fast as a product of floats with booleans
        gx *= g
        return gx


class LeakyReLU(WithScratch):
    r""":math:`y = x` where :math:`x > 0`, else :math:`\mathrm{slope} \cdot x`. Any shape.

    Parameters
    ----------
    slope : float in [0, 1], default 0.01
        The derivative on the negative side, and at the kink, x = 0.

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
        gx = np.greater(self.point, ZERO[g.dtype], out=as_out(out, g))
        gx *= 1 - self.slope
        gx += self.slope
        gx *= g
        return gx


class Left(NamedTuple):
    """min(x, 0), and where x > 0."""

    x: Array
    positive: Array


class ELU(Module):
    r""":math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`. Any shape.

    Parameters
    ----------
    alpha : float, at least 0, default 1
        The output tends to -alpha for large negative inputs.

    Notes
    -----
    The derivative is 1 where :math:`x > 0`, else :math:`\alpha e^x`. It is not computed as :math:`y + \alpha`, which is 0
    where y is rounded to -alpha.

    References
    ----------
    Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units".
    """

    saved = "neither"
    layout = "kept"
    symmetric = True

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real("alpha", alpha, 0)

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Left, Array]:
        left, negative = (empty(shape, dtype, self.batch_last) for _ in range(2))
        return Left(left, empty(shape, bool, self.batch_last)), negative

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves min(x, 0), and where x > 0."""
        zero, (self.point, negative) = ZERO[x.dtype], self.scratch
        left, positive = self.point
        np.greater(x, zero, positive)
        np.minimum(x, zero, out=left)
        np.expm1(left, negative)
        negative *= self.alpha
        y = np.maximum(x, zero, out=out)
        y += negative
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        left, positive = self.point
        gx = np.exp(left, out)
        if self.alpha != 1:
            gx *= self.alpha
            np.copyto(gx, ONE[g.dtype], where=positive)
        gx *= g
        return gx


class Gate(NamedTuple):
    """The input, the gate in [0, 1] that multiplies it, and where x is so far left that the gate is subnormal (None: nowhere).

    A subnormal number has few digits. There, value and derivative are computed from the two roots of the gate.
    """

    x: Array
    gate: Array
    far: Array | None


class GELU(WithScratch):
    r""":math:`y = x \Phi(x)`, with :math:`\Phi` the distribution function of N(0, 1), not an approximation of it. Any shape.

    Notes
    -----
    The derivative is :math:`\Phi(x) + x \varphi(x)`, with :math:`\varphi(x) = e^{-x^2/2} / \sqrt{2 \pi}`.

    References
    ----------
    Hendrycks & Gimpel 2016, "Gaussian error linear units".
    """

    saved = "input"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves x and Φ(x)."""
        ndtr, _ = normal_functions()
        far = left_of(x, LEAST_GATE[x.dtype])
        self.point = Gate(x, ndtr(x, self.scratch), far)
        y = np.multiply(x, self.point.gate, out)
        if far is not None:
            x, gate, root = roots(x[far])
            y[far] = x * gate * root * root
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        x, gate, far = self.point
        gx = np.clip(x, -40, 40, out=out)                           # outside, φ is 0, and x² may overflow
        np.multiply(gx, gx, gx)
        gx *= -0.5
        np.exp(gx, gx)
        gx *= (2 * np.pi) ** -0.5
        gx *= x
        gx += gate
        if far is not None:
            x, gate, root = roots(x[far])
            gx[far] = (gate + x * (2 * np.pi) ** -0.5) * root * root
        gx *= g
        return gx


LEAST_GATE = {TYPES[0]: -12.5, TYPES[1]: -37.0}                     # left of it Φ is subnormal


def normal_functions() -> tuple[Any, Any]:
    """Return Φ(x), into ``out``, and exp(z²) erfc(z): SciPy's or, where it is missing, as in a browser, slower ones."""
    try:
        from scipy.special import erfcx, ndtr
    except ImportError:
        return distribution, scaled_tail
    return ndtr, erfcx


def distribution(x: Array, out: Array) -> Array:
    """Φ(x) of each element, from the standard library, exact in the tails."""
    out[...] = np.reshape([math.erfc(z) / 2 for z in (x * -np.float64(0.5) ** 0.5).flat], x.shape)
    return out


def scaled_tail(z: Array) -> Array:
    """exp(z²) erfc(z), for z of at least 8, by Laplace's continued fraction (Abramowitz & Stegun 1964, 7.1.14)."""
    below = z
    for k in range(20, 0, -1):
        below = z + k / 2 / below
    return 1 / (math.pi ** 0.5 * below)


def roots(x: Array) -> tuple[Array, Array, Array]:
    """Return x, at least -60, the quotient Φ(x) / exp(-x²/2), and exp(-x²/4), all in float64."""
    _, erfcx = normal_functions()
    x = np.maximum(x, -60, dtype=np.float64)                        # there, Φ is 0 in float64
    return x, 0.5 * erfcx(x * -(0.5 ** 0.5)), np.exp(x * x * -0.25)


class SiLU(WithScratch):
    r""":math:`y = x \sigma(x)`, also called swish. Any shape.

    Notes
    -----
    The derivative is :math:`\sigma(x) (1 + x (1 - \sigma(x)))`.

    References
    ----------
    Elfwing, Uchibe & Doya 2018, "Sigmoid-weighted linear units for neural network function approximation".
    """

    saved = "input"
    layout = "kept"
    symmetric = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves x and σ(x)."""
        far = left_of(x, FAR_LEFT[x.dtype])
        self.point = Gate(x, sigmoid(x, self.scratch, far), far)
        y = np.multiply(x, self.point.gate, out)
        if far is not None:
            x, root = x[far], np.exp(x[far] / 2)
            y[far] = x * root * root
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        x, gate, far = self.point
        gx = np.subtract(ONE[g.dtype], gate, out)
        gx *= x
        gx += ONE[g.dtype]
        gx *= gate
        if far is not None:
            x, root = x[far], np.exp(x[far] / 2)
            gx[far] = (1 + x) * root * root
        gx *= g
        return gx


class Softplus(Module):
    r""":math:`y = \log(1 + e^x)`. Any shape.

    Notes
    -----
    The derivative, :math:`\sigma(x) = 1 - e^{-y}`, needs only the output.
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
