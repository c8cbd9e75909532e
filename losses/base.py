"""Loss: a module whose output is a number, and whose second input is the target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from ..errors import ArgumentError, DataError, ShapeError, one_of
from ..initializers.base import Array
from ..modules.base import Module
from ..modules.doors import check_out
from ..modules.parameter import as_floating

SMALL = 8192                                                        # costs that a product with ones adds up


class Loss(Module, doors=False):
    """A cost of a prediction and its target.

    ``forward(prediction, target)`` returns the cost, ``backward()`` the gradient dC/dprediction; ``update`` has nothing
    to do. A loss of your own is a subclass with ``costs(prediction, target)``, which sets ``self.point`` and returns the
    cost of each element, and ``slopes(out)``, which returns their derivatives at that point.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"
        Over all elements; over the examples for CrossEntropy and NLL. With "none" the costs come back as an array.

    Notes
    -----
    The target follows the prediction's dtype and must have its shape: nothing is broadcast. Only the pair
    (N, 1) and (N,) is taken for the same.
    """

    __slots__ = ("divisor", "factor", "ones", "unit")

    divisor: float                                                  # what the sum of the costs is divided by
    factor: Array                                                   # 1/divisor, of the prediction's dtype
    ones: Array                                                     # one per cost: a product with it is their sum
    unit: Array                                                     # the g that None stands for

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(doors=False, **options)           # forward and backward below are the doors

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = one_of("reduction", reduction, ("mean", "sum", "none"))

    # ------------------------------------------------------------------ what a subclass writes

    def costs(self, prediction: Array, target: Array) -> Array:
        """Cost of each element (or example). Sets ``self.point``."""
        raise NotImplementedError(f"{type(self).__name__} must implement costs(prediction, target)")

    def slopes(self, out: Array | None = None) -> Array:
        """Derivative of each cost with respect to its prediction, in ``out`` or a fresh array."""
        raise NotImplementedError(f"{type(self).__name__} must implement slopes(out)")

    def costs_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the costs of predictions of this shape; ShapeError if it does not fit."""
        return shape

    def accept(self, target: ArrayLike, prediction: Array) -> Array:
        """The target as an array that fits the prediction."""
        if type(target) is not ndarray or target.dtype is not prediction.dtype:
            target = as_floating(target, prediction.dtype, "target", self)
        if target.shape != prediction.shape:
            n = prediction.size
            if {target.shape, prediction.shape} != {(n,), (n, 1)}:
                raise ShapeError(f"{self!r}: target must have the shape of the prediction, {prediction.shape}, "
                                 f"got {target.shape}")
            target = target.reshape(prediction.shape)
        self.check(target)
        return target

    def check(self, target: Array) -> None:
        """Raises DataError for targets that this loss is not defined for."""

    # ------------------------------------------------------------------ the phases

    def forward(self, prediction: Any, target: ArrayLike) -> Any:
        """Cost of the predictions: a float, or with ``reduction="none"`` an array. Remembers both arguments."""
        new = type(prediction) is not ndarray or (prediction.shape, prediction.dtype) != self.met
        if new:
            prediction = self.defined(prediction)
        target = self.accept(target, prediction)
        if new:
            self.meet(prediction.shape, prediction.dtype)
        self.disturb()
        costs = self.costs(prediction, target)
        if self.reduction == "none":
            return np.array(costs)
        if costs.size > SMALL:                                      # a float32 product would lose digits
            return float(costs.sum(dtype=np.float64)) / self.divisor
        return float(self.ones.dot(costs.reshape(-1))) / self.divisor

    def backward(self, g: ArrayLike | None = None, out: Array | None = None) -> Array:
        """dC/dprediction, for the gradient ``g`` of what forward returned (None: ones)."""
        self.point                                                  # noqa: B018 (raises PhaseError when unset)
        if out is not None:
            check_out(self, out, self.met)
        if g is not None:
            g = as_floating(g, self.output[1], "g", self)
            if g.shape != self.output[0]:
                raise ShapeError(f"{self!r}: g must have the shape of the output, {self.output[0]}, got {g.shape}")
            if out is not None and np.may_share_memory(out, g):
                raise ArgumentError(f"{self!r}: out must not overlap g, which backward still reads")
        gx = self.slopes(out)
        gx *= self.factor
        if g is None:
            g = self.unit
        else:
            gx *= g.reshape(g.shape + (1,) * (gx.ndim - g.ndim))
        self.gradient = g
        return gx

    def defined(self, prediction: ArrayLike) -> Array:
        """The prediction as an array, of a shape for which this loss is defined."""
        x = as_floating(prediction, None, "prediction", self)
        if x.size == 0:
            raise ShapeError(f"{self!r}: prediction must hold at least one number, got shape {x.shape}")
        self.costs_shape(x.shape)
        return x

    def meet(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Prepare for predictions of this shape and dtype, if they are not the last ones'."""
        if (shape, dtype) == self.met:
            return
        costs, scratch = self.costs_shape(shape), self.prepare(shape, dtype)
        self.forget()
        self.scratch, self.met = scratch, (shape, dtype)
        self.output = (costs if self.reduction == "none" else (), dtype)
        self.unit = np.ones(*self.output)
        size = math.prod(costs)
        self.ones = np.ones(min(size, SMALL), dtype)
        self.divide_by(size if self.reduction == "mean" else 1, dtype)

    def evaluation(self) -> dict[str, Any]:                         # what was made for one shape goes with the rest
        return super().evaluation() | {name: getattr(self, name) for name in Loss.__slots__ if hasattr(self, name)}

    def divide_by(self, divisor: float, dtype: np.dtype[Any]) -> None:
        self.divisor, self.factor = divisor, np.array(1 / divisor, dtype)


def check_range(who: Loss, target: Array) -> None:
    """Raises DataError unless all targets are in [0, 1]."""
    least, largest = target.item(target.argmin()), target.item(target.argmax())     # half the time of min() and max()
    if not (least >= 0 and largest <= 1):                           # NaN too
        raise DataError(f"{who!r}: targets must be in [0, 1], got values from {target.min():g} to {target.max():g}")
