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
from .findings import FEWEST, Verdict, error_text, finding, ranked
from .metric import SMALL, Metric
from .remarks import of_one_rate
from .results import Results

Row = Mapping[str, Any]
SURVIVES = ("An initialization survives a rate at which no run diverges and the mean validation error is at most halfway "
            "between the lowest of all and that of a constant prediction.")


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
    """The header and one row per initialization, the lowest test error first; the verdict is the second column."""
    header = ["initialization", f"against {comparison.reference}, 95 % interval",
              f"test {comparison.metric.name}, 95 % interval", f"epochs to {comparison.metric.goal}", "final cost",
              "gradient first/last", comparison.inactive]
    if len(comparison[comparison.reference]) < FEWEST:
        header[1:3] = (name.removesuffix(", 95 % interval") for name in header[1:3])
    order = ranked(comparison)
    rows = [cells(comparison, row, one) for row, one in order]
    if several_rates(comparison):
        header.insert(1, "best rate")
        for row, (found, _) in zip(rows, order, strict=True):
            row.insert(1, best_rate(found))
    return [header, *rows]


def best_rate(row: Row) -> str:
    """The chosen rate as a cell; a dash where all runs diverge, at every rate."""
    return f"{row['rate']:g}" if row["diverged"] < row["runs"] else "–"


def rate_table(comparison: Results) -> list[list[str]]:
    """The header, and for each initialization its test error at each rate, and the rates that it survives.

    A star marks the rate that validation chose, a dash one that was not tried.
    """
    rows = {(row.init, row.rate): row for row in comparison.rates()}
    grid = sorted({rate for _, rate in rows})

    def cell(init: str, rate: float) -> str:
        if (init, rate) not in rows:
            return "–"
        row = rows[init, rate]
        return comparison.metric.text(row.error.mean) + " *" * (rate == comparison.chosen[init]) if row.alive else "diverged"

    return [[f"test {comparison.metric.name} at rate", *(f"{rate:g}" for rate in grid), "survives rates"],
            *([row["init"], *(cell(row["init"], rate) for rate in grid), span(comparison.survives(row["init"]))]
              for row, _ in ranked(comparison))]


def several_rates(comparison: Results) -> bool:
    return len({run.rate for run in comparison.runs}) > 1


def span(survived: Sequence[float]) -> str:
    """A range of rates, and how wide it is.

    >>> span((0.003, 0.01, 0.03)), span((0.1,)), span(())
    ('0.003 to 0.03 (× 10)', '0.1', 'none')
    """
    if len(survived) < 2:
        return f"{survived[0]:g}" if survived else "none"
    return f"{survived[0]:g} to {survived[-1]:g} (× {number(survived[-1] / survived[0], 2)})"


def as_text(comparison: Results) -> str:
    """The finding, what was learned, the remarks, the table and, of several rates, that of the rates, for a terminal."""
    tables = [table(comparison)] + [rate_table(comparison)] * several_rates(comparison)
    above = [fill(text, 120) for text in (finding(comparison), seen(comparison), *comparison.remarks)]
    below = [fill(" ".join(legend(comparison)), 120)]
    below += [f"{fill(text, 120)}\n    {fair(comparison.config)}" for text in of_one_rate(comparison)]  # one line, to be copied
    return "\n\n".join([*above, *(aligned(rows, ()) for rows in tables), *below])


def seen(comparison: Results) -> str:
    """What the data hold: classes, labels or values, and examples.

    Such as "3 classes of species from 4 columns; 120 training, 30 test examples".
    """
    target, sizes, outputs = comparison.config["target"], comparison.sizes, comparison.outputs
    target = ", ".join(target) if isinstance(target, tuple) else target
    what = {"values": "1 value" if outputs == 1 else f"{outputs} values", "labels": many(outputs, "label")}.get(
        comparison.metric.kind, f"{len(comparison.names) or max(2, outputs)} classes")
    parts = {"training": sizes.train, "validation": sizes.validation, "test": sizes.test}
    return (f"{what}{f' of {target}' if target else ''} from {many(comparison.features, 'column' if target else 'input')}; "
            f"{', '.join(f'{count} {part}' for part, count in parts.items() if count)} examples")


def at_most(metric: Metric) -> str:
    """The error at which a network has learned, and where it comes from."""
    if metric.kind == "values":
        return f"{metric.text(metric.target)} or less ({metric.goal} or more)"
    half = f" (half of the error of {metric.constant})" if metric.target < SMALL else ""
    return f"{metric.goal} or less{half}"


def legend(comparison: Results) -> list[str]:
    """How to read the tables."""
    metric, runs = comparison.metric, len(comparison[comparison.reference])
    said = [f"A network has learned when its test {metric.name} is {at_most(metric)}; epochs are those of the median run."]
    if runs < FEWEST:
        said.append(f"{many(runs, 'run')} of each {'is' if runs == 1 else 'are'} too few for intervals and tests; --seeds 5 "
                    "gives them.")
    elif len(comparison.inits) > 1:
        said.append("p: paired t test, after Holm's correction for several comparisons; the intervals are not corrected.")
    if several_rates(comparison):
        said.append(f"Star: the rate with the lowest validation error. Dash: not tried. {SURVIVES}")
    return said


def fair(config: Mapping[str, Any]) -> str:
    """The command or call that gives each initialization its own best learning rate, without the settings that are defaults."""
    if (call := repeat({**config, "lr": "auto"})).startswith("rp."):
        return call
    usual = vars(Config())
    given = {name: abbreviated(value) if name == "init" else value for name, value in config.items()
             if name != "lr" and value != usual[name]}
    return command_line("compare", given | {"lr": "auto"}) + " --no-standardize" * (config["standardize"] is False)


def cells(comparison: Results, row: Row, one: Verdict) -> list[str]:
    runs, diverged = row["runs"], row["diverged"]
    if diverged == runs:
        cost = error = "diverged"
    else:
        error = error_text(comparison, row) + f" ({diverged} of {runs} diverged)" * bool(diverged)
        cost = "–" if one.kind == "diverges" else cost_text(row["final_cost"])      # of the few that are left
    epochs = one.in_runs if one.reached else "never"
    if one.kind == "learns":
        epochs = f"{row['epochs_to_target']:g}" + f" ({one.in_runs})" * bool(one.in_runs)
    shares = f"{100 * row['saturated_before']:.0f} → {100 * row['saturated_after']:.0f} %"
    return [row["init"], verdict(comparison, row), error, epochs, cost, ratio_text(comparison, row), shares]


def ratio_text(comparison: Results, row: Row) -> str:
    """The ratio of the gradients; a dash where none reaches the last layer, and for one layer, which is first and last."""
    return "–" if math.isnan(row["gradient_ratio"]) or comparison.config["depth"] == 1 else times(row["gradient_ratio"])


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
    gap = gap_text(comparison, row)
    if math.isnan(row["p"]) and not pairs == 1 < row["runs"]:
        return f"{gap} ({'one run' if pairs == 1 else 'the same in each run'}: no test)"
    return gap if pairs < FEWEST else f"{gap}, p {p_text(row['p'], '= ')}"


def gap_text(comparison: Results, row: Row) -> str:
    """The mean difference from the reference, with half of its interval, if there are runs enough."""
    few = row["pairs"] < FEWEST or math.isnan(row["p"])
    gap = comparison.metric.text(row["difference"], math.nan if few else row["difference_half"], difference=True)
    return gap + f" in {many(row['pairs'], 'pair')}" * (row["pairs"] < row["runs"])


def p_text(p: float, equal: str = "") -> str:
    return "< 0.0001" if p < 1e-4 else f"{equal}{p:.4f}"
