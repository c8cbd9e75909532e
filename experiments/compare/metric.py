"""What a comparison measures: for each kind of target an error, its error from sampling, and when it counts as small."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...arguments import Array, bincount
from ...datasets.scaling import Scaler
from ...errors import NonFiniteError
from ..lab.readings import error as share_of_errors
from ..lab.readings import rms
from ..reports.statistics import number

SMALL = 0.10                                                        # the share of errors that "learns" means
EXPLAINED = 0.5                                                     # the R² that "learns" means


@dataclass(frozen=True)
class Metric:
    """The error of a network, and what it is held against.

    Attributes
    ----------
    kind : {"classes", "binary", "labels", "values"}
        The kind of target: see ``datasets.Targets``. Classes have a share of wrong examples, labels a share of wrong labels,
        values a root mean square error (RMSE).
    unit : str
        ``"%"`` for shares, else the unit of the errors: that of y, as text; it may be empty.
    chance : float
        The error of a constant prediction on the test part: the most frequent class, or value of each label, or the mean
        value, of the training examples.
    validation : float
        The same on the validation part, with which rates are chosen; NaN without one.
    """

    kind: str
    unit: str
    chance: float
    validation: float = math.nan

    @property
    def name(self) -> str:
        """Such as ``"error"``; ``f"test {name}"`` is the error on test examples."""
        return "RMSE" if self.kind == "values" else "error"

    @property
    def constant(self) -> str:
        """The prediction whose error is ``chance``."""
        return {"values": "always predicting the mean",
                "labels": "always predicting the more frequent value of each label"}.get(
                    self.kind, "always predicting the most frequent class")

    @property
    def target(self) -> float:
        """The error at which a network counts as having learned.

        10 %, or half of the error of a constant prediction if that is less; for values half of its *squared* error, at which
        R² is 0.5.
        """
        if self.kind == "values":
            return float((1 - EXPLAINED) ** 0.5 * self.chance)
        return min(SMALL, self.chance / 2)

    @property
    def goal(self) -> str:
        """The target as text, as in "epochs to 10 %" or "epochs to an R² of 0.5"."""
        return f"an R² of {EXPLAINED:g}" if self.kind == "values" else f"{number(100 * self.target, 2)} %"

    def figures(self, value: float, sign: str = "") -> str:
        """An error as text without its unit: percent with one decimal, values with three significant digits."""
        if self.unit == "%":
            return f"{100 * value:{sign}.1f}"
        return sign * (value >= 0) + number(value)

    def text(self, value: float, half: float = float("nan"), difference: bool = False) -> str:
        """An error, or a difference between two, with its unit, and ± half an interval unless that is NaN."""
        unit = "points" if difference and self.unit == "%" else self.unit
        spread = "" if math.isnan(half) else f" ± {self.figures(half) if self.unit == '%' else number(half, 2)}"
        return f"{self.figures(value, '+' if difference else '')}{spread} {unit}".rstrip()


def constant_error(kind: str, train: Array, test: Array) -> float:
    """The error on ``test`` of the best constant prediction for ``train``."""
    if kind in ("classes", "binary"):
        return float(np.mean(test != bincount(train).argmax()))
    if kind == "labels":
        return float(np.mean(test != (train.mean(0) > 0.5)))
    return rms(test - train.mean(0))


def error_of(kind: str, prediction: Array, y: Array, scaler: Scaler | None = None) -> float:
    """The error of predictions: see `Metric`. NonFiniteError if they are not finite: training has diverged."""
    if kind in ("classes", "binary"):
        return share_of_errors(prediction, y, threshold=0.0)
    if not np.isfinite(prediction).all():
        count = np.count_nonzero(~np.isfinite(prediction).all(1))
        raise NonFiniteError("training has diverged: prediction must be finite, got NaN or infinity for "
                             f"{count} of {len(prediction)} examples")
    if kind == "labels":
        return float(np.mean((prediction > 0) != y))
    return rms(residuals(prediction, y, scaler))


def residuals(prediction: Array, y: Array, scaler: Scaler | None) -> Array:
    """Predictions less y, in the units of y; of several values that were scaled, in those of their standard deviations."""
    gaps = prediction - learned(y, scaler)
    return gaps if scaler is None or y.shape[1] > 1 else gaps * scaler.deviation


def learned(y: Array, scaler: Scaler | None) -> Array:
    """y as the network learns it, in float64: predictions near 1e9 in the units of y would have few digits left."""
    exact = y.astype(np.float64)
    return exact if scaler is None else scaler.scaled(exact)


def sampling_error(kind: str, prediction: Array, y: Array, scaler: Scaler | None = None) -> float:
    """The standard error of `error_of` that is due to the choice of the test examples.

    Of a share p of n it is sqrt(p (1 - p) / n), with two errors and two successes added (Agresti & Coull 1998), since a share
    of 0 is not known exactly either. Of an RMSE, the standard error of the mean square, divided by twice the RMSE.
    """
    n = len(y)
    if kind in ("classes", "binary"):
        p = (n * error_of(kind, prediction, y) + 2) / (n + 4)
        return math.sqrt(p * (1 - p) / (n + 4))
    if kind == "labels":                                            # the labels of an example are not independent
        return float(((prediction > 0) != y).mean(1).std()) / math.sqrt(n)
    squares = (residuals(prediction, y, scaler) ** 2).mean(1)
    return float(squares.std() / math.sqrt(n) / (2 * math.sqrt(squares.mean()) or 1))


def r_squared(prediction: Array, y: Array, scaler: Scaler | None) -> float:
    """R², the mean over the columns of y; NaN if one of them is constant."""
    values = learned(y, scaler)
    spread = values.var(0)
    return float(np.mean(1 - ((prediction - values)**2).mean(0) / spread)) if spread.all() else math.nan
