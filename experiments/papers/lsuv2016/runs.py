"""The runs of Mishkin & Matas 2016: networks that are started layer by layer, on data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....initializers import Normal
from ....inspection import layer_statistics
from ....modules import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Reshape, Sequential
from ....optim import SGD
from ....training import lsuv
from ...lab.data import source
from ...lab.dense import error_of
from ...lab.loop import train
from ...lab.networks import ACTIVATIONS, FITTED, fit_start, start

OTHERS = 512                                                        # images that the layers did not see


def fitted(*, activation: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Rescalings of each layer; the variance of its output on images that were not looked at, before and after; and the
    share of it that is between images, not between units."""
    found = source("digits")
    rngs = np.random.default_rng(seed).spawn(depth + 2)
    sizes = [found.features, *[width] * depth]
    modules: list[Module] = []
    for k in range(depth):
        modules += [Linear(sizes[k], sizes[k + 1], rng=rngs[k]), ACTIVATIONS[activation]()]
    return measured(Sequential(*modules, Linear(sizes[depth], found.classes, rng=rngs[depth])), rngs[-1])


def convolutional(*, seed: int) -> dict[str, Any]:
    """As ``fitted``, of three convolutions and a dense layer, with biases that are not zero."""
    rngs = iter(np.random.default_rng(seed).spawn(5))

    def convolution(inputs: int, outputs: int) -> Conv2d:
        return Conv2d(inputs, outputs, 3, padding=1, bias_init=Normal(0.1), rng=next(rngs))

    net = Sequential(
        Reshape(1, 8, 8), convolution(1, 16), ReLU(), convolution(16, 32), ReLU(), MaxPool2d(2), convolution(32, 32), ReLU(),
        Flatten(), Linear(512, 10, bias_init=Normal(0.1), rng=next(rngs)))
    return measured(net, next(rngs))


def measured(net: Sequential, rng: np.random.Generator) -> dict[str, Any]:
    found = source("digits")
    x = found.some(FITTED + OTHERS)
    biases = [p.data.copy() for p in net.parameters() if p.data.ndim == 1]
    before = outputs(net, x[FITTED:])
    layers = lsuv(net, x[:FITTED], rng=rng)
    kept = all(np.array_equal(a, p.data) for a, p in
               zip(biases, (p for p in net.parameters() if p.data.ndim == 1), strict=True))
    after = outputs(net, x[FITTED:])
    return {"tries": [layer.tries for layer in layers], "biases": kept, "before": [float(y.var()) for y in before],
            "after": [float(y.var()) for y in after], "between": [float(y.var(0).mean() / y.var()) for y in after]}


def outputs(net: Module, x: Any) -> list[Array]:
    """Of the layers that have weights, in float64, so that sums are exact enough."""
    return [np.asarray(layer.activation, float) for layer in layer_statistics(net, x) if layer.kind in ("Linear", "Conv2d")]


def images(*, data: str, init: str, lr: float, batch_size: int, steps: int, at: list[int], seed: int,
             digest: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """A thin deep convolutional network of the sizes of FitNet for MNIST, with ReLU for maxout, on a folder's images."""
    found = source(data)
    (label, initializer), side = start(init), math.isqrt(found.features)
    rngs = iter(np.random.default_rng(seed).spawn(10))
    modules: list[Module] = [Reshape(1, side, side)]
    channels = 1
    for maps, convolutions in ((16, 3), (16, 3), (12, 3)):
        for _ in range(convolutions):
            modules += [Conv2d(channels, maps, 3, padding=1, weight_init=initializer, rng=next(rngs)), ReLU()]
            channels = maps
        modules += [MaxPool2d(2)]
        side //= 2
    head = Linear(channels * side * side, found.classes, weight_init=initializer, rng=next(rngs))
    net = Sequential(*modules, Flatten(), head)
    fit_start(label, net, found.some(FITTED))
    sgd = SGD(net.parameters(), lr=lr, momentum=0.9)
    trained = train(net, sgd, found.stream(batch_size, seed), steps, at=at, kept=kept,
                    read=lambda step: error_of(net, found))
    return {"readings": trained.readings, "diverged": trained.diverged}
