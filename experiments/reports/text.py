"""Phrases, numbers, JSON and CSV, as all reports write them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from ... import files
from ...datasets.classes import listed


def many(count: float, noun: str) -> str:
    """
    >>> many(1, "seed"), many(5, "seed")
    ('1 seed', '5 seeds')
    """
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def joined(items: Sequence[str]) -> str:
    """
    >>> joined(["He"]), joined(["He", "Glorot"]), joined(["1", "2", "3"])
    ('He', 'He and Glorot', '1, 2 and 3')
    """
    return " and ".join([", ".join(items[:-1])] * (len(items) > 1) + list(items[-1:]))


def numbered(names: Sequence[str]) -> str:
    """The names of the classes by number, if the names are not the numbers themselves.

    >>> numbered(["cat", "dog"]), numbered(["0", "1"])
    (' Classes: 0 is cat, 1 is dog.', '')
    """
    if list(names) == [str(k) for k in range(len(names))]:
        return ""
    return f" Classes: {listed([f'{k} is {name}' for k, name in enumerate(names)])}."


class Filler(Formatter):
    """Fills in a text's words in braces; a noun after a number's name takes the number's form, and % is set off.

    >>> Filler().format("{lr:g}: {count:run} of {seeds:seed}", lr=0.5, count=3, seeds=1)
    '0.5: 3 runs of 1 seed'
    >>> Filler().format("{error:.1%}", error=0.045)
    '4.5 %'
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        noun = format_spec if len(format_spec) > 1 and format_spec.replace(" ", "").isalpha() else ""
        text = many(value, noun) if noun else str(super().format_field(value, format_spec))
        return text.replace("%", " %") if format_spec.endswith("%") else text


def times(ratio: float) -> str:
    """A ratio with two significant digits, without an exponent for large ones."""
    return f"{ratio:.2g}" if not ratio >= 100 else f"{float(f'{ratio:.2g}'):.0f}"


def percent(share: float) -> str:
    """A share in percent; a dash for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def as_json(rows: Any) -> str:
    """JSON, with null for numbers that are infinite (never) or NaN (undefined)."""
    return json.dumps(files.json_value(rows), indent=2, allow_nan=False)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write dicts with the same keys as rows below a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue())
