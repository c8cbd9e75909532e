"""Arithmetic in ONNX files: sums and products of tensors, and expressions that other tools write for one module.

An expression such as ``0.5 x (1 + erf(x / √2))`` comes as one node per operation; its parts are Affine or Incomplete.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...modules import GELU, Add, Conv2d, LayerNorm, Linear, Multiply, Sigmoid, SiLU, Softplus, Softsign
from ...modules.windows import Pixels
from .file import ANY, Node
from .reader import Reader, Value

ROOT, CLOSE = 0.5**0.5, 1e-6


class Affine(NamedTuple):
    """c x + d, with scalars, vectors along the last axis, or arrays (channels, 1, 1) for images.

    c and d are never along different axes. Where it must be a module, it is a Linear with a diagonal weight; for channels a
    Conv2d of 1 by 1.
    """

    name: str
    x: Value
    c: Any = 1.0
    d: Any = 0.0

    def settled(self, reader: Reader, node: Node) -> Value:
        if np.all(self.c == 1) and np.all(self.d == 0):
            return self.x
        x = reader.value(node, self.x)
        of_channels = 3 in (np.ndim(self.c), np.ndim(self.d))
        size = x.shape[1 if of_channels else -1]
        node.demand(len(x.shape) > 1 and size < ANY, "computes with a constant along an axis whose size may be any")
        reader.file.spend(2 * size * size * reader.dtype.itemsize)
        weight = np.diag(np.broadcast_to(np.reshape(self.c, -1), size)).astype(reader.dtype)
        bias = np.array(np.broadcast_to(np.reshape(self.d, -1), size), reader.dtype) if np.any(self.d) else None
        make = convolution if of_channels else linear
        return reader.add(self.name, make(reader, node, weight[..., None, None] if of_channels else weight, bias), x)

    def times(self, node: Node, k: Array) -> Affine:
        return Affine(node.outputs[0], self.x, self.c * k)

    def plus(self, node: Node, k: Array) -> Affine:
        return Affine(node.outputs[0], self.x, self.c, k)


class Incomplete(NamedTuple):
    """Part of an expression in x: ``kind`` says which, with two numbers a and b.

    ``erf``: a erf(x/√2) + b. ``gated``: x times that. ``abs``: |x| + a. ``above``: x > a. ``mean``: that of the last axis.
    ``centred``: x minus the mean. ``square``: its square. ``variance``: the mean of the square, plus a. ``deviation``: the root
    of the variance. ``index``: x as integers.
    """

    kind: str
    x: Value
    a: float = 0.0
    b: float = 0.0

    def settled(self, reader: Reader, node: Node) -> Value:
        raise node.refused(f"reads a part ({self.kind}) of an expression that is no module")


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=CLOSE)


def is_part(value: Any, *kinds: str) -> bool:
    return isinstance(value, Incomplete) and value.kind in kinds


def linear(reader: Reader, node: Node, weight: Array, bias: Array | None) -> Linear:
    """Return a Linear with this weight, of shape (out, in)."""
    out_features, in_features = weight.shape
    layer = Linear(in_features, out_features, bias is not None, dtype=reader.dtype, rng=0)
    layer.weight = reader.parameter(node, weight, "weight")
    if bias is not None:
        layer.bias = reader.parameter(node, bias, "bias")
    return layer


def convolution(reader: Reader, node: Node, weight: Array, bias: Array | None, stride: Pixels = 1, padding: Pixels = 0,
                dilation: Pixels = 1) -> Conv2d:
    """Return a Conv2d with this weight, of shape (out, in, height, width)."""
    out, channels, height, width = weight.shape
    kernel = height if height == width else (height, width)
    layer = Conv2d(channels, out, kernel, stride, padding, dilation, bias is not None, dtype=reader.dtype, rng=0)
    layer.weight = reader.parameter(node, weight, "weight")
    if bias is not None:
        layer.bias = reader.parameter(node, bias, "bias")
    return layer


def along(node: Node, array: Array, x: Value) -> Array:
    """Return a constant that broadcasts along the last axis of x, a scalar or a vector, or along the channels of images."""
    fits = array.dtype.kind == "f" and array.ndim <= len(x.shape)
    if fits and array.size in (1, x.shape[-1]) and array.size == max(array.shape[-1:], default=1):
        return array.reshape(() if array.size == 1 else -1)
    node.demand(fits and len(x.shape) == 4 and array.shape[-3:] == (x.shape[1], 1, 1) and array.size == x.shape[1],
                f"computes with a constant of shape {array.shape}, which must be one number, or one for each place of the last "
                "axis or for each channel of images")
    return array.reshape(-1, 1, 1)


def scalar(node: Node, array: Array) -> float:
    """Return a scalar as the shortest decimal number that it may stand for."""
    node.demand(array.size == 1, "computes with a constant that must be a scalar")
    return float(str(array.reshape(())[()]))


def operands(node: Node, read: list[Any]) -> tuple[Any, Any]:
    """Return what an operator of two inputs reads."""
    node.demand(len(read) == 2, "must have two inputs")
    return read[0], read[1]


def constant_last(node: Node, read: list[Any]) -> tuple[Any, Any]:
    x, y = operands(node, read)
    return (y, x) if isinstance(x, np.ndarray) else (x, y)


def add(reader: Reader, node: Node, read: list[Any]) -> Any:
    if len(read) != 2 or not any(isinstance(value, np.ndarray) for value in read):
        return join(reader, node, Add(), read)
    x, constant = constant_last(node, read)
    if is_part(x, "erf"):
        return completed(reader, node, x._replace(b=x.b + scalar(node, constant)))
    if is_part(x, "abs", "variance"):
        return x._replace(a=x.a + scalar(node, constant))
    return shifted(reader, node, x, constant, 1)


def shifted(reader: Reader, node: Node, x: Any, constant: Array, sign: int) -> Any:
    """x + sign * constant: the bias of the Linear or LayerNorm that made x, if it has none."""
    layer, norm = reader.made(x, Linear), reader.made(x, LayerNorm)
    if isinstance(layer, Linear) and layer.bias is None and sign == 1 and constant.shape in one_row(layer.out_features):
        found = Linear(layer.in_features, layer.out_features, dtype=reader.dtype, rng=0)
        found.weight, found.bias = layer.weight, reader.parameter(node, constant.reshape(-1), "bias")
        return reader.replace(node, x, found)
    if isinstance(norm, LayerNorm) and x.tensor in reader.bare and constant.shape in one_row(norm.features):
        norm.bias = reader.parameter(node, sign * constant.reshape(-1), "bias")
        return reader.replace(node, x, norm)                        # not bare any more: no weight may follow
    affine, k = with_constant(reader, node, x, constant)
    return affine.plus(node, sign * k)


def one_row(size: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a constant that may be a bias or a weight of that size."""
    return (size,), (1, size)


