"""Our runs of the experiments of Schoenholz et al. 2017 and Pennington et al. 2017."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ...lab.trained import trained
from ...reproduce.paper import Scale, trials
from ...sweeps.trials import Trial
from .runs import deepest, propagated, spectra

BIASES = 0.05                                                       # σ_b² of the first paper's networks
CRITICAL = 1.76                                                     # σ_w² where, with these biases, order becomes chaos
ISOMETRIC = {"weight_variance": 1.05, "bias_variance": 2.01e-5}     # critical as well, and almost linear: q* is small
INITS = {"Orthogonal": "Orthogonal", "Gaussian": "LeCun"}           # by the names of the second paper
LEVEL, ARRIVED = 0.5, 0.2                                           # test errors of a network that learns, and that has learned
LAYERS = 30                                                         # that signals pass


class Sizes(NamedTuple):
    """What differs between the scales.

    Attributes
    ----------
    variances, depths : σ_w² and depths of the networks that are to learn
    width, lr, steps : of these networks
    wide : units of the layers that signals pass
    deep : depths of the networks of the second paper
    rates, budget : their learning rates, and their steps
    """

    variances: tuple[float, ...]
    depths: tuple[int, ...]
    width: int
    lr: float
    steps: int
    wide: int
    deep: tuple[int, ...]
    rates: tuple[float, ...]
    budget: int


SIZES = {
    "quick": Sizes((1, CRITICAL, 4), (10, 20, 40), 64, 0.02, 200, 300, (10, 30), (0.03,), 100),
    "small": Sizes((1, 1.25, 1.5, CRITICAL, 2, 2.5, 3, 4), (10, 20, 30, 40, 50, 60, 80, 100), 100, 0.01, 400, 500,
                   (10, 30, 100), (0.01, 0.03, 0.1), 200),
    "paper": Sizes((1, 1.25, 1.5, CRITICAL, 2, 2.5, 3, 4), (10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300), 300, 0.01, 400,
                   1000, (10, 30, 100, 200), (0.003, 0.01, 0.03, 0.1), 1000)}


def learning(scale: Scale, variance: float) -> dict[str, Any]:
    """Settings of the search for the deepest network that learns."""
    sizes = SIZES[scale.name]
    steps = scale.steps or sizes.steps
    data = scale.files() if scale.name == "paper" else {"data": "digits"}
    return data | {"weight_variance": variance, "bias_variance": BIASES, "depths": list(sizes.depths), "width": sizes.width,
                   "centred": True, "lr": sizes.lr, "batch_size": 32, "steps": steps, "level": LEVEL,
                   "at": [*range(0, steps, 25), steps]}


def isometric(scale: Scale, init: str, depth: int, lr: float) -> dict[str, Any]:
    """Settings of a network at the critical point where signals and gradients can keep all angles."""
    sizes = SIZES[scale.name]
    steps = scale.steps or sizes.budget
    data = scale.files() if scale.name == "paper" else {"data": "validated-digits"}
    return data | {"init": INITS[init], "gain": math.sqrt(ISOMETRIC["weight_variance"]),
                   "bias_std": math.sqrt(ISOMETRIC["bias_variance"]), "depth": depth, "width": sizes.width, "centred": True,
                   "lr": lr, "batch_size": 32, "steps": steps, "until": ARRIVED,
                   "at": [*range(0, steps, min(10, depth // 3)), steps]}


def plan(scale: Scale) -> list[Trial]:
    sizes = SIZES[scale.name]
    return [*trials(scale, propagated, *({"weight_variance": variance, "bias_variance": BIASES, "depth": LAYERS,
                                          "width": sizes.wide} for variance in sizes.variances)),
            *trials(scale, spectra, *(ISOMETRIC | {"init": INITS[init], "depths": list(sizes.deep), "width": sizes.width}
                                      for init in INITS)),
            *trials(scale, deepest, *(learning(scale, variance) for variance in sizes.variances)),
            *trials(scale, trained, *(isometric(scale, init, depth, lr) for depth in sizes.deep for init in INITS
                                      for lr in sizes.rates), resumable=scale.name == "paper")]
