"""Checks of data sets, made once before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_array
from ..errors import DataError, DtypeError, ShapeError
from ..modules.core.values import several

Names = tuple[str, str]
AT_ONCE = 2**23                                                     # numbers that are checked together
HINT = "; Targets.of(y).encode(y), of retroprop.datasets, makes numbers of labels"      # for targets that must be numbers
Inputs = ArrayLike | tuple[ArrayLike, ...]                          # of a network: an array, or a tuple of arrays


def examples(name: str, a: ArrayLike) -> NDArray[Any]:
    """Return ``a`` as an array with at least one example on axis 0; raise ShapeError or DataError otherwise."""
    array = as_array(a, name)
    if array.ndim == 0:
        raise ShapeError(f"{name} must have an axis of examples, got shape ()")
    if array.size == 0:
        raise DataError(f"{name} must not be empty, got shape {array.shape}")
    return array


def pair(x: ArrayLike, y: ArrayLike, names: Names = ("x", "y")) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ``x`` and ``y`` as arrays of the same number of examples; raise ShapeError or DataError otherwise."""
    a, b = examples(names[0], x), examples(names[1], y)
    if len(a) == 1 < len(b) and several(x):
        raise ShapeError(f"{names[0]} must be an array, got a tuple of one array; unpack it, as in x, = standardize(x)")
    equally_many(a, b, names)
    return a, b


def inputs_and_targets(x: Any, y: ArrayLike, names: Names = ("x", "y"),
                       arity: int | None = None) -> tuple[Any, NDArray[Any]]:
    """Return ``pair(x, y)``, where ``x`` is a tuple of arrays if the network has several inputs.

    ``arity`` is the network's number of inputs. If it is None, a tuple of arrays counts as several inputs, unless it is as
    long as ``y``: then each of its members is one example.
    """
    if arity is None:
        members = isinstance(x, tuple) and all(type(member) is np.ndarray for member in x)
        arity = len(x) if members and as_array(y, names[1]).shape[:1] != (len(x),) else 1
    if arity == 1:
        return pair(x, y, names)
    b = examples(names[1], y)
    a = tuple(examples(f"{names[0]}[{k}]", member) for k, member in enumerate(as_members(x, arity, names[0])))
    for k, member in enumerate(a):
        equally_many(a[0], member, (f"{names[0]}[0]", f"{names[0]}[{k}]"))
    equally_many(a[0], b, (f"{names[0]}[0]", names[1]))
    return a, b


def as_members(x: Any, arity: int, name: str) -> Any:
    """Return ``x`` if it is a tuple or list of length ``arity``; raise ShapeError otherwise."""
    if not isinstance(x, (tuple, list)) or len(x) != arity:
        got = f"{len(x)}" if isinstance(x, (tuple, list)) else f"one {type(x).__name__}"
        raise ShapeError(f"{name} must be a tuple of {arity} arrays, one for each input of the network, got {got}")
    return x


def equally_many(a: NDArray[Any], b: NDArray[Any], names: Names) -> None:
    """Raise ShapeError unless both arrays have the same length."""
    if len(a) != len(b):
        raise ShapeError(f"{names[1]} must have as many examples as {names[0]}, {len(a)}, got {len(b)}")


def finite(name: str, a: Any, hint: str = "") -> Any:
    """Return ``a``, an array or a tuple of them, if all its numbers are finite; raise DtypeError or DataError otherwise.

    The DtypeError ends with the hint.
    """
    if several(a):
        return tuple(finite(f"{name}[{k}]", member) for k, member in enumerate(a))
    if a.dtype.kind not in "biuf":
        raise DtypeError(f"{name} must hold real numbers, got dtype {a.dtype}{hint}")
    if a.dtype.kind != "f" or (a.size <= AT_ONCE and np.isfinite(a).all()):
        return a
    rows, bad, first = np.atleast_1d(a), 0, tuple[int, ...]()
    size = max(1, AT_ONCE // max(1, rows[:1].size))
    for i in range(0, len(rows), size):                             # of an array in a file, no more is in memory at a time
        good = np.isfinite(rows[i:i + size])
        if not good.all():
            place = map(int, np.unravel_index(good.argmin(), good.shape))
            first = first if bad else (next(place) + i, *place)
            bad += int(good.size - np.count_nonzero(good))
    if bad:
        raise DataError(f"{name} must be finite, got {bad} NaN or infinite of {a.size} values, first at {first[:a.ndim]}")
    return a


def is_mapped(array: Any) -> bool:
    """Whether an array is in a file: a memory map, or a view of one."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def same_features(name: str, a: Any, like: Any) -> None:
    """Raise ShapeError if the examples of ``a`` have another shape than those of ``like``."""
    if several(a):
        for k, (member, other) in enumerate(zip(a, like, strict=True)):
            same_features(f"{name}[{k}]", member, other)
    elif a.shape[1:] != like.shape[1:]:
        wanted = str(("examples", *like.shape[1:])).replace("'", "")
        raise ShapeError(f"{name} must have shape {wanted}, got {a.shape}")
