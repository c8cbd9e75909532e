"""The weights of examples in the cost, and those of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating
from ..datasets.checks import finite
from ..errors import DataError, ShapeError


def checked_weights(name: str, weight: ArrayLike | None, n: int) -> Array | None:
    """Return the weights of n examples, float64 of shape (n,), or None; an error if they cannot weigh a mean."""
    if weight is None:
        return None
    found = finite(name, as_floating(weight, np.dtype(float), name))
    if found.shape != (n,):
        raise ShapeError(f"{name} must have shape ({n},), a number for each example, got {found.shape}")
    if found.min() < 0 or not found.any():
        raise DataError(f"{name} must hold numbers of at least 0, and one above 0, got {found.min():g} to {found.max():g}")
    return found
