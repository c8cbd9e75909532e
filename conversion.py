"""Conversion of whatever holds numbers to a plain array: nothing that an array cannot hold is lost on the way.

``np.asarray`` gives the numbers behind the mask of a masked array, NaN for a missing value of pandas, and one object for a
sparse matrix. All of these are refused here. No library is imported for that: the objects are known by their attributes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, DtypeError, ShapeError

Array = NDArray[Any]
COMPLETE = frozenset((bool, int, float, complex, str, bytes, type(None), np.ndarray, *np.sctypeDict.values()))   # hide no gap
SEQUENCES = frozenset((list, tuple))
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
