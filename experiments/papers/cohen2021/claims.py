"""What Cohen et al. 2021 claim, judged by the runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...reproduce.bounds import above, at_least, below, between, exactly
from ...reproduce.claims import Claim, claim, every, not_run
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series
from ...sweeps.trials import Numbers
from .plan import EDGE, STABLE
from .runs import WINDOW, descended

HOVERS = (0.95, 1.1)                                                  # of the sharpness, times lr / 2
RISES = 0.05                                                        # of the steps of the last half, at the edge


def claims(results: Results) -> list[Claim]:
    return [*(one for lr in EDGE[results.scale.name] for one in of_edge(results, lr)), *of_stable(results), stochastic()]


def of(results: Results, pick: Callable[[Numbers], float], lr: float) -> Series:
    """A number of each run with this learning rate; NaN for runs that diverged."""
    return results.series(lambda r: float("nan") if r["diverged"] is not None else pick(r), descended, lr=lr)


def at_the_edge(result: Numbers, lr: float) -> float:
    """The mean sharpness of the last half of training, in units of 2 / lr."""
    sharpness = result["sharpness"]
    return float(np.mean(sharpness[len(sharpness) // 2:])) * lr / 2


def slowest_fall(result: Numbers) -> float:
    """The largest ratio of the cost to that ``WINDOW`` steps before; NaN for a run of fewer steps."""
    costs = np.array(result["windows"])
    return float(np.max(costs[1:] / costs[:-1])) if len(costs) > 1 else float("nan")


def of_edge(results: Results, lr: float) -> list[Claim]:
    what, reason = f"lr {lr:g}", texts(__file__)("reason: edge")
    return [claim(f"edge-{lr:g}", f"{what}: mean sharpness of the last half of training, over 2 / lr", "paper",
                  "abstract, figure 1", of(results, lambda r: at_the_edge(r, lr), lr), between(*HOVERS), reason=reason,
                  paper="hovers just above 1"),
            every(f"rises-{lr:g}", f"{what}: share of the steps of the last half at which the cost rises", "paper",
                  "abstract", of(results, lambda r: r["rises"][1], lr), at_least(RISES, "%"), unit="%", reason=reason,
                  paper="non-monotonic over short timescales"),
            every(f"falls-{lr:g}", f"{what}: cost over that {WINDOW} steps before, the largest such ratio of a run", "paper",
                  "abstract", of(results, slowest_fall, lr), below(1), paper="consistently decreases over long timescales",
                  reason=reason)]


def of_stable(results: Results) -> list[Claim]:
    lr = STABLE[results.scale.name]
    what = f"lr {lr:g}, too small to reach the edge in these steps"
    return [claim("sharpening", f"{what}: sharpness at the end over its smallest value", "paper", "sec. 3.1",
                  of(results, lambda r: r["sharpness"][-1] / min(r["sharpness"]), lr), above(1.2, "times"), unit="times",
                  paper="rises as long as it is below 2 / lr: progressive sharpening"),
            every("stable-sharpness", f"{what}: largest sharpness, over 2 / lr", "project", "", of(
                results, lambda r: max(r["sharpness"]) * lr / 2, lr), below(1)),
            every("stable-falls", f"{what}: share of all steps at which the cost rises", "project",
                  "below 2 / lr a quadratic cost falls at each step", of(results, lambda r: float(np.mean(r["rises"])), lr),
                  exactly(0, "%"), unit="%")]


def stochastic() -> Claim:
    return not_run("stochastic", "SGD with small batches does not come to the edge of stability", "sec. 6",
                   "sharpness below 2 / lr", "the question here is full-batch gradient descent")
