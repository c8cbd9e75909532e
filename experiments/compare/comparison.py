"""A comparison: its results, the finding, and both as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from ...printing import aligned
from ..lab.networks import abbreviated
from ..options import command_line
from ..reports.statistics import number
from ..reports.text import many, times
from .config import Config, repeat
from .findings import finding
from .remarks import of_one_rate
from .results import Results

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison(Results):
    """What ``compare`` returns; ``print(comparison)`` shows the finding, the remarks and the table. See `Results`."""

    @property
    def finding(self) -> str:
        """The result in one sentence; if the data do not fit, that."""
        return finding(self)

    def table(self) -> list[list[str]]:
        """The table as text: the header and one row per initialization."""
        return table(self)

    def __str__(self) -> str:
        return as_text(self)


def table(comparison: Results) -> list[list[str]]:
    """The header and one row per initialization; the verdict is the second column."""
    header = ["initialization", f"against {comparison.reference}, 95 % interval",
              f"test {comparison.metric.name}, 95 % interval", f"epochs to {comparison.metric.goal}", "final cost",
              "gradient first/last", comparison.inactive]
    several = len({run.rate for run in comparison.runs}) > 1
    rows = [cells(comparison, row) for row in comparison.summary()]
    if several:
        header.insert(1, "best rate")
        for row in rows:
            row.insert(1, f"{comparison.chosen[row[0]]:g}")
    return [header, *rows]


def rate_table(comparison: Results) -> list[list[str]]:
    """The header, and for each initialization its test error at each rate, and the rates at which it learns.

    A star marks the rate that validation chose.
    """
    rows = {(row.init, row.rate): row for row in comparison.rates()}
    grid = sorted({rate for _, rate in rows})
    found = [[f"test {comparison.metric.name} at rate", *(f"{rate:g}" for rate in grid), "learns at"]]
    for init in comparison.inits:
        own = [rows.get((init, rate)) for rate in grid]
        found.append([init, *("" if row is None else "diverged" if not row.alive else comparison.metric.text(row.error.mean)
                              + " *" * (row.rate == comparison.chosen[init]) for row in own), span(comparison.survives(init))])
    return found


def span(survived: Sequence[float]) -> str:
    """A range of rates, and how wide it is.

    >>> span((0.003, 0.01, 0.03)), span((0.1,)), span(())
    ('0.003 to 0.03 (×10)', '0.1', 'no rate')
    """
    if len(survived) < 2:
        return f"{survived[0]:g}" if survived else "no rate"
    return f"{survived[0]:g} to {survived[-1]:g} (×{number(survived[-1] / survived[0], 2)})"


def as_text(comparison: Results) -> str:
    """The finding, the remarks, the table and, of several rates, that of the rates, for a terminal."""
    tables = [table(comparison)] + [rate_table(comparison)] * (len({run.rate for run in comparison.runs}) > 1)
    above, below = ([fill(text, 120) for text in texts] for texts in (
        (finding(comparison), *comparison.remarks), of_one_rate(comparison)))
    below = [f"{text}\n    {fair(comparison.config)}" for text in below]      # not wrapped: it is to be copied
    return "\n\n".join([*above, *(aligned(rows, ()) for rows in tables), *below])


def fair(config: Mapping[str, Any]) -> str:
    """The command or call that gives each initialization its own best learning rate, without the settings that are defaults."""
    if (call := repeat(config | {"lr": "auto"})).startswith("rp."):
        return call
    usual = vars(Config())
    given = {name: abbreviated(value) if name == "init" else value for name, value in config.items()
             if name != "lr" and value != usual[name]}
    return command_line("compare", given | {"lr": "auto"}) + " --no-standardize" * (config["standardize"] is False)


def cells(comparison: Results, row: Row) -> list[str]:
    runs, diverged, reached = row["runs"], row["diverged"], row["reached_target"]
    if diverged == runs:
        cost = error = "diverged"
    else:
        share = f" ({diverged} of {runs} diverged)" if diverged else ""
        cost, error = cost_text(row["final_cost"]), f"{comparison.metric.text(row['error'], row['error_half'])}{share}"
    epochs = f"{row['epochs_to_target']:g}"
    if math.isinf(row["epochs_to_target"]):
        epochs = f"{reached} of {many(runs, 'run')}" if reached else "never"
    shares = f"{100 * row['saturated_before']:.0f} → {100 * row['saturated_after']:.0f} %"
    ratio = times(row["gradient_ratio"]) if comparison.config["depth"] > 1 else "–"     # one layer is first and last
    return [row["init"], verdict(comparison, row), error, epochs, cost, ratio, shares]


def cost_text(cost: float) -> str:
    return f"{cost:.3f}" if cost < 1e6 else number(cost)


def verdict(comparison: Results, row: Row) -> str:
    """The difference from the reference, as a cell of the table: the effect, its interval, and p."""
    init, pairs = row["init"], row["pairs"]
    if init == comparison.reference:
        return "–"
    if not pairs:
        return "diverged" if row["diverged"] == row["runs"] else "no run in which neither diverged"
    if all(a == b for a, b in comparison.pairs(init, comparison.reference)):
        return "equal"
    gap = comparison.metric.text(row["difference"], row["difference_half"] if row["p"] == row["p"] else math.nan, True)
    gap += f" in {pairs} pairs" if pairs < row["runs"] else ""
    if math.isnan(row["p"]):
        return f"{gap} ({'one run' if pairs == 1 else 'the same in each run'}: no test)"
    return f"{gap}, p < 0.0001" if row["p"] < 1e-4 else f"{gap}, p = {row['p']:.4f}"
