"""Callbacks: code that ``fit`` calls before, between and after its steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import positive_int, real
from ..errors import ArgumentError
from ..losses import Loss
from ..modules import Module
from ..optim import Optimizer
from .history import History


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
    x, y : arrays
        The current batch; ``before_batch`` may replace it.
    cost : float
        The cost of the current batch.
    """

    net: Module
    loss: Loss
    optimizer: Optimizer
    history: History
    epoch: int = 0
    batch: int = 0
    x: NDArray[Any] = field(repr=False, default_factory=lambda: NotImplemented)
    y: NDArray[Any] = field(repr=False, default_factory=lambda: NotImplemented)
    cost: float = math.nan

    def stop(self, reason: str) -> None:
        """End training after this epoch, and store the reason in ``history.stopped``."""
        self.history.stopped = reason


class Callback:
    """Base class of callbacks: override the methods that you need. ``fit`` calls a plain function as ``after_epoch``."""

    def before_training(self, run: Run) -> None:
        """Called once, before the first batch."""

    def before_batch(self, run: Run) -> None:
        """Called before the step on ``run.x`` and ``run.y``."""

    def after_step(self, run: Run) -> None:
        """Called after the optimizer has moved the parameters."""

    def after_epoch(self, run: Run) -> None:
        """Called after each epoch, whose entries are in ``run.history``."""

    def after_training(self, run: Run) -> None:
        """Called once, after the last epoch, a stop or an interruption; not after an error."""


class AfterEpoch(Callback):
    """Callback that calls a plain function after each epoch."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Run) -> None:
        self.function(run)


class EarlyStopping(Callback):
    """Stop training when a column of the history has not improved for some epochs, and restore the best state.

    Parameters
    ----------
    patience : int, default 10
        Number of epochs without improvement after which training stops.
    monitor : str, default "validation_cost"
        The column of the history. It improves when it falls, or, if its name ends in ``accuracy``, when it rises.
    min_delta : float, at least 0, default 0
        An improvement of at most this size does not count.
    restore : bool, default True
        Whether to load the state of the best epoch into the network when training ends.
    """

    def __init__(self, patience: int = 10, monitor: str = "validation_cost", min_delta: float = 0.0,
                 restore: bool = True) -> None:
        self.patience, self.monitor = positive_int("patience", patience), monitor
        self.min_delta, self.restore = real("min_delta", min_delta, 0), restore

    def before_training(self, run: Run) -> None:
        self.best, self.best_epoch, self.state = math.inf, 0, run.net.state_dict()

    def after_epoch(self, run: Run) -> None:
        if self.monitor not in run.history:
            raise ArgumentError(f"EarlyStopping: monitor must be one of {', '.join(run.history)}, got {self.monitor!r}"
                                f"{'; give fit validation data' if self.monitor.startswith('validation') else ''}")
        value = run.history[self.monitor][-1] * (-1 if self.monitor.endswith("accuracy") else 1)
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, run.epoch
            self.state = run.net.state_dict() if self.restore else self.state
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop(f"{self.monitor} did not improve for {self.patience} epochs after epoch {self.best_epoch}")

    def after_training(self, run: Run) -> None:
        if self.restore and self.best_epoch:
            run.net.load_state_dict(self.state)


class MaxNorm(Callback):
    """Bound the norm of each unit's incoming weights: after each step, scale a vector longer than c back to norm c.

    Parameters
    ----------
    c : float > 0
        The largest norm allowed; 3 to 4 are usual (the paper uses 2 on MNIST).

    Notes
    -----
    A unit's vector is a row of a Linear's weight, or a filter of a Conv2d: axis 0 of every parameter called ``weight``
    that has two axes or more. Biases and frozen weights are not changed. The paper constrains the hidden units only; this
    callback constrains the output layer too, so that no layer has to be named. In a loop of your own, call
    ``max_norm.project(net)`` after ``sgd.step()``.

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", section 5.1 and
    appendix B.1.
    """

    def __init__(self, c: float) -> None:
        self.c = real("c", c, 0, above=True)

    def after_step(self, run: Run) -> None:
        self.project(run.net)

    def project(self, net: Module) -> None:
        """Scale the vectors of ``net`` that are longer than c back to norm c."""
        for name, weight in net.named_parameters():
            if name.rpartition(".")[2] == "weight" and weight.data.ndim >= 2 and not weight.frozen:
                columns = weight.T.reshape(-1, len(weight.data))    # a view: parameters are column-major
                norms = np.sqrt(np.einsum("ij,ij->j", columns, columns, dtype=np.float64))
                if (norms > self.c).any():
                    columns *= (self.c / np.maximum(norms, self.c)).astype(columns.dtype)
