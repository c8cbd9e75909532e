"""What a gradient costs by finite differences and by backpropagation (lecture, slides 40-41)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from numpy.typing import ArrayLike

from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...printing import aligned
from .batch_cost import BatchCost
from .differences import finite_differences

T = TypeVar("T")
REPEATS = 7                                                         # of backpropagation, which takes microseconds


class GradientCost(NamedTuple):
    """What the gradient of one network costs: propagations of single examples, forward and backward, and seconds."""

    parameters: int                                                 # numbers in the parameters
    differences: int                                                # propagations
    backpropagation: int
    differences_seconds: float
    backpropagation_seconds: float


@dataclass(frozen=True)
class GradientCosts:
    """One row per network, in the given order; prints as a table.

    Attributes
    ----------
    rows : tuple of GradientCost
    """

    rows: tuple[GradientCost, ...]

    def __str__(self) -> str:
        header = ("parameters", "differences", "seconds", "backpropagation", "seconds", "speedup")
        rows = [(f"{n:,}", f"{counted:,}", f"{slow:.2g}", f"{back:,}", f"{fast:.2g}", f"{slow / fast:,.0f}")
                for n, counted, back, slow, fast in self.rows]
        return aligned([header, *rows])


def gradient_costs(nets: Iterable[Module], loss: Loss, x: Any, y: ArrayLike) -> GradientCosts:
    """Count and time the gradient of each network, by central differences and by backpropagation, in float64.

    Parameters
    ----------
    nets : iterable of Module
        At least one network, each with parameters, all for the same batch. Finite differences propagate the batch 2 n times
        for n numbers in the parameters.
    loss, x, y
        As for ``finite_differences``.

    Returns
    -------
    GradientCosts
        Counts are reproducible. Seconds are measured on this machine: one run of finite differences, and the fastest of
        seven backpropagations. ``rp.plots.gradient_costs`` draws them.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.moons(10, rng=0)
    >>> nets = [rp.Sequential(rp.Linear(2, h, rng=1), rp.Tanh(), rp.Linear(h, 1, rng=2)) for h in (2, 20)]
    >>> [row[:3] for row in rp.gradient_costs(nets, rp.BCEWithLogits(), x, y).rows]
    [(9, 180, 20), (81, 1620, 20)]
    """
    if isinstance(nets, Module):                                    # a Sequential would be taken for a list of its modules
        raise ArgumentError(f"nets must be a list of modules, got {nets!r}; write [net] for one")
    nets = list(nets)
    if not nets:
        raise ArgumentError("nets must hold at least one module, got none")
    for net in nets:
        if not isinstance(net, Module) or not net.parameters():
            raise ArgumentError(f"nets must be modules with parameters, got {net!r}")
    return GradientCosts(tuple(gradient_cost(net, loss, x, y) for net in nets))


def gradient_cost(net: Module, loss: Loss, x: Any, y: ArrayLike) -> GradientCost:
    differences, slow = timed(lambda: finite_differences(net, loss, x, y))
    cost = BatchCost(net, loss, x, y)
    cost.backpropagate()
    count = 2 * cost.propagations                                   # each example once forward, once backward
    _, fast = timed(cost.backpropagate, REPEATS)
    return GradientCost(sum(a.size for a in cost.parameters.values()), differences.propagations, count, slow, fast)


def timed(run: Callable[[], T], repeats: int = 1) -> tuple[T, float]:
    """Return the result of ``run``, and its shortest time in seconds."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        result = run()
        seconds.append(perf_counter() - start)
    return result, min(seconds)
