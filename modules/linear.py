"""The affine map."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, generator, positive_int
from ..errors import ShapeError
from ..initializers import GlorotUniform, Initializer, Zeros
from .core.arrays import by_example, copy, squared_norms
from .core.base import Module
from .core.parameter import FlatParameters, Parameter


class Joined:
    """Weight and bias, neighbours in memory, as one matrix, for inputs that have a column of ones: two calls less."""

    __slots__ = ("bias", "gradient", "inputs", "matrix", "rows", "shape", "source", "weight")

    def __init__(self, weight: Parameter, bias: Parameter, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        out_features, span = len(bias.data), slice(weight.offset, bias.offset + bias.data.size)
        inputs = np.ones((*shape[:-1], shape[-1] + 1), dtype)
        self.weight, self.bias = weight.T, bias.data                # the views that they are, until a parameter moves
        self.matrix = weight.flat.data[span].reshape(-1, out_features)      # (in + 1, out): the transposed weight, the bias
        self.gradient = weight.flat.grad[span].reshape(-1, out_features)
        self.shape, self.inputs, self.rows = shape, inputs[..., :-1], as_rows(inputs)   # room for x, in (n, in + 1)
        self.source: Array | None = None                            # the x that is in there


class Scratch(NamedTuple):
    """For n rows."""

    ones: Array                                                     # (n,)
    turned: Array | None                                            # (in, n): room for a turned gradient, where that pays
    upright: Array | None                                           # (out, in): room for the weight in that order, likewise
    joined: Joined | None                                           # where copying x costs less than it saves


class Linear(Module):
    r"""Affine map of each example: :math:`y = W x + b`, for a batch :math:`Y = X W^\top + b`.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of the input and of the output; at least 1.
    bias : bool, default True
        Whether to add ``b``.
    weight_init, bias_init : initializer, default GlorotUniform() and Zeros()
        Called once as ``init(shape, rng, dtype)``.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters; inputs are converted to it.
    rng : None, int or numpy.random.Generator
        Where the initial weights are drawn from. Give two layers two different ints.

    Attributes
    ----------
    weight, bias : Parameter of shape (out_features, in_features) and (out_features,); bias may be None
        At the start U[-a, a] with a = √(6 / (in_features + out_features)), and 0.

    Notes
    -----
    With :math:`G = \partial C / \partial Y`, one row per example (lecture, slides 48-69):

    - backward: :math:`\partial C / \partial X = G W`, and forward mode, for a tangent T of X: :math:`T W^\top`;
    - update: :math:`\partial C / \partial W = G^\top X`, the sum over the batch of the outer products :math:`G_i X_i^\top`
      in one matrix product, and :math:`\partial C / \partial b = \sum_i G_i`.

    The products are taken in the way that is fastest for their sizes: at most 8192 numbers of x are copied beside a column
    of ones, so that weight and bias, which lie side by side, take part in one product; for few rows and much weight BLAS
    is faster on the weight's side of :math:`G W`, and for many rows and little weight on an upright copy of the weight. Do
    not write into x before ``update``.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> layer = rp.Linear(3, 4, rng=0)
    >>> layer.forward(np.ones((5, 3))).shape
    (5, 4)
    """

    saved = "input"

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *,
                 weight_init: Initializer = GlorotUniform(), bias_init: Initializer = Zeros(),  # noqa: B008 (frozen)
                 dtype: DTypeLike = "float32", rng: Seed = None) -> None:
        rng = generator(rng)
        self.in_features = positive_int("in_features", in_features)
        self.out_features = positive_int("out_features", out_features)
        self.weight_init, self.bias_init = weight_init, bias_init
        self.weight = Parameter.drawn(weight_init, (self.out_features, self.in_features), rng, "weight", dtype)
        self.bias = Parameter.drawn(bias_init, (self.out_features,), rng, "bias", dtype) if bias else None
        self.move_together()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.move_together()

    def move_together(self) -> None:
        """Weight and bias side by side in memory, if nothing else lives beside them."""
        weight, bias = self.weight, self.bias
        if bias is not None and weight.dtype == bias.dtype and weight.flat is not bias.flat and all(
                parameter.flat.data.size == parameter.data.size for parameter in (weight, bias)):
            FlatParameters.gather([weight, bias])

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if input_shape[-1:] != (self.in_features,):
            raise ShapeError(f"{self!r}: x must have shape (..., {self.in_features}), got {input_shape}")
        return (*input_shape[:-1], self.out_features)

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        n, weight, bias = math.prod(shape[:-1]), self.weight, self.bias
        size = weight.data.size
        joined = None
        if bias is not None and weight.flat is bias.flat and weight.offset + size == bias.offset and n * shape[-1] <= SMALL:
            joined = Joined(weight, bias, shape, dtype)
        return Scratch(np.ones(n, dtype),
                       np.empty((self.in_features, n), dtype) if 2 <= n <= FEW and size >= LARGE else None,
                       np.empty(weight.shape, dtype) if n >= FEW and SMALL // 8 <= size <= SMALL else None, joined)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(..., in_features) -> (..., out_features). Saves x."""
        self.point = x
        weight, bias, joined = self.weight, self.bias, self.scratch.joined
        y = out if x.ndim == 2 else as_rows(out)
        if (joined is not None and joined.weight is weight.T and bias is not None and joined.bias is bias.data
                and joined.shape == x.shape):
            joined.inputs[...] = joined.source = x
            y = joined.rows.dot(joined.matrix, y)
        else:                                                       # tied, or wide
            y = as_rows(x).dot(weight.T, y)                         # a contiguous transpose: up to twice as fast
            if bias is not None:
                y += bias.data
        if x.ndim == 2:
            return y
        return y.reshape(*x.shape[:-1], -1) if out is None else out

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(..., out_features) -> (..., in_features)."""
        if not input_gradient:                                      # update takes g itself
            return None
        _, turned, upright, _ = self.scratch
        weight = self.weight.data
        if turned is not None:
            weight.T.dot(as_rows(g).T, turned)
            return copy(turned.T.reshape(*g.shape[:-1], -1), out)
        if upright is not None:
            upright[...] = weight
            weight = upright
        if g.ndim == 2:
            return g.dot(weight, out)
        gx = as_rows(g).dot(weight, as_rows(out))
        return gx.reshape(*g.shape[:-1], -1) if out is None else out

    def jvp(self, t: Array) -> Array:
        """(..., in_features) -> (..., out_features)."""
        return t @ self.weight.T

    def update(self) -> None:
        """Gradients of weight and bias, summed over all leading axes."""
        x, g, weight, bias, joined = self.point, self.gradient, self.weight, self.bias, self.scratch.joined
        if g.ndim != 2:
            g = as_rows(g)
        if (joined is not None and joined.weight is weight.T and bias is not None and joined.bias is bias.data
                and joined.source is x):
            joined.rows.T.dot(g, joined.gradient)
        else:
            as_rows(x).T.dot(g, weight.grad_T)
            if bias is not None:
                self.scratch.ones.dot(g, bias.grad)

    def example_gradients(self) -> dict[str, Array]:
        """The outer product of g and x of each example, and g; summed over the axes between."""
        x, g = by_example(self.point, self), by_example(self.gradient, self)
        # For one row memory is the limit, and einsum writes it twice as fast as a product or a matrix product.
        weight = np.einsum("no,ni->noi", g[:, 0], x[:, 0]) if x.shape[1] == 1 else g.mT @ x
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": g.sum(1)}

    def example_squared_norms(self) -> dict[str, Array]:
        """Of an outer product, the product of the squared norms; of a sum of them, that of all pairs of inner products."""
        if self.point.ndim == 2:
            bias = squared_norms(self.gradient)
            weight = squared_norms(self.point) * bias
        else:
            x, g = by_example(self.point, self), by_example(self.gradient, self)
            if x.shape[1] * (self.in_features + self.out_features) >= self.weight.data.size:
                return super().example_squared_norms()
            x, g = x.astype(np.float64, copy=False), g.astype(np.float64, copy=False)       # pairs may cancel
            weight = np.maximum(((x @ x.mT) * (g @ g.mT)).sum((1, 2)), 0)
            bias = squared_norms(g.sum(1))
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": bias}


SMALL = 8192                                                        # numbers of an input, or of a weight
FEW, LARGE = 32, 65536                                              # rows of a batch, numbers of a weight


def as_rows(x: Any) -> Any:
    """(..., features) as (rows, features): above two axes NumPy's product leaves BLAS."""
    return x if x is None or x.ndim == 2 else x.reshape(-1, x.shape[-1])
