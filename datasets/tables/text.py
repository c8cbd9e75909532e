"""Files of text with one row a line: CSV, and the same with tabs, semicolons, bars or blanks between the cells."""

from __future__ import annotations

import csv
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileFormatError
from ...printing import in_one_line
from .cells import (
    DELIMITERS,
    GAPS,
    blanks_joined,
    counts,
    delimiter_of,
    has_header,
    is_number,
    is_whole,
    numbers_of,
    pointed,
    rows_of,
)
from .table import LARGEST, Column, Numbers, Table, Text, different

GZIP = b"\x1f\x8b"
LOOKED_AT = 100                     # lines, from which the delimiter and the header are found
CHUNK = 4096                        # rows that are converted together


def read_csv(path: Path) -> Table:
    """Return the table in a file of text, which may be gzipped.

    The delimiter is that of tabs, semicolons, bars, commas and blanks which gives the most lines the same number of cells. The
    first line is a header if it has text above numbers; or different texts that its columns do not hold, and no numbers above
    numbers but years. Cells may be quoted by ``"``.
    A column is one of numbers if all its cells are, but for the gaps: empty cells, ``?``, ``NA``, ``NaN``, ``null``, ...

    Raises
    ------
    FileFormatError
        The file is no text in UTF-8 (or UTF-16 with a byte order mark), has one column only, a line with another number of
        cells, or a quoted cell without an end. The message gives the line.
    """
    with opened(path) as lines:
        head = list(islice(lines, LOOKED_AT))
    if not any(line.strip() for line in head):
        raise FileFormatError(f"{path} must hold a table, got no lines with text")
    layout = Layout.of(path, head)
    texts: set[int] = set()
    body = Body(layout, texts)
    if body.read(path):
        body = Body(layout, texts)                                  # a column of numbers had text further down: once more
        body.read(path)
    return layout.table(body)


@contextmanager
def opened(path: Path) -> Iterator[Iterator[str]]:
    """Open a file, gzipped or not, as lines of text; what is wrong with its bytes is a FileFormatError."""
    import gzip
    with path.open("rb") as file:
        zipped = file.peek(2)[:2] == GZIP
        stream: Any = gzip.GzipFile(fileobj=file) if zipped else file
        try:
            start = stream.peek(2)[:2]
            encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            text = io.TextIOWrapper(stream, encoding, newline="")
            yield text
        except UnicodeError as error:
            got = f"byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else str(error)
            raise FileFormatError(f"{path} must be text in UTF-8, got {got}; save it again as CSV in UTF-8") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileFormatError(f"{path} must be complete gzip data, got: {error}") from error


