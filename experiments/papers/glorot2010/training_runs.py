"""The runs of Glorot & Bengio 2010 in which networks are trained: each layer is looked at on the way, and rates are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....inspection.diagnosis.layers import hidden_activations, layer_statistics, preactivations
from ....losses import CrossEntropy
from ....modules import Sequential
from ....optim import SGD
from ....training import accuracy
from ...lab.data import SHARE, source
from ...lab.dense import error_of
from ...lab.loop import Drawn, train
from ...lab.networks import network, start

MONITORED = 300                                                     # test examples on which layers are looked at (section 3)
BINS = 80                                                           # of a histogram of activations, over [-1, 1]


def watched(*, data: str, activation: str, init: str, depth: int, width: int, lr: float, batch_size: int, steps: int,
            at: Sequence[int], seed: int, digest: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """As ``dense.errors``, with what each hidden layer looks like at each step in ``at``, and its activations at the end."""
    found = source(data)
    net = network(found.features, found.classes, start(init)[1], activation=activation, depth=depth, width=width, seed=seed)
    sgd = SGD(net.parameters(), lr=lr)
    x, y = (part[:MONITORED] for part in found.part())
    trained = train(net, sgd, found.stream(batch_size, seed), steps, at=at, kept=kept,
                    read=lambda step: error_of(net, found) | layers(net, x, y))
    histograms = [histogram(record.activation) for record in hidden_activations(layer_statistics(net, x))]
    return {"readings": trained.readings, "diverged": trained.diverged, "histograms": histograms}


def layers(net: Sequential, x: Array, y: Array) -> dict[str, list[float]]:
    """Of each hidden layer: mean and std of z, 98th percentile of |z|, share that is saturated; stds of dC/ds and dC/dW."""
    records = layer_statistics(net, x, CrossEntropy(), y)
    hidden, linear = hidden_activations(records), preactivations(records)
    activations = [np.asarray(record.activation) for record in hidden]
    gradients = [np.asarray(record.gradient) for record in linear]
    weights = [np.std(g.T @ z, dtype=float) for g, z in zip(gradients, [x, *activations], strict=False)]
    return {"mean": [record.mean for record in hidden], "std": [record.std for record in hidden],
            "high": [float(np.quantile(np.abs(z), 0.98)) for z in activations],
            "saturated": [float(record.saturated or 0.0) for record in hidden],
            "gradient": [float(np.std(g, dtype=float)) for g in gradients],
            "weight_gradient": [float(value) for value in weights]}


def histogram(z: Array | None) -> list[int]:
    """How many activations are in each of ``BINS`` equal bins of [-1, 1]."""
    return [int(count) for count in np.histogram(np.asarray(z), np.linspace(-1, 1, BINS + 1))[0]]


def held_out(*, activation: str, init: str, depth: int, width: int, lr: float, batch_size: int, steps: int,
             seed: int) -> dict[str, Any]:
    """Digits with the last sixth of the training part held out: errors on that, and on the test part, at the end.

    A learning rate is chosen on the one and judged on the other. A run whose cost overflows is wrong everywhere.
    """
    found = source("digits")
    (x, y), (xt, yt) = found.train or found.test, found.part()
    kept = len(y) - len(y) // SHARE
    net = network(found.features, found.classes, start(init)[1], activation=activation, depth=depth, width=width, seed=seed)
    stream = Drawn(x[:kept], y[:kept], batch_size, seed)
    trained = train(net, SGD(net.parameters(), lr=lr), stream, steps, at=(), read=lambda _: {})
    if trained.diverged is not None:
        return {"validation": 1.0, "error": 1.0}
    return {"validation": 1 - accuracy(net.predict(x[kept:]), y[kept:]), "error": 1 - accuracy(net.predict(xt), yt)}
