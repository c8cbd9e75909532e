"""Our runs of the experiments of Ioffe & Szegedy 2015."""

from __future__ import annotations

from typing import Any

from ...lab.readings import SETTLED
from ...lab.trained import trained
from ...reproduce.paper import Scale, trials
from ...sweeps.trials import Trial
from .runs import exact, redundant

BATCH = 60
INITS = ("N(0, 0.1)", "N(0, 0.01)")
RATES = (0.1, 0.5)
MOMENTA = (0.01, 0.1, 0.5)                                          # of the running statistics
EARLY = (1, 2, 5, 10, 20, 50)                                       # evaluation steps before the running statistics settle
PAPER_STEPS, PAPER_EVERY = 50_000, 1000
NETWORK = {"activation": "sigmoid", "depth": 3, "width": 100, "batch_size": BATCH}


def replica(scale: Scale) -> list[tuple[str, float]]:
    """Initializations and learning rates of the runs that stand for figure 1."""
    return [(INITS[0], RATES[0])] if scale.name == "paper" else [*((INITS[0], lr) for lr in RATES), (INITS[1], RATES[0])]


def setting(scale: Scale, batch_norm: bool, lr: float = RATES[0], init: str = INITS[0]) -> dict[str, Any]:
    """A run of figure 1, at the paper's own size or in small."""
    found = NETWORK | {"init": init, "lr": lr, "batch_norm": batch_norm, "readings": "batch statistics"}
    if scale.name == "paper":
        steps = scale.steps or PAPER_STEPS
        at = sorted({*(step for step in (SETTLED, *range(0, PAPER_STEPS + 1, PAPER_EVERY)) if step <= steps), steps})
        return found | scale.files() | {"binary": True, "steps": steps, "at": at}
    steps = scale.choose(400 if lr == RATES[0] else 1000, 2000)
    return found | {"data": "digits", "steps": steps, "at": [0, 50, SETTLED, 200, *range(300, steps + 1, 100)]}


def shown(scale: Scale, batch_norm: bool) -> dict[str, Any]:
    """The run that figure 1 is drawn from."""
    return setting(scale, batch_norm, RATES[0 if scale.name == "paper" else 1])


def with_momentum(scale: Scale, momentum: float) -> dict[str, Any]:
    steps = scale.choose(200, 500)
    return setting(scale, True) | {"steps": steps, "at": [*EARLY, *range(100, steps + 1, 100)], "norm_momentum": momentum}


def biases(scale: Scale) -> dict[str, Any]:
    steps = scale.choose(100, 500)
    return {"data": "digits", "lr": RATES[0], "batch_size": BATCH, "steps": steps, "at": list(range(0, steps + 1, steps // 10))}


def rates(scale: Scale) -> tuple[float, ...]:
    """Learning rates that networks with and without BatchNorm are compared at."""
    return tuple(scale.choose((0.03, 3.0, 10.0), (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)))


def swept(scale: Scale, batch_norm: bool, lr: float) -> dict[str, Any]:
    steps = scale.choose(1000, 2000)
    return NETWORK | {"data": "validated-digits", "init": INITS[0], "lr": lr, "steps": steps, "at": [steps],
                      "batch_norm": batch_norm}


def plan(scale: Scale) -> list[Trial]:
    paper, both = scale.name == "paper", (False, True)
    runs = [setting(scale, batch_norm, lr, init) for init, lr in replica(scale) for batch_norm in both]
    if not paper:
        runs += [swept(scale, batch_norm, lr) for lr in rates(scale) for batch_norm in both]
        runs += [with_momentum(scale, momentum) for momentum in MOMENTA]
    return [*trials(scale, trained, *runs, resumable=paper), *([] if paper else trials(scale, redundant, biases(scale))),
            *trials(scale, exact, {"batch_size": 7, "features": 4})]
