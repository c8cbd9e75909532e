"""The module of each operator of ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import modules
from ...arguments import Array
from ...modules import Module
from ...modules.windows import Pixels
from . import patterns
from .constants import axes_of, counted, shape_of, squeezed, unsqueezed
from .file import ML, Node, shown
from .reader import Maker, Reader, Value, given
from .shapes import axes_changed, flatten, reshape, transpose


def elementwise(make: Callable[[Node], Module]) -> Maker:
    """Return the maker of a module that works element by element."""
    def maker(reader: Reader, node: Node, read: list[Any]) -> Value:
        node.demand(len(read) == 1, "must have one input")
        return reader.apply(node, make(node), read[0])
    return maker


# ---------------------------------------------------------------------- with parameters

def gemm(reader: Reader, node: Node, read: list[Any]) -> Value:
    weight = reader.constant(node, given(read, 1), "matrix")
    node.demand(weight.ndim == 2 and not node.integer("transA", 0), "must have a matrix, and an input that is not transposed")
    weight = weight if node.integer("transB", 0) else weight.T
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    weight, bias = weight if alpha == 1 else alpha * weight, None
    if given(read, 2) is not None:
        bias = reader.constant(node, read[2], "bias")
        node.demand(bias.size in (1, len(weight)) and bias.ndim < 3 and bias.size == max(bias.shape[-1:], default=1),
                    f"has a bias of shape {bias.shape} and {len(weight)} outputs")
        bias = np.broadcast_to(bias.reshape(-1), len(weight)) if beta == 1 else np.full(len(weight), beta * bias.reshape(-1))
    x = reader.value(node, read[0])
    node.demand(len(x.shape) == 2, f"must have an input of two axes, got shape {shown(x.shape)}")
    return reader.add(node.outputs[0], patterns.linear(reader, node, weight, bias), x)


def matmul(reader: Reader, node: Node, read: list[Any]) -> Value:
    node.demand(len(read) == 2, "must have two inputs")
    weight = reader.constant(node, read[1], "second factor")
    node.demand(weight.ndim == 2, f"must have a matrix as its second factor, got shape {weight.shape}")
    x = reader.value(node, read[0])
    return reader.add(node.outputs[0], patterns.linear(reader, node, weight.T, None), x)


def convolution(reader: Reader, node: Node, read: list[Any]) -> Value:
    weight = reader.constant(node, given(read, 1), "filters")
    node.demand(weight.ndim == 4, f"must have filters of four axes, for images, got shape {weight.shape}")
    groups, kernel = node.integer("group", 1), list(weight.shape[2:])
    node.demand(groups == 1, f"has {groups} groups, where only 1 is possible")
    node.demand(node.integers("kernel_shape", kernel) == kernel, "has another kernel_shape than its filters")
    stride, dilation = pixels(node, "strides"), pixels(node, "dilations")
    padding = both_sides(node, [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)], stride)
    bias = None if given(read, 2) is None else reader.constant(node, read[2], "bias")
    layer = patterns.convolution(reader, node, weight, bias, one(stride), one(padding), one(dilation))
    return reader.add(node.outputs[0], layer, reader.value(node, read[0]))


def gather(reader: Reader, node: Node, read: list[Any]) -> Value:
    weight, index = reader.constant(node, given(read, 0), "table"), given(read, 1)
    node.demand(weight.ndim == 2 and node.integer("axis", 0) == 0, "takes something else than rows of a matrix")
    layer = modules.Embedding(*weight.shape, dtype=reader.dtype, rng=0)
    layer.weight = reader.parameter(node, weight, "weight")
    return reader.add(node.outputs[0], layer, reader.value(node, index.x if patterns.is_part(index, "index") else index))


def batch_norm(reader: Reader, node: Node, read: list[Any]) -> Value:
    node.demand(len(read) == 5, "must have five inputs")
    weight, bias, mean, variance = (reader.constant(node, value, "statistics and parameters") for value in read[1:])
    node.demand(not node.integer("training_mode", 0) and node.integer("spatial", 1) == 1,
                "must be that of evaluation, with one mean for each channel")
    momentum = float(f"{1 - node.real('momentum', 0.9):.7g}")       # ONNX's is the weight of the old statistics
    layer = modules.BatchNorm(weight.size, node.real("epsilon", 1e-5), momentum, dtype=reader.dtype)
    layer.weight, layer.bias = reader.parameter(node, weight, "weight"), reader.parameter(node, bias, "bias")
    for name, array in (("running_mean", mean), ("running_var", variance)):
        node.demand(array.shape == weight.shape and array.dtype.kind == "f" and bool(np.isfinite(array).all())
                    and (array is mean or bool((array >= 0).all())), f"must have {weight.size} finite floats as its {name}")
        getattr(layer, name)[...] = array
    return reader.add(node.outputs[0], layer, reader.value(node, read[0]))


def layer_norm(reader: Reader, node: Node, read: list[Any]) -> Value:
    weight, x = reader.constant(node, given(read, 1), "weight"), reader.value(node, read[0])
    axis, last = node.integer("axis", -1), len(x.shape) - 1
    node.demand(axis in (-1, last) and weight.ndim == 1, f"normalizes over the axes from {axis} on, not over the last alone")
    node.integer("stash_type", 1)                                   # of sums in half precision
    layer = modules.LayerNorm(weight.size, node.real("epsilon", 1e-5), dtype=reader.dtype)
    layer.weight = reader.parameter(node, weight, "weight")
    if given(read, 2) is not None:
        layer.bias = reader.parameter(node, reader.constant(node, read[2], "bias"), "bias")
    return reader.add(node.outputs[0], layer, x)


def scaler(reader: Reader, node: Node, read: list[Any]) -> Any:
    """scikit-learn's StandardScaler: (x - offset) * scale."""
    x = reader.lazy(node, read[0])
    offset, scale = node.reals("offset"), node.reals("scale")
    centred = x if offset is None else patterns.shifted(reader, node, x, offset, -1)
    return centred if scale is None else patterns.scaled(reader, node, centred, scale)


