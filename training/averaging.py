"""EMA: the exponential moving average of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import Array, as_floating, in_a_line, positive_int, real
from ..errors import ArgumentError, StateError
from ..modules import Module
from ..modules.core.state import load_arrays
from ..restoring import Restored, at_once, filling, setting
from ..underflow import unreported
from .callbacks import Callback, Run, arrays


class EMA(Callback):
    r"""Keep the exponential moving average of the parameters, which often generalizes better than the last ones.

    Give it to ``fit`` as a callback; training itself does not change, and a second ``fit`` goes on with the average. In a loop
    of your own, call ``ema.update(net)`` after ``sgd.step()``.

    Parameters
    ----------
    decay : float in [0, 1), default 0.999
        Share of the average that each step keeps.

    Attributes
    ----------
    count : int
        Number of steps in the average.

    Notes
    -----
    The first step's parameters are the first average :math:`a`; each later step sets :math:`a \leftarrow \beta a +
    (1 - \beta) p`, with the decay β, as PyTorch's ``AveragedModel`` does with ``get_ema_multi_avg_fn(decay)``. Buffers, such as
    BatchNorm's statistics, are copied.

    References
    ----------
    Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging".

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.moons(200, noise=0.1, rng=0)
    >>> net = rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 2, rng=1))
    >>> loss, ema = rp.CrossEntropy(), rp.EMA(0.9)
    >>> history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.5), (x, y), epochs=5, rng=0, callbacks=[ema])
    >>> with ema.average(net):
    ...     found = rp.evaluate(net, loss, x, y)
    >>> found.accuracy > 0.8
    True
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = real("decay", decay, 0, 1, below=True)
        self.count, self.state = 0, dict[str, Array]()

    def after_step(self, run: Run) -> None:
        self.update(run.net)

    @unreported
    def update(self, net: Module) -> None:
        """Take the parameters of the network into the average, after a step."""
        if not self.count:
            at_once(setting([(self, "state", {name: array.copy() for name, array in arrays(net)}), (self, "count", 1)]))
            return
        parameters = dict(net.named_parameters())
        state = [(average, average + (array - average) * (1 - self.decay) if name in parameters else array)
                 for (name, array), average in zip(arrays(net), self.own(net), strict=True)]
        at_once(filling(state), setting([(self, "count", self.count + 1)]))

    def own(self, net: Module) -> list[Array]:
        """Return the averages in the order of ``arrays(net)``; an error if there are none, or those of another network."""
        if not self.count:
            raise ArgumentError("EMA: there is no average yet: give ema to fit as a callback, or call ema.update(net)")
        if [(name, array.shape) for name, array in arrays(net)] != [(name, one.shape) for name, one in self.state.items()]:
            raise ArgumentError(f"EMA: net must be the network whose parameters were averaged, got {in_a_line(net)}")
        return list(self.state.values())

    def average(self, net: Module) -> Restored:
        """Return a context manager in which the network has the average; after it, it has again what it had before.

        ``with ema.average(net): rp.evaluate(net, loss, x, y)``.
        """
        now = [(array, array.copy()) for _, array in arrays(net)]
        return Restored([filling(now)], [self.averages(net)])

    def apply(self, net: Module) -> None:
        """Give the network the average for good: at the end of training."""
        at_once(self.averages(net))

    def averages(self, net: Module) -> Any:
        """Return the act that writes the averages into the network."""
        return filling(list(zip((array for _, array in arrays(net)), self.own(net), strict=True)))

    def state_dict(self) -> dict[str, Any]:
        """Return ``count``, and ``average``: copies of the averages, and of the buffers, by their names in the network."""
        return {"count": self.count, "average": {name: array.copy() for name, array in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with another EMA's average; StateError, and nothing has changed, for a wrong state."""
        if not isinstance(state, Mapping) or state.keys() != {"count", "average"} or not isinstance(state["average"], Mapping):
            raise StateError(f"EMA: state must hold count and average, as of state_dict(), got {in_a_line(state)}")
        count, given = positive_int("count", state["count"], 0), state["average"]
        new = {name: np.empty_like(as_floating(array, None, name)) for name, array in given.items()}
        load_arrays("EMA", new, given)
        if bool(count) != bool(new):
            raise StateError(f"EMA: state must hold averages after the first step only, got {len(new)} after {count} steps")
        at_once(setting([(self, "state", new), (self, "count", count)]))
