"""The networks that experiments train, by names that a command line and a JSON file can hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError
from ...initializers import Initializer, starts
from ...modules import BatchNorm, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Reshape, Sequential
from ...training.named import ACTIVATIONS as ACTIVATIONS
from ...training.named import FITTED as FITTED
from ...training.named import INITIALIZATIONS as INITIALIZATIONS
from ...training.named import INITIALIZERS as INITIALIZERS
from ...training.named import OPTIMIZERS as OPTIMIZERS
from ...training.named import Initialization as Initialization
from ...training.named import dense_network
from ...training.named import initialization as initialization

LIBRARIES = "libraries"                                             # a name for all of them


def initializations(names: str | Sequence[str]) -> tuple[str, ...]:
    """The labels of several initializations; "libraries" stands for all libraries that are not named beside it.

    >>> initializations(["glorot", "N(0,1)"]), len(initializations("libraries"))
    (('Glorot', 'N(0, 1)'), 50)
    """
    given = [names] if isinstance(names, str) else list(names)
    all_of_them = [name for name in given if isinstance(name, str) and name.lower() == LIBRARIES]
    labels = [initialization(name).label for name in given if name not in all_of_them]
    if not given or len(set(labels)) < len(labels) or len(all_of_them) > 1:
        raise ArgumentError(f"init must name at least one initialization, and each once, got {names}")
    others = [start.name for start in starts() if start.name not in labels] if all_of_them else []
    return tuple(labels + others)


def abbreviated(labels: Sequence[str]) -> tuple[str, ...]:
    """The names, "libraries" among them where it can be, that stand for these labels in `initializations`.

    >>> abbreviated(initializations(["He", "libraries"])), abbreviated(["He"])
    (('He', 'libraries'), ('He',))
    """
    libraries = [start.name for start in starts()]
    for k in range(len(labels)):
        if list(labels[k:]) == [name for name in libraries if name not in labels[:k]]:
            return (*labels[:k], LIBRARIES)
    return tuple(labels)


def dense(features: int, classes: int, initializer: Initializer, *, depth: int = 5, width: int = 100, gain: float = 1.0,
          bias_std: float = 0.0, seed: int = 0, **options: Any) -> Sequential:
    """``features - depth × width - classes``; see ``dense_network`` for the options.

    The weights are ``gain`` times those of the initializer, the biases are drawn from N(0, bias_std²).
    """
    net = dense_network(features, classes, [width] * depth, initializer, seed=seed, **options)
    rng = np.random.default_rng([seed, depth])
    for layer in net:
        if isinstance(layer, Linear):
            layer.weight.data[...] *= gain
            if layer.bias is not None:
                layer.bias.data[...] = rng.normal(0, bias_std, layer.out_features)
    return net


def rectifiers(features: int, classes: int, initializer: Initializer, *, sizes: Sequence[int], seed: int,
               last: bool = False) -> Sequential:
    """Linear layers of these sizes with a ReLU after each, after the ``last`` one only if asked."""
    sizes = [features, *sizes, classes]
    generators = np.random.default_rng(seed).spawn(len(sizes) - 1)
    modules: list[Module] = []
    for (inputs, outputs), rng in zip(pairwise(sizes), generators, strict=True):
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=rng), ReLU()]
    return Sequential(*modules if last else modules[:-1])


def convolutions(features: int, classes: int, initializer: Initializer, *, stages: Sequence[Sequence[int]],
                 pools: int, hidden: Sequence[int] = (), seed: int) -> Sequential:
    """Stages of 3×3 convolutions and ReLU on square images, then ``hidden`` dense layers with ReLU, then Linear.

    ``stages`` holds the channels of each convolution, stage by stage; MaxPool2d(2) follows the first ``pools`` stages.
    """
    side, channels = math.isqrt(features), 1
    generators = iter(np.random.default_rng(seed).spawn(sum(map(len, stages)) + len(hidden) + 1))
    modules: list[Module] = [Reshape(1, side, side)]
    for k, stage in enumerate(stages):
        for filters in stage:
            modules += [Conv2d(channels, filters, 3, padding=1, weight_init=initializer, rng=next(generators)), ReLU()]
            channels = filters
        if k < pools:
            modules += [MaxPool2d(2)]
            side //= 2
    modules += [Flatten()]
    sizes = [channels * side**2, *hidden]
    for inputs, outputs in pairwise(sizes):
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=next(generators)), ReLU()]
    return Sequential(*modules, Linear(sizes[-1], classes, weight_init=initializer, rng=next(generators)))


class Maxout(Module):
    """The largest of each two neighbouring channels: (batch, 2 channels, ...) -> (batch, channels, ...)."""

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape[0], input_shape[1] // 2, *input_shape[2:]

    def forward(self, x: Array) -> Array:
        first, second = x[:, ::2], x[:, 1::2]
        self.point = first >= second
        return np.maximum(first, second)

    def backward(self, g: Array) -> Array:
        gx = np.empty((len(g), 2 * g.shape[1], *g.shape[2:]), g.dtype)
        gx[:, ::2], gx[:, 1::2] = g * self.point, g * ~self.point
        return gx


def maxouts(features: int, classes: int, initializer: Initializer, *, stages: Sequence[Sequence[int]],
            pools: Sequence[Sequence[int]], drop: float, seed: int) -> Sequential:
    """Stages of 3×3 convolutions with `Maxout`, a pool and dropout on square images, then Linear.

    ``stages`` holds the channels that leave each convolution's maxout; ``pools`` the size and the stride of each stage's pool.
    """
    side, channels = math.isqrt(features), 1
    *rngs, last = np.random.default_rng(seed).spawn(sum(map(len, stages)) + len(stages) + 1)
    generators = iter(rngs)
    modules: list[Module] = [Reshape(1, side, side)]
    for stage, (size, stride) in zip(stages, pools, strict=True):
        for filters in stage:
            modules += [Conv2d(channels, 2 * filters, 3, padding=1, weight_init=initializer, rng=next(generators)), Maxout()]
            channels = filters
        modules += [MaxPool2d(size, stride), Dropout(drop, rng=next(generators))]
        side = (side - size) // stride + 1
    return Sequential(*modules, Flatten(), Linear(channels * side**2, classes, weight_init=initializer, rng=last))


def dropping(keep: float, rng: np.random.Generator) -> Module:
    return Dropout(1 - keep, rng=rng)


def noisy(features: int, classes: int, initializer: Initializer, *, sizes: Sequence[int], keep: float, keep_input: float,
          activation: str = "relu", noise: Callable[[float, np.random.Generator], Module] = dropping, seed: int) -> Sequential:
    """Linear layers of these sizes with dropout, or another ``noise(keep, rng)``, before each.

    ``keep`` is the probability of keeping a unit, the p of the paper on dropout; ``keep_input`` that of keeping an input.
    """
    sizes = [features, *sizes, classes]
    generators = np.random.default_rng(seed).spawn(2 * len(sizes))
    modules: list[Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        modules += [ACTIVATIONS[activation]()] if k else []
        kept, masks = keep if k else keep_input, generators[2 * k + 1]
        modules += [noise(kept, masks)] if kept < 1 else []
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=generators[2 * k])]
    return Sequential(*modules)


class Redrawn(Module):
    """In training, scale and shift each feature by numbers that are drawn anew at each step, the same for all examples.

    The shift is drawn from N(0, ``shift``²), the scale from N(1, ``scale``²).
    """

    symmetric = True

    def __init__(self, features: int, shift: float, scale: float, rng: Any = None) -> None:
        self.features, self.shift, self.scale, self.rng = features, shift, scale, np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        if not self.training:
            self.point = np.ones(self.features, x.dtype)
            return x * self.point
        shift, scale = self.rng.standard_normal((2, self.features)).astype(x.dtype)
        self.point = 1 + x.dtype.type(self.scale) * scale
        return x * self.point + x.dtype.type(self.shift) * shift

    def backward(self, g: Array) -> Array:
        return g * self.point


def shaken(features: int, classes: int, initializer: Initializer, *, shift: float, scale: float, seed: int,
           **options: Any) -> Sequential:
    """The ``dense`` network with BatchNorm, and noise that is redrawn at each step after each BatchNorm; the same weights."""
    modules: list[Module] = []
    for module in dense(features, classes, initializer, seed=seed, batch_norm=True, **options):
        noise = [Redrawn(module.features, shift, scale, [seed, len(modules)])] if isinstance(module, BatchNorm) else []
        modules += [module, *noise]
    return Sequential(*modules)


NETWORKS: Mapping[str, Callable[..., Sequential]] = {
    "dense": dense, "rectifiers": rectifiers, "convolutions": convolutions, "maxouts": maxouts, "noisy": noisy,
    "shaken": shaken}
