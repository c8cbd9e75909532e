"""Normalization to zero mean and unit variance: of each feature over the batch, or of each example over its features."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, positive_int, real
from ..errors import ShapeError
from .core.arrays import LONG, Product, by_channel, by_example, empty, inner_for, product_for, sum_for, summed_products
from .core.attributes import parameter_attribute
from .core.base import Module
from .core.parameter import Parameter

FAR = 1e4                       # (standard deviations)²: from here on, what was centred with a rounded mean is visibly wrong


class Centred(NamedTuple):
    """The input minus its mean, 1/(standard deviation), γ times that, and whether the statistics are those of the batch."""

    centred: Array
    scale: Array
    factor: Array                                                   # broadcasts along the input
    of_batch: bool


class Scratch(NamedTuple):
    """Workspace for one shape of input."""

    x: Array                                                        # buffer for the centred input
    ones: Array                                                     # (batch,)
    total: Product                                                  # of `ones` and a matrix (batch, features)
    square: Product                                                 # of a number per feature and itself
    inner: Product                                                  # of all numbers of each channel, of two images
    feature: tuple[slice | None, ...]                               # the index that makes features broadcast


class BatchNorm(Module):
    r"""Normalize each feature over the batch, then scale and shift it: :math:`y = \gamma \hat x + \beta`.

    Parameters
    ----------
    features : int
        Size of axis 1 of the input, ``(batch, features)`` or ``(batch, features, height, width)``.
    eps : float > 0, default 1e-5
        Added to the variance.
    momentum : float in [0, 1], default 0.1
        Weight of the new batch in the running statistics.
    unbiased : bool, default True
        Whether the running variance averages unbiased variances, as in PyTorch, or, as in Keras, those that normalize.
    dtype : {"float32", "float64"}, default "float32"

    Attributes
    ----------
    weight, bias : Parameters γ and β of shape (features,), initially 1 and 0
    running_mean, running_var : buffers of shape (features,), initially 0 and 1

    Notes
    -----
    In training, μ is the mean and σ² the biased variance of the n values of a feature in the batch,
    :math:`\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}`, and the running statistics become

        running_mean = (1 - momentum) running_mean + momentum μ
        running_var = (1 - momentum) running_var + momentum σ² n / (n - 1)             (unbiased=False: momentum σ²)

    In evaluation the running statistics replace μ and σ². With :math:`s = \gamma / \sqrt{\sigma^2 + \epsilon}`:

    - backward: :math:`\partial C/\partial x = s (g - \bar g - \hat x\, \overline{g \hat x})`, bars being means over the
      batch; in evaluation, where the statistics are constants, :math:`s g`. The mode in which forward ran decides between
      the two.
    - update: :math:`\partial C/\partial\gamma = \sum g \hat x` and :math:`\partial C/\partial\beta = \sum g`.

    Training needs at least two values of each feature: a batch with one value raises ShapeError.

    References
    ----------
    Ioffe & Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", algorithm 1.
    """

    saved = "neither"
    layout = "kept"
    symmetric = True                                                # in training and in evaluation
    buffers = ("running_mean", "running_var")
    nonnegative_buffers = ("running_var",)
    weight: Parameter = parameter_attribute()
    bias: Parameter = parameter_attribute()

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1, *, unbiased: bool = True,
                 dtype: DTypeLike = "float32") -> None:
        self.features = positive_int("features", features)
        self.eps = real("eps", eps, 0, above=True)
        self.momentum = real("momentum", momentum, 0, 1)
        self.unbiased = bool(unbiased)
        self.weight = Parameter(np.ones(self.features), "weight", dtype)
        self.bias = Parameter(np.zeros(self.features), "bias", dtype)
        self.running_mean = np.zeros(self.features, dtype)
        self.running_var = np.ones(self.features, dtype)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if input_shape[1:2] != (self.features,) or len(input_shape) > 4:
            raise ShapeError(f"{self!r}: x must have shape (batch, {self.features}) or (batch, {self.features}, height, "
                             f"width), got {input_shape}")
        return input_shape

    def admit(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        output = self.output_shape(shape)
        if self.training and math.prod(shape) < 2 * self.features:
            raise ShapeError(f"{self!r}: training needs at least two values of each feature to estimate a variance, "
                             f"got x of shape {shape}; use a larger batch, or eval()")
        return output

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        return Scratch(empty(shape, dtype, self.batch_last), np.ones(shape[0], dtype), sum_for(shape[0], self.features),
                       product_for(1, self.features, 1), inner_for(math.prod(shape) // self.features),
                       (slice(None), *(None,) * (len(shape) - 2)))

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(batch, features, ...) -> the same shape. Saves the centred input and 1/(standard deviation)."""
        centred, _, _, square, _, feature = self.scratch
        if self.training:
            n = x.size // self.features
            mean = self.total(x) / n
            np.subtract(x, mean[feature], centred)
            variance = self.inner(centred, centred) / n
            scale = 1 / np.sqrt(variance + self.eps)
            if square(ratio := mean * scale, ratio) > FAR:
                mean += (error := self.total(centred) / n)
                centred -= error[feature]
                variance = self.inner(centred, centred) / n
                scale = 1 / np.sqrt(variance + self.eps)
            for running, batch in ((self.running_mean, mean), (self.running_var, variance * (n / (n - self.unbiased)))):
                running *= 1 - self.momentum
                running += self.momentum * batch
        else:
            np.subtract(x, self.running_mean[feature], centred)
            scale = 1 / np.sqrt(self.running_var + self.eps)
        factor = (self.weight.data * scale)[feature]
        self.point = Centred(centred, scale, factor, self.training)
        y = np.multiply(centred, factor, out)
        y += self.bias.data[feature]
        return y

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(batch, features, ...) -> the same shape."""
        if not input_gradient:                                      # update needs nothing from here
            return None
        (centred, scale, factor, of_batch), feature = self.point, self.scratch.feature
        if not of_batch:
            return np.multiply(g, factor, out)
        n = g.size // self.features
        gx = np.multiply(centred, (self.inner(g, centred) * scale * scale / n)[feature], out)
        np.subtract(g, gx, gx)
        gx -= (self.total(g) / n)[feature]
        gx *= factor
        return gx

    def update(self) -> None:
        """Gradients of weight and bias, summed over all axes except that of the features."""
        self.weight.grad_T_to_write()[...] = self.inner(self.gradient, self.point.centred) * self.point.scale
        self.bias.grad_T_to_write()[...] = self.total(self.gradient)

    def example_gradients(self) -> dict[str, Array]:
        """The terms of update, summed over height and width."""
        g, normal = self.gradient, self.point.centred * self.point.scale[self.scratch.feature]
        return {name: terms.reshape(len(g), self.features, -1).sum(2)
                for name, terms in (("weight", g * normal), ("bias", g))}

    @property
    def batch_dependent(self) -> bool:
        """True in training, where mean and variance are those of the batch."""
        return self.training

    def total(self, a: Array) -> Array:
        """Return the sum over all axes except that of the features."""
        if a.ndim == 2:
            return self.scratch.total(self.scratch.ones, a)
        rows = by_channel(a) if a.ndim == 4 else None
        return a.reshape(*a.shape[:2], -1).sum((0, 2)) if rows is None else rows.sum(1)

    def inner(self, a: Array, b: Array) -> Array:
        """Return the sum of a b over all axes except that of the features, without an array for the products."""
        if a.ndim == 4 and (rows := by_channel(a)) is not None and (others := by_channel(b)) is not None:
            return self.scratch.inner(rows, others)
        if a.ndim == 2 and a.shape[0] > LONG:
            return summed_products(a, b)
        return np.einsum(("nc,nc->c", "nch,nch->c", "nchw,nchw->c")[a.ndim - 2], a, b)


class Normalized(NamedTuple):
    """The normalized input, and 1/(standard deviation)."""

    x: Array
    scale: Array


class Rows(NamedTuple):
    """Buffers for the normalized input and for products with it, a vector of ones, one per row, and products of vectors."""

    x: Array
    products: Array
    ones: Array
    total: Product                                                  # of `ones` and a matrix (rows, features)
    inner: Product                                                  # of rows, or of a number per row


class LayerNorm(Module):
    r"""Normalize each example over its last axis, then scale and shift it, in both modes: :math:`y = \gamma \hat x + \beta`.

    Parameters
    ----------
    features : int
        Size of the last axis of the input, ``(..., features)``.
    eps : float > 0, default 1e-5
        Added to the (biased) variance.
    dtype : {"float32", "float64"}, default "float32"

    Attributes
    ----------
    weight, bias : Parameters γ and β of shape (features,), initially 1 and 0

    Notes
    -----
    With :math:`h = \gamma g`, and bars for means over the last axis,
    :math:`\partial C/\partial x = (h - \bar h - \hat x\, \overline{h \hat x}) / \sqrt{\sigma^2 + \epsilon}`. In
    forward mode γ multiplies last: :math:`\gamma (t - \bar t - \hat x\, \overline{t \hat x}) / \sqrt{\sigma^2 + \epsilon}`.

    References
    ----------
    Ba, Kiros & Hinton 2016, "Layer normalization".
    """

    saved = "neither"
    weight: Parameter = parameter_attribute()
    bias: Parameter = parameter_attribute()

    def __init__(self, features: int, eps: float = 1e-5, *, dtype: DTypeLike = "float32") -> None:
        self.features = positive_int("features", features)
        self.eps = real("eps", eps, 0, above=True)
        self.weight = Parameter(np.ones(self.features), "weight", dtype)
        self.bias = Parameter(np.zeros(self.features), "bias", dtype)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if input_shape[-1:] != (self.features,):
            raise ShapeError(f"{self!r}: x must have shape (..., {self.features}), got {input_shape}")
        return input_shape

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Rows:
        n = math.prod(shape[:-1])
        return Rows(np.empty(shape, dtype), np.empty(shape, dtype), np.ones(n, dtype), sum_for(n, self.features),
                    inner_for(max(n, self.features)))

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(..., features) -> the same shape. Saves the normalized input and 1/(standard deviation)."""
        mean = x.mean(-1, keepdims=True)
        normal = np.subtract(x, mean, self.scratch.x)
        variance = np.multiply(normal, normal, self.scratch.products).mean(-1, keepdims=True)
        scale = 1 / np.sqrt(variance + self.eps)
        if self.scratch.inner(ratio := (mean * scale).reshape(-1), ratio) > FAR:
            normal -= normal.mean(-1, keepdims=True)
            variance = np.multiply(normal, normal, self.scratch.products).mean(-1, keepdims=True)
            scale = 1 / np.sqrt(variance + self.eps)
        normal *= scale
        self.point = Normalized(normal, scale)
        y = np.multiply(normal, self.weight.data, out)
        y += self.bias.data
        return y

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(..., features) -> the same shape."""
        if not input_gradient:                                      # update needs nothing from here
            return None
        normal, scale = self.point
        gx = np.multiply(g, self.weight.data, out)
        mean, inner = gx.mean(-1, keepdims=True), self.scratch.inner(gx, normal)[..., None] / self.features
        gx -= mean
        gx -= np.multiply(normal, inner, self.scratch.products)
        gx *= scale
        return gx

    def jvp(self, t: Array) -> Array:
        """(..., features) -> the same shape."""
        normal, scale = self.point
        y = t - t.mean(-1, keepdims=True)
        y -= normal * (self.scratch.inner(y, normal)[..., None] / self.features)
        return y * scale * self.weight.data

    def update(self) -> None:
        """Gradients of weight and bias, summed over all leading axes."""
        _, products, ones, total, *_ = self.scratch
        np.multiply(self.gradient, self.point.x, products)
        for parameter, terms in ((self.weight, products), (self.bias, self.gradient)):
            total(ones, terms.reshape(-1, self.features), parameter.grad_T_to_write())

    def example_gradients(self) -> dict[str, Array]:
        """The terms of update, summed over the axes between the first and the last."""
        return {"weight": by_example(self.gradient * self.point.x, self).sum(1), "bias": by_example(self.gradient, self).sum(1)}