# ---------------------------------------------------------------------- windows

def pixels(node: Node, name: str) -> list[int]:
    """Return a number for each of the two axes of an image."""
    found = node.integers(name, [1, 1]) or []
    node.demand(len(found) == 2, f"has {len(found)} {name}; images have two axes")
    return found


def one(values: Sequence[int]) -> Pixels:
    """Return a pair, or one number for both axes."""
    first, second = values
    return int(first) if first == second else (int(first), int(second))


def both_sides(node: Node, spans: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return the padding, which must be the same on both sides."""
    automatic, pads = node.text("auto_pad", "NOTSET"), node.integers("pads", [0] * 4) or []
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        node.demand(list(strides) == [1, 1] and all(span % 2 for span in spans), f"pads both sides differently ({automatic})")
        return [span // 2 for span in spans]
    node.demand(automatic in ("NOTSET", "VALID"), f"has the auto_pad {automatic}")
    pads = [0] * 4 if automatic == "VALID" else pads
    node.demand(len(pads) == 4 and pads[:2] == pads[2:], f"pads both sides differently: {pads}")
    return pads[:2]


def pooling(kind: type[modules.MaxPool2d] | type[modules.AvgPool2d]) -> Maker:
    def maker(reader: Reader, node: Node, read: list[Any]) -> Value:
        kernel, stride = pixels(node, "kernel_shape"), pixels(node, "strides")
        padding = both_sides(node, kernel, stride)
        node.demand(not node.integer("ceil_mode", 0), "has windows that extend beyond the padding (ceil_mode)")
        node.demand(pixels(node, "dilations") == [1, 1], "has dilated windows")
        node.integer("storage_order", 0)                            # of the second output
        counted = node.integer("count_include_pad", 0)
        node.demand(bool(counted) or kind is modules.MaxPool2d or not any(padding),
                    "leaves the padding out of its means (count_include_pad is 0)")
        module = kind(one(kernel), None if stride == kernel else one(stride), one(padding))
        return reader.add(node.outputs[0], module, reader.value(node, read[0]))
    return maker


def global_average(reader: Reader, node: Node, read: list[Any]) -> Value:
    x = reader.value(node, read[0])
    return reader.add(node.outputs[0], modules.GlobalAvgPool2d(), x)._replace(shape=(*x.shape[:2], 1, 1))


def reduce_mean(reader: Reader, node: Node, read: list[Any]) -> Any:
    x = read[0]
    rank = len(x.x.shape if isinstance(x, patterns.Incomplete) else reader.lazy(node, x).shape)
    axes = counted(node, axes_of(node, [reader.constant(node, one, "axes") for one in read[1:2]]) or [], rank)
    keep = node.integer("keepdims", 1)
    node.integer("noop_with_empty_axes", 0)
    if axes == [rank - 1] and keep:
        return patterns.mean_of_last(reader, node, x)
    node.demand(rank == 4 and axes == [2, 3], "is neither the mean of images nor that of a LayerNorm")
    found = global_average(reader, node, read)
    return found if keep else found._replace(shape=found.shape[:2])


def resize(reader: Reader, node: Node, read: list[Any]) -> Value:
    mode, coordinates = node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel")
    if node.operator == "Upsample" or node.opset < 11:
        coordinates, rounding, scales = "asymmetric", "floor", given(read, 1)
        scales = np.array(node.reals("scales")) if scales is None else scales
    else:
        rounding, scales = node.text("nearest_mode", "round_prefer_floor"), given(read, 2)
        for name in ("cubic_coeff_a", "extrapolation_value", "exclude_outside", "antialias", "keep_aspect_ratio_policy"):
            node.attributes.pop(name, None)                         # have no effect on mode nearest
    exact = coordinates in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel") and rounding.startswith("round_prefer")
    node.demand(mode == "nearest" and (exact or (coordinates, rounding) == ("asymmetric", "floor")),
                f"interpolates ({mode}, {coordinates}, {rounding}), where only repeated pixels are possible")
    x = reader.value(node, read[0])
    if given(read, 3) is not None:
        sizes = reader.constant(node, read[3], "sizes")
        node.demand(sizes.shape == (len(x.shape),), f"has sizes of shape {sizes.shape}")
        scales = sizes / np.array(x.shape)
    factors = reader.constant(node, scales, "scales").reshape(-1).tolist()
    node.demand(len(factors) == len(x.shape) == 4 and factors[:2] == [1, 1] and all(f >= 1 and f % 1 == 0 for f in factors),
                f"has the scales {factors}, which must be whole numbers for height and width")
    return reader.add(node.outputs[0], modules.Upsample2d(one([int(f) for f in factors[2:]])), x)


# ---------------------------------------------------------------------- functions of each element, and of the last axis

def clip(reader: Reader, node: Node, read: list[Any]) -> Any:
    low, high = (patterns.scalar(node, reader.constant(node, given(read, k), name)) if given(read, k) is not None
                 else node.real(name, default) for k, name, default in ((1, "min", -math.inf), (2, "max", math.inf)))
    low, high = (math.copysign(math.inf, end) if abs(end) > 3e38 else end for end in (low, high))
    kinds: dict[tuple[float, float], type[Module]] = {(-1, 1): modules.HardTanh, (0, math.inf): modules.ReLU,
                                                      (-math.inf, math.inf): modules.Identity}
    node.demand((low, high) in kinds, f"clips to [{low:g}, {high:g}], where [-1, 1] and [0, inf] are possible")
    return reader.apply(node, kinds[low, high](), read[0])


def gelu(node: Node) -> Module:
    node.demand(node.text("approximate", "none") == "none", "approximates GELU")
    return modules.GELU()


def swish(node: Node) -> Module:
    node.demand(node.real("alpha", 1.0) == 1, "has an alpha other than 1")
    return modules.SiLU()


def over_last(kind: type[Module]) -> Maker:
    """Before opset 13, Softmax treats all axes from ``axis`` on as one."""
    def maker(reader: Reader, node: Node, read: list[Any]) -> Value:
        x = reader.value(node, read[0])
        axis = node.integer("axis", -1 if node.opset >= 13 else 1)
        node.demand(axis in (-1, len(x.shape) - 1), f"is over axis {axis} of {len(x.shape)}, not over the last")
        return reader.add(node.outputs[0], kind(), x)
    return maker


def dropped(reader: Reader, node: Node, read: list[Any]) -> Any:
    """Dropout and Identity; a mode that is given must be that of evaluation."""
    mode = given(read, 2)
    node.demand(mode is None or not reader.constant(node, mode, "mode").any(), "drops numbers, as in training")
    for name in ("ratio", "seed"):
        node.attributes.pop(name, None)
    return reader.apply(node, modules.Identity(), read[0]) if isinstance(read[0], Value) else read[0]


def cast(reader: Reader, node: Node, read: list[Any]) -> Any:
    kinds = reader.file.onnx.TensorProto
    node.integer("saturate", 1)
    to = node.integer("to", 0)
    if to in (kinds.INT64, kinds.INT32):
        return patterns.Incomplete("index", reader.lazy(node, read[0]))
    node.demand(to in (kinds.FLOAT, kinds.DOUBLE), "converts a tensor to another type than FLOAT or DOUBLE")
    return read[0]


def concat(reader: Reader, node: Node, read: list[Any]) -> Value:
    return patterns.join(reader, node, modules.Concat(node.integer("axis", 0)), read)


def shape(reader: Reader, node: Node, read: list[Any]) -> Array:
    return shape_of(node, reader.lazy(node, read[0]).shape)


def zip_map(reader: Reader, node: Node, read: list[Any]) -> Any:
    """Dicts of probabilities by class, instead of an array: the array."""
    node.attributes.clear()
    return read[0]


MODULES: dict[tuple[str, str], Maker] = {("", name): maker for name, maker in {
    "Abs": patterns.absolute, "Add": patterns.add, "AveragePool": pooling(modules.AvgPool2d), "BatchNormalization": batch_norm,
    "Cast": cast, "Clip": clip, "Concat": concat, "Conv": convolution, "Div": patterns.divide, "Dropout": dropped,
    "Elu": elementwise(lambda node: modules.ELU(node.real("alpha", 1.0))), "Erf": patterns.erf, "Flatten": flatten,
    "Gather": gather, "Gelu": elementwise(gelu), "Gemm": gemm, "GlobalAveragePool": global_average, "Greater": patterns.above,
    "Identity": dropped, "LayerNormalization": layer_norm,
    "LeakyRelu": elementwise(lambda node: modules.LeakyReLU(node.real("alpha", 0.01))),
    "LogSoftmax": over_last(modules.LogSoftmax), "MatMul": matmul, "MaxPool": pooling(modules.MaxPool2d),
    "Mul": patterns.multiply, "Pow": patterns.power, "ReduceMean": reduce_mean,
    "Relu": elementwise(lambda node: modules.ReLU()), "Reshape": reshape, "Resize": resize, "Shape": shape,
    "Sigmoid": elementwise(lambda node: modules.Sigmoid()), "Softmax": over_last(modules.Softmax),
    "Softplus": elementwise(lambda node: modules.Softplus()), "Softsign": elementwise(lambda node: modules.Softsign()),
    "Sqrt": patterns.root, "Squeeze": axes_changed(squeezed), "Sub": patterns.subtract, "Sum": patterns.add,
    "Swish": elementwise(swish), "Tanh": elementwise(lambda node: modules.Tanh()), "Transpose": transpose,
    "Unsqueeze": axes_changed(unsqueezed), "Upsample": resize, "Where": patterns.where,
}.items()} | {(ML, "Scaler"): scaler, (ML, "ZipMap"): zip_map}
