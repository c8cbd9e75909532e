"""Our runs of the experiments of Cohen et al. 2021."""

from __future__ import annotations

from typing import Any

from ...reproduce.paper import Scale, evaluation_steps, trials
from ...sweeps.trials import Trial
from .runs import descended

EDGE = {"quick": (0.8,), "small": (0.6, 0.8), "paper": (0.05, 0.1)}  # learning rates at which training reaches the edge
STABLE = {"quick": 0.2, "small": 0.2, "paper": 0.01}                # one at which it does not, in so many steps
STEPS = {"quick": 1500, "small": 3000, "paper": 20_000}
READINGS = {"quick": 10, "small": 20, "paper": 200}                 # of the sharpness, besides that before the first step


def steps(scale: Scale) -> int:
    return scale.steps or STEPS[scale.name]


def rates(scale: Scale) -> list[float]:
    """All learning rates, from the smallest."""
    return [STABLE[scale.name], *EDGE[scale.name]]


def setting(scale: Scale, lr: float) -> dict[str, Any]:
    """Settings of a run; at the paper's scale the size and depth of its first network, on the first data that it takes."""
    paper = scale.name == "paper"
    own = scale.files() | {"examples": 5000, "wrong": 0.0, "depth": 2, "width": 200}
    return (own if paper else {"data": "digits", "examples": 300, "wrong": 0.3, "depth": 4, "width": 32}) | {
        "init": "LeCun", "lr": lr, "steps": steps(scale), "at": evaluation_steps(steps(scale), READINGS[scale.name])}


def plan(scale: Scale) -> list[Trial]:
    return trials(scale, descended, *(setting(scale, lr) for lr in rates(scale)), resumable=scale.name == "paper")
