"""Metrics: the cost and the accuracy of predictions."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_numbers, in_a_line, positive_int, real
from ..conversion import Named, check_columns
from ..datasets.checks import HINT, Inputs, finite, inputs_and_targets, is_mapped, pair
from ..errors import ArgumentError, DataError, ShapeError
from ..losses import BCE, L1, MSE, Huber, Loss
from ..losses.weights import inner
from ..modules import Module
from ..modules.core.rewinding import in_evaluation, known_signature, of_library, taken
from ..modules.core.values import Value, as_values, dtype_of, each, parts, several, shape_of
from .inputs.labels import OF_CLASSES, coded
from .inputs.weights import checked_weights

Seen = list[tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]]     # predictions, targets and weights, part by part


def accuracy(prediction: ArrayLike, y: ArrayLike, threshold: float = 0.5, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of examples whose class is predicted correctly.

    Parameters
    ----------
    prediction : array of shape (N, K), (N, 1) or (N,)
        With K of at least 2, the predicted class is the largest column; with one column, it is 1 above ``threshold``, else 0.
    y : array of shape (N,), (N, 1) or (N, K)
        The true classes, from 0; or a row for each example with a 1 in the column of its class and 0 in the others.
    threshold : float, default 0.5
        Right for probabilities, and for what MSE, Huber or L1 has learned of 0 and 1; for BCEWithLogits and Hinge give 0.
    sample_weight : array of shape (N,), default None
        How much each example counts, at least 0; None: 1. One of weight 0 does not count at all, as if it were not there.

    Raises
    ------
    DataError
        The predicted class of an example is not defined, because of NaN or infinity; or y holds something that is no class.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.accuracy([[0.2], [0.9], [0.6]], [0, 1, 0])
    0.6666666666666666
    """
    threshold = real("threshold", threshold)
    weight, scores, classes = counted(sample_weight, *scores_and_classes("accuracy", prediction, y, thresholded=True))
    return float(np.average(hits(scores, classes, threshold), weights=weight))


def counted(sample_weight: ArrayLike | None, scores: NDArray[Any],
            y: NDArray[Any]) -> tuple[NDArray[np.float64] | None, NDArray[Any], NDArray[Any]]:
    """Return weights, scores and targets of the examples whose weight is not 0."""
    weight = checked_weights("sample_weight", sample_weight, len(y))
    if weight is None or weight.all():
        return weight, scores, y
    return weight[weight > 0], scores[weight > 0], y[weight > 0]


