"""The runs that stand for those of He et al. 2015."""

from __future__ import annotations

from typing import Any

from ...lab.dense import errors
from ...sweeps.trials import Trial
from ..paper import Scale, evaluation_steps
from .runs import images, signals, uneven

STARTS = ("He", "Glorot", "Orthogonal")
DEPTH = 30                                                          # of the ReLU layers that signals pass
WIDTHS = [100] * (DEPTH + 1)
UNEVEN = [40, 120] * 10                                             # twenty layers whose fan-in is not their fan-out
STEPS, PAPER_STEPS = 1500, 20_000
READINGS = 15                                                       # of a run, besides that before the first step


def dense(init: str, depth: int, *, activation: str = "relu", lr: float = 0.01, momentum: float = 0.0,
          count: int = STEPS) -> dict[str, Any]:
    """Settings of a run of ``dense.errors``, but for its seed."""
    return {"data": "digits", "activation": activation, "init": init, "depth": depth, "width": 64, "lr": lr, "batch_size": 32,
            "steps": count, "at": evaluation_steps(count, READINGS), "momentum": momentum}


def trained(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings of the dense networks, by a name that claims and figures use."""
    depths = scale.choose((30,), (10, 20, 30))
    found = {f"{init} {depth}": dense(init, depth) for depth in depths for init in ("He", "Glorot")}
    found |= {f"{init} tanh": dense(init, DEPTH, activation="tanh") for init in ("Glorot", "Orthogonal")}
    if scale.name == "small":
        found |= {f"{init} 14": dense(init, 14, momentum=0.9) for init in ("He", "Glorot")}
        found |= {"Glorot 10, lr 0.1": dense("Glorot", 10, lr=0.1)}
        found |= {f"{init} 22": dense(init, 22, lr=0.003, momentum=0.9, count=5000) for init in ("He", "Glorot")}
        found |= {"He 14, lr 0.01": dense("He", 14)}
    return found


def fans(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings of the networks of uneven layers, by the fan."""
    return {init: {"init": init, "sizes": UNEVEN, "lr": 0.01, "batch_size": 32, "steps": STEPS,
                   "at": evaluation_steps(STEPS, READINGS)} for init in scale.choose((), ("He in", "He out"))}


def convolutional(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings at the paper's scale, by start and depth."""
    made = PAPER_STEPS if scale.steps is None else scale.steps
    return {f"{init} {depth}": {"data": scale.data, "digest": scale.digest, "init": init, "depth": depth, "lr": 0.01,
                                "momentum": 0.9, "batch_size": 32, "steps": made, "at": evaluation_steps(made, READINGS)}
            for depth in (14, 22, 30) for init in ("He", "Glorot")}


def plan(scale: Scale) -> list[Trial]:
    seeds = range(scale.seeds)
    found = [Trial(signals, {"init": init, "sizes": WIDTHS, "seed": seed}) for init in STARTS for seed in seeds]
    found += [Trial(signals, {"init": init, "sizes": [100, *UNEVEN], "seed": seed}) for init in ("He in", "He out")
              for seed in seeds]
    if scale.name == "paper":
        return found + [Trial(images, each | {"seed": seed}, resumable=True) for each in convolutional(scale).values()
                        for seed in seeds]
    found += [Trial(errors, each | {"seed": seed}) for each in trained(scale).values() for seed in seeds]
    return found + [Trial(uneven, each | {"seed": seed}) for each in fans(scale).values() for seed in seeds]
