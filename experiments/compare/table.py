"""The results of a comparison as text: its table, and the finding in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..reports.text import many

if TYPE_CHECKING:
    from .results import Comparison

Row = Mapping[str, Any]


def table(comparison: Comparison) -> list[list[str]]:
    """The header and one row per initialization; the verdict is the second column."""
    header = ["initialization", f"against {comparison.reference}, 95 % interval",
              f"test {comparison.metric.name}, 95 % interval", f"epochs to {comparison.metric.goal}", "final cost", "gradient first/last", comparison.inactive]
    several = len({run.rate for run in comparison.runs}) > 1
    rows = [cells(comparison, row) for row in comparison.summary()]
    if several:
        header.insert(1, "best rate")
        for row in rows:
            row.insert(1, f"{comparison.chosen[row[0]]:g}")
    return [header, *rows]


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
    rows, epochs = comparison.summary(), comparison.config["epochs"]
    learned = sorted((row for row in rows if math.isfinite(row["epochs_to_target"])), key=lambda row: row["epochs_to_target"])
    never = [row["init"] for row in rows if not math.isfinite(row["epochs_to_target"])]
    if not learned:
        return f"No initialization reaches {comparison.metric.goal} within {many(epochs, 'epoch')}"
    first, last = learned[0]["epochs_to_target"], learned[-1]["epochs_to_target"]
    ahead = f"{names([row['init'] for row in learned if row['epochs_to_target'] == first])} learns in {many(first, 'epoch')}"
    if never:
        return f"{ahead}; {names(never)} not within {epochs}"
    if first == last:
        return f"{ahead}" if len(rows) == 1 else f"All {len(rows)} initializations learn in {many(first, 'epoch')}"
    slowest = names([row["init"] for row in learned if row["epochs_to_target"] == last])
    return f"{ahead}; {slowest} in {last:g}"


def names(inits: Sequence[str]) -> str:
    """Names in a row; of many, the number."""
    if len(inits) > 3:
        return f"{len(inits)} initializations"
    return inits[0] if len(inits) == 1 else f"{', '.join(inits[:-1])} and {inits[-1]}"


def times(ratio: float) -> str:
    """A ratio with two significant digits, without an exponent for large ones."""
    return f"{ratio:.2g}" if not ratio >= 100 else f"{float(f'{ratio:.2g}'):.0f}"
