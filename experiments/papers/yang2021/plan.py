"""Our runs of Tensor Programs V (Yang, Hu et al. 2021): learning rates by width, in two parametrizations."""

from __future__ import annotations

from typing import Any

from ...lab.trained import trained
from ...reproduce.paper import Scale, trials
from ...sweeps.trials import Trial
from .runs import coordinates

BASE = 32                                                           # the width at which the two parametrizations are one
PARAMETRIZATIONS = ("standard", "μP")
CHECKED = (64, 128, 256, 512)                                       # widths of the coordinate check
OPTIMIZERS = {"adam": 2.0**-7, "sgd": 0.1}                          # of the coordinate check, with their learning rates
LATE = 6                                                            # readings in the last third, whose costs are averaged


def widths(scale: Scale) -> tuple[int, ...]:
    return {"quick": (BASE, 256), "small": (BASE, 128, 512), "paper": (BASE, 128, 512, 2048)}[scale.name]


def powers(scale: Scale) -> tuple[int, ...]:
    """Powers of two: the learning rates."""
    return scale.choose((-10, -8, -6, -4), (-11, -10, -9, -8, -7, -6, -5, -4))


def base_of(width: int, parametrization: str) -> int:
    """The base width of a network: its own in the standard parametrization."""
    return width if parametrization == "standard" else BASE


def setting(scale: Scale, width: int, parametrization: str, power: int) -> dict[str, Any]:
    """A run: Adam, 64-W-W-10 ReLU, batches of 16."""
    steps = (scale.steps or 20_000) if scale.name == "paper" else scale.choose(200, 300)
    where = scale.files() if scale.name == "paper" else {"data": "digits"}
    late = [max(1, steps * (3 * LATE - k) // (3 * LATE)) for k in range(LATE)]
    return where | {"depth": 2, "width": width, "activation": "relu", "init": "He", "optimizer": "adam",
                    "base_width": base_of(width, parametrization), "lr": 2.0**power, "batch_size": 16, "steps": steps,
                    "at": sorted(set(late)), "readings": "costs"}


def plan(scale: Scale) -> list[Trial]:
    runs = [setting(scale, width, parametrization, power) for width in widths(scale) for parametrization in PARAMETRIZATIONS
            for power in powers(scale)]
    checks = [] if scale.name == "paper" else [
        {"width": width, "base_width": base, "optimizer": optimizer, "lr": lr} for optimizer, lr in OPTIMIZERS.items()
        for width in CHECKED for base in (width, CHECKED[0])]
    return [*trials(scale, coordinates, *checks), *trials(scale, trained, *runs, resumable=scale.name == "paper")]
