"""Schedules made of others: one after another, or several at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ...errors import ArgumentError
from ...optim import Optimizer
from .checks import numbers_of_steps
from .schedule import OneCycleLR, Schedule


class SequentialLR(Schedule):
    """One schedule after another: each takes over at its milestone, and counts its steps from there.

    Parameters
    ----------
    optimizer, by
        See Schedule. The ``by`` of the schedules does not matter.
    schedules : sequence of Schedule
        Of the same optimizer: ``[WarmupLR(sgd, 5), CosineLR(sgd, 95)]``.
    milestones : sequence of int
        The numbers of steps, in rising order, at which the second, third, ... schedule begins.
    """

    def __init__(self, optimizer: Optimizer, schedules: Sequence[Schedule], milestones: Sequence[int],
                 by: str = "epoch") -> None:
        self.schedules, self.milestones = schedules_of(optimizer, schedules), numbers_of_steps(milestones)
        if len(self.milestones) != len(self.schedules) - 1 or len(set(self.milestones)) < len(self.milestones):
            raise ArgumentError(f"SequentialLR: milestones must be different, one fewer than the {len(self.schedules)} "
                                f"schedules, got {milestones!r}")
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        k = bisect_right(self.milestones, count)
        return self.schedules[k].rate(count - (self.milestones[k - 1] if k else 0), lr)


class ChainedLR(Schedule):
    """Several schedules at once: each starts from the rate that the one before it gives.

    The factors of StepLR, MultiStepLR, ExponentialLR, WarmupLR and of CosineLR with ``eta_min=0`` are multiplied, as in
    PyTorch's ChainedScheduler. (Once a cosine has reached 0, PyTorch 2.13 forgets the other factors.)

    Parameters
    ----------
    optimizer, by
        See Schedule. The ``by`` of the schedules does not matter.
    schedules : sequence of Schedule
        Of the same optimizer.
    """

    def __init__(self, optimizer: Optimizer, schedules: Sequence[Schedule], by: str = "epoch") -> None:
        self.schedules = schedules_of(optimizer, schedules)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        for schedule in self.schedules:
            lr = schedule.rate(count, lr)
        return lr


def schedules_of(optimizer: Optimizer, schedules: Sequence[Schedule]) -> tuple[Schedule, ...]:
    """Return schedules as a tuple; ArgumentError unless there is one, and all are of this optimizer and move rates only."""
    fine = isinstance(schedules, Sequence) and schedules and all(
        isinstance(schedule, Schedule) and not isinstance(schedule, OneCycleLR) for schedule in schedules)
    if not fine:
        raise ArgumentError(f"schedules must be a list of schedules, none of them OneCycleLR, which moves the momentum too, "
                            f"got {schedules!r}")
    if any(schedule.optimizer is not optimizer for schedule in schedules):
        raise ArgumentError("schedules must have been built for the same optimizer")
    return tuple(schedules)
