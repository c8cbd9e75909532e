"""Frames and series of pandas and polars as tables: known by their attributes, so that neither library is imported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from ...printing import in_one_line
from ..classes import MISSING
from .table import Column, Numbers, Table, Text, different

NUMBER = (bool, int, float, np.bool_, np.integer, np.floating)


def is_frame(x: Any) -> bool:
    """Return whether x is a frame: columns with names and dtypes."""
    return hasattr(x, "shape") and len(x.shape) == 2 and hasattr(x, "columns") and hasattr(x, "dtypes")


def of_frame(frame: Any, name: str) -> Table:
    """Return a frame as a table, whose rows are numbered from 0; DtypeError for a column of neither numbers nor text."""
    if hasattr(frame, "compute"):                                   # of dask, where rows may not be counted yet
        frame = frame.compute()
    names = different(list(frame.columns))
    columns = [frame.iloc[:, k] if hasattr(frame, "iloc") else frame[label] for k, label in enumerate(frame.columns)]
    found = [column_of(series, f"{name}[{label!r}]") for series, label in zip(columns, names, strict=True)]
    return Table(name, names, tuple(found), lambda k: f"row {k}")


def joined(table: Table, y: Any, name: str) -> Table:
    """Return a table with further columns at its end: a series, an array of shape (N,) or (N, K), or a frame."""
    array = None if is_frame(y) else np.asarray(y)
    if is_frame(y):
        more = of_frame(y, name)
        names, columns = more.names, more.columns
    elif array is not None and array.ndim == 2:
        names = tuple(f"{name}{k}" for k in range(array.shape[1]))
        columns = tuple(column_of(column, name) for column in array.T)
    else:
        names, columns = (name_of(y) if name_of(y) != "y" else name,), (column_of(y, name),)
    count = len(columns[0].missing)
    if count != len(table):
        raise ShapeError(f"{name} must have as many examples as {table.name}, {len(table)}, got {count}")
    return replace(table, names=different([*table.names, *names]), columns=(*table.columns, *columns))


def column_of(series: Any, name: str) -> Column:
    """Return a series as a column of numbers or text."""
    values = np.asarray(series)
    if values.dtype.kind in "biuf":
        return Numbers.of(values.astype(np.float64), values.dtype.kind != "f")
    if values.dtype.kind not in "OUT":                              # times, which as objects may become integers
        raise DtypeError(f"{in_one_line(name)} must hold numbers or text, got {values.dtype}")
    items: list[Any] = np.asarray(values, object).tolist()
    gaps = [type(item).__name__ in MISSING or item != item for item in items]
    present = [item for item, gap in zip(items, gaps, strict=True) if not gap]
    if all(isinstance(item, NUMBER) for item in present):
        numbers = np.array([np.nan if gap else float(item) for item, gap in zip(items, gaps, strict=True)])
        return Numbers.of(numbers, not any(isinstance(item, (float, np.floating)) for item in present))
    if not all(isinstance(item, str) for item in present):
        kind = next(type(item).__name__ for item in present if not isinstance(item, str))
        raise DtypeError(f"{in_one_line(name)} must hold numbers or text, got {kind}")
    texts = sorted(set(present))
    code = {text: k for k, text in enumerate(texts)}
    return Text(np.array([-1 if gap else code[item] for item, gap in zip(items, gaps, strict=True)], np.int64), tuple(texts))


def columns_of(x: Any) -> tuple[str, ...]:
    """Return the names of the columns of what has some; () for an array."""
    return different(list(x.columns)) if is_frame(x) else ()


def name_of(y: Any) -> str:
    """Return the name of a series; "y" if it has none."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "y"
