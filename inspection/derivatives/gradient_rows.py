"""The one comparison of a computed gradient with finite differences: its margin, kinks, and the result for one array.

``check_gradients``, the laws of the contract and ``retroprop check`` all use it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ...arguments import Array
from .batch_cost import ROUND_OFF
from .differences import STEP, one_sided, quotients

Cost = Callable[[Array], float]
TOLERANCE = 1e-7                                                    # of the largest derivative of the same array
ROUNDING = ROUND_OFF / STEP                                         # of the terms of the cost: 3e-10
DIGIT = 10                                                          # times round-off: below it, round-off could be 10 %
CANCELLED = 1e-9                                                    # of the terms that are summed: a smaller sum is 0
FINER = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)             # divisors of the step, tried where gradients disagree


class Kink(NamedTuple):
    """A place where the derivative jumps within the step, so that a central difference says nothing."""

    where: str
    left: float
    right: float
    computed: float


@dataclass(frozen=True)
class GradientRow:
    """The comparison of one array: a parameter, or the input.

    Attributes
    ----------
    name : str
        As in ``named_parameters``; the input is ``"x"``, and ``"input x"`` if a parameter has that name.
    size : int
        Numbers in the array.
    directions : int or None
        How many random directions were compared; None: entries.
    places : int
        How many derivatives were compared, or left out at kinks.
    largest : float
        The largest derivative by finite differences.
    error : float
        The largest difference between the two gradients, apart from the round-off at each place; if it exceeds the margin,
        the first such difference that smaller steps confirm.
    where : str
        The entry, or the number of the direction, with that error.
    numerical, computed : float
        The two derivatives there, by finite differences and by backpropagation.
    rounding : float
        The largest effect of round-off there.
    zero : bool
        Whether backpropagation gives 0 everywhere, up to the round-off of terms that cancel.
    kinks : tuple of Kink
        Places that are left out of the error, because no derivative exists there.
    """

    name: str
    size: int
    directions: int | None
    places: int
    largest: float
    error: float
    where: str
    numerical: float
    computed: float
    rounding: float
    zero: bool = False
    kinks: tuple[Kink, ...] = ()

    @property
    def relative(self) -> float:
        """The error divided by the largest derivative."""
        return self.error / self.largest if self.largest else math.inf if self.error else 0.0

    @property
    def outcome(self) -> Literal["agrees", "differs", "inconclusive"]:
        """Whether the error is within 1e-7 of the largest derivative plus round-off, if anything could be compared."""
        if not self.error <= TOLERANCE * self.largest + self.rounding:      # NaN too
            return "differs"
        return "inconclusive" if self.why_inconclusive else "agrees"

    @property
    def passed(self) -> bool:
        """Whether the two gradients agree."""
        return self.outcome == "agrees"

    @property
    def visible(self) -> bool:
        """Whether the largest derivative is well above the round-off of finite differences."""
        return self.largest > DIGIT * self.rounding

    @property
    def why_inconclusive(self) -> str:
        """Why nothing could be compared; empty if something was."""
        if len(self.kinks) == self.places:
            return "every place lies on a kink"
        if self.visible or self.zero:
            return ""
        return (f"the largest derivative, {self.largest:.2g}, is less than {DIGIT} times the round-off of finite differences, "
                f"{self.rounding:.2g}")

    def disagreement(self, source: str) -> str:
        """The place with the largest error in words; ``source`` names what computed the gradient."""
        where = f" in {self.where}" if self.directions else self.where
        return f"{self.name}{where}: finite differences give {self.numerical:.9g}, {source} {self.computed:.9g}"

    def kink(self, source: str) -> str:
        """The first kink in words."""
        kink = self.kinks[0]
        where = f" in {kink.where}" if self.directions else kink.where
        return (f"{self.name}{where}: the derivative is {kink.left:.4g} to the left, {kink.right:.4g} to the right, and "
                f"{source} gives {kink.computed + 0:.4g}")

    def cells(self) -> tuple[str, ...]:
        compared = f"{self.directions} directions" if self.directions else "all"
        relative = f"{self.relative:.1e}" if self.visible or self.outcome == "differs" else "round-off"
        relative = "left out" if len(self.kinks) == self.places else relative
        return self.name, f"{self.size:,}", compared, f"{self.largest:.3g}", f"{self.error:.1e}", relative, self.where


def compare_gradients(name: str, cost: Cost, a: Array, computed: Array, rounding: float, *, flow: float = 0,
                      entries: Array | None = None, directions_in: int | None = None) -> GradientRow:
    """Compare the computed gradient of ``cost`` at ``a`` with central differences, at all entries or some (flat indices).

    ``rounding`` is the largest effect of round-off on a difference: ``ROUNDING`` times the size of the terms of the cost.
    ``flow`` is the size of the terms that the gradient adds up; a far smaller gradient counts as 0. If ``a`` holds coordinates
    along directions in another array, ``directions_in`` is the size of that array.
    """
    entries = np.arange(a.size) if entries is None else entries
    numerical, computed = quotients(cost, a, entries, STEP), computed.reshape(-1)[entries]
    count = len(entries)
    roundings, margins, kinks = np.full(count, rounding), np.full(count, np.inf), dict[int, Kink]()

    def place(k: int) -> str:
        return f"direction {k}" if directions_in else f"[{', '.join(str(i) for i in np.unravel_index(entries[k], a.shape))}]"

    def largest() -> float:
        return float(np.abs(numerical).max())

    worst: int | None = None
    while worst is None:                                            # again if the largest derivative became smaller
        errors, margin = np.abs(numerical - computed), TOLERANCE * largest()
        doubtful = np.flatnonzero((errors > margin + roundings) & (margins > margin))
        if not len(doubtful):
            break
        for k in map(int, doubtful[np.argsort(-errors[doubtful], kind="stable")]):
            margins[k] = margin
            numerical[k], roundings[k], sides = refined(cost, a, entries[k], computed[k], margin, rounding)
            if sides is not None:
                kinks[k] = Kink(place(k), *sides, float(computed[k]))
                continue
            kinks.pop(k, None)
            if abs(numerical[k] - computed[k]) > max(margin, TOLERANCE * largest()) + roundings[k]:
                worst = k                                           # one place is enough: the gradient is wrong
                break
    errors = np.abs(numerical - computed)
    errors[list(kinks)] = 0
    if worst is None:
        worst = int((errors - roundings).argmax())                  # the first NaN, if there is one
    reached = computed.any() or numerical.any() if flow == 0 else np.abs(computed).max() > CANCELLED * flow
    return GradientRow(name, directions_in or a.size, count if directions_in else None, count, largest(), float(errors[worst]),
                       place(worst), float(numerical[worst]), float(computed[worst]), float(roundings[worst]), not reached,
                       tuple(kinks[k] for k in sorted(kinks)))


def refined(cost: Cost, a: Array, entry: int, computed: float, margin: float,
            rounding: float) -> tuple[float, float, tuple[float, float] | None]:
    """Return the derivative from smaller steps, the round-off in it, and, at a kink, the derivatives on both sides.

    The differences are of fourth order in the step h: their error, h⁴, is negligible where that of second order is small.
    On a steep curve or beside a kink it is not, and the estimate still changes with the step. Smaller steps follow until the
    estimate agrees with the computed derivative or no longer changes.
    """
    derivative, noise, jump = math.nan, rounding, math.inf
    for finer in FINER:
        left, right = one_sided(cost, a, entry, STEP / finer)
        wide, before = one_sided(cost, a, entry, 2 * STEP / finer), jump
        better, jump, round_off = (2 * (left + right) - sum(wide) / 2) / 3, abs(left - right), 2 * finer * rounding
        if abs(better - derivative) <= margin + noise:
            break
        derivative, noise = better, round_off
        if abs(derivative - computed) <= margin + noise:
            return derivative, noise, None
    at_kink = jump > max(before / 2, round_off)                     # the jump of a smooth curve shrinks with the step
    return derivative, noise, (left, right) if at_kink else None
