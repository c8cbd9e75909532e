"""Claims: what a paper says, what was measured here, and whether it is reproduced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..reports.statistics import paired as p_value
from ..reports.text import many
from .bounds import Bound
from .series import Series, paired

SURE = 0.05                                                         # p values under which a difference counts
HEADER = ("claim", "in the paper", "measured", "criterion", "reproduced")
VERDICTS = {True: "yes", False: "NO"}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    id : str
        Its name among the claims of its paper, such as ``relu30-he-learns``: it stays when words change.
    what : str
        The claim, in a few words.
    source : str
        Where the paper makes it: "figure 6", "table 1", "eq. 16".
    paper : str
        Its number, or "" where it gives none.
    measured : str
        What was found, with its statistics: mean ± half of the 95 % interval, or a p value.
    criterion : str
        What must be found for the claim to be reproduced.
    holds : bool or None
        None: inconclusive, because runs are missing or there are too few seeds to detect the difference.
    reason : str
        Why it was not reproduced, as far as that is known; shown in that case.
    values : tuple of float
        Of each run.
    """

    id: str
    what: str
    source: str
    paper: str
    measured: str
    criterion: str
    holds: bool | None
    reason: str = ""
    values: tuple[float, ...] = ()

    @property
    def verdict(self) -> str:
        return VERDICTS.get(self.holds, "inconclusive" if self.values else "–")  # type: ignore[arg-type]

    def cells(self) -> list[str]:
        paper = f"{self.paper} ({self.source})" if self.paper else self.source
        return [self.what, paper, self.measured, self.criterion, self.verdict]

    def row(self) -> dict[str, Any]:
        """For a CSV file or JSON."""
        return {"id": self.id, "claim": self.what, "source": self.source, "in_the_paper": self.paper,
                "measured": self.measured, "criterion": self.criterion, "reproduced": self.holds,
                "reason": self.reason if self.holds is False else "", "values": list(self.values)}


def claim(id: str, what: str, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "", reason: str = "",
          inconclusive_at: float | None = None) -> Claim:
    """A claim about a mean over seeds. Without runs, or where a number is NaN, it is not judged.

    With ``inconclusive_at`` it is inconclusive where the 95 % interval of the mean contains this number.
    """
    found = series.estimate
    told = inconclusive_at is None or abs(found.mean - inconclusive_at) > found.half
    holds = None if math.isnan(found.mean) or not told else bool(bound.holds(found.mean))
    measured = found.text(unit) if found.values else "no run ended"
    return Claim(id, what, source, paper, measured, bound.text, holds, reason, found.values)


def every(id: str, what: str, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "", reason: str = ""
          ) -> Claim:
    """A claim about each seed, not only about the mean."""
    found = series.estimate
    kept = sum(bool(bound.holds(value)) for value in found.values)
    holds = None if math.isnan(found.mean) else kept == len(found.values)
    measured = f"{found.text(unit)}; in {kept} of {many(len(found.values), 'seed')}" if found.values else "no run ended"
    return Claim(id, what, source, paper, measured, f"{bound.text} in each seed", holds, reason, found.values)


def difference(id: str, what: str, source: str, low: Series, high: Series, criterion: str = "a smaller mean", *,
               paper: str = "", unit: str = "", reason: str = "") -> Claim:
    """A claim that the first has the smaller mean, seed by seed; inconclusive unless the paired t test has p < 0.05."""
    low, high = paired(low, high)
    a, b, p = low.estimate, high.estimate, p_value(low.values, high.values)
    judged = math.isfinite(a.mean + b.mean) and len(low) > 1 and not p >= SURE
    measured = f"{a.text(unit)} against {b.text(unit)}{'' if math.isnan(p) else f', p {said(p)}'}"
    return Claim(id, what, source, paper, measured, criterion, bool(a.mean < b.mean) if judged else None, reason,
                 (low - high).values)


def said(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.4f}"


def summary(claims: Sequence[Claim]) -> str:
    """How many are reproduced, in a sentence."""
    verdicts = [one.verdict for one in claims]
    parts = [f"{verdicts.count('yes')} of {len(claims)} claims are reproduced", f"{verdicts.count('NO')} are not"]
    parts += [f"{count} {what}" for word, what in (("inconclusive", "inconclusive"), ("–", "not judged"))
              if (count := verdicts.count(word))]
    return "; ".join(parts) + "."