def as_affine(reader: Reader, node: Node, x: Any) -> Affine:
    """Return x as an Affine without d, to which a number may be added, or that a number may multiply."""
    return x if isinstance(x, Affine) and np.all(x.d == 0) else Affine(node.outputs[0], reader.lazy(node, x))


def with_constant(reader: Reader, node: Node, x: Any, constant: Array) -> tuple[Affine, Array]:
    """Return x as an Affine without d, and a constant which may be added to it, or multiply it: along the same axis as c."""
    affine = as_affine(reader, node, x)
    k = along(node, constant, affine.x)
    if {np.ndim(affine.c), k.ndim} == {1, 3}:
        affine = Affine(node.outputs[0], reader.lazy(node, affine))
    return affine, k


def join(reader: Reader, node: Node, module: Any, read: list[Any]) -> Value:
    """A module that joins tensors."""
    values = [reader.value(node, value) for value in read]
    return reader.add(node.outputs[0], module, *values) if len(values) > 1 else values[0]


def subtract(reader: Reader, node: Node, read: list[Any]) -> Any:
    a, b = operands(node, read)
    if isinstance(b, np.ndarray):
        return shifted(reader, node, a, b, -1)
    if isinstance(a, np.ndarray):
        x, k = with_constant(reader, node, b, a)
        return x.times(node, np.array(-1.0)).plus(node, k)
    node.demand(is_part(b, "mean") and isinstance(a, tuple) and a == b.x, "subtracts a tensor from another")
    return Incomplete("centred", b.x)


def multiply(reader: Reader, node: Node, read: list[Any]) -> Any:
    x, y = constant_last(node, read)
    if isinstance(y, np.ndarray):
        return scaled(reader, node, x, y)
    if is_part(x, "centred") and x == y:
        return Incomplete("square", x.x)
    for part, other in ((x, y), (y, x)):
        if is_part(part, "erf"):
            factor = as_affine(reader, node, other)
            node.demand(factor.x == part.x and np.ndim(factor.c) == 0, "multiplies an erf with something other than its x")
            k = float(factor.c)
            return completed(reader, node, Incomplete("gated", part.x, part.a * k, part.b * k))
        if reader.made(part, Sigmoid) and other == Value(reader.steps[part.tensor].sources[0], part.shape):
            return reader.replace(node, part, SiLU())
    return join(reader, node, Multiply(), [x, y])


