"""Checks of schedules: against a run of ``fit``, and of their milestones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ...arguments import positive_int
from ...errors import ArgumentError
from ..callbacks import Run


def same_optimizer(schedule: Any, run: Run) -> None:
    """Raise ArgumentError unless the optimizer of a run is that of the schedule."""
    if run.optimizer is not schedule.optimizer:
        raise ArgumentError(f"{type(schedule).__name__}: optimizer must be the one that fit is given, {run.optimizer!r}, got "
                            f"another, {schedule.optimizer!r}")


def numbers_of_steps(milestones: Sequence[int]) -> list[int]:
    if not isinstance(milestones, Sequence) or isinstance(milestones, str):
        raise ArgumentError(f"milestones must be a list of integers of at least 1, got {milestones!r}")
    return sorted(positive_int("each of the milestones", milestone) for milestone in milestones)


def check_total(schedule: Any, total: int, run: Run) -> None:
    """Raise ArgumentError if ``fit`` would go beyond the last step of a schedule, and warn if it ends before it."""
    planned = run.epochs if schedule.by == "epoch" else run.steps
    if not planned:                                                 # of a stream, it is not known
        return
    before = 0 if run.resumed else schedule.count                   # the steps of a resumed run include those before
    said = f"{type(schedule).__name__}: total_steps must be the number of steps in training, "
    said += f"{before + planned}, {before} of them before this call of fit" if before else f"{planned}"
    if before + planned > total:
        raise ArgumentError(f"{said}, got {total}")
    if before + planned < total and not run.resumed:
        warnings.warn(f"{said}, got {total}: fit ends before the rate is low", stacklevel=4)
