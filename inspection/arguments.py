"""What every function that takes a network and its loss asks of them first."""

from __future__ import annotations

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, NonFiniteError
from ..losses import Loss
from ..modules import Module

ROWS = 512                                                          # examples that are in a net at once


def net_and_loss(net: Module, loss: Loss) -> None:
    """ArgumentError unless these are a module and a loss."""
    for name, value, kind in (("net", net, Module), ("loss", loss, Loss)):
        if not isinstance(value, kind):
            raise ArgumentError(f"{name} must be a {kind.__name__}, got {value!r}")


def uncoupled(net: Module) -> None:
    """ArgumentError unless each example has a gradient of its own; the net is in evaluation mode."""
    coupling = next((module for _, module in net.named_modules() if module.batch_dependent), None)
    if coupling is not None:
        raise ArgumentError("net must not couple the examples, whose gradients are to be their own, in evaluation mode, "
                            f"as {coupling!r} does")


def finite_cost(cost: float | Array) -> None:
    """NonFiniteError for a cost, or costs, that have no derivative."""
    if not np.isfinite(cost).all():
        raise NonFiniteError(f"the cost of this batch is {cost}: it has no derivative")
