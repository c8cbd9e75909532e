"""Tables in Markdown, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


def by_case(rows: Iterable[Row], keys: Sequence[str], column: str = "peer") -> dict[tuple[Any, ...], dict[str, Row]]:
    """Return the rows of each case, by the value in ``column``."""
    cases: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        cases.setdefault(tuple(row[key] for key in keys), {})[row[column]] = row
    return cases


def columns(rows: Iterable[Row], names: Iterable[str], column: str = "peer") -> list[str]:
    """Return those of the names, in their order, that occur in the rows."""
    present = {row[column] for row in rows}
    return [name for name in names if name in present]


def rounded(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):.0f}"


def microseconds(row: Row | None) -> str:
    return "-" if row is None else rounded(row["us"]["median"])


def multiple(spread: Mapping[str, float] | None) -> str:
    """Return the median of ratios with the limits of their middle 80 %."""
    if spread is None:
        return "-"
    return f"{short(spread['median'])} ({short(spread['low'])}–{short(spread['high'])})"


def relative(row: Row | None) -> str:
    """Return the ratio of a row to its base."""
    return multiple(None if row is None else row.get("ratio"))


def short(value: float) -> str:
    """Return two decimals below 10, else whole digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def inverse(spread: Mapping[str, float]) -> dict[str, float]:
    """Return the spread of the ratios a / b from that of b / a."""
    return {"median": 1 / spread["median"], "low": 1 / spread["high"], "high": 1 / spread["low"]}
