"""A data set of any origin, as features, targets and groups; and ``load``, which gives its arrays alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import one_of
from ..conversion import is_frame
from ..errors import ArgumentError
from .checks import same_features
from .loading import Data, clean, is_pair, of_arrays, suffix
from .loading import DataSet as DataSet
from .tables.columns import GROUPS_UNKNOWN, encoded
from .tables.frames import columns_of, joined, of_frame
from .tables.table import Table
from .tables.text import read_csv

TABLES = frozenset((".csv", ".tsv", ".tab", ".txt", ".data", ".dat"))


def load(source: str | os.PathLike[str], *, target: Any = None, missing: str = "refuse") -> tuple[Data, Data | None]:
    """Return a data set, given its name or the path of the user's files.

    Parameters
    ----------
    source : str or path
        - a name: ``digits``; or a toy (``moons``, ``circles``, ...), ``shapeset`` or ``easy-shapeset`` (with
          ``EASY_SHAPESET``), generated with its defaults and ``rng=0``;
        - a **CSV file** (``.csv``, ``.tsv``, ``.txt``, ``.data``, also with ``.gz``): see Notes;
        - an **.npz file** with arrays ``x`` (examples, features, ...) and ``y`` (examples, ...), and optionally ``x_test`` and
          ``y_test``; the names ``x_train`` and ``y_train``, ``data`` and ``target``, ``images`` and ``labels``, ``arr_0`` and
          ``arr_1`` are understood too;
        - a **folder** in the format of MNIST (see `mnist`);
        - a folder of PNG or JPEG **images** of one size, with a folder for each class, which gives the name; or with folders
          ``train`` and ``test`` that hold these. x has shape (examples, channels, height, width), in [0, 1]; hidden files and
          files of other kinds are passed over.
    target : str, int or sequence of them, optional
        What is to be predicted: the name of a column of a CSV file (of several, for several outputs), or its number if the file
        has no header, or ``"last"``; or the name of an array of an ``.npz`` file. Not needed if it is called target, y, class,
        label or outcome.
    missing : {"refuse", "drop"}, default "refuse"
        Whether a missing value in a CSV file is an error, or its row is left out.

    Returns
    -------
    (x, y), test
        ``test`` is ``(x_test, y_test)``, or None if the source has no test part (see `split`). x is not scaled: see
        `standardize`. In y, integers (int64) and text are labels, which ``Targets.of(y).encode(y)`` numbers from 0; floats are
        targets of a regression.

    Raises
    ------
    ArgumentError
        The source is neither a name nor an existing path; or ``target`` is none of its columns. The message lists them.
    FileFormatError
        The file is damaged, lacks an array, or holds an object array (pickles are never loaded); or a line of a CSV file
        does not fit. The message gives the line.
    DataError
        The data hold NaN, infinity or missing values, or no examples. For a CSV file the message gives line and column.

    Notes
    -----
    In a CSV file the cells may be separated by commas, semicolons, tabs, bars or blanks, and quoted by ``"``; whether there is
    a header is found from the first lines. Empty cells, ``?``, ``NA``, ``NaN`` and ``null`` are missing values. A comma in a
    number is a decimal point if cells are not separated by commas.

    A column of text with at most 20 different texts gives a column of 0 and 1 for each of them (of two, for the second one).
    Left out are columns of more texts, empty columns, and columns that number the rows (all different, and called id or
    index, or without a name). Text among numbers is an error.

    A target of text holds classes. One of integers holds classes if there are at most 20 different ones, or at least 20 rows
    for each; otherwise, and with decimal points (``151.0``), it holds numbers to predict.

    Examples
    --------
    >>> import retroprop as rp
    >>> (x, y), test = rp.datasets.load("moons")
    >>> x.shape, test
    ((500, 2), None)
    """
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(f"source must be a name or a path, got a {type(source).__name__}")
    found = data_set(source, target=target, missing=missing, name="source")
    return labelled((found.x, found.y)), None if found.test is None else labelled(found.test)


def labelled(part: Data) -> Data:
    """Return a part with truth values as the labels 0 and 1."""
    x, y = part
    return x, y.astype(np.int64) if y.dtype.kind == "b" else y


def data_set(source: Any, *, target: Any = None, group: Any = None, test: Any = None, missing: str = "refuse",
             name: str = "data") -> DataSet:
    """Return a data set, whatever its form.

    Parameters
    ----------
    source : str, path, tuple, frame, or dict of arrays
        - a name, a path of a CSV file, an ``.npz`` file or a folder: see `load`;
        - ``(x, y)``: arrays, or a frame and a series; ``((x, y), (x_test, y_test))``, as `load` returns it, too;
        - a frame of pandas or polars, of which ``target`` is a column; text and categories are classes, or columns of 0 and 1,
          even if they are digits;
        - a dict of arrays, such as scikit-learn's Bunch, with the names of an ``.npz`` file.
    target : str, int or sequence of them, optional
        What is to be predicted: the name of a column (of several, for several outputs), the number of a column of a file
        without header, or ``"last"``; or the name of an array of an ``.npz`` file. Not needed if it is called target, y,
        class, label or outcome.
    group : str or array_like of shape (N,), optional
        The groups of the examples: a column, which is then no feature; the name of an array of an ``.npz`` file; an array; or
        ``"form"``, of the digits. A test part that has the column may not hold one of these groups; if it has none, a note
        says that this is not known.
    test : optional
        The test part, of a source that has none, in the same form: ``(x, y)``, a frame, or a path.
    missing : {"refuse", "drop"}, default "refuse"
        Whether a missing value in a table is an error, or its row is left out.
    name : str, default "data"
        What error messages call the source.

    Raises
    ------
    ArgumentError, FileFormatError, DataError, ShapeError, DtypeError
        As `load`; or an argument does not fit the source.
    """
    one_of("missing", missing, ("refuse", "drop"))
    if isinstance(source, tuple) and len(source) == 2 and is_pair(source[0]) and (source[1] is None or is_pair(source[1])):
        if source[1] is not None and test is not None:
            raise ArgumentError(f"test must be None if {name} has a test part, got both")
        source, test = source[0], source[1] if test is None else test
    if is_table(source):
        return of_tables(source, target, group, test, missing, name)
    found = of_arrays(source, target, group, name)
    if test is not None:
        if found.test is not None:
            raise ArgumentError(f"test must be None if {name} has a test part, as {found.name}, got a {type(test).__name__}")
        if is_table(test):
            raise ArgumentError(f"test must have the form of {name}, got a table")
        other = of_arrays(test, target, None, "test")
        if other.test is not None:
            raise ArgumentError(f"test must be one part, x and y, got {other.name}, which has a test part of its own")
        if other.y[0].size == found.y[0].size == 1:                 # shapes (N,) and (N, 1), which mean the same
            other = replace(other, y=other.y.reshape(-1, *found.y.shape[1:]))
        found = replace(found, test=(other.x, other.y))
        same_features("test: x", other.x, like=found.x)
        same_features("test: y", other.y, like=found.y)
    if found.groups is not None and found.test is not None:
        found = replace(found, notes=(*found.notes, GROUPS_UNKNOWN))
    return found


def is_table(source: Any) -> bool:
    """Return whether a source has named columns: a CSV file, a frame, or a frame beside y."""
    if isinstance(source, (str, os.PathLike)):
        return suffix(Path(source)) in TABLES and not Path(source).is_dir()
    return is_frame(source) or (is_pair(source) and is_frame(source[0]))


def of_tables(source: Any, target: Any, group: Any, test: Any, missing: str, name: str) -> DataSet:
    """Return the data set in a table, and in a second one for the test part."""
    if test is not None and (not is_table(test) or is_pair(test) != is_pair(source)):
        raise ArgumentError(f"test must have the form of {name}, a table, got a {type(test).__name__}")
    tables = [table(source, name), *([] if test is None else [table(test, "test")])]
    if is_pair(source):
        if target is not None:
            raise ArgumentError(f"target must be None if {name} is (x, y), got {target!r}")
        tables = [joined(one, pair[1], "y") for one, pair in zip(tables, (source, test), strict=False)]
        target = tables[0].names[len(columns_of(source[0])):]
        for one in tables[1:]:                                       # whose y may have another name
            own = one.names[len(columns_of(test[0])):]
            if len(own) == len(target):
                tables[1] = replace(one, names=(*one.names[:-len(own)], *target))
    if group is not None and not isinstance(group, (str, int)):
        tables[0] = joined(tables[0], group, "group")
        group = tables[0].names[-1]
    found = encoded(tables, target, group, missing)
    parts = [clean(x, y, (f"{one.name}: x", f"{one.name}: y")) for one, x, y in zip(tables, found.x, found.y, strict=True)]
    notes = (*(note for one in tables for note in one.notes), *found.notes)
    return DataSet(*parts[0], parts[1] if len(parts) > 1 else None, found.features, ", ".join(found.targets),
                   found.groups, notes, Path(source).name if isinstance(source, (str, os.PathLike)) else "arrays",
                   found.targets if len(found.targets) > 1 else ())


def table(source: Any, name: str) -> Table:
    if isinstance(source, (str, os.PathLike)):
        return read_csv(Path(source))
    return of_frame(source[0] if is_pair(source) else source, name)
