"""What a view of a run is made of: rows on a terminal, a display in a notebook, and a budget of time for drawing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from ...printing import forgiving_streams, show
from ...progress import on_terminal
from ..history import History, as_cell

SHARE = 0.1                                                         # of the time of the run, at most, goes into drawing
FIRST = 0.05                                                        # seconds that the first drawing is expected to take
WIDTH = 10                                                          # characters of a column on a terminal, at least


class Budget:
    """Decides whether drawing once more keeps to a share of the time since the beginning.

    The next drawing is expected to take as long as the last one.
    """

    def __init__(self, share: float = SHARE, clock: Callable[[], float] = time.perf_counter) -> None:
        self.share, self.clock = share, clock
        self.start, self.spent, self.last = clock(), 0.0, FIRST

    def allows(self) -> bool:
        """Return whether there is time for a drawing."""
        return self.spent + self.last <= self.share * (self.clock() - self.start)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure the drawing that the block makes."""
        begin = self.clock()
        try:
            yield
        finally:
            self.last = self.clock() - begin
            self.spent += self.last


class Rows:
    """Prints the epochs of a history as rows of a table on standard output, above a progress bar if there is one."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] = ()

    def print(self, history: History) -> None:
        """Print the last epoch; the headings come before the first row, and where columns are new."""
        entries, lines = history.last, []
        if (columns := tuple(entries)) != self.columns:
            self.columns = columns
            lines.append("  ".join(name.rjust(WIDTH) for name in columns))
        lines.append("  ".join(as_cell(name, entries[name]).rjust(max(WIDTH, len(name))) for name in columns))
        printed("\n".join(lines))


def printed(text: str) -> None:
    """Print on standard output; do nothing where there is none."""
    if sys.stdout is not None:
        with suppress(ValueError), forgiving_streams(), around_bars():      # ValueError: it is closed
            show(text)


def around_bars() -> AbstractContextManager[None]:
    """Return a context manager that takes progress bars from a terminal, and puts them back."""
    tqdm = sys.modules.get("tqdm")
    return tqdm.tqdm.external_write_mode(file=sys.stdout) if tqdm is not None and on_terminal() else nullcontext()


def notebook() -> Any:
    """Return IPython's function ``display`` in a Jupyter kernel; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return None if getattr(shell, "kernel", None) is None else sys.modules["IPython.display"].display


class Place:
    """A place in the output of a notebook's cell, whose content is replaced again and again."""

    def __init__(self, display: Any) -> None:
        self.display, self.handle = display, None

    def put(self, content: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
        """Show content, by its MIME types."""
        if self.handle is None:
            self.handle = self.display(content, raw=True, metadata=metadata, display_id=True)
        else:
            self.handle.update(content, raw=True, metadata=metadata)
