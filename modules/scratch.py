"""The workspace that several modules share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import Array
from .core.arrays import empty
from .core.base import Module


class WithScratch(Module):
    """A module whose workspace is one array of the input's shape."""

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return empty(shape, dtype, self.batch_last)
