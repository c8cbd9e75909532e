"""The scores that ``fit`` adds to the history: its argument ``metrics``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import may_be_real, one_of
from ..errors import ArgumentError
from ..losses import NLL, CrossEntropy, Loss
from .metrics import Seen, accuracy, threshold_of
from .scores import confusion_matrix, f1_score, mean_absolute_error, r2_score, roc_auc_score, top_k_accuracy_score

Score = Callable[..., float]                                        # of predictions and targets, and sample_weight if it has it
Metrics = Iterable[str | Score] | Mapping[str, Score]
TAKEN = ("epoch", "cost", "seconds")                                # columns of fit
FEW = 10                                                            # examples on which functions are tried

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
        if one in (confusion_matrix, confusion_matrix.__name__):
            raise ArgumentError("metrics must hold scores, which are numbers; the confusion matrix is a table: "
                                "confusion_matrix(net.predict(x), y), after training or in a callback")
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


def area_of_logits(prediction: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> float:
    """Return ``roc_auc_score`` of the probabilities that belong to logits or log-probabilities."""
    from scipy.special import softmax
    return roc_auc_score(softmax(prediction.astype(float), axis=1), y, sample_weight=sample_weight)


def check_scores(scores: Mapping[str, Score], shape: tuple[int, ...], y: NDArray[Any], weight: NDArray[Any] | None) -> None:
    """Raise what the library's own scores would raise for these targets, and predictions of this shape.

    Other functions are tried on few examples: they may fail there, with predictions of 0, but must not return anything but a
    number.
    """
    for name, score in scores.items():
        if (score.func if isinstance(score, partial) else score) in (*OWN, area_of_logits):
            called(score, np.zeros(shape), y, weight)
            continue
        few, some = np.zeros((min(FEW, shape[0]), *shape[1:])), None if weight is None else weight[:FEW]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                value = called(score, few, y[:FEW].copy(), some)
        except Exception:                                           # with other values it may be defined
            continue
        number(name, value)


def called(score: Score, prediction: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None) -> Any:
    """Return the score, with weights if it takes them; NaN if all are 0."""
    if weight is None or not takes_weights(score):
        return score(prediction, y)
    return score(prediction, y, sample_weight=weight) if weight.any() else np.nan


def takes_weights(score: Score) -> bool:
    """Whether a function has a parameter ``sample_weight``, as the library's own scores do."""
    try:
        return "sample_weight" in inspect.signature(score).parameters
    except (TypeError, ValueError):                                 # functions of other languages may have no signature
        return False


def joined(seen: Seen) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """Return predictions, targets and weights of all parts; the weights are None if no part has them."""
    prediction, y = (np.concatenate([part[k] for part in seen]) for k in (0, 1))
    if all(weight is None for _, _, weight in seen):
        return prediction, y, None
    return prediction, y, np.concatenate([np.ones(len(targets)) if weight is None else weight for _, targets, weight in seen])


def scored(scores: Mapping[str, Score], seen: Seen | None, prefix: str = "") -> dict[str, float]:
    """Return the scores of all that was seen, by the name of their column."""
    if not seen:
        return {}
    prediction, y, weight = joined(seen)
    return {prefix + name: number(name, called(score, prediction, y, weight)) for name, score in scores.items()}


def number(name: str, value: Any) -> float:
    """Return what a metric returned as a float, which may be NaN; ArgumentError for anything else."""
    if not may_be_real(value) or not isinstance(value, (int, float, np.ndarray, np.generic)):
        raise ArgumentError(f"the metric {name} must return a number, got {value!r}")
    return float(value)
