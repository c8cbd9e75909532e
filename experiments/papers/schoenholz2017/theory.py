r"""Mean-field theory of a deep tanh network with random weights: how far a signal and a gradient reach.

Weights are drawn from N(0, σ_w²/n), with n inputs, and biases from N(0, σ_b²). In a wide layer the preactivations of an example
are Gaussian, so each expectation is an integral over one Gaussian variable, or over two for a pair of examples. Gauss-Hermite
quadrature takes it.

References
----------
Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli 2016, "Exponential expressivity in deep neural networks through transient chaos".
Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, "Deep information propagation", sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from ....arguments import Array
from ....errors import ArgumentError

NODES = 128                                                         # of the quadrature, in each variable
WIDEST = 2.0                                                        # variances of biases up to which it has 3 digits
NEAR = 1e-7                                                         # correlations nearer to 1 than this are taken for 1


@cache
def nodes() -> tuple[Array, Array]:
    """Places and weights at which a sum is the mean over N(0, 1)."""
    z, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return z, weights / weights.sum()


def mean(function: Callable[[Array], Array], q: float) -> float:
    """E f(u) for u of N(0, q)."""
    z, weights = nodes()
    return float(weights @ function(math.sqrt(q) * z))


def mean_of_pair(function: Callable[[Array], Array], q: float, c: float) -> float:
    """E f(u) f(v) for two Gaussian variables of variance q and correlation c."""
    z, weights = nodes()
    v = c * z[:, None] + math.sqrt(1 - c * c) * z                   # one row for each u
    return float((weights * function(math.sqrt(q) * z)) @ (function(math.sqrt(q) * v) @ weights))


def slope(u: Array) -> Array:
    """The derivative of tanh."""
    return 1 - np.tanh(u) ** 2


@cache
def length(weight_variance: float, bias_variance: float) -> float:
    """q*: the variance of the preactivations that a layer keeps, the fixed point of q = σ_w² E tanh²(u) + σ_b²."""
    from scipy.optimize import brentq
    if bias_variance == 0 and weight_variance <= 1:
        return 0.0
    return float(brentq(lambda q: weight_variance * mean(lambda u: np.tanh(u) ** 2, q) + bias_variance - q,
                        1e-12, weight_variance + bias_variance + 1e-9))


@cache
def growth(weight_variance: float, bias_variance: float) -> float:
    """χ = σ_w² E tanh'(u)²: by what a layer multiplies squared gradients, and small differences of two examples.

    Below 1 is order, where gradients vanish and examples become alike; above 1 chaos, where gradients explode.
    """
    return weight_variance * mean(lambda u: slope(u) ** 2, length(weight_variance, bias_variance))


def correlations(weight_variance: float, bias_variance: float, first: float, layers: int) -> list[float]:
    """The correlation of two examples of length q* in each of so many layers, from that in the first one."""
    q, found = length(weight_variance, bias_variance), [first]
    while len(found) < layers:
        found.append((weight_variance * mean_of_pair(np.tanh, q, found[-1]) + bias_variance) / q)
    return found


@cache
def correlation(weight_variance: float, bias_variance: float) -> float:
    """c*: the correlation that any two examples tend to, layer by layer; 1 in order."""
    from scipy.optimize import brentq

    def change(c: float) -> float:
        return correlations(weight_variance, bias_variance, c, 2)[1] - c

    if growth(weight_variance, bias_variance) <= 1 + NEAR or change(1 - NEAR) >= 0:
        return 1.0
    return float(brentq(change, 0, 1 - NEAR))


@cache
def depth_scale(weight_variance: float, bias_variance: float) -> float:
    """ξ_c: the layers in which the distance of a correlation to c* falls by e; infinite at the critical point."""
    q, c = length(weight_variance, bias_variance), correlation(weight_variance, bias_variance)
    factor = weight_variance * mean_of_pair(slope, q, c)
    return math.inf if factor >= 1 else -1 / math.log(factor)


def critical(bias_variance: float) -> float:
    """The σ_w² between order and chaos, at which χ is 1.

    The length q* belongs to one point of the critical line: σ_w² = 1 / E tanh'(u)², and σ_b² = q* - σ_w² E tanh²(u) grows
    with it. The quadrature has 3 digits for σ_b² up to `WIDEST`; ArgumentError for others.
    """
    from scipy.optimize import brentq
    if not 0 <= bias_variance <= WIDEST:
        raise ArgumentError(f"bias_variance must be from 0 to {WIDEST:g}, got {bias_variance!r}")

    def weights(q: float) -> float:
        return 1 / mean(lambda u: slope(u) ** 2, q)

    def biases(q: float) -> float:
        return q - weights(q) * mean(lambda u: np.tanh(u) ** 2, q) - bias_variance

    return 1.0 if bias_variance == 0 else weights(float(brentq(biases, 0, 1 + 20 * bias_variance)))
