"""Operators on constants, which are computed when a file is read: shapes, above all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import FileFormatError
from .file import Node, shown

Fold = Callable[..., Array]                                         # of a node and its constant inputs


def constant(node: Node) -> Array:
    for name in ("value_float", "value_int"):
        if name in node.attributes:
            return np.array(node.real(name, 0) if name == "value_float" else node.integer(name, 0),
                            np.float32 if name == "value_float" else np.int64)
    if (found := node.reals("value_floats")) is not None:
        return found
    if (integers := node.integers("value_ints")) is not None:
        return np.array(integers, np.int64)
    return tensor(node, None)


def tensor(node: Node, default: Array | None) -> Array:
    value = node.attribute("value", object, None)
    if value is None and default is not None:
        return default
    node.demand(isinstance(value, node.file.onnx.TensorProto), "has no value that is read")
    return node.file.numbers(value, f"the value of node {node.name!r}")


def filled(node: Node, shape: Array) -> Array:
    value = tensor(node, np.zeros(1, np.float32))
    node.demand(value.size == 1 and shape.ndim == 1 and bool((shape >= 0).all()), "has no valid shape")
    node.file.spend(math.prod(shape.tolist()) * value.itemsize)
    return np.full(shape.tolist(), value.reshape(()))


def shape_of(node: Node, sizes: tuple[int, ...]) -> Array:
    """Return what the operator Shape does for an array of these sizes."""
    end = node.attribute("end", int, None)
    return np.array(sizes[slice(node.integer("start", 0), end)], np.int64)


def axes_of(node: Node, given: Sequence[Array]) -> list[int] | None:
    """Return the axes that a node names, an attribute in old opsets and an input in new ones; None if there are none."""
    axes = given[0].reshape(-1).tolist() if given else node.integers("axes")
    node.demand(all(type(axis) is int for axis in axes or ()), f"has axes {axes}, which must be integers")
    return axes


def counted(node: Node, axes: Sequence[int], rank: int) -> list[int]:
    """Return distinct axes of an array of that rank, counted from the first."""
    found = sorted(axis % rank for axis in axes if -rank <= axis < rank)
    node.demand(len(found) == len(axes) == len(set(found)), f"has axes {axes} for {rank} axes")
    return found


def squeezed(node: Node, shape: tuple[int, ...], *given: Array) -> tuple[int, ...]:
    """Return the shape without some of its axes of size 1."""
    axes = axes_of(node, given)
    axes = [k for k, size in enumerate(shape) if size == 1] if axes is None else counted(node, axes, len(shape))
    node.demand(all(shape[axis] == 1 for axis in axes), f"leaves out axes {axes} of the shape {shown(shape)}")
    return tuple(size for k, size in enumerate(shape) if k not in axes)


def unsqueezed(node: Node, shape: tuple[int, ...], *given: Array) -> tuple[int, ...]:
    """Return the shape with more axes of size 1."""
    axes = axes_of(node, given) or []
    rank, sizes = len(shape) + len(axes), iter(shape)
    axes = counted(node, axes, rank)
    return tuple(1 if k in axes else next(sizes) for k in range(rank))


def reshaped(node: Node, shape: tuple[int, ...], target: Array) -> tuple[int, ...]:
    """Return the shape that Reshape gives an array of this shape."""
    node.demand(target.ndim == 1 and target.dtype.kind == "i" and target.size <= 8, "has no valid shape")
    sizes, zero = target.tolist(), node.integer("allowzero", 0)
    node.demand(not zero or 0 not in sizes, "asks for an axis of size 0")
    node.demand(all(size or k < len(shape) for k, size in enumerate(sizes)), f"copies more sizes than {shown(shape)} has")
    sizes = [size or shape[k] for k, size in enumerate(sizes)]
    known = math.prod(size for size in sizes if size != -1)
    node.demand(sizes.count(-1) <= 1 and min(sizes, default=1) >= -1 and known > 0, f"asks for the shape {target.tolist()}")
    result = tuple(math.prod(shape) // known if size == -1 else size for size in sizes)
    node.demand(math.prod(result) == math.prod(shape), f"gives {shown(shape)} the shape {shown(target.tolist())}")
    return result


def reshape(node: Node, data: Array, target: Array) -> Array:
    return data.reshape(reshaped(node, data.shape, target))


def transpose(node: Node, data: Array) -> Array:
    return data.transpose(permutation(node, data.ndim))


def permutation(node: Node, rank: int) -> list[int]:
    """Return the order of the axes that Transpose asks for."""
    order = node.integers("perm", range(rank)[::-1]) or []
    node.demand(sorted(order) == list(range(rank)), f"has the permutation {order} for {rank} axes")
    return order


def cast(node: Node, data: Array) -> Array:
    kinds = node.file.onnx.TensorProto
    types = {kinds.FLOAT: "f4", kinds.DOUBLE: "f8", kinds.INT64: "i8", kinds.INT32: "i4", kinds.BOOL: "?"}
    to = node.integer("to", 0)
    node.attribute("saturate", int, 1)
    node.demand(to in types, "converts a constant to another type than FLOAT, DOUBLE, INT64, INT32 or BOOL")
    return data.astype(types[to])


def gather(node: Node, data: Array, indices: Array) -> Array:
    axis = node.integer("axis", 0)
    node.demand(indices.dtype.kind == "i" and -data.ndim <= axis < data.ndim, "gathers along no axis")
    node.file.spend(data.size * indices.size * data.itemsize)
    return data.take(indices, axis)


def cut(node: Node, data: Array, *given: Array) -> Array:
    """The operator Slice of a vector, such as a shape."""
    lists: list[Any] = [each.reshape(-1).tolist() for each in given]
    starts, ends, axes, steps = [*(lists or map(node.integers, ("starts", "ends", "axes"))), None, None][:4]
    axes, steps = axes or [0], steps or [1]
    valid = data.ndim == 1 and axes in ([0], [-1]) and all(each and len(each) == 1 for each in (starts, ends, steps))
    node.demand(bool(valid) and all(type(each[0]) is int for each in (starts, ends, steps)) and steps != [0],
                "cuts something else than a vector")
    return data[starts[0]:ends[0]:steps[0]]


def joined(node: Node, *arrays: Array) -> Array:
    node.file.spend(sum(array.nbytes for array in arrays))
    return np.concatenate(arrays, node.integer("axis", 0))


def arithmetic(function: Callable[..., Any]) -> Fold:
    def fold(node: Node, a: Array, b: Array) -> Array:
        node.file.spend(math.prod(np.broadcast_shapes(a.shape, b.shape)) * a.itemsize)
        return function(a, b)
    return fold


def quotient(a: Array, b: Array) -> Any:
    return np.divide(a, b) if a.dtype.kind == "f" else np.floor_divide(a, b)


FOLDS: dict[str, Fold] = {
    "Add": arithmetic(np.add), "Cast": cast, "Concat": joined, "Constant": constant, "ConstantOfShape": filled,
    "Div": arithmetic(quotient), "Gather": gather, "Identity": lambda node, data: data, "Mul": arithmetic(np.multiply),
    "Reshape": reshape, "Slice": cut, "Sub": arithmetic(np.subtract), "Transpose": transpose,
    "Shape": lambda node, data: shape_of(node, data.shape),
    "Squeeze": lambda node, data, *axes: data.reshape(squeezed(node, data.shape, *axes)),
    "Unsqueeze": lambda node, data, *axes: data.reshape(unsqueezed(node, data.shape, *axes)),
}


SELECTIONS = ("Cast", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")


def open_sizes(node: Node, constants: bool) -> set[int]:
    """Return which inputs of a node may hold sizes that may be any (``ANY``): those of which shapes are made, or that are one.

    The size stands for another number in each batch. Arithmetic would take it for what it is here, so that only products of
    integers are allowed: 2 N stays recognizable.
    """
    if not constants:
        return {1} if node.operator == "Reshape" else {3} if node.operator == "Resize" else set()
    if node.operator in ("Concat", "Mul"):
        return set(range(len(node.inputs)))
    return {0} if node.operator in SELECTIONS else set()


def keeps_sizes(node: Node, read: Sequence[Array], result: Array) -> bool:
    """Whether the result holds sizes as they were: as integers that are large enough."""
    exact = np.multiply(*read, dtype=float) if node.operator == "Mul" else read[0] if node.operator == "Cast" else result
    return result.dtype.kind == "i" and np.allclose(result, exact, 1e-9, 0)


def folded(node: Node, arrays: list[Array]) -> Array:
    """Return the result of an operator on constants."""
    node.demand(node.operator in FOLDS, "is not computed on constants")
    node.file.spend(0 if node.operator == "Constant" else max((array.nbytes for array in arrays), default=0))
    try:
        with np.errstate(all="ignore"):
            return np.asarray(FOLDS[node.operator](node, *arrays))
    except FileFormatError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise node.refused(f"cannot be computed ({error})") from None
