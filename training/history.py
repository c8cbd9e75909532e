"""The history of a training run: numbers, one entry per epoch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from itertools import chain, starmap

from ..printing import html_table

SHOWN = 10                                                          # of the first and of the last epochs of a long table


class History(dict[str, list[float]]):
    """Columns of numbers with one entry per epoch: ``history["cost"][-1]`` is the cost of the last epoch.

    ``fit`` writes the columns ``epoch`` (from 1), ``cost`` (the mean over the epoch's examples, each measured just before the
    step on its batch) and ``seconds``; with validation data also ``validation_cost`` and, for a loss of classes whose targets
    are classes or one-hot rows, ``validation_accuracy``. Callbacks may add columns, also later ones: the last entry of a column
    is that of the last epoch. A column that stops has NaN for the epochs without an entry, as soon as the next one is added.

    Attributes
    ----------
    stopped : str or None
        Why training ended before its last epoch: "interrupted", or the reason given to ``run.stop``. None if it did not.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    stopped: str | None = None
    interrupted: bool = False
    _before: Mapping[str, int] = {}               # lengths before the last epoch; never changed in place

    def append(self, row: dict[str, float]) -> None:
        """Add entries to the columns: of a new epoch, if ``epoch`` is one of them, or further ones of the last epoch."""
        columns, before = {name: self.get(name, []) for name in row}, self._before
        gaps: list[list[float]] = []
        if "epoch" in row:
            gaps = [column for name, column in self.items() if self._stopped(name)]
            before = {name: len(column) + self._stopped(name) for name, column in self.items()}
        calls = starmap(list.append, [*((column, math.nan) for column in gaps),
                                      *((columns[name], value) for name, value in row.items())])
        news = starmap(dict.update, [(self, columns), (self.__dict__, {"_before": before})])
        deque(chain(calls, news), 0)                                # in one call of C: Ctrl-C cannot come in between

    def _stopped(self, name: str) -> bool:
        """Whether a column has entries, but none of the last epoch."""
        return len(self[name]) == self._before.get(name)

    def _aligned(self) -> dict[str, list[float]]:
        """Return the columns, all of which end with the last epoch: with NaN, if it has no entry."""
        return {name: [*column, math.nan] if self._stopped(name) else column for name, column in self.items()}

    def raise_if_interrupted(self) -> None:
        """Raise KeyboardInterrupt, with this history as its attribute ``history``, if Ctrl-C ended training.

        ``fit`` raises it itself, except in an interactive session. Call this method where a run must not pass for finished:
        ``rp.fit(...).raise_if_interrupted()``.
        """
        if self.interrupted:
            raise self.attached(KeyboardInterrupt())

    def attached(self, error: KeyboardInterrupt) -> KeyboardInterrupt:
        """Return the error with this history as its attribute ``history``, and a note that says so."""
        error.history = self                                        # type: ignore[attr-defined]
        error.add_note(f"fit: training was interrupted; the attribute history of this error has its epochs so far: {self}")
        return error

    @property
    def last(self) -> dict[str, float]:
        """The entries of the last epoch; NaN for a column that has none there."""
        return {name: column[-1] for name, column in self._aligned().items()}

    def __str__(self) -> str:
        if not self:
            return "no epoch"
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.last.items() if name not in ("epoch", "seconds"))
        stopped = f"; stopped: {self.stopped}" if self.stopped is not None else ""
        return f"epoch {self['epoch'][-1]:.0f}: {shown}{stopped}"

    def _rows(self) -> list[list[str]]:
        """Return the cells of a table: the names of the columns, then the epochs; of many, the first and the last ones."""
        columns = self._aligned()
        count = max(map(len, columns.values()), default=0)
        rows = [*range(SHOWN), None, *range(count - SHOWN, count)] if count > 2 * SHOWN + 1 else range(count)
        late = {name: count - len(column) for name, column in columns.items()}  # columns may begin after the first epoch

        def cell(name: str, row: int | None) -> str:
            if row is None:
                return "…"
            return as_cell(name, columns[name][row - late[name]]) if row >= late[name] else ""

        return [list(self), *([cell(name, row) for name in self] for row in rows)]

    def _repr_html_(self) -> str:
        stopped = f"stopped: {self.stopped}" if self.stopped is not None else ""
        return html_table(self._rows(), right=self, above="" if self else "no epoch", below=stopped)


def as_cell(column: str, value: object) -> str:
    """Return an entry of a history as text: four digits, or all of an epoch."""
    return f"{value:.0f}" if column == "epoch" else f"{value:.4g}" if isinstance(value, (int, float)) else str(value)
