"""Student's t distribution. Importing scipy.special for it would take as long as a third of the runs of a comparison."""

from __future__ import annotations

import math
from functools import cache

TINY = 1e-300


def two_sided(t: float, freedom: int) -> float:
    r"""The probability that :math:`|T| \ge |t|`, for so many degrees of freedom.

    It is the incomplete beta function :math:`I_x(\nu/2, 1/2)` at :math:`x = \nu / (\nu + t^2)` (Abramowitz & Stegun 26.5.27).

    >>> round(two_sided(2.776445105, 4), 9)
    0.05
    """
    squared = t * t
    if math.isnan(squared):
        return math.nan
    a, x, rest = freedom / 2, freedom / (freedom + squared), squared / (freedom + squared)
    if x == 0 or rest == 0:
        return float(rest == 0)
    front = math.exp(math.lgamma(a + 0.5) - math.lgamma(a) - math.lgamma(0.5) + a * math.log(x) + 0.5 * math.log(rest))
    if x < (a + 1) / (a + 2.5):                                     # where the fraction converges fast
        return front * fraction(a, 0.5, x) / a
    return 1 - front * fraction(0.5, a, rest) / 0.5


def fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (Abramowitz & Stegun 26.5.8), by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or TINY)
    value = d
    for m in range(1, 10_000):
        for factor in (m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m)),
                       -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))):
            d, c = 1 / (1 + factor * x * d or TINY), 1 + factor * x / c or TINY
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value


@cache
def limit(freedom: int, outside: float = 0.05) -> float:
    """The t with ``two_sided(t, freedom) == outside``: half the width of a 95 % interval, in standard errors.

    >>> [round(limit(n), 4) for n in (1, 2, 4, 29)]
    [12.7062, 4.3027, 2.7764, 2.0452]
    """
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > outside:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if two_sided(middle, freedom) > outside else (low, middle)
    return high
