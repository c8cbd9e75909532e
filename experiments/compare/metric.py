"""What a comparison measures on examples that were not trained on: for each kind of target an error, and when it is small."""

from __future__ import annotations

from dataclasses import dataclass

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
        The error of a constant prediction: the most frequent class, or value of each label, or the mean value, of the
        training examples.
    """

    kind: str
    unit: str
    chance: float

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
        spread = f" ± {self.figures(half)}" if half == half else ""
        return f"{self.figures(value, '+' if difference else '')}{spread} {unit}".rstrip()
