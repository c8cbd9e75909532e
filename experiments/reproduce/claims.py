"""Claims: what a paper or this project says, what was measured here, and whether it is reproduced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ...arguments import one_of
from ..reports.statistics import paired as p_value
from ..reports.text import many
from .bounds import Bound
from .series import Series, paired

SURE = 0.05                                                         # p values under which a difference counts
MEAN = "mean ± half a 95 % interval"                                # named in the header of every table that shows means
HEADER = ("claim", "reproduced", f"measured: {MEAN}", "criterion", "in the paper", "whose claim")
VERDICTS = {True: "yes", False: "NO"}
Origin = Literal["exact", "paper", "independent", "project"]
ORIGINS: dict[Origin, str] = {"exact": "mathematics", "paper": "the paper", "independent": "an independent implementation",
                              "project": "this project"}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    id : str
        Its name among the claims of its paper, such as ``relu30-he-learns``: it stays when words change.
    what : str
        The claim, in a few words.
    origin : {"exact", "paper", "independent", "project"}
        Whose claim it is. ``exact``: mathematics, which the runs can miss by rounding or by sampling alone, whether the paper
        derives it or not; ``paper``: what the paper found in its experiments; ``independent``: a number that an independent
        implementation of the same setting gave; ``project``: this project's own.
    source : str
        Where the paper has it: "figure 6", "table 1", "eq. 16"; otherwise what it comes from, or "".
    paper : str
        The paper's number, or "" where it gives none.
    measured : str
        What was found: the mean over seeds ± half of its 95 % interval; a difference comes before its p value.
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
    origin: Origin
    source: str
    paper: str
    measured: str
    criterion: str
    holds: bool | None
    reason: str = ""
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        one_of("origin", self.origin, get_args(Origin))

    @property
    def verdict(self) -> str:
        return VERDICTS.get(self.holds, "inconclusive" if self.values else "–")  # type: ignore[arg-type]

    @property
    def whose(self) -> str:
        """Whose claim it is, and where it stands."""
        return f"{ORIGINS[self.origin]}{f': {self.source}' if self.source else ''}"

    def cells(self) -> list[str]:
        """A row of the table of claims, below ``HEADER``."""
        return [self.what, self.verdict, self.measured, self.criterion, self.paper or "–", self.whose]

    def row(self) -> dict[str, Any]:
        """For a CSV file or JSON."""
        return {"id": self.id, "claim": self.what, "origin": self.origin, "source": self.source, "in_the_paper": self.paper,
                "measured": self.measured, "criterion": self.criterion, "reproduced": self.holds,
                "reason": self.reason if self.holds is False else "", "values": list(self.values)}


def claim(id: str, what: str, origin: Origin, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "",
          reason: str = "", inconclusive_at: float | None = None) -> Claim:
    """A claim about a mean over seeds. Without runs, or where a number is NaN, it is not judged.

    With ``inconclusive_at`` it is inconclusive where the 95 % interval of the mean contains this number.
    """
    found = series.estimate
    told = inconclusive_at is None or abs(found.mean - inconclusive_at) > found.half
    holds = None if math.isnan(found.mean) or not told else bool(bound.holds(found.mean))
    measured = found.text(unit) if found.values else "no run ended"
    return Claim(id, what, origin, source, paper, measured, bound.text, holds, reason, found.values)


def every(id: str, what: str, origin: Origin, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "",
          reason: str = "") -> Claim:
    """A claim about each seed, not only about the mean."""
    found = series.estimate
    kept = sum(bool(bound.holds(value)) for value in found.values)
    holds = None if math.isnan(found.mean) else kept == len(found.values)
    measured = f"{found.text(unit)}; in {kept} of {many(len(found.values), 'seed')}" if found.values else "no run ended"
    return Claim(id, what, origin, source, paper, measured, f"{bound.text} in each seed", holds, reason, found.values)


def difference(id: str, what: str, origin: Origin, source: str, low: Series, high: Series, criterion: str = "a smaller mean",
               *, paper: str = "", unit: str = "", reason: str = "") -> Claim:
    """A claim that the first has the smaller mean, seed by seed; inconclusive unless the paired t test has p < 0.05."""
    low, high = paired(low, high)
    a, b, p, gap = low.estimate, high.estimate, p_value(low.values, high.values), (low - high).estimate
    judged = math.isfinite(a.mean + b.mean) and len(low) > 1 and not p >= SURE
    test = "" if math.isnan(p) else f", p {said(p)}"
    measured = f"difference {gap.text('points' if unit == '%' else unit)}{test}: {a.text(unit)} against {b.text(unit)}"
    return Claim(id, what, origin, source, paper, measured if gap.values else "no run ended", criterion,
                 bool(a.mean < b.mean) if judged else None, reason, gap.values)


def not_run(id: str, what: str, source: str, paper: str, why: str) -> Claim:
    """A claim of the paper that nothing here repeats, and why."""
    return Claim(id, what, "paper", source, paper, f"not run: {why}", "–", None)


def said(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.4f}"


def counted(claims: Sequence[Claim]) -> dict[Origin, dict[str, int]]:
    """How many claims of each origin have each verdict; origins without a claim are left out."""
    found: dict[Origin, dict[str, int]] = {}
    for origin in ORIGINS:
        verdicts = [one.verdict for one in claims if one.origin == origin]
        if verdicts:
            found[origin] = {verdict: verdicts.count(verdict) for verdict in ("yes", "NO", "inconclusive", "–")}
    return found


def summary(claims: Sequence[Claim], paper: str = "the paper") -> str:
    """How many of the judged claims are reproduced, in a sentence for each origin."""
    whose = ORIGINS | {"paper": paper}
    parts, found = [], counted(claims)
    for origin, verdicts in found.items():
        yes, no, unsure, _ = verdicts.values()
        if yes + no + unsure:
            rest = [f", {count} {verb(count)} {what}" for count, what in ((no, "not"), (unsure, "inconclusive")) if count]
            parts.append(f"Claims of {whose[origin]}: {yes} of {yes + no + unsure} {verb(yes)} reproduced{''.join(rest)}.")
    unjudged = sum(verdicts["–"] for verdicts in found.values())
    return " ".join([*parts, *[f"{many(unjudged, 'claim')} {verb(unjudged)} not judged."] * bool(unjudged)])


def verb(count: int) -> str:
    return "is" if count == 1 else "are"
