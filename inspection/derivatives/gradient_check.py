"""``check_gradients``: the gradients of a network by backpropagation against finite differences."""

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
from ...threads import OneThread
from .batch_cost import BatchCost
from .differences import STEP
from .gradient_rows import TOLERANCE, Cost, GradientRow, compare_gradients

ENTRIES = 2000                                                      # numbers that are moved one by one, in all arrays
DIRECTIONS = 10                                                     # for each array that has more numbers


@dataclass(frozen=True)
class GradientCheck:
    """The result of ``check_gradients``; prints as a table with one row per array, and a verdict.

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
        """Whether every row agrees: no row differs, and no row is inconclusive."""
        return all(row.passed for row in self.rows)

    def __getitem__(self, name: str) -> GradientRow:
        """The row of this name."""
        rows = {row.name: row for row in self.rows}
        return rows[one_of("name", name, rows)]

    def __str__(self) -> str:
        header = ("gradient of", "numbers", "compared", "largest", "error", "relative", "at")
        lines = [aligned([header, *(row.cells() for row in self.rows)])]
        lines += [f"left out: {len(row.kinks)} of {row.places} places, which lie on kinks; {row.kink('backpropagation')}"
                  for row in self.rows if row.kinks]
        lines += [f"inconclusive: {row.name}: {row.why_inconclusive}" for row in self.rows if row.outcome == "inconclusive"]
        lines += [f"FAILED: {row.disagreement('backpropagation')}" for row in self.rows if row.outcome == "differs"]
        if self.passed:
            lines.append(f"passed: every error is within {TOLERANCE:g} of the largest gradient of its array, plus round-off")
        return "\n".join(lines)


def check_gradients(net: Module, loss: Loss, x: Any, y: ArrayLike, *, directions: int | None = None,
                    rng: Seed = 0) -> GradientCheck:
    r"""Compare the gradients that ``update`` and ``backward`` compute with central differences, in float64.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: float64 copies are evaluated, in the mode that each module is in, always with the same masks.
    x, y : array_like
        A batch; x is a tuple of arrays for a module of several inputs. The gradient of x is compared too, since a wrong
        ``backward`` of the first module affects nothing else.
    directions : int, optional
        Compare the derivatives along so many random directions, in each array that has more numbers than that. By default
        the smallest arrays are compared entry by entry, up to 2000 numbers in all, and the others along 10 directions.
    rng : None, int or numpy.random.Generator, default 0
        Source of the random directions.

    Returns
    -------
    GradientCheck
        Has ``.passed`` and ``.rows``, and prints as a table.

    Notes
    -----
    An array passes if every error is at most 1e-7 of the largest derivative in that array, plus round-off. Errors are not
    relative to each entry: an entry next to 0 differs by round-off. The allowance for round-off is 3e-10 of the terms of the
    cost, :math:`|C| + \sum |p\, \partial C / \partial p|` over the predictions p. That is about four times the largest
    round-off error that was observed. The derivative along a unit vector u,
    :math:`\langle \partial C / \partial W, u \rangle`, takes two propagations of the batch, for any number of weights.

    Places that disagree are computed again by differences of fourth order, with smaller and smaller steps, until the estimate
    no longer changes: the first step may have been too large (as with large inputs), or may have crossed a kink (as of ReLU).
    At a kink the derivatives on both sides differ however small the step is, so that there is no derivative to compare with.
    The check reports such a place and leaves it out.

    An array is inconclusive if all its places lie on kinks, or if its largest derivative is less than ten times round-off,
    as with vanishing gradients; ``passed`` is False then. A gradient of 0 agrees if finite differences are 0 up to
    round-off: no gradient arrives (dead units), or its terms cancel (a bias before BatchNorm).

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
            rows.append(compare_gradients(name, cost, a, gradient, rounding, flow=flow))
        else:
            vectors = unit_vectors(directions or DIRECTIONS, a.size, rng)
            with OneThread():
                slopes = vectors @ gradient.reshape(-1)
            rows.append(compare_gradients(name, along(cost, a, vectors), np.zeros(len(vectors)), slopes, rounding, flow=flow,
                                          directions_in=a.size))
    return GradientCheck(tuple(rows), cost.propagations)


def entry_by_entry(sizes: Sequence[int], directions: int | None) -> Array:
    """Return, for each array, whether its entries are moved one by one."""
    if directions is not None:
        return np.array(sizes) <= directions
    smallest_first = np.argsort(sizes, kind="stable")
    chosen = np.empty(len(sizes), bool)
    chosen[smallest_first] = np.cumsum(np.array(sizes)[smallest_first]) <= ENTRIES
    return chosen


def unit_vectors(count: int, size: int, rng: np.random.Generator) -> Array:
    """Return random unit vectors, uniform on the sphere, one per row."""
    vectors = rng.standard_normal((count, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def along(cost: Cost, a: Array, vectors: Array) -> Cost:
    """Return the cost as a function of coordinates t, which move ``a`` by t[0] times the first unit vector, and so on."""
    start = a.copy()

    def moved_by(t: Array) -> float:
        with OneThread():
            a[...] = start + (t @ vectors).reshape(a.shape)
        try:
            return cost(a)
        finally:
            a[...] = start

    return moved_by
