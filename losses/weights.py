"""Weights of the examples in a cost."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating
from ..errors import DataError, ShapeError
from ..modules.core.arrays import ZERO, product_for


def checked_weight(of: object, weight: ArrayLike, expected: tuple[int, ...], costs: tuple[int, ...]) -> Array:
    """Return weights as float64; an error unless there is a finite one of at least 0 for each example."""
    array = as_floating(weight, np.dtype(float), "weight", of)
    if array.shape != expected or costs[:1] != expected or not expected:
        hint = "" if costs[:1] == expected else ", and a loss with a cost for each"
        raise ShapeError(f"{of!r}: weight must have shape {expected}, a number for each example{hint}, got {array.shape}")
    if not (array.min() >= 0 and array.max() < math.inf):
        raise DataError(f"{of!r}: weight must hold finite numbers of at least 0, got {array.min():g} to {array.max():g}")
    return array


def present(weight: Array, costs: Array) -> Array:
    """Return the costs, with 0 for the examples of weight 0, which add nothing even if their cost is not finite."""
    return costs if weight.all() else np.where(beside(weight, costs.ndim) == 0, ZERO[costs.dtype], costs)


def weighted_sum(weight: Array, costs: Array) -> float:
    return inner(weight, costs.reshape(len(weight), -1).sum(1, dtype=float))


def inner(weight: Array, numbers: Array) -> float:
    """Return the sum of the numbers, each times its weight."""
    return float(product_for(1, len(weight), 1)(weight, numbers))


def beside(weight: Array, ndim: int) -> Array:
    """Return the weights in the shape (N, 1, ...) that multiplies an array of this many axes."""
    return weight.reshape(-1, *(1,) * (ndim - 1))
