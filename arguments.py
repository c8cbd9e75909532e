"""Checks of arguments: each returns the argument in one form, or raises an error that names it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .conversion import Array as Array
from .conversion import Named, converted
from .errors import ArgumentError, DataError, DtypeError, RetropropError
from .names import suggestion

Seed: TypeAlias = "int | np.random.Generator | None"                # a string, because numpy.random takes long to load


def positive_int(name: str, value: Any, least: int = 1) -> int:
    """Return ``value`` as an int; ArgumentError unless it is an integer of at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ArgumentError(f"{name} must be an integer of at least {least}, got {in_a_line(value)}")
    return number


def real(name: str, value: Any, low: float = -math.inf, high: float = math.inf, *,
         above: bool = False, below: bool = False) -> float:
    """Return ``value`` as a float; ArgumentError unless it is in [low, high]; ``above``, ``below``: not at that end."""
    try:
        number = float(value) if may_be_real(value) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    inside = low <= number <= high and math.isfinite(number)
    if not inside or (above and number == low) or (below and number == high):
        left = f"{'(' if above or low == -math.inf else '['}{low:g}"
        right = f"{high:g}{')' if below or high == math.inf else ']'}"
        raise ArgumentError(f"{name} must be a number in {left}, {right}, got {in_a_line(value)}")
    return number


def may_be_real(value: Any) -> bool:
    """Return whether ``float(value)`` is the number that is meant: not for a text, a truth value or an array of one number."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.ndim == 0 and value.dtype.kind in "iuf" and not np.any(getattr(value, "mask", False))
    return not isinstance(value, (str, bytes, bool))


def in_a_line(value: object) -> str:
    """Return the repr for an error message: without line breaks, as of arrays, and without addresses, as of functions."""
    return repr(value) if isinstance(value, str) else re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(value).split()))


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """Return ``value``; ArgumentError unless it is one of the ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, choices))}, got {in_a_line(value)}"
                            f"{suggestion(value, choices)}")
    return value


def generator(rng: Any) -> np.random.Generator:
    """Return ``np.random.default_rng(rng)``, which keeps a Generator as it is; ArgumentError if ``rng`` is no seed."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ArgumentError(f"rng must be None, an integer of at least 0 or a numpy.random.Generator, got {rng!r}") from None


def bincount(y: Array, weights: Array | None = None, minlength: int = 0) -> Array:
    """``np.bincount``, which refuses int64 where the machine's integers have 32 bits, as in a browser."""
    return np.bincount(y.astype(np.intp, copy=False), weights, minlength)


def sizes(shape: Sequence[int]) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ints; ArgumentError unless all are at least 1."""
    if not isinstance(shape, Sequence):
        raise ArgumentError(f"shape must be a tuple of integers, got {shape!r}")
    return tuple(positive_int("each size in shape", size) for size in shape)


def within(rule: str, a: Array, low: float, high: float, note: str = "", kind: type[RetropropError] = DataError) -> None:
    """Raise an error of this kind unless all values are in [low, high], up to the rounding of one operation.

    Scalers give 1.0000000000000002 for 1: floats may be outside by ``eps`` times the larger end, integers by nothing. The
    message is the rule, such as "x must be in", the interval, the values and the note.
    """
    least, largest = a.min(), a.max()
    slack = float(np.finfo(a.dtype).eps) * max(abs(low), abs(high)) if a.dtype.kind == "f" else 0.0
    if not (least >= low - slack and largest <= high + slack):      # NaN too
        raise kind(f"{rule} [{spelled(low)}, {spelled(high)}], got values from {spelled(least, low, high)} to "
                   f"{spelled(largest, low, high)}{note}")


def spelled(value: Any, *ends: float) -> str:
    """Return a number with six digits, or with all its digits if six would put it on the other side of one of the ends."""
    text = f"{float(value):g}"
    rounded = float(text)
    told = all((value < end, value > end) == (rounded < end, rounded > end) for end in ends or (value,))
    return text if told or value != value else str(value)


def floating_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return ``dtype`` as a NumPy dtype; DtypeError unless it is float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if dtype is None or found not in (np.float32, np.float64):
        raise DtypeError(f"dtype must be float32 or float64, got {dtype!r}")
    return found


def as_array(x: ArrayLike, name: str, of: object = None) -> Array:
    """Return ``x`` as a plain array in the byte order of this machine; a copy only where one is needed.

    Error messages begin with ``of: name``. ``of`` is the object, whose repr is made only for an error: it takes long.

    Raises
    ------
    DataError
        Values are masked (``numpy.ma``), or missing (pandas, polars, pyarrow).
    DtypeError, ShapeError
        A sparse matrix, or another object that NumPy cannot convert; or a ragged list.
    """
    array = x if type(x) is np.ndarray else converted(x, Named(name, of))
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_numbers(x: ArrayLike, name: str, of: object = None) -> Array:
    """Return ``as_array(x, name, of)``; DtypeError unless it holds real numbers."""
    array = as_array(x, name, of)
    if array.dtype.kind not in "fiub":
        one_object = array.dtype == object and array.ndim == 0 and not isinstance(x, (np.ndarray, int, type(None)))
        got = type(x).__name__ if one_object else array.dtype
        raise DtypeError(f"{Named(name, of)} must be real numbers, got {got}")
    return array


def as_floating(x: ArrayLike, dtype: np.dtype[Any] | None, name: str, of: object = None) -> Array:
    """Return ``x`` as an array of ``dtype``; None keeps float32 and float64, and converts other real numbers to float32.

    DataError if a number is finite in ``x`` and too large for ``dtype``.
    """
    array = as_numbers(x, name, of)
    if dtype is None:
        dtype = np.dtype("float64" if array.dtype.itemsize >= 8 and array.dtype.kind == "f" else "float32")
    return array if array.dtype == dtype else cast(array, dtype, name, of)


def cast(array: Array, dtype: np.dtype[Any], name: str, of: object = None) -> Array:
    """Return ``array.astype(dtype)``, for a floating dtype; DataError if a finite number becomes infinite."""
    try:
        return cast_or_raise(array, dtype)
    except FloatingPointError:
        limit = np.finfo(dtype).max
        beyond = array[np.isfinite(array) & (np.abs(array) > limit)]
        largest = np.format_float_scientific(beyond[np.abs(beyond).argmax()], 2, trim="-")
        raise DataError(f"{Named(name, of)} must fit {dtype}, whose largest number is {limit:.3g}, got {beyond.size} of "
                        f"{array.size} numbers beyond it, up to {largest}") from None


@np.errstate(over="raise", under="ignore", invalid="ignore")        # the processor notes an overflow: no pass over the result
def cast_or_raise(array: Array, dtype: np.dtype[Any]) -> Array:
    return array.astype(dtype)
