"""The kinds of error that retroprop raises, and the checks of plain arguments that raise them.

Every message is one sentence: which argument, what was expected, what came.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from typing import Any

import numpy as np


class RetropropError(Exception):
    """Every error that retroprop raises on purpose."""


class ArgumentError(RetropropError, ValueError):
    """An argument has a value that it must not have."""


class ShapeError(RetropropError, ValueError):
    """An array has a shape that does not fit."""


class DtypeError(RetropropError, TypeError):
    """An array has a type that cannot be computed with."""


class PhaseError(RetropropError, RuntimeError, AttributeError):
    """A phase was called before the phase that it needs.

    Also an AttributeError: what a phase needs is not there yet.
    """


class DataError(RetropropError, ValueError):
    """Data hold a value that cannot be learned from: NaN, infinity, a label out of range, nothing at all."""


class FileFormatError(RetropropError, ValueError):
    """A file is truncated, or not what it claims to be."""


class StateError(RetropropError, ValueError):
    """A state does not fit the object that it is loaded into: the message lists every name that is in the way."""


class NonFiniteError(RetropropError, ArithmeticError):
    """Training met a cost that is NaN or infinite."""


class CheckError(RetropropError, AssertionError):
    """A module breaks the contract: the message names the module, the law, what was expected and what came."""


def positive_int(name: str, value: Any, least: int = 1) -> int:
    """``value`` as an int of at least ``least``; raises ArgumentError otherwise."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ArgumentError(f"{name} must be an integer of at least {least}, got {value!r}")
    return number


def real(name: str, value: Any, low: float = -math.inf, high: float = math.inf, *,
         above: bool = False, below: bool = False) -> float:
    """``value`` as a finite float in [low, high] (``above``, ``below``: that end excluded); raises ArgumentError."""
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


def generator(rng: Any) -> np.random.Generator:
    """What ``np.random.default_rng(rng)`` gives: a Generator is taken as it is; raises ArgumentError for what seeds nothing."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ArgumentError(f"rng must be None, an integer of at least 0 or a numpy.random.Generator, got {rng!r}") from None


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """``value`` if it is among ``choices``; raises ArgumentError otherwise."""
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value