class Layout:
    """What the beginning of a file says about the rest.

    ``counted`` is the number of rows that a file of scikit-learn's own declares in its first line, followed by the number of
    features and the names of the classes.
    """

    def __init__(self, path: Path, delimiter: str, width: int, first: list[str], header: bool, counted: int | None) -> None:
        self.path, self.delimiter, self.width, self.first = path, delimiter, width, first
        self.header, self.counted = header, counted

    @classmethod
    def of(cls, path: Path, head: Sequence[str]) -> Layout:
        delimiter = delimiter_of(path, head)
        rows = rows_of(head, delimiter)
        first, body = rows[0], rows[1:] or rows
        first[0] = first[0].removeprefix("#").lstrip()              # as numpy.savetxt begins a header
        width = Counter(map(len, body)).most_common(1)[0][0]
        if len(first) > 3 and all(cell.isdecimal() for cell in first[:2]) and len(first[0]) < 10 and \
                int(first[1]) == width - 1 and not any(map(is_number, first[2:])) and all(row[-1].isdecimal() for row in body):
            return cls(path, delimiter, width, first, True, int(first[0]))
        header = has_header(first, [row for row in body if len(row) == width]) if len(rows) > 1 else True
        if header and len(first) == width - 1:                      # as R writes the names of rows; or lines end in a comma
            first.insert(len(first) if not any(row[-1] for row in body if len(row) == width) else 0, "")
        while header and len(first) > width and not first[-1]:
            first.pop()
        return cls(path, delimiter, width, first, header, None)

    def table(self, body: Body) -> Table:
        """Return the table of the columns that were read."""
        lines, columns = body.finished()
        if not lines.size:
            raise FileFormatError(f"{self.path} must hold at least one row below the header, got none")
        notes = [] if not body.comma else ["Commas in numbers are decimal points."]
        numbered = tuple(str(k + 1) for k in range(self.width))
        if self.counted is not None:
            return self.of_scikit_learn(lines, columns, numbered)
        if self.header and len(self.first) != self.width:
            raise FileFormatError(f"{self.path} must have {self.width} names in its header, as many as cells below, got "
                                  f"{len(self.first)}")
        if not self.header:
            notes.append(f"The file has no header: its columns are 1 to {self.width}.")
        elif any(map(is_number, self.first)) and not counts(self.first):
            notes.append("The first line was read as the names of the columns, although it holds numbers too.")
        return Table(str(self.path), named(self.first) if self.header else numbered, columns,
                     lambda k: f"line {lines[k]}", self.header, notes=tuple(notes))

    def of_scikit_learn(self, lines: NDArray[Any], columns: tuple[Column, ...], names: tuple[str, ...]) -> Table:
        """Return the table of a file that comes with scikit-learn, whose last column holds the numbers of the classes."""
        classes, last = tuple(self.first[2:]), columns[-1]
        codes = None
        if isinstance(last, Numbers) and last.whole and last.exact is None and not last.missing.any():
            codes = last.values.astype(np.int64)
        if len(lines) != self.counted or codes is None or codes.min() < 0 or codes.max() >= len(classes):
            raise FileFormatError(f"{self.path} must hold the {self.counted} rows, with classes 0 to {len(classes) - 1} at the "
                                  f"end, that its first line declares, got {len(lines)} rows, or others")
        return Table(str(self.path), (*names[:-1], "target"), (*columns[:-1], Text(codes, classes)),
                     lambda k: f"line {lines[k]}", header=False, target="target")


