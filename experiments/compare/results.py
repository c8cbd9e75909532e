"""The results of a comparison: one row per run, one per initialization, and tests of the differences from the reference."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import Array
from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ...printing import aligned
from ..reports.statistics import holm
from ..reports.text import many

TARGET = 0.10                                                       # the test error of the column "epochs to 10 %"


@dataclass(frozen=True)
class TrainingRun:
    """One run: the training of the network from one initialization and one seed.

    ``costs`` and ``errors`` have one entry per epoch. ``saturation[e][k]`` is the share of saturated (or dead) units of
    hidden layer k after e epochs; e = 0 is before training. ``before`` and ``after`` are the statistics of the layers before
    and after training, with arrays for seed 0. ``diverged`` says where the cost stopped being finite.
    """

    init: str
    seed: int
    costs: list[float]
    errors: list[float]
    saturation: list[list[float]]
    before: list[LayerStatistics]
    after: list[LayerStatistics]
    diverged: str | None = None

    @property
    def final_cost(self) -> float:
        """Training cost of the last epoch; NaN if the run diverged."""
        return math.nan if self.diverged else self.costs[-1]

    @property
    def test_error(self) -> float:
        """Test error after the last epoch; NaN if the run diverged."""
        return math.nan if self.diverged else self.errors[-1]

    @property
    def epochs_to_target(self) -> float:
        """Number of epochs until the test error is at most ``TARGET``; infinite if it never is."""
        return next((epoch for epoch, error in enumerate(self.errors, 1) if error <= TARGET), math.inf)

    @property
    def gradient_ratio(self) -> float:
        """Standard deviation of dC/ds at the first hidden layer over that at the last, before training (s: pre-activation)."""
        deviations = [layer.gradient_std or 0.0 for layer in preactivations(self.before)]
        return deviations[0] / deviations[-1] if deviations[-1] else math.nan

    def saturated(self, epoch: int) -> float:
        """Share of saturated units among all hidden layers after this epoch."""
        return float(np.mean(self.saturation[epoch]))


@dataclass(frozen=True)
class Comparison:
    """A comparison: its configuration, its runs, the sizes of the data, and the test error of a constant prediction.

    ``chance`` is the error of always predicting the most frequent class of the test examples; ``names`` are the labels of
    the classes.
    """

    config: dict[str, Any]
    runs: list[TrainingRun]
    train_size: int
    test_size: int
    features: int
    classes: int
    chance: float
    names: tuple[str, ...] = ()

    def __getitem__(self, init: str) -> list[TrainingRun]:
        """The runs of one initialization, by seed."""
        return [run for run in self.runs if run.init == init]

    @property
    def inactive(self) -> str:
        """The word for units whose derivative is near 0: "dead" for rectifiers, flat on one side only, else "saturated"."""
        hidden = hidden_activations(self.runs[0].before)
        return "dead" if hidden and hidden[0].saturated is None else "saturated"

    @property
    def reference(self) -> str:
        """The initialization that the others are compared with: Glorot, or the first."""
        return "Glorot" if "Glorot" in self.config["init"] else str(self.config["init"][0])

    def rows(self) -> list[dict[str, Any]]:
        """One dict per run: the rows of ``results.csv``."""
        return [{"init": run.init, "seed": run.seed, "final_cost": run.final_cost, "test_error": run.test_error,
                 "epochs_to_10_percent": run.epochs_to_target, "gradient_ratio": run.gradient_ratio,
                 "saturated_before": run.saturated(0), "saturated_after": run.saturated(-1),
                 "diverged": run.diverged or ""} for run in self.runs]

    def summary(self) -> list[dict[str, Any]]:
        """One dict per initialization: the rows of ``summary.csv`` and of the table.

        Means and standard deviations are over the seeds that did not diverge; epochs and ratios are medians over all seeds.
        ``difference`` is the mean difference in test error from the reference over the ``pairs`` seeds in which neither run
        diverged. ``p`` is the p value of a paired t test, after Holm's correction. It is NaN if there is nothing to test:
        for the reference itself, for fewer than two pairs, or if all differences are equal.
        """
        rows = []
        for init in self.config["init"]:
            runs = self[init]
            ended = [run for run in runs if not run.diverged]
            errors = [run.test_error for run in ended]
            rows.append({
                "init": init, "runs": len(runs), "diverged": len(runs) - len(ended),
                "final_cost": mean(run.final_cost for run in ended), "test_error": mean(errors),
                "test_error_std": statistics.stdev(errors) if len(errors) > 1 else math.nan,
                "epochs_to_10_percent": statistics.median(run.epochs_to_target for run in runs),
                "reached_10_percent": sum(math.isfinite(run.epochs_to_target) for run in runs),
                "gradient_ratio": float(np.median([run.gradient_ratio for run in runs])),
                "saturated_before": mean(run.saturated(0) for run in runs),
                "saturated_after": mean(run.saturated(-1) for run in runs)})
        tests = [self.difference(row["init"]) for row in rows]
        for row, (gap, pairs, _), p in zip(rows, tests, holm([p for *_, p in tests]), strict=True):
            row |= {"difference": gap, "pairs": pairs, "p": p}
        return rows

    def gaps(self, init: str) -> Array:
        """The number of misclassified test examples less that of the reference, for each seed in which neither run diverged."""
        return np.array([round(self.test_size * (a.test_error - b.test_error))
                         for a, b in zip(self[init], self[self.reference], strict=True) if not (a.diverged or b.diverged)])

    def difference(self, init: str) -> tuple[float, int, float]:
        """The mean difference in test error from the reference, the number of pairs, and the p value of the paired t test."""
        gaps = self.gaps(init)
        if not gaps.size:
            return math.nan, 0, math.nan
        gap = float(gaps.mean()) / self.test_size
        if init == self.reference or np.ptp(gaps) == 0:
            return gap, gaps.size, math.nan
        from scipy.stats import ttest_1samp
        return gap, gaps.size, float(ttest_1samp(gaps, 0).pvalue)

    def table(self) -> list[list[str]]:
        """The table as text: the header and one row per initialization."""
        header = ["initialization", "final cost", "test error", "epochs to 10 %", "gradient first/last", self.inactive,
                  f"against {self.reference}"]
        return [header, *(self.row(summary) for summary in self.summary())]

    def row(self, summary: dict[str, Any]) -> list[str]:
        runs, diverged, reached = summary["runs"], summary["diverged"], summary["reached_10_percent"]
        if diverged == runs:
            cost = error = "diverged"
        else:
            share = f" ({diverged} of {runs} diverged)" if diverged else ""
            spread = "" if math.isnan(summary["test_error_std"]) else f" ± {100 * summary['test_error_std']:.1f}"
            cost, error = f"{summary['final_cost']:.3f}", f"{100 * summary['test_error']:.1f}{spread} %{share}"
        epochs = f"{summary['epochs_to_10_percent']:g}"
        if math.isinf(summary["epochs_to_10_percent"]):
            epochs = f"{reached} of {many(runs, 'seed')}" if reached else "never"
        shares = f"{100 * summary['saturated_before']:.0f} → {100 * summary['saturated_after']:.0f} %"
        ratio = times(summary["gradient_ratio"]) if self.config["depth"] > 1 else "–"     # one layer is first and last
        return [summary["init"], cost, error, epochs, ratio, shares, self.verdict(summary)]

    def verdict(self, summary: dict[str, Any]) -> str:
        """The difference from the reference, as a cell of the table."""
        init, pairs = summary["init"], summary["pairs"]
        if init == self.reference:
            return "–"
        if not pairs:
            return "diverged" if summary["diverged"] == summary["runs"] else "no seed in which neither diverged"
        if not self.gaps(init).any():
            return "equal"
        gap = f"{100 * summary['difference']:+.1f} points" + (f" in {pairs} pairs" if pairs < summary["runs"] else "")
        if math.isnan(summary["p"]):
            return f"{gap} ({'one seed' if pairs == 1 else 'the same in each seed'}: no test)"
        return f"{gap}, p < 0.0001" if summary["p"] < 1e-4 else f"{gap}, p = {summary['p']:.4f}"

    def __str__(self) -> str:
        return aligned(self.table(), ())


def times(ratio: float) -> str:
    """A ratio with two significant digits, without an exponent for large ones."""
    return f"{ratio:.2g}" if not ratio >= 100 else f"{float(f'{ratio:.2g}'):.0f}"


def mean(values: Any) -> float:
    """The mean; NaN without values."""
    numbers = list(values)
    return statistics.fmean(numbers) if numbers else math.nan
