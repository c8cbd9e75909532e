"""What an attack is after: a higher cost of each example, and a wrong class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating
from ...datasets.checks import finite, inputs_and_targets
from ...errors import NonFiniteError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.rewinding import unchanged
from ...training.metrics import hits, of_classes, threshold_of
from ..arguments import finite_cost, net_and_loss, uncoupled
from ..per_example.gradients import respared


class Reached(NamedTuple):
    """How far an attack has come with each example."""

    success: Array                                                  # bool: the class is wrong (or the one that is wanted)
    gain: Array                                                     # the cost (or its negative)


class Objective:
    """The cost of each example as a function of x, to be raised; of a targeted attack its negative."""

    def __init__(self, net: Module, loss: Loss, y: Array, targeted: bool) -> None:
        self.net, self.loss, self.y, self.targeted = net, deepcopy(loss), y, bool(targeted)
        self.loss.reduction = "none"                                # then no example's gradient depends on the others
        self.classes = of_classes(loss, y)

    def part(self, rows: slice) -> Objective:
        """That of some of the examples."""
        return Objective(self.net, self.loss, self.y[rows], self.targeted)

    def at(self, x: Array) -> Reached:
        """Evaluate it at x; without classes there is no success."""
        prediction = self.net.forward(x)
        costs = self.loss.forward(prediction, self.y)
        finite_cost(costs)
        right = hits(prediction, self.y, threshold_of(self.loss)) if self.classes else np.full(len(x), not self.targeted)
        gain = costs.reshape(len(x), -1).sum(1, dtype=float)
        return Reached(right, -gain) if self.targeted else Reached(~right, gain)

    def gradient(self) -> Array:
        """With respect to x, where it was evaluated last: ``backward`` without ``update``."""
        g = self.net.backward(self.loss.backward())
        if not np.isfinite(g).all():
            raise NonFiniteError("the gradient of the cost with respect to x is not finite")
        return np.negative(g) if self.targeted else np.asarray(g)


@contextmanager
def evaluation(net: Module) -> Iterator[None]:
    """Inside, the network is in evaluation mode; afterwards it is as it was."""
    with unchanged(net):
        net.eval()
        uncoupled(net)
        with respared(net):
            yield


def attacked(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Examples, float32 or float64, and targets; an error for what cannot be attacked."""
    net_and_loss(net, loss)
    if net.arity != 1:
        count = "several" if net.arity is None else net.arity
        raise ShapeError(f"net must read one array, the one to be changed, got a network of {count} inputs")
    x, y = inputs_and_targets(x, y, arity=1)
    return finite("x", as_floating(x, None, "x")), finite("y", y)
