"""One array of a gradient check: computed slopes beside those of finite differences."""

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
TOLERANCE = 1e-7                                                    # of the largest gradient of the same array
ROUNDING = ROUND_OFF / STEP                                         # of the terms of the cost: 3e-10
DIGIT = 10                                                          # times round-off: a slope that a tenth can be missing of
CANCELLED = 1e-9                                                    # of what a gradient adds up: what is left is round-off
FINER = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)             # the step over these: where a slope is looked for again


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
        The largest difference between the two gradients, beside what round-off may add there.
    where : str
        The entry, or the number of the direction, where it is.
    numerical, computed : float
        What finite differences and backpropagation give there.
    rounding : float
        What round-off may add to it.
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
        """Slopes that were compared, or left out."""
        return self.directions or self.size

    @property
    def relative(self) -> float:
        """The error over the largest slope."""
        return self.error / self.largest if self.largest else math.inf if self.error else 0.0

    @property
    def outcome(self) -> Literal["agrees", "differs", "cannot be told"]:
        """Whether the error is at most a ten-millionth of the largest slope, and round-off; whether that says anything."""
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
            return "every place lies on a kink"
        if self.visible or self.zero:
            return ""
        return (f"the largest slope, {self.largest:.2g}, is less than {DIGIT} times the round-off of finite differences, "
                f"{self.rounding:.2g}")

    def cells(self) -> tuple[str, ...]:
        tried = f"{self.directions} directions" if self.directions else "all"
        relative = f"{self.relative:.1e}" if self.visible or self.outcome == "differs" else "round-off"
        relative = "left out" if len(self.kinks) == self.places else relative
        return self.name, f"{self.size:,}", tried, f"{self.largest:.3g}", f"{self.error:.1e}", relative, self.where


def compare(name: str, size: int, directions: int | None, cost: Cost, a: Array, computed: Array, rounding: float,
            flow: float = 0) -> GradientRow:
    """The row of one array: ``cost`` differentiated by every entry of ``a``, and what was computed for each."""
    numerical, computed = quotients(cost, a, np.arange(a.size), STEP), computed.reshape(-1)
    roundings, kinks, margins = np.full(a.size, rounding), {}, np.full(a.size, np.inf)

    def place(k: int) -> str:
        return f"direction {k}" if directions else f"[{', '.join(str(i) for i in np.unravel_index(k, a.shape))}]"

    while True:                                                     # again where the largest slope came down
        largest, errors = float(np.abs(numerical).max()), np.abs(numerical - computed)
        margin = TOLERANCE * largest
        doubtful = np.flatnonzero((errors > margin + roundings) & (margins > margin))
        if not len(doubtful):
            break
        margins[doubtful] = margin
        for k in map(int, doubtful):
            numerical[k], roundings[k], sides = closer(cost, a, k, computed[k], margin, rounding)
            kinks[k] = None if sides is None else Kink(place(k), *sides, float(computed[k]))
    found = {k: kink for k, kink in kinks.items() if kink}
    errors[list(found)] = 0
    worst = int((errors - roundings).argmax())                      # the first NaN, if there is one
    reached = computed.any() or numerical.any() if flow == 0 else np.abs(computed).max() > CANCELLED * flow
    return GradientRow(name, size, directions, largest, float(errors[worst]), place(worst), float(numerical[worst]),
                       float(computed[worst]), float(roundings[worst]), not reached, tuple(found.values()))


def closer(cost: Cost, a: Array, entry: int, computed: float, margin: float,
           rounding: float) -> tuple[float, float, tuple[float, float] | None]:
    """The slope where finite differences settle; what round-off may add to it; the slopes on both sides at a kink.

    The error of fourth order, h⁴, is nothing where that of second order is small. Where it is not, as on a steep curve or
    beside a kink, the slope still moves with the step, and smaller ones are taken, until it agrees or moves no more.
    """
    slope, noise, jump = math.nan, rounding, math.inf
    for finer in FINER:
        left, right = one_sided(cost, a, entry, STEP / finer)
        wide, before = one_sided(cost, a, entry, 2 * STEP / finer), jump
        better, jump, round_off = (2 * (left + right) - sum(wide) / 2) / 3, abs(left - right), 2 * finer * rounding
        if abs(better - slope) <= margin + round_off:
            break
        slope, noise = better, round_off
        if abs(slope - computed) <= margin + noise:
            return slope, noise, None
    return slope, noise, (left, right) if jump > max(before / 2, round_off) else None   # that of a curve shrinks with the step
