"""One training step: forward, loss, backward, update, and the step of the optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import Array, in_a_line, positive_int, real
from ..errors import ArgumentError, StateError
from ..losses import Loss
from ..modules import Module
from ..modules.core.state import load_arrays
from ..optim import Optimizer, clip_grad_norm
from ..restoring import at_once, filling, setting
from .metrics import check_reduces


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

    Notes
    -----
    Between two steps of the optimizer, a Checkpoint must hold the gradients that wait: give it ``also={"step": step}``.

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
        check_reduces(net, loss)
        check_trainable(net, optimizer)
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

    def state_dict(self) -> dict[str, Any]:
        """Return ``waiting``, ``divisor``, and copies of the ``gradients`` that wait, by the names of the parameters."""
        return {"waiting": self.waiting, "divisor": float(self.divisor),
                "gradients": {name: grad.copy() for name, grad in self.gradients().items()} if self.waiting else {}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another Step of this network was; StateError, and nothing has changed, for a wrong state."""
        names = {"waiting", "divisor", "gradients"}
        if not isinstance(state, Mapping) or state.keys() != names or not isinstance(state["gradients"], Mapping):
            raise StateError("Step: state must hold waiting, divisor and gradients, as of state_dict(), got "
                             f"{in_a_line(state)}")
        waiting, divisor = positive_int("waiting", state["waiting"], 0), real("divisor", state["divisor"], 0)
        if waiting >= self.accumulate:
            raise StateError(f"Step: state must have fewer batches waiting than accumulate={self.accumulate}, got {waiting}")
        mine = self.gradients() if waiting else {}
        new = {name: np.empty_like(grad) for name, grad in mine.items()}
        load_arrays("Step", new, state["gradients"], nonfinite=new)
        at_once(filling([(grad, new[name]) for name, grad in mine.items()]),
                setting([(self, "waiting", waiting), (self, "divisor", divisor),
                         *((p.flat, "updated", True) for p in self.net.parameters() if waiting)]))

    def gradients(self) -> dict[str, Array]:
        """Return the gradients of the parameters that are not frozen."""
        return {name: parameter.grad for name, parameter in self.net.named_parameters() if not parameter.frozen}

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


def check_trainable(net: Module, optimizer: Optimizer) -> None:
    """Raise ArgumentError unless the optimizer moves a parameter of the network."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"optimizer must be an Optimizer, such as SGD(net.parameters(), lr=0.1), got "
                            f"{in_a_line(optimizer)}")
    own = set(net.parameters())
    held = [parameter for parameter in optimizer.parameters() if parameter in own]
    if not held:
        raise ArgumentError("optimizer must hold parameters of net, got one that was built for another network")
    if all(parameter.frozen for parameter in held):
        raise ArgumentError("optimizer must hold a parameter of net that is not frozen, got frozen ones only: nothing would be "
                            "trained")
