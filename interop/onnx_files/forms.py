"""The form of each module in ONNX: the nodes that compute what it computes in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ... import modules
from ...arguments import Array
from ...modules import Module
from ...modules.core.parameter import Parameter
from ...modules.core.tree import below
from ...modules.windows import Pixels, pair

INT64 = 7                                                           # the number of this type in ONNX


class Place(NamedTuple):
    """A module in a model: the tensors that it reads, their shapes, and the name of the tensor that it writes."""

    module: Any
    path: str
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    output: str

    def inner(self, name: str) -> str:
        """Return the name of a tensor inside the module's form; no path of a module has two dots in a row."""
        return f"{self.output}..{name}"


class Writer(Protocol):
    """A model in the making, as far as this file needs it."""

    integers: set[str]                                              # inputs of int64

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""

    def parameter(self, parameter: Parameter) -> str:
        """Store a parameter, in the model's dtype, and return its name."""

    def transposed(self, parameter: Parameter) -> str:
        """Return the name of a parameter's transpose."""

    def buffer(self, array: Array, name: str) -> str:
        """Store an array in the model's dtype, and return its name."""

    def constant(self, array: Array, name: str) -> str:
        """Store an array as it is, and return its name."""

    def factor(self, value: float) -> str:
        """Store a scalar in the model's dtype, and return its name."""


Form = Callable[[Writer, Place], Any]


def elementwise(operator: str, fixed: dict[str, Any] | None = None, **names: str) -> Form:
    """Return the form of a module that is one operator; ``names`` are its attributes, by those of the operator."""
    def form(to: Writer, at: Place) -> None:
        to.node(operator, at.inputs, at.output, **(fixed or {}),
                **{name: getattr(at.module, attribute) for name, attribute in names.items()})
    return form


def chained(operator: str) -> Form:
    """Return the form of a module that joins two or more inputs, by an operator of two."""
    def form(to: Writer, at: Place) -> None:
        first, *others = at.inputs
        for k, other in enumerate(others, 2):
            first = to.node(operator, (first, other), at.output if k == len(at.inputs) else at.inner(str(k)))
    return form


def linear(to: Writer, at: Place) -> None:
    """Gemm takes the weight as it is, and only inputs of two axes; MatMul takes all, and the weight transposed."""
    x, layer = at.inputs[0], at.module
    bias = () if layer.bias is None else (to.parameter(layer.bias),)
    if len(at.shapes[0]) == 2:
        to.node("Gemm", (x, to.parameter(layer.weight), *bias), at.output, transB=1)
        return
    product = to.node("MatMul", (x, to.transposed(layer.weight)), at.inner("product") if bias else at.output)
    if bias:
        to.node("Add", (product, *bias), at.output)


def embedding(to: Writer, at: Place) -> None:
    layer, x = at.module, at.inputs[0]
    if layer.padding_idx is not None and layer.weight.data[layer.padding_idx].any():
        rows = layer.weight.data.copy()
        rows[layer.padding_idx] = 0
        weight = to.buffer(rows, at.inner("weight"))
    else:
        weight = to.parameter(layer.weight)
    index = x if x in to.integers else to.node("Cast", (x,), at.inner("index"), to=INT64)
    to.node("Gather", (weight, index), at.output, axis=0)


def convolution(to: Writer, at: Place) -> None:
    layer = at.module
    arrays = [to.parameter(parameter) for parameter in (layer.weight, layer.bias) if parameter is not None]
    to.node("Conv", (at.inputs[0], *arrays), at.output, kernel_shape=list(pair(layer.kernel_size)),
            strides=list(pair(layer.stride)), pads=both_sides(layer.padding), dilations=list(pair(layer.dilation)), group=1)


def pooling(operator: str, **fixed: int) -> Form:
    def form(to: Writer, at: Place) -> None:
        layer = at.module
        to.node(operator, at.inputs, at.output, kernel_shape=list(pair(layer.kernel_size)),
                strides=list(pair(layer.stride or layer.kernel_size)), pads=both_sides(layer.padding), **fixed)
    return form


def both_sides(padding: Pixels) -> list[int]:
    """Return the pads of ONNX: the beginnings of both axes, then the ends."""
    return [*pair(padding)] * 2


