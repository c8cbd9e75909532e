"""The finding of a comparison in one sentence, the verdict on each initialization, and what its numbers say.

An initialization learns, and diverges, as its median run does. A difference is only said where the runs show it: two
initializations learn equally fast if their ranges over the runs that reach the target overlap, and end equally well unless a
paired t test, after Holm's correction, tells them apart at 5 %, or their errors differ by the same in each of several runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from ..reports.statistics import always, holm, paired
from ..reports.text import joined, many, times
from .figures import FAR
from .results import Results, columns

SIGNIFICANT = 0.05
NOTHING = 0.97                                                      # of chance: an error above that is no better
VANISHED, EXPLODED = 0.05, 5                                        # ratios of gradients, at the first layer to the last
FEWEST = 3                                                          # runs that intervals and tests are shown of
FEW = 6                                                             # initializations that a sentence names; more are counted
LEADING = 3                                                         # those that it names together


class Verdict(NamedTuple):
    """How one initialization learned.

    ``kind`` is "learns" if the median run reaches the target, "some" if fewer do, "never" if none does, "nothing" if the error
    stays that of a constant prediction, "explodes" if it is far larger, "diverges" if most runs do not stay finite. ``epochs``
    are those until the target, sorted and infinite for a run that does not reach it. ``error`` is the mean at the end; it
    ``rises`` if half of the runs that reach the target, or more, end above it.
    """

    init: str
    kind: str
    epochs: tuple[float, ...]
    error: float
    diverged: int
    rises: bool

    @property
    def reached(self) -> int:
        return sum(map(math.isfinite, self.epochs))

    @property
    def slowest(self) -> float:
        """The largest number of epochs in which a run reaches the target."""
        return max(filter(math.isfinite, self.epochs))

    @property
    def at_once(self) -> bool:
        """Whether it learns in 1 epoch, in at least half of the runs."""
        return self.kind == "learns" and median(self.epochs) <= 1

    @property
    def in_runs(self) -> str:
        """In how many runs it reaches the target, if not in all."""
        return "" if self.reached == len(self.epochs) else f"{self.reached} of {many(len(self.epochs), 'run')}"

    def diverges(self, every: str = "") -> str:
        """That it diverges, and in how many runs, or ``every``, if in all."""
        return "diverges" + (every if self.diverged == len(self.epochs) else f" in {self.diverged} of {len(self.epochs)} runs")

    def text(self, budget: int) -> str:
        """The verdict as a cell of the table; ``budget`` is the number of epochs that it was trained for."""
        if self.kind == "learns":
            low, high = self.epochs[0], self.epochs[-1]
            spread = f" ({self.in_runs or f'{low:g} to {high:g}'})" if low < high else ""
            return f"learns in {epochs_of([self])}{spread}{'; error rises again' * self.rises}"
        return {"some": f"learns in {self.in_runs}", "never": f"not within {many(budget, 'epoch')}",
                "nothing": "learns nothing", "explodes": "explodes", "diverges": self.diverges()}[self.kind]


def verdicts(comparison: Results) -> list[Verdict]:
    """The verdict on each initialization, at its chosen rate, in their order."""
    target, chance = comparison.metric.target, comparison.metric.chance
    found = []
    for row in comparison.summary():
        runs = comparison[row["init"]]
        epochs, rising = tuple(sorted(run.epochs_to(target) for run in runs)), [
            run for run in runs if math.isfinite(run.epochs_to(target)) and run.error > target]
        error, diverged = row["error"], row["diverged"]
        kind = ("diverges" if 2 * diverged > row["runs"] else "learns" if math.isfinite(median(epochs))
                else "some" if math.isfinite(epochs[0])
                else "explodes" if comparison.metric.kind == "values" and error >= FAR * chance
                else "nothing" if error >= NOTHING * chance else "never")
        found.append(Verdict(row["init"], kind, epochs, error, diverged,
                             kind == "learns" and 2 * len(rising) >= sum(map(math.isfinite, epochs))))
    return found


def ranked(comparison: Results) -> list[tuple[dict[str, Any], Verdict]]:
    """Rows of the summary with their verdicts, the lowest test error first and those that diverge last."""
    pairs = zip(comparison.summary(), verdicts(comparison), strict=True)
    return sorted(pairs, key=lambda pair: (pair[1].kind == "diverges", math.isnan(pair[1].error), pair[1].error))


def error_text(comparison: Results, row: Mapping[str, Any]) -> str:
    """The mean test error with half of its interval, for which two runs are too few."""
    runs = row["runs"] - row["diverged"]
    return comparison.metric.text(row["error"], row["error_half"] if runs >= FEWEST else math.nan)


def finding(comparison: Results) -> str:
    """The result in one sentence, with its budget: which initializations learn, how soon, and which do not.

    If the data do not fit, all initializations suffer, and the sentence is about the data.
    """
    if comparison.unfit:
        first = re.split(r": |, so that |\.$", comparison.unfit[0])[0]          # the remark above the title says the rest
        return f"Check the data first: {first}"
    found, budget = verdicts(comparison), comparison.config["epochs"]
    tried = [len({run.rate for run in comparison.runs if run.init == init}) for init in comparison.inits]
    sentence = (alone(comparison, found[0]) if len(found) == 1 else counted(found, budget) if len(found) > FEW
                else compared(comparison, found))
    if max(tried) > 1:
        several = f"{'up to ' * (len(set(tried)) > 1)}{max(tried)}"
        sentence += f", {'each ' * (len(found) > 1)}at its best of {several} learning rates"
    return sentence + " (one run)" * (len(comparison[found[0].init]) == 1)


def alone(comparison: Results, one: Verdict) -> str:
    """The finding about a single initialization."""
    budget, metric = comparison.config["epochs"], comparison.metric
    if one.kind == "learns":
        row = comparison.summary()[0]
        return (f"{one.init} learns in {epochs_of([one])}{f' in {one.in_runs}' * bool(one.in_runs)} and ends at a test "
                f"{metric.name} of {error_text(comparison, row)} after {budget}")
    return f"{one.init} " + {
        "some": f"reaches {metric.goal} in {one.in_runs} within {many(budget, 'epoch')}",
        "never": f"does not reach {metric.goal} within {many(budget, 'epoch')}",
        "nothing": f"learns nothing in {many(budget, 'epoch')}", "explodes": f"explodes within {many(budget, 'epoch')}",
        "diverges": one.diverges(" in every run")}[one.kind]


def counted(found: Sequence[Verdict], budget: int) -> str:
    """The finding about many initializations: how many learn in the first epoch, how many later, and how many do not."""
    learned = [one for one in found if one.kind == "learns"]
    first = sum(one.at_once for one in learned)
    parts = [f"{first} learn{'s' * (first == 1)} in 1 epoch"] if first else []
    if later := len(learned) - first:
        parts.append(f"{later}{' more' * bool(first)} within {budget}")
    if not learned:
        return f"None of {len(found)} initializations learns in {many(budget, 'epoch')}"
    rest = len(found) - len(learned)
    parts += [f"{rest} {'does' if rest == 1 else 'do'} not" + f" within {budget}" * (not later and budget > 1)] if rest else []
    if not first:
        parts[0] = parts[0].replace(" within", f" learn{'s' * (later == 1)} within") + " epochs"
    return f"Of {len(found)} initializations, {joined(parts)}"


def compared(comparison: Results, found: Sequence[Verdict]) -> str:
    """The finding about a few initializations, by name."""
    budget, goal = comparison.config["epochs"], comparison.metric.goal
    learned = sorted((one for one in found if one.kind == "learns"), key=lambda one: median(one.epochs))
    failed = [one for one in found if one.kind in ("never", "nothing", "explodes", "diverges")]
    some = [one for one in found if one.kind == "some"]
    kinds = {one.kind for one in found}
    everyone = f"{'Both' if len(found) == 2 else f'All {len(found)}'} initializations"
    if kinds == {"diverges"}:
        return f"{everyone} diverge{diverging(found, ' in every run')}"
    if same_errors(comparison):
        return f"{everyone} give the same test {comparison.metric.name} in every run after {many(budget, 'epoch')}"
    if learned:
        first = sorted((one for one in learned if one.epochs[0] <= learned[0].slowest), key=lambda one: one.error)
        sentence = f"{named(first)} learn{'s' * (len(first) == 1)} in {epochs_of(first)}"
        if rising := [one for one in first if one.rises]:
            sentence += f", but {'its error' if len(first) == 1 else f'the error of {named(rising)}'} rises again"
        if failed:
            verbs = {"diverges": f" diverge{'s' * (len(failed) == 1)}{diverging(failed)}",
                     "explodes": f" explode{'s' * (len(failed) == 1)}"}
            return f"{sentence}; {named(failed)}" + (
                verbs.get(failed[0].kind, "") * (len({one.kind for one in failed}) == 1) or f" not within {budget}")
        if some:
            return f"{sentence}; {named(some)} {in_some(some)} within {budget}"
        if later := [one for one in learned if one not in first]:
            return f"{sentence}; {named(later)} need{'s' * (len(later) == 1)} {epochs_of(later, noun=False)}"
        sentence = sentence.replace(named(first), everyone, 1)
        return f"{sentence}; {lowest(comparison, 'ends', 'end')} after {budget}"
    if some:
        best = max(some, key=lambda one: one.reached)
        return (f"None of {len(found)} initializations reaches {goal} in most runs within {many(budget, 'epoch')}; "
                f"{best.init} does {in_some([best])}")
    if kinds <= {"nothing", "explodes", "diverges"}:
        return f"None of {len(found)} initializations learns anything in {many(budget, 'epoch')}"
    return (f"None of {len(found)} initializations reaches {goal} within {many(budget, 'epoch')}; "
            f"{lowest(comparison, 'comes', 'come')}")


def diverging(found: Sequence[Verdict], every: str = "") -> str:
    """In how many runs these initializations diverge; ``every`` if in all."""
    if all(one.diverged == len(one.epochs) for one in found):
        return every
    return found[0].diverges().removeprefix("diverges") if len(found) == 1 else " in most runs"


def in_some(found: Sequence[Verdict]) -> str:
    return f"in {found[0].in_runs}" if len(found) == 1 else "in at most half of the runs"


def lowest(comparison: Results, verb: str, verbs: str) -> str:
    """Which initialization ends with the lowest test error, as far as the runs tell."""
    best, *others = leaders(comparison)
    name = f"test {comparison.metric.name}"
    rows = {row["init"]: row for row in comparison.summary()}
    if others and len(others) + 1 == len(rows):
        return f"no difference in {name} is shown"
    if others:
        return f"{named_inits([best, *others], LEADING)} {verbs} lowest in {name}"
    return f"{best} {verb} lowest, at a {name} of {error_text(comparison, rows[best])}"


def leaders(comparison: Results) -> list[str]:
    """The initialization with the lowest mean test error, then those that are not told apart from it, by their errors.

    One of which runs diverge does not lead, if there are others.
    """
    rows = sorted((row for row in comparison.summary() if not math.isnan(row["error"])), key=lambda row: row["error"])
    rows = [row for row in rows if not row["diverged"]] or rows
    best, others = rows[0]["init"], [row["init"] for row in rows[1:]]
    pairs = [columns(comparison.pairs(init, best)) for init in others]
    ps = holm([paired(*errors, comparison.resampled) for errors in pairs])
    return [best, *(init for init, p, errors in zip(others, ps, pairs, strict=True)
                    if not (p < SIGNIFICANT or always(*errors)))]


def same_errors(comparison: Results) -> bool:
    """Whether all initializations have the same test errors, run by run."""
    return len({tuple(run.error for run in comparison[init]) for init in comparison.inits}) == 1


def epochs_of(found: Sequence[Verdict], noun: bool = True) -> str:
    """The median number of epochs in which the target was reached, as text; of several initializations, their range."""
    medians = [median(one.epochs) for one in found]
    low, high = min(medians), max(medians)
    text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return f"{text} epoch{'s' * (high > 1)}" if noun else text


def named(found: Sequence[Verdict]) -> str:
    return named_inits([one.init for one in found], LEADING)


def named_inits(inits: Sequence[str], most: int = FEW) -> str:
    """Names in a row; of more than ``most``, the number."""
    return joined(inits) if len(inits) <= most else f"{len(inits)} initializations"


# ------------------------------------------------------------------ a sentence or two about each initialization


def findings(comparison: Results) -> list[str]:
    """A sentence or two about each initialization, from its numbers."""
    rows, found = comparison.summary(), {one.init: one for one in verdicts(comparison)}
    return [f"{row['init']}: {'; '.join([outcome(comparison, row, found), *first_signs(row, comparison.inactive)])}."
            for row in rows]


def outcome(comparison: Results, row: Mapping[str, Any], found: Mapping[str, Verdict]) -> str:
    """The test error at the end, and how soon it reached the target."""
    metric, one, reference = comparison.metric, found[row["init"]], found[comparison.reference]
    if one.diverged == row["runs"]:
        return "the cost becomes infinite or NaN in every run: the training diverges"
    error = f"the test {metric.name} ends at {error_text(comparison, row)}"
    if row["diverged"]:
        error += f" in the {many(row['runs'] - row['diverged'], 'run')} of {row['runs']} that did not diverge"
    if one.kind == "learns":
        slower = reference.kind == "learns" and reference.slowest < one.epochs[0]
        return (f"{error}; it reaches {metric.goal} after {epochs_of([one])}{f' in {one.in_runs}' * bool(one.in_runs)}"
                + f", where {reference.init} needs {epochs_of([reference], noun=False)}" * slower
                + ", and the error rises again" * one.rises)
    if one.reached:
        return f"{error}; it reaches {metric.goal} in {one.in_runs}"
    if one.kind == "explodes":
        return f"{error}, more than {FAR} times that of {metric.constant}: the training explodes"
    if one.kind == "nothing":
        return f"{error}, no better than {metric.constant}: the network learns nothing"
    return f"{error} and never reaches {metric.goal}"


def first_signs(row: Mapping[str, Any], inactive: str) -> list[str]:
    """Signs of trouble in the layers before training."""
    ratio, share, signs = row["gradient_ratio"], row["saturated_before"], []
    if ratio < VANISHED or ratio > EXPLODED:
        effect = "vanishes" if ratio < 1 else "explodes"
        signs.append("before training, the gradient at the first hidden layer is "
                     f"{times(ratio)} times that at the last: it {effect}")
    if share > 0.3:
        parts = "outputs" if inactive == "saturated" else "units"
        signs.append(f"{100 * share:.0f} % of the hidden {parts} are {inactive} before the first step")
    return signs
