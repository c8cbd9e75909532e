"""What a paper claims, what came out here, and whether it holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..reports.statistics import estimate, paired

SURE = 0.05                                                         # p values under which a difference counts
HEADER = ("claim", "in the paper", "here", "asked", "came out")


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    what : str
        The claim, in a few words.
    source : str
        Where the paper makes it: "figure 6", "table 1", "eq. 16".
    paper : str
        Its number, or "" where it gives none.
    here : str
        What was found, with its statistics: mean ± half of the 95 % interval, or a p value.
    asked : str
        What must be found for the claim to hold.
    holds : bool or None
        None: inconclusive, since runs are missing, or a difference is smaller than the seeds can tell.
    reason : str
        Why it did not come out, as far as that was found; shown if it did not.
    values : tuple of float
        Of each seed.
    """

    what: str
    source: str
    paper: str
    here: str
    asked: str
    holds: bool | None
    reason: str = ""
    values: tuple[float, ...] = ()

    @property
    def verdict(self) -> str:
        return ("inconclusive" if self.values else "–") if self.holds is None else "yes" if self.holds else "NO"

    def cells(self) -> list[str]:
        paper = f"{self.paper} ({self.source})" if self.paper else self.source
        return [self.what, paper, self.here, self.asked, self.verdict]

    def row(self) -> dict[str, Any]:
        """For a CSV file or JSON."""
        return {"claim": self.what, "source": self.source, "in_the_paper": self.paper, "here": self.here, "asked": self.asked,
                "holds": self.holds, "reason": "" if self.holds in (True, None) else self.reason, "values": list(self.values)}


def claim(what: str, source: str, values: Sequence[float], holds: Callable[[float], bool], asked: str, *, paper: str = "",
          unit: str = "", reason: str = "") -> Claim:
    """A claim about a mean over seeds. With no value, or one that is not a number, it is not judged."""
    found = estimate(values)
    verdict = None if math.isnan(found.mean) else bool(holds(found.mean))
    here = found.text(unit) if found.values else "no run ended"
    return Claim(what, source, paper, here, asked, verdict, reason, found.values)


def every(what: str, source: str, values: Sequence[float], holds: Callable[[float], bool], asked: str, *, paper: str = "",
          unit: str = "", reason: str = "") -> Claim:
    """A claim about each seed, not only about the mean."""
    found = estimate(values)
    kept = sum(bool(holds(value)) for value in found.values)
    verdict = None if math.isnan(found.mean) else kept == len(found.values)
    here = f"{found.text(unit)}; in {kept} of {len(found.values)} seeds" if found.values else "no run ended"
    return Claim(what, source, paper, here, asked, verdict, reason, found.values)


def difference(what: str, source: str, low: Sequence[float], high: Sequence[float], asked: str = "a smaller mean", *,
               paper: str = "", unit: str = "", reason: str = "") -> Claim:
    """A claim that the first has the smaller mean, seed by seed; inconclusive unless the paired t test has p < 0.05."""
    a, b, p = estimate(low), estimate(high), paired(low, high)
    whole = len(a.values) == len(b.values) and math.isfinite(a.mean + b.mean)      # else seeds are missing: no pairs
    verdict = a.mean < b.mean if whole and len(a.values) > 1 and not p >= SURE else None
    here = f"{a.text(unit)} against {b.text(unit)}{'' if math.isnan(p) else ', p < 0.0001' if p < 1e-4 else f', p = {p:.4f}'}"
    gaps = tuple(x - y for x, y in zip(a.values, b.values, strict=False))
    return Claim(what, source, paper, here, asked, None if verdict is None else bool(verdict), reason, gaps)


def summary(claims: Sequence[Claim]) -> str:
    """How many came out, in a sentence."""
    verdicts = [one.verdict for one in claims]
    said = [f"{verdicts.count('yes')} of {len(claims)} claims came out", f"{verdicts.count('NO')} did not"]
    said += [f"{count} {what}" for word, what in (("inconclusive", "inconclusive"), ("–", "not judged"))
             if (count := verdicts.count(word))]
    return "; ".join(said) + "."
