"""The effect of one number of a parameter on the cost (lecture, slides 36-38)."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, one_of
from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...printing import aligned
from .batch_cost import BatchCost
from .differences import moved

SHOWN = 9                                                           # rows of the table, at most


@dataclass(frozen=True, eq=False)
class Perturbation:
    """The cost as a function of one number of a parameter; prints as a sentence and a table.

    Attributes
    ----------
    name : str
        Name of the parameter.
    index : tuple of int
        Index of the number in the parameter.
    value, cost, gradient : float
        The number, the cost and the derivative of the cost, before any change.
    deltas, costs : arrays
        Changes of the number, and the cost after each.
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
        """The costs that the gradient predicts, on the tangent: C + g δ."""
        return self.cost + self.gradient * self.deltas

    @property
    def entry(self) -> str:
        """Name and index, as ``2.weight[0, 3]``."""
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name

    @property
    def effect(self) -> str:
        """What the sign of the gradient means, in words."""
        if not self.gradient:
            return "a small change leaves the cost as it is"
        return f"increasing it {'raises' if self.gradient > 0 else 'lowers'} the cost"

    def __str__(self) -> str:
        shown = np.unique(np.linspace(0, len(self.deltas) - 1, SHOWN).round().astype(int))
        rows = [(f"{self.deltas[k]:+.4g}", f"{self.costs[k]:.6g}", f"{self.predicted[k]:.6g}") for k in shown]
        return (f"{self.entry} = {self.value:.6g}: cost {self.cost:.6g}, gradient {self.gradient:.6g}: {self.effect}\n"
                + aligned([("change", "cost", "predicted"), *rows]))


def perturb(net: Module, loss: Loss, x: Any, y: ArrayLike, name: str, index: int | tuple[int, ...] = (),
            deltas: ArrayLike | None = None) -> Perturbation:
    """Change one number of a parameter, and compute the cost and the cost that the gradient predicts.

    Parameters
    ----------
    net, loss, x, y
        As for ``finite_differences``.
    name : str
        Name of a parameter, as in ``net.named_parameters()``: ``"2.weight"``.
    index : int or tuple of int
        Index of the number: ``(0, 3)`` is the weight from input 3 to output 0.
    deltas : array_like of floats, optional
        Changes of the number, each from its present value; by default 41 changes from -1 to 1.

    Returns
    -------
    Perturbation
        ``rp.plots.perturbation`` draws it.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5), rng=0))
    >>> print(rp.perturb(net, rp.MSE(), [[1.0, 2.0]], [[0.0]], "0.weight", (0, 1), [-0.1, 0.0, 0.1]))
    0.weight[0, 1] = 0.5: cost 2.25, gradient 6: increasing it raises the cost
    change  cost  predicted
    -----------------------
    -0.1    1.69       1.65
    +0      2.25       2.25
    +0.1    2.89       2.85
    """
    cost = BatchCost(net, loss, x, y)
    one_of("name", name, cost.parameters)
    a = cost.parameters[name]
    at = checked_index(name, index, a.shape)
    entry = int(np.ravel_multi_index(at, a.shape))
    delta = np.linspace(-1, 1, 41) if deltas is None else as_floating(deltas, np.dtype(float), "deltas").reshape(-1)
    if delta.size == 0 or not np.isfinite(delta).all():
        raise ArgumentError(f"deltas must hold at least one number, all finite, got {deltas!r}")
    point = cost.point()
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):              # a large change may make the cost overflow
        costs = np.array([moved(cost, a, entry, d) for d in delta])
    return Perturbation(name, at, float(a[at]), point.cost, float(point.parameters[name][at]), delta, costs)


def checked_index(name: str, index: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of one number, without negative integers; ArgumentError if it is out of range."""
    try:
        at = tuple(operator.index(i) for i in (index if isinstance(index, tuple) else (index,)))
    except TypeError:
        at = None
    if at is None or len(at) != len(shape) or not all(-n <= i < n for i, n in zip(at, shape, strict=True)):
        raise ArgumentError(f"index must be that of one number in {name}, which has shape {shape}, got {index!r}")
    return tuple(i % n for i, n in zip(at, shape, strict=True))
