"""The columns of tables as features, targets and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, DataError
from ...names import suggestion
from ...printing import in_one_line
from ..classes import listed
from ..targets import FEW, OFTEN
from .cells import NUMBERLIKE, is_number
from .table import Column, Numbers, Table, Text

Array = NDArray[Any]

TARGETS = frozenset(("target", "targets", "y", "class", "label", "labels", "outcome"))     # names, in lower case
IDENTIFIER = re.compile(r"|unnamed: 0|index|row|row.?names?|no\.?|nr\.?|#|id|.*[ _.-]id|(?-i:.*[a-z]I[dD])", re.IGNORECASE)
GROUPS_UNKNOWN = "Whether the test part holds groups of the training part is not known: no groups are given for it."


class Encoded(NamedTuple):
    """Tables, such as a training and a test part, as arrays; ``groups`` are those of the first."""

    x: list[Array]
    y: list[Array]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    groups: Array | None
    notes: tuple[str, ...]


class Feature(NamedTuple):
    """A column of x: numbers, or where a column of text holds one of its texts."""

    label: str
    name: str
    text: str | None = None

    def values(self, table: Table) -> Array:
        column = table.column(self.name)
        if isinstance(column, Numbers):
            return column.values
        code = column.texts.index(self.text) if self.text in column.texts else -2
        return np.asarray(column.codes == code, np.float64)


def encoded(tables: Sequence[Table], target: Any = None, group: Any = None, missing: str = "refuse",
            targets: bool = True) -> Encoded:
    """Return the features, targets and groups of tables with the same columns.

    Columns of numbers are features as they are. Of a column of text with at most 20 different texts, each text gives a
    feature, which is 1 in the rows that hold it and 0 in the others; the second one alone if there are two. Columns without any
    value, identifiers (``id``, ``index`` or without a name, all different), and columns of more texts are left out, and a note
    says so. With ``targets=False`` all columns are features.

    Raises
    ------
    ArgumentError
        ``target`` or ``group`` is no column; the message lists the columns.
    DataError
        A value is missing (unless ``missing`` is "drop") or infinite, or is text among numbers; the message gives its place.
        Or two tables share a group.
    """
    first = tables[0]
    names = target_names(first, target) if targets else ()
    groups = None if group is None else column_name(first, group, "group")
    for other in tables[1:]:
        lacking = [name for name in first.names if name not in other.names and name != groups]
        if lacking:
            raise DataError(f"{other.name} must have the columns of {first.name}, but lacks {shown(lacking)}")
    notes: list[str] = []
    features = [feature for name in first.names if name not in (*names, groups)
                for feature in features_of(tables, name, notes)]
    if not features:
        raise DataError(f"{first.name} must have a column of numbers, or of at most {FEW} texts, beside {shown(names)}, got "
                        f"{shown(first.names)}")
    used = list(dict.fromkeys([*(feature.name for feature in features), *names]))
    tables = [complete(table, used if k else [*used, *([groups] if groups else [])], missing, notes)
              for k, table in enumerate(tables)]
    if groups:
        notes += apart(tables, groups)
    x = [np.column_stack([feature.values(table) for feature in features]) for table in tables]
    y = target_values(tables, names, notes) if names else []
    return Encoded(x, y, tuple(feature.label for feature in features), tuple(map(in_one_line, names)),
                   None if groups is None else tables[0].column(groups).labels, tuple(notes))


# ------------------------------------------------------------------ which column is what


def target_names(table: Table, target: Any) -> tuple[str, ...]:
    """Return the names of the columns that are to be predicted."""
    if target is None:
        likely = [table.target] if table.target else [name for name in table.names if name.lower() in TARGETS]
        if len(likely) == 1:
            return likely[0],
        if table.header:
            raise ArgumentError(f"target must be the column of {table.name} that is to be predicted, one of "
                                f"{shown(table.names)}, got None")
        raise ArgumentError(f"target must be the number of the column of {table.name} that is to be predicted, since the table "
                            f"has no header: 1 to {len(table.names)}, or 'last', got None")
    if isinstance(target, str) and target not in table.names and "," in target:
        target = [part.strip() for part in target.split(",")]
    several = target if isinstance(target, (list, tuple)) and target else [target]
    return tuple(dict.fromkeys(column_name(table, one, "target") for one in several))


def column_name(table: Table, wanted: Any, role: str) -> str:
    """Return the name of a column that an argument names; ArgumentError if there is none."""
    name = str(wanted)
    if name in table.names:
        return name
    if name in ("last", "-1"):
        return table.names[-1]
    raise ArgumentError(f"{role} must be a column of {table.name}, one of {shown(table.names)}, got {wanted!r}"
                        f"{suggestion(name, table.names)}")


def shown(names: Sequence[str]) -> str:
    return in_one_line(listed(names))


def features_of(tables: Sequence[Table], name: str, notes: list[str]) -> Iterator[Feature]:
    """Yield the features that a column gives; a note says if it is left out, or encoded."""
    columns = [table.column(name) for table in tables]
    label = in_one_line(name) or "without a name"
    if all(column.missing.all() for column in columns):
        notes.append(f"Column {label} was left out: it is empty.")
        return
    column = columns[0]
    if IDENTIFIER.fullmatch(name) and different_values(column) == len(column.missing) > 1:
        notes.append(f"Column {label} was left out: it numbers the rows.")
        return
    if numeric(tables, name):
        yield Feature(label, name)
        return
    for table in tables:
        refuse_text(table, name, among=0.5)
    texts = sorted({text for other in columns for text in texts_of(other)})
    if len(texts) > FEW:
        notes.append(f"Column {label} was left out: it holds {len(texts)} different texts, more than {FEW}.")
    elif len(texts) == 1:
        notes.append(f"Column {label} was left out: it holds one text only.")
    else:
        chosen = texts if len(texts) > 2 else texts[1:]
        listing = in_one_line(", ".join(chosen))
        notes.append(f"Column {label} was encoded: " + (
            f"one column for each of {listing}." if len(chosen) > 1 else f"1 where it holds {listing}, 0 elsewhere."))
        for text in chosen:
            yield Feature(in_one_line(f"{name}={text}"), name, text)


def numeric(tables: Sequence[Table], name: str) -> bool:
    """Return whether a column holds numbers; DataError if it does in one table and not in another."""
    numbers = [isinstance(table.column(name), Numbers) or bool(table.column(name).missing.all()) for table in tables]
    if any(numbers) and not all(numbers):
        refuse_text(tables[numbers.index(False)], name, among=0)
    return all(numbers)


def texts_of(column: Column) -> list[str]:
    """Return the different texts of a column; none of one of numbers."""
    return [] if isinstance(column, Numbers) else [column.texts[code] for code in np.unique(column.codes[column.codes >= 0])]


def different_values(column: Column) -> int:
    """Return how many different values a column of text or integers has; 0 for other numbers."""
    if isinstance(column, Text):
        return len(np.unique(column.codes[column.codes >= 0]))
    return len(np.unique(column.values if column.exact is None else column.exact)) if column.whole else 0


def refuse_text(table: Table, name: str, among: float) -> None:
    """Raise DataError if in a column of text the share of numbers, or of what looks like them, is at least ``among``.

    A column that is meant to be text, by its type, is refused only if the same one of another table holds numbers.
    """
    column = table.column(name)
    if not isinstance(column, Text) or (column.meant and among):
        return
    present = column.codes >= 0
    number = np.array([is_number(text) for text in column.texts])
    like = number | [NUMBERLIKE.fullmatch(text) is not None for text in column.texts]
    if present.any() and like[column.codes[present]].mean() >= among:
        flags = [present & ~kind[column.codes] for kind in (like, number)]
        row = int(next((wrong for wrong in flags if wrong.any()), present).argmax())
        raise DataError(f"{table.name} must hold numbers in column {in_one_line(name)!r}, got "
                        f"{in_one_line(column.texts[column.codes[row]])[:60]!r} in {table.place(row)}")


# ------------------------------------------------------------------ values


def complete(table: Table, used: Sequence[str], missing: str, notes: list[str]) -> Table:
    """Return a table whose used columns have no gaps: refused, or with ``missing="drop"`` their rows left out."""
    gaps = {name: table.column(name).missing for name in used}
    rows = np.any(list(gaps.values()), axis=0)
    if rows.any():
        holed = [name for name, flags in gaps.items() if flags.any()]
        columns = f"column{'s' * (len(holed) > 1)} {shown(holed)}"
        if missing == "refuse":
            row = int(rows.argmax())
            name = next(name for name in holed if gaps[name][row])
            raise DataError(f"{table.name} must hold a value in each cell, got none in {table.place(row)}, column "
                            f"{in_one_line(name)!r} ({rows.sum()} of {len(table)} rows lack one, in {columns}); missing='drop' "
                            "leaves such rows out")
        if rows.all():
            raise DataError(f"{table.name} must have a row with a value in each cell, got none: values are missing in "
                            f"{columns}")
        notes.append(f"{rows.sum()} of {len(table)} rows were left out: they lack a value in {columns}.")
    for name in used:
        column = table.column(name)
        if isinstance(column, Numbers) and np.isinf(column.values[~rows]).any():
            row = int((np.isinf(column.values) & ~rows).argmax())
            raise DataError(f"{table.name} must hold finite numbers, got {column.values[row]} in {table.place(row)}, column "
                            f"{in_one_line(name)!r}")
    if not rows.any():
        return table
    kept = np.flatnonzero(~rows)
    return Table(table.name, table.names, tuple(column.taken(~rows) for column in table.columns),
                 lambda k: table.place(int(kept[k])), table.header, table.target)


def apart(tables: Sequence[Table], name: str) -> list[str]:
    """Raise DataError if two tables share a group; return a note if one of them does not say which groups it holds."""
    found: set[str] = set()
    for table in tables:
        if name not in table.names:
            return [GROUPS_UNKNOWN]
        column = table.column(name)
        own = set(map(str, column.taken(~column.missing).labels.tolist()))
        if found & own:
            raise DataError(f"{table.name} must hold none of the groups of {tables[0].name}, got {len(found & own)} of its "
                            f"{len(own)} in both, in column {in_one_line(name)!r}: {shown(sorted(found & own))}")
        found |= own
    return []


def target_values(tables: Sequence[Table], names: Sequence[str], notes: list[str]) -> list[Array]:
    """Return y of each table: labels, integers or text, of shape (N,); floats, (N,) or (N, K); or a matrix of 0 and 1."""
    if len(names) > 1:
        found = [np.column_stack([numbers_only(table, name) for name in names]) for table in tables]
        return [y.astype(np.int64) for y in found] if all(np.isin(y, (0, 1)).all() for y in found) else found
    columns = [table.column(names[0]) for table in tables]
    name, n = in_one_line(names[0]), sum(map(len, tables))
    if not numeric(tables, names[0]):
        for table in tables:
            refuse_text(table, names[0], among=0.5)
        count = len({text for column in columns for text in texts_of(column)})
        if count > max(n / 2, 2):
            raise DataError(f"{tables[0].name} must hold classes or numbers in column {name!r}, the target, got {count} "
                            f"different texts in {n} rows")
        return [column.labels for column in columns]
    numbers = [column for column in columns if isinstance(column, Numbers)]
    if not all(column.whole for column in numbers):
        return [column.values for column in numbers]
    labels = [column.labels for column in numbers]
    if len({array.dtype.kind for array in labels}) > 1:             # those of one table are too large for int64
        labels = [array.astype(str) for array in labels]
    count = len({label for array in labels for label in array.tolist()})
    if count > max(FEW, n / OFTEN):
        notes.append(f"The {count} different integers in {name}, of {n} rows, are predicted as numbers; as text they would be "
                     "classes.")
        return [column.values for column in numbers]
    if count > FEW:
        notes.append(f"The {count} different integers in {name}, of {n} rows, are classes; with a decimal point they would be "
                     "predicted as numbers.")
    return labels


def numbers_only(table: Table, name: str) -> Array:
    """Return one of several targets as numbers; ``true`` and ``false`` are 1 and 0."""
    column = table.column(name)
    if isinstance(column, Numbers):
        return column.values
    truth = np.array([text.lower() == "true" for text in column.texts])
    if any(text.lower() not in ("true", "false") for text in column.texts):
        raise DataError(f"{table.name} must hold numbers in each of several targets, got text such as "
                        f"{in_one_line(column.texts[0])[:60]!r} in column {in_one_line(name)!r}")
    return truth[column.codes].astype(np.float64)
