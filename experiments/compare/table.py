"""The results of a comparison as text: its table, and the finding in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from ...printing import aligned
from ..reports.text import many

if TYPE_CHECKING:
    from .results import Comparison

Row = Mapping[str, Any]


def table(comparison: Comparison) -> list[list[str]]:
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


def rate_table(comparison: Comparison) -> list[list[str]]:
    """The header, and for each initialization its test error at each rate; a star marks the rate that validation chose."""
    rows = {(row.init, row.rate): row for row in comparison.rates()}
    grid = sorted({rate for _, rate in rows})
    found = [[f"test {comparison.metric.name} at rate", *(f"{rate:g}" for rate in grid)]]
    for init in comparison.inits:
        errors = [rows[init, rate].error.mean if (init, rate) in rows else math.nan for rate in grid]
        found.append([init, *("" if math.isnan(error) else comparison.metric.text(error) + " *" * (
            rate == comparison.chosen[init]) for rate, error in zip(grid, errors, strict=True))])
    return found


def as_text(comparison: Comparison) -> str:
    """The finding, the remarks, the table and, of several rates, that of the rates, for a terminal."""
    tables = [table(comparison)] + [rate_table(comparison)] * (len({run.rate for run in comparison.runs}) > 1)
    said = [fill(text, 120) for text in (finding(comparison), *comparison.remarks)]
    return "\n\n".join([*said, *(aligned(rows, ()) for rows in tables)])


def cells(comparison: Comparison, row: Row) -> list[str]:
    runs, diverged, reached = row["runs"], row["diverged"], row["reached_target"]
    if diverged == runs:
        cost = error = "diverged"
    else:
        share = f" ({diverged} of {runs} diverged)" if diverged else ""
        cost, error = f"{row['final_cost']:.3f}", f"{comparison.metric.text(row['error'], row['error_half'])}{share}"
    epochs = f"{row['epochs_to_target']:g}"
    if math.isinf(row["epochs_to_target"]):
        epochs = f"{reached} of {many(runs, 'run')}" if reached else "never"
    shares = f"{100 * row['saturated_before']:.0f} → {100 * row['saturated_after']:.0f} %"
    ratio = times(row["gradient_ratio"]) if comparison.config["depth"] > 1 else "–"     # one layer is first and last
    return [row["init"], verdict(comparison, row), error, epochs, cost, ratio, shares]


def verdict(comparison: Comparison, row: Row) -> str:
    """The difference from the reference, as a cell of the table: the effect, its interval, and p."""
    init, pairs = row["init"], row["pairs"]
    if init == comparison.reference:
        return "–"
    if not pairs:
        return "diverged" if row["diverged"] == row["runs"] else "no run in which neither diverged"
    if all(a == b for a, b in comparison.pairs(init)):
        return "equal"
    gap = comparison.metric.text(row["difference"], row["difference_half"] if row["p"] == row["p"] else math.nan, True)
    gap += f" in {pairs} pairs" if pairs < row["runs"] else ""
    if math.isnan(row["p"]):
        return f"{gap} ({'one run' if pairs == 1 else 'the same in each run'}: no test)"
    return f"{gap}, p < 0.0001" if row["p"] < 1e-4 else f"{gap}, p = {row['p']:.4f}"


def finding(comparison: Comparison) -> str:
    """Which initialization learns first, and which do not learn, with the budget; "learns" is to reach the target."""
    if comparison.unfit:
        return f"Check the data first: {comparison.unfit[0].removesuffix('.')}"
    rows, epochs = comparison.summary(), comparison.config["epochs"]
    learned = sorted((row for row in rows if math.isfinite(row["epochs_to_target"])), key=lambda row: row["epochs_to_target"])
    partly = [f"{row['init']} in {row['reached_target']} of {row['runs']} runs" for row in rows
              if row["reached_target"] and row not in learned]
    never = [row["init"] for row in rows if not row["reached_target"]]
    others = partly + [f"{names(never)} not within {epochs}"] * bool(never)
    if not learned:
        return f"No initialization learns within {many(epochs, 'epoch')}{' but ' * bool(partly)}{', '.join(partly)}"
    first, last = (learned[k]["epochs_to_target"] for k in (0, -1))
    if first == last and not others and len(rows) > 1:
        return f"{'Both' if len(rows) == 2 else f'All {len(rows)}'} initializations learn in {many(first, 'epoch')}"
    ahead, slow = ([row["init"] for row in learned if row["epochs_to_target"] == end] for end in (first, last))
    if first < last and not others:
        others = [f"{names(slow)} in {last:g}"]
    return "; ".join([f"{names(ahead)} learn{'s' * (len(ahead) == 1)} in {many(first, 'epoch')}", *others])


def names(inits: Sequence[str]) -> str:
    """Names in a row; of many, the number."""
    if len(inits) > 3:
        return f"{len(inits)} initializations"
    return inits[0] if len(inits) == 1 else f"{', '.join(inits[:-1])} and {inits[-1]}"


def times(ratio: float) -> str:
    """A ratio with two significant digits, without an exponent for large ones."""
    return f"{ratio:.2g}" if not ratio >= 100 else f"{float(f'{ratio:.2g}'):.0f}"
