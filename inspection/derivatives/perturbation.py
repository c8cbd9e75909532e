"""The impact of a parameter: move it, and see whether the cost rises or falls (lecture, slides 36-38)."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, one_of
from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...printing import aligned
from .batch_cost import BatchCost
from .differences import moved

SHOWN = 9                                                           # rows of a table, at most


@dataclass(frozen=True, eq=False)
class Perturbation:
    """The cost as one number of a parameter moves; prints as a sentence and a table.

    Attributes
    ----------
    name : str
        Of the parameter.
    index : tuple of int
        Of the number in it.
    value, cost, gradient : float
        The number, the cost and its derivative where the network is.
    deltas, costs : arrays
        By how much the number moves, and the costs there.
    """

    name: str
    index: tuple[int, ...]
    value: float
    cost: float
    gradient: float
    deltas: Array
    costs: Array

    @property
    def predicted(self) -> Array:
        """Costs as the gradient predicts them: on the tangent, C + g δ."""
        return self.cost + self.gradient * self.deltas

    @property
    def entry(self) -> str:
        """Name and index: ``2.weight[0, 3]``."""
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name

    @property
    def effect(self) -> str:
        """What the sign of the gradient says."""
        if not self.gradient:
            return "a small change of it leaves the cost as it is"
        return f"increasing it {'raises' if self.gradient > 0 else 'lowers'} the cost"

    def __str__(self) -> str:
        shown = np.unique(np.linspace(0, len(self.deltas) - 1, SHOWN).round().astype(int))
        rows = [(f"{self.deltas[k]:+.4g}", f"{self.costs[k]:.6g}", f"{self.predicted[k]:.6g}") for k in shown]
        return (f"{self.entry} = {self.value:.6g}: cost {self.cost:.6g}, gradient {self.gradient:.6g}: {self.effect}\n"
                + aligned([("moved by", "cost", "predicted"), *rows]))


def perturb(net: Module, loss: Loss, x: Any, y: ArrayLike, name: str, index: int | tuple[int, ...] = (),
            deltas: ArrayLike | None = None) -> Perturbation:
    """Move one number of a parameter and compute the cost, beside what the gradient predicts.

    Parameters
    ----------
    net, loss, x, y
        As for ``finite_differences``.
    name : str
        Of a parameter, as in ``net.named_parameters()``: ``"2.weight"``.
    index : int or tuple of int
        Of the number in it: ``(0, 3)`` is the weight from input 3 to output 0.
    deltas : array_like of floats, optional
        By how much it is moved, one after another; by default 41 numbers from -1 to 1.

    Returns
    -------
    Perturbation
        Drawn by ``rp.plots.perturbation``.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5), rng=0))
    >>> print(rp.perturb(net, rp.MSE(), [[1.0, 2.0]], [[0.0]], "0.weight", (0, 1), [-0.1, 0.0, 0.1]))
    0.weight[0, 1] = 0.5: cost 2.25, gradient 6: increasing it raises the cost
    moved by  cost  predicted
    -------------------------
    -0.1      1.69       1.65
    +0        2.25       2.25
    +0.1      2.89       2.85
    """
    cost = BatchCost(net, loss, x, y)
    one_of("name", name, cost.parameters)
    a = cost.parameters[name]
    at = checked_index(name, index, a.shape)
    entry = int(np.ravel_multi_index(at, a.shape))
    delta = np.linspace(-1, 1, 41) if deltas is None else np.asarray(deltas, float).reshape(-1)
    if delta.size == 0 or not np.isfinite(delta).all():
        raise ArgumentError(f"deltas must hold finite numbers, and at least one, got {deltas!r}")
    point = cost.point()
    with np.errstate(over="ignore", invalid="ignore"):              # whoever moves it far may see the cost overflow
        costs = np.array([moved(cost, a, entry, d) for d in delta])
    return Perturbation(name, at, float(a[at]), point.cost, float(point.parameters[name][at]), delta, costs)


def checked_index(name: str, index: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of one number, counted from the front; ArgumentError if there is none at it."""
    try:
        at = tuple(operator.index(i) for i in (index if isinstance(index, tuple) else (index,)))
    except TypeError:
        at = None
    if at is None or len(at) != len(shape) or not all(-n <= i < n for i, n in zip(at, shape, strict=True)):
        raise ArgumentError(f"index must name one number of {name}, which has shape {shape}, got {index!r}")
    return tuple(i % n for i, n in zip(at, shape, strict=True))
