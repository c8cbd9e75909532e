"""Losses of classification, one class per example among several."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, as_numbers, spelled
from ..errors import ArgumentError, DataError, DtypeError, ShapeError
from ..modules.core.arrays import ONE, Product, product_for
from ..modules.core.values import Signature
from .base import Loss

INDEX, UNSIGNED = np.dtype(np.intp), np.dtype(np.uintp)
LEAST, LARGEST = 1e-30, 1e30                                       # weights: in float32, 1e-46 is 0, 1e-39 has no inverse
SUM = 1e-3                                                          # how far probabilities may be from the sum 1


class OfClasses(Loss):
    """Base class: a loss of predictions ``(N, K)`` and classes ``(N,)``, with a weight for each class."""

    probabilities: ClassVar[bool] = False                           # whether targets may be probabilities, (N, K)

    def __init__(self, weight: ArrayLike | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = weight

    @property
    def weight(self) -> Array | None:
        return self._weight

    @weight.setter
    def weight(self, value: ArrayLike | None) -> None:
        if isinstance(value, str):
            raise ArgumentError(f"{type(self).__name__}: weight must be a number for each class, got {value!r}; was "
                                f"reduction={value!r} meant?")
        weight = None if value is None else as_floating(value, None, f"{type(self).__name__}: weight").copy()
        if weight is not None:
            large = weight[weight != 0]
            if weight.ndim != 1 or not large.size or not (large >= LEAST).all() or not (large <= LARGEST).all():
                raise ArgumentError(f"{type(self).__name__}: weight must be one number for each class, 0 or from {LEAST:g} to "
                                    f"{LARGEST:g}, and not all 0, got {value!r}")
        self._weight = weight
        self.clear_evaluation()                                               # the divisor has changed

    def costs_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        expected = "K" if self._weight is None else str(len(self._weight))
        if len(shape) != 2 or expected not in ("K", str(shape[1])):
            raise ShapeError(f"{self!r}: prediction must have shape (N, {expected}), got {shape}")
        if shape[1] == 1:
            raise ShapeError(f"{self!r}: prediction must have a column for each of two classes or more, got shape {shape}; "
                             "for one column there is BCEWithLogits")
        return shape[:1]

    def target_signature(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Signature:
        return shape[:1], INDEX

    def convert(self, target: ArrayLike, prediction: Array) -> Array:
        """Return the classes as indices ``(N,)``, or as probabilities ``(N, K)`` if the loss takes them."""
        classes = as_numbers(target, "target", self)
        n, k = prediction.shape
        if self.probabilities and classes.shape == (n, k) and k > 1:
            return as_floating(classes, prediction.dtype, "target", self)
        if classes.dtype.kind not in "iub":
            raise DtypeError(f"{self!r}: target must be integer classes of shape ({n},), got {classes.dtype} of shape "
                             f"{classes.shape}; labels that are whole floats want y.astype(int)")
        if classes.shape not in ((n,), (n, 1)):
            raise ShapeError(f"{self!r}: target must have shape ({n},), got {classes.shape}")
        return classes.reshape(n).astype(INDEX)

    def check(self, target: Array, prediction: Array) -> None:
        """Raise DataError unless classes are in 0..K-1, and probabilities in [0, 1] with a sum of 1 for each example."""
        if target.ndim == 2:
            self.check_range(target, prediction)
            self.check_sums(target)
            return
        unsigned, k = target.view(UNSIGNED), prediction.shape[1]    # unsigned, a negative class is a large one
        if unsigned.item(unsigned.argmax()) >= k:
            raise DataError(f"{self!r}: classes must be in 0..{k - 1}, got values from {target.min()} to {target.max()}")

    def check_sums(self, target: Array) -> None:
        """Raise DataError unless the probabilities of each example add up to 1."""
        sums = target.sum(1)
        far = np.abs(sums - 1) > SUM
        if far.any():
            raise DataError(f"{self!r}: the probabilities of each example must add up to 1, got {np.count_nonzero(far)} of "
                            f"{len(sums)} examples with another sum, first {spelled(sums[far.argmax()], 1)}")

    def check_all(self, target: ArrayLike, prediction: Array) -> Array:
        """Return the converted targets; DataError also if all examples have weight 0, so that their mean is not defined."""
        array = super().check_all(target, prediction)
        if self._weight is not None and self.reduction == "mean" and array.ndim == 1 and not self._weight[array].any():
            raise DataError(f"{self!r}: target must hold a class whose weight is not 0: without one, the mean is not defined")
        return array

    def weigh(self, target: Array, dtype: np.dtype[Any]) -> Array | None:
        """Return the weight of each example; with reduction "mean", make their sum the divisor of the costs.

        A batch of classes of weight 0 has the divisor 0, and its cost and its gradient are 0: as part of a data set, it counts
        nothing. If the target is probabilities, return the weight of each class; the mean is then over the examples.
        """
        if self._weight is None:
            return None
        weights = self._weight.astype(dtype, copy=False)
        if target.ndim == 1:
            weights = weights[target]
        largest_sum = float(weights.sum() if target.ndim == 1 else weights.max() * len(target))
        self._small_total = self.exact_below * largest_sum          # what rounding loses of a cost is multiplied by its weight
        if self.reduction == "mean":
            self.divide_by(largest_sum if target.ndim == 1 else len(target), dtype)
        return weights

    def counts(self, target: Array) -> Array:
        if self._weight is None or target.ndim == 2:
            return np.ones(len(target))
        return self._weight.astype(float)[target]


class Chosen(NamedTuple):
    """The shape of the predictions, the place of each example's class in the flat array, and the weights."""

    shape: tuple[int, ...]
    places: Array
    weights: Array | None


