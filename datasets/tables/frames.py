"""Frames and series of pandas and polars as tables: known by their attributes, so that neither library is imported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...conversion import is_category, is_frame
from ...errors import DataError, DtypeError, ShapeError
from ...printing import in_one_line
from ..classes import MISSING, decoded
from .cells import is_number
from .table import LARGEST, Column, Numbers, Table, Text, different

NUMBER = (bool, int, float, np.bool_, np.integer, np.floating)


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
    array = y if is_frame(y) or hasattr(y, "dtype") else np.asarray(y, object)
    if is_frame(y):
        more = of_frame(y, name)
        names, columns = more.names, more.columns
    elif np.ndim(array) == 2:
        several = array.shape[1] > 1
        names = tuple(f"{name}{k}" for k in range(array.shape[1])) if several else (name,)
        columns = tuple(column_of(column, name) for column in array.T)
    else:
        names, columns = (name_of(y) if name_of(y) != "y" else name,), (column_of(y, name),)
    count = len(columns[0].missing)
    if count != len(table):
        raise ShapeError(f"{name} must have as many examples as {table.name}, {len(table)}, got {count}")
    return replace(table, names=different([*table.names, *names]), columns=(*table.columns, *columns))


def column_of(series: Any, name: str) -> Column:
    """Return a series, array or list as a column of numbers or text.

    Text is meant to be text if all of it is numbers: a frame has types for these. So are categories, whatever they are.
    """
    # As objects, the members of a list stay what they are; in an array of text, NaN and 1 would become "nan" and "1".
    values = np.asarray(series) if hasattr(series, "dtype") else np.asarray(series, object)
    if values.dtype.kind == "f" and "int" in str(series.dtype).lower():
        values = np.array(series.to_list(), object)                 # integers of pandas and polars with gaps
    category = is_category(series)
    if values.dtype.kind in "biuf" and not category:
        floats = values.astype(np.float64)
        inexact = values.dtype.kind in "iu" and values.dtype.itemsize == 8 and bool((np.abs(floats) >= LARGEST).any())
        return Numbers(floats, values.dtype.kind != "f", values.astype(object) if inexact else None)
    if values.dtype.kind not in "OUSTbiuf":                         # times, which as objects may become integers
        raise DtypeError(f"{in_one_line(name)} must hold numbers or text, got {values.dtype}")
    items: list[Any] = [decoded(item) for item in np.asarray(values, object).tolist()]
    gaps = np.array([type(item).__name__ in MISSING or item != item for item in items], bool)
    present = [item for item, gap in zip(items, gaps, strict=True) if not gap]
    if category:
        present = [str(item) for item in present]
    elif all(isinstance(item, NUMBER) for item in present):
        floats = np.full(len(items), np.nan)
        try:
            floats[~gaps] = present
        except OverflowError:
            raise DataError(f"{in_one_line(name)} must hold numbers up to 1.8e308, got a larger integer") from None
        whole = not any(isinstance(item, (float, np.floating)) for item in present)
        exact = np.zeros(len(items), object)
        exact[~gaps] = present
        return Numbers(floats, whole, exact if whole and bool((np.abs(floats[~gaps]) >= LARGEST).any()) else None)
    if not all(isinstance(item, str) for item in present):
        kinds = ", ".join(sorted({type(item).__name__ for item in present}))
        raise DtypeError(f"{in_one_line(name)} must hold numbers or text, got {kinds}")
    texts = sorted(set(present))
    code = {text: k for k, text in enumerate(texts)}
    codes = np.full(len(items), -1)
    codes[~gaps] = [code[item] for item in present]
    return Text(codes, tuple(texts), category or all(map(is_number, texts)))


def columns_of(x: Any) -> tuple[str, ...]:
    """Return the names of the columns of what has some; () for an array."""
    return different(list(x.columns)) if is_frame(x) else ()


def name_of(y: Any) -> str:
    """Return the name of a series; "y" if it has none."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "y"
