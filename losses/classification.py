"""Costs of an example with one class among several."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, DataError, DtypeError, ShapeError
from ..initializers.base import Array
from ..modules.arrays import ONE
from ..modules.parameter import as_floating, as_numbers
from .base import Loss, check_range

INDEX = np.dtype(np.intp)


class OfClasses(Loss):
    """A loss of predictions ``(N, K)`` and classes ``(N,)``, with a weight for each class."""

    probabilities: ClassVar[bool] = False                           # whether targets may be probabilities, (N, K)

    def __init__(self, weight: ArrayLike | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else as_floating(weight, None, f"{type(self).__name__}: weight").copy()
        if self.weight is not None and (self.weight.ndim != 1 or not (self.weight >= 0).all()
                                        or not 0 < self.weight.sum() < math.inf):
            raise ArgumentError(f"{type(self).__name__}: weight must be one number of at least 0 for each class, and not all "
                                f"0, got {weight!r}")

    def costs_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        expected = "K" if self.weight is None else str(len(self.weight))
        if len(shape) != 2 or expected not in ("K", str(shape[1])):
            raise ShapeError(f"{self!r}: prediction must have shape (N, {expected}), got {shape}")
        return shape[:1]

    def accept(self, target: ArrayLike, prediction: Array) -> Array:
        """Classes as indices ``(N,)`` in 0..K-1 (or, where a loss takes them, probabilities ``(N, K)``)."""
        classes: Any = target
        if type(target) is not np.ndarray:
            classes = as_numbers(target, "target", self)
        n, k = prediction.shape
        if classes.shape != (n,) or classes.dtype is not INDEX:
            if self.probabilities and classes.shape == (n, k) and k > 1:
                classes = as_floating(classes, prediction.dtype, "target", self)
                check_range(self, classes)
                return classes
            if classes.dtype.kind not in "iub":
                raise DtypeError(f"{self!r}: target must be integer classes of shape ({n},), got {classes.dtype} of shape "
                                 f"{classes.shape}; labels that are whole floats want y.astype(int)")
            if classes.shape not in ((n,), (n, 1)):
                raise ShapeError(f"{self!r}: target must have shape ({n},), got {classes.shape}")
            classes = classes.reshape(n).astype(INDEX)
        unsigned = classes.view(np.uintp)                           # a negative class is a very large one
        if unsigned.item(unsigned.argmax()) >= k:
            raise DataError(f"{self!r}: classes must be in 0..{k - 1}, got values from {classes.min()} to {classes.max()}")
        return classes

    def weigh(self, target: Array, dtype: np.dtype[Any]) -> Array | None:
        """Weight of each example; with reduction "mean", their sum is what the costs are divided by.

        Of each class where the target is probabilities; then the mean is over the examples, as without weights.
        """
        if self.weight is None:
            return None
        weights = self.weight.astype(dtype, copy=False)
        if target.ndim == 1:
            weights = weights[target]
        if self.reduction == "mean":
            total = float(weights.sum()) if target.ndim == 1 else len(target)
            if total == 0:
                raise DataError(f"{self!r}: every class in this batch has weight 0: the mean is not defined")
            self.divide_by(total, dtype)
        return weights


class Chosen(NamedTuple):
    """Shape of the predictions, place of each example's class in the flat array, and the weights."""

    shape: tuple[int, ...]
    places: Array
    weights: Array | None


class NLL(OfClasses):
    r"""Negative log-likelihood of log-probabilities: :math:`-w_y \, x_y`, for the output of LogSoftmax.

    Parameters
    ----------
    weight : array_like of shape (K,), default None
        A weight for each class; None: 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the examples; the mean is divided by the summed weights of their classes.

    Notes
    -----
    ``forward(log_probabilities, y)``: shapes (N, K) and (N,), integer classes in 0..K-1, else DataError.
    """

    def costs(self, prediction: Array, target: Array) -> Array:
        weights = self.weigh(target, prediction.dtype)
        self.point = Chosen(prediction.shape, np.arange(len(target)) * prediction.shape[1] + target, weights)
        costs = -prediction.reshape(-1)[self.point.places]
        return costs if weights is None else costs * weights

    def slopes(self, out: Array | None = None) -> Array:
        shape, places, weights = self.point
        gx = np.empty(shape, self.output[1]) if out is None else out
        gx.fill(0)
        gx.reshape(-1)[places] = -1 if weights is None else -weights
        return gx


