"""Bounds: the criterion of a claim; its predicate and its text are built from the same numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..reports.statistics import Estimate, number


@dataclass(frozen=True)
class Bound:
    """A condition on a number.

    Attributes
    ----------
    text : str
        The criterion in words.
    low, high : float
        The limits between which a number meets it.
    strict : bool
        Whether the limits themselves do not meet it.
    """

    text: str
    low: float = -math.inf
    high: float = math.inf
    strict: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number meets it; NaN meets nothing."""
        return self.low < value < self.high if self.strict else self.low <= value <= self.high

    def judge(self, found: Estimate) -> bool | None:
        """Whether a mean meets it; None where it is NaN, or where its 95 % interval crosses a limit. One number has no
        interval: it is judged as it is, and so are infinite numbers if all are the same; if only some of them are infinite,
        nothing is known of their mean: None.

        >>> [at_most(2).judge(Estimate(mean, 0.5, ())) for mean in (1.4, 1.9, 2.1, 2.6)]
        [True, None, None, False]
        """
        half = 0.0 if math.isnan(found.half) else found.half
        lower, upper = found.mean - half, found.mean + half
        if math.isnan(found.mean) or (math.isinf(found.mean) and len(set(found.values)) > 1):
            return None
        if self.holds(lower) and self.holds(upper):
            return True
        beyond = upper < self.low or lower > self.high or (self.strict and (upper == self.low or lower == self.high))
        return False if beyond else None

    def of(self, what: str) -> Bound:
        """The same, its text beginning with what the number is: ``at_most(2).of("gap")`` reads "gap at most 2"."""
        return replace(self, text=f"{what} {self.text}")

    def noting(self, note: str) -> Bound:
        """The same, with words behind its text."""
        return replace(self, text=f"{self.text}{note}")


def spoken(value: float, unit: str = "", digits: int = 3) -> str:
    """A number with its unit: "%" and "points" write shares as percent.

    >>> spoken(0.045, "%"), spoken(1e-8), spoken(3.0, "times")
    ('4.5 %', '1e-08', '3 times')
    """
    factor = 100 if unit in ("%", "points") else 1
    return f"{number(factor * value, digits)}{f' {unit}' if unit else ''}"


def at_most(limit: float, unit: str = "") -> Bound:
    """
    >>> at_most(1.2).text, at_most(1.2).holds(1.2)
    ('at most 1.2', True)
    """
    return Bound(f"at most {spoken(limit, unit)}", high=limit)


def at_least(limit: float, unit: str = "") -> Bound:
    return Bound(f"at least {spoken(limit, unit)}", low=limit)


def below(limit: float, unit: str = "") -> Bound:
    return Bound(f"below {spoken(limit, unit)}", high=limit, strict=True)


def above(limit: float, unit: str = "") -> Bound:
    return Bound(f"above {spoken(limit, unit)}", low=limit, strict=True)


def between(low: float, high: float, unit: str = "") -> Bound:
    """Both ends included."""
    return Bound(f"{spoken(low, '' if unit != '%' else unit).removesuffix(' %')} to {spoken(high, unit)}", low, high)


def near(value: float, tolerance: float, unit: str = "") -> Bound:
    """
    >>> near(0.3, 0.05, "%").text
    'at most 5 points from 30 %'
    """
    apart = spoken(tolerance, "points" if unit == "%" else unit)
    return Bound(f"at most {apart} from {spoken(value, unit)}", value - tolerance, value + tolerance)


def less_apart(limit: float, unit: str = "") -> Bound:
    """
    >>> less_apart(0.08, "points").text
    'less than 8 points apart'
    """
    return Bound(f"less than {spoken(limit, unit)} apart", -limit, limit, strict=True)


def within_factor(factor: float, reference: float) -> Bound:
    return Bound(f"{spoken(reference)} within a factor of {spoken(factor)}", reference / factor, reference * factor)


def exactly(value: float, unit: str = "") -> Bound:
    return Bound(f"exactly {spoken(value, unit)}", value, value)
