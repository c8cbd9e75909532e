"""Callbacks: code that ``fit`` calls before, between and after its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arguments import in_a_line, one_of, positive_int, real
from ..errors import ArgumentError, StateError
from ..losses import Loss
from ..modules import Module
from ..names import suggestion
from ..optim import Optimizer
from ..restoring import at_once, filling, setting
from .history import History


@dataclass
class Progress:
    """How far a run is in its epoch: with the network, the optimizer, the callbacks and ``Run.rng``, what it needs to go on.

    Attributes
    ----------
    batch : int
        Number of the epoch's batches on which the run has trained; 0 between two epochs. In ``after_step`` it counts the batch
        of that step.
    total, divisor : float
        Sum of the costs of these batches, each times the divisor of its mean, and sum of the divisors.
    order : dict or None
        States of ``Run.rng`` and of a stream when the epoch began, before anything was drawn. None: no epoch has begun.
    seen : list of (prediction, y, weight), or None
        Those of these batches, of which the metrics are computed at the end of the epoch; None without metrics.
    began : float
        When the epoch began, on the clock ``time.perf_counter``; of a run that goes on, the seconds spent before count too.
    """

    batch: int = 0
    total: float = 0.0
    divisor: float = 0.0
    order: Mapping[str, Any] | None = None
    seen: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]] | None = None
    began: float = 0.0


@dataclass
class Run:
    """The state of a training run, given to callbacks, which may replace the batch or stop the run.

    Attributes
    ----------
    net, loss, optimizer
        The arguments of ``fit``.
    history : History
        The epochs that have ended; in ``after_epoch`` this includes the one that just ended.
    epoch, batch : int
        Numbers of the current epoch and, in it, of the current batch, both from 1.
    epochs : int
        The argument of ``fit``.
    steps : int or None
        Number of the optimizer's steps in these epochs, if nothing stops the run; None if it is not known, of a stream.
    resumed : bool
        Whether a saved run goes on; ``epochs`` and ``steps`` include those before it was interrupted.
    x, y : arrays
        The current batch; ``before_batch`` may replace it.
    weight : array or None
        The weights of its examples.
    cost : float
        The cost of the current batch.
    data : pair of arrays
        All examples and targets, as ``fit`` has checked and converted them; of a stream, its first batch.
    callbacks : list of Callback
        Those of the run, in the order in which they are called.
    columns : tuple of str
        The columns that ``fit`` writes into the history; callbacks may add others.
    rng : numpy.random.Generator
        The generator of ``fit``, for the order of the examples and for ``augment``.
    progress : Progress
        How far the run is in its epoch.
    settings, functions, resume, name
        Of a run that is saved or resumed: what must be the same in both; what else makes its batches, as pairs such as
        ``("data", stream)``; the argument of ``fit``; and the name by which checkpoints know their run.
    """

    net: Module
    loss: Loss
    optimizer: Optimizer
    history: History
    epoch: int = 0
    batch: int = 0
    x: NDArray[Any] = field(repr=False, default_factory=lambda: NotImplemented)
    y: NDArray[Any] = field(repr=False, default_factory=lambda: NotImplemented)
    weight: NDArray[Any] | None = field(repr=False, default=None)
    cost: float = math.nan
    data: tuple[Any, Any] = field(repr=False, default=(None, None))
    callbacks: Sequence[Callback] = field(repr=False, default=())
    columns: tuple[str, ...] = field(repr=False, default=())
    rng: np.random.Generator = field(repr=False, default_factory=np.random.default_rng)
    progress: Progress = field(repr=False, default_factory=Progress)
    settings: Mapping[str, Any] = field(repr=False, default_factory=dict)
    functions: Sequence[tuple[str, Any]] = field(repr=False, default=())
    resume: str | Path | bool = False
    name: str = field(repr=False, default="")
    epochs: int = field(repr=False, default=0)
    steps: int | None = field(repr=False, default=None)
    resumed: bool = field(repr=False, default=False)

    def stop(self, reason: str) -> None:
        """End training after this epoch, and store the reason, which may be empty, in ``history.stopped``."""
        self.history.stopped = reason


class Callback:
    """Base class of callbacks: override the methods that you need. ``fit`` calls a plain function as ``after_epoch``.

    A callback that remembers something, such as a best value or a generator, also has ``state_dict()`` and
    ``load_state_dict(state)``: a Checkpoint saves what the first returns (numbers, texts, None, arrays, and lists, tuples and
    dicts of these), and a resumed run gives it to the second, after ``before_training``.
    """

    saves: ClassVar[bool] = False                                   # whether it saves the run: fit calls it after all others

    def before_training(self, run: Run) -> None:
        """Called once, before the first batch."""

    def before_batch(self, run: Run) -> None:
        """Called before the step on ``run.x`` and ``run.y``."""

    def before_step(self, run: Run) -> None:
        """Called between update and the step of the optimizer, before clipping: gradients may be read and changed."""

    def after_step(self, run: Run) -> None:
        """Called after the optimizer has moved the parameters: with ``accumulate=k``, after k batches."""

    def after_epoch(self, run: Run) -> None:
        """Called after each epoch, whose entries are in ``run.history``."""

    def after_training(self, run: Run) -> None:
        """Called once, after the last epoch, a stop or an interruption; not after an error."""

    def after_divergence(self, run: Run) -> str | None:
        """Called once, in place of ``after_training``, if a cost is not finite. A sentence that it returns joins the error."""


class AfterEpoch(Callback):
    """Callback that calls a plain function after each epoch."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Run) -> None:
        self.function(run)


