"""The runs that stand for those of Mishkin & Matas 2016."""

from __future__ import annotations

from ...lab.dense import errors
from ...sweeps.trials import Trial
from ..paper import Scale, evaluation_steps
from .runs import convolutional, fitted, images

FUNCTIONS = ("tanh", "relu", "sigmoid")
STARTS = ("LSUV", "Orthogonal", "Glorot", "He")
RATES = {"tanh": 0.03, "relu": 0.03, "sigmoid": 0.1}
DEEP = 30                                                           # layers of the deep network


def plan(scale: Scale) -> list[Trial]:
    seeds = range(scale.seeds)
    if scale.name == "paper":
        steps = scale.steps or 25_000                               # 64 times all of MNIST's examples
        shared = {"data": scale.data, "digest": scale.digest, "lr": 0.01, "batch_size": 128, "steps": steps,
                  "at": evaluation_steps(steps, 50)}
        return [Trial(images, shared | {"init": init, "seed": seed}, True) for seed in seeds for init in STARTS]
    steps = scale.choose(500, 1500)
    shared = {"data": "digits", "batch_size": 32, "steps": steps, "at": evaluation_steps(steps, 10)}
    small = shared | {"depth": 10, "width": 100}
    large = shared | {"depth": DEEP, "width": 64, "activation": "relu", "lr": 0.01}
    shallow = [Trial(errors, small | {"activation": name, "init": init, "lr": RATES[name], "seed": seed})
               for seed in seeds for name in FUNCTIONS for init in STARTS]
    deep = [Trial(errors, large | {"init": init, "seed": seed}) for seed in seeds for init in STARTS]
    fits = [Trial(fitted, {"activation": f, "depth": 10, "width": 100, "seed": seed}) for seed in seeds for f in FUNCTIONS]
    return [*fits, *(Trial(convolutional, {"seed": seed}) for seed in seeds), *shallow, *deep]
