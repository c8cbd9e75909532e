"""Scores of predictions beside accuracy; names and values are scikit-learn's, and predictions come first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_floating, may_be_real, one_of, positive_int, real
from ..datasets.checks import finite, pair
from ..errors import ArgumentError, DataError, ShapeError
from ..losses import NLL, CrossEntropy, Loss
from .metrics import accuracy, deciding, predicted_classes, scores_and_classes, threshold_of

AVERAGES = ("macro", "micro", "weighted")
Score = Callable[[NDArray[Any], NDArray[Any]], float]              # of predictions and targets
Metrics = Iterable[str | Score] | Mapping[str, Score]
TAKEN = ("epoch", "cost", "seconds")                                # columns of fit
Seen = list[tuple[NDArray[Any], NDArray[Any]]]                      # predictions and targets, part by part


def top_k_accuracy_score(prediction: ArrayLike, y: ArrayLike, k: int = 5) -> float:
    """Return the share of examples whose class is among the ``k`` largest columns.

    Parameters
    ----------
    prediction : array of shape (N, K)
        Scores of the K classes. Of equal ones, the first counts as the largest, as in ``accuracy``.
    y : array of shape (N,), (N, 1) or (N, K)
        The true classes, from 0; or one-hot rows.
    k : int, default 5

    Raises
    ------
    ShapeError, DataError
        Shapes do not fit, scores are NaN or infinite (-inf is allowed), or y holds something that is no class.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.top_k_accuracy_score([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], [1, 0], k=2)
    0.5
    """
    scores, classes = scores_and_classes("top_k_accuracy_score", prediction, y)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ShapeError(f"top_k_accuracy_score: prediction must have shape (N, K) with K of at least 2, got {scores.shape}")
    deciding(np.where(scores == -np.inf, 0, scores))
    order = np.argsort(-scores.astype(float), axis=1, kind="stable")[:, :positive_int("k", k)]
    return float((order == classes[:, None]).any(1).mean())


def confusion_matrix(prediction: ArrayLike, y: ArrayLike, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the number of examples of each true class (row) for which each class (column) is predicted.

    Parameters
    ----------
    prediction, y, threshold
        See ``accuracy``.

    Returns
    -------
    int64 array of shape (K, K); (2, 2) for predictions of one column

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.confusion_matrix([0.9, 0.2, 0.6], [1, 1, 0])
    array([[0, 1],
           [1, 1]])
    """
    scores, classes = scores_and_classes("confusion_matrix", prediction, y, thresholded=True)
    predicted = predicted_classes(scores, real("threshold", threshold))
    return counts_of(predicted, classes.astype(np.intp), max((2, *scores.shape[1:])))


def f1_score(prediction: ArrayLike, y: ArrayLike, average: str | None = None, threshold: float = 0.5) -> float:
    r"""Return the F1 score, :math:`2\,\mathrm{TP} / (2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN})`.

    Parameters
    ----------
    prediction, y, threshold
        See ``accuracy``.
    average : {"macro", "micro", "weighted"}, default None
        None: for two classes the score of class 1, for more "macro". "macro" is the mean over the classes that occur, in y or
        among the predictions; "weighted" weighs them by their examples; "micro" counts all classes together, which is the
        accuracy.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.f1_score([0.9, 0.2, 0.6], [1, 1, 0])
    0.5
    """
    if average is not None:
        one_of("average", average, AVERAGES)
    table = confusion_matrix(prediction, y, threshold)
    right, predicted, true = table.diagonal(), table.sum(0), table.sum(1)
    if average == "micro":
        return float(right.sum() / table.sum())
    scores = 2 * right / np.maximum(predicted + true, 1)            # of a class that does not occur: 0
    if average is None and len(table) == 2:
        return float(scores[1])
    return float(np.average(scores, weights=true if average == "weighted" else predicted + true > 0))


