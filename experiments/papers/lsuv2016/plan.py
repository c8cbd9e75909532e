"""Our runs of the experiments of Mishkin & Matas 2016."""

from __future__ import annotations

from typing import Any

from ...lab.trained import trained
from ...reproduce.paper import Scale, evaluation_steps, trials
from ...sweeps.trials import Trial
from .runs import convolutional, fitted

RATES = {"tanh": 0.03, "relu": 0.03, "sigmoid": 0.1}
INITS = ("LSUV", "Orthogonal", "Glorot", "He")
DEEP = 30                                                           # layers of the deep network


def networks(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings of the trained networks, but for the initialization, by their names in figures and claims."""
    if scale.name == "paper":
        steps = scale.steps or 50_000
        return {"the authors' thin maxout network": scale.files() | {
            "network": "maxouts", "stages": [[16, 16], [16, 16], [12, 12]], "pools": [[4, 2], [4, 2], [2, 2]], "drop": 0.3,
            "optimizer": "rmsprop", "lr": 0.002, "batch_size": 64, "steps": steps, "at": evaluation_steps(steps, 50)}}
    steps = scale.choose(500, 1500)
    shared = {"data": "digits", "batch_size": 32, "steps": steps, "at": evaluation_steps(steps, 10)}
    found = {f"{name}, 10 layers": shared | {"activation": name, "depth": 10, "width": 100, "lr": lr}
             for name, lr in RATES.items()}
    return found | {f"relu, {DEEP} layers": shared | {"activation": "relu", "depth": DEEP, "width": 64, "lr": 0.01}}


def plan(scale: Scale) -> list[Trial]:
    paper = scale.name == "paper"
    fits = [] if paper else [*trials(scale, fitted, *({"activation": name, "depth": 10, "width": 100} for name in RATES)),
                             *trials(scale, convolutional, {})]
    return [*fits, *trials(scale, trained, *(each | {"init": init} for each in networks(scale).values() for init in INITS),
                           resumable=paper)]
