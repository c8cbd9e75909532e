"""What ``retroprop look`` found: numbers, and for each that is compared with something, whether it holds."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ...inspection.adversarial import Robustness
from ...inspection.features import Dream, Maximization
from ...modules import Module
from ...printing import aligned
from ..reports.text import finite, percent
from .subjects import Images, Subject
from .views import DEFENDED, Attacked, Fooled, Models, Saliency

HEADER = ("what", "here", "wanted", "holds")
SEEDS = 3                                                           # of a full run, which alone is judged


class Row(NamedTuple):
    """A number (the mean over the seeds), those of each seed, and what it is compared with."""

    what: str
    value: float
    values: tuple[float, ...]
    unit: str
    wanted: str
    holds: bool | None

    def cells(self) -> list[str]:
        each = f" ({', '.join(written(value, self.unit, False) for value in self.values)})" if len(self.values) > 1 else ""
        verdict = "–" if self.holds is None else "yes" if self.holds else "NO"
        return [self.what, f"{written(self.value, self.unit)}{each}", self.wanted or "–", verdict]


def written(value: float, unit: str, with_unit: bool = True) -> str:
    if math.isnan(value):
        return "–"
    if unit == "%":
        return f"{100 * value:.1f}{' %' if with_unit else ''}"
    digits = f"{value:.0f}" if value == int(value) else f"{value:.2f}"
    return f"{digits} {unit}" if unit and with_unit else digits


class Trained(NamedTuple):
    """One training: of a kind of network, from a seed, plainly or against attacks."""

    kind: str
    seed: int
    defended: bool
    net: Module
    subject: Subject
    error: float
    seconds: float
    attacked: Attacked | None


@dataclass(frozen=True)
class Looked:
    """All that was found in one network, and in those of the other seeds; prints as a table."""

    config: dict[str, Any]
    images: Images
    subject: Subject
    trained: list[Trained]
    single: Robustness
    iterated: Robustness
    examples: Fooled
    saliency: list[Saliency]
    untrained: list[float]                                          # share of the gradient on foreground: before training
    hardened: list[float]                                           # and of the networks trained against attacks
    models: list[Models]
    channels: tuple[str, Maximization] | None
    dream: Dream

    @property
    def kinds(self) -> list[str]:
        return list(self.images.recipes) if self.trained else []

    def of(self, kind: str, defended: bool = False) -> list[Trained]:
        """The trainings of a kind, by seed."""
        return [one for one in self.trained if (one.kind, one.defended) == (kind, defended)]

    def rows(self) -> list[Row]:
        """All numbers; what is wanted is said of the networks that were trained here, and of the digits where it is theirs."""
        rows = [*performance(self), *of_saliency(self), *of_attacks(self), *of_features(self)]
        return rows if self.full else [row._replace(holds=None) for row in rows]

    @property
    def full(self) -> bool:
        """Whether the networks were trained for as long, and from as many seeds, as what is wanted was measured with."""
        return bool(self.trained) and self.config["epochs"] >= self.epochs and self.config["seeds"] >= SEEDS

    @property
    def epochs(self) -> int:
        """Of a full run."""
        return next(iter(self.images.recipes.values())).epochs

    def summary(self) -> list[dict[str, Any]]:
        """One dict a row, for JSON, with None for what is not a number."""
        found: list[dict[str, Any]] = finite([row._asdict() for row in self.rows()])
        return found

    def verdict(self) -> str:
        """What does not hold, or why nothing is judged, in a sentence or two."""
        if not self.trained:
            return "Nothing is asked of a network that was not trained here."
        if not self.full:
            full = f"{self.epochs} epochs and {SEEDS} seeds"
            return f"What is wanted is asked of the full run, of {full}: this one is not judged."
        judged = [row for row in self.rows() if row.holds is not None]
        missed = [row.what for row in judged if not row.holds]
        said = f"{len(judged) - len(missed)} of {len(judged)} hold, judged by the mean over {self.config['seeds']} seeds."
        return f"{said} Not: {'; '.join(missed)}." if missed else said

    def table(self) -> list[list[str]]:
        return [list(HEADER), *(row.cells() for row in self.rows())]

    def __str__(self) -> str:
        return f"{aligned(self.table(), ())}\n\n{self.verdict()}"


def row(what: str, values: Sequence[float], wanted: str = "", holds: Callable[[float], bool] | None = None,
        unit: str = "") -> Row:
    """Judged by the mean."""
    mean = statistics.fmean(values)
    return Row(what, float(mean), tuple(map(float, values)), unit, wanted, None if holds is None else bool(holds(mean)))


def performance(looked: Looked) -> list[Row]:
    if not looked.trained:
        return [row("error", [looked.subject.error], unit="%")] if looked.subject.labelled else []
    first, *others = looked.kinds
    nets = looked.of(first)
    if looked.images.attacked:
        return [row("accuracy of the convolutional net", [1 - one.error for one in nets], "at least 98.7 %",
                    lambda mean: mean >= 0.987, "%"),
                row("seconds to train it", [one.seconds for one in nets], "under 15", lambda mean: mean < 15, "s")]
    errors, dense = ([one.error for one in looked.of(kind)] for kind in (first, others[0]))
    half = statistics.fmean(dense) / 2
    return [row("error of the convolutional net", errors, f"at most half of the next, {100 * half:.1f} %",
                lambda mean: mean <= half, "%"),
            row(f"error of the {others[0]} net", dense, unit="%"),
            row("seconds to train the convolutional net", [one.seconds for one in nets], unit="s")]


def of_saliency(looked: Looked) -> list[Row]:
    wanted = looked.images.attacked and bool(looked.trained)        # of the digits
    drawn = [one.randomization.correlations.mean(1) for one in looked.saliency]
    rows = [row(f"rank correlation of saliency, {stage} drawn anew", [float(means[k]) for means in drawn],
                f"at most {most:g}" if wanted else "", partial(operator.ge, most) if wanted else None)
            for k, stage, most in ((0, "top layer", 0.6), (-1, "all layers", 0.2))]
    if looked.subject.foreground is not None:
        shares = [one.shares["gradient"] for one in looked.saliency]
        rows.insert(0, row("saliency (gradient) on foreground, times chance", shares,
                           "at least 1.2" if wanted else "", (lambda mean: mean >= 1.2) if wanted else None))
    if looked.untrained:
        rows.insert(1, row("the same before training", looked.untrained))
    if looked.hardened:
        rows.insert(2, row("the same, trained against attacks", looked.hardened, "at least 1.2", lambda mean: mean >= 1.2))
    return rows


def of_attacks(looked: Looked) -> list[Row]:
    if not (looked.images.attacked and looked.trained):
        size, what = looked.single.eps[DEFENDED], "error" if looked.subject.labelled else "answers that change"
        return [row(f"{what} at ε = {size:g}, one step", [looked.single.error[DEFENDED]], unit="%"),
                row(f"{what} at ε = {size:g}, ten steps", [looked.iterated.error[DEFENDED]], unit="%"),
                row(f"{what} at ε = {size:g}, random signs", [looked.single.random_error[DEFENDED]], unit="%")]
    return [found for kind in looked.kinds for found in of_kind(looked, kind)]


def of_kind(looked: Looked, kind: str) -> list[Row]:
    """What the paper's small replica demands of one kind of network under attack, plain and defended."""
    plain, defended = ([one.attacked for one in looked.of(kind, against) if one.attacked] for against in (False, True))
    least = 0.75 if kind == looked.kinds[0] else 0.95
    at = [one.single.error[DEFENDED] for one in plain]
    noise = statistics.fmean(one.single.random_error[DEFENDED] for one in plain)
    half = statistics.fmean(at) / 2
    grown = [sum(a <= b for a, b in zip(one.single.error, one.single.error[1:], strict=False)) for one in plain]
    steps = len(plain[0].single.error) - 1
    return [
        row(f"{kind}: error at ε = 0.25", [one.single.error[-1] for one in plain], f"at least {100 * least:.0f} %",
            lambda mean: mean >= least, "%"),
        row(f"{kind}: error at ε = 0.1", at, f"at least 8 × that of random signs, {100 * noise:.1f} %",
            lambda mean: mean >= 8 * noise, "%"),
        row(f"{kind}: steps of ε in which the error does not fall", grown, f"{steps} of {steps}", lambda mean: mean == steps),
        row(f"{kind}: error at ε = 0.1, ten steps", [one.in_ten_steps for one in plain],
            f"at least that of one, {200 * half:.1f} %", lambda mean: mean >= 2 * half, "%"),
        row(f"{kind}: error at ε = 0.1, trained against it", [one.single.error[DEFENDED] for one in defended],
            f"at most half, {100 * half:.1f} %", lambda mean: mean <= half, "%")]


