"""The learning rates of a comparison: the grid, the choice for each initialization, and the range that it survives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .results import AtRate


def best(rows: Sequence[AtRate]) -> float:
    """The rate with the lowest mean validation error; of equal ones, that in the middle. The only one, if there is one."""
    lowest = min(row.validation.mean for row in rows) if len(rows) > 1 else math.nan
    equal = [row.rate for row in rows if row.validation.mean == lowest] or [row.rate for row in rows]
    return equal[len(equal) // 2]


def survived(rows: Sequence[AtRate], init: str, chance: float) -> tuple[float, ...]:
    """The rates at which an initialization learns: no run diverges, and the mean validation error is at most halfway

    between the lowest of the comparison and that of a constant prediction. Without a validation part, there are none.
    """
    bound = (min(row.validation.mean for row in rows) + chance) / 2
    return tuple(row.rate for row in rows if row.init == init and not row.diverged and row.validation.mean <= bound)
