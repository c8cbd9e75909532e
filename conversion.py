"""Conversion of whatever holds numbers to a plain array: nothing that an array cannot hold is lost on the way.

``np.asarray`` gives the numbers behind the mask of a masked array, NaN for a missing value of pandas, and one object for a
sparse matrix. All of these are refused here. No library is imported for that: the objects are known by their attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, DtypeError, ShapeError

Array = NDArray[Any]
COMPLETE = frozenset((bool, int, float, complex, str, bytes, type(None), np.ndarray, *np.sctypeDict.values()))   # hide no gap
SEQUENCES = frozenset((list, tuple))
CATEGORIES = frozenset(("CategoricalDtype", "Categorical", "Enum"))    # types of pandas and polars
MOST_AXES = 64                                                      # of an array


class Named(NamedTuple):
    """The name of an argument, and the object that it belongs to, if any: as text, ``of: name``."""

    name: str
    of: object = None

    def __str__(self) -> str:
        return self.name if self.of is None else f"{self.of!r}: {self.name}"


def converted(x: Any, name: Named) -> Array:
    """Return ``x``, which is not a plain array, as one; an error if it has gaps or cannot be converted."""
    refuse_gaps(x, name)
    try:
        array = np.asarray(x)
    except MemoryError:
        raise
    except Exception as error:                                      # of __array__, which may be anybody's code
        if "inhomogeneous" in str(error):
            raise ShapeError(f"{name} must be an array, got rows of different lengths") from error
        reason = " ".join(str(error).split())
        raise DtypeError(f"{name} must be an array, got {type(x).__name__}, which NumPy cannot convert: {reason}") from error
    if array.dtype == object and array.ndim == 2 and hasattr(x, "dtypes"):      # of pandas, if columns differ in dtype
        kinds = [getattr(kind, "numpy_dtype", kind) for kind in x.dtypes]
        if kinds and all(getattr(kind, "kind", "O") in "biuf" for kind in kinds):
            return array.astype(np.result_type(*kinds))
    return array


def refuse_gaps(x: Any, name: Named) -> None:
    """Raise DataError for masked or missing values in ``x`` or in a member of a list, DtypeError for a sparse matrix."""
    if isinstance(x, (list, tuple)):
        if not is_complete(x):
            for k, member in enumerate(x):
                if type(member) not in COMPLETE:
                    refuse_gaps(member, name._replace(name=f"{name.name}[{k}]"))
    elif isinstance(x, np.ndarray):
        mask = getattr(x, "mask", None)                             # of np.ma, which need not be imported yet
        count = np.count_nonzero(mask) if isinstance(mask, (np.ndarray, np.bool)) else 0
        if count:
            raise DataError(f"{name} must not have masked values, got {count} of {x.size} masked; fill or leave them out")
    elif hasattr(x, "toarray"):
        raise DtypeError(f"{name} must be a dense array, got a sparse {type(x).__name__}; use its .toarray()")
    elif hasattr(x, "__array__"):
        count = missing(x)
        if count:
            raise DataError(f"{name} must not have missing values, got {count} missing in a {type(x).__name__}; fill or "
                            "leave them out")


def is_complete(x: Iterable[Any]) -> bool:
    """Return whether a list holds only numbers and plain arrays, or lists of them, as most lists do."""
    for _ in range(MOST_AXES):
        kinds = set(map(type, x))
        if kinds <= COMPLETE:
            return True
        if not kinds <= SEQUENCES:
            break
        x = list(chain.from_iterable(x))
    return False


def missing(x: Any) -> int:
    """Return how many values are missing in an array, series or frame of pandas (or dask), polars or pyarrow; else 0."""
    if hasattr(x, "isna"):
        return int(np.asarray(x.isna()).sum())
    count = getattr(x, "null_count", 0)
    return int(np.asarray(count() if callable(count) else count).sum())


def is_frame(x: Any) -> bool:
    """Return whether x is a frame: columns with names and dtypes."""
    return hasattr(x, "shape") and len(x.shape) == 2 and hasattr(x, "columns") and hasattr(x, "dtypes")


def is_category(series: Any) -> bool:
    """Return whether a series has the type of pandas for categories, or one of polars."""
    return type(getattr(series, "dtype", None)).__name__ in CATEGORIES


def column_names(x: Any) -> tuple[str, ...] | None:
    """Return the names of a frame's columns; None for an array, and for a frame whose columns are only numbered."""
    names = tuple(x.columns) if is_frame(x) else ()
    return names if names and all(isinstance(name, str) for name in names) else None


def check_columns(x: Any, known: tuple[str, ...] | None, name: Named, use: str = "the network was trained on") -> None:
    """Raise an error unless ``x`` is an array, or a frame of numbers whose columns have the names that are known, in order.

    Categories are not numbers, also if numbers stand for them. ``use`` says in the message where the names are known from.
    """
    if not is_frame(x):
        return
    categories = [label for label, kind in zip(x.columns, x.dtypes, strict=True) if type(kind).__name__ in CATEGORIES]
    if categories:
        raise DtypeError(f"{name} must hold numbers, got categories in {quoted(categories)}: make a column of 0 and 1 for each "
                         "category, or numbers: .cat.codes, for an Embedding")
    names = column_names(x)
    if known is None or names is None or names == known:
        return
    absent = [label for label in known if label not in names]
    others = [label for label in names if label not in known]
    wrong = [f"{what} {quoted(some)}" for what, some in (("without", absent), ("with", others)) if some]
    if not wrong:
        k = next((k for k, (a, b) in enumerate(zip(names, known, strict=False)) if a != b), min(len(names), len(known)))
        wrong = [f"{len(names)} in another order, from column {k} on, {quoted(names[k:k + 1])}"]
    raise DataError(f"{name} must have the columns that {use}, {quoted(known)}, got columns {' and '.join(wrong)}")


def quoted(names: Sequence[Any], most: int = 10) -> str:
    """Return names in quotes, in a row; of many, the first."""
    return ", ".join(map(repr, names[:most])) + f", ... ({len(names)} in all)" * (len(names) > most)
