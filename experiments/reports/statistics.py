"""Means over runs, confidence intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A mean over runs and half the width of its 95 % confidence interval (Student's t; NaN for one run, or an infinite
    number)."""

    mean: float
    half: float
    values: tuple[float, ...]

    def text(self, unit: str = "") -> str:
        """Mean ± half width as text; the units "%" and "points" write shares in percent."""
        factor, ending = 100 if unit in ("%", "points") else 1, f" {unit}" if unit else ""
        half = "" if math.isnan(self.half) else f" ± {number(factor * self.half, 2)}"
        return f"{number(factor * self.mean)}{half}{ending}"


def estimate(values: Sequence[float], resampled: float = 0.0) -> Estimate:
    r"""The mean over runs, with its 95 % confidence interval.

    ``resampled`` is 0 if the runs are independent: seeds on one division of the data. If each run divides the same examples
    anew, into training and test parts at random or into folds, the runs share examples, and the variance of n numbers
    underestimates that of their mean: ``resampled`` is then the number of test examples for each training example, ρ, and the
    variance of the mean is taken as :math:`(1/n + \rho) s^2` (Nadeau & Bengio 2003; for repeated folds Bouckaert & Frank 2004).

    References
    ----------
    C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003, section 3.2.
    R. Bouckaert, E. Frank, "Evaluating the replicability of significance tests for comparing learning algorithms", 2004.

    >>> estimate([1.0, 2.0, 3.0]).text(), estimate([1.0, 2.0, 3.0], resampled=1 / 4).text()
    ('2 ± 2.5', '2 ± 3.3')
    """
    found = tuple(map(float, values))
    mean = float(np.mean(found)) if found else math.nan
    if len(found) < 2 or not np.isfinite(found).all():
        return Estimate(mean, math.nan, found)
    from scipy.special import stdtrit
    return Estimate(mean, float(stdtrit(len(found) - 1, 0.975)) * error_of_mean(np.array(found), resampled), found)


def error_of_mean(values: np.ndarray[tuple[int], np.dtype[np.float64]], resampled: float) -> float:
    """The standard error of the mean of these numbers; see `estimate`."""
    return float(values.std(ddof=1)) * math.sqrt(1 / len(values) + resampled)


def number(value: float, digits: int = 3) -> str:
    """A number rounded to significant digits, without an exponent for numbers from 100 to a billion.

    >>> number(0.012345), number(12345.6), number(1.5e-7), number(7.726e17)
    ('0.0123', '12346', '1.5e-07', '7.73e+17')
    """
    return f"{value:.0f}" if 100 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def paired(a: Sequence[float], b: Sequence[float], resampled: float = 0.0) -> float:
    """The p value of the two-sided t test, paired by run, that a and b have the same mean; NaN if it is not defined.

    It tests whether 0 is in the interval that `estimate` gives for the differences. It is not defined for fewer than two runs,
    or if all differences are equal: see `always`.
    """
    finite = len(a) == len(b) and np.isfinite([a, b]).all()
    gaps = np.subtract(a, b, dtype=np.float64) if finite else np.empty(0)
    if gaps.size < 2 or constant(gaps):
        return math.nan
    from scipy.special import stdtr  # scipy.stats would take a second to import
    return float(2 * stdtr(gaps.size - 1, -abs(gaps.mean()) / error_of_mean(gaps, resampled)))


def always(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether a and b differ by the same in each of two or more runs: there is no spread for a test, but a difference.

    >>> always([0.2, 0.4], [0.1, 0.3]), always([0.2, 0.4], [0.2, 0.4]), always([0.2], [0.1]), always([0.2, 0.4], [0.1, 0.2])
    (True, False, False, False)
    """
    gaps = np.subtract(a, b, dtype=np.float64)
    return bool(gaps.size > 1 and gaps.all() and constant(gaps))


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rank correlation; equal numbers have their mean rank. NaN where all numbers of one are equal.

    >>> round(rank_correlation([1, 2, 2, 9], [10, 30, 20, math.inf]), 3)
    0.949
    """
    ranks = [[np.sum(np.less(values, one)) + np.sum(np.equal(values, one)) / 2 for one in values] for values in (a, b)]
    return math.nan if np.ptp(ranks, axis=1).min() == 0 else float(np.corrcoef(ranks)[0, 1])


def constant(gaps: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Whether these numbers are equal up to rounding."""
    return bool(np.ptp(gaps) <= 1e-12 * np.abs(gaps).max())


def benjamini_hochberg(values: Sequence[float]) -> list[float]:
    """The p values after Benjamini and Hochberg's correction, which bounds the expected share of false discoveries among the
    tests that are found significant; NaN stays NaN, and is no test. As ``scipy.stats.false_discovery_control``, whose import
    takes a second.

    References
    ----------
    Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", J. R. Statist. Soc. B 57, 1995.

    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.04, 0.03])]
    [0.03, 0.04, 0.04]
    """
    corrected, least = [math.nan] * len(values), 1.0
    order = sorted((p, k) for k, p in enumerate(values) if not math.isnan(p))
    for rank in range(len(order), 0, -1):
        p, k = order[rank - 1]
        least = min(least, p * len(order) / rank)
        corrected[k] = least
    return corrected


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
