"""Schedules: learning rates that change during training, as functions of the number of steps or epochs."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ...arguments import in_a_line, one_of, positive_int, real
from ...errors import ArgumentError, StateError
from ...optim import Optimizer
from ...optim.groups import Group
from ..callbacks import Callback, Run
from .checks import check_total, numbers_of_steps, same_optimizer


class Schedule(Callback):
    """Base class: a learning rate that is a function of the number of steps of the schedule.

    Give a schedule to ``fit`` as a callback. In a loop of your own, call ``schedule.step()`` after each epoch, or after each
    step of the optimizer. To write a schedule, derive a class with the method ``rate``.

    Parameters
    ----------
    optimizer : Optimizer
        The learning rate of each group becomes that of 0 steps at once. Later, each group's rate is computed from the one that
        it had before its first schedule, as in PyTorch.
    by : {"epoch", "step"}, default "epoch"
        Whether ``fit`` makes a step of the schedule after each epoch, or after each step of the optimizer.

    Attributes
    ----------
    count : int
        The number of steps that the schedule has made.
    initial : list of float
        The rate of each group before its first schedule.

    Notes
    -----
    A Checkpoint of ``fit`` saves a schedule with its run; in a loop of your own, give it to ``Checkpoint.save`` and
    ``Checkpoint.restore`` as one of the parts ``also``.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Linear(2, 1, rng=0)
    >>> sgd = rp.SGD(net.parameters(), lr=0.4)
    >>> schedule = rp.StepLR(sgd, step_size=2, gamma=0.5)
    >>> for epoch in range(2):
    ...     schedule.step()
    >>> sgd.lr
    0.2
    """

    def __init__(self, optimizer: Optimizer, by: str = "epoch") -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"{type(self).__name__}: optimizer must be an Optimizer, such as SGD(net.parameters(), "
                                f"lr=0.1), got {in_a_line(optimizer)}")
        self.optimizer, self.by, self.count = optimizer, one_of("by", by, ("epoch", "step")), 0
        self.initial = [first_rate(group) for group in optimizer.groups]
        self.apply(0)

    def rate(self, count: int, lr: float) -> float:
        """Return the learning rate after ``count`` steps of the schedule; ``lr`` is the one before any schedule."""
        raise NotImplementedError(f"{type(self).__name__} must implement rate(count, lr)")

    def step(self) -> None:
        """Make one step: the optimizer's next step has the new learning rate."""
        self.apply(self.count + 1)

    def apply(self, count: int) -> None:
        """Set the learning rates of all groups to those after ``count`` steps."""
        rates = [self.rate(count, lr) for lr in self.initial]
        for group, rate in zip(self.optimizer.groups, rates, strict=True):
            group["lr"] = rate
        self.count = count                                          # last: after Ctrl-C, the next step repeats this one

    def state_dict(self) -> dict[str, Any]:
        """Return ``count`` and ``initial``, as numbers that JSON can hold."""
        return {"count": self.count, "initial": list(self.initial)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another schedule with these settings was; StateError, and nothing has changed, for a wrong state.

        The optimizer's rates become those after ``state["count"]`` steps.
        """
        initial = state.get("initial") if isinstance(state, Mapping) and state.keys() == {"count", "initial"} else None
        groups = self.optimizer.groups
        if not isinstance(initial, Sequence) or len(initial) != len(groups):
            raise StateError(f"{type(self).__name__}: state must hold count, and initial with a rate for each of {len(groups)} "
                             f"groups, as of state_dict(), got {state!r}")
        count, rates = positive_int("count", state["count"], 0), [real("initial", lr, 0) for lr in initial]
        self.initial = rates
        for group, lr in zip(groups, rates, strict=True):
            group.initial_lr = lr
        self.apply(count)

    def before_training(self, run: Run) -> None:
        same_optimizer(self, run)

    def after_step(self, run: Run) -> None:
        if self.by == "step":
            self.step()

    def after_epoch(self, run: Run) -> None:
        if self.by == "epoch":
            self.step()


class StepLR(Schedule):
    r"""Multiply the learning rate by ``gamma`` every ``step_size`` steps: :math:`lr \cdot \gamma^{\lfloor k / s \rfloor}`.

    Parameters
    ----------
    optimizer, by
        See Schedule.
    step_size : int
    gamma : float > 0, default 0.1
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, by: str = "epoch") -> None:
        self.step_size, self.gamma = positive_int("step_size", step_size), real("gamma", gamma, 0, above=True)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        return lr * self.gamma**(count // self.step_size)


class MultiStepLR(Schedule):
    """Multiply the learning rate by ``gamma`` at each milestone.

    Parameters
    ----------
    optimizer, by
        See Schedule.
    milestones : sequence of int
        Numbers of steps, at least 1; one that occurs twice counts twice.
    gamma : float > 0, default 0.1
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, by: str = "epoch") -> None:
        self.milestones, self.gamma = numbers_of_steps(milestones), real("gamma", gamma, 0, above=True)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        return lr * self.gamma**bisect_right(self.milestones, count)


class ExponentialLR(Schedule):
    r"""Multiply the learning rate by ``gamma`` at every step: :math:`lr \cdot \gamma^k`.

    Parameters
    ----------
    optimizer, by
        See Schedule.
    gamma : float > 0
    """

    def __init__(self, optimizer: Optimizer, gamma: float, by: str = "epoch") -> None:
        self.gamma = real("gamma", gamma, 0, above=True)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        return lr * self.gamma**count


class CosineLR(Schedule):
    r"""Lower the learning rate along half a cosine: :math:`lr_\min + (lr - lr_\min)(1 + \cos(\pi k / T)) / 2`.

    After ``T_max`` steps the rate is ``eta_min``. As in PyTorch, whose CosineAnnealingLR this is, it then climbs back along
    the cosine; in optax and Keras it stays.

    Parameters
    ----------
    optimizer, by
        See Schedule.
    T_max : int
        The number of steps until the rate is lowest: as many as there are epochs (or steps, with ``by="step"``).
    eta_min : float, at least 0, default 0
        The lowest rate, the same for all groups.

    References
    ----------
    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", eq. 5, without restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, by: str = "epoch") -> None:
        self.T_max, self.eta_min = positive_int("T_max", T_max), real("eta_min", eta_min, 0)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        return self.eta_min + (lr - self.eta_min) * (1 + math.cos(math.pi * count / self.T_max)) / 2


class WarmupLR(Schedule):
    """Raise the learning rate in equal steps from ``start_factor`` times its value to its value, which it then keeps.

    PyTorch's LinearLR with ``end_factor=1``. Chain it with another schedule by SequentialLR.

    Parameters
    ----------
    optimizer, by
        See Schedule.
    steps : int
        The number of steps until the full rate.
    start_factor : float in [0, 1], default 1/3
        The share of the rate at the beginning. (PyTorch does not allow 0.)
    """

    def __init__(self, optimizer: Optimizer, steps: int, start_factor: float = 1 / 3, by: str = "epoch") -> None:
        self.steps, self.start_factor = positive_int("steps", steps), real("start_factor", start_factor, 0, 1)
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        return lr * (self.start_factor + (1 - self.start_factor) * min(count, self.steps) / self.steps)


class OneCycleLR(Schedule):
    """Raise the learning rate to ``max_lr``, then lower it far below where it began, along halves of a cosine.

    Steps are those of the optimizer (``by="step"``). The rates of the optimizer are replaced: the cycle begins at ``max_lr /
    div_factor``, is at ``max_lr`` after the share ``pct_start`` of its steps, and ends at ``max_lr / div_factor /
    final_div_factor``. A step of the schedule beyond ``total_steps`` raises ArgumentError, as PyTorch's raises ValueError.

    Parameters
    ----------
    optimizer, by
        See Schedule; by default ``by="step"``.
    max_lr : float > 0
    total_steps : int, at least 2
        The number of the optimizer's steps in training: in ``fit`` of N examples ``epochs * ceil(batches / accumulate)``, with
        ``batches = ceil(N / batch_size)``, and one fewer if the last would have a single example, which joins the one before.
        ``fit`` raises ArgumentError, with this number, before it would make more steps than ``total_steps``, and warns
        (UserWarning) if it makes fewer: the rate is still high at the end, unless another call of ``fit`` goes on.
    pct_start : float in (0, 1), default 0.3
    div_factor, final_div_factor : float, at least 1, default 25 and 1e4
    cycle_momentum : bool, default True
        Whether the momentum (Adam's first beta) moves the other way, from ``max_momentum`` to ``base_momentum`` and back. As in
        PyTorch, this gives an SGD without momentum one.
    base_momentum, max_momentum : float in [0, 1), default 0.85 and 0.95

    References
    ----------
    Smith & Topin 2018, "Super-convergence: very fast training of neural networks using large learning rates".
    """

    def __init__(self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3, div_factor: float = 25.0,
                 final_div_factor: float = 1e4, cycle_momentum: bool = True, base_momentum: float = 0.85,
                 max_momentum: float = 0.95, by: str = "step") -> None:
        self.max_lr, self.total_steps = real("max_lr", max_lr, 0, above=True), positive_int("total_steps", total_steps, 2)
        self.pct_start = real("pct_start", pct_start, 0, 1, above=True, below=True)
        self.div_factor = real("div_factor", div_factor, 1)
        self.final_div_factor = real("final_div_factor", final_div_factor, 1)
        self.base_momentum = real("base_momentum", base_momentum, 0, 1, below=True)
        self.max_momentum = real("max_momentum", max_momentum, 0, 1, below=True)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and isinstance(optimizer, Optimizer) and not {"momentum", "betas"} & optimizer.options.keys():
            raise ArgumentError(f"OneCycleLR: cycle_momentum must be False for an optimizer without momentum, {optimizer!r}")
        super().__init__(optimizer, by)

    def rate(self, count: int, lr: float) -> float:
        first = self.max_lr / self.div_factor
        return self.between(count, first, self.max_lr, first / self.final_div_factor)

    def between(self, count: int, first: float, middle: float, last: float) -> float:
        """Return the value of the cycle that goes from ``first`` to ``middle`` and on to ``last``."""
        top = self.pct_start * self.total_steps - 1                 # PyTorch's place, a fraction of a step
        end = self.total_steps - 1
        if count <= top:
            start, stop, share = first, middle, count / top if top else 1.0
        else:
            start, stop, share = middle, last, (count - top) / (end - top)
        return stop + (start - stop) / 2 * (1 + math.cos(math.pi * share))

    def apply(self, count: int) -> None:
        if count > self.total_steps:
            raise ArgumentError(f"OneCycleLR: total_steps must be the number of steps in training, got {self.total_steps}, and "
                                f"now step {count}")
        if self.cycle_momentum:
            momentum = self.between(count, self.max_momentum, self.base_momentum, self.max_momentum)
            for group in self.optimizer.groups:
                group.update({"betas": (momentum, group["betas"][1])} if "betas" in group else {"momentum": momentum})
        super().apply(count)

    def before_training(self, run: Run) -> None:
        super().before_training(run)
        check_total(self, self.total_steps, run)


def first_rate(group: Group) -> float:
    """Return the learning rate that a group had before its first schedule; the present one if this is the first."""
    if group.initial_lr is None:
        group.initial_lr = float(group["lr"])
    return group.initial_lr
