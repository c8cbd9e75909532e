"""Loss: a module whose output is a number, and whose second input is the target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, one_of
from ..errors import ArgumentError, DataError, PhaseError, ShapeError
from ..modules.core.base import Module
from ..modules.core.phases import as_tangent, check_out, too_early
from ..modules.core.values import Signature, several

SMALL = 8192                                                        # costs that a product with ones adds up


class Loss(Module, checked=False):
    """A cost of a prediction and its target.

    ``forward(prediction, target)`` returns the cost, ``backward()`` the gradient dC/dprediction; ``update`` has nothing
    to do. A loss of your own is a subclass with ``costs(prediction, target)``, which sets ``self.point`` and returns the
    cost of each element, and ``derivatives()``, which returns their derivatives at that point. If there is one cost for each
    example, say so in ``costs_shape``.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"
        Over all elements; over the examples for CrossEntropy and NLL. With "none" the costs come back as an array.

    Notes
    -----
    The target follows the prediction's dtype and must have its shape: nothing is broadcast. Only the pair
    (N, 1) and (N,) is taken for the same.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> class LogCosh(rp.Loss):
    ...     def costs(self, prediction, target):
    ...         self.point = prediction - target
    ...         return np.log(np.cosh(self.point))
    ...     def derivatives(self):
    ...         return np.tanh(self.point)
    >>> loss = LogCosh()
    >>> round(loss.forward(np.ones(3), np.zeros(3)), 4), loss.backward().round(4)
    (0.4338, array([0.2539, 0.2539, 0.2539]))
    """

    __slots__ = ("_expected", "_factor", "_ones", "_unit", "divisor")
    _workspace = (*Module._workspace, *__slots__)
    _evaluation = (*Module._evaluation, *__slots__)

    _expected: Signature | None                                     # targets that are taken as they are
    divisor: float                                                  # what the sum of the costs is divided by
    _factor: Array                                                  # 1/divisor, of the prediction's dtype
    _ones: Array                                                    # one per cost: a product with it is their sum
    _unit: Array                                                    # the g that None stands for

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(checked=False, **options)         # forward and backward below check by themselves

    _reduction: str = "mean"

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    @property
    def reduction(self) -> str:
        return self._reduction

    @reduction.setter
    def reduction(self, value: str) -> None:
        self._reduction = one_of("reduction", value, ("mean", "sum", "none"))
        self.clear_evaluation()                                               # the divisor is another

    # ------------------------------------------------------------------ what a subclass writes

    def costs(self, prediction: Array, target: Array) -> Array:
        """Cost of each element (or example). Sets ``self.point``."""
        raise NotImplementedError(f"{type(self).__name__} must implement costs(prediction, target)")

    def derivatives(self) -> Array:
        """Derivative of each cost with respect to its prediction. May be an array that the loss keeps: it is copied."""
        raise NotImplementedError(f"{type(self).__name__} must implement derivatives()")

    def costs_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the costs of predictions of this shape; ShapeError if it does not fit."""
        return shape

    def target_signature(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Signature:
        """Shape and dtype of the targets that ``convert`` leaves as they are, beside predictions of these."""
        return shape, dtype

    def convert(self, target: ArrayLike, prediction: Array) -> Array:
        """The target as an array of the form that fits the prediction."""
        shape = prediction.shape
        array = as_floating(target, prediction.dtype, "target", self)
        if array.shape == shape:
            return array
        n = prediction.size
        if {array.shape, shape} != {(n,), (n, 1)}:
            raise ShapeError(f"{self!r}: target must have the shape of the prediction, {shape}, got {array.shape}")
        return array.reshape(shape)

    def check(self, target: Array, prediction: Array) -> None:
        """Raises DataError for values that this loss is not defined for."""

    def check_range(self, target: Array, prediction: Array) -> None:
        """Raises DataError unless all targets are in [0, 1]."""
        least, largest = target.item(target.argmin()), target.item(target.argmax())     # half the time of min() and max()
        if not (least >= 0 and largest <= 1):                       # NaN too
            raise DataError(f"{self!r}: targets must be in [0, 1], got values from {target.min():g} to {target.max():g}")

    # ------------------------------------------------------------------ the phases

    def accept(self, target: ArrayLike, prediction: Array) -> Array:
        """The target as ``costs`` takes it, or what is wrong with it."""
        array = self.convert(target, prediction)
        self.check(array, prediction)
        return array

    def forward(self, prediction: Any, target: ArrayLike) -> Any:
        """Cost of the predictions: a float, or with ``reduction="none"`` an array. Saves what ``derivatives`` needs."""
        new = type(prediction) is not ndarray or (prediction.shape, prediction.dtype) != self._signature
        if new:
            prediction = self.defined(prediction)
        if new or type(target) is not ndarray or (target.shape, target.dtype) != self._expected:
            target = self.accept(target, prediction)
        else:
            self.check(target, prediction)
        if new:
            self.prepare_for(prediction.shape, prediction.dtype)
        self.begin_forward()
        try:
            costs = self.costs(prediction, target)
        except BaseException:                                       # half of the point may be of this prediction
            self.clear_evaluation()
            raise
        if self.point is None:
            raise PhaseError(f"{self!r}: costs must set self.point, from which derivatives starts")
        if self._reduction == "none":
            return np.array(costs)
        if costs.ndim != 1:
            costs = costs.reshape(-1)
        if len(costs) > SMALL:                                      # a float32 product would lose digits
            return float(costs.sum(dtype=np.float64)) / self.divisor
        return float(self._ones.dot(costs)) / self.divisor

    def backward(self, g: ArrayLike | None = None, out: Array | None = None) -> Array:
        """dC/dprediction, for the gradient ``g`` of what forward returned (None: ones)."""
        if self.point is None:
            raise too_early(self)
        if out is not None:
            check_out(self, out, self._input)
        if g is not None:
            g = as_floating(g, self._output[1], "g", self)
            if g.shape != self._output[0]:
                raise ShapeError(f"{self!r}: g must have the shape of the output, {self._output[0]}, got {g.shape}")
            if out is not None and np.may_share_memory(out, g):
                raise ArgumentError(f"{self!r}: out must not overlap g, which backward still reads")
        gx = np.multiply(self.derivatives(), self._factor, np.empty(*self._input) if out is None else out)
        if g is None:
            g = self._unit
        else:
            gx *= g.reshape(g.shape + (1,) * (gx.ndim - g.ndim))
        self.gradient = g
        return gx

    def jvp(self, t: ArrayLike) -> Any:
        """Tangent of the prediction -> that of the cost, <dC/dprediction, t>: a float, or an array as forward's."""
        if self.point is None:
            raise too_early(self)
        gradient, array = self.gradient, as_tangent(self, t)
        try:
            products = self.backward(np.ones(*self._output)) * array
        finally:
            self.gradient = gradient
        if self.reduction == "none":                                # each cost has its own part of the gradient of their sum
            return products.reshape(*self._output[0], -1).sum(-1)
        return float(products.sum(dtype=np.float64))

    def defined(self, prediction: ArrayLike) -> Array:
        """The prediction as an array, of a shape for which this loss is defined."""
        if several(prediction):
            raise ShapeError(f"{self!r}: prediction must be one array, got a tuple of them: of a network with several "
                             "outputs each has a loss of its own")
        x = as_floating(prediction, None, "prediction", self)
        if x.size == 0:
            raise ShapeError(f"{self!r}: prediction must hold at least one number, got shape {x.shape}")
        self.costs_shape(x.shape)
        return x

    def prepare_for(self, shape: tuple[int, ...], dtype: np.dtype[Any], batch_last: bool = False) -> tuple[int, ...]:
        """Prepare for predictions of this shape and dtype, unless it was done; return the shape of forward's result."""
        if (shape, dtype) == self._signature:
            return self._output[0]
        costs, scratch = self.costs_shape(shape), self.prepare(shape, dtype)
        self.clear_evaluation()
        self.scratch, self._input = scratch, (shape, dtype)
        self._signature = self._input
        self._output = (costs if self.reduction == "none" else (), dtype)
        self._expected = self.target_signature(shape, dtype) if written_together(type(self)) else None
        self._unit = np.ones(*self._output)
        size = math.prod(costs)
        self._ones = np.ones(min(size, SMALL), dtype)
        self.divide_by(size if self.reduction == "mean" else 1, dtype)
        return self._output[0]

    def divide_by(self, divisor: float, dtype: np.dtype[Any]) -> None:
        self.divisor, self._factor = divisor, np.array(1 / divisor, dtype)


def written_together(kind: type[Loss]) -> bool:
    """Whether the class that writes ``convert`` also writes ``target_signature``; if not, every target is converted."""
    return all("target_signature" in vars(base) or "convert" not in vars(base) for base in kind.__mro__)
