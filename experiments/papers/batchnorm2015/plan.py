"""The runs of Ioffe & Szegedy 2015 at each scale, by name."""

from __future__ import annotations

from typing import Any

from ...lab.dense import errors
from ...sweeps.trials import Trial
from ..paper import Scale
from .runs import SETTLED, exact, followed, redundant

BATCH = 60
STARTS = ("N(0, 0.1)", "N(0, 0.01)")
RATES = (0.1, 0.5)
MOMENTA = (0.01, 0.1, 0.5)
EARLY = (1, 2, 5, 10, 20, 50)                                       # readings before the running statistics have settled
PAPER_STEPS, PAPER_EVERY = 50_000, 1000


def plan(scale: Scale) -> list[Trial]:
    """Figure 1 with and without; the start and rates of the replica; the sweep over rates; what is exact."""
    found = []
    for seed in range(scale.seeds):
        if scale.name == "paper":
            found += [Trial(followed, figure_one(scale, batch_norm) | {"seed": seed}, resumable=True)
                      for batch_norm in (False, True)]
            continue
        for batch_norm in (False, True):
            found += [Trial(followed, setting(scale, batch_norm, lr, init) | {"seed": seed}) for init in STARTS for lr in RATES
                      if init == STARTS[0] or lr == RATES[0]]
            found += [Trial(errors, swept(scale, batch_norm, lr) | {"seed": seed}) for lr in rates(scale)]
        found += [Trial(followed, momentum_setting(scale, momentum) | {"seed": seed}) for momentum in MOMENTA]
        found += [Trial(redundant, bias_setting(scale) | {"seed": seed})]
    return found + [Trial(exact, {"batch_size": 7, "features": 4, "seed": seed}) for seed in range(scale.seeds)]


def figure_one(scale: Scale, batch_norm: bool) -> dict[str, Any]:
    """The paper's own size."""
    steps = PAPER_STEPS if scale.steps is None else scale.steps
    at = sorted({*(step for step in (SETTLED, *range(0, PAPER_STEPS + 1, PAPER_EVERY)) if step <= steps), steps})
    return {"data": scale.data, "digest": scale.digest, "binary": True, "init": STARTS[0], "lr": RATES[0], "batch_size": BATCH,
            "steps": steps, "at": at, "batch_norm": batch_norm}


def shown(scale: Scale, batch_norm: bool) -> dict[str, Any]:
    """The setting that figure 1 is drawn from."""
    return figure_one(scale, batch_norm) if scale.name == "paper" else setting(scale, batch_norm, RATES[1])


def setting(scale: Scale, batch_norm: bool, lr: float, init: str = STARTS[0]) -> dict[str, Any]:
    steps = scale.choose(400 if lr == RATES[0] else 1000, 2000)
    at = [0, 50, SETTLED, 200, *range(300, steps + 1, 100)]
    return {"data": "digits", "init": init, "lr": lr, "batch_size": BATCH, "steps": steps, "at": at, "batch_norm": batch_norm,
            "momentum": 0.1}


def momentum_setting(scale: Scale, momentum: float) -> dict[str, Any]:
    steps = scale.choose(200, 500)
    at = [*EARLY, *range(100, steps + 1, 100)]
    return setting(scale, True, RATES[0]) | {"steps": steps, "at": at, "momentum": momentum}


def bias_setting(scale: Scale) -> dict[str, Any]:
    steps = scale.choose(100, 500)
    return {"data": "digits", "lr": RATES[0], "batch_size": BATCH, "steps": steps, "at": list(range(0, steps + 1, steps // 10))}


def rates(scale: Scale) -> tuple[float, ...]:
    found: tuple[float, ...] = scale.choose((0.03, 3.0, 10.0), (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0))
    return found


def swept(scale: Scale, batch_norm: bool, lr: float) -> dict[str, Any]:
    steps = scale.choose(1000, 2000)
    return {"data": "digits", "activation": "sigmoid", "init": STARTS[0], "depth": 3, "width": 100, "lr": lr,
            "batch_size": BATCH, "steps": steps, "at": [steps], "batch_norm": batch_norm}
