"""Checks that several tools make of a network, its loss and their cost."""

from __future__ import annotations

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, NonFiniteError
from ..losses import Loss
from ..modules import Module
from ..modules.core.values import Value

ROWS = 512                                                          # examples per propagation, to bound memory


def net_and_loss(net: Module, loss: Loss) -> None:
    """Raise ArgumentError unless these are a module and a loss."""
    for name, value, kind in (("net", net, Module), ("loss", loss, Loss)):
        if not isinstance(value, kind):
            raise ArgumentError(f"{name} must be a {kind.__name__}, got {value!r}")


def independent_examples(net: Module) -> None:
    """Raise ArgumentError if the output of one example depends on the others; the net is in evaluation mode."""
    dependent = next((module for _, module in net.named_modules() if module.batch_dependent), None)
    if dependent is not None:
        raise ArgumentError("net must compute each example independently in evaluation mode, got a batch-dependent module, "
                            f"{dependent!r}")


def real_inputs(net: Module, x: Value) -> None:
    """Raise ArgumentError if x holds integers: no small change of it has a meaning."""
    if any(net.holds_integers(x)):
        taker = next(module for _, module in net.leaves() if module.takes_integers)
        raise ArgumentError(f"net must read numbers that can change by little, got integers, which {taker!r} takes")


def finite_cost(cost: float | Array) -> None:
    """Raise NonFiniteError for a cost, or costs, that are not finite and so have no derivative."""
    if not np.isfinite(cost).all():
        raise NonFiniteError(f"the cost of this batch is {cost}: it has no derivative")
