"""The gradients of backpropagation beside those of finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator, one_of, positive_int
from ...losses import Loss
from ...modules import Module
from ...printing import aligned
from .batch_cost import BatchCost
from .differences import STEP
from .gradient_rows import TOLERANCE, Cost, GradientRow, compare

ENTRIES = 2000                                                      # numbers that are moved one by one
DIRECTIONS = 10                                                     # for each array that has too many


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
        """Whether every row agrees: none differs, and of none it cannot be told."""
        return all(row.passed for row in self.rows)

    def __getitem__(self, name: str) -> GradientRow:
        """The row of this name."""
        rows = {row.name: row for row in self.rows}
        return rows[one_of("name", name, rows)]

    def __str__(self) -> str:
        header = ("gradient of", "numbers", "tried", "largest", "error", "relative", "at")
        lines = [aligned([header, *(row.cells() for row in self.rows)])]
        lines += [f"left out: {row.name} has kinks at {len(row.kinks)} of {row.places} places; at {kink.where} the "
                  f"slope is {kink.left:.4g} to the left, {kink.right:.4g} to the right, and backpropagation gives "
                  f"{kink.computed + 0:.4g}" for row in self.rows for kink in row.kinks[:1]]
        lines += [f"cannot be told: {row.name}: {row.untold}" for row in self.rows if row.outcome == "cannot be told"]
        lines += [f"FAILED: {row.name} {row.where}: finite differences give {row.numerical:.9g}, "
                  f"backpropagation {row.computed:.9g}" for row in self.rows if row.outcome == "differs"]
        if self.passed:
            lines.append(f"passed: every error is within {TOLERANCE:g} of the largest gradient of its array, plus round-off")
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
    :math:`|C| + \sum |p\, \partial C / \partial p|` over the predictions p: about four times the most that round-off did
    in the networks that were tried. The slope along a unit direction u, :math:`\langle \partial C / \partial W, u \rangle`,
    takes two propagations of the batch, for any number of weights.

    Places that do not agree are looked at again, by differences of fourth order, and with smaller steps until they settle:
    the first was too large where inputs are, or had a kink in it, as of ReLU. At a kink the slopes on both sides differ
    however small the step is, and there is no derivative to compare with: the table says so, and the place is left out.

    Of an array it cannot be told if all its places lie on kinks, or if its largest slope is less than ten times round-off,
    as where gradients vanish: ``passed`` is then False. A gradient of 0 agrees if finite differences see none either: where
    none arrives, as of dead units, or where what arrives cancels, as of a bias before BatchNorm.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> x, y = rp.datasets.moons(20, rng=0)
    >>> net = rp.Sequential(rp.Linear(2, 3, rng=1), rp.Tanh(), rp.Linear(3, 1, rng=2))
    >>> check = rp.check_gradients(net, rp.BCEWithLogits(), x, y)
    >>> [row.name for row in check.rows], check.passed, check.propagations
    (['0.weight', '0.bias', '2.weight', '2.bias', 'x'], True, 2160)
    """
    if directions is not None:
        directions = positive_int("directions", directions)
    rng, cost = generator(rng), BatchCost(net, loss, x, y)
    point = cost.point()
    rounding, rows = point.round_off / STEP, []
    names = [*cost.parameters, *(f"input {name}" if name in cost.parameters else name for name in cost.inputs)]
    arrays = [*cost.parameters.values(), *cost.inputs.values()]
    gradients = [*point.parameters.values(), *point.inputs.values()]
    flows = [*point.flows.values(), *(0.0 for _ in cost.inputs)]
    every = entry_by_entry([a.size for a in arrays], directions)
    for name, a, gradient, flow, by_entry in zip(names, arrays, gradients, flows, every, strict=True):
        if by_entry:
            rows.append(compare(name, a.size, None, cost, a, gradient, rounding, flow))
        else:
            units = unit_vectors(directions or DIRECTIONS, a.size, rng)
            rows.append(compare(name, a.size, len(units), along(cost, a, units), np.zeros(len(units)),
                                units @ gradient.reshape(-1), rounding, flow))
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
