"""The gradients of backpropagation beside those of finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import generator, positive_int
from ..initializers.base import Array, Seed
from ..losses import Loss
from ..modules import Module
from .batch_cost import BatchCost
from .differences import STEP, one_sided, quotients
from .tables import aligned

Cost = Callable[[Array], float]
TOLERANCE = 1e-7                                                    # of the largest gradient of the same array
ROUNDING = 3e-10                                                    # of the terms of the cost: they round, and h divides that
FINE = 0.01                                                         # of the step: where a kink is looked for
ENTRIES = 2000                                                      # numbers that are moved one by one
DIRECTIONS = 10                                                     # for each array that has too many


class Kink(NamedTuple):
    """A place where the slopes on both sides differ, so that a central difference says nothing."""

    where: str
    left: float
    right: float
    computed: float


@dataclass(frozen=True)
class GradientRow:
    """One array of a check: a parameter, or the input.

    Attributes
    ----------
    name : str
        As in ``named_parameters``; the input is ``"x"``.
    size : int
        Numbers in it.
    directions : int or None
        How many random directions were tried; None: every entry.
    largest : float
        The largest slope by finite differences.
    error : float
        The largest difference between the two gradients.
    where : str
        The entry, or the number of the direction, where it is.
    numerical, computed : float
        What finite differences and backpropagation give there.
    rounding : float
        What round-off may add to an error.
    kinks : tuple of Kink
        Places where the slope changes within the step. They are left out of the error where backpropagation gives one of
        the slopes on both sides, or something between.
    """

    name: str
    size: int
    directions: int | None
    largest: float
    error: float
    where: str
    numerical: float
    computed: float
    rounding: float
    kinks: tuple[Kink, ...] = ()

    @property
    def relative(self) -> float:
        """The error over the largest slope."""
        return self.error / self.largest if self.largest else math.inf if self.error else 0.0

    @property
    def passed(self) -> bool:
        """Whether the error is at most a ten-millionth of the largest slope, and round-off."""
        return self.error <= TOLERANCE * self.largest + self.rounding       # false for NaN

    def cells(self) -> tuple[str, ...]:
        tried = f"{self.directions} directions" if self.directions else "all"
        relative = f"{self.relative:.1e}" if self.largest > self.rounding else "round-off"
        return self.name, f"{self.size:,}", tried, f"{self.largest:.3g}", f"{self.error:.1e}", relative, self.where


@dataclass(frozen=True)
class GradientCheck:
    """What ``check_gradients`` found; prints as a table, a row an array, and a verdict.

    Attributes
    ----------
    rows : tuple of GradientRow
        The parameters, then the input.
    propagations : int
        How many single examples were propagated forward.
    """

    rows: tuple[GradientRow, ...]
    propagations: int

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    def __getitem__(self, name: str) -> GradientRow:
        """The row of this name."""
        return next(row for row in self.rows if row.name == name)

    def __str__(self) -> str:
        header = ("gradient of", "numbers", "tried", "largest", "error", "relative", "at")
        lines = [aligned([header, *(row.cells() for row in self.rows)])]
        lines += [f"{row.name}: kinks at {len(row.kinks)} places; first {kink.where}: the slope is {kink.left:.4g} to the left "
                  f"and {kink.right:.4g} to the right, backpropagation gives {kink.computed:.4g}"
                  for row in self.rows for kink in row.kinks[:1]]
        failed = [row for row in self.rows if not row.passed]
        lines += [f"FAILED: {row.name} {row.where}: finite differences give {row.numerical:.9g}, "
                  f"backpropagation {row.computed:.9g}" for row in failed]
        if not failed:
            lines.append(f"passed: every error is within {TOLERANCE:g} of the largest gradient of its array, and round-off")
        return "\n".join(lines)


def check_gradients(net: Module, loss: Loss, x: Any, y: ArrayLike, *, directions: int | None = None,
                    rng: Seed = 0) -> GradientCheck:
    r"""Compare what ``update`` and ``backward`` give with central differences, in float64.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: float64 copies are evaluated, in the mode that each module is in, always with the same masks.
    x, y : array_like
        A batch; x is a tuple of arrays for a module of several inputs. The gradient of x is compared too: a wrong
        ``backward`` of the first module shows nowhere else.
    directions : int, optional
        Try that many random directions in each array that has more numbers, and compare the slopes along them. By default
        the smallest arrays are tried entry by entry, up to 2000 numbers in all, and the others in 10 directions.
    rng : None, int or numpy.random.Generator, default 0
        Where directions are drawn from.

    Returns
    -------
    GradientCheck
        With ``.passed`` and ``.rows``; ``print`` it.

    Notes
    -----
    Relative errors are to the largest slope of the same array, not entry by entry: where a gradient is next to 0, what
    differs is round-off. An array passes if no error exceeds 1e-7 of that slope and 3e-10 of what the cost adds up,
    :math:`|C| + \sum |p\, \partial C / \partial p|` over the predictions p, four times what round-off did in any network that we tried.
    The slope along a unit direction u is :math:`\langle \partial C / \partial W, u \rangle`, two propagations of the batch
    for any number of weights.

    At a kink, as of ReLU, the slopes on both sides differ and a central difference is their mean. Such places are looked
    at again with a hundredth of the step: backpropagation must give one of the two slopes, or something between.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> x, y = rp.datasets.moons(20, rng=0)
    >>> net = rp.Sequential(rp.Linear(2, 3, rng=1), rp.Tanh(), rp.Linear(3, 1, rng=2))
    >>> check = rp.check_gradients(net, rp.BCEWithLogits(), x, y)
    >>> [row.name for row in check.rows], check.passed, check.propagations
    (['0.weight', '0.bias', '2.weight', '2.bias', 'x'], True, 2140)
    """
    if directions is not None:
        directions = positive_int("directions", directions)
    rng, cost = generator(rng), BatchCost(net, loss, x, y)
    point = cost.point()
    variables = [*cost.parameters.items(), *cost.inputs.items()]
    computed = [*point.parameters.values(), *point.inputs.values()]
    one_by_one = entry_by_entry([a.size for _, a in variables], directions)
    rows = []
    for (name, a), gradient, every in zip(variables, computed, one_by_one, strict=True):
        if every:
            tried = None, cost, a, gradient.reshape(-1)
        else:
            units = unit_vectors(directions or DIRECTIONS, a.size, rng)
            tried = len(units), along(cost, a, units), np.zeros(len(units)), units @ gradient.reshape(-1)
        rows.append(compare(name, a.size, ROUNDING * point.scale, *tried))
    return GradientCheck(tuple(rows), cost.propagations)


def entry_by_entry(sizes: Sequence[int], directions: int | None) -> Array:
    """Of each array, whether its entries are moved one by one."""
    if directions is not None:
        return np.array(sizes) <= directions
    smallest_first = np.argsort(sizes, kind="stable")
    chosen = np.empty(len(sizes), bool)
    chosen[smallest_first] = np.cumsum(np.array(sizes)[smallest_first]) <= ENTRIES
    return chosen


def unit_vectors(count: int, size: int, rng: np.random.Generator) -> Array:
    """Directions that no axis is preferred in, one a row."""
    vectors = rng.standard_normal((count, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def along(cost: Cost, a: Array, units: Array) -> Cost:
    """The cost as a function of the coordinates t, where ``a`` is moved by t[0] times the first unit vector, and so on."""
    start = a.copy()

    def moved_by(t: Array) -> float:
        a[...] = start + (t @ units).reshape(a.shape)
        try:
            return cost(a)
        finally:
            a[...] = start

    return moved_by


def compare(name: str, size: int, rounding: float, directions: int | None, cost: Cost, a: Array,
            computed: Array) -> GradientRow:
    """The row of one array: ``cost`` differentiated by every entry of ``a``, and what was computed for each."""
    numerical = quotients(cost, a, np.arange(a.size), STEP)
    largest = float(np.abs(numerical).max())
    errors, kinks = np.abs(numerical - computed), []

    def place(k: int) -> str:
        return f"direction {k}" if directions else f"[{', '.join(str(i) for i in np.unravel_index(k, a.shape))}]"

    for k in np.flatnonzero(~(errors <= TOLERANCE * largest + rounding)):
        left, right = one_sided(cost, a, k, FINE * STEP)
        blur = rounding / FINE
        bends = max(abs(left - right), abs((left + right) / 2 - numerical[k])) > blur
        room = TOLERANCE * largest + blur + 0.01 * abs(left - right)
        if bends and min(left, right) - room <= computed[k] <= max(left, right) + room:
            kinks.append(Kink(place(k), left, right, float(computed[k])))
            errors[k] = 0
    worst = int(errors.argmax())                                    # the first NaN, if there is one
    return GradientRow(name, size, directions, largest, float(errors[worst]), place(worst), float(numerical[worst]),
                       float(computed[worst]), rounding, tuple(kinks))
