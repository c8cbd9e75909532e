"""Glorot & Bengio 2010 before training: the plan of its runs. The part of ``glorot2010`` that needs no steps."""

from __future__ import annotations

from typing import Any

from ...lab.networks import STARTS
from ...sweeps.trials import Trial
from ..paper import Scale
from .start_claims import claims
from .start_page import draw
from .start_runs import histograms, layers, signals, surface

DEPTH = 5
FUNCTIONS = ("tanh", "softsign", "sigmoid")
NAIVE = ("N(0, 0.01)", "N(0, 1)")
EVERY_START = (*(name for name in STARTS if name != "LSUV"), *NAIVE, "U(-1, 1)")  # LSUV: data decide
SIGNALS = ((10, 50), (30, 50), (100, 50), (300, 50), (1000, 5), (2000, 3))      # width, depth
QUICK_SIGNALS = ((10, 50), (100, 50), (300, 5))


def plan(scale: Scale) -> list[Trial]:
    """The runs at the start; nothing trains, so that the paper's own width, 1000, is part of the small scale too."""
    quick, seeds = scale.name == "quick", range(scale.seeds)
    pairs = [(f, init) for f in FUNCTIONS for init in ("Standard", "Glorot")] + [("tanh", init) for init in NAIVE]
    nets = [(100, *pair) for pair in pairs]
    nets += [(300, *pair) for pair in (pairs[:2] if quick else pairs)] + ([] if quick else [(1000, *pair) for pair in pairs])
    trials = [Trial(layers, at_start("shapeset", f, init, width) | {"seed": seed}) for width, f, init in nets for seed in seeds]
    trials += [Trial(histograms, at_start("shapeset", "tanh", init, 300 if quick else 1000, bins=150) | {"seed": 0})
               for init in ("Standard", "Glorot")]
    if scale.name == "paper" and scale.data not in (None, "shapeset"):
        trials += [Trial(layers, at_start(str(scale.data), "tanh", init, 1000) | {"digest": scale.digest, "seed": seed})
                   for init in ("Standard", "Glorot") for seed in seeds]
    trials += [Trial(signals, {"init": init, "width": width, "depth": depth, "seed": seed})
               for width, depth in (QUICK_SIGNALS if quick else SIGNALS) for init in EVERY_START for seed in seeds]
    points = int(scale.choose(25, 41))
    return trials + [Trial(surface, {"reach": reach, "points": points, "seed": seed}) for reach in (3.0, 6.0) for seed in seeds]


def at_start(data: str, activation: str, init: str, width: int, **more: Any) -> dict[str, Any]:
    """Settings of ``layers`` or ``histograms``, but for the seed."""
    kept = more or {"examples": 1}
    return {"data": data, "activation": activation, "init": init, "width": width, "depth": DEPTH} | kept


__all__ = ["claims", "draw", "plan"]
