"""Embedding: a vector of parameters for each integer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, bincount, generator, positive_int
from ..errors import ArgumentError, DataError
from ..initializers import Initializer, Normal
from .core.arrays import Product, product_for
from .core.attributes import parameter_attribute
from .core.base import Module
from .core.parameter import Parameter

EXACT = 2**24                                                       # float32 holds every integer up to here
SMALL = 2**15                                                       # numbers of a one-hot matrix whose product is faster


class Embedding(Module):
    r"""A table with a row for each integer: ``(batch, ...) -> (batch, ..., embedding_dim)``, :math:`y_i = W_{x_i}`.

    Parameters
    ----------
    num_embeddings : int
        The number of rows: x holds integers from 0 to ``num_embeddings - 1``.
    embedding_dim : int
        The size of a row.
    padding_idx : int, optional
        An integer that stands for no word, to fill sequences up to one length: its y is 0, and its row is not trained. A
        negative one counts from the end.
    weight_init : initializer, default Normal(), as in PyTorch
        Called once as ``init(shape, rng, dtype)``.
    dtype : {"float32", "float64"}, default "float32"
        The dtype of the table and of y.
    rng : None, int or numpy.random.Generator
        Source of the initial numbers.

    Attributes
    ----------
    weight : Parameter of shape (num_embeddings, embedding_dim)
        By default drawn from N(0, 1), except for the row of ``padding_idx``, which is 0.

    Raises
    ------
    DataError
        In forward: a number in x is no integer or not in the table. x may be of any real dtype, as that of all modules: it
        is converted to the dtype of the parameters, which holds all integers of the table.

    Notes
    -----
    y is the product of the one-hot matrix of x with W. With :math:`G = \partial C / \partial Y`,
    :math:`\partial C / \partial W_k` is the sum of all :math:`G_i` with :math:`x_i = k`. Integers cannot change by little: the
    gradient of x is 0, and so is the product of forward mode.

    Examples
    --------
    >>> import retroprop as rp
    >>> words = rp.Embedding(1000, 8, rng=0)
    >>> words.forward([[3, 14, 15], [9, 2, 6]]).shape
    (2, 3, 8)
    >>> words.forward([[1000]])
    Traceback (most recent call last):
    retroprop.errors.DataError: Embedding(1000, 8): x must hold integers from 0 to 999, got 1000 at (0, 0)
    """

    saved = "neither"
    takes_integers = True

    weight: Parameter = parameter_attribute()

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *,
                 weight_init: Initializer = Normal(), dtype: DTypeLike = "float32", rng: Seed = None) -> None:  # noqa: B008 (frozen)
        self.num_embeddings = positive_int("num_embeddings", num_embeddings)
        self.embedding_dim = positive_int("embedding_dim", embedding_dim)
        if self.num_embeddings > EXACT:
            raise ArgumentError(f"num_embeddings must be at most {EXACT}, up to which float32 holds every integer, got "
                                f"{num_embeddings}")
        self.padding_idx = padding_idx
        if padding_idx is not None:
            padding = positive_int("padding_idx", padding_idx, -self.num_embeddings)
            if padding >= self.num_embeddings:
                raise ArgumentError(f"padding_idx must be below num_embeddings, {num_embeddings}, got {padding_idx}")
            self.padding_idx = padding % self.num_embeddings
        self.weight_init = weight_init
        shape = self.num_embeddings, self.embedding_dim
        self.weight = Parameter.drawn(weight_init, shape, generator(rng), "weight", dtype)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape, self.embedding_dim)

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Product, Array, Array] | None:
        n = math.prod(shape)
        if n * self.num_embeddings > SMALL:
            return None
        return product_for(self.embedding_dim, n, self.num_embeddings), np.arange(n), np.empty((n, self.num_embeddings), dtype)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(...) -> (..., embedding_dim). Saves x as integers."""
        self.point = rows = self.rows(x)
        y = np.empty((*x.shape, self.embedding_dim), x.dtype) if out is None else out
        y[...] = self.weight.data[rows]                             # np.take would copy the table, which is column-major
        if self.padding_idx is not None:
            y[rows == self.padding_idx] = 0
        return y

    def rows(self, x: Array) -> Array:
        """Return x as indices of rows; DataError if a number in it is none."""
        if x.min() >= 0 and x.max() < self.num_embeddings:          # not NaN
            rows = x.astype(np.intp)
            if (rows == x).all():
                return rows
        wrong = ~((x >= 0) & (x < self.num_embeddings) & (np.floor(x) == x))
        first = tuple(map(int, np.argwhere(wrong)[0]))
        got = float(x[first])
        raise DataError(f"{self!r}: x must hold integers from 0 to {self.num_embeddings - 1}, got "
                        f"{int(got) if got.is_integer() else got} at {first}")

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(..., embedding_dim) -> zeros of shape (...)."""
        if not input_gradient:
            return None
        if out is None:
            return np.zeros(self.point.shape, g.dtype)
        out[...] = 0
        return out

    def update(self) -> None:
        """Gradient of the table: the sum of g over all places of each integer."""
        rows, g, grad = self.point.reshape(-1), self.gradient.reshape(-1, self.embedding_dim), self.weight.grad_T_to_write()
        if self.scratch is None:
            self.sums(rows, g, self.num_embeddings, grad)
        else:                                                       # the same as one product
            dot, places, one_hot = self.scratch
            one_hot[...] = 0
            one_hot[places, rows] = 1
            dot(g.T, one_hot, grad)
        if self.padding_idx is not None:
            grad[:, self.padding_idx] = 0

    def sums(self, rows: Array, g: Array, count: int, out: Array) -> Array:
        """Return in ``out``, of shape (embedding_dim, count), the sum of g over the places of each row, added in float64."""
        for column, sums in zip(g.T, out, strict=True):
            sums[...] = bincount(rows, column, count)
        return out

    def jvp(self, t: Array) -> Array:
        """(...) -> zeros of shape (..., embedding_dim)."""
        return np.zeros((*t.shape, self.embedding_dim), t.dtype)

    def example_gradients(self) -> dict[str, Array]:
        """The sum of g over the places of each integer, for each example."""
        n, count = len(self.point), self.num_embeddings
        rows = self.point.reshape(n, -1) + count * np.arange(n)[:, None]
        g = self.gradient.reshape(-1, self.embedding_dim)
        sums = self.sums(rows.reshape(-1), g, n * count, np.empty((self.embedding_dim, n * count), g.dtype))
        gradients = sums.reshape(-1, n, count).transpose(1, 2, 0)
        if self.padding_idx is not None:
            gradients[:, self.padding_idx] = 0
        return {"weight": gradients}

    def example_squared_norms(self) -> dict[str, Array]:
        """The same without the gradients, for short sequences: the products of g at all pairs of places of one integer."""
        n = len(self.point)
        rows = self.point.reshape(n, -1)
        if rows.shape[1]**2 >= self.weight.data.size:
            return super().example_squared_norms()
        g = self.gradient.reshape(n, -1, self.embedding_dim).astype(np.float64, copy=False)     # terms may cancel
        pairs = rows[:, :, None] == rows[:, None, :]
        if self.padding_idx is not None:
            pairs &= rows[:, :, None] != self.padding_idx
        return {"weight": np.maximum((pairs * (g @ g.mT)).sum((1, 2)), 0)}
