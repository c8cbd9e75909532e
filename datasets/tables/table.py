"""A table: named columns of numbers or text, with gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
LARGEST = 2.0**53                                                   # from here on, floats are not all integers


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers.

    Attributes
    ----------
    values : float64 array of shape (N,)
        NaN where a value is missing.
    whole : bool
        Whether all are integers, which are written without a decimal point or have an integer type.
    exact : object array of shape (N,), or None
        The integers, 0 where one is missing, if floats do not hold them all exactly.
    """

    values: NDArray[np.float64]
    whole: bool
    exact: NDArray[np.object_] | None = None

    @property
    def missing(self) -> Flags:
        return np.isnan(self.values)

    def taken(self, rows: Flags) -> Numbers:
        """The column of some rows."""
        return Numbers(self.values[rows], self.whole, None if self.exact is None else self.exact[rows])

    @property
    def labels(self) -> NDArray[Any]:
        """The numbers, row by row, of a column without gaps: int64, or text if one does not fit; or floats."""
        if not self.whole:
            return self.values
        if self.exact is None:
            return self.values.astype(np.int64)
        fit = self.exact.min() >= -2**63 and self.exact.max() < 2**63
        return self.exact.astype(np.int64 if fit else str)


@dataclass(frozen=True, eq=False)
class Text:
    """A column of text: ``texts[codes]``, with the code -1 where a value is missing.

    ``meant`` tells whether its type says that it holds text, whatever this looks like.
    """

    codes: NDArray[np.int64]
    texts: tuple[str, ...]
    meant: bool = False

    @property
    def missing(self) -> Flags:
        return self.codes < 0

    def taken(self, rows: Flags) -> Text:
        return Text(self.codes[rows], self.texts, self.meant)

    @property
    def labels(self) -> NDArray[np.str_]:
        """The texts, row by row, of a column without gaps."""
        return np.array(self.texts)[self.codes]


Column = Numbers | Text


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, with different names.

    Attributes
    ----------
    name : str
        What error messages call the table: a path, or "x".
    names : tuple of str
    columns : tuple of Numbers or Text
    place : callable
        Returns the place of row k as text, "line 3" of a file or "row 2" of a frame.
    header : bool
        Whether the names are the table's own; otherwise they are the numbers of the columns, from 1.
    target : str or None
        The name of the column that the table itself says is to be predicted.
    notes : tuple of str
        Sentences on how the table was read.
    """

    name: str
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    place: Callable[[int], str]
    header: bool = True
    target: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[0].missing) if self.columns else 0

    def column(self, name: str) -> Column:
        return self.columns[self.names.index(name)]


def different(names: Sequence[Any]) -> tuple[str, ...]:
    """Return names as text, of which each repeated one is numbered; no number makes it another one of the names.

    >>> different(["a", "b", "a", ""]), different(["a", "a", "a (2)"])
    (('a', 'b', 'a (2)', 'column 4'), ('a', 'a (3)', 'a (2)'))
    """
    texts = [str(given) or f"column {k}" for k, given in enumerate(names, 1)]
    taken, found = set(texts), list[str]()
    count = Counter[str]()
    for name in texts:
        count[name] += 1
        new = name
        while count[name] > 1 and new in taken:
            new = f"{name} ({count[name]})"
            count[name] += new in taken
        taken.add(new)
        found.append(new)
    return tuple(found)
