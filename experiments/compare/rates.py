"""The learning rates of a comparison: the grid, the choice for each initialization, and the range that it survives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..reports.statistics import Estimate

REACH = 2                                                           # points of the grid on each side of the usual rate
GROWTH = 4                                                          # points that the grid may grow on each side: two decades


class AtRate(NamedTuple):
    """The runs of one initialization at one learning rate; a run that diverged counts as a constant prediction."""

    init: str
    rate: float
    validation: Estimate
    error: Estimate
    diverged: int
    runs: int

    @property
    def alive(self) -> bool:
        """Whether at least one run stayed finite."""
        return self.diverged < self.runs


def around(usual: float, reach: int = REACH) -> tuple[float, ...]:
    """Rates with the first digits 1 and 3, ``reach`` on each side of that nearest to the usual one.

    >>> around(0.03), around(0.001, 1)
    ((0.003, 0.01, 0.03, 0.1, 0.3), (0.0003, 0.001, 0.003))
    """
    middle = place(usual)
    return tuple(rate_at(k) for k in range(middle - reach, middle + reach + 1))


def place(rate: float) -> int:
    """The number of a rate on the grid of 1 and 3; the inverse of `rate_at`."""
    return round(2 * math.log10(rate))


def rate_at(k: int) -> float:
    return float(f"{3 if k % 2 else 1}e{k // 2}")


def beyond(rows: Sequence[AtRate], usual: float) -> list[tuple[str, float]]:
    """The initializations whose best rate is at an edge of their grid, each with the next rate there, within `GROWTH`."""
    found, middle = [], place(usual)
    for init in dict.fromkeys(row.init for row in rows):
        own = [row for row in rows if row.init == init]
        chosen, tried = place(best(own)), [place(row.rate) for row in own]
        for edge, step in ((min(tried), -1), (max(tried), 1)):
            if chosen == edge and abs(edge + step - middle) <= REACH + GROWTH:
                found.append((init, rate_at(edge + step)))
    return found


def best(rows: Sequence[AtRate]) -> float:
    """The rate with the lowest mean validation error; of equal ones, that in the middle. The only one, if there is one.

    A rate at which all runs diverge is only chosen if they do at every rate.
    """
    tried = [row for row in rows if row.alive] or rows
    lowest = min(row.validation.mean for row in tried) if len(tried) > 1 else math.nan
    equal = [row.rate for row in tried if row.validation.mean == lowest] or [row.rate for row in tried]
    return equal[len(equal) // 2]


def survived(rows: Sequence[AtRate], init: str, chance: float) -> tuple[float, ...]:
    """The rates at which an initialization learns: no run diverges, and the mean validation error is at most halfway between
    the lowest of the comparison and ``chance``, that of a constant prediction. Without a validation part there are none.
    """
    bound = (min(row.validation.mean for row in rows) + chance) / 2
    return tuple(row.rate for row in rows if row.init == init and not row.diverged and row.validation.mean <= bound)


def at_edges(rows: Sequence[AtRate]) -> dict[tuple[float, str], list[str]]:
    """The initializations whose best rate is at an edge of their grid, by this rate and "lowest" or "highest".

    One that diverges at every rate has no best one.
    """
    found: dict[tuple[float, str], list[str]] = {}
    for init in dict.fromkeys(row.init for row in rows if row.alive):
        own = [row for row in rows if row.init == init]
        for edge, word in ((own[0].rate, "lowest"), (own[-1].rate, "highest")):
            if len(own) > 1 and best(own) == edge:
                found.setdefault((edge, word), []).append(init)
    return found
