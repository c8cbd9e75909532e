"""Array helpers that several modules share."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ...arguments import Array
from ...errors import ShapeError
from ...threads import Call, OneThread, together

# Scalars of the arrays' own dtype: NumPy takes longer over a Python float.
TYPES: list[np.dtype[Any]] = [np.dtype("float32"), np.dtype("float64")]
ZERO, ONE = ({dtype: np.array(value, dtype) for dtype in TYPES} for value in (0, 1))
FAR_LEFT = {TYPES[0]: -87.0, TYPES[1]: -708.0}                      # exp(x) is subnormal left of it, and exp(-x) may overflow

Product = Callable[..., Array]                                      # called as product(a, b, out=None)


def product_without_blas() -> Product:
    """Return a function that multiplies matrices where NumPy has no BLAS: with SciPy's, or in the fastest way without it.

    In Pyodide 0.27, a step of a network of 784, 128 and 10 units takes 37 ms with NumPy's ``dot``, 15 with ``einsum`` and 13
    with SciPy; one of 2, 16, 16 and 2 units is fastest with ``matmul``.
    """
    try:
        from scipy.linalg.blas import dgemm, sgemm
    except ImportError:
        def plain(a: Array, b: Array, out: Array | None = None) -> Array:
            return np.matmul(a, b, out) if b.size < 2**13 or a.ndim + b.ndim < 4 else np.einsum("ij,jk->ik", a, b, out=out)
        return plain

    def product(a: Array, b: Array, out: Array | None = None) -> Array:
        if a.ndim + b.ndim < 4:
            return np.matmul(a, b, out)
        if out is None:
            out = np.empty((len(a), b.shape[1]), a.dtype)
        if not out.size or not out.flags.c_contiguous:
            return np.matmul(a, b, out)
        (first, turned), (second, also) = ((m.T, 0) if m.flags.c_contiguous else (m, 1) for m in (b, a))
        gemm = sgemm if out.dtype == TYPES[0] else dgemm
        gemm(1, first, second, 0, out.T, turned, also, 1)           # BLAS has matrices column by column: (a b)ᵀ = bᵀ aᵀ
        return out

    return product


# Products of two matrices, called as dot(a, b, out) and matmul(a, b, out). In a browser NumPy is built without BLAS.
dot: Any
matmul: Any
if sys.platform in ("emscripten", "wasi"):
    dot = matmul = product_without_blas()
else:
    dot, matmul = np.ndarray.dot, np.matmul

# Larger products take a function of their own, chosen for each shape, whose result does not depend on the number of threads.
ALONE = 2**19                                                       # multiplications up to which OpenBLAS takes one thread,
ALONE_VECTOR = 9216                                                 # and those of a matrix with a vector
DIVIDED = 7 * 10**6                                                 # multiplications from which blocks pay: some 80 us
UNCOPIED = 10**6                                                    # multiplications up to which OpenBLAS copies no operand
FEW_ROWS = 12                                                       # rows, or columns, for which that takes the most time


def product_for(rows: int, inner: int, columns: int) -> Product:
    """Return the function that multiplies a matrix of shape (rows, inner) with one of shape (inner, columns)."""
    size, vector = rows * inner * columns, 1 in (rows, inner, columns)
    if dot is not np.ndarray.dot or size < (ALONE_VECTOR if vector else ALONE):
        return dot
    return alone if vector or size < DIVIDED else divided


def alone(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the product of two arrays, computed on one thread."""
    with OneThread():
        return dot(a, b, out)


def inner_for(length: int) -> Product:
    """Return the function that multiplies rows of that length, each with the same row of the other array."""
    return np.vecdot if length < ALONE_VECTOR else inner_alone


def inner_alone(a: Array, b: Array) -> Array:
    """Return the inner products of the rows of two arrays, computed on one thread."""
    with OneThread():
        return np.vecdot(a, b)