class Room(NamedTuple):
    """Workspace for logits (N, K)."""

    turned: Array                                                   # (K, N): NumPy takes maxima down columns faster
    largest: Array                                                  # (N, 1)
    rows: Array                                                     # (N, K): a number of each row, all along the row
    shifted: Array                                                  # (N, K)
    exps: Array                                                     # (N, K)
    sums: Array                                                     # (N, 1)
    ones: Array                                                     # (K,)
    starts: Array                                                   # (N,): of the rows, in the flat array
    places: Array                                                   # (N,)


class Exponentials(NamedTuple):
    """exp(logits - largest) and its row sums, whose ratio is the softmax; and the targets."""

    exps: Array
    sums: Array
    target: Array                                                   # places of the classes, or weighted probabilities
    weights: Array | None


class CrossEntropy(OfClasses):
    r"""Cross-entropy of logits x with classes: :math:`w_y (\log \sum_j e^{x_j} - x_y)`.

    Parameters
    ----------
    weight : array_like of shape (K,), default None
        A weight for each class; None: 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the examples; for integer classes the mean is divided by the summed weights of their classes.

    Notes
    -----
    ``forward(logits, y)``: logits of shape (N, K); y either integer classes (N,) in 0..K-1, or probabilities (N, K) in
    [0, 1], for which the cost is :math:`-\sum_j w_j y_j \log p_j`, p being the softmax of x. Else DataError.

    For integer classes :math:`\partial C/\partial x = w_y (p - e_y)`, divided as the cost is. The largest logit is
    subtracted first: nothing overflows, and no logarithm of 0 is taken.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> loss = rp.CrossEntropy()
    >>> round(loss.forward(np.zeros((3, 10)), [2, 0, 9]), 4)
    2.3026
    """

    probabilities = True

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Room:
        n, k = shape
        rows, shifted, exps = (np.empty(shape, dtype) for _ in range(3))
        return Room(np.empty((k, n), dtype), np.empty((n, 1), dtype), rows, shifted, exps, np.empty((n, 1), dtype),
                    np.ones(k, dtype), np.arange(n) * k, np.empty(n, np.intp))

    def costs(self, prediction: Array, target: Array) -> Array:
        turned, largest, rows, shifted, exps, sums, ones, starts, places = self.scratch
        weights = self.weigh(target, prediction.dtype)
        turned[...] = prediction.T
        np.maximum.reduce(turned, 0, None, largest[:, 0])
        rows[...] = largest
        np.subtract(prediction, rows, shifted)
        np.exp(shifted, exps)
        exps.dot(ones, sums[:, 0])
        logs = np.log(sums[:, 0])
        if target.ndim == 2:
            weighted = target if weights is None else target * weights
            self.point = Exponentials(exps, sums, weighted, None)
            return ((logs[:, None] - shifted) * weighted).sum(1)
        np.add(starts, target, places)
        self.point = Exponentials(exps, sums, places, weights)
        logs -= shifted.reshape(-1)[places]
        return logs if weights is None else logs * weights

    def slopes(self, out: Array | None = None) -> Array:
        exps, sums, target, weights = self.point
        rows = self.scratch.rows
        rows[...] = sums
        gx = np.divide(exps, rows, out)
        if target.ndim == 2:
            gx *= target.sum(1, keepdims=True)
            gx -= target
            return gx
        flat = gx.reshape(-1)
        flat[target] = flat[target] - ONE[gx.dtype]
        if weights is not None:
            gx *= weights[:, None]
        return gx
