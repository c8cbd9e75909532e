"""Checks of arguments: each returns the argument in one form, or raises an error that names it."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .errors import ArgumentError, DtypeError, ShapeError

Array = NDArray[Any]
Seed: TypeAlias = "int | np.random.Generator | None"                # a string, because numpy.random takes long to load


def positive_int(name: str, value: Any, least: int = 1) -> int:
    """Return ``value`` as an int; ArgumentError unless it is an integer of at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ArgumentError(f"{name} must be an integer of at least {least}, got {value!r}")
    return number


def real(name: str, value: Any, low: float = -math.inf, high: float = math.inf, *,
         above: bool = False, below: bool = False) -> float:
    """Return ``value`` as a float; ArgumentError unless it is in [low, high]; ``above``, ``below``: not at that end."""
    try:
        number = math.nan if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    inside = low <= number <= high and math.isfinite(number)
    if not inside or (above and number == low) or (below and number == high):
        left = f"{'(' if above or low == -math.inf else '['}{low:g}"
        right = f"{high:g}{')' if below or high == math.inf else ']'}"
        raise ArgumentError(f"{name} must be a number in {left}, {right}, got {value!r}")
    return number


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """Return ``value``; ArgumentError unless it is one of the ``choices``."""
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def generator(rng: Any) -> np.random.Generator:
    """Return ``np.random.default_rng(rng)``, which keeps a Generator as it is; ArgumentError if ``rng`` is no seed."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ArgumentError(f"rng must be None, an integer of at least 0 or a numpy.random.Generator, got {rng!r}") from None


def sizes(shape: Sequence[int]) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ints; ArgumentError unless all are at least 1."""
    if not isinstance(shape, Sequence):
        raise ArgumentError(f"shape must be a tuple of integers, got {shape!r}")
    return tuple(positive_int("each size in shape", size) for size in shape)


def floating_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return ``dtype`` as a NumPy dtype; DtypeError unless it is float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if dtype is None or found not in (np.float32, np.float64):
        raise DtypeError(f"dtype must be float32 or float64, got {dtype!r}")
    return found


def as_numbers(x: ArrayLike, name: str, of: object = None) -> Array:
    """Return ``x`` as an array; ShapeError if it is ragged, DtypeError unless it holds real numbers.

    Error messages begin with ``of: name``. ``of`` is the object, whose repr is made only for an error: it takes long.
    """
    def named() -> str:
        return name if of is None else f"{of!r}: {name}"

    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ShapeError(f"{named()} must be an array, got rows of different lengths") from error
    if array.dtype.kind not in "fiub":
        raise DtypeError(f"{named()} must be real numbers, got {array.dtype}")
    return array


def as_floating(x: ArrayLike, dtype: np.dtype[Any] | None, name: str, of: object = None) -> Array:
    """Return ``x`` as an array of ``dtype``; None keeps float32 and float64, and converts other real numbers to float32."""
    array = as_numbers(x, name, of)
    if dtype is None:
        dtype = np.dtype("float64" if array.dtype.itemsize >= 8 and array.dtype.kind == "f" else "float32")
    if array.dtype == dtype:
        return array
    with np.errstate(under="ignore"):                               # 1e-50 is 0 in float32
        return array.astype(dtype)
