"""The results of a comparison: its runs, one row per initialization, and the differences from the reference."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ..reports.statistics import Estimate, estimate, holm, paired
from .config import repeat
from .metric import Metric
from .rates import AtRate, best, survived


@dataclass(frozen=True)
class TrainingRun:
    """One run: the training of the network from one initialization, at one learning rate, on the data of one seed and fold.

    Attributes
    ----------
    costs, errors : list of float
        Training cost and test error after each epoch.
    saturation : list of lists
        ``saturation[e][k]`` is the share of saturated (or dead) units of hidden layer k after e epochs; e = 0 is before
        training. If several rates are compared, only seed 0 has all epochs, and the others the first and the last.
    before, after : list of LayerStatistics
        The layers before and after training, with arrays for the first fold of seed 0; ``after`` for this run alone.
    diverged : str or None
        Where the cost stopped being finite.
    validation : float
        Error on the validation part after the last epoch; NaN without one, and if the run diverged.
    digest, units : str and set
        Hash of the weights and biases before training, and hashes of the incoming weights of each unit.
    sampling : float
        Standard error of the last test error, due to the choice of the test examples.
    r2 : float
        R² on the test part after the last epoch, for values; else NaN.
    """

    init: str
    seed: int
    costs: list[float]
    errors: list[float]
    saturation: list[list[float]]
    before: list[LayerStatistics]
    after: list[LayerStatistics]
    diverged: str | None = None
    fold: int = 0
    rate: float = math.nan
    validation: float = math.nan
    digest: str = ""
    units: frozenset[bytes] = field(default=frozenset(), repr=False)
    sampling: float = math.nan
    r2: float = math.nan

    @property
    def final_cost(self) -> float:
        """Training cost of the last epoch; NaN if the run diverged."""
        return math.nan if self.diverged else self.costs[-1]

    @property
    def error(self) -> float:
        """Test error after the last epoch; NaN if the run diverged."""
        return math.nan if self.diverged else self.errors[-1]

    def epochs_to(self, target: float) -> float:
        """Number of epochs until the test error is at most ``target``; infinite if it never is, and if the run diverged."""
        errors = [] if self.diverged else self.errors
        return next((epoch for epoch, error in enumerate(errors, 1) if error <= target), math.inf)

    @property
    def gradient_ratio(self) -> float:
        """Standard deviation of dC/ds at the first hidden layer over that at the last, before training (s: pre-activation)."""
        deviations = [layer.gradient_std or 0.0 for layer in preactivations(self.before)]
        return deviations[0] / deviations[-1] if any(deviations[-1:]) else math.nan

    def saturated(self, epoch: int) -> float:
        """Share of saturated units among all hidden layers after this epoch."""
        return float(np.mean(self.saturation[epoch]))


class Sizes(NamedTuple):
    """Numbers of examples, as means over the divisions of the data."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Results:
    """The numbers of a comparison: its configuration, its runs, and the data that they learned.

    Attributes
    ----------
    config : dict
        The settings that repeat the comparison.
    runs : list of TrainingRun
        All runs, at all learning rates; ``comparison["Glorot"]`` are those of one initialization at its own best rate.
    metric : Metric
        The test error: its name, unit, and the error of a constant prediction.
    sizes : Sizes
    features, outputs : int
        Numbers of inputs and outputs of the network.
    names : tuple of str
        The labels of the classes, or the names of labels or values.
    resampled : float
        See ``estimate``: test examples for each training example, if each seed or fold divides the data anew; else 0.
    remarks : tuple of str
        Sentences about data and runs that a reader of the results must know, the most important first.
    unfit : tuple of str
        What ``diagnose`` found about the data, which concerns all initializations; () if nothing.
    digest : str
        Hash of the data.
    """

    config: dict[str, Any]
    runs: list[TrainingRun]
    metric: Metric
    sizes: Sizes
    features: int
    outputs: int
    names: tuple[str, ...] = ()
    resampled: float = 0.0
    remarks: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    digest: str = ""

    def __getitem__(self, init: str) -> list[TrainingRun]:
        """The runs of one initialization at its chosen rate, by seed and fold."""
        return self.at(init, self.chosen[init])

    def at(self, init: str, rate: float) -> list[TrainingRun]:
        """The runs of one initialization at one rate, by seed and fold."""
        return [run for run in self.runs if run.init == init and (run.rate == rate or math.isnan(rate))]

    @property
    def inits(self) -> tuple[str, ...]:
        """The initializations, in the order in which they were given."""
        return tuple(self.config["init"])

    @property
    def command(self) -> str:
        """What repeats the comparison: a command, or a call for arrays."""
        return repeat(self.config)

    @property
    def inactive(self) -> str:
        """The word for units whose derivative is near 0: "dead" for rectifiers, flat on one side only, else "saturated"."""
        hidden = hidden_activations(self.runs[0].before)
        return "dead" if hidden and hidden[0].saturated is None else "saturated"

    @property
    def reference(self) -> str:
        """The initialization that the others are compared with: Glorot, or the first."""
        return "Glorot" if "Glorot" in self.inits else self.inits[0]

    @cached_property
    def chosen(self) -> dict[str, float]:
        """The learning rate of each initialization: that with the lowest mean validation error, or the only one."""
        return {init: best([row for row in self.rates() if row.init == init]) for init in self.inits}

    def rates(self) -> list[AtRate]:
        """For each initialization, each rate that it was trained at, in order, with the errors that it led to."""
        return list(self.at_rates)

    @cached_property
    def at_rates(self) -> tuple[AtRate, ...]:
        """The rows of ``rates()``."""
        rows = []
        for init in self.inits:
            for rate in sorted({run.rate for run in self.runs if run.init == init}):
                runs = self.at(init, rate)
                diverged = sum(run.diverged is not None for run in runs)
                validation = [self.metric.validation if run.diverged else run.validation for run in runs]
                error = [self.metric.chance if run.diverged else run.error for run in runs]
                rows.append(AtRate(init, rate, estimate(validation, self.revalidated), self.estimate(error), diverged,
                                   len(runs)))
        return tuple(rows)

    def survives(self, init: str) -> tuple[float, ...]:
        """The rates at which an initialization learns; see `rates.survived`."""
        return survived(self.rates(), init, self.metric.validation)

    @property
    def revalidated(self) -> float:
        """What ``resampled`` is for validation parts, which differ by seed even if the data bring a test part of their own."""
        anew = self.config["cv"] or (self.config["split"] == "seed" and self.config["seeds"] > 1)
        return self.sizes.validation / self.sizes.train if anew else 0.0

    def estimate(self, values: Iterable[float]) -> Estimate:
        """The mean over runs with half a 95 % interval, corrected for examples that the runs share."""
        return estimate(list(values), self.resampled)

    def rows(self) -> list[dict[str, Any]]:
        """One dict per run: the rows of ``results.csv``."""
        return [self.known({
            "init": run.init, "seed": run.seed, "fold": run.fold, "rate": run.rate, "final_cost": run.final_cost,
            "validation": run.validation, "error": run.error, "r2": run.r2,
            "epochs_to_target": run.epochs_to(self.metric.target), "gradient_ratio": run.gradient_ratio,
            "saturated_before": run.saturated(0), "saturated_after": run.saturated(-1), "digest": run.digest,
            "diverged": run.diverged or ""}) for run in self.runs]

    def known(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row without the columns that these data or settings do not have."""
        absent = [*["validation"] * (not self.sizes.validation), *["fold"] * (not self.config["cv"]),
                  *["r2"] * (self.metric.kind != "values")]
        return {name: value for name, value in row.items() if name not in absent}

    def summary(self) -> list[dict[str, Any]]:
        """One dict per initialization, at its chosen rate: the rows of ``summary.csv`` and of the table.

        ``error`` is the mean over the runs that did not diverge, ``error_half`` half of its 95 % interval; epochs and ratios
        are medians over all runs. ``difference`` is the mean difference in test error from the reference over the ``pairs``
        runs, by seed and fold, in which neither diverged, with ``difference_half``. ``p`` is the p value of a paired t test,
        after Holm's correction over the initializations. It is NaN if there is nothing to test: for the reference itself, for
        fewer than two pairs, or if all differences are equal.
        """
        return [dict(row) for row in self.tested]

    @cached_property
    def tested(self) -> list[dict[str, Any]]:
        """The rows of ``summary()``."""
        rows = [self.row(init) for init in self.inits]
        for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
            row["p"] = p
        return rows

    def row(self, init: str) -> dict[str, Any]:
        """The row of one initialization, with the p value before Holm's correction."""
        runs, target = self[init], self.metric.target
        ended = [run for run in runs if not run.diverged]
        error, epochs = self.estimate(run.error for run in ended), [run.epochs_to(target) for run in runs]
        pairs = self.pairs(init, self.reference)
        gap = self.estimate(a - b for a, b in pairs)
        own = init == self.reference
        return self.known({
            "init": init, "rate": self.chosen[init], "runs": len(runs), "diverged": len(runs) - len(ended),
            "final_cost": mean(run.final_cost for run in ended), "error": error.mean, "error_half": error.half,
            "r2": mean(run.r2 for run in ended), "validation": mean(run.validation for run in ended),
            "epochs_to_target": statistics.median(epochs), "reached_target": sum(map(math.isfinite, epochs)),
            "gradient_ratio": float(np.median([run.gradient_ratio for run in runs])),
            "saturated_before": mean(run.saturated(0) for run in runs),
            "saturated_after": mean(run.saturated(-1) for run in runs),
            "difference": gap.mean, "difference_half": math.nan if own else gap.half, "pairs": len(pairs),
            "p": math.nan if own else paired(*columns(pairs), self.resampled)})

    def pairs(self, init: str, other: str) -> list[tuple[float, float]]:
        """The test errors of two initializations, for each seed and fold in which neither diverged."""
        return [(a.error, b.error) for a, b in zip(self[init], self[other], strict=True)
                if not (a.diverged or b.diverged)]


def columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


def mean(values: Iterable[float]) -> float:
    """The mean; NaN without values."""
    numbers = list(values)
    return statistics.fmean(numbers) if numbers else math.nan
