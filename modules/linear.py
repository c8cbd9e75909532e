"""Linear: the affine map."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, generator, positive_int
from ..errors import ShapeError
from ..initializers import GlorotUniform, Initializer, Zeros
from .core.arrays import (
    LARGE,
    LONG,
    Factors,
    Product,
    by_example,
    copy,
    gradient_blocks,
    product_for,
    squared_norms,
    sum_for,
    summed,
)
from .core.attributes import ParameterAttribute, parameter_attribute
from .core.base import Module
from .core.parameter import FlatParameters, Parameter


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
        The dtype of the parameters; inputs are converted to it.
    rng : None, int or numpy.random.Generator
        Source of the initial weights. Give two layers two different ints.

    Attributes
    ----------
    weight, bias : Parameter of shape (out_features, in_features) and (out_features,); bias may be None
        By default drawn from U[-a, a] with a = √(6 / (in_features + out_features)), and 0. To share the Parameter of another
        layer, assign it: ``b.weight = a.weight``. Its shape and dtype must be the same.

    Notes
    -----
    With :math:`G = \partial C / \partial Y`, one row per example (lecture, slides 48-69):

    - backward: :math:`\partial C / \partial X = G W`, and forward mode, for a tangent T of X: :math:`T W^\top`;
    - update: :math:`\partial C / \partial W = G^\top X`, the sum over the batch of the outer products :math:`G_i^\top X_i`
      in one matrix product, and :math:`\partial C / \partial b = \sum_i G_i`.

    In the code of each phase these formulas come first. For some sizes another form of the same product is faster;
    ``Scratch.choose`` selects it. Do not write into x before ``update``.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> layer = rp.Linear(3, 4, rng=0)
    >>> layer.forward(np.ones((5, 3))).shape
    (5, 4)
    """

    saved = "input"

    weight: Parameter = parameter_attribute()
    bias: Parameter | None = parameter_attribute()

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
        super().__setstate__(state)
        self.move_together()

    def move_together(self) -> None:
        """Put weight and bias side by side in memory, unless one of them stands beside other parameters already."""
        weight, bias = self.weight, self.bias
        if bias is not None and weight.dtype == bias.dtype and weight.flat is not bias.flat and all(
                parameter.flat.data.size == parameter.data.size for parameter in (weight, bias)):
            FlatParameters.gather([weight, bias])

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if input_shape[-1:] != (self.in_features,):
            raise ShapeError(f"{self!r}: x must have shape (..., {self.in_features}), got {input_shape}")
        return (*input_shape[:-1], self.out_features)

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        watched = all(isinstance(getattr(type(self), name, None), ParameterAttribute) for name in ("weight", "bias"))
        return Scratch.choose(self.weight, self.bias, shape, dtype, watched)

    def current_scratch(self) -> Any:
        scratch = self.scratch                                      # a subclass with its own prepare may return another
        return scratch.current(self.weight, self.bias) if isinstance(scratch, Scratch) else scratch

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(..., in_features) -> (..., out_features). Saves x."""
        self.point, joined, dot = x, self.scratch.joined, self.scratch.dot
        y = out if x.ndim == 2 else as_rows(out)
        if joined is None or joined.shape != x.shape:
            y = dot(as_rows(x), self.weight.T, y)
            if self.bias is not None:
                y += self.bias.data
        else:                                                       # the same in one product
            joined.inputs[...] = joined.source = x
            y = dot(joined.rows, joined.matrix, y)
        if x.ndim == 2:
            return y
        return y.reshape(*x.shape[:-1], -1) if out is None else out

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(..., out_features) -> (..., in_features)."""
        if not input_gradient:                                      # update needs nothing from here
            return None
        weight, (dot, _, _, _, upright, turned, _) = self.weight.data, self.scratch
        if upright is not None:                                     # a row-major copy of the weight
            upright[...] = weight
            weight = upright
        if turned is None:
            gx = dot(g, weight, out) if g.ndim == 2 else dot(as_rows(g), weight, as_rows(out))
        else:                                                       # the same, transposed
            gx = copy(dot(weight.T, as_rows(g).T, turned).T.reshape(*g.shape[:-1], -1), out)
        if g.ndim == 2:
            return gx
        return gx.reshape(*g.shape[:-1], -1) if out is None else out

    def update(self) -> None:
        """Gradients of weight and bias, summed over all leading axes."""
        x, g, (dot, total, ones, joined, *_) = self.point, self.gradient, self.scratch
        if g.ndim != 2:
            g = as_rows(g)
        if joined is None or joined.source is not x:
            x = as_rows(x)
            if self.scratch.factored:
                self.weight.keep_factors(Factors(x.copy(), g.copy()))
            elif g.shape[0] > LONG and 1 in self.weight.shape:      # a plain sum, which would be inexact
                self.update_vector(x, g)
            else:
                dot(x.T, g, self.weight.grad_T_to_write())
            if self.bias is not None:
                total(ones, g, self.bias.grad_T_to_write())
        else:                                                       # the same in one product
            dot(joined.rows.T, g, joined.gradient)

    def update_vector(self, x: Array, g: Array) -> None:
        """Gradient of a weight of one row or column, from many rows. A product of two matrices adds up in parts by itself."""
        grad = self.weight.grad_T_to_write()
        if self.out_features == 1:
            summed(g[:, 0], x, grad[:, 0])
        else:
            summed(x[:, 0], g, grad[0])

    def jvp(self, t: Array) -> Array:
        """(..., in_features) -> (..., out_features)."""
        y = self.scratch.dot(as_rows(t), self.weight.T)
        return y if t.ndim == 2 else y.reshape(*t.shape[:-1], -1)

    def example_gradients(self) -> dict[str, Array]:
        """The outer product of g and x of each example, and g; summed over the axes between the first and the last."""
        x, g = by_example(self.point, self), by_example(self.gradient, self)
        # With one row an example the limit is memory, to which einsum writes twice as fast as a product or a matrix product.
        weight = np.einsum("no,ni->noi", g[:, 0], x[:, 0]) if x.shape[1] == 1 else g.mT @ x
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": g.sum(1)}

    def example_squared_norms(self) -> dict[str, Array]:
        """The squared norms of the outer products, without the outer products.

        That of one is the product of both squared norms; that of a sum is the sum over all pairs of both inner products.
        """
        if self.point.ndim == 2:
            bias = squared_norms(self.gradient)
            weight = squared_norms(self.point) * bias
        else:
            x, g = by_example(self.point, self), by_example(self.gradient, self)
            if x.shape[1] * (self.in_features + self.out_features) >= self.weight.data.size:
                return super().example_squared_norms()
            x, g = x.astype(np.float64, copy=False), g.astype(np.float64, copy=False)       # terms may cancel
            weight = np.maximum(((x @ x.mT) * (g @ g.mT)).sum((1, 2)), 0)
            bias = squared_norms(g.sum(1))
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": bias}


