"""A data set of any origin: a name, a file, arrays or a frame, as features, targets and groups."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import as_array
from ..errors import ArgumentError
from .checks import examples, finite, pair, same_features
from .embedded import digits
from .loading import NAMED, loaded
from .targets import plain

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class DataSet:
    """Examples, what is to be predicted of them, and what is known about both.

    Attributes
    ----------
    x : array of shape (N, ...)
        Numbers, not scaled.
    y : array of shape (N,) or (N, K)
        Labels or numbers, as the user has them: `Targets` encodes them.
    test : (x, y) or None
        The test part, if the source has one.
    features : tuple of str
        The names of the columns of x; () if they have none.
    target : str
        The name of y.
    groups : array of shape (N,) or None
        What the examples come from, such as writers.
    notes : tuple of str
        Sentences on how the source was read.
    name : str
        The name of the source: "digits", "iris.csv", "arrays".
    """

    x: Array
    y: Array
    test: tuple[Array, Array] | None = None
    features: tuple[str, ...] = ()
    target: str = "y"
    groups: Array | None = None
    notes: tuple[str, ...] = ()
    name: str = "arrays"


def data_set(source: Any, *, target: str | int | None = None, group: Any = None, test: Any = None) -> DataSet:
    """Return a data set.

    Parameters
    ----------
    source : str, path, (x, y), or frame
    target : str, optional
        The name of the column, or of the array in an ``.npz`` file, that is to be predicted.
    group : str or array of shape (N,), optional
        The groups of the examples: the name of a column, or an array. Of ``digits``, ``"form"``.
    test : (x, y), path or frame, optional
        The test part, of the same form as ``source``.
    """
    found = _found(source, group)
    if test is not None:
        other = _found(test, None)
        found = replace(found, test=(other.x, other.y))
    if found.test is not None:
        same_features("the test part", found.test[0], like=found.x)
        same_features("y of the test part", found.test[1], like=found.y)
    return found


def _found(source: Any, group: Any) -> DataSet:
    if isinstance(source, (str, os.PathLike)):
        if str(source) == "digits" and group == "form":
            x, y, groups = digits(groups=True)
            return DataSet(x, y, groups=groups, name="digits")
        (x, y), test = loaded("data", source)
        return DataSet(x, y, test, name=str(source) if source in NAMED else Path(source).name)
    if isinstance(source, tuple) and len(source) == 2:
        x, y = (finite("x", examples("x", source[0])), plain(source[1]))
        pair(x, y)
        return DataSet(x, y, features=tuple(map(str, getattr(source[0], "columns", ()))),
                       groups=None if group is None else np.asarray(as_array(group, "group")))
    raise ArgumentError(f"data must be a name, a path, (x, y) or a frame, got {type(source).__name__}")
