"""Claims: what a paper or this project says, what was measured here, and whether it is reproduced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

from ...arguments import one_of
from ..reports.statistics import Estimate, always, benjamini_hochberg, estimate
from ..reports.statistics import paired as p_value
from ..reports.text import many
from .bounds import Bound
from .series import Series, paired

SURE = 0.05                                                         # corrected p values below which a difference counts
MEAN = "mean ± half a 95 % interval"                                # named in the header of every table that shows means
HEADER = ("claim", "reproduced", f"measured: {MEAN}", "criterion", "in the paper", "whose claim")
VERDICTS = {True: "yes", False: "NO"}
NO_RUN = "no run ended"
Origin = Literal["exact", "paper", "independent", "project"]
ORIGINS: dict[Origin, str] = {"exact": "mathematics", "paper": "the paper", "independent": "an independent implementation",
                              "project": "this project"}


class Verdict(NamedTuple):
    """Whether a claim holds, and the p value of its test, if it has one."""

    holds: bool | None
    p: float = math.nan


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
        What was found: the mean over seeds ± half of its 95 % interval.
    criterion : str
        What must be found for the claim to be reproduced.
    holds : bool or None
        None: inconclusive, because runs are missing, because the interval crosses a limit of the criterion, because there
        are too few seeds to detect the difference, or because fewer than half of the repeats agree.
    reason : str
        Why it was not reproduced, as far as that is known; shown in that case.
    values : tuple of float
        Of each run.
    repeats : tuple of Verdict
        The same claim with one seed left out, for each seed.
    p, q : float
        The p value of its paired t test, and that after `corrected`; NaN for claims that are not tested so.
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
    repeats: tuple[Verdict, ...] = ()
    p: float = math.nan
    q: float = math.nan

    def __post_init__(self) -> None:
        one_of("origin", self.origin, get_args(Origin))

    @property
    def verdict(self) -> str:
        return VERDICTS.get(self.holds, "inconclusive" if self.values else "–")  # type: ignore[arg-type]

    @property
    def whose(self) -> str:
        """Whose claim it is, and where it stands."""
        return f"{ORIGINS[self.origin]}{f': {self.source}' if self.source else ''}"

    @property
    def agreeing(self) -> str:
        """How many of the repeats with one seed left out have the same verdict, such as "4 of 5"; "" if there are none."""
        if not self.repeats or self.verdict == "–":
            return ""
        return f"{sum(one.holds is self.holds for one in self.repeats)} of {len(self.repeats)}"

    @property
    def found(self) -> str:
        """What was measured, and the p value of its test, before and after the correction."""
        if math.isnan(self.p):
            return self.measured
        return f"{self.measured}; p {said(self.p)}{'' if math.isnan(self.q) else f', corrected {said(self.q)}'}"

    def cells(self) -> list[str]:
        """A row of the table of claims, below ``HEADER``."""
        verdict = f"{self.verdict} ({self.agreeing})" if self.agreeing else self.verdict
        return [self.what, verdict, self.found, self.criterion, self.paper or "–", self.whose]

    def row(self) -> dict[str, Any]:
        """For a CSV file or JSON."""
        return {"id": self.id, "claim": self.what, "origin": self.origin, "source": self.source, "in_the_paper": self.paper,
                "measured": self.found, "criterion": self.criterion, "reproduced": self.holds, "repeats": self.agreeing,
                "p": known(self.p), "corrected_p": known(self.q), "reason": self.reason if self.holds is False else "",
                "values": list(self.values)}


def verdict_of(row: Mapping[str, str]) -> str:
    """The verdict of a row that `Claim.row` wrote to a CSV file. A claim of which no run ended is inconclusive there."""
    if row["reproduced"]:
        return VERDICTS[row["reproduced"] == "True"]
    return "–" if row["measured"].startswith("not run") else "inconclusive"


def claim(id: str, what: str, origin: Origin, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "",
          reason: str = "") -> Claim:
    """A claim about a mean over seeds: inconclusive if its 95 % interval crosses a limit of the criterion.

    Without runs, or where a number is NaN, it is not judged.
    """
    def judge(series: Series) -> Verdict:
        return Verdict(bound.judge(series.estimate))

    return judged(id, what, origin, source, paper, series.estimate.text(unit), bound.text, reason, judge, series)


def every(id: str, what: str, origin: Origin, source: str, series: Series, bound: Bound, *, paper: str = "", unit: str = "",
          reason: str = "") -> Claim:
    """A claim about each seed, not only about the mean."""
    kept = sum(bound.holds(value) for value in series)

    def judge(series: Series) -> Verdict:
        return Verdict(None if math.isnan(series.mean) else all(map(bound.holds, series)))

    measured = f"{series.estimate.text(unit)}; in {kept} of {many(len(series), 'seed')}"
    return judged(id, what, origin, source, paper, measured, f"{bound.text} in each seed", reason, judge, series)


def computed(id: str, what: str, origin: Origin, source: str, function: Callable[..., float | None], series: Sequence[Series],
             bound: Bound, *, paper: str = "", unit: str = "", reason: str = "") -> Claim:
    """A claim about one number that ``function`` computes from the series, all seeds together, such as a rank correlation.

    It has no interval: the repeats with one seed left out show how sure it is. None stands for a number that is not known.
    """
    def number(*series: Series) -> Estimate:
        value = function(*series)
        return estimate([] if value is None or math.isnan(value) else [value])

    def judge(*series: Series) -> Verdict:
        return Verdict(bound.judge(number(*series)))

    found = number(*series)
    made = judged(id, what, origin, source, paper, found.text(unit), bound.text, reason, judge, *series)
    return replace(made, values=found.values, measured=made.measured if found.values else NO_RUN)


def difference(id: str, what: str, origin: Origin, source: str, low: Series, high: Series, criterion: str = "a smaller mean",
               *, paper: str = "", unit: str = "", reason: str = "") -> Claim:
    """A claim that the first has the smaller mean, seed by seed; inconclusive unless the paired t test has p < 0.05.

    If all seeds have the same difference there is no spread to test: a difference of 0 is inconclusive, another one decides.
    `corrected` judges all tests of a page, or of the index, together.
    """
    low, high = paired(low, high)

    def judge(low: Series, high: Series) -> Verdict:
        p = p_value(low.values, high.values, max(low.resampled, high.resampled))
        decided = math.isfinite(low.mean + high.mean) and (p < SURE or always(low.values, high.values))
        return Verdict(low.mean < high.mean if decided else None, p)

    gap = (low - high).estimate.text("points" if unit == "%" else unit)
    measured = f"difference {gap}: {low.estimate.text(unit)} against {high.estimate.text(unit)}"
    made = judged(id, what, origin, source, paper, measured, criterion, reason, judge, low, high)
    return replace(made, values=(low - high).values)


def judged(id: str, what: str, origin: Origin, source: str, paper: str, measured: str, criterion: str, reason: str,
           judge: Callable[..., Verdict], *series: Series) -> Claim:
    """A claim about series, judged with all seeds, and again without each of them."""
    verdict, seeds = judge(*series), sorted({seed for one in series for seed in one.seeds})
    repeats = [judge(*(one.without(seed) for one in series)) for seed in seeds] if len(seeds) > 2 else []
    return Claim(id, what, origin, source, paper, measured + remarks(*series) if any(series) else NO_RUN, criterion,
                 shared(verdict.holds, repeats), reason, series[0].values if series else (), tuple(repeats), verdict.p)


def shared(holds: bool | None, repeats: Sequence[Verdict]) -> bool | None:
    """A verdict; None, inconclusive, if fewer than half of the repeats share it."""
    return holds if 2 * sum(one.holds is holds for one in repeats) >= len(repeats) else None


def remarks(*series: Series) -> str:
    """Which runs diverged, and whether the seeds share a test part."""
    lost, shared = sum(len(one.diverged) for one in series), any(one.one_test for one in series)
    runs = sum(map(len, series))
    return (f"; {lost} of {many(runs, 'run')} diverged" if lost else "") + ("; one test part for all seeds" if shared else "")


def corrected(claims: Sequence[Claim]) -> list[Claim]:
    """The claims after Benjamini and Hochberg's correction over all their paired t tests.

    A difference counts if its corrected p value is below 0.05; the repeats are held to the same level of uncorrected p values.
    """
    found = benjamini_hochberg([one.p for one in claims])
    tests = sum(not math.isnan(q) for q in found)
    level = SURE * max(1, sum(q < SURE for q in found)) / max(1, tests)

    def held(repeat: Verdict) -> Verdict:
        return repeat._replace(holds=None) if repeat.p > level else repeat

    def judge(one: Claim, q: float) -> Claim:
        repeats = tuple(map(held, one.repeats))
        return replace(one, q=q, holds=shared(one.holds if q < SURE else None, repeats), repeats=repeats)

    return [one if math.isnan(q) else judge(one, q) for one, q in zip(claims, found, strict=True)]


def not_run(id: str, what: str, source: str, paper: str, why: str) -> Claim:
    """A claim of the paper that nothing here repeats, and why."""
    return Claim(id, what, "paper", source, paper, f"not run: {why}", "–", None)


def said(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.4f}"


def known(p: float) -> float | str:
    """A p value in a CSV file."""
    return "" if math.isnan(p) else p


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
    found = counted(claims)
    unjudged = sum(verdicts["–"] for verdicts in found.values())
    return " ".join([*sentences(found, paper), *[f"{many(unjudged, 'claim')} {verb(unjudged)} not judged."] * bool(unjudged)])


def sentences(found: Mapping[Origin, Mapping[str, int]], paper: str) -> list[str]:
    """The same for verdicts that are counted, without those that are not judged."""
    whose, parts = ORIGINS | {"paper": paper}, []
    for origin, verdicts in found.items():
        yes, no, unsure = (verdicts[word] for word in ("yes", "NO", "inconclusive"))
        if yes + no + unsure:
            rest = [f", {count} {verb(count)} {what}" for count, what in ((no, "not"), (unsure, "inconclusive")) if count]
            parts.append(f"Claims of {whose[origin]}: {yes} of {yes + no + unsure} {verb(yes)} reproduced{''.join(rest)}.")
    return parts


def verb(count: int) -> str:
    return "is" if count == 1 else "are"
