"""Our runs of the experiments of He et al. 2015."""

from __future__ import annotations

from typing import Any

from ...lab.trained import trained
from ...reproduce.paper import Scale, evaluation_steps, trials
from ...sweeps.trials import Trial
from .runs import signals

INITS = ("He", "Glorot", "Orthogonal")
DEPTH = 30                                                          # of the ReLU layers that signals pass
WIDTHS = [100] * (DEPTH + 1)
UNEVEN = [40, 120] * 10                                             # twenty layers whose fan-in is not their fan-out
STEPS, PAPER_STEPS = 1500, 20_000
READINGS = 15                                                       # of a run, besides that before the first step
CHANNELS = (8, 16, 32)                                              # at 28×28, 14×14 and 7×7 pixels


def dense(init: str, depth: int, *, activation: str = "relu", lr: float = 0.01, momentum: float = 0.0,
          steps: int = STEPS) -> dict[str, Any]:
    return {"data": "digits", "activation": activation, "init": init, "depth": depth, "width": 64, "lr": lr, "batch_size": 32,
            "steps": steps, "at": evaluation_steps(steps, READINGS), "momentum": momentum}


def networks(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings of the trained networks, by a name that claims and figures use."""
    if scale.name == "paper":
        return {f"{init} {depth}": convolutional(scale, init, depth) for depth in (14, 22, 30) for init in ("He", "Glorot")}
    depths = scale.choose((30,), (10, 20, 30))
    found = {f"{init} {depth}": dense(init, depth) for depth in depths for init in ("He", "Glorot")}
    found |= {f"{init} tanh": dense(init, DEPTH, activation="tanh") for init in ("Glorot", "Orthogonal")}
    if scale.name == "small":
        found |= {f"{init} 14": dense(init, 14, momentum=0.9) for init in ("He", "Glorot")}
        found |= {"Glorot 10, lr 0.1": dense("Glorot", 10, lr=0.1)}
        found |= {f"{init} 22": dense(init, 22, lr=0.003, momentum=0.9, steps=5000) for init in ("He", "Glorot")}
        found |= {"He 14, lr 0.01": dense("He", 14)}
        found |= {init: {"data": "digits", "network": "rectifiers", "sizes": UNEVEN, "init": init, "lr": 0.01, "batch_size": 32,
                         "steps": STEPS, "at": evaluation_steps(STEPS, READINGS)} for init in ("He in", "He out")}
    return found


def convolutional(scale: Scale, init: str, depth: int) -> dict[str, Any]:
    """``depth - 3`` convolutions in three stages and three dense layers, at the paper's scale."""
    steps, left = scale.steps or PAPER_STEPS, depth - 3
    counts = [-(-left // 3), -(-(left - -(-left // 3)) // 2)]
    stages = [[channels] * count for channels, count in zip(CHANNELS, [*counts, left - sum(counts)], strict=True)]
    return scale.files() | {"network": "convolutions", "stages": stages, "pools": 2, "hidden": [64, 64], "init": init,
                            "lr": 0.01, "momentum": 0.9, "batch_size": 32, "steps": steps,
                            "at": evaluation_steps(steps, READINGS)}


def plan(scale: Scale) -> list[Trial]:
    passed = [{"init": init, "sizes": WIDTHS} for init in INITS]
    passed += [{"init": init, "sizes": [100, *UNEVEN]} for init in ("He in", "He out")]
    return [*trials(scale, signals, *passed),
            *trials(scale, trained, *networks(scale).values(), resumable=scale.name == "paper")]
