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
from ..modules.tables import aligned
from .batch_cost import BatchCost
from .differences import STEP, one_sided, quotients

Cost = Callable[[Array], float]
TOLERANCE = 1e-7                                                    # of the largest gradient of the same array
ROUNDING = 3e-10                                                    # of the terms of the cost: they round, and h divides that
FINE = 0.01                                                         # of the step: where a kink is looked for
ENTRIES = 2000                                                      # numbers that are moved one by one
DIRECTIONS = 10                                                     # for each array that has too many


class Kink(NamedTuple):
    """A place where the slope jumps within the step, so that a central difference says nothing."""

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
        Places that are left out of the error, for want of a derivative.
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
    def places(self) -> int:
        """How many slopes were compared, or left out."""
        return self.directions or self.size

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
        if len(self.kinks) == self.places:
            relative = "left out"
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
        return {row.name: row for row in self.rows}[name]

    def __str__(self) -> str:
        header = ("gradient of", "numbers", "tried", "largest", "error", "relative", "at")
        lines = [aligned([header, *(row.cells() for row in self.rows)])]
        lines += [f"left out: {row.name} has kinks at {len(row.kinks)} of {row.places} places; at {kink.where} the "
                  f"slope is {kink.left:.4g} to the left, {kink.right:.4g} to the right, and backpropagation gives "
                  f"{kink.computed + 0:.4g}" for row in self.rows for kink in row.kinks[:1]]
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
    :math:`|C| + \sum |p\, \partial C / \partial p|` over the predictions p. That is about four times the
    most that round-off did in the networks that were tried. The slope along a unit direction u is
    :math:`\langle \partial C / \partial W, u \rangle`: two propagations of the batch, for any number of weights.

    At a kink, as of ReLU, the slopes on both sides differ and a central difference is their mean. Places that do not agree
    are looked at again with a hundredth of the step. If the slopes still differ, there is no derivative to compare with: the
    table says so, and the place is left out. If they do not, the kink lay beside it, and they are what must agree.

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
    rounding, rows = ROUNDING * point.scale, []
    arrays = [*cost.parameters.items(), *cost.inputs.items()]       # a parameter may be called x too
    gradients = [*point.parameters.values(), *point.inputs.values()]
    every = entry_by_entry([a.size for _, a in arrays], directions)
    for (name, a), gradient, by_entry in zip(arrays, gradients, every, strict=True):
        if by_entry:
            rows.append(compare(name, a.size, None, cost, a, gradient, rounding))
        else:
            units = unit_vectors(directions or DIRECTIONS, a.size, rng)
            rows.append(compare(name, a.size, len(units), along(cost, a, units), np.zeros(len(units)),
                                units @ gradient.reshape(-1), rounding))
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


def compare(name: str, size: int, directions: int | None, cost: Cost, a: Array, computed: Array,
            rounding: float) -> GradientRow:
    """The row of one array: ``cost`` differentiated by every entry of ``a``, and what was computed for each."""
    numerical, computed = quotients(cost, a, np.arange(a.size), STEP), computed.reshape(-1)
    largest = float(np.abs(numerical).max())
    margin = TOLERANCE * largest + rounding
    errors, kinks = np.abs(numerical - computed), []

    def place(k: int) -> str:
        return f"direction {k}" if directions else f"[{', '.join(str(i) for i in np.unravel_index(k, a.shape))}]"

    for k in map(int, np.flatnonzero(errors > margin)):
        kink = kink_near(cost, a, k, numerical[k], computed[k], margin, rounding / FINE)
        if kink is not None:
            kinks.append(Kink(place(k), *kink, float(computed[k])))
            errors[k] = 0
    worst = int(errors.argmax())                                    # the first NaN, if there is one
    return GradientRow(name, size, directions, largest, float(errors[worst]), place(worst), float(numerical[worst]),
                       float(computed[worst]), rounding, tuple(kinks))


def kink_near(cost: Cost, a: Array, entry: int, numerical: float, computed: float, margin: float,
              blur: float) -> tuple[float, float] | None:
    """The slopes on both sides if a kink explains why the two gradients differ, else None.

    A difference of the slopes that is due to curvature shrinks with the step, to a hundredth; one at a kink stays. ``blur``
    is what round-off may add to a slope over a hundredth of the step.
    """
    coarse = one_sided(cost, a, entry, STEP)
    left, right = one_sided(cost, a, entry, FINE * STEP)
    jump, middle = abs(left - right), (left + right) / 2
    at_it = jump > max(blur, abs(coarse[0] - coarse[1]) / 2)
    beside_it = abs(middle - numerical) > blur and abs(middle - computed) <= margin + blur + jump
    return (left, right) if at_it or beside_it else None
