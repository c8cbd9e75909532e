"""ReduceOnPlateau: a learning rate that falls when training makes no progress."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...arguments import in_a_line, one_of, positive_int, real
from ...errors import ArgumentError, StateError
from ...optim import Optimizer
from ...restoring import at_once, setting
from ..callbacks import Monitoring, Run
from .checks import same_optimizer


class ReduceOnPlateau(Monitoring):
    """Multiply the learning rate by ``factor`` when a column of the history has not improved for more than some epochs.

    Give it to ``fit`` as a callback. In a loop of your own, call ``plateau.step(value)`` after each epoch.

    Parameters
    ----------
    optimizer : Optimizer
    monitor : str, default "validation_cost"
        The column of the history.
    factor : float in (0, 1), default 0.1
    patience : int, at least 0, default 10
        The number of epochs without improvement that are allowed; the rate falls after one more.
    threshold : float, at least 0, default 1e-4
        An improvement counts if it is larger than this share of the best value (``threshold_mode="rel"``) or than this number
        ("abs").
    threshold_mode : {"rel", "abs"}, default "rel"
    cooldown : int, at least 0, default 0
        The number of epochs after a reduction in which none is counted as without improvement.
    min_lr : float, at least 0, default 0
        The rate never falls below it.
    eps : float, at least 0, default 1e-8
        A rate is left as it is if it would fall by no more than this.
    mode : {"min", "max"}, default None
        Whether the column improves when it falls or when it rises; see EarlyStopping.

    Notes
    -----
    Defaults and counting are those of PyTorch's ReduceLROnPlateau.
    """

    def __init__(self, optimizer: Optimizer, monitor: str = "validation_cost", factor: float = 0.1, patience: int = 10,
                 threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: float = 0.0,
                 eps: float = 1e-8, mode: str | None = None) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"ReduceOnPlateau: optimizer must be an Optimizer, got {in_a_line(optimizer)}")
        super().__init__(monitor, mode)
        self.optimizer, self.factor = optimizer, real("factor", factor, 0, 1, above=True, below=True)
        self.patience, self.cooldown = positive_int("patience", patience, 0), positive_int("cooldown", cooldown, 0)
        self.threshold = real("threshold", threshold, 0)
        self.threshold_mode = one_of("threshold_mode", threshold_mode, ("rel", "abs"))
        self.min_lr, self.eps = real("min_lr", min_lr, 0), real("eps", eps, 0)
        self.best, self.waited, self.cooling = math.inf, 0, 0

    def before_training(self, run: Run) -> None:
        same_optimizer(self, run)
        super().before_training(run)

    def after_epoch(self, run: Run) -> None:
        self.follow(self.last(run))

    def step(self, value: float) -> None:
        """Take note of an epoch's value, and lower the learning rates if the last epochs have not improved."""
        value = real("value", value)
        self.follow(-value if self.mode == "max" else value)

    def state_dict(self) -> dict[str, float | None]:
        """Return the best value and the counts of epochs, as numbers that JSON can hold (None: no value yet)."""
        return {"best": None if math.isinf(self.best) else self.best, "waited": self.waited, "cooling": self.cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another ReduceOnPlateau with these settings was; StateError for what ``state_dict`` does not return."""
        if not isinstance(state, Mapping) or state.keys() != {"best", "waited", "cooling"}:
            raise StateError(f"ReduceOnPlateau: state must hold best, waited and cooling, as of state_dict(), got {state!r}")
        best = math.inf if state["best"] is None else real("best", state["best"])
        waited, cooling = positive_int("waited", state["waited"], 0), positive_int("cooling", state["cooling"], 0)
        at_once(setting([(self, "best", best), (self, "waited", waited), (self, "cooling", cooling)]))

    def follow(self, value: float) -> None:
        """Do so with a value that improves by falling."""
        margin = self.threshold * (abs(self.best) if self.threshold_mode == "rel" else 1.0)
        improved = value < self.best - margin if math.isfinite(self.best) else True
        best = value if improved else self.best
        waited = 0 if improved or self.cooling else self.waited + 1
        cooling = max(self.cooling - 1, 0)
        if waited > self.patience:
            for group in self.optimizer.groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            waited, cooling = 0, self.cooldown
        at_once(setting([(self, "best", best), (self, "waited", waited), (self, "cooling", cooling)]))