class NLL(OfClasses):
    r"""Negative log-likelihood of log-probabilities: :math:`-w_y \, x_y`, for the output of LogSoftmax.

    Parameters
    ----------
    weight : array_like of shape (K,), default None
        The weight of each class; None: 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the examples. The mean is the sum of the costs, divided by the sum of the weights of the examples' classes.

    Notes
    -----
    ``forward(log_probabilities, y)``: shapes (N, K) and (N,); classes outside 0..K-1 raise DataError.
    """

    def costs(self, prediction: Array, target: Array) -> Array:
        weights = self.weigh(target, prediction.dtype)
        self.point = Chosen(prediction.shape, np.arange(len(target)) * prediction.shape[1] + target, weights)
        costs = -prediction.reshape(-1)[self.point.places]
        return costs if weights is None else np.multiply(costs, weights, np.zeros_like(costs), where=weights != 0)

    def derivatives(self) -> Array:
        shape, places, weights = self.point
        derivatives = np.zeros(shape, self._input[1])
        derivatives.reshape(-1)[places] = -1 if weights is None else -weights
        return derivatives


class Exponentials(NamedTuple):
    """exp(logits - largest logit) and its row sums, whose ratio is the softmax; and the targets."""

    exps: Array
    sums: Array                                                     # (N, 1)
    target: Array | None                                            # places of the classes, or weighted probabilities
    weights: Array | None                                           # target None: the ratio is the derivative of each cost


class Scratch(NamedTuple):
    """Workspace for logits (N, K)."""

    rows: Array                                                     # (N, K): one number per row, repeated along the row
    shifted: Array                                                  # (N, K)
    flat: Array                                                     # (N K,): the same memory
    ones: Array                                                     # (K,)
    starts: Array                                                   # (N,): where each row begins in the flat array
    one: Array                                                      # ()
    sums: Array                                                     # (N,): the memory of the point's
    point: Exponentials                                             # the point for classes without weights
    dot: Product                                                    # of a matrix (N, K) and `ones`


