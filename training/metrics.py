"""Metrics: the cost and the accuracy of predictions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..datasets.checks import Inputs, finite, inputs_and_targets, pair
from ..errors import ArgumentError, ShapeError
from ..losses import BCE, NLL, BCEWithLogits, CrossEntropy, Hinge, Loss
from ..modules import Module


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
        Number of examples that the network is given at a time; None for all. The result differs by rounding only.
    """
    check_reduces(net, loss)
    examples, targets = inputs_and_targets(x, y, arity=net.arity)
    prediction = net.predict(finite("x", examples), batch_size)
    return judge(loss, prediction, finite("y", targets))


def judge(loss: Loss, prediction: NDArray[Any], y: NDArray[Any]) -> Evaluation:
    """Return cost and accuracy of a prediction."""
    cost = deepcopy(loss).forward(prediction, y)
    return Evaluation(cost, accuracy(prediction, y, threshold_of(loss)) if of_classes(loss, y) else None)


def of_classes(loss: Loss, y: NDArray[Any]) -> bool:
    """Return whether accuracy is defined: the loss is one of classes, and the targets are classes, not probabilities."""
    if not isinstance(loss, (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL)):
        return False
    return y.shape in ((len(y),), (len(y), 1)) and bool((y == np.round(y)).all())


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