def divided(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the product of two matrices, computed in blocks of its longer axis, side by side."""
    if out is None:
        out = np.empty((len(a), b.shape[1]), a.dtype)
    rows, columns = out.shape
    size, few = rows * columns * len(b), min(rows, columns) <= FEW_ROWS
    number = -(-size // UNCOPIED) if few else 2 if size < 8 * DIVIDED else min(32, max(4, size // (16 * DIVIDED)))
    if columns >= rows:
        calls = [partial(np.matmul, a, b[:, block], out[:, block]) for block in blocks(columns, number)]
    else:
        calls = [partial(np.matmul, a[block], b, out[block]) for block in blocks(rows, number)]
    with np.errstate(all="ignore"), OneThread() as threads:         # dot reports nothing either
        together(calls, threads)
    return out


def blocks(length: int, number: int) -> list[slice]:
    """Return at most ``number`` slices that cover an axis; they begin at multiples of 16 numbers, where memory is aligned."""
    step = -(-length // (16 * number)) * 16
    return [slice(start, start + step) for start in range(0, length, step)]


# The gradient of a large weight, for a batch of few rows, may stay a product that is not computed: an optimizer needs it piece
# by piece, and to write it and to read it takes longer than to compute it.

LARGE = 2**16                                                       # numbers of a weight
IN_CACHE = 2**16                                                    # numbers of a piece of its gradient


class Factors(NamedTuple):
    """The gradient of a Linear's weight as the two matrices of which it is the product, xᵀ g."""

    x: Array                                                        # (n, in)
    g: Array                                                        # (n, out)

    def rows(self, block: slice, out: Array) -> Array:
        """Write a block of rows of xᵀ g into a flat array, and return it."""
        with np.errstate(all="ignore"):
            np.matmul(self.x.T[block], self.g, out.reshape(-1, self.g.shape[1]))
        return out

    def write(self, out: Array) -> None:
        """Write xᵀ g into an array of shape (in, out), in the same blocks."""
        with OneThread() as threads:
            together([partial(self.rows, block, out[block].reshape(-1)) for block in gradient_blocks(out.shape[::-1])], threads)


def gradient_blocks(shape: tuple[int, ...]) -> list[slice]:
    """Return the blocks of inputs in which the gradient of a weight of that shape is computed as factors.

    There are none if the weight is small, or has so many outputs that 16 rows of its transpose do not fit into the cache.
    """
    if len(shape) != 2 or math.prod(shape) < LARGE or 16 * shape[0] > IN_CACHE or dot is not np.ndarray.dot:
        return []
    return blocks(shape[1], -(-math.prod(shape) // IN_CACHE))


PART = 2**17                                                        # numbers of an array from which two halves pay
RUN = 1024                                                          # numbers in each of NumPy's buffers


def halves(shape: tuple[int, ...], batch_last: bool) -> list[tuple[slice, ...]]:
    """Return the indices of the halves of a large array, cut across the outermost axis in memory; none for a small array."""
    axis = 1 if batch_last and len(shape) == 4 else 0
    if math.prod(shape) < PART or shape[axis] == 1:
        return []
    half, before = -(-shape[axis] // 2), [slice(None)] * axis
    return [(*before, slice(half)), (*before, slice(half, None))]


def side_by_side(calls: Sequence[Call]) -> None:
    """Run calls, each of which writes into arrays of its own, on the threads that BLAS may use, and BLAS itself on one.

    NumPy's ufuncs copy strided arrays into buffers and back where a buffer holds more than a run of memory; with small buffers
    they do not, and are up to 2.5 times as fast.
    """
    with np.errstate(), OneThread() as threads:                     # errstate restores the size of the buffers, too
        np.setbufsize(RUN)
        together(calls, threads)


def copy(x: Array, out: Array | None) -> Array:
    """Return a copy of ``x``, in ``out`` or in a new array."""
    if out is None:
        return np.array(x, order="C")
    np.copyto(out, x)
    return out


def as_out(out: Array | None, like: Array) -> Array:
    """Return ``out``, or a new array of that shape and dtype: for NumPy functions whose own result has another dtype."""
    return np.empty(like.shape, like.dtype) if out is None else out


def left_of(x: Array, limit: float) -> Array | None:
    """Return where x < limit, as an array of booleans, or None if this is nowhere."""
    least = x.item(x.argmin()) if x.flags.c_contiguous else x.min() # argmin is faster, but would copy other arrays
    return None if least >= limit else x < limit                    # a NaN makes the first comparison False


def sigmoid(x: Array, out: Array | None, far: Array | None) -> Array:
    """Return 1 / (1 + exp(-x)), exact to a few units in the last place; computed with tanh the left tail is not.

    ``far`` is where x is left of FAR_LEFT: there the result is exp(x).
    """
    tail = None if far is None else np.exp(x[far])
    y = np.negative(x, out)
    if far is not None:
        y[far] = 0
    np.exp(y, y)
    y += ONE[y.dtype]
    np.reciprocal(y, y)
    if far is not None:
        y[far] = tail
    return y


ROWS, LONG = 256, 512                                               # a sum over more than LONG rows is taken ROWS at a time


def summed(weights: Array, a: Array, out: Array | None = None) -> Array:
    """``(n,), (n, features) -> (features,)``: the sum of the rows of ``a``, each times its weight.

    One product adds the rows one after the other: the rounding errors of a million float32 rows add up to a percent. More
    than LONG rows are therefore added up in parts, then the parts, which is also faster.
    """
    n = len(a)
    if n <= LONG:
        return product_for(1, n, a.shape[1])(weights, a, out)
    whole = n - n % ROWS
    with OneThread():
        sums = np.matmul(weights[:whole].reshape(-1, 1, ROWS), a[:whole].reshape(-1, ROWS, a.shape[1]))[:, 0]
        if whole < n:
            sums = np.concatenate([sums, weights[whole:].dot(a[whole:])[None]])
    return summed(np.ones(len(sums), a.dtype), sums, out)


def sum_for(n: int, features: int) -> Product:
    """Return the function that adds up n rows, as ``summed`` does."""
    return summed if n > LONG else product_for(1, n, features)


def summed_products(a: Array, b: Array) -> Array:
    """``(n, features)`` twice ``-> (features,)``: the sum of the products of each column, added up as in ``summed``."""
    n, features = a.shape
    if n <= LONG:
        return np.einsum("nc,nc->c", a, b)
    whole = n - n % ROWS
    sums = np.einsum("bnc,bnc->bc", *(part[:whole].reshape(-1, ROWS, features) for part in (a, b)))
    if whole < n:
        sums = np.concatenate([sums, np.einsum("nc,nc->c", a[whole:], b[whole:])[None]])
    return summed(np.ones(len(sums), a.dtype), sums)


def by_channel(a: Array) -> Array | None:
    """Return images that lie batch last as ``(channels, height * width * batch)``, without a copy; None for other arrays."""
    last = a.transpose(1, 2, 3, 0)
    return last.reshape(len(last), -1) if last.flags.c_contiguous else None


def by_example(a: Array, of: object) -> Array:
    """Reshape ``(batch, ..., features)`` to ``(batch, rows, features)``; ``of`` is the module that a ShapeError names."""
    if a.ndim < 2:
        raise ShapeError(f"{of!r}: for gradients of single examples x must have shape (batch, ..., features), got {a.shape}")
    return a.reshape(len(a), -1, a.shape[-1])


def squared_norms(a: Array) -> Array:
    """``(batch, ...)`` -> ``(batch,)``: the sum of squares of each example, in float64, in which squares do not underflow."""
    flat = a.reshape(len(a), -1).astype(np.float64, copy=False)
    return inner_for(flat.shape[1])(flat, flat)


def empty(shape: tuple[int, ...], dtype: DTypeLike, batch_last: bool = False) -> Array:
    """Return a new array; with ``batch_last``, images (batch, channels, height, width) have the batch as the contiguous axis.

    Then the same pixel of all examples is one run of memory, and convolutions and pooling copy long runs.
    """
    return laid_out(aligned(math.prod(shape), dtype), shape, batch_last)


def aligned(size: int, dtype: DTypeLike, zeroed: bool = False) -> Array:
    """Return a vector that begins at a line of the cache: elsewhere products and sums take up to 1.3 times as long."""
    dtype, line = np.dtype(dtype), 64
    memory = (np.zeros if zeroed else np.empty)(size * dtype.itemsize + line, np.uint8)
    start = -memory.ctypes.data % line
    return memory[start:start + size * dtype.itemsize].view(dtype)


def laid_out(flat: Array, shape: tuple[int, ...], batch_last: bool) -> Array:
    """Return a flat array as one of that shape; with ``batch_last``, images have the batch as the contiguous axis."""
    if batch_last and len(shape) == 4:
        return flat.reshape(*shape[1:], shape[0]).transpose(3, 0, 1, 2)
    return flat.reshape(shape)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], batch_last: bool = False) -> Array:
    """Return zeros, a read-only view that all callers share: NumPy's maximum is 2.5 times as fast with an array as with 0."""
    size = math.prod(shape)
    if _zeros[dtype].size < size:
        _zeros[dtype] = np.zeros(size, dtype)
        _zeros[dtype].flags.writeable = False
    return laid_out(_zeros[dtype][:size], shape, batch_last)


_zeros = {dtype: np.zeros(0, dtype) for dtype in TYPES}
