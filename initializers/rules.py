"""Rules of initialization over a whole network, and the distributions that they are composed of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError
from .architecture import Layer
from .base import Initializer
from .plain import Constant, Normal, Uniform

WITHIN = 2.0                                                        # standard deviations that truncated normals are cut at
KEPT = 0.8796256610342398                                           # standard deviation of N(0, 1) after the cut
Streams: TypeAlias = "tuple[np.random.Generator, np.random.Generator]"      # text: numpy.random loads slowly
Drawn = tuple[Array, Array]                                         # a layer's weight and bias


@dataclass(frozen=True)
class Truncated(Initializer):
    """Normal numbers of mean 0; those beyond two standard deviations are drawn again. ``std`` is that before the cut."""

    std: float

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of a number, after the cut."""
        return (KEPT * self.std) ** 2

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        z = rng.standard_normal(shape)
        while (outside := np.abs(z) > WITHIN).any():
            z[outside] = rng.standard_normal(np.count_nonzero(outside))
        return self.std * z


@dataclass(frozen=True)
class ShortBoxMuller(Initializer):
    """The normal numbers of js-pytorch: Box and Muller's, from uniform numbers in [0.001, 0.981) instead of (0, 1).

    Their mean is -0.026 std, none is beyond 3.72 std, and none lies near 0 from below.
    """

    std: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        radius, angle = rng.uniform(0.001, 0.981, (2, *shape))
        return self.std * np.sqrt(-2 * np.log(radius)) * np.cos(2 * math.pi * angle)


class Scale(NamedTuple):
    """A number that depends on the layer, and its formula: i is fan_in, o fan_out, N the number of all parameters."""

    text: str
    of: Callable[[Layer], float]


class Distribution(NamedTuple):
    """What a layer's weight or bias is drawn from, and its formula."""

    text: str
    of: Callable[[Layer], Initializer]


def fixed(value: float) -> Scale:
    return Scale(f"{value:g}", lambda layer: value)


def uniform(bound: Scale) -> Distribution:
    return Distribution(f"U(±{bound.text})", lambda layer: Uniform(-bound.of(layer), bound.of(layer)))


def positive(bound: Scale) -> Distribution:
    return Distribution(f"U(0, {bound.text})", lambda layer: Uniform(0, bound.of(layer)))


def normal(variance: Scale) -> Distribution:
    return Distribution(f"N(0, {variance.text})", lambda layer: Normal(math.sqrt(variance.of(layer))))


def truncated(variance: Scale, *, corrected: bool) -> Distribution:
    """Normal, cut at two standard deviations; ``corrected`` widens it before, so that the cut leaves this variance."""
    factor = KEPT if corrected else 1.0
    return Distribution(f"N(0, {variance.text}) cut at ±2σ{', corrected' * corrected}",
                        lambda layer: Truncated(math.sqrt(variance.of(layer)) / factor))


def constant(value: float) -> Distribution:
    return Distribution(f"{value:g}", lambda layer: Constant(value))


def in_last(hidden: Distribution, last: Distribution, text: str = "", *, classifiers: bool = False) -> Distribution:
    """``hidden``, but ``last`` in the last layer; with ``classifiers``, only in that of a classifier."""
    def of(layer: Layer) -> Initializer:
        return (last if layer.is_last and (layer.classifier or not classifiers) else hidden).of(layer)

    return Distribution(f"{hidden.text}; {'a classifier’s ' if classifiers else ''}last layer {text or last.text}", of)


class Rule:
    """How all layers of a network begin. The texts are the formulas, for a table; convolutions may have none."""

    weight: str
    bias: str
    convolution: tuple[str, str] | None = None
    reads_inputs = False                                            # whether it depends on the range of the network's inputs

    def draw(self, layers: Sequence[Layer], streams: Sequence[Streams]) -> list[Drawn]:
        """Return weight and bias of each layer, in float64; each layer's are drawn from its own two generators."""
        return [self.layer(layer, *mine) for layer, mine in zip(layers, streams, strict=True)]

    def layer(self, layer: Layer, rng: np.random.Generator, bias_rng: np.random.Generator) -> Drawn:
        """Return weight and bias of a layer."""
        raise NotImplementedError

    def only_dense(self, layer: Layer) -> None:
        """Raise ArgumentError for a convolution, which this rule does not know."""
        if layer.kernel:
            raise ArgumentError(f"start: {layer.named()} must be a dense layer: the library has no rule for a convolution")


class Separate(Rule):
    """A distribution of weights, another of biases; for convolutions these or others, ``kernel``, or none."""

    def __init__(self, weight: Distribution, bias: Distribution,
                 kernel: tuple[Distribution, Distribution] | None = None) -> None:
        self.dense, self.kernel = (weight, bias), kernel
        self.weight, self.bias = weight.text, bias.text
        self.convolution = None if kernel is None else (kernel[0].text, kernel[1].text)

    def layer(self, layer: Layer, rng: np.random.Generator, bias_rng: np.random.Generator) -> Drawn:
        if self.kernel is None:
            self.only_dense(layer)
        weight, bias = self.kernel if layer.kernel and self.kernel is not None else self.dense
        return (weight.of(layer)(layer.shape, rng, "float64"), bias.of(layer)(layer.shape[:1], bias_rng, "float64"))
