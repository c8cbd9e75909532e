"""Loss: the base class of the modules that compare a prediction with its target and return a cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, cast, one_of, within
from ..errors import ArgumentError, DataError, PhaseError, ShapeError
from ..modules.core.arrays import ONE, TYPES
from ..modules.core.base import Module
from ..modules.core.phases import as_tangent, too_early
from ..modules.core.tangents import gradient_kept
from ..modules.core.values import Signature, check_out, parts, several
from ..underflow import STATE
from .weights import beside, checked_weight, inner, present, weighted_sum

INF = math.inf
UNSIGNED = {kind: (np.dtype(f"u{kind.itemsize}"), ONE[kind].view(f"u{kind.itemsize}").item()) for kind in TYPES}
SMALL = 8192                                                        # up to so many costs, a product adds them, on one thread


class Loss(Module, checked=False):
    """A cost of a prediction and its target.

    ``forward(prediction, target)`` returns the cost, and ``backward()`` the gradient dC/dprediction; ``update`` does nothing.
    ``forward(prediction, target, weight)`` multiplies the costs of each example by its weight; a mean is then the weighted
    one. An example of weight 0 adds nothing, not even NaN. To write a loss of your own, derive a class with two methods:
    ``costs(prediction, target)`` sets ``self.point`` and returns the cost of each element, ``derivatives()`` returns the
    derivatives of these costs at the point. If there is one cost per example instead, write ``costs_shape`` too.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"
        Over all elements; for CrossEntropy and NLL over the examples. With "none", forward returns the array of costs.

    Notes
    -----
    The target is converted to the prediction's dtype. It must have the prediction's shape, without broadcasting; only (N, 1)
    and (N,) count as the same shape. NaN or infinity in a target raises DataError where it makes the cost NaN or infinite; a
    loss of your own may give it a meaning, such as a value that is missing.

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

    __slots__ = ("_expected", "_factor", "_ones", "_small_total", "_unit", "_weighted", "divisor")
    _workspace = (*Module._workspace, *__slots__)
    _evaluation = (*Module._evaluation, *__slots__)

    _expected: Signature | None                                     # of targets that need no conversion
    divisor: float                                                  # of the sum of the costs
    _factor: Array                                                  # 1/divisor, of the prediction's dtype; times the weights
    _ones: Array                                                    # a product with it is the sum of the costs
    _small_total: float                                             # sums below it are computed from the exact costs
    _unit: Array                                                    # the g of backward() without argument
    _weighted: bool | None                                          # whether the last forward was given weights of examples

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(checked=False, **options)         # the phases below contain their own checks
        if {"costs", "derivatives"} & vars(cls).keys() and "exact_costs" not in vars(cls):
            cls.exact_below = 0.0                                   # those of the base class are of another cost

    exact_below: ClassVar[float] = 0.0                              # means below it are computed from ``exact_costs``
    _reduction: str = "mean"

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    @property
    def reduction(self) -> str:
        return self._reduction

    @reduction.setter
    def reduction(self, value: str) -> None:
        self._reduction = one_of("reduction", value, ("mean", "sum", "none"))
        self.clear_evaluation()                                               # the divisor has changed

    # ------------------------------------------------------------------ what a subclass writes

    def costs(self, prediction: Array, target: Array) -> Array:
        """Return the cost of each element (or example), and set ``self.point``."""
        raise NotImplementedError(f"{type(self).__name__} must implement costs(prediction, target)")

    def derivatives(self) -> Array:
        """Return the derivative of each cost with respect to the prediction. It may be a buffer of the loss: it is copied."""
        raise NotImplementedError(f"{type(self).__name__} must implement derivatives()")

    def exact_costs(self, prediction: Array, target: Array) -> Array:
        """Return the same as ``costs``, and set the point, without cancellation: slower, for a mean below ``exact_below``."""
        return self.costs(prediction, target)

    def costs_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the costs for predictions of this shape; ShapeError if the loss does not take them."""
        return shape

    def target_signature(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Signature:
        """Return shape and dtype of the targets that need no ``convert``, for predictions of this shape and dtype."""
        return shape, dtype

    def convert(self, target: ArrayLike, prediction: Array) -> Array:
        """Return the target as an array of the shape and dtype that fit the prediction."""
        shape = prediction.shape
        array = as_floating(target, prediction.dtype, "target", self)
        if array.shape == shape:
            return array
        n = prediction.size
        if {array.shape, shape} != {(n,), (n, 1)}:
            raise ShapeError(f"{self!r}: target must have the shape of the prediction, {shape}, got {array.shape}")
        return array.reshape(shape)

    def check(self, target: Array, prediction: Array) -> None:
        """Raise DataError for values for which the loss is not defined."""

    def check_finite(self, target: Array) -> None:
        """Raise DataError for NaN or infinity in the target, and clear the evaluation."""
        good = np.isfinite(target)
        if not good.all():
            self.clear_evaluation()
            bad = good.size - np.count_nonzero(good)
            raise DataError(f"{self!r}: targets must be finite, got {bad} NaN or infinite of {good.size} values")

    def check_range(self, target: Array, prediction: Array) -> None:
        """Raise DataError unless all targets are in [0, 1]."""
        unsigned, one = UNSIGNED[target.dtype]
        if (bits := target.view(unsigned)).item(bits.argmax()) > one:           # numbers above 1 or below 0, and -0 and NaN
            within(f"{self!r}: targets must be in", target, 0, 1)

    def check_all(self, target: ArrayLike, prediction: Array) -> Array:
        """Return the converted targets of a whole data set; raise what ``forward`` would raise for some batch of them.

        ``prediction`` is an array of the shape and dtype of all predictions, with any values that the loss takes.
        """
        return self.accept(target, self.defined(prediction))

    if not TYPE_CHECKING:
        def __call__(self, *inputs: Any, **options: Any) -> None:
            raise TypeError(f"{self!r} is not a function: call its forward(prediction, target)")

    # ------------------------------------------------------------------ the phases

    def accept(self, target: ArrayLike, prediction: Array) -> Array:
        """Return the converted and checked target."""
        array = self.convert(target, prediction)
        self.check(array, prediction)
        return array

    def forward(self, prediction: Any, target: ArrayLike, weight: ArrayLike | None = None) -> Any:
        """Return the cost of the predictions: a float, or with ``reduction="none"`` an array; ``weight``: (N,), at least 0."""
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return Loss.forward(self, prediction, target, weight)
        new = type(prediction) is not ndarray or (prediction.shape, prediction.dtype) != self._signature
        if new:
            prediction = self.defined(prediction)
        if new or type(target) is not ndarray or (target.shape, target.dtype) != self._expected:
            target = self.accept(target, prediction)
        else:
            self.check(target, prediction)
        if weight is not None:
            weight = checked_weight(self, weight, prediction.shape[:1], self.costs_shape(prediction.shape))
        if new:
            self.prepare_for(prediction.shape, prediction.dtype)
        self.begin_forward()
        if self._weighted:
            self.divide(prediction.shape, prediction.dtype)
        try:
            costs = self.costs(prediction, target)
        except BaseException:                                       # the point may be half of this prediction, half of the last
            self.clear_evaluation()
            raise
        if self.point is None:
            raise PhaseError(f"{self!r}: costs must set self.point, which derivatives() reads")
        if weight is not None:
            return self.weighted_cost(costs, weight, prediction, target)
        if self._reduction == "none":
            costs = self.exact_costs(prediction, target) if self._small_total else costs
            if not np.isfinite(costs).all():
                self.check_finite(target)
            return np.array(costs)
        if costs.ndim != 1:
            costs = costs.reshape(-1)
        total = float(costs.sum(dtype=float) if len(costs) > SMALL else self._ones.dot(costs))      # long float32 dot: inexact
        if total < self._small_total:
            total = float(self.exact_costs(prediction, target).sum(dtype=np.float64))
        if not -INF < total < INF:                                  # because of the target, or of the prediction
            self.check_finite(target)
        return total / (self.divisor or 1)

    def backward(self, g: ArrayLike | None = None, out: Array | None = None) -> Array:
        """Return dC/dprediction for the gradient ``g`` of the output of forward (None: ones)."""
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return Loss.backward(self, g, out)
        if self.point is None:
            raise too_early(self)
        if out is not None:
            check_out(self, out, self._input)
            if any(np.may_share_memory(out, array) for array in parts(self.point) if isinstance(array, ndarray)):
                raise ArgumentError(f"{self!r}: out must not overlap what forward has saved, which the next backward reads")
        if g is not None:
            g = as_floating(g, self._output[1], "g", self)
            if g.shape != self._output[0]:
                raise ShapeError(f"{self!r}: g must have the shape of the output, {self._output[0]}, got {g.shape}")
            if out is not None and np.may_share_memory(out, g):
                raise ArgumentError(f"{self!r}: out must not overlap g, which backward still reads")
        gx = np.multiply(self.derivatives(), self._factor, np.empty(*self._input) if out is None else out)
        if self._weighted:
            gx[self._factor.ravel() == 0] = 0                       # not NaN, which 0 times infinity is
        if g is None:
            g = self._unit
        else:
            gx *= g.reshape(g.shape + (1,) * (gx.ndim - g.ndim))
        self.gradient = g
        return gx

    def jvp(self, t: ArrayLike) -> Any:
        """Return the tangent of the cost, <dC/dprediction, t>, for a tangent t of the prediction."""
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return Loss.jvp(self, t)
        if self.point is None:
            raise too_early(self)
        t, products = as_tangent(self, t), gradient_kept(self, self.backward, self._unit)
        products *= t
        if self._reduction == "none":                               # one part of the gradient for each cost
            return products.reshape(*self._output[0], -1).sum(-1)
        return float(products.sum(dtype=np.float64))

    def defined(self, prediction: ArrayLike) -> Array:
        """Return the prediction as an array; ShapeError if the loss is not defined for its shape."""
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
        self._output = (costs if self.reduction == "none" else (), dtype)
        self._expected = self.target_signature(shape, dtype) if written_together(type(self)) else None
        self._unit, self._ones = np.ones(*self._output), np.ones(min(math.prod(costs), SMALL), dtype)
        self.divide(shape, dtype)
        self._signature = self._input                               # last: it says that all is prepared
        return self._output[0]

    def divide(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Set the divisor, and the sum of costs below which it is small, for examples without weights."""
        size = math.prod(self.costs_shape(shape))
        self._small_total, self._weighted = self.exact_below * size, False
        self.divide_by(size if self.reduction == "mean" else 1, dtype)

    def divide_by(self, divisor: float, dtype: np.dtype[Any]) -> None:
        """Set the divisor of the sum of the costs; it is 0 if all examples have weight 0, and so has the sum of their costs."""
        self.divisor, self._factor = divisor, np.array(1 / (divisor or 1), dtype)

    # ------------------------------------------------------------------ weights of the examples

    def counts(self, target: Array) -> Array:
        """Return what each example adds to the divisor: the number of its costs, or the weight of its class."""
        return np.full(len(target), math.prod(self.costs_shape(self._input[0])[1:]), float)

    def weighted_cost(self, costs: Array, weight: Array, prediction: Array, target: Array) -> Any:
        """Return what ``forward`` returns, from the costs without weights, and prepare ``backward``."""
        counts, none = self.counts(target), self._reduction == "none"
        total, divisor = weighted_sum(weight, costs := present(weight, costs)), inner(weight, counts)
        if total * (counts.sum() or 1) < self._small_total * divisor or (none and self._small_total):
            total = weighted_sum(weight, costs := present(weight, self.exact_costs(prediction, target)))
        if not -INF < total < INF:
            self.check_finite(target)
        self._weighted, self.divisor = True, divisor if self._reduction == "mean" else 1.0
        self._factor = beside(cast(weight / (self.divisor or 1), prediction.dtype, "weight", self), prediction.ndim)
        return costs * beside(self._factor, costs.ndim) if none else total / (self.divisor or 1)


def written_together(kind: type[Loss]) -> bool:
    """Whether the class that writes ``convert`` also writes ``target_signature``; if not, every target is converted."""
    return all("target_signature" in vars(base) or "convert" not in vars(base) for base in kind.__mro__)
