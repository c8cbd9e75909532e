"""The base class of callbacks that write each epoch of the history into a file."""

from __future__ import annotations

import csv
import errno
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from ... import files
from ...arguments import in_a_line
from ...errors import ArgumentError
from ...restoring import at_once, setting
from ..callbacks import Callback, Run
from ..history import History

Row = dict[str, Any]
Columns = tuple[str, ...]


class Log(Callback, ABC):
    """Writes the entries of each epoch into a file, once, as soon as the epoch has ended.

    What the file has is a beginning, and the rows in the order of their epochs. ``end`` is where the next row goes: whatever
    comes after it is cut, so that a row whose writing was interrupted is written again in its place.
    """

    kind = "a log"                                                  # of file, for errors

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        if not isinstance(path, (str, Path)):
            raise ArgumentError(f"{type(self).__name__}: path must be a str or a Path, got {in_a_line(path)}")
        self.path, self.overwrite = Path(path), bool(overwrite)
        self.end, self.columns, self.lengths, self.failed = 0, Columns(), dict[str, int](), False

    @abstractmethod
    def beginning(self, columns: Columns) -> bytes:
        """Return what stands before the rows."""

    @abstractmethod
    def encoded(self, row: Row, columns: Columns) -> bytes:
        """Return a row as the file has it."""

    @abstractmethod
    def kept(self, content: bytes, epoch: float) -> tuple[int, float, Columns]:
        """Return where the rows up to an epoch end, the epoch of the last of them, and the columns of the file.

        ValueError if the content is not that of a log; half a row at its end belongs to none.
        """

    # ------------------------------------------------------------------ in fit

    def before_training(self, run: Run) -> None:
        """Refuse a file that is not of this run; of one that goes on, cut the rows of epochs that come again: maybe of all."""
        epochs = run.history.get("epoch", [])
        content = self.content()
        end, last, columns = self.checked(content, epochs[-1] if epochs else 0)
        if content and not run.resume and not self.overwrite:
            raise ArgumentError(f"{type(self).__name__}: path must be a new file, or the log of a run that fit(resume=...) "
                                f"continues, got {str(self.path)!r}, which exists; overwrite=True replaces it")
        if not run.resume:
            end, columns = 0, ()
        elif end < len(content):
            cut(self.path, end, b"")
        missing = sum(epoch > last for epoch in epochs)             # of all columns, the last ones
        self.end, self.columns, self.failed = end, columns, False
        self.lengths = {name: max(0, len(column) - missing) for name, column in run.history.items()}
        self.open_folder()
        self.write(run.history)

    def after_epoch(self, run: Run) -> None:
        self.attempt(run.history)

    def after_training(self, run: Run) -> None:
        self.attempt(run.history)                                   # what Ctrl-C may have kept out

    # ------------------------------------------------------------------ the file

    def open_folder(self) -> None:
        """Raise OSError if no file can be written beside this one."""
        files.check_folder(self.path.parent)

    def content(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    def checked(self, content: bytes, epoch: float) -> tuple[int, float, Columns]:
        try:
            return self.kept(content, epoch) if content else (0, 0.0, ())
        except (ValueError, csv.Error) as error:
            raise ArgumentError(f"{type(self).__name__}: path must be a new file or {self.kind}, got {str(self.path)!r}, which "
                                f"is something else: {error}") from None

    def attempt(self, history: History) -> None:
        """Write what the file does not have; if that is not possible, warn of it, once: training goes on."""
        try:
            self.write(history)
        except OSError as error:
            if not self.failed:
                self.failed = True
                warnings.warn(f"{self.path}: a row cannot be written, and training goes on without ({error}); it follows as "
                              "soon as it can be", stacklevel=2)

    def write(self, history: History) -> None:
        """Write the rows of the epochs that the file does not have, in one piece."""
        lengths = {name: len(column) for name, column in history.items()}
        new = {name: length - self.lengths.get(name, 0) for name, length in lengths.items()}
        rows = [{name: column[-back] for name, column in history.items() if new[name] >= back}
                for back in range(new.get("epoch", 0), 0, -1)]
        if rows:
            columns = tuple(dict.fromkeys([*self.columns, *(name for row in rows for name in row)]))
            end = self.put(rows, columns)
            at_once(setting([(self, "end", end), (self, "columns", columns), (self, "lengths", lengths)]))

    def put(self, rows: list[Row], columns: Columns) -> int:
        """Write rows into the file, and return where they end."""
        data = b"".join(self.encoded(row, columns) for row in rows)
        if self.end:
            return cut(self.path, self.end, data)
        data = self.beginning(columns) + data
        files.write(self.path, data)
        return len(data)


def cut(path: Path, end: int, data: bytes) -> int:
    """Write data at a place of a file in place of all that stands there, and return where they end."""
    with path.open("r+b", buffering=0) as file:                     # a buffer that Ctrl-C leaves would be written later
        file.seek(end)
        if (written := file.write(data)) != len(data):
            raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written", str(path))
        file.truncate()
    return end + len(data)


def plain(name: str, value: Any) -> Any:
    """Return an entry of a history as an int for epochs, a float for other numbers, or as it is."""
    if name == "epoch":
        return int(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return value

