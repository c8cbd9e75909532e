"""A network as a function of one vector, and the search of one of SciPy's methods for its lowest cost."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, NonFiniteError
from ...modules import Module
from ...modules.core.evaluation import preserved_modes
from ...modules.core.rewinding import rewound
from ...modules.core.values import Value
from ...progress import progress_bar
from ...restoring import Restored, at_once, filling, setting
from ..history import History
from ..session import interactive

LARGE = 1e3                                                         # how much a cost that is not finite is above the lowest
Note = Callable[[Array], None]                                      # what is called with the vector of each iteration


class Objective(ABC):
    """A network, evaluated on all examples, as a function of one float64 vector, which holds the parameters that move.

    Attributes
    ----------
    start : float64 array
        The vector of the parameters as they were.
    lowest, gradient_norm : float
        The lowest cost so far, and the norm of the gradient there.
    best : list of arrays
        The parameters there.
    evaluations : int
    """

    who = ""                                                        # the function, for its errors

    def __init__(self, net: Module, x: Value, y: Array) -> None:
        self.net, self.x, self.y = net, x, y
        self.moving = [parameter for parameter in net.parameters() if not parameter.frozen]
        if not self.moving:
            raise ArgumentError(f"{self.who}: net must have a parameter that is not frozen, got {net!r}")
        self.start = self.joined([parameter.data for parameter in self.moving])
        self.best = [parameter.data.copy() for parameter in self.moving]
        self.lowest, self.gradient_norm, self.evaluations = math.inf, math.nan, 0

    @abstractmethod
    def __call__(self, vector: Array) -> Any:
        """Return what SciPy asks for at this vector."""

    def begin(self) -> None:
        """Evaluate the start; raise an error if the network draws, or the cost is not finite."""
        with rewound(self.net) as drawn, drawn:
            before = states(self.net)
            self(self.start)
            draws = states(self.net) != before
        if draws:
            raise ArgumentError(f"{self.who}: net must not draw random numbers, as Dropout does in training mode: call "
                                "net.eval()")
        if math.isinf(self.lowest):
            raise NonFiniteError(f"{self.who}: the cost at the start must be finite, got NaN or infinity")

    def move(self, vector: Array) -> None:
        """Write the vector into the parameters, and count an evaluation."""
        at_once(filling(zip((parameter.data for parameter in self.moving), self.parts(vector), strict=True)))
        self.evaluations += 1

    def keep(self, cost: float, gradient_norm: float = math.nan) -> None:
        """Keep the parameters as they are now if the cost is lower than all before."""
        if cost < self.lowest:
            best = [parameter.data.copy() for parameter in self.moving]
            at_once(setting([(self, "best", best), (self, "lowest", cost), (self, "gradient_norm", gradient_norm)]))

    def put_back(self) -> Iterator[Any]:
        """Write the parameters with the lowest cost into the network: an act of ``restoring``."""
        return filling(zip((parameter.data for parameter in self.moving), self.best, strict=True))()

    def joined(self, arrays: list[Array]) -> Array:
        return np.concatenate([array.ravel() for array in arrays]).astype(float)

    def parts(self, vector: Array) -> list[Array]:
        ends = np.cumsum([parameter.data.size for parameter in self.moving])[:-1]
        return [part.reshape(parameter.shape) for part, parameter in zip(np.split(vector, ends), self.moving, strict=True)]


def states(net: Module) -> list[str]:
    return [repr(rng.bit_generator.state) for _, rng in net.named_generators()]


def searched(objective: Objective, solve: Callable[[Note], str], max_iter: int, progress: bool) -> History:
    """Let ``solve`` search, while the statistics of the network are held, and return the history.

    ``solve`` calls its argument after each iteration, and returns why the search ended. At the end, whatever it is, the
    network has the parameters with the lowest cost.
    """
    net = objective.net
    with preserved_modes(net) as kept, kept:
        for module in (module for _, module in net.named_modules() if module.buffers):
            module.training = False
        with Restored([objective.put_back]) as best, best:
            objective.begin()
            return recorded(objective, solve, max_iter, progress)


def recorded(objective: Objective, solve: Callable[[Note], str], max_iter: int, progress: bool) -> History:
    """Return the history of the search, with an entry for the start and for each iteration."""
    history, start = History(), time.perf_counter()
    with progress_bar(max_iter, "iteration", progress) as shown:
        def note(_: Array) -> None:
            nonlocal start
            now = time.perf_counter()
            history.append({
                "epoch": float(len(history.get("epoch", ()))), "cost": objective.lowest,
                "gradient_norm": objective.gradient_norm, "evaluations": float(objective.evaluations), "seconds": now - start})
            start = now
            shown.update(len(history["epoch"]) > 1)
            shown.set_postfix_str(f"cost {objective.lowest:.4g}", refresh=False)
        note(objective.start)
        try:
            history.stopped = solve(note)
        except KeyboardInterrupt as error:
            history.stopped, history.interrupted = "interrupted", True
            if not interactive():
                history.attached(error)
                raise
    return history