# The other forms of the products. Each gives the result of the formula above, and is faster for some sizes.

SMALL = 8192                                                        # numbers of an input, or of a weight
FEW = 32                                                            # rows of a batch
FACTORED_FROM = 4                                                   # so many times the numbers of its factors has a gradient


class Joined:
    """Weight and bias as one matrix, for inputs with a column of ones: forward and update take one product instead of two."""

    __slots__ = ("bias", "gradient", "inputs", "matrix", "rows", "shape", "source", "weight")

    def __init__(self, weight: Parameter, bias: Parameter, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        out_features, span = len(bias.data), slice(weight.offset, bias.offset + bias.data.size)
        inputs = np.ones((*shape[:-1], shape[-1] + 1), dtype)
        self.weight, self.bias = weight.T, bias.data                # current views: a parameter that moves gets new ones
        self.matrix = weight.flat.data[span].reshape(-1, out_features)      # (in + 1, out): the transposed weight, the bias
        self.gradient = weight.flat.grad[span].reshape(-1, out_features)
        self.shape, self.inputs, self.rows = shape, inputs[..., :-1], as_rows(inputs)   # inputs: a copy of x goes here
        self.source: Array | None = None                            # the x that was copied


class Scratch(NamedTuple):
    """The workspace for one shape of input, with n rows. A form that is not faster for these sizes is None."""

    dot: Product                                                    # of matrices; which one does not change the result
    total: Product                                                  # of `ones` and a matrix (n, out)
    ones: Array                                                     # (n,)
    joined: Joined | None
    upright: Array | None                                           # (out, in): for a copy of the weight in row-major order
    turned: Array | None                                            # (in, n): for the transposed gradient of the input
    factored: bool                                                  # whether update leaves the weight's gradient as factors

    @classmethod
    def choose(cls, weight: Parameter, bias: Parameter | None, shape: tuple[int, ...], dtype: np.dtype[Any],
               watched: bool) -> Scratch:
        """Choose the fastest forms for inputs of this shape.

        Views of weight and bias are held only if their replacement is ``watched``: else they could become stale unnoticed.
        """
        n, size = math.prod(shape[:-1]), weight.data.size
        joined = upright = turned = None
        large = bool(gradient_blocks(weight.shape))                 # never joined, which would leave factors of another batch
        factored = large and n <= LONG and FACTORED_FROM * n * sum(weight.shape) <= size
        if (not large and watched and bias is not None and weight.flat is bias.flat and weight.offset + size == bias.offset
                and n <= LONG and n * shape[-1] <= SMALL):
            joined = Joined(weight, bias, shape, dtype)             # the copy of x costs less than the second product
        if n >= FEW and SMALL // 8 <= size <= SMALL:
            upright = np.empty(weight.shape, dtype)
        if 2 <= n <= FEW and size >= LARGE:
            turned = np.empty((len(weight.T), n), dtype)            # BLAS is faster with the large factor first
        out_features, in_features = weight.shape
        return cls(product_for(n, in_features, out_features), sum_for(n, out_features), np.ones(n, dtype), joined,
                   upright, turned, factored)

    def current(self, weight: Parameter, bias: Parameter | None) -> Scratch:
        """Return the workspace, without ``joined`` if weight or bias have moved or been replaced since."""
        joined = self.joined
        if joined is None or (joined.weight is weight.T and bias is not None and joined.bias is bias.data):
            return self
        return self._replace(joined=None)


def as_rows(x: Any) -> Any:
    """Reshape (..., features) to (rows, features): for more than two axes NumPy's product does not use BLAS."""
    return x if x is None or x.ndim == 2 else x.reshape(-1, x.shape[-1])
