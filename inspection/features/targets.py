"""The part of a network that is visualized, and the activations in it that are maximized."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...arguments import Array, in_a_line, positive_int
from ...errors import ArgumentError
from ...modules import Module
from ...modules.core.values import Shape, several
from .truncation import scores, truncated

Unit = tuple[int, ...]


@dataclass(frozen=True)
class Targets:
    """One objective per image of a batch: a weighted sum over the output of a layer.

    Attributes
    ----------
    names : tuple of str
    weights : array, (images, *size)
        The gradient of each objective with respect to the output for its own image.
    """

    names: tuple[str, ...]
    weights: Array

    def of(self, y: Array) -> Array:
        """Return the objectives for an output y, one per image."""
        return (self.weights * y).sum(tuple(range(1, y.ndim)))


def part_of(function: str, net: Module, layer: str | None) -> Module:
    """Return the part of ``net`` that ends with the layer (None: with the class scores); it must have one input."""
    if not isinstance(net, Module):
        raise ArgumentError(f"{function}: net must be a Module, got {in_a_line(net)}")
    part = scores(net) if layer is None else truncated(net, layer)
    if part.arity != 1:
        raise ArgumentError(f"{function}: layer must depend on one input, got {len(part.wiring().inputs)}")
    return part


def output_size(function: str, part: Module, shape: Shape) -> tuple[int, ...]:
    """Return the shape of the output for one image of this shape; it must be one array."""
    size: Shape = part.output_shape((1, *shape))
    if several(size):
        raise ArgumentError(f"{function}: layer must have one output, got {len(size)}")
    return size[1:]


def chosen(size: tuple[int, ...], channel: int | Iterable[int] | None, unit: Unit | Iterable[Unit] | None,
           dtype: DTypeLike) -> Targets:
    """Return targets: the mean of all activations, means of channels, or single units, one per image."""
    if channel is not None and unit is not None:
        raise ArgumentError(f"channel and unit must not both be given, got channel={channel!r} and unit={unit!r}")
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
    """Return one or several indices on the first axis of the layer's output, as a list."""
    given = list(channel) if isinstance(channel, Iterable) and not isinstance(channel, str) else [channel]
    if not given:
        raise ArgumentError(f"{name} must hold at least one index, got {channel!r}")
    for k in given:
        if positive_int(name, k, 0) >= size[0]:
            raise ArgumentError(f"{name} must be less than {size[0]}, since the output has shape {size}, got {k}")
    return list(map(int, given))


def as_units(unit: Any, size: tuple[int, ...]) -> list[Unit]:
    """Return one or several indices into the layer's output, as a list of tuples."""
    several_given = isinstance(unit, Iterable) and all(isinstance(one, (tuple, list)) for one in unit)
    given = list(unit) if several_given else [unit]
    for one in given or [unit]:
        if not isinstance(one, (tuple, list)) or len(one) != len(size):
            raise ArgumentError(f"unit must be an index of {len(size)} integers into an output of shape {size}, or several "
                                f"of them, got {unit!r}")
        for k, n in zip(one, size, strict=True):
            if positive_int("unit", k, 0) >= n:
                raise ArgumentError(f"unit must be an index into an output of shape {size}, got {one!r}")
    return [tuple(map(int, one)) for one in given]
