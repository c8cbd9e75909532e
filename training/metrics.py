"""Metrics: the cost and the accuracy of predictions."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import positive_int
from ..datasets.checks import Inputs, finite, inputs_and_targets, pair
from ..errors import ArgumentError, DataError, ShapeError
from ..losses import BCE, NLL, BCEWithLogits, CrossEntropy, Hinge, Loss
from ..modules import Module
from ..modules.core.base import examples_at_once
from ..modules.core.values import Value, as_values, dtype_of, each, shape_of


def accuracy(prediction: ArrayLike, y: ArrayLike, threshold: float = 0.5) -> float:
    """Return the share of examples whose class is predicted correctly.

    Parameters
    ----------
    prediction : array of shape (N, K), (N, 1) or (N,)
        With K of at least 2, the predicted class is the largest column; with one column, it is 1 above ``threshold``, else 0.
    y : array of shape (N,) or (N, 1)
        The true classes.
    threshold : float, default 0.5
        Right for probabilities; for logits give 0.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.accuracy([[0.2], [0.9], [0.6]], [0, 1, 0])
    0.6666666666666666
    """
    predicted, classes = pair(prediction, y, ("prediction", "y"))
    finite("y", classes)
    n = len(predicted)
    if predicted.ndim > 2 or classes.shape not in ((n,), (n, 1)):
        raise ShapeError(f"accuracy: prediction must have shape (N, K), (N, 1) or (N,), and y (N,) or (N, 1), got "
                         f"{predicted.shape} and {classes.shape}")
    return float(np.mean(hits(predicted, classes, threshold)))


def hits(prediction: NDArray[Any], y: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Return whether the class of each example is predicted correctly, shape (N,)."""
    n = len(prediction)
    binary = prediction.ndim == 1 or prediction.shape[1] == 1
    predicted = prediction.reshape(n) > threshold if binary else prediction.argmax(1)
    return np.asarray(predicted == y.reshape(n))


class Evaluation(NamedTuple):
    """Cost over all examples and accuracy, which is None unless the loss is one of classes."""

    cost: float
    accuracy: float | None


def evaluate(net: Module, loss: Loss, x: Inputs, y: ArrayLike, batch_size: int | None = None) -> Evaluation:
    """Return cost and accuracy of a network in evaluation mode; the network and the loss are not changed.

    Parameters
    ----------
    net, loss : Module and Loss
    x, y : arrays of equal length
        Examples and targets. DataError if they hold NaN or infinity.
    batch_size : int, default None
        Number of examples that the network is given at a time; None: as many as ``predict`` takes. The result differs by
        rounding only, because the cost of each batch has the weight of the batch.

    Returns
    -------
    Evaluation
        The accuracy is None unless the loss is one of classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL) and y holds
        classes: whole numbers of shape (N,) or (N, 1), or one-hot rows (N, K).
    """
    check_reduces(net, loss)
    size = None if batch_size is None else positive_int("batch_size", batch_size)
    examples, targets = inputs_and_targets(x, y, arity=net.arity)
    examples, targets = as_values(finite("x", examples), net.dtype, "x", net, net.arity), finite("y", targets)
    found = in_parts(net, loss, examples, targets, size)
    if found.accuracy is not None and not math.isfinite(found.cost):
        classes = classes_of(loss, targets)
        return Evaluation(found.cost, accuracy(net.predict(examples, size), classes, threshold_of(loss)))
    return found


def in_parts(net: Module, loss: Loss, x: Value, y: NDArray[Any], batch_size: int | None = None) -> Evaluation:
    """Return ``evaluate`` of examples and targets that have been checked; the accuracy of an infinite cost means nothing."""
    loss, classes = deepcopy(loss), classes_of(loss, y)
    cost = divisor = 0.0
    right = 0
    with net.preserved_evaluation():
        net.eval()
        size = batch_size or examples_at_once(net, shape_of(x), dtype_of(x))
        for start in range(0, len(y), size):
            rows = slice(start, start + size)
            prediction = net.forward(each(lambda array: array[rows], x))    # noqa: B023
            part = loss.forward(prediction, y[rows])
            divisor += loss.divisor
            cost += part if loss.reduction == "sum" else (part - cost) * (loss.divisor / (divisor or 1))
            if classes is not None and math.isfinite(cost):
                right += int(np.count_nonzero(hits(prediction, classes[rows], threshold_of(loss))))
    if not divisor:
        raise DataError(f"{loss!r}: y must hold a class whose weight is not 0: without one, the mean is not defined")
    return Evaluation(cost, None if classes is None else right / len(y))


def classes_of(loss: Loss, y: NDArray[Any]) -> NDArray[Any] | None:
    """Return the class of each example, shape (N,); None if the loss is not one of classes, or the targets are no classes.

    Targets are classes if they are whole numbers, (N,) or (N, 1), or one-hot rows, (N, K).
    """
    if not isinstance(loss, (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL)):
        return None
    if y.shape in ((len(y),), (len(y), 1)):
        return y.reshape(-1) if (y == np.round(y)).all() else None
    one_hot = y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (np.count_nonzero(y, axis=1) == 1).all())
    return y.argmax(1) if one_hot else None


def threshold_of(loss: Loss) -> float:
    """Return the output above which a network with one output predicts class 1."""
    return 0.5 if isinstance(loss, BCE) else 0.0


def check_reduces(net: Module, loss: Loss) -> None:
    """Raise ArgumentError unless ``net`` is a network and ``loss`` a loss that reduces the cost to one number."""
    if not isinstance(net, Module):
        raise ArgumentError(f"net must be a Module, got {net!r}")
    if not isinstance(loss, Loss):
        raise ArgumentError(f"loss must be a Loss, such as CrossEntropy(), got {loss!r}")
    if loss.reduction == "none":
        raise ArgumentError(f'{loss!r}: loss must have reduction "mean" or "sum" here, got "none"')
