"""Which part of a network is looked at, and which of its activations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...arguments import Array, positive_int
from ...errors import ArgumentError
from ...modules import Module
from ...modules.core.values import Shape, several
from .truncation import scores, truncated

Unit = tuple[int, ...]


@dataclass(frozen=True)
class Targets:
    """One number of a layer's output for each image of a batch: the sum of what ``weights`` weighs.

    Attributes
    ----------
    names : tuple of str
    weights : array, (images, *size)
        The gradient of the numbers with respect to the output, each of its own image's.
    """

    names: tuple[str, ...]
    weights: Array

    def of(self, y: Array) -> Array:
        """The numbers, one for each image."""
        return (self.weights * y).sum(tuple(range(1, y.ndim)))


def part_of(function: str, net: Module, layer: str | None) -> Module:
    """The part of ``net`` that ends with the layer (None: with the scores of the classes), of one input and one output."""
    if not isinstance(net, Module):
        raise ArgumentError(f"{function}: net must be a Module, got {net!r}")
    part = scores(net) if layer is None else truncated(net, layer)
    if part.arity != 1:
        raise ArgumentError(f"{function}: one input must lead to the layer, got {len(part.wiring().inputs)}")
    return part


def output_size(function: str, part: Module, shape: Shape) -> tuple[int, ...]:
    """Of the output for one image of this shape."""
    size: Shape = part.output_shape((1, *shape))
    if several(size):
        raise ArgumentError(f"{function}: layer must have one output, got {len(size)}")
    return size[1:]


def chosen(size: tuple[int, ...], channel: int | Iterable[int] | None, unit: Unit | Iterable[Unit] | None,
           dtype: DTypeLike) -> Targets:
    """The mean of all activations, or of a channel's, or one activation; of several, one for each image."""
    if channel is not None and unit is not None:
        raise ArgumentError(f"channel and unit exclude each other, got channel={channel!r} and unit={unit!r}")
    if unit is not None:
        return single_units(size, as_units(unit, size), dtype)
    if channel is not None:
        return whole_channels(size, as_channels(channel, size), dtype)
    return Targets(("mean",), np.full((1, *size), 1 / np.prod(size), dtype))


def whole_channels(size: tuple[int, ...], channels: Sequence[int], dtype: DTypeLike) -> Targets:
    weights = np.zeros((len(channels), *size), dtype)
    weights[np.arange(len(channels)), channels] = 1 / np.prod(size[1:])
    return Targets(tuple(f"channel {k}" for k in channels), weights)


def single_units(size: tuple[int, ...], units: Sequence[Unit], dtype: DTypeLike) -> Targets:
    weights = np.zeros((len(units), *size), dtype)
    weights[np.arange(len(units)), *np.transpose(units)] = 1
    return Targets(tuple(f"unit {unit}" for unit in units), weights)


def as_channels(channel: Any, size: tuple[int, ...], name: str = "channel") -> list[int]:
    """One index of the layer's first axis, or several, as a list."""
    given = list(channel) if isinstance(channel, Iterable) and not isinstance(channel, str) else [channel]
    if not given:
        raise ArgumentError(f"{name} must hold at least one index, got {channel!r}")
    for k in given:
        if positive_int(name, k, 0) >= size[0]:
            raise ArgumentError(f"{name} must be under {size[0]}, the size of the layer's output, {size}, got {k}")
    return list(map(int, given))


def as_units(unit: Any, size: tuple[int, ...]) -> list[Unit]:
    """One index of the layer's output, or several, as a list of tuples."""
    several_given = isinstance(unit, Iterable) and all(isinstance(one, (tuple, list)) for one in unit)
    given = list(unit) if several_given else [unit]
    for one in given or [unit]:
        if not isinstance(one, (tuple, list)) or len(one) != len(size):
            raise ArgumentError(f"unit must be an index of {len(size)} integers into the layer's output, {size}, or several "
                                f"of them, got {unit!r}")
        for k, n in zip(one, size, strict=True):
            if positive_int("unit", k, 0) >= n:
                raise ArgumentError(f"unit must be within the layer's output, {size}, got {one!r}")
    return [tuple(map(int, one)) for one in given]
