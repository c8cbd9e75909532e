"""Phrases, numbers, JSON and CSV, as all reports write them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import files


def many(count: float, noun: str) -> str:
    """
    >>> many(1, "seed"), many(5, "seed")
    ('1 seed', '5 seeds')
    """
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent; a dash for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def finite(value: Any) -> Any:
    """The same, with None (null in JSON) in place of each number that is infinite or NaN."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(rows: Any) -> str:
    """JSON, with null for numbers that are infinite (never) or NaN (undefined)."""
    return json.dumps(finite(rows), indent=2, allow_nan=False)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write dicts with the same keys as rows below a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue())