def of_features(looked: Looked) -> list[Row]:
    count = len(looked.subject.classes)
    wanted = looked.images.attacked and bool(looked.trained)
    least = 9
    grown = sum(steps[-1] > steps[0] for steps in looked.dream.objectives)
    octaves = len(looked.dream.sizes)
    return [row("class models most like their own class", [one.own for one in looked.models],
                f"at least {least} of {count}" if wanted else f"of {count}", (lambda mean: mean >= least) if wanted else None),
            row("octaves of the dream in which it grows", [grown], f"{octaves if looked.trained else ''} of {octaves}".strip(),
                lambda mean: mean == octaves)]


def defences(looked: Looked) -> list[list[str]]:
    """The table of all kinds of network under attack, plain and trained against it: means over the seeds."""
    eps = looked.single.eps
    rows = [["network", "trained", "clean", *(f"ε = {size:g}" for size in eps), "sure", f"random {eps[DEFENDED]:g}",
             f"random {eps[-1]:g}", "ten steps"]]
    for kind in looked.kinds:
        for defended in (False, True):
            found = [one.attacked for one in looked.of(kind, defended) if one.attacked]
            rows.append([kind, f"against {eps[DEFENDED]:g}" if defended else "plainly", *map(percent, averages(found))])
    return rows


def averages(found: Sequence[Attacked]) -> list[float]:
    """In the order of the table."""
    columns = [[one.single.clean_error, *one.single.error, one.single.confidence[-1], one.single.random_error[DEFENDED],
                one.single.random_error[-1], one.in_ten_steps] for one in found]
    return [statistics.fmean(values) for values in zip(*columns, strict=True)]
