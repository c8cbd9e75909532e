"""Our runs of the experiments of Saxe et al. 2014."""

from __future__ import annotations

from typing import Any

from ...reproduce.paper import Scale, trials
from ...sweeps.trials import Trial
from .runs import activity, decoupled, learned, products, scalar

INITS = ("Glorot normal", "Orthogonal")                             # of products and signals
STARTS = ("Glorot", "Orthogonal")                                   # of learning: figure 6A's "Gaussian" is scaled uniform
DEPTHS = (1, 5, 20, 100)                                            # of the products
LAYERS = 100                                                        # of tanh, that signals pass
GAINS = (0.8, 0.9, 1.0, 1.1, 1.2)
MODES = {"weak": 0.5, "middle": 1.0, "strong": 2.0}                 # s: the singular value that a 1-1-1 network learns
COUNTED = {"quick": (3, 20), "small": (3, 10, 30), "paper": (3, 10, 30, 100)}     # N_l, layers of neurons, input and output too
CHAINS = (3, 10, 30, 100)                                           # N_l of the networks with a decoupled start
U0 = 0.001                                                          # the strength of each mode at that start
COUNTS = {"quick": 13, "small": 15, "paper": 20}                    # of their learning rates


def rates(scale: Scale) -> list[float]:
    """Learning rates, the same for all depths: 0.16, and each 1/√2 of the one before."""
    return [round(0.16 * 2 ** (-k / 2), 6) for k in range(COUNTS[scale.name])]


def chained() -> list[float]:
    """The 20 learning rates of figure 4, over three decades, for cost per example."""
    return [round(100 * 10 ** (-3 * k / 19), 6) for k in range(20)]


def setting(scale: Scale) -> dict[str, Any]:
    size = {"width": 1000, "steps": scale.steps or 2000} if scale.name == "paper" else {"width": 100, "steps": 400}
    return source_of(scale) | size | {"share": 0.2}


def source_of(scale: Scale) -> dict[str, Any]:
    return scale.files() if scale.name == "paper" else {"data": "digits"}


def plan(scale: Scale) -> list[Trial]:
    size = setting(scale)["width"]
    return [*trials(scale, products, *({"init": init, "size": size, "depths": list(DEPTHS)} for init in INITS)),
            *(Trial(scalar, {"s": s, "u0": 0.001, "lr": 0.002, "steps": 10_000}) for s in MODES.values()),
            *trials(scale, activity, *({"init": init, "gain": gain, "depth": LAYERS, "width": size}
                                       for init in INITS for gain in GAINS)),
            *trials(scale, decoupled, *(source_of(scale) | {"layers": layers, "u0": U0, "rates": chained(), "steps": 2000,
                                                            "share": 0.2} for layers in CHAINS)),
            *trials(scale, learned, *(setting(scale) | {"init": init, "layers": layers, "lr": lr}
                                      for layers in COUNTED[scale.name] for init in STARTS for lr in rates(scale)),
                    resumable=True)]
