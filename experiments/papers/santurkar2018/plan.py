"""Our runs of the experiment of Santurkar et al. 2018 with noise after BatchNorm."""

from __future__ import annotations

from typing import Any

from ...lab.trained import trained
from ...reproduce.paper import Scale, evaluation_steps, trials
from ...sweeps.trials import Trial

LAYERS, RATE, BATCH, STEPS = 3, 0.5, 128, 200
SHIFT, SCALE = 0.5, 0.25                                            # standard deviations of the noise, redrawn at each step
PAPER_STEPS = 15_000
NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {"network": "dense", "batch_norm": False}, "BatchNorm": {"network": "dense", "batch_norm": True},
    "noisy BatchNorm": {"network": "shaken", "shift": SHIFT, "scale": SCALE}}


def setting(scale: Scale, network: str) -> dict[str, Any]:
    """The run of a network; the three begin with the same weights and learn from the same batches."""
    found = {"activation": "sigmoid", "depth": LAYERS, "width": 100, "init": "N(0, 0.1)", "lr": RATE, "batch_size": BATCH,
             "readings": "drifts"} | NETWORKS[network]
    if scale.name == "paper":
        steps = scale.steps or PAPER_STEPS
        return found | scale.files() | {"steps": steps, "at": evaluation_steps(steps, 200)}
    return found | {"data": "digits", "steps": STEPS, "at": list(range(0, STEPS + 1, 4))}


def plan(scale: Scale) -> list[Trial]:
    return trials(scale, trained, *(setting(scale, network) for network in NETWORKS), resumable=scale.name == "paper")
