"""What a law demands: a true statement, an error of a given kind, equal arrays. All raise AssertionError otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import RetropropError
from ...modules.core.values import Value, several

Results = dict[str, Value]
ROUND_OFF = 100                                                     # in units of eps, times the size of the terms


def require(truth: object, message: str) -> None:
    """Demand that ``truth`` is true: as ``assert``, but also under ``python -O``."""
    if not truth:
        raise AssertionError(message)


def refuses(kind: type[RetropropError], when: str, call: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Demand that the call raises an error of this kind."""
    try:
        call(*args, **options)
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"expected {kind.__name__} for {when}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"expected {kind.__name__} for {when}, got no error")


def same(when: str, got: Results, expected: Results) -> None:
    """Demand equal numbers, bit for bit."""
    equal_within(0, when, got, expected)


def close(when: str, got: Results, expected: Results) -> None:
    """Demand equal numbers up to round-off, relative to the largest number of each array."""
    equal_within(ROUND_OFF, when, got, expected)


def equal_within(epsilons: float, when: str, got: Results, expected: Results, floor: float = 0) -> None:
    """Demand that no number differs by more than so many eps times the largest number of its array, plus ``floor``."""
    got, expected = ({name: array for key, value in results.items() for name, array in named(key, value).items()}
                     for results in (got, expected))
    require(got.keys() == expected.keys(), f"{when}: expected {', '.join(expected)}, got {', '.join(got)}")
    for name, right in expected.items():
        array = got[name]
        require(array.shape == right.shape, f"{when}: expected {name} of shape {right.shape}, got {array.shape}")
        margin = epsilons and relative(epsilons, right) + floor
        wrong = ~(np.abs(array - right) <= margin)                  # true for NaN
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            entry = f"{name}{list(at)}" if at else name
            raise AssertionError(f"{when}: expected {entry} = {right[at]:.9g}, got {array[at]:.9g}")


def relative(epsilons: float, array: Array) -> float:
    """Return so many eps times the largest number of the array, or the smallest normal number if that is larger."""
    limits = np.finfo(array.dtype)
    return float(max(epsilons * limits.eps * np.abs(array).max(initial=0), limits.tiny))


def named(name: str, value: Value) -> dict[str, Array]:
    """Return the array under its name, or the arrays of a tuple under ``name 0``, ``name 1``, ..."""
    return {f"{name} {k}": array for k, array in enumerate(value)} if several(value) else {name: value}
