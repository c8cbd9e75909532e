"""What may happen beside the phases while ``fit`` trains."""

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
    """What callbacks see of a training run, and what they may change: the batch, and whether to go on.

    Attributes
    ----------
    net, loss, optimizer
        As given to ``fit``.
    history : History
        The epochs so far; in ``after_epoch`` with the one that just ended.
    epoch, batch : int
        Both from 1.
    x, y : arrays
        The batch at hand; ``before_batch`` may put another in its place.
    cost : float
        Of the batch at hand.
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
        """End training after this epoch; ``history.stopped`` keeps the reason."""
        self.history.stopped = reason


class Callback:
    """Override what you need; a plain function given to ``fit`` serves as ``after_epoch``."""

    def before_training(self, run: Run) -> None:
        """Once, before the first batch."""

    def before_batch(self, run: Run) -> None:
        """``run.x`` and ``run.y`` are about to be learned from."""

    def after_step(self, run: Run) -> None:
        """The optimizer has moved the parameters."""

    def after_epoch(self, run: Run) -> None:
        """``run.history`` has the epoch's entries."""

    def after_training(self, run: Run) -> None:
        """Once, however training ended, errors excepted."""


class AfterEpoch(Callback):
    """A plain function as a callback."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Run) -> None:
        self.function(run)


class EarlyStopping(Callback):
    """Stop when a column of the history has not fallen for some epochs, and go back to the best parameters.

    Parameters
    ----------
    patience : int, default 10
        Epochs without progress that are waited for.
    monitor : str, default "validation_cost"
        The column; one whose name ends in ``accuracy`` must rise instead.
    min_delta : float, at least 0, default 0
        What counts as progress: more than this.
    restore : bool, default True
        Whether the network gets back the state of its best epoch when training ends.
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
    """Keep the weights that come into each unit short: after each step, a vector longer than c is scaled back to norm c.

    Parameters
    ----------
    c : float > 0
        The longest norm that is allowed; 3 to 4 are usual (in the paper's experiments on MNIST, 2).

    Notes
    -----
    A unit's vector is a row of a Linear's weight, or a filter of a Conv2d: axis 0 of every parameter called ``weight``
    that has two axes or more. Biases, and weights that are frozen, are left alone. The paper constrains the hidden units;
    here the outputs' weights are held too, so that no layer has to be named. In a loop of your own, call
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
        """Scale back the vectors that are too long."""
        for name, weight in net.named_parameters():
            if name.rpartition(".")[2] == "weight" and weight.data.ndim >= 2 and not weight.frozen:
                columns = weight.T.reshape(-1, len(weight.data))    # a view: parameters are column-major
                norms = np.sqrt(np.einsum("ij,ij->j", columns, columns, dtype=np.float64))
                if (norms > self.c).any():
                    columns *= (self.c / np.maximum(norms, self.c)).astype(columns.dtype)
