"""What modules do with arrays again and again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...arguments import Array
from ...errors import ShapeError

# Scalars of the arrays' own dtype: NumPy takes longer over a Python float.
TYPES: list[np.dtype[Any]] = [np.dtype("float32"), np.dtype("float64")]
ZERO, ONE = ({dtype: np.array(value, dtype) for dtype in TYPES} for value in (0, 1))


def copy(x: Array, out: Array | None) -> Array:
    """``x`` in ``out``, or in a fresh array."""
    if out is None:
        return np.array(x, order="C")
    np.copyto(out, x)
    return out


def room(out: Array | None, like: Array) -> Array:
    """``out``, or a fresh array of that shape and dtype: for functions that would return another dtype."""
    return np.empty(like.shape, like.dtype) if out is None else out


def by_channel(a: Array) -> Array | None:
    """Images that lie batch last as one row a channel, ``(channels, height * width * batch)``; None for other arrays."""
    last = a.transpose(1, 2, 3, 0)
    return last.reshape(len(last), -1) if last.flags.c_contiguous else None


def by_example(a: Array, of: object) -> Array:
    """``(batch, ..., features)`` as ``(batch, rows, features)``; ``of`` is the module that a ShapeError names."""
    if a.ndim < 2:
        raise ShapeError(f"{of!r}: for gradients of single examples x must have shape (batch, ..., features), got {a.shape}")
    return a.reshape(len(a), -1, a.shape[-1])


def squared_norms(each: Array) -> Array:
    """``(batch, ...)`` -> ``(batch,)``: the sum of the squares of each example, in float64, where they do not underflow."""
    flat = each.reshape(len(each), -1).astype(np.float64, copy=False)
    return np.vecdot(flat, flat)


def empty(shape: tuple[int, ...], dtype: DTypeLike, batch_last: bool = False) -> Array:
    """A new array; images, (batch, channels, height, width), with the batch as the axis that is contiguous, if asked.

    A shift by a pixel is then a shift of all examples at once, and what convolutions and pooling copy are long runs.
    """
    return laid_out(np.empty(math.prod(shape), dtype), shape, batch_last)


def laid_out(flat: Array, shape: tuple[int, ...], batch_last: bool) -> Array:
    """The numbers of a flat array as one of that shape, images batch last, if asked."""
    if batch_last and len(shape) == 4:
        return flat.reshape(*shape[1:], shape[0]).transpose(3, 0, 1, 2)
    return flat.reshape(shape)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], batch_last: bool = False) -> Array:
    """A view of zeros that all share and nobody writes: NumPy's maximum is 2.5 times as fast with an array as with 0."""
    size = math.prod(shape)
    if _zeros[dtype].size < size:
        _zeros[dtype] = np.zeros(size, dtype)
        _zeros[dtype].flags.writeable = False
    return laid_out(_zeros[dtype][:size], shape, batch_last)


_zeros = {dtype: np.zeros(0, dtype) for dtype in TYPES}