# In which columns of fit improve; those of validation begin with "validation_".
DIRECTIONS = {"cost": "min", "mean_absolute_error": "min", "accuracy": "max", "f1_score": "max", "r2_score": "max",
              "roc_auc_score": "max", "top_k_accuracy_score": "max"}


class Monitoring(Callback):
    """Base class of callbacks that follow a column of the history, which improves when it falls, or when it rises."""

    argument = "monitor"                                            # which names the column

    def __init__(self, monitor: str, mode: str | None) -> None:
        known = DIRECTIONS.get(monitor.removeprefix("validation_")) if isinstance(monitor, str) else None
        if mode is None and known is None:
            meant = suggestion(monitor, [prefix + name for prefix in ("", "validation_") for name in DIRECTIONS])
            raise ArgumentError(
                f"{type(self).__name__}: mode must be 'min' or 'max' for {self.argument}={monitor!r}, got None{meant}: only "
                f"{', '.join(DIRECTIONS)}, and these of validation, are known to improve in one direction")
        self.monitor, self.mode = monitor, one_of("mode", known if known and mode is None else mode or "", ("min", "max"))

    def before_training(self, run: Run) -> None:
        """Raise ArgumentError if no column has this name, and no callback that is called earlier may add it."""
        before = takewhile(lambda callback: callback is not self, run.callbacks)
        added = any(type(callback).after_epoch is not Callback.after_epoch for callback in before)
        if run.columns and self.monitor not in run.columns and not added:
            raise self.missing(run.columns)

    def last(self, run: Run) -> float:
        """Return the column's number of the epoch that has ended, with its sign changed if the column improves by rising."""
        if self.monitor not in run.history:
            raise self.missing(run.history)
        column = run.history[self.monitor]
        if not isinstance(column, list) or not column:
            raise ArgumentError(f"{type(self).__name__}: history[{self.monitor!r}] must be a list of numbers, one for each "
                                f"epoch, got {column!r}")
        value = real(f"{type(self).__name__}: history[{self.monitor!r}] of epoch {run.epoch}", column[-1])
        return -value if self.mode == "max" else value

    def missing(self, columns: Iterable[str]) -> ArgumentError:
        """Return the error for a history without the monitored column."""
        wanting = self.monitor.startswith("validation") and "validation_cost" not in columns
        hint = "; give fit validation data" if wanting else ""
        return ArgumentError(f"{type(self).__name__}: {self.argument} must be one of {', '.join(columns)}, got "
                             f"{self.monitor!r}{hint or suggestion(self.monitor, columns)}")


