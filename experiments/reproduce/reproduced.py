"""Reproduced: the results of some papers, and the verdicts on their claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from textwrap import wrap
from typing import Any

from ..reports.text import many
from ..sweeps.trials import Failed
from .claims import Claim, summary
from .paper import SEEDS, Paper, Results, Scale


@dataclass(frozen=True)
class Reproduced:
    """The results of some papers; printed, the table of their claims."""

    scale: Scale
    papers: Mapping[str, Paper] = field(repr=False)
    results: dict[str, Results]

    @cached_property
    def claims(self) -> dict[str, list[Claim]]:
        """The claims of each paper; without verdicts if the seeds are too few or a run failed."""
        made = {name: self.papers[name].claims(results) for name, results in self.results.items()}
        return {name: claims if self.scale.judged and not self.results[name].failed else
                [replace(one, holds=None, values=()) for one in claims] for name, claims in made.items()}

    @property
    def failed(self) -> list[Failed]:
        return [one for results in self.results.values() for one in results.failed]

    def summary(self) -> list[dict[str, Any]]:
        """One dict per claim, for JSON."""
        return [{"paper": name} | one.row() for name, claims in self.claims.items() for one in claims]

    def verdict(self) -> str:
        """How many claims are reproduced, and which runs failed, in sentences."""
        whose = "the papers" if len(self.claims) > 1 else "the paper"
        text = summary([one for claims in self.claims.values() for one in claims], whose)
        if not self.scale.judged:
            text = f"Nothing is judged: that takes {SEEDS} seeds or more, and no --steps."
        if self.failed:
            errors = "; ".join(f"{one.trial}: {one.error}" for one in self.failed[:3])
            text += f" {many(len(self.failed), 'run')} failed: {errors}."
        return text

    def __str__(self) -> str:
        parts = ["\n".join([name, *map(spoken, claims)]) for name, claims in self.claims.items()]
        return "\n\n".join([*parts, self.verdict()])


def spoken(one: Claim) -> str:
    """A claim as lines of text; the verdict comes first."""
    whose = f"claim of {one.whose}{f'; in the paper: {one.paper}' if one.paper else ''}"
    lines = [*wrap(one.what, 108), *wrap(f"measured {one.measured}; criterion: {one.criterion}; {whose}", 108)]
    return "\n".join(f"{one.verdict if k == 0 else '':13}{line}" for k, line in enumerate(lines))