class Body:
    """The rows of a file below its header, column by column; ``texts`` are the indices of the columns known to be text."""

    def __init__(self, layout: Layout, texts: set[int]) -> None:
        self.layout, self.texts, self.comma = layout, texts, False
        self.lines: list[NDArray[Any]] = []
        self.numbers: list[list[NDArray[np.float64]]] = [[] for _ in range(layout.width)]
        self.whole = [True] * layout.width
        self.exact: list[list[NDArray[np.object_] | None]] = [[] for _ in range(layout.width)]
        self.codes: list[list[NDArray[np.int64]]] = [[] for _ in range(layout.width)]
        self.found: list[dict[str, int]] = [{} for _ in range(layout.width)]

    def read(self, path: Path) -> bool:
        """Read all rows; return whether a column turned out to be text after some rows, so that it must be read again."""
        again, layout = False, self.layout
        with opened(path) as lines:
            reader = csv.reader(blanks_joined(lines) if layout.delimiter == " " else lines, strict=True,
                                delimiter=layout.delimiter, skipinitialspace=True)
            for numbers, rows in below(layout, reader):
                for k, cells in enumerate(zip(*rows, strict=True)):
                    again |= not self.add(k, cells)
                self.lines.append(numbers)
        return again

    def add(self, k: int, cells: Sequence[str]) -> bool:
        """Add cells to a column; return False if they are the first ones that are text."""
        if k not in self.texts:
            joined = "".join(cells)
            values = None if "_" in joined else numbers_of(cells)    # which Python allows between digits
            if values is None and self.layout.delimiter != "," and "," in joined:
                values = numbers_of([pointed(cell, self.layout.delimiter) for cell in cells])
                self.comma = self.comma or values is not None
            if values is not None:
                inexact = bool((np.abs(values) >= LARGEST).any())
                self.numbers[k].append(values)
                self.whole[k] = self.whole[k] and is_whole(cells, joined, values) and not np.isinf(values).any()
                self.exact[k].append(integers(cells, values) if self.whole[k] and inexact else None)
                return True
            self.texts.add(k)
            if self.numbers[k]:
                return False
        known = self.found[k]
        stripped = [cell.strip() for cell in cells]
        self.codes[k].append(np.array([known.setdefault(cell, len(known)) for cell in stripped]))
        return True

    def finished(self) -> tuple[NDArray[Any], tuple[Column, ...]]:
        """Return the line of each row, and the columns; rows without any value are left out."""
        if not self.lines:
            return np.zeros(0, int), ()
        columns: list[Column] = []
        for k in range(self.layout.width):
            if k in self.texts:
                texts = list(self.found[k])
                kept = [text for text in texts if text.lower() not in GAPS]
                renumbered = np.array([-1 if text.lower() in GAPS else 0 for text in texts])
                renumbered[renumbered == 0] = np.arange(len(kept))
                columns.append(Text(renumbered[np.concatenate(self.codes[k])], tuple(kept)))
            else:
                exact = None
                if self.whole[k] and any(some is not None for some in self.exact[k]):
                    exact = np.concatenate([np.nan_to_num(floats).astype(np.int64).astype(object) if some is None else some
                                            for floats, some in zip(self.numbers[k], self.exact[k], strict=True)])
                columns.append(Numbers(np.concatenate(self.numbers[k]), self.whole[k], exact))
        filled = ~np.all([column.missing for column in columns], axis=0)
        lines = np.concatenate(self.lines)
        if filled.all():
            return lines, tuple(columns)
        return lines[filled], tuple(column.taken(filled) for column in columns)


def integers(cells: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return cells as Python's integers, which have any number of digits; 0 where one is missing."""
    return np.array([0 if value != value else int(cell) for cell, value in zip(cells, values.tolist(), strict=True)], object)


def below(layout: Layout, reader: Any) -> Iterator[tuple[NDArray[Any], list[list[str]]]]:
    """Yield the rows below the header, some at a time, with the numbers of their lines."""
    skip = layout.header
    try:
        while True:
            before = reader.line_num
            rows = list(islice(reader, CHUNK))
            if not rows:
                return
            lines = before + np.arange(1, len(rows) + 1)
            if reader.line_num - before != len(rows):               # some cells have several lines
                lines = before + np.cumsum([1 + sum(map(breaks, row)) for row in rows])
            if set(map(len, rows)) != {layout.width} or skip:
                kept = [k for k, row in enumerate(rows) if any(map(str.strip, row))]
                if skip and kept:
                    kept, skip = kept[1:], False
                wrong = next((k for k in kept if len(rows[k]) != layout.width), None)
                if wrong is not None:
                    raise FileFormatError(f"{layout.path} must have {layout.width} cells in each line, separated by "
                                          f"{DELIMITERS[layout.delimiter]}, got {len(rows[wrong])} in line {lines[wrong]}")
                rows, lines = [rows[k] for k in kept], lines[kept]
            if rows:
                yield lines, rows
    except csv.Error as error:
        what = in_one_line(str(error).replace(f"'{layout.delimiter}'", DELIMITERS[layout.delimiter]))
        raise FileFormatError(f"{layout.path} must be a table of text, got in line {reader.line_num}: {what}") from error


def breaks(cell: str) -> int:
    """Return how many lines end in a cell."""
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n") if "\n" in cell or "\r" in cell else 0


def named(first: Sequence[str]) -> tuple[str, ...]:
    """Return different names; that of a first column without one stays empty: it may be the index of a frame."""
    names = different(first)
    return ("", *names[1:]) if not first[0] else names