class EarlyStopping(Monitoring):
    """Stop training when a column of the history has not improved for some epochs, and restore the best state.

    Parameters
    ----------
    patience : int, default 10
        Number of epochs without improvement after which training stops.
    monitor : str, default "validation_cost"
        The column of the history.
    min_delta : float, at least 0, default 0
        An improvement of at most this size does not count.
    restore : bool, default True
        Whether to load the state of the best epoch into the network when training ends; also if it is interrupted, and if the
        cost is no longer finite (the NonFiniteError then says so).
    mode : {"min", "max"}, default None
        Whether the column improves when it falls or when it rises. None is for the columns whose direction is known:
        ``validation_cost`` falls, ``validation_accuracy`` rises, and so on for the metrics of ``fit`` that have a name. A
        column that a callback adds, or a function of yours, needs a mode.
    """

    def __init__(self, patience: int = 10, monitor: str = "validation_cost", min_delta: float = 0.0,
                 restore: bool = True, *, mode: str | None = None) -> None:
        super().__init__(monitor, mode)
        self.patience, self.restore = positive_int("patience", patience), restore
        self.min_delta = real("min_delta", min_delta, 0)
        self.best, self.best_epoch, self.state = math.inf, 0, dict[str, NDArray[Any]]()

    def before_training(self, run: Run) -> None:
        at_once(setting([(self, "best_epoch", 0), (self, "best", math.inf), (self, "state", {})]))
        super().before_training(run)

    def after_epoch(self, run: Run) -> None:
        value = self.last(run)
        if value < self.best - self.min_delta:
            state = {name: array.copy() for name, array in arrays(run.net)} if self.restore else self.state
            at_once(setting([(self, "state", state), (self, "best", value), (self, "best_epoch", run.epoch)]))
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop(f"{self.monitor} did not improve for {self.patience} epochs after epoch {self.best_epoch}")

    def after_training(self, run: Run) -> None:
        if self.restore and self.best_epoch:
            at_once(filling([(array, self.state[name]) for name, array in arrays(run.net)]))

    def state_dict(self) -> dict[str, Any]:
        """Return the best value (None: no epoch has ended), its epoch, and copies of the arrays of that epoch, by name."""
        return {"best": None if math.isinf(self.best) else self.best, "best_epoch": self.best_epoch,
                "state": {name: array.copy() for name, array in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another EarlyStopping with these settings was; StateError for what ``state_dict`` does not return."""
        held = state.get("state") if isinstance(state, Mapping) and state.keys() == {"best", "best_epoch", "state"} else None
        if not isinstance(held, Mapping) or not all(isinstance(array, np.ndarray) for array in held.values()):
            raise StateError("EarlyStopping: state must hold best, best_epoch and state, a dict of arrays, as of state_dict(), "
                             f"got {in_a_line(state)}")
        best = math.inf if state["best"] is None else real("best", state["best"])
        at_once(setting([(self, "best", best), (self, "best_epoch", positive_int("best_epoch", state["best_epoch"], 0)),
                         (self, "state", {name: array.copy() for name, array in held.items()})]))

    def after_divergence(self, run: Run) -> str | None:
        self.after_training(run)
        return (f"EarlyStopping has restored the state of epoch {self.best_epoch}, the best by {self.monitor}"
                if self.restore and self.best_epoch else None)


def arrays(net: Module) -> list[tuple[str, NDArray[Any]]]:
    """Return the arrays of the parameters and buffers. Unlike load_state_dict, EarlyStopping puts back any numbers."""
    return [(name, parameter.data) for name, parameter in net.named_parameters()] + net.named_buffers()