def scaled(reader: Reader, node: Node, x: Any, constant: Array) -> Any:
    """x times a constant: the weight of the LayerNorm that made x, if it has none."""
    if is_part(x, "erf", "gated"):
        k = scalar(node, constant)
        return completed(reader, node, x._replace(a=x.a * k, b=x.b * k))
    norm = reader.made(x, LayerNorm)
    if isinstance(norm, LayerNorm) and reader.bare.get(x.tensor) == "weight" and constant.shape in one_row(norm.features):
        norm.weight = reader.parameter(node, constant.reshape(-1), "weight")
        value = reader.replace(node, x, norm)
        reader.bare[value.tensor] = "bias"
        return value
    affine, factor = with_constant(reader, node, x, constant)
    return affine.times(node, factor)


def divide(reader: Reader, node: Node, read: list[Any]) -> Any:
    x, y = operands(node, read)
    if isinstance(y, np.ndarray):
        node.demand(y.dtype.kind == "f" and bool(np.all(y)), "divides by a constant that must not be 0")
        return scaled(reader, node, x, 1 / y.astype(np.float64))
    if is_part(y, "abs") and close(y.a, 1) and y.x == x:
        return reader.apply(node, Softsign(), x)
    if is_part(y, "deviation") and is_part(x, "centred") and x.x == y.x:
        source = reader.value(node, x.x)
        size = source.shape[-1]
        node.demand(size < ANY, "normalizes over an axis whose size may be any")
        reader.file.spend(4 * size * reader.dtype.itemsize)
        value = reader.add(node.outputs[0], LayerNorm(size, y.a, dtype=reader.dtype), source)
        reader.bare[value.tensor] = "weight"
        return value
    raise node.refused("divides by a tensor")


def completed(reader: Reader, node: Node, part: Incomplete) -> Any:
    """Return the output of GELU if the expression is complete."""
    complete = part.kind == "gated" and close(part.a, 0.5) and close(part.b, 0.5)
    return reader.apply(node, GELU(), part.x) if complete else part


def erf(reader: Reader, node: Node, read: list[Any]) -> Incomplete:
    x = as_affine(reader, node, read[0])
    node.demand(np.ndim(x.c) == 0 and close(float(x.c), ROOT), "is not that of a GELU, erf(x/√2)")
    return Incomplete("erf", x.x, 1.0)


def absolute(reader: Reader, node: Node, read: list[Any]) -> Incomplete:
    return Incomplete("abs", reader.lazy(node, read[0]))


def above(reader: Reader, node: Node, read: list[Any]) -> Incomplete:
    x, limit = operands(node, read)
    return Incomplete("above", reader.lazy(node, x), scalar(node, reader.constant(node, limit, "limit")))


def where(reader: Reader, node: Node, read: list[Any]) -> Any:
    """PyTorch's Softplus is x where x is large."""
    node.demand(len(read) == 3, "must have three inputs")
    condition, x, y = read
    step = reader.steps.get(y.tensor) if isinstance(y, Value) else None
    good = is_part(condition, "above") and condition.a >= 16 and condition.x == x
    if not good or step is None or type(step.module) is not Softplus or x != Value(step.sources[0], y.shape):
        raise node.refused("selects by a condition, which only PyTorch's Softplus may do")
    return y


def power(reader: Reader, node: Node, read: list[Any]) -> Incomplete:
    x, exponent = operands(node, read)
    node.demand(is_part(x, "centred") and isinstance(exponent, np.ndarray) and scalar(node, exponent) == 2,
                "is not the square in a LayerNorm")
    return Incomplete("square", x.x)


def root(reader: Reader, node: Node, read: list[Any]) -> Incomplete:
    node.demand(is_part(read[0], "variance"), "is not the root of the variance in a LayerNorm")
    return read[0]._replace(kind="deviation")


def mean_of_last(reader: Reader, node: Node, x: Any) -> Incomplete:
    """The mean over the last axis, with keepdims: of x or of the squares of what is left of it."""
    return Incomplete("variance", x.x) if is_part(x, "square") else Incomplete("mean", reader.lazy(node, x))
