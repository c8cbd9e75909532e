"""Cells of a text file: how they are separated, and which of them are names, numbers or gaps."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileFormatError
from ...printing import in_one_line

DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "blanks"}   # " ": any number of them
GAPS = frozenset(("", "?", "na", "n/a", "#n/a", "nan", "-nan", "null", "<na>"))     # missing values, in lower case
OF_NUMBERS = GAPS | {"-", "--", ".", "none"}            # the same among numbers, where they cannot be text
COMMA = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)
NUMBERLIKE = re.compile(r"[-+(]?\s*[$€£¥]?\s*\d[\d,.'\s]*[%$€£¥)]?")     # 1,234.5 or $5 or 10 %
UNLIKELY = 0.1                      # by how large a share of the lines blanks must separate better than other delimiters
YEARS = 1500, 2500                  # integers that columns are called, above other numbers
SHOWN = 60                          # characters of a line in an error message


def rows_of(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the rows of some lines that are not blank, up to one that cannot be read."""
    found = []
    with suppress(csv.Error):
        for row in csv.reader(blanks_joined(iter(lines)) if delimiter == " " else lines, delimiter=delimiter,
                              skipinitialspace=True):
            found.append([pointed(cell.strip(), delimiter) for cell in row])
    return [row for row in found if any(row)]


def pointed(cell: str, delimiter: str) -> str:
    """Return a number with a decimal comma with a point, where commas separate nothing; any other cell as it is."""
    return cell.replace(",", ".") if delimiter != "," and COMMA.fullmatch(cell) else cell


def blanks_joined(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines without blanks at their ends, where they would make empty cells."""
    return (f"{line.strip()}\n" for line in lines)


def delimiter_of(path: Path, head: Sequence[str]) -> str:
    """Return the delimiter that gives the most lines the same number of cells, two or more; the first such one."""
    best, largest = "", 0.0
    for delimiter in DELIMITERS:
        lengths = [len(row) for row in rows_of(head, delimiter)]
        several = Counter(length for length in lengths if length > 1)
        share = max(several.values(), default=0) / max(len(lengths), 1) - UNLIKELY * (delimiter == " ")
        if share > largest:
            best, largest = delimiter, share
    if not best:
        line = in_one_line(next(line for line in head if line.strip()))
        raise FileFormatError(f"{path} must be a table of at least two columns, separated by commas, semicolons, tabs, bars or "
                              f"blanks, got {line[:SHOWN]!r}")
    return best


def has_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row holds names rather than values."""
    if counts(first) and not any(cell and not is_number(cell) for cell in first):
        return True
    known = [k for k, cell in enumerate(first) if cell and not is_number(cell) and cell.lower() not in OF_NUMBERS]
    columns = list(zip(*body, strict=True))
    if len(first) == len(columns) - 1:
        return bool(known)
    if any(is_number(cell) and not cell.lstrip("+-").isdecimal() for cell in first):
        return False                                                # no column is called 5.1
    known = [k for k in known if k < len(columns)]
    if any(numbers_of(columns[k]) is not None and any(map(is_number, columns[k])) for k in known):
        return True
    names = [cell for cell in first if cell]
    if not known or len(set(names)) < len(names) or any(first[k] in columns[k] for k in known):
        return False
    numbers = [(cell, column) for cell, column in zip(first, columns, strict=False) if is_number(cell)]
    return counts(first) or all(may_be_name(cell, column) for cell, column in numbers)


def counts(names: Sequence[str]) -> bool:
    """Return whether the numbers among names are 0, 1, 2, ...: so pandas names columns without names."""
    numbers = [name for name in names if is_number(name)]
    return len(numbers) > 1 and len(names) > 2 and numbers == [str(k) for k in range(len(numbers))]


def may_be_name(cell: str, below: Sequence[str]) -> bool:
    """Return whether an integer at the top of a column is likely to be its name: a year above other numbers, or text."""
    values = numbers_of(below)
    if values is None:
        return True
    years = np.isnan(values) | (values >= YEARS[0]) & (values <= YEARS[1]) & (values == np.trunc(values))
    return YEARS[0] <= float(cell) <= YEARS[1] and not years.all()


def numbers_of(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return cells as numbers, NaN for gaps; None if one of them is text."""
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        pass
    try:
        return np.array([np.nan if cell.strip().lower() in OF_NUMBERS else float(cell) for cell in cells])
    except ValueError:
        return None


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_whole(cells: Sequence[str], joined: str, values: NDArray[np.float64]) -> bool:
    """Return whether numbers are written as integers, apart from gaps."""
    if joined.isdecimal():
        return True
    written = (cell.strip() for cell, value in zip(cells, values.tolist(), strict=True) if value == value)
    return all(cell.lstrip("+-").isdecimal() for cell in written)
