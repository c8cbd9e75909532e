"""What a comparison found: a row a run, a row a start, and the differences from the reference with their statistics."""

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

TARGET = 0.10                                                       # the test error that "epochs to" waits for


@dataclass(frozen=True)
class Trained:
    """One run: a start and a seed. Lists have an entry an epoch; those with an entry 0 include the start.

    ``saturation[e][k]`` is the share of saturated (or dead) units of hidden layer k after e epochs; ``before`` and ``after``
    are the layers around training, of one seed with their arrays; ``diverged`` says where the cost stopped being finite.
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
        """Share of the test examples that are wrong at the end; NaN if the run diverged."""
        return math.nan if self.diverged else self.errors[-1]

    @property
    def epochs_to_target(self) -> float:
        """First epoch after which the test error is at most ``TARGET``; infinite if none is."""
        return next((epoch for epoch, error in enumerate(self.errors, 1) if error <= TARGET), math.inf)

    @property
    def gradient_ratio(self) -> float:
        """Deviation of dC/ds at the first hidden layer over that at the last, at the start (s: what the function takes)."""
        deviations = [layer.gradient_std or 0.0 for layer in preactivations(self.before)]
        return deviations[0] / deviations[-1] if deviations[-1] else math.nan

    def saturated(self, epoch: int) -> float:
        """Share of saturated units over all hidden layers after this epoch."""
        return float(np.mean(self.saturation[epoch]))


@dataclass(frozen=True)
class Result:
    """A comparison: its configuration, its runs, the sizes of the data, and the test error of a constant answer.

    ``chance`` is the share of the test examples that are not of the class that is most frequent among them.
    """

    config: dict[str, Any]
    runs: list[Trained]
    train_size: int
    test_size: int
    features: int
    classes: int
    chance: float

    def __getitem__(self, init: str) -> list[Trained]:
        """Runs of one start, by seed."""
        return [run for run in self.runs if run.init == init]

    @property
    def flat(self) -> str:
        """What units whose slope is next to 0 are called: "saturated", or "dead" for rectifiers, flat on one side alone."""
        hidden = hidden_activations(self.runs[0].before)
        return "dead" if hidden and hidden[0].saturated is None else "saturated"

    @property
    def reference(self) -> str:
        """The start that the others are compared with: Glorot, or the first."""
        return "Glorot" if "Glorot" in self.config["init"] else str(self.config["init"][0])

    def rows(self) -> list[dict[str, Any]]:
        """One dict a run: what ``results.csv`` holds."""
        return [{"init": run.init, "seed": run.seed, "final_cost": run.final_cost, "test_error": run.test_error,
                 "epochs_to_10_percent": run.epochs_to_target, "gradient_ratio": run.gradient_ratio,
                 "saturated_at_start": run.saturated(0), "saturated_at_end": run.saturated(-1),
                 "diverged": run.diverged or ""} for run in self.runs]

    def summary(self) -> list[dict[str, Any]]:
        """One dict a start: what ``summary.csv`` holds and the table shows.

        Means and deviations are over the seeds that did not diverge; epochs and ratios are medians over all seeds.
        ``difference`` is the mean difference in test error from the reference over the ``pairs`` seeds in which neither
        diverged, ``p`` that of a paired t test, with Holm's correction; NaN where there is nothing to test: the reference
        itself, less than two pairs, or differences without spread.
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
                "saturated_at_start": mean(run.saturated(0) for run in runs),
                "saturated_at_end": mean(run.saturated(-1) for run in runs)})
        tests = [self.difference(row["init"]) for row in rows]
        for row, (gap, pairs, _), p in zip(rows, tests, holm([p for *_, p in tests]), strict=True):
            row |= {"difference": gap, "pairs": pairs, "p": p}
        return rows

    def gaps(self, init: str) -> Array:
        """How many more test examples are wrong than from the reference, for each seed in which neither diverged."""
        return np.array([round(self.test_size * (a.test_error - b.test_error))
                         for a, b in zip(self[init], self[self.reference], strict=True) if not (a.diverged or b.diverged)])

    def difference(self, init: str) -> tuple[float, int, float]:
        """Mean difference in test error from the reference, the number of pairs, and the p value of the paired t test."""
        gaps = self.gaps(init)
        if not gaps.size:
            return math.nan, 0, math.nan
        gap = float(gaps.mean()) / self.test_size
        if init == self.reference or np.ptp(gaps) == 0:
            return gap, gaps.size, math.nan
        from scipy.stats import ttest_1samp
        return gap, gaps.size, float(ttest_1samp(gaps, 0).pvalue)

    def table(self) -> list[list[str]]:
        """Header and rows of the table, as text."""
        header = ["start", "final cost", "test error", "epochs to 10 %", "gradient first/last", self.flat,
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
            epochs = f"{reached} of {runs} seeds" if reached else "never"
        flat = f"{100 * summary['saturated_at_start']:.0f} → {100 * summary['saturated_at_end']:.0f} %"
        ratio = times(summary["gradient_ratio"]) if self.config["depth"] > 1 else "–"     # one layer is first and last
        return [summary["init"], cost, error, epochs, ratio, flat, self.verdict(summary)]

    def verdict(self, summary: dict[str, Any]) -> str:
        """The difference from the reference in words."""
        init, pairs = summary["init"], summary["pairs"]
        if init == self.reference:
            return "–"
        if not pairs:
            return "diverged" if summary["diverged"] == summary["runs"] else "no seed in which both ended"
        if not self.gaps(init).any():
            return "equal"
        gap = f"{100 * summary['difference']:+.1f} points" + (f" in {pairs} pairs" if pairs < summary["runs"] else "")
        if math.isnan(summary["p"]):
            return f"{gap} ({'one seed' if pairs == 1 else 'the same in each seed'}: no test)"
        return f"{gap}, p < 0.0001" if summary["p"] < 1e-4 else f"{gap}, p = {summary['p']:.4f}"

    def __str__(self) -> str:
        return aligned(self.table(), ())


def times(ratio: float) -> str:
    """A ratio in two digits, without an exponent where it is large."""
    return f"{ratio:.2g}" if not ratio >= 100 else f"{float(f'{ratio:.2g}'):.0f}"


def mean(values: Any) -> float:
    found = list(values)
    return statistics.fmean(found) if found else math.nan