def scores_and_classes(who: str, prediction: ArrayLike, y: ArrayLike,
                       thresholded: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return scores as they are, and the true classes, of shape (N,).

    If a threshold is to tell classes from one column, it must not hold classes: integers above 1 are refused.
    """
    scores, given = pair(as_numbers(prediction, "prediction"), y, ("prediction", "y"))
    n = len(finite("y", given, HINT))
    if thresholded and scores.dtype.kind in "iu" and scores.size == n and scores.max(initial=0) > 1:
        raise DataError(f"{who}: prediction must hold scores or probabilities, got integers up to "
                        f"{scores.max()}; the accuracy of classes is (classes == y).mean()")
    if scores.ndim > 2 or given.shape not in ((n,), (n, 1), scores.shape):
        raise ShapeError(f"{who}: prediction must have shape (N, K), (N, 1) or (N,), and y (N,), (N, 1) or that of "
                         f"prediction, got {scores.shape} and {given.shape}")
    return scores, as_classes("y", given, scores.shape)


def hits(prediction: NDArray[Any], classes: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Return whether the class of each example is predicted correctly, shape (N,); ``classes`` has this shape."""
    return np.asarray(predicted_classes(prediction, threshold) == classes)


def predicted_classes(prediction: NDArray[Any], threshold: float = 0.0) -> NDArray[np.intp]:
    """Return the class of each example, shape (N,): the largest column; of one column, whether it is above the threshold.

    DataError if the number that decides is NaN or infinite: the comparison would hold, or not, without meaning. Other columns
    may be -inf, which is the logarithm of the probability 0.
    """
    n = len(prediction)
    if prediction.ndim == 2 and prediction.shape[1] > 1:
        return largest_column(prediction)
    if prediction.shape not in ((n,), (n, 1)):
        raise ShapeError(f"prediction must have shape (N, K), (N, 1) or (N,), got {prediction.shape}")
    return (deciding(prediction.reshape(n)) > threshold).astype(np.intp)


def largest_column(prediction: NDArray[Any]) -> NDArray[np.intp]:
    """Return the index of the largest of K columns, shape (N,); DataError if that is NaN or infinite."""
    columns = prediction.argmax(1)                                  # NaN counts as the largest
    if not np.isfinite(prediction).all():
        deciding(prediction[np.arange(len(prediction)), columns])
    return columns


def deciding(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers by which the class of each example is decided; DataError unless they are finite."""
    good = np.isfinite(numbers)
    if not good.all():
        raise DataError(f"prediction must be finite, got NaN or infinity for {good.size - np.count_nonzero(good)} of "
                        f"{good.size} examples")
    return numbers


def as_classes(name: str, y: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the true classes, shape (N,), for predictions of this shape; DataError for what is no class."""
    count = max((2, *shape[1:]))
    if y.shape == shape and y.ndim == 2 and shape[1] > 1:
        if not one_hot(y):
            raise DataError(f"{name} must hold, for each example, a 1 in the column of its class and 0 in the others")
        return y.argmax(1)
    classes = y.reshape(len(y))
    wrong = classes[~np.isin(classes, np.arange(count))]
    if wrong.size:
        raise DataError(f"{name} must hold classes from 0 to {count - 1}, got {np.unique(wrong)[:5].tolist()}")
    return classes


def one_hot(y: NDArray[Any]) -> bool:
    """Return whether each row has a single 1, and else 0."""
    return bool((((y == 0) | (y == 1)).all(1) & ((y == 1).sum(1) == 1)).all())


class Evaluation(NamedTuple):
    """Cost over all examples and accuracy, which is None unless the loss is one of classes and the targets are classes."""

    cost: float
    accuracy: float | None


def evaluate(net: Module, loss: Loss, x: Inputs, y: ArrayLike, batch_size: int | None = None, *,
             sample_weight: ArrayLike | None = None) -> Evaluation:
    """Return cost and accuracy of a network in evaluation mode; the network and the loss are not changed.

    Parameters
    ----------
    net, loss : Module and Loss
    x, y : arrays of equal length
        Examples and targets; labels that are text or categories if ``fit`` was given such. DataError if they
        hold NaN or infinity, or if the network's outputs do.
    batch_size : int, default None
        Number of examples that the network is given at a time; None: as many as ``predict`` takes. The result differs by
        rounding only, because the cost of each batch has the weight of the batch.
    sample_weight : array of shape (N,), default None
        The weight of each example in the cost and in the accuracy, at least 0; None: 1.

    Returns
    -------
    Evaluation
        The accuracy is None unless the loss is one of classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL) and y holds
        classes: whole numbers of shape (N,) or (N, 1), or one-hot rows (N, K).
    """
    check_reduces(net, loss)
    size = None if batch_size is None else positive_int("batch_size", batch_size)
    check_columns(x, net.feature_names, Named("x"))
    y = coded(y, net.class_labels if isinstance(loss, OF_CLASSES) else None, "y")
    examples, targets = inputs_and_targets(x, y, arity=net.arity)
    examples, targets = as_inputs(net, finite("x", examples), "x"), finite("y", targets, HINT)
    weight = checked_weights("sample_weight", sample_weight, len(targets))
    found = in_parts(net, loss, examples, targets, weight, size, checked=False)
    if not math.isfinite(found.cost):
        finite("evaluate: the network's output", net.predict(examples, size))
    return found


def as_inputs(net: Module, x: Value, name: str) -> Value:
    """Return examples in the network's dtype. Arrays in a file stay as they are: forward converts the parts that it gets."""
    if known_signature(net, x) or (net.dtype is not None and any(map(is_mapped, parts(x)))):
        return x
    return as_values(x, net.dtype, name, net, net.arity)


def check_targets(net: Module, loss: Loss, x: Value, y: NDArray[Any]) -> None:
    """Raise an error if the loss refuses the targets of these examples, whatever the network's output is."""
    shape = net.output_shape(shape_of(x))
    if not several(shape):
        deepcopy(loss).check_all(y, np.broadcast_to(np.zeros((), net.dtype or dtype_of(x)), shape))


def in_parts(net: Module, loss: Loss, x: Value, y: NDArray[Any], weight: NDArray[Any] | None = None,
             batch_size: int | None = None, seen: Seen | None = None, *, checked: bool = True) -> Evaluation:
    """Return ``evaluate`` of examples, targets and weights that have been checked; of a cost that is not finite, no accuracy.

    Predictions, targets and weights of each part are added to ``seen``, unless it is None. With ``checked=False``, what
    the loss refuses of all targets is refused before the first cost.
    """
    classes, known = true_classes(loss, y), known_signature(net, x)
    signature = known or (shape_of(x), net.dtype or dtype_of(x))
    twin = taken(loss, signature) if of_library(type(loss)) else None
    mine: Any = deepcopy(loss) if twin is None else twin.net        # a user's loss may count its calls, say

    def run(net: Any, x: Value, step: int | None) -> Evaluation:
        cost = divisor = right = 0.0
        size = step or len(y)
        if not checked and (twin is None or size < len(y)):
            check_targets(net, loss, x, y)
        for start in range(0, len(y), size):
            rows = slice(start, start + size)
            prediction = net.forward(x if size >= len(y) else each(lambda array: array[rows], x))   # noqa: B023
            weights = () if weight is None else (weight[rows],)
            part = mine.forward(prediction, y[rows], *weights)
            if not checked and size >= len(y) and not mine.divisor:
                mine.check_all(y, prediction)                       # forward has checked the rest
            if seen is not None:
                seen.append((prediction, y[rows], weights[0] if weights else None))
            divisor += mine.divisor
            cost += part if mine.reduction == "sum" else (part - cost) * (mine.divisor / (divisor or 1))
            if not math.isfinite(cost):
                return Evaluation(cost, None)
            if classes is not None and weights:
                there = weights[0] > 0                              # the prediction of another may be NaN
                right += inner(weights[0][there], hits(prediction[there], classes[rows][there], threshold_of(loss)))
            elif classes is not None:
                right += float(np.count_nonzero(hits(prediction, classes[rows], threshold_of(loss))))
        return Evaluation(cost, None if classes is None else right / (len(y) if weight is None else float(weight.sum())))

    found = in_evaluation(net, x, signature, batch_size, run)
    if twin is not None:
        mine.point, loss._twins[signature] = None, twin             # the point held the targets, which are the caller's
    return found


def true_classes(loss: Loss, y: NDArray[Any]) -> NDArray[Any] | None:
    """Return the classes of the examples, shape (N,), from targets that the loss takes; None if they are not classes.

    A loss of classes has them, unless a target is a probability other than 0 and 1, or there are several for each example.
    """
    if not isinstance(loss, OF_CLASSES):
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(1) if one_hot(y) else None
    whole = y.shape in ((len(y),), (len(y), 1)) and (y.dtype.kind in "biu" or (y == np.round(y)).all())
    return y.reshape(len(y)) if whole else None


def threshold_of(loss: Loss) -> float:
    """Return the output above which a network with one output, that was trained with this loss, predicts class 1.

    0.5 for BCE, and for MSE, Huber and L1 on targets 0 and 1; 0 for BCEWithLogits, Hinge, and losses of your own.
    """
    return 0.5 if isinstance(loss, (BCE, MSE, Huber, L1)) else 0.0


def check_reduces(net: Module, loss: Loss) -> None:
    """Raise ArgumentError unless ``net`` is a network and ``loss`` a loss that reduces the cost to one number."""
    if not isinstance(net, Module):
        raise ArgumentError(f"net must be a Module, got {in_a_line(net)}")
    if not isinstance(loss, Loss):
        raise ArgumentError(f"loss must be a Loss, such as CrossEntropy(), got {loss!r}")
    if loss.reduction == "none":
        raise ArgumentError(f'{loss!r}: loss must have reduction "mean" or "sum" here, got "none"')
