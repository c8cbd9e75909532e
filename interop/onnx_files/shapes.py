"""Operators that change the shape and keep the numbers: the modules are made where the new shape is needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .constants import permutation, reshaped
from .file import Node, shown
from .reader import Maker, Reader, Value, given


def flatten(reader: Reader, node: Node, read: list[Any]) -> Value:
    x = reader.lazy(node, read[0])
    axis = node.integer("axis", 1)
    node.demand(axis in (1, 1 - len(x.shape)), f"flattens from axis {axis} on, not from 1")
    return x._replace(shape=(x.shape[0], math.prod(x.shape[1:])))


def reshape(reader: Reader, node: Node, read: list[Any]) -> Value:
    x = reader.lazy(node, read[0])
    shape = reader.constant(node, given(read, 1), "shape")
    return with_batch(node, x, reshaped(node, x.shape, shape))


def with_batch(node: Node, x: Value, shape: tuple[int, ...]) -> Value:
    """Return x in another shape, which must begin with the same batch."""
    node.demand(shape[:1] == x.shape[:1],
                f"gives {shown(x.shape)} the shape {shown(shape)}; the first axis must stay that of the batch")
    return x._replace(shape=shape)


def axes_changed(function: Callable[..., tuple[int, ...]]) -> Maker:
    def maker(reader: Reader, node: Node, read: list[Any]) -> Value:
        x = reader.lazy(node, read[0])
        axes = () if given(read, 1) is None else (reader.constant(node, read[1], "axes"),)
        return with_batch(node, x, function(node, x.shape, *axes))
    return maker


def transpose(reader: Reader, node: Node, read: list[Any]) -> Value:
    """Axes of size 1 may change places with others: the numbers stay in order."""
    x = reader.lazy(node, read[0])
    order = permutation(node, len(x.shape))
    moved = [axis for axis in order if x.shape[axis] != 1]
    node.demand(moved == sorted(moved) and order[0] == 0, f"transposes a tensor, with the permutation {order}")
    return x._replace(shape=tuple(x.shape[axis] for axis in order))
