"""Norms of the gradient and of the parameters, as columns of the history, and a bound of those of each unit's weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arguments import Array, in_a_line, positive_int, real
from ..errors import StateError
from ..modules import Module, Parameter
from ..restoring import at_once, setting
from ..underflow import unreported
from .callbacks import Callback, Run


class Norms(Callback):
    """Add the norms of the gradient and of the parameters to the history: give it to ``fit`` as a callback.

    The columns are ``gradient_norm``, the mean over the steps of the epoch, before clipping, and ``parameter_norm``, at the end
    of the epoch. Both are Euclidean norms of all parameters together; frozen ones are left out.

    Parameters
    ----------
    each : bool, default False
        Whether to add the two columns for each parameter too, as ``gradient_norm of 0.weight``; NaN while it is frozen again.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.moons(200, rng=0)
    >>> net = rp.Linear(2, 2, rng=0)
    >>> history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=3, rng=0,
    ...                  callbacks=[rp.Norms()])
    >>> len(history["gradient_norm"]), history["gradient_norm"][0] > history["gradient_norm"][-1]
    (3, True)
    """

    def __init__(self, each: bool = False) -> None:
        self.each = bool(each)
        self.steps, self.sums = 0, dict[str, float]()

    def before_training(self, run: Run) -> None:
        at_once(setting([(self, "steps", 0), (self, "sums", {})]))

    def before_step(self, run: Run) -> None:
        found = self.norms("gradient_norm", [(name, parameter.grad) for name, parameter in trained(run.net)])
        sums = {name: self.sums.get(name, 0.0) + norm for name, norm in found.items()}
        at_once(setting([(self, "steps", self.steps + 1), (self, "sums", sums)]))

    def after_epoch(self, run: Run) -> None:
        means = {name: total / self.steps for name, total in self.sums.items()}
        found = means | self.norms("parameter_norm", [(name, one.data) for name, one in trained(run.net)])
        begun = [name for name in run.history if name.startswith(("gradient_norm of ", "parameter_norm of "))]
        run.history.append(dict.fromkeys(begun if self.each else [], math.nan) | found)
        at_once(setting([(self, "steps", 0), (self, "sums", {})]))

    @unreported
    def norms(self, column: str, named: Iterable[tuple[str, Array]]) -> dict[str, float]:
        """Return the norm of all the arrays, and those of each if they are asked for, by the names of their columns."""
        squares = {name: float(np.square(array, dtype=float).sum()) for name, array in named}
        single = {f"{column} of {name}": math.sqrt(square) for name, square in squares.items()} if self.each else {}
        return {column: math.sqrt(sum(squares.values()))} | single

    def state_dict(self) -> dict[str, Any]:
        """Return the sums over the steps of an epoch that has not ended, as numbers that JSON can hold."""
        return {"steps": self.steps, "sums": dict(self.sums)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on in the middle of an epoch; StateError or ArgumentError, and nothing has changed, for a wrong state."""
        if not isinstance(state, Mapping) or state.keys() != {"steps", "sums"} or not isinstance(state["sums"], Mapping):
            raise StateError(f"Norms: state must hold steps and sums, as of state_dict(), got {in_a_line(state)}")
        sums = {str(name): real(f"sum of {name}", total, 0) for name, total in state["sums"].items()}
        at_once(setting([(self, "steps", positive_int("steps", state["steps"], 0)), (self, "sums", sums)]))


def trained(net: Module) -> list[tuple[str, Parameter]]:
    return [(name, parameter) for name, parameter in net.named_parameters() if not parameter.frozen]


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

    @unreported
    def project(self, net: Module) -> None:
        """Scale the vectors of ``net`` that are longer than c back to norm c."""
        for name, weight in net.named_parameters():
            if name.rpartition(".")[2] == "weight" and weight.data.ndim >= 2 and not weight.frozen:
                columns = weight.T.reshape(-1, len(weight.data))    # a view: parameters are column-major
                norms = np.sqrt(np.einsum("ij,ij->j", columns, columns, dtype=np.float64))
                if (norms > self.c).any():
                    columns *= (self.c / np.maximum(norms, self.c)).astype(columns.dtype)
