"""The objective of an attack: a higher cost of each example, and a wrong class."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating
from ...datasets.checks import HINT, finite, inputs_and_targets
from ...errors import NonFiniteError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.rewinding import reused_workspaces, unchanged
from ...training.metrics import hits, threshold_of, true_classes
from ..arguments import finite_cost, independent_examples, net_and_loss, real_inputs


class Reached(NamedTuple):
    """The value of the objective for each example."""

    success: Array                                                  # bool: the class is wrong (targeted: the class is y)
    gain: Array                                                     # the cost (targeted: its negative)


class Objective:
    """The function of x that an attack maximizes: the cost of each example; its negative for a targeted attack."""

    def __init__(self, net: Module, loss: Loss, y: Array, targeted: bool) -> None:
        self.net, self.loss, self.y, self.targeted = net, deepcopy(loss), y, bool(targeted)
        self.loss.reduction = "none"                                # so that no gradient depends on the other examples
        self.classes = true_classes(loss, y)

    def part(self, rows: slice) -> Objective:
        """Return the objective for some of the examples."""
        part = Objective(self.net, self.loss, self.y[rows], self.targeted)
        part.classes = None if self.classes is None else self.classes[rows]
        return part

    def at(self, x: Array) -> Reached:
        """Evaluate the objective at x; without classes there is no success."""
        prediction = self.net.forward(x)
        costs = self.loss.forward(prediction, self.y)
        finite_cost(costs)
        right = (np.full(len(x), not self.targeted) if self.classes is None
                 else hits(prediction, self.classes, threshold_of(self.loss)))
        gain = costs.reshape(len(x), -1).sum(1, dtype=float)
        return Reached(right, -gain) if self.targeted else Reached(~right, gain)

    def gradient(self) -> Array:
        """Return the gradient with respect to x, at the last point of evaluation: ``backward`` without ``update``."""
        g = self.net.backward(self.loss.backward())
        if not np.isfinite(g).all():
            raise NonFiniteError("the gradient of the cost with respect to x must be finite, got NaN or infinity")
        return np.negative(g) if self.targeted else np.asarray(g)


def in_evaluation(net: Module, attack: Callable[[], Array]) -> Array:
    """Return the result of an attack on the network in evaluation mode; restore the network afterwards."""
    with unchanged(net) as kept, kept:
        net.eval()
        independent_examples(net)
        with reused_workspaces(net):
            return attack()


def checked_examples(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return examples, float32 or float64, and targets; an error if they cannot be attacked."""
    net_and_loss(net, loss)
    if net.arity != 1:
        count = "several" if net.arity is None else net.arity
        raise ShapeError(f"net must have one input, which the attack changes, got {count} inputs")
    x, y = inputs_and_targets(x, y, arity=1)
    real_inputs(net, x)
    return finite("x", as_floating(x, None, "x")), finite("y", y, HINT)
