"""Runs of He et al. 2015 and Mishkin & Matas 2016: signals through deep networks, and the training of convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....initializers import HeNormal, Initializer
from ....modules import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Reshape, Sequential
from ....optim import SGD
from ....training import accuracy
from ...lab.data import source
from ...lab.loop import train
from ...lab.networks import FITTED, fit_start, start

EXAMPLES = 300
STAGES = (8, 16, 32)                                                # channels at 28×28, 14×14 and 7×7 pixels


def rectifiers(sizes: Sequence[int], initializer: Initializer, seed: int, classifier: bool = False) -> Sequential:
    """Linear and ReLU for each pair of neighbours in ``sizes``; a classifier ends with the Linear."""
    modules: list[Module] = []
    for (a, b), rng in zip(pairwise(sizes), np.random.default_rng(seed).spawn(len(sizes) - 1), strict=True):
        modules += [Linear(a, b, weight_init=initializer, rng=rng), ReLU()]
    return Sequential(*modules[:-1] if classifier else modules)


def rms(a: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


def start_of(init: str) -> Initializer:
    """A start by its name; ``He in`` and ``He out`` name the fan."""
    return HeNormal(init[3:]) if init in ("He in", "He out") else start(init)[1]


def signals(*, init: str, sizes: Sequence[int], seed: int) -> dict[str, Any]:
    """rms of the output of each ReLU layer, and of the cost's gradient by it, for Gaussian inputs and a Gaussian gradient."""
    net = rectifiers(sizes, start_of(init), seed)
    rng = np.random.default_rng([seed, 1])
    net.forward(rng.standard_normal((EXAMPLES, sizes[0]), dtype=np.float32))
    net.backward(rng.standard_normal((EXAMPLES, sizes[-1]), dtype=np.float32))
    layers = [module for _, module in net.leaves() if isinstance(module, ReLU)]
    return {"signal": [rms(layer.point) for layer in layers], "gradient": [rms(layer.gradient) for layer in layers]}


def uneven(*, init: str, sizes: Sequence[int], lr: float, batch_size: int, steps: int, at: Sequence[int], seed: int
           ) -> dict[str, Any]:
    """Test error on the digits of a ReLU network whose layers have these sizes: fan-in and fan-out differ."""
    found = source("digits")
    net = rectifiers([found.features, *sizes, found.classes], start_of(init), seed, classifier=True)
    x, y = found.part()
    trained = train(net, SGD(net.parameters(), lr=lr), found.stream(batch_size, seed), steps, at=at,
                    read=lambda step: {"error": 1 - accuracy(net.predict(x), y)})
    return {"readings": trained.readings, "diverged": trained.diverged}


def convolutions(depth: int, side: int, classes: int, initializer: Initializer, seed: int) -> Sequential:
    """``depth - 3`` convolutions of 3×3 in three stages, with a maximum over 2×2 between them, and three fully connected."""
    rngs = iter(np.random.default_rng(seed).spawn(depth))
    modules: list[Module] = [Reshape(1, side, side)]
    channels, left = 1, depth - 3
    for k, width in enumerate(STAGES):
        modules += [MaxPool2d(2)] if k else []
        count = -(-left // (len(STAGES) - k))
        left -= count
        for _ in range(count):
            modules += [Conv2d(channels, width, 3, padding=1, weight_init=initializer, rng=next(rngs)), ReLU()]
            channels = width
    modules += [Flatten()]
    features = channels * (side // 4) ** 2
    for size in (64, 64):
        modules += [Linear(features, size, weight_init=initializer, rng=next(rngs)), ReLU()]
        features = size
    return Sequential(*modules, Linear(features, classes, weight_init=initializer, rng=next(rngs)))


def images(*, data: str, init: str, depth: int, lr: float, momentum: float, batch_size: int, steps: int, at: Sequence[int],
             seed: int, digest: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """Test error of a convolutional network of ``depth`` layers of weights on square images in MNIST's format."""
    found, (label, initializer) = source(data), start(init)
    net = convolutions(depth, math.isqrt(found.features), found.classes, initializer, seed)
    fit_start(label, net, found.some(FITTED))
    x, y = found.part()
    sgd = SGD(net.parameters(), lr=lr, momentum=momentum)
    trained = train(net, sgd, found.stream(batch_size, seed), steps, at=at, kept=kept,
                    read=lambda step: {"error": 1 - accuracy(net.predict(x, 1000), y)})
    return {"readings": trained.readings, "diverged": trained.diverged}