def batch_norm(to: Writer, at: Place) -> None:
    """ONNX's momentum is the weight of the old statistics."""
    layer = at.module
    arrays = [to.parameter(layer.weight), to.parameter(layer.bias),
              *(to.buffer(getattr(layer, name), below(at.path, name)) for name in layer.buffers)]
    to.node("BatchNormalization", (at.inputs[0], *arrays), at.output, epsilon=layer.eps, momentum=1 - layer.momentum)


def layer_norm(to: Writer, at: Place) -> None:
    layer = at.module
    arrays = (to.parameter(layer.weight), to.parameter(layer.bias))
    to.node("LayerNormalization", (at.inputs[0], *arrays), at.output, axis=-1, epsilon=layer.eps)


def gelu(to: Writer, at: Place) -> None:
    """x Φ(x) = (x/2) (1 + erf(x/√2)). The factor 1/2 comes first: x times 2 could overflow."""
    x = at.inputs[0]
    half = to.node("Mul", (x, to.factor(0.5)), at.inner("half"))
    erf = to.node("Erf", (to.node("Mul", (x, to.factor(0.5**0.5)), at.inner("scaled")),), at.inner("erf"))
    to.node("Mul", (half, to.node("Add", (erf, to.factor(1.0)), at.inner("gate"))), at.output)


def silu(to: Writer, at: Place) -> None:
    x = at.inputs[0]
    to.node("Mul", (x, to.node("Sigmoid", (x,), at.inner("gate"))), at.output)


def hard_tanh(to: Writer, at: Place) -> None:
    to.node("Clip", (at.inputs[0], to.factor(-1.0), to.factor(1.0)), at.output)


def reshape(to: Writer, at: Place) -> None:
    """A size of 0 is that of the input: the batch may have any."""
    shape = to.constant(np.array([0, *at.module.shape], np.int64), at.inner("shape"))
    to.node("Reshape", (at.inputs[0], shape), at.output)


def global_average(to: Writer, at: Place) -> None:
    to.node("Flatten", (to.node("GlobalAveragePool", at.inputs, at.inner("mean")),), at.output, axis=1)


def upsample(to: Writer, at: Place) -> None:
    """Nearest neighbour in the way that all runtimes understand: pixel i of the output is pixel floor(i / factor)."""
    scales = to.constant(np.array([1, 1, *pair(at.module.scale_factor)], np.float32), at.inner("scales"))
    to.node("Resize", (at.inputs[0], "", scales), at.output, mode="nearest", coordinate_transformation_mode="asymmetric",
            nearest_mode="floor")


FORMS: dict[type[Module], Form] = {
    modules.Add: chained("Add"),
    modules.AvgPool2d: pooling("AveragePool", count_include_pad=1),
    modules.BatchNorm: batch_norm,
    modules.Concat: elementwise("Concat", axis="axis"),
    modules.Conv2d: convolution,
    modules.Dropout: elementwise("Identity"),
    modules.ELU: elementwise("Elu", alpha="alpha"),
    modules.Embedding: embedding,
    modules.Flatten: elementwise("Flatten", {"axis": 1}),
    modules.GELU: gelu,
    modules.GlobalAvgPool2d: global_average,
    modules.HardTanh: hard_tanh,
    modules.Identity: elementwise("Identity"),
    modules.LayerNorm: layer_norm,
    modules.LeakyReLU: elementwise("LeakyRelu", alpha="slope"),
    modules.Linear: linear,
    modules.LogSoftmax: elementwise("LogSoftmax", {"axis": -1}),
    modules.MaxPool2d: pooling("MaxPool"),
    modules.Multiply: chained("Mul"),
    modules.ReLU: elementwise("Relu"),
    modules.Reshape: reshape,
    modules.SiLU: silu,
    modules.Sigmoid: elementwise("Sigmoid"),
    modules.Softmax: elementwise("Softmax", {"axis": -1}),
    modules.Softplus: elementwise("Softplus"),
    modules.Softsign: elementwise("Softsign"),
    modules.Tanh: elementwise("Tanh"),
    modules.Upsample2d: upsample,
}
