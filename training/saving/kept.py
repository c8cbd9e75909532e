"""The files of a Checkpoint: the newest, the best, and older ones; which of them it may replace, and which it deletes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ...errors import ArgumentError
from ...files import link, write
from .sealed import beginning


def new_run() -> str:
    """Return a name for a new run. Its files hold it, also after the run is resumed: so each run knows its own."""
    return os.urandom(8).hex()


class Kept:
    """The newest file, at ``path``, and the ``keep - 1`` before it, under names with labels such as ``epoch-3``."""

    def __init__(self, path: Path, keep: int, overwrite: bool) -> None:
        self.path, self.keep, self.overwrite = path, keep, overwrite
        self.begin(new_run())

    def begin(self, run: str) -> None:
        """Begin a run of this name, of which there is no file yet."""
        self.run, self.names, self.written = run, list[str](), ""   # written: the label of the newest
        self.claimed, self.replaced = False, list[Path]()           # replaced: older files of another run

    def beside(self, label: str) -> Path:
        """Return the path of a file beside the newest."""
        return self.path.with_name(f"{self.path.stem}.{label}{self.path.suffix}")

    def older(self) -> list[Path]:
        """Return the older checkpoints of whatever run that are there, in the order of their numbers."""
        form = re.compile(rf"{re.escape(self.path.stem)}\.(?:epoch|step)-(\d+){re.escape(self.path.suffix)}")
        found = [(int(match[1]), path) for path in self.path.parent.glob("*") if (match := form.fullmatch(path.name))]
        return [path for _, path in sorted(found) if "run" in (beginning(path) or {})]

    def claim(self, others: Iterable[Path] = ()) -> None:
        """Raise ArgumentError if a file of another run is where this one will write, unless it may be overwritten."""
        older = [path for path in self.older() if not self.owns(path)]
        if self.overwrite:
            self.replaced = older
        else:
            for path in (self.path, *others, *older):
                if path.exists() and not self.owns(path):
                    raise ArgumentError("Checkpoint: path must be a new file, or that of a run that goes on, by "
                                        f"fit(resume=True) or after restore, got {str(self.path)!r}: {path.name} exists; "
                                        "overwrite=True replaces it")
        self.claimed = True

    def owns(self, path: Path) -> bool:
        """Return whether a file is a checkpoint of this run."""
        return (beginning(path) or {}).get("run") == self.run

    def write(self, label: str, content: Callable[[], bytes]) -> None:
        """Write the file. The one before it gets another name, and the oldest is deleted."""
        names, written = self.names, self.written
        older = self.beside(written)
        files = [*(name for name in names if name != older.name), *([older.name] if written else [])]
        first = max(0, len(files) + 1 - self.keep)
        try:
            self.names, self.written = files[first:], label         # which the content holds
            data = content()
            if older.name in self.names and self.is_newest(written) and (self.owns(older) or not older.exists()):
                link(self.path, older)
            write(self.path, data)
        except BaseException:
            self.names, self.written = names, written
            raise
        old = [path for path in map(self.path.with_name, files[:first]) if self.owns(path)]
        for path in (*old, *self.replaced):
            with suppress(OSError):
                path.unlink()
        self.replaced = []

    def is_newest(self, label: str) -> bool:
        """Return whether the file at ``path`` is the one of this run with this label."""
        notes = beginning(self.path) or {}
        return (notes.get("run"), notes.get("label")) == (self.run, label)