def roc_auc_score(prediction: ArrayLike, y: ArrayLike) -> float:
    """Return the area under the receiver operating characteristic: the chance that class 1 has the larger score.

    Parameters
    ----------
    prediction : array of shape (N,), (N, 1) or (N, K)
        Scores of class 1: logits or probabilities. Of K columns, the mean over the classes that occur, each against the rest,
        with its column as the score; the columns should be probabilities.
    y : array
        The true classes, see ``accuracy``.

    Raises
    ------
    ShapeError, DataError
        Shapes do not fit, scores are not finite, or y holds a single class.

    Notes
    -----
    Equal scores count half (Mann & Whitney's U).

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.roc_auc_score([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    from scipy.stats import rankdata
    scores, classes = scores_and_classes("roc_auc_score", prediction, y)
    finite("prediction", scores)
    present = np.unique(classes)
    if len(present) < 2:
        raise DataError(f"roc_auc_score: y must hold two classes or more, got only {present[0]:g}")
    columns = scores.reshape(len(scores), -1).astype(float)
    if columns.shape[1] <= 2:
        columns, present = columns[:, -1:] - (columns[:, :1] if columns.shape[1] == 2 else 0), present[-1:]
    areas = []
    for k in present:
        mine = classes == k
        count, ranks = mine.sum(), rankdata(columns[:, 0 if columns.shape[1] == 1 else int(k)])
        areas.append((ranks[mine].sum() - count * (count + 1) / 2) / (count * (len(classes) - count)))
    return float(np.mean(areas))


def r2_score(prediction: ArrayLike, y: ArrayLike) -> float:
    """Return R², the share of the variance of y that the prediction explains; for several columns, the mean of theirs.

    Parameters
    ----------
    prediction, y : arrays of shape (N, ...), or one of (N,) and the other (N, 1)

    Notes
    -----
    1 for a perfect prediction, 0 for one by the mean, below 0 for a worse one. Of a column of equal values it is 1 if the
    prediction is exact, else 0.

    Examples
    --------
    >>> import retroprop as rp
    >>> round(rp.r2_score([2.5, 0.0, 2, 8], [3, -0.5, 2, 7]), 4)
    0.9486
    """
    predicted, true = values("r2_score", prediction, y)
    left, spread = ((predicted - true) ** 2).sum(0), ((true - true.mean(0)) ** 2).sum(0)
    varies = (true != true[0]).any(0)                               # the mean of equal values may be rounded
    return float(np.where(varies, 1 - left / np.where(varies, spread, 1), left == 0).mean())


def mean_absolute_error(prediction: ArrayLike, y: ArrayLike) -> float:
    """Return the mean absolute difference of predictions and targets.

    Parameters
    ----------
    prediction, y : arrays of shape (N, ...), or one of (N,) and the other (N, 1)

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.mean_absolute_error([1.0, 2.0], [1.5, 1.0])
    0.75
    """
    predicted, true = values("mean_absolute_error", prediction, y)
    return float(np.abs(predicted - true).mean())


def counts_of(predicted: NDArray[np.intp], true: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix of predicted and true classes."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def values(who: str, prediction: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return predictions and targets as float64 arrays of shape (N, columns)."""
    predicted, true = pair(as_floating(prediction, np.dtype(float), "prediction"), as_floating(y, np.dtype(float), "y"),
                           ("prediction", "y"))
    n = len(predicted)
    if predicted.shape != true.shape and {predicted.shape, true.shape} != {(n,), (n, 1)}:
        raise ShapeError(f"{who}: y must have the shape of prediction, {predicted.shape}, got {true.shape}")
    columns = math.prod(predicted.shape[1:])
    return finite("prediction", predicted).reshape(n, columns), finite("y", true).reshape(n, columns)


BY_NAME: Mapping[str, Callable[..., float]] = {each.__name__: each for each in (
    accuracy, f1_score, mean_absolute_error, r2_score, roc_auc_score, top_k_accuracy_score)}
OWN = tuple(BY_NAME.values())


def as_scores(metrics: Metrics, loss: Loss) -> dict[str, Score]:
    """Return the metrics of ``fit`` as functions by name; ArgumentError for what is none, or has a name that is taken."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise ArgumentError(f"metrics must be a list of names or functions, or a dict of functions by name, got {metrics!r}")
    found: dict[str, Score] = {}
    pairs: Iterable[tuple[Any, Any]] = metrics.items() if isinstance(metrics, Mapping) else ((None, one) for one in metrics)
    for given, one in pairs:
        if not isinstance(one, str) and (not callable(one) or isinstance(one, type)):
            raise ArgumentError(f"metrics must hold names or functions of prediction and y, got {one!r}")
        known = one_of("each of the metrics", one, BY_NAME) if isinstance(one, str) else one.__name__ if one in OWN else None
        score: Any = one if known is None else of_loss(known, loss)
        name = (known or getattr(one, "__name__", "")) if given is None else given
        if not isinstance(name, str) or name in ("", "<lambda>", *TAKEN, *found) or name.startswith("validation_"):
            raise ArgumentError(f"metrics must hold functions whose names are new columns of the history, got {name!r}; a dict "
                                "gives functions names: {'top 2': function}")
        found[name] = score
    return found


def of_loss(name: str, loss: Loss) -> Score:
    """Return the score of this name, for predictions as the loss takes them: logits, log-probabilities or probabilities."""
    if name in ("accuracy", "f1_score"):
        return partial(BY_NAME[name], threshold=threshold_of(loss))
    return area_of_logits if name == "roc_auc_score" and isinstance(loss, (CrossEntropy, NLL)) else BY_NAME[name]


def area_of_logits(prediction: NDArray[Any], y: NDArray[Any]) -> float:
    """Return ``roc_auc_score`` of the probabilities that belong to logits or log-probabilities."""
    from scipy.special import softmax
    return roc_auc_score(softmax(prediction.astype(float), axis=1), y)


def check_scores(scores: Iterable[Score], shape: tuple[int, ...], y: NDArray[Any]) -> None:
    """Raise what the library's own scores would raise for these targets, and predictions of this shape."""
    for score in scores:
        if (score.func if isinstance(score, partial) else score) in (*OWN, area_of_logits):
            score(np.zeros(shape), y)


def scored(scores: Mapping[str, Score], seen: Seen | None, prefix: str = "") -> dict[str, float]:
    """Return the scores of all that was seen, by the name of their column."""
    if not seen:
        return {}
    prediction, y = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return {prefix + name: number(name, score(prediction, y)) for name, score in scores.items()}


def number(name: str, value: Any) -> float:
    """Return what a metric returned as a float, which may be NaN; ArgumentError for anything else."""
    if not may_be_real(value) or not isinstance(value, (int, float, np.ndarray, np.generic)):
        raise ArgumentError(f"the metric {name} must return a number, got {value!r}")
    return float(value)
