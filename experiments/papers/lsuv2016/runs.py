"""The runs of Mishkin & Matas 2016 that train nothing: networks that LSUV scales layer by layer, on data."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ....arguments import Array
from ....initializers import Normal
from ....inspection.diagnosis.layers import layer_statistics
from ....modules import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Reshape, Sequential
from ....training import lsuv
from ...lab.data import source
from ...lab.networks import ACTIVATIONS, FITTED

TOLERANCE, TRIES = 0.02, 20                                         # the authors'
OTHERS = 512                                                        # images that the layers did not see


def fitted(*, activation: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """`measured` of a dense network."""
    *rngs, last = np.random.default_rng(seed).spawn(depth + 2)
    modules: list[Module] = []
    for (inputs, outputs), rng in zip(pairwise([64, *[width] * depth, 10]), rngs, strict=True):
        modules += [Linear(inputs, outputs, rng=rng), ACTIVATIONS[activation]()]
    return measured(Sequential(*modules[:-1]), last, seed)


def convolutional(*, seed: int) -> dict[str, Any]:
    """`measured` of three convolutions and a dense layer, with biases that are not zero."""
    *rngs, dense, last = np.random.default_rng(seed).spawn(5)
    first, second, third = (Conv2d(inputs, outputs, 3, padding=1, bias_init=Normal(0.1), rng=rng)
                            for (inputs, outputs), rng in zip(pairwise((1, 16, 32, 32)), rngs, strict=True))
    net = Sequential(Reshape(1, 8, 8), first, ReLU(), second, ReLU(), MaxPool2d(2), third, ReLU(), Flatten(),
                     Linear(512, 10, bias_init=Normal(0.1), rng=dense))
    return measured(net, last, seed)


def measured(net: Sequential, rng: np.random.Generator, seed: int) -> dict[str, Any]:
    """Scale the layers by LSUV; return ``tries``, the rescalings of each, and whether the ``biases`` are as before.

    The other numbers are of each layer's output on images that LSUV did not see: the variance ``before`` and ``after``, and
    ``between``, the share of the latter that is between images, not between units.
    """
    x = source("digits", seed).some(FITTED + OTHERS)
    biases = [parameter for parameter in net.parameters() if parameter.data.ndim == 1]
    drawn, before = [bias.data.copy() for bias in biases], outputs(net, x[FITTED:])
    layers = lsuv(net, x[:FITTED], tol=TOLERANCE, max_tries=TRIES, rng=rng)
    after = outputs(net, x[FITTED:])
    return {"tries": [layer.tries for layer in layers],
            "biases": all(np.array_equal(a, bias.data) for a, bias in zip(drawn, biases, strict=True)),
            "before": [float(y.var()) for y in before], "after": [float(y.var()) for y in after],
            "between": [float(y.var(0).mean() / y.var()) for y in after]}


def outputs(net: Module, x: Any) -> list[Array]:
    """The outputs of the layers that have weights, in float64, so that sums are exact enough."""
    return [np.asarray(layer.activation, float) for layer in layer_statistics(net, x) if layer.kind in ("Linear", "Conv2d")]
