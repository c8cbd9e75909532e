"""Where retroprop is slower, said from the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .parts.busy import WAYS
from .parts.growth import NAMES
from .peers import OURS, PEERS
from .tables import Row, multiple, threads

PRODUCTS = "floor"                                                  # the matrix products alone are no way to train
PLACES: dict[str, Callable[[Row], str]] = {                         # of a row of each part
    "steps": lambda row: f"{row['workload']} on {threads(row['threads'])}",
    "growth": lambda row: f"{row['size']} {NAMES[row['grows']]} on {threads(row['threads'])}",
    "predict": lambda row: f"{row['task']} {row['examples']} of {row['workload']}",
    "jvp": lambda row: f"{row['kind']} of {row['workload']}"}


def losses(results: dict[str, Any]) -> list[str]:
    """Return an item for each other way to do the same work that takes less than retroprop's time, with all its cases.

    A case counts if the median of its ratios is below 1. A range that reaches 1 shows that it may be chance.
    """
    items: dict[str, list[str]] = {}
    for label, place, row in contests(results):
        if row["ratio"]["median"] < 1:
            items.setdefault(label, []).append(f"{place}: {multiple(row['ratio'])}")
    return [f"- *{label}*: {'; '.join(places)}." for label, places in items.items()] or ["Nowhere in this run."]


def contests(results: dict[str, Any]) -> Iterator[tuple[str, str, Row]]:
    """Yield the label of each way that is not retroprop's, what it did, and the row with its time relative to retroprop's."""
    for part, place in PLACES.items():
        for row in results.get(part, []):
            peer = PEERS[row["peer"]]
            if peer.needs != "retroprop" and row["peer"] != PRODUCTS and (part == "steps" or row["peer"] not in OURS):
                yield peer.label, place(row), row
    for row in results.get("busy", []):
        if WAYS[row["way"]].peer != "retroprop" and row["busy"]:
            yield WAYS[row["way"]].label, f"{row['workload']} beside {row['busy']} busy processes", row
