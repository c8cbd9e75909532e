"""What a reader of the results must know first: about the data, the divisions, the starts and the learning rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import combinations, permutations

import numpy as np

from ...datasets.data_set import DataSet
from ...datasets.scaling import described_scale
from ...datasets.tables.columns import GROUPS_UNKNOWN
from ...inspection.diagnosis.data import data_findings
from ...inspection.diagnosis.diagnose import diagnose
from ...inspection.diagnosis.labels import Finding
from ..reports.text import many
from ..sweeps.threads import limit_of_tasks
from . import rates
from .config import Config
from .findings import FEW, named_inits
from .metric import Metric
from .parts import Problem
from .results import Results
from .training import LOSSES, Task, network

REMEDY = " Remedy: "
EXAMPLES = 300                                                      # that `diagnose` sees
NORMAL = 1.96                                                       # half a 95 % interval in standard errors


def of_data(found: Sequence[Finding], data: DataSet, problem: Problem, config: Config) -> list[str]:
    """What `unfit` found, what was done to the data, and how they were read."""
    said = [f"{one.where}: {one.what} This holds for all initializations.{REMEDY}{one.remedy}"
            f"{'; standardize=True (--standardize) does it here' * (one.where == 'x')}." for one in found]
    said += [f"{one.where}: {one.what}{REMEDY}{one.remedy}." for one in data_findings(data)]
    if data.groups is not None and GROUPS_UNKNOWN not in data.notes:
        said.append(f"No two parts share one of the {len(np.unique(data.groups))} groups: the errors are those on groups that "
                    "were not trained on.")
    return [*said, *scaling(problem, config), *data.notes, *problem.targets.notes]


def warns(remark: str) -> bool:
    """Whether a sentence of `of_data` says that something is wrong, and how to mend it."""
    return REMEDY in remark


def unfit(problem: Problem, config: Config) -> list[Finding]:
    """What `diagnose` finds about x and y as the network gets them, from the examples and the network of seed 0."""
    parts = problem.parts(config, 0)
    x, y = (array[:EXAMPLES] for array in parts.train)
    net = network(problem, config, Task(config.init[0], config.rates[0], 0), parts)
    with (limit_of_tasks() or nullcontext)():                       # two wait for each other where other programs run
        found = diagnose(net, x, y, LOSSES[problem.targets.kind]())
    return [one for one in found if one.where in ("x", "y")]


def scaling(problem: Problem, config: Config) -> list[str]:
    """Which arrays were standardized, and why."""
    said = []
    if problem.scaled:
        which = "with seed 0, " if problem.divided_anew(config) else ""
        scale = described_scale(problem.x[problem.division(config, 0).train])
        said.append(f"Each column of x was scaled to mean 0 and standard deviation 1, as measured on the training part: {which}"
                    f"{scale} (--no-standardize leaves them).")
    if problem.scaled_targets:
        several = problem.y.shape[1] > 1
        said.append("The network learned y scaled to mean 0 and standard deviation 1; its errors are in "
                    f"{'the standard deviations of its columns' if several else 'the units of y'}.")
    return said


def of_runs(comparison: Results) -> list[str]:
    """What the runs show, and what their intervals mean."""
    return [*of_starts(comparison), *of_divisions(comparison), *of_rates(comparison)]


def of_starts(comparison: Results) -> list[str]:
    """Initializations that ignore the seed, and seeds that share units."""
    said = []
    for init in comparison.inits:
        starts = {run.seed: run for run in reversed(comparison[init]) if run.fold == 0}
        pairs = list(combinations(sorted(starts), 2))
        equal = [(a, b) for a, b in pairs if starts[a].digest == starts[b].digest]
        shared = [(len(starts[a].units & starts[b].units), a, b) for a, b in pairs if (a, b) not in equal]
        count, a, b = max(shared, default=(0, 0, 0))
        if pairs and len(equal) == len(pairs):
            said.append(f"{init} starts from the same weights with every seed: its runs differ in the data and their order "
                        "alone.")
        elif equal:
            said.append(f"{init} starts from the same weights with seeds {equal[0][0]} and {equal[0][1]}: its runs are not "
                        "independent.")
        if count:
            said.append(f"{init}: {many(count, 'unit')} of {len(starts[a].units)} start with the same weights in seeds {a} and "
                        f"{b}: its runs are not independent.")
    return said


def of_divisions(comparison: Results) -> list[str]:
    """What the ± covers, if the test part is the same for all runs: not its choice."""
    if comparison.resampled or comparison.config["cv"]:
        return []
    found = [run.sampling for run in comparison[comparison.reference] if not run.diverged]
    several = comparison.config["seeds"] > 1
    said = (f"{'All seeds have the same' if several else 'There is one'} test part, of {many(comparison.sizes.test, 'example')}"
            f"{': the ± does not cover its choice' * several}")
    if not found:
        return [f"{said}."]
    half = comparison.metric.text(NORMAL * float(np.mean(found)), difference=True).lstrip("+")
    return [f"{said}{', which' if several else '. Its choice'} alone adds ± {half} (95 %) to the error of "
            f"{comparison.reference}."]


def of_rates(comparison: Results) -> list[str]:
    """What several learning rates mean for the ranking."""
    rows = comparison.rates()
    grid = sorted({row.rate for row in rows})
    if len(grid) == 1:
        return []
    said = [f"{named_inits(inits)} {'does' if len(inits) == 1 else 'do'} best at the {word} rate that was tried, {rate:g}: "
            "a better rate may lie beyond." for (rate, word), inits in rates.at_edges(rows).items()]
    errors = {(row.init, row.rate): row.error.mean for row in rows if row.alive}
    own = {init: rate for init, rate in comparison.chosen.items() if (init, rate) in errors}
    swaps = [swap for rate in grid if (swap := widest_swap(errors, own, rate, comparison.metric))]
    if swaps:
        order = sorted(own, key=lambda init: errors[init, own[init]])
        best = f"{order[0]} is first" if len(order) > FEW else f"the order is {', '.join(order)}"
        said.append(f"The ranking depends on the learning rate. At its own best rate each, {best}, but {'; '.join(swaps)}.")
    elif len(own) > 1:
        said.append("The ranking at each common learning rate is that at the best rate of each initialization.")
    return said


def of_one_rate(comparison: Results) -> list[str]:
    """What a single learning rate means; the command for a fair one stands below it."""
    if len({run.rate for run in comparison.runs}) > 1 or len(comparison.inits) == 1:
        return []
    return [f"All initializations were trained at one learning rate, {comparison.runs[0].rate:g}, and the ranking is that of "
            "this rate. For each at its own best rate:"]


def widest_swap(errors: Mapping[tuple[str, float], float], own: Mapping[str, float], rate: float, metric: Metric) -> str:
    """The two initializations whose order at one rate for all most contradicts that at their own best rates.

    "" without any that differ there by more than a hundredth of the error of a constant prediction.
    """
    swapped = [(errors[a, rate] - errors[b, rate], a, b) for a, b in permutations(own, 2)
               if (a, rate) in errors and (b, rate) in errors
               and errors[a, own[a]] < errors[b, own[b]] and errors[a, rate] - errors[b, rate] > metric.chance / 100]
    if not swapped:
        return ""
    _, a, b = max(swapped)
    return (f"at {rate:g} for all, {b} ({metric.text(errors[b, rate])}) is ahead of {a} ({metric.text(errors[a, rate])})")