class CrossEntropy(OfClasses):
    r"""Cross-entropy of logits x with classes: :math:`w_y (\log \sum_j e^{x_j} - x_y)`.

    Parameters
    ----------
    weight : array_like of shape (K,), default None
        The weight of each class; None: 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the examples. For integer classes the mean is the sum of the costs, divided by the sum of the weights of the
        examples' classes.

    Notes
    -----
    ``forward(logits, y)``: logits of shape (N, K); y either integer classes (N,) in 0..K-1, or probabilities (N, K) in
    [0, 1], for which the cost is :math:`-\sum_j w_j y_j \log p_j` with the softmax p of x. Other values raise DataError.

    For integer classes :math:`\partial C/\partial x = w_y (p - e_y)`, divided by the divisor of the
    cost. The largest logit of each row is subtracted first: nothing overflows, and no logarithm of 0 is taken. Its exponential
    is 1, in which the others are lost if the prediction is good. Small costs, and those of ``reduction="none"``, are therefore
    computed from the sum s of the others, as :math:`\log(1 + s) - x_y`, and the derivatives without the difference of p and 1.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> loss = rp.CrossEntropy()
    >>> round(loss.forward(np.zeros((3, 10)), [2, 0, 9]), 4)
    2.3026
    """

    probabilities = True
    exact_below = 2.0**-6                                           # above it, what is lost is less than 1e-5 of the mean

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        n, k = shape
        rows, shifted, exps = (np.empty(shape, dtype) for _ in range(3))
        sums, places = np.empty(n, dtype), np.empty(n, np.intp)
        return Scratch(rows, shifted, shifted.reshape(-1), np.ones(k, dtype), np.arange(n) * k, ONE[dtype],
                       sums, Exponentials(exps, sums[:, None], places, None), product_for(n, k, 1))

    def costs(self, prediction: Array, target: Array) -> Array:
        rows, shifted, flat, ones, starts, _, sums, point, dot = self.scratch
        exps, column, places, _ = point
        weights = None if self._weight is None else self.weigh(target, prediction.dtype)
        np.add(starts, prediction.argmax(1), places)
        rows[...] = prediction.take(places)[:, None]                # the largest logits; argmax is faster than max
        np.subtract(prediction, rows, shifted)
        np.exp(shifted, exps)
        dot(exps, ones, sums)
        logs = np.log(sums)
        if target.ndim == 2:
            weighted = target if weights is None else target * weights
            self.point = Exponentials(exps, column, weighted, None)
            return ((logs[:, None] - shifted) * weighted).sum(1)
        np.add(starts, target, places)
        self.point = point if weights is None else Exponentials(exps, column, places, weights)
        logs -= flat[places]
        return logs if weights is None else logs * weights

    def exact_costs(self, prediction: Array, target: Array) -> Array:
        _, shifted, flat, ones, starts, one, _, _, dot = self.scratch
        weights, largest = self.weigh(target, prediction.dtype), starts + prediction.argmax(1)
        np.subtract(prediction, prediction.take(largest)[:, None], shifted)
        exps = np.exp(shifted)
        exps_flat = exps.reshape(-1)
        exps_flat[largest] = 0
        others = dot(exps, ones)
        exps_flat[largest] = one
        logs, sums = np.log1p(others), others + one
        if target.ndim == 2:
            shares = target if weights is None else target * weights
            costs = ((logs[:, None] - shifted) * shares).sum(1)
            every, of_largest = shares.sum(1), shares.take(largest)
            exps *= every[:, None]
            exps -= shares * sums[:, None]
        else:
            places, every = starts + target, one if weights is None else weights
            costs = (logs - flat[places]) * every
            of_largest = every * (places == largest)
            if weights is not None:
                exps *= weights[:, None]
            exps_flat[places] -= every * sums
        exps_flat[largest] = (every - of_largest) - of_largest * others
        self.point = Exponentials(exps, sums[:, None], None, None)
        return costs

    def derivatives(self) -> Array:
        rows, shifted, flat, _, _, one, *_ = self.scratch
        exps, sums, target, weights = self.point
        rows[...] = sums
        derivatives = np.divide(exps, rows, shifted)
        if target is None:
            return derivatives
        if target.ndim == 2:
            derivatives *= target.sum(1, keepdims=True)
            derivatives -= target
            return derivatives
        flat[target] = flat[target] - one
        if weights is not None:
            derivatives *= weights[:, None]
        return derivatives
