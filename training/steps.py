"""One training step: forward, loss, backward, update, and the step of the optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import Array, positive_int, real
from ..losses import Loss
from ..modules import Module
from ..optim import Optimizer, clip_grad_norm


class Step:
    """A training step, called with a batch: forward, loss, backward, update, and the step of the optimizer.

    It is the step of ``fit`` and of the experiments, for a loop of your own.

    Parameters
    ----------
    net, loss, optimizer : Module, Loss and Optimizer
    clip : float > 0, default None
        The largest norm of the gradient: between update and step, ``clip_grad_norm`` scales a longer one down to it.
    accumulate : int, default 1
        The optimizer makes a step after so many batches, along the gradient of them all: that of one batch with all their
        examples. BatchNorm normalizes each batch by itself.
    before_step : iterable of functions, default ()
        Called without arguments between update and the clipping.

    Attributes
    ----------
    prediction : array
        The network's output for the last batch.
    waiting : int
        Number of batches whose gradients wait for a step of the optimizer; 0 after each step.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.blobs(60, rng=0)
    >>> net = rp.Linear(2, 3, rng=0)
    >>> step = rp.Step(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), clip=1.0)
    >>> costs = [step(xb, yb) for xb, yb in rp.datasets.batches(x, y, batch_size=20, rng=0)]
    >>> costs[0] > costs[2]
    True
    """

    def __init__(self, net: Module, loss: Loss, optimizer: Optimizer, *, clip: float | None = None, accumulate: int = 1,
                 before_step: Sequence[Callable[[], Any]] = ()) -> None:
        self.net, self.loss, self.optimizer, self.before_step = net, loss, optimizer, before_step
        self.clip = None if clip is None else real("clip", clip, 0, above=True)
        self.accumulate = positive_int("accumulate", accumulate)
        self.waiting, self.divisor = 0, 0.0
        self.prediction: Array

    def __call__(self, x: Any, y: Any, weight: Any = None) -> float:
        """Train on one batch, and return its cost, measured before the step. If it is not finite, nothing is moved.

        ``weight``, of shape (batch,), has the weight of each example; None: 1.
        """
        self.prediction = self.net.forward(x)
        cost = float(self.loss.forward(self.prediction, y) if weight is None
                     else self.loss.forward(self.prediction, y, weight))
        if math.isfinite(cost):
            share = None if self.accumulate == 1 else self.share()
            self.net.backward(self.loss.backward(share), input_gradient=False)
            if self.waiting:
                self.net.accumulate()
            else:
                self.net.update()
            self.waiting += 1
            if self.waiting == self.accumulate:
                self.finish()
        return cost

    def finish(self) -> None:
        """Make the step of the optimizer for which gradients wait, if there are any: at the end of an epoch, or sooner."""
        if self.waiting:
            if self.accumulate > 1:
                self.average()
            for call in self.before_step:
                call()
            if self.clip is not None:
                clip_grad_norm(self.optimizer.parameters(), self.clip)
            self.optimizer.step()
            self.waiting = 0

    def share(self) -> float:
        """Return the factor of the gradient of one of several batches: it makes the mean of its costs their sum."""
        share = self.loss.divisor if self.loss.reduction == "mean" else 1.0
        self.divisor = share if not self.waiting else self.divisor + share
        return share

    def average(self) -> None:
        """Divide the sum of gradients by what the sum of all these costs is divided by."""
        if self.loss.reduction == "mean" and self.divisor:
            for parameter in self.net.parameters():
                if not parameter.frozen:
                    parameter.grad /= self.divisor
