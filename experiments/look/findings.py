"""The numbers that ``retroprop look`` finds, each with the criterion it must meet, if there is one."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ...files import json_value
from ...inspection.adversarial import Robustness
from ...inspection.features import Dream, Maximization
from ...modules import Module
from ...printing import aligned
from ..reports.statistics import estimate
from ..reports.text import percent
from .analyses import DEFENDED, Attacked, Fooled, Models, Saliency
from .subjects import Images, Subject

HEADER = ("quantity", "met", "measured: mean ± half a 95 % interval (each seed)", "criterion")
SEEDS = 3                                                           # of a full run; only full runs are judged
ON_FOREGROUND = "saliency (gradient) on foreground, times chance"


class Row(NamedTuple):
    """A quantity: its mean over the seeds, its value for each seed, and its criterion, if it has one."""

    quantity: str
    value: float
    values: tuple[float, ...]
    unit: str
    criterion: str
    met: bool | None

    def cells(self) -> list[str]:
        """A row of the table below ``HEADER``."""
        verdict, measured = "–" if self.met is None else "yes" if self.met else "NO", written(self.value, self.unit)
        if len(self.values) > 1:
            mean, half, *each = (written(value, self.unit, False)
                                 for value in (self.value, estimate(self.values).half, *self.values))
            measured = f"{mean} ± {half}{f' {self.unit}' if self.unit else ''} ({', '.join(each)})"
        return [self.quantity, verdict, measured, self.criterion or "–"]


def written(value: float, unit: str, with_unit: bool = True) -> str:
    """
    >>> written(0.987, "%"), written(14.5, "s"), written(9.0, "")
    ('98.7 %', '14.50 s', '9')
    """
    if math.isnan(value):
        return "–"
    if unit == "%":
        return f"{100 * value:.1f}{' %' if with_unit else ''}"
    digits = f"{value:.0f}" if value == int(value) else f"{value:.2f}"
    return f"{digits} {unit}" if unit and with_unit else digits


class TrainedNetwork(NamedTuple):
    """A network of one kind, trained from one seed, plainly or (``defended``) on adversarial examples."""

    kind: str
    seed: int
    defended: bool
    net: Module
    subject: Subject
    error: float
    seconds: float
    attacked: Attacked | None


@dataclass(frozen=True)
class Findings:
    """All results for one network, which the figures show, and for those of the other seeds; prints as a table.

    ``untrained`` and ``hardened`` are the saliency on the foreground before training, and after adversarial training.
    """

    config: dict[str, Any]
    images: Images
    subject: Subject
    trained: list[TrainedNetwork]
    single: Robustness
    iterated: Robustness
    examples: Fooled
    saliency: list[Saliency]
    untrained: list[float]
    hardened: list[float]
    models: list[Models]
    channels: tuple[str, Maximization] | None
    dream: Dream

    @property
    def kinds(self) -> list[str]:
        """The kinds of networks that were trained; the first is the one that is examined."""
        return list(self.images.recipes) if self.trained else []

    def of(self, kind: str, defended: bool = False) -> list[TrainedNetwork]:
        """The networks of a kind, by seed."""
        return [one for one in self.trained if (one.kind, one.defended) == (kind, defended)]

    def rows(self) -> list[Row]:
        """All quantities. Only networks that were trained here have criteria, and some criteria are for the digits only."""
        rows = [*performance(self), *of_saliency(self), *of_attacks(self), *of_features(self)]
        return rows if self.full else [row._replace(met=None) for row in rows]

    @property
    def full(self) -> bool:
        """Whether the networks were trained with at least the epochs and seeds for which the criteria were chosen."""
        return bool(self.trained) and self.config["epochs"] >= self.epochs and self.config["seeds"] >= SEEDS

    @property
    def epochs(self) -> int:
        """The epochs of a full run."""
        return next(iter(self.images.recipes.values())).epochs

    def summary(self) -> list[dict[str, Any]]:
        """One dict per row, for JSON: None stands for NaN."""
        rows: list[dict[str, Any]] = json_value([row._asdict() for row in self.rows()])
        return rows

    def verdict(self) -> str:
        """How many criteria are met, or why none is judged, in a sentence or two."""
        if not self.trained:
            return "A network that was not trained here is not judged."
        if not self.full:
            return f"This run is not judged: the criteria are for a full run, of {self.epochs} epochs and {SEEDS} seeds."
        judged = [row for row in self.rows() if row.met is not None]
        missed = [row.quantity for row in judged if not row.met]
        count = f"{len(judged) - len(missed)} of {len(judged)} criteria are met by the mean over {self.config['seeds']} seeds."
        return f"{count} Not met: {'; '.join(missed)}." if missed else count

    def table(self) -> list[list[str]]:
        return [list(HEADER), *(row.cells() for row in self.rows())]

    def __str__(self) -> str:
        return f"{aligned(self.table(), ())}\n\n{self.verdict()}"


def row(quantity: str, values: Sequence[float], criterion: str = "", met: Callable[[float], bool] | None = None,
        unit: str = "") -> Row:
    """A row; the mean over the seeds must meet the criterion."""
    mean = statistics.fmean(values)
    return Row(quantity, float(mean), tuple(map(float, values)), unit, criterion, None if met is None else bool(met(mean)))


def performance(findings: Findings) -> list[Row]:
    if not findings.trained:
        return [row("error", [findings.subject.error], unit="%")] if findings.subject.labelled else []
    first, *others = findings.kinds
    nets = findings.of(first)
    if findings.images.attacked:
        return [row("accuracy of the convolutional net", [1 - one.error for one in nets], "at least 98.7 %",
                    lambda mean: mean >= 0.987, "%"),
                row("seconds to train it", [one.seconds for one in nets], "under 15", lambda mean: mean < 15, "s")]
    errors, dense = ([one.error for one in findings.of(kind)] for kind in (first, others[0]))
    half = statistics.fmean(dense) / 2
    return [row("error of the convolutional net", errors, f"at most half of the dense net's, {100 * half:.1f} %",
                lambda mean: mean <= half, "%"),
            row(f"error of the dense {others[0]} net", dense, unit="%"),
            row("seconds to train the convolutional net", [one.seconds for one in nets], unit="s")]


def of_saliency(findings: Findings) -> list[Row]:
    judged = findings.images.attacked and bool(findings.trained)    # networks trained here, on the digits
    means = [one.randomization.correlations.mean(1) for one in findings.saliency]
    rows = [row(f"rank correlation of saliency, {stage} randomized", [float(mean[k]) for mean in means],
                f"at most {most:g}" if judged else "", partial(operator.ge, most) if judged else None)
            for k, stage, most in ((0, "top layer", 0.6), (-1, "all layers", 0.2))]
    if findings.subject.foreground is not None:
        shares = [one.shares["gradient"] for one in findings.saliency]
        rows.insert(0, row(ON_FOREGROUND, shares, "at least 1.2" if judged else "",
                           (lambda mean: mean >= 1.2) if judged else None))
    if findings.untrained:
        rows.insert(1, row(f"{ON_FOREGROUND}, before training", findings.untrained))
    if findings.hardened:
        rows.insert(2, row(f"{ON_FOREGROUND}, after adversarial training", findings.hardened, "at least 1.2",
                           lambda mean: mean >= 1.2))
    return rows


def of_attacks(findings: Findings) -> list[Row]:
    if not (findings.images.attacked and findings.trained):
        size, what = findings.single.eps[DEFENDED], "error" if findings.subject.labelled else "answers that change"
        return [row(f"{what} at ε = {size:g}, one step", [findings.single.error[DEFENDED]], unit="%"),
                row(f"{what} at ε = {size:g}, ten steps", [findings.iterated.error[DEFENDED]], unit="%"),
                row(f"{what} at ε = {size:g}, random signs", [findings.single.random_error[DEFENDED]], unit="%")]
    return [one for kind in findings.kinds for one in of_kind(findings, kind)]


def of_kind(findings: Findings, kind: str) -> list[Row]:
    """The quantities of one kind of network under attack, after plain and after adversarial training.

    The criteria are those of the small replica of Goodfellow et al., Explaining and Harnessing Adversarial Examples (2015).
    """
    plain, defended = ([one.attacked for one in findings.of(kind, against) if one.attacked] for against in (False, True))
    least = 0.75 if kind == findings.kinds[0] else 0.95
    errors = [one.single.error[DEFENDED] for one in plain]
    noise = statistics.fmean(one.single.random_error[DEFENDED] for one in plain)
    mean_error = statistics.fmean(errors)
    grown = [sum(a <= b for a, b in zip(one.single.error, one.single.error[1:], strict=False)) for one in plain]
    steps = len(plain[0].single.error) - 1
    return [
        row(f"{kind}: error at ε = 0.25", [one.single.error[-1] for one in plain], f"at least {100 * least:.0f} %",
            lambda mean: mean >= least, "%"),
        row(f"{kind}: error at ε = 0.1", errors, f"at least 8 × that of random signs, {100 * noise:.1f} %",
            lambda mean: mean >= 8 * noise, "%"),
        row(f"{kind}: steps of ε in which the error does not fall", grown, f"{steps} of {steps}", lambda mean: mean == steps),
        row(f"{kind}: error at ε = 0.1, ten steps", [one.in_ten_steps for one in plain],
            f"at least that in one step, {100 * mean_error:.1f} %", lambda mean: mean >= mean_error, "%"),
        row(f"{kind}: error at ε = 0.1, after adversarial training", [one.single.error[DEFENDED] for one in defended],
            f"at most half of that without, {50 * mean_error:.1f} %", lambda mean: mean <= mean_error / 2, "%")]


def of_features(findings: Findings) -> list[Row]:
    count = len(findings.subject.classes)
    judged = findings.images.attacked and bool(findings.trained)
    least = 9
    grown = sum(steps[-1] > steps[0] for steps in findings.dream.objectives)
    octaves = len(findings.dream.sizes)
    return [row("class models most similar to their own class", [one.own for one in findings.models],
                f"at least {least} of {count}" if judged else f"of {count}", (lambda mean: mean >= least) if judged else None),
            row("octaves of the dream in which its objective grows", [grown],
                f"{octaves if findings.trained else ''} of {octaves}".strip(), lambda mean: mean == octaves)]


def defences(findings: Findings) -> list[list[str]]:
    """The table of all kinds of networks under attack, after plain and after adversarial training: means over the seeds."""
    eps = findings.single.eps
    rows = [["network", "training", "clean", *(f"ε = {size:g}" for size in eps), "confidence", f"random {eps[DEFENDED]:g}",
             f"random {eps[-1]:g}", "10 steps"]]
    for kind in findings.kinds:
        for defended in (False, True):
            attacked = [one.attacked for one in findings.of(kind, defended) if one.attacked]
            rows.append([kind, "adversarial" if defended else "plain", *map(percent, averages(attacked))])
    return rows


def averages(attacked: Sequence[Attacked]) -> list[float]:
    """The numbers of a row of that table."""
    columns = [[one.single.clean_error, *one.single.error, one.single.confidence[-1], one.single.random_error[DEFENDED],
                one.single.random_error[-1], one.in_ten_steps] for one in attacked]
    return [statistics.fmean(values) for values in zip(*columns, strict=True)]
