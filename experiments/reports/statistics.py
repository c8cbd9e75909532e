"""Means over seeds, confidence intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A mean over seeds and half the width of its 95 % confidence interval (Student's t; NaN for one seed)."""

    mean: float
    half: float
    values: tuple[float, ...]

    def text(self, unit: str = "") -> str:
        """Mean ± half width as text; the units "%" and "points" write shares in percent."""
        factor, ending = 100 if unit in ("%", "points") else 1, f" {unit}" if unit else ""
        half = "" if math.isnan(self.half) else f" ± {number(factor * self.half, 2)}"
        return f"{number(factor * self.mean)}{half}{ending}"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean over seeds, with its 95 % confidence interval.

    >>> estimate([1.0, 2.0, 3.0]).text()
    '2 ± 2.5'
    """
    from scipy.stats import t
    found = tuple(map(float, values))
    mean = float(np.mean(found)) if found else math.nan
    if len(found) < 2:
        return Estimate(mean, math.nan, found)
    half = float(t.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / math.sqrt(len(found)))
    return Estimate(mean, half, found)


def number(value: float, digits: int = 3) -> str:
    """A number rounded to significant digits, without an exponent for large numbers.

    >>> number(0.012345), number(12345.6), number(1.5e-7)
    ('0.0123', '12346', '1.5e-07')
    """
    return f"{value:.{digits}g}" if not abs(value) >= 100 or math.isinf(value) else f"{value:.0f}"


def paired(a: Sequence[float], b: Sequence[float]) -> float:
    """The p value of the two-sided t test, paired by seed, that a and b have the same mean; NaN if it is not defined."""
    gaps = np.subtract(a, b) if len(a) == len(b) else np.empty(0)
    if gaps.size < 2 or not np.isfinite(gaps).all() or np.ptp(gaps) <= 1e-12 * np.abs(gaps).max():
        return math.nan
    from scipy.stats import t
    return float(2 * t.sf(abs(gaps.mean()) / (gaps.std(ddof=1) / math.sqrt(gaps.size)), gaps.size - 1))


def holm(values: Sequence[float]) -> list[float]:
    """The p values after Holm's correction for multiple tests; NaN stays NaN.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected, worst = [math.nan] * len(values), 0.0
    order = sorted((p, k) for k, p in enumerate(values) if not math.isnan(p))
    for rank, (p, k) in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - rank) * p))
        corrected[k] = worst
    return corrected
