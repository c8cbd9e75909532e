"""Losses of each element: of a value, a probability or a score and its target."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, real, within
from ..errors import DataError
from ..modules.core.arrays import ONE, ZERO
from .base import Loss


class Pair(NamedTuple):
    prediction: Array
    target: Array


class Difference(Loss):
    """Base class: a function of d = prediction - target. Saves d."""

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
        return np.empty(shape, dtype), np.empty(shape, dtype)


class MSE(Difference):
    r"""Squared error: the mean over all elements of :math:`(p - y)^2`. Any two equal shapes.

    Notes
    -----
    :math:`\partial C/\partial p = 2 (p - y) / n`, with n elements.
    """

    def costs(self, prediction: Array, target: Array) -> Array:
        difference, square = self.scratch
        self.point = np.subtract(prediction, target, difference)
        return np.multiply(difference, difference, square)

    def derivatives(self) -> Array:
        return np.add(self.point, self.point, self.scratch[1])


class L1(Difference):
    r"""Absolute error: the mean over all elements of :math:`|p - y|`. Any two equal shapes.

    Notes
    -----
    :math:`\partial C/\partial p = \mathrm{sign}(p - y) / n`, with n elements; 0 if p = y.
    """

    def costs(self, prediction: Array, target: Array) -> Array:
        difference, absolute = self.scratch
        self.point = np.subtract(prediction, target, difference)
        return np.abs(difference, absolute)

    def derivatives(self) -> Array:
        return np.sign(self.point, self.scratch[1])


class Huber(Difference):
    r"""Squared error near the target, absolute error far from it. Any two equal shapes.

    Parameters
    ----------
    delta : float > 0, default 1
        The largest difference whose cost is the squared one.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over all elements.

    Notes
    -----
    With :math:`d = p - y` and :math:`c = \mathrm{clip}(d, -\delta, \delta)`, the cost :math:`c (d - c/2)` is
    :math:`d^2/2` up to δ and :math:`\delta (|d| - \delta/2)` beyond, and its derivative is c.

    References
    ----------
    Huber 1964, "Robust estimation of a location parameter".
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = real("delta", delta, 0, above=True)

    def costs(self, prediction: Array, target: Array) -> Array:
        difference, costs = self.scratch
        self.point = np.subtract(prediction, target, difference)
        clipped = np.clip(difference, -self.delta, self.delta, out=costs)
        return clipped * (difference - 0.5 * clipped)

    def derivatives(self) -> Array:
        return np.clip(self.point, -self.delta, self.delta, out=self.scratch[1])


class BCE(Loss):
    r"""Binary cross-entropy of probabilities: :math:`-(y \log p + (1 - y) \log(1 - p))`. Any two equal shapes.

    Predictions p and targets y outside [0, 1] raise DataError.

    Notes
    -----
    As in PyTorch, both logarithms are at least -100, and
    :math:`\partial C/\partial p = (p - y) / \max(p (1 - p), 10^{-12}) / n`, with n elements. In float32 a Sigmoid is exactly
    1 for x ≥ 17: with the target y = 0, the gradient with respect to x is then 0, and not 1 as it should be. BCEWithLogits
    computes it correctly.
    """

    _outside: bool = False                                          # predictions that are an ulp outside, or NaN

    def check(self, target: Array, prediction: Array) -> None:
        least, largest = prediction.item(prediction.argmin()), prediction.item(prediction.argmax())
        self._outside = not (least >= 0 and largest <= 1)
        if self._outside and least == least:                        # NaN has the cost NaN, as with the other losses
            within(f"{self!r}: predictions must be probabilities in", prediction, 0, 1,
                   "; end the network with Sigmoid")
        self.check_range(target, prediction)

    def costs(self, prediction: Array, target: Array) -> Array:
        if self._outside:
            prediction = prediction.clip(0, 1)                      # keeps NaN
        self.point = Pair(prediction, target)
        with np.errstate(divide="ignore"):
            one, zero = np.log(prediction), np.log1p(-prediction)
        return -target * np.maximum(one, -100, out=one) - (1 - target) * np.maximum(zero, -100, out=zero)

    def derivatives(self) -> Array:
        prediction, target = self.point
        return (prediction - target) / np.maximum(prediction * (1 - prediction), 1e-12)


class BCEWithLogits(Loss):
    r"""Binary cross-entropy of logits: :math:`\log(1 + e^x) - x y`, with :math:`p = \sigma(x)`. Any two equal shapes.

    Targets y outside [0, 1] raise DataError.

    Notes
    -----
    :math:`\partial C/\partial x = (\sigma(x) - y) / n`, with n elements and :math:`\sigma(x) = e^{x - \log(1 + e^x)}`,
    which is accurate in the left tail and never overflows. Saves :math:`\sigma(x) - y`.
    """

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, ...]:
        return ZERO[dtype], *(np.empty(shape, dtype) for _ in range(3))

    check = Loss.check_range

    def costs(self, prediction: Array, target: Array) -> Array:
        zero, softplus, costs, derivatives = self.scratch
        np.logaddexp(prediction, zero, softplus)
        np.subtract(prediction, softplus, derivatives)
        np.exp(derivatives, derivatives)
        self.point = np.subtract(derivatives, target, derivatives)
        np.multiply(prediction, target, costs)
        return np.subtract(softplus, costs, costs)

    def derivatives(self) -> Array:
        return self.point


class Hinge(Loss):
    r"""Hinge of scores s against y in {0, 1}: :math:`\max(0, 1 - (2 y - 1) s)`. Any two equal shapes.

    Targets other than 0 and 1 raise DataError.

    Notes
    -----
    :math:`\partial C/\partial s = -(2 y - 1) / n` where the cost is positive, else 0, with n elements.
    """

    def check(self, target: Array, prediction: Array) -> None:
        if not ((target == 0) | (target == 1)).all():
            raise DataError(f"{self!r}: targets must be 0 or 1, got {np.unique(target)[:5].tolist()}")

    def costs(self, prediction: Array, target: Array) -> Array:
        sign = 2 * target - 1
        costs = np.maximum(ONE[sign.dtype] - sign * prediction, ZERO[sign.dtype])
        self.point = Pair(costs, sign)
        return costs

    def derivatives(self) -> Array:
        costs, sign = self.point
        return np.sign(costs) * -sign
