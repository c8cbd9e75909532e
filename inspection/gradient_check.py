"""The gradients of backpropagation beside those of finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import generator, one_of, positive_int
from ..initializers.base import Array, Seed
from ..losses import Loss
from ..modules import Module
from ..modules.tables import aligned
from .batch_cost import ROUND_OFF, BatchCost
from .differences import STEP, one_sided, quotients

Cost = Callable[[Array], float]
TOLERANCE = 1e-7                                                    # of the largest gradient of the same array
ROUNDING = ROUND_OFF / STEP                                         # of the terms of the cost: 3e-10
DIGIT = 10                                                          # times round-off: a slope that a tenth can be missing of
CANCELLED = 1e-9                                                    # of what a gradient adds up: what is left is round-off
FINER = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)             # the step over these: where a slope is looked for again
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
        As in ``named_parameters``; the input is ``"x"``, and ``"input x"`` where a parameter is called that.
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
        What round-off may add to the error there.
    zero : bool
        Whether backpropagation gives 0 everywhere, but for what is left of terms that cancel.
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
    zero: bool = False
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
    def outcome(self) -> Literal["agrees", "differs", "cannot be told"]:
        """Whether the error is at most a ten-millionth of the largest slope, and round-off; and whether that says anything."""
        if not self.error <= TOLERANCE * self.largest + self.rounding:      # NaN too
            return "differs"
        return "cannot be told" if self.untold else "agrees"

    @property
    def passed(self) -> bool:
        """Whether the two gradients agree."""
        return self.outcome == "agrees"

    @property
    def visible(self) -> bool:
        """Whether the largest slope stands out of the round-off of finite differences."""
        return self.largest > DIGIT * self.rounding

    @property
    def untold(self) -> str:
        """Why nothing could be compared; empty if something was."""
        if len(self.kinks) == self.places:
            return f"all {self.places} places lie on kinks"
        if self.visible or self.zero:
            return ""
        return (f"the largest slope, {self.largest:.2g}, is less than {DIGIT} times the round-off of finite differences, "
                f"{self.rounding:.2g}")

    def cells(self) -> tuple[str, ...]:
        tried = f"{self.directions} directions" if self.directions else "all"
        relative = f"{self.relative:.1e}" if self.visible or self.outcome == "differs" else "round-off"
        relative = "left out" if len(self.kinks) == self.places else relative
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


def compare(name: str, size: int, directions: int | None, cost: Cost, a: Array, computed: Array, rounding: float,
            flow: float = 0) -> GradientRow:
    """The row of one array: ``cost`` differentiated by every entry of ``a``, and what was computed for each."""
    first, computed = quotients(cost, a, np.arange(a.size), STEP), computed.reshape(-1)
    numerical, roundings, kinks, margin = first.copy(), np.full(a.size, rounding), {}, TOLERANCE * np.abs(first).max()

    def place(k: int) -> str:
        return f"direction {k}" if directions else f"[{', '.join(str(i) for i in np.unravel_index(k, a.shape))}]"

    for k in map(int, np.flatnonzero(np.abs(first - computed) > margin + rounding)):
        numerical[k], roundings[k], sides = closer(cost, a, k, first[k], computed[k], margin, rounding)
        if sides is not None:
            kinks[k] = Kink(place(k), *sides, float(computed[k]))
    largest = float(np.abs([first, numerical]).max())
    errors = np.abs(numerical - computed)
    errors[list(kinks)] = 0
    worst = int((errors - roundings).argmax())                      # the first NaN, if there is one
    reached = computed.any() or first.any() if flow == 0 else np.abs(computed).max() > CANCELLED * flow
    return GradientRow(name, size, directions, largest, float(errors[worst]), place(worst), float(numerical[worst]),
                       float(computed[worst]), float(roundings[worst]), not reached, tuple(kinks.values()))


def closer(cost: Cost, a: Array, entry: int, slope: float, computed: float, margin: float,
           rounding: float) -> tuple[float, float, tuple[float, float] | None]:
    """The slope where finite differences settle; what round-off may add to it; the slopes on both sides at a kink.

    The error of fourth order, h⁴, is nothing where that of second order is small. Where it is not, as on a steep curve or
    beside a kink, the slope still moves with the step, and smaller ones are taken, until it agrees or moves no more.
    """
    noise, jump = rounding, math.inf
    for finer in FINER:
        left, right = one_sided(cost, a, entry, STEP / finer)
        wide, before = one_sided(cost, a, entry, 2 * STEP / finer), jump
        better, jump, round_off = (2 * (left + right) - sum(wide) / 2) / 3, abs(left - right), 2 * finer * rounding
        if finer > 1 and abs(better - slope) <= margin + round_off:
            break
        slope, noise = better, round_off
        if abs(slope - computed) <= margin + noise:
            return slope, noise, None
    return slope, noise, (left, right) if jump > max(before / 2, round_off) else None   # that of a curve shrinks with the step
