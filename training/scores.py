"""Scores of predictions beside accuracy; names and values are scikit-learn's, and predictions come first."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_floating, bincount, one_of, positive_int, real
from ..datasets.checks import finite, pair
from ..errors import DataError, ShapeError
from ..losses.weights import inner
from .metrics import counted, deciding, predicted_classes, scores_and_classes

AVERAGES = ("macro", "micro", "weighted")


def top_k_accuracy_score(prediction: ArrayLike, y: ArrayLike, k: int = 5, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of examples whose class is among the ``k`` largest columns.

    Parameters
    ----------
    prediction : array of shape (N, K)
        Scores of the K classes. Of equal ones, the first counts as the largest, as in ``accuracy``.
    y : array of shape (N,), (N, 1) or (N, K)
        The true classes, from 0; or one-hot rows.
    k : int, default 5
    sample_weight : array of shape (N,), default None
        See ``accuracy``.

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
    weight, scores, classes = counted(sample_weight, *scores_and_classes("top_k_accuracy_score", prediction, y))
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ShapeError(f"top_k_accuracy_score: prediction must have shape (N, K) with K of at least 2, got {scores.shape}")
    deciding(np.where(scores == -np.inf, 0, scores))
    order = np.argsort(-scores.astype(float), axis=1, kind="stable")[:, :positive_int("k", k)]
    return float(np.average((order == classes[:, None]).any(1), weights=weight))


def confusion_matrix(prediction: ArrayLike, y: ArrayLike, threshold: float = 0.5, *,
                     sample_weight: ArrayLike | None = None) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return the number of examples of each true class (row) for which each class (column) is predicted.

    Parameters
    ----------
    prediction, y, threshold, sample_weight
        See ``accuracy``.

    Returns
    -------
    int64 array of shape (K, K); (2, 2) for predictions of one column. With weights, float64: their sums.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.confusion_matrix([0.9, 0.2, 0.6], [1, 1, 0])
    array([[0, 1],
           [1, 1]])
    """
    threshold = real("threshold", threshold)
    weight, scores, classes = counted(sample_weight, *scores_and_classes("confusion_matrix", prediction, y, thresholded=True))
    return counts_of(predicted_classes(scores, threshold), classes.astype(np.intp), max((2, *scores.shape[1:])), weight)


def f1_score(prediction: ArrayLike, y: ArrayLike, average: str | None = None, threshold: float = 0.5, *,
             sample_weight: ArrayLike | None = None) -> float:
    r"""Return the F1 score, :math:`2\,\mathrm{TP} / (2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN})`.

    Parameters
    ----------
    prediction, y, threshold, sample_weight
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
    table = confusion_matrix(prediction, y, threshold, sample_weight=sample_weight)
    right, predicted, true = table.diagonal(), table.sum(0), table.sum(1)
    if average == "micro":
        return float(right.sum() / table.sum())
    occurs = predicted + true > 0
    scores = 2 * right / np.where(occurs, predicted + true, 1)      # of a class that does not occur: 0
    if average is None and len(table) == 2:
        return float(scores[1])
    return float(np.average(scores, weights=true if average == "weighted" else occurs))


def roc_auc_score(prediction: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the area under the receiver operating characteristic: the chance that class 1 has the larger score.

    Parameters
    ----------
    prediction : array of shape (N,), (N, 1) or (N, K)
        Scores of class 1: logits or probabilities. Of K columns, the mean over the classes that occur, each against the rest,
        with its column as the score; the columns should be probabilities.
    y, sample_weight
        See ``accuracy``.

    Raises
    ------
    ShapeError, DataError
        Shapes do not fit, scores are not finite, or y holds a single class.

    Notes
    -----
    Equal scores count half (Mann & Whitney's U). A pair of examples has the product of their weights.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.roc_auc_score([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    weight, scores, classes = counted(sample_weight, *scores_and_classes("roc_auc_score", prediction, y))
    finite("prediction", scores)
    weight, present = np.ones(len(classes)) if weight is None else weight, np.unique(classes)
    if len(present) < 2:
        raise DataError(f"roc_auc_score: y must hold two classes or more, got only {present[0]:g}")
    columns = scores.reshape(len(scores), -1).astype(float)
    if columns.shape[1] <= 2:
        columns, present = columns[:, -1:] - (columns[:, :1] if columns.shape[1] == 2 else 0), present[-1:]
    areas = []
    for k in present:
        levels, places = np.unique(columns[:, 0 if columns.shape[1] == 1 else int(k)], return_inverse=True)
        mine, all_of = (np.bincount(places, each, len(levels)) for each in (weight * (classes == k), weight))
        others = all_of - mine
        below = np.cumsum(others) - others / 2
        areas.append(inner(mine, below) / (mine.sum() * others.sum()))
    return float(np.mean(areas))


def r2_score(prediction: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return R², the share of the variance of y that the prediction explains; for several columns, the mean of theirs.

    Parameters
    ----------
    prediction, y : arrays of shape (N, ...), or one of (N,) and the other (N, 1)
    sample_weight : array of shape (N,), default None
        See ``accuracy``.

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
    weight, predicted, true = counted(sample_weight, *values("r2_score", prediction, y))
    mean = partial(np.average, axis=0, weights=weight)
    left, spread = mean((predicted - true) ** 2), mean((true - mean(true)) ** 2)
    varies = (true != true[0]).any(0)                               # the mean of equal values may be rounded
    return float(np.where(varies, 1 - left / np.where(varies, spread, 1), left == 0).mean())


def mean_absolute_error(prediction: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean absolute difference of predictions and targets.

    Parameters
    ----------
    prediction, y : arrays of shape (N, ...), or one of (N,) and the other (N, 1)
    sample_weight : array of shape (N,), default None
        See ``accuracy``.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.mean_absolute_error([1.0, 2.0], [1.5, 1.0])
    0.75
    """
    weight, predicted, true = counted(sample_weight, *values("mean_absolute_error", prediction, y))
    return float(np.average(np.abs(predicted - true), axis=0, weights=weight).mean())


def counts_of(predicted: NDArray[np.intp], true: NDArray[np.intp], classes: int,
              weight: NDArray[np.float64] | None = None) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return the confusion matrix of predicted and true classes."""
    counts = bincount(true * classes + predicted, weight, classes**2).reshape(classes, classes)
    return counts.astype(np.int64) if weight is None else counts


def values(who: str, prediction: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return predictions and targets as float64 arrays of shape (N, columns)."""
    predicted, true = pair(as_floating(prediction, np.dtype(float), "prediction"), as_floating(y, np.dtype(float), "y"),
                           ("prediction", "y"))
    n = len(predicted)
    if predicted.shape != true.shape and {predicted.shape, true.shape} != {(n,), (n, 1)}:
        raise ShapeError(f"{who}: y must have the shape of prediction, {predicted.shape}, got {true.shape}")
    columns = math.prod(predicted.shape[1:])
    return finite("prediction", predicted).reshape(n, columns), finite("y", true).reshape(n, columns)
