"""Runs of Ioffe & Szegedy 2015: a network of sigmoids with and without normalization, looked at on its way."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ....arguments import Array
from ....initializers import Normal
from ....inspection import check_gradients
from ....losses import MSE, CrossEntropy
from ....modules import BatchNorm, Linear, Module, Sequential, Sigmoid
from ....optim import SGD
from ....training import accuracy
from ...lab.data import source
from ...lab.loop import Stream, train
from ...lab.networks import network, start

PERCENTILES = (15, 50, 85)
SETTLED = 100                                                       # the first step from which movements are measured


class Binary(NamedTuple):
    """Batches of black and white: pixels from 1/2 on are 1, the others 0."""

    stream: Stream

    def batch(self, step: int) -> tuple[Array, Array]:
        x, y = self.stream.batch(step)
        return black_and_white(x), y


def black_and_white(x: Array) -> Array:
    return (x >= 0.5).astype(np.float32)


def followed(*, data: str, init: str, lr: float, batch_size: int, steps: int, at: Sequence[int], seed: int, batch_norm: bool,
             momentum: float = 0.1, binary: bool = False, digest: str | None = None, kept: Path | None = None
             ) -> dict[str, Any]:
    """Figure 1: three layers of 100 sigmoids. At each step in ``at``: the test error; that with the statistics of batches of
    the test examples in place of the running ones; percentiles of the inputs of a sigmoid of the last hidden layer.

    The sigmoid is the typical one: of the 100, that whose percentiles move by the median of all, ``moved``. With BN,
    ``moved_of_batch`` is the same with the statistics of the examples themselves, ``moved_normalized`` that before γ and β,
    and ``gamma`` the median of γ in the last BN at each reading. ``momentum`` is of the running statistics. ``digest`` makes
    runs on other files other runs.
    """
    found = source(data)
    x, y = found.part()
    x = black_and_white(x) if binary else x
    net = network(found.features, found.classes, start(init)[1], activation="sigmoid", depth=3, width=100,
                  batch_norm=batch_norm, seed=seed)
    for module in net:
        if isinstance(module, BatchNorm):
            module.momentum = momentum

    def read(step: int) -> dict[str, Any]:
        return {"error": 1 - accuracy(net.predict(x, 1000), y), "of_batch": of_batches(net, x, y, batch_size),
                "inputs": percentiles(last_inputs(net, x[:1000])), **(in_training(net, x[:1000]) if batch_norm else {})}

    stream = found.stream(batch_size, seed)
    trained = train(net, SGD(net.parameters(), lr=lr), Binary(stream) if binary else stream, steps, at=at, read=read, kept=kept)
    moves, unit = movements(trained.readings)
    inner = {"moved_of_batch": "inputs_of_batch", "moved_normalized": "normalized"} if batch_norm else {}
    extra = {key: float(np.median(movements(trained.readings, of)[0])) for key, of in inner.items()}
    readings = [{key: value for key, value in row.items() if key not in inner.values()} | {"inputs": row["inputs"][unit]}
                for row in trained.readings]
    return {"readings": readings, "diverged": trained.diverged, "moved": float(np.median(moves)), **extra}


def of_batches(net: Sequential, x: Array, y: Array, batch_size: int) -> float:
    """The error in training mode, of a copy: normalization by the statistics of each batch of these examples."""
    copy = deepcopy(net).train()
    parts = np.array_split(np.arange(len(y)), max(1, len(y) // batch_size))
    return 1 - accuracy(np.concatenate([copy.forward(x[part]) for part in parts]), y)


def last_inputs(net: Sequential, x: Array) -> Array:
    """What the sigmoids of the last hidden layer read, in evaluation: (examples, units)."""
    for module in list(net)[:-2]:
        x = module.predict(x)
    return x


def in_training(net: Sequential, x: Array) -> dict[str, Any]:
    """What the last hidden sigmoids read in training mode, x being the batch: after γ and β, before them; and γ's median."""
    modules = list(deepcopy(net).train())[:-2]
    for module in modules:
        x = module.forward(x)
    last = modules[-1]
    assert isinstance(last, BatchNorm)
    return {"inputs_of_batch": percentiles(x), "normalized": percentiles(last.point.centred * last.point.scale),
            "gamma": float(np.median(last.weight.data))}


def percentiles(a: Array) -> list[list[float]]:
    """Of each unit."""
    found: list[list[float]] = np.percentile(a, PERCENTILES, axis=0).T.tolist()
    return found


def movements(readings: Sequence[dict[str, Any]], of: str = "inputs") -> tuple[Array, int]:
    """Of each unit, how far the percentile that moves most moves, from highest to lowest; and the unit that has the median."""
    table = np.array([row[of] for row in readings if row["step"] >= SETTLED] or [readings[-1][of]])
    moves = np.ptp(table, axis=0).max(1)
    return moves, int(np.argsort(moves, kind="stable")[len(moves) // 2])


def redundant(*, data: str, lr: float, batch_size: int, steps: int, at: Sequence[int], seed: int) -> dict[str, Any]:
    """Biases before BatchNorm, from N(0, 1), against none, in float64: test errors with the statistics of batches, and how far
    apart the outputs are at the end, with those of the batch and with the running ones.

    ``bias_gradient`` is the largest derivative by such a bias in all of training, relative to the largest by a weight.
    """
    found = source(data)
    x, y = found.part()
    nets = [without_output_norm([found.features, 100, 100, 100, found.classes], bias, seed) for bias in (True, False)]
    layers = [module for module in nets[0] if isinstance(module, Linear)][:-1]
    shares: list[float] = []

    def note() -> None:
        shares.extend(float(np.abs(layer.bias.grad).max() / np.abs(layer.weight.grad).max()) for layer in layers
                      if layer.bias is not None)

    readings = []
    for net, after_step in zip(nets, (note, None), strict=True):
        def read(step: int, net: Sequential = net) -> dict[str, float]:
            return {"error": of_batches(net, x, y, batch_size)}

        readings.append(train(net, SGD(net.parameters(), lr=lr), found.stream(batch_size, seed), steps, at=at, read=read,
                              after_step=after_step).readings)
    return {"with_bias": readings[0], "without": readings[1], "bias_gradient": max(shares),
            "apart_running": float(np.abs(nets[0].predict(x) - nets[1].predict(x)).max()),
            "apart": float(np.abs(nets[0].forward(x) - nets[1].forward(x)).max())}


def without_output_norm(sizes: Sequence[int], bias: bool, seed: int) -> Sequential:
    """Linear BatchNorm Sigmoid for each hidden layer, then Linear; the same weights with and without biases."""
    generators = np.random.default_rng(seed).spawn(len(sizes) - 1)
    modules: list[Module] = []
    for n, m, rng in zip(sizes[:-2], sizes[1:-1], generators[:-1], strict=True):
        modules += [Linear(n, m, bias, weight_init=Normal(0.1), bias_init=Normal(1), dtype="float64", rng=rng),
                    BatchNorm(m, dtype="float64"), Sigmoid()]
    return Sequential(*modules, Linear(sizes[-2], sizes[-1], weight_init=Normal(0.1), dtype="float64", rng=generators[-1]))


def exact(*, batch_size: int, features: int, seed: int) -> dict[str, Any]:
    """BatchNorm alone, and in a network, in both modes: the largest relative errors of gradients against finite differences.

    ``modes_apart`` is the largest difference between what the module gives in training and in evaluation, on one batch.
    """
    rng = np.random.default_rng(seed)
    x, target = 2 + 3 * rng.standard_normal((batch_size, features)), rng.standard_normal((batch_size, features))
    layer = BatchNorm(features, dtype="float64")
    layer.weight.data, layer.bias.data = rng.uniform(0.5, 2, features), rng.standard_normal(features)
    net = Sequential(Linear(features, 6, rng=1), BatchNorm(6), Sigmoid(), Linear(6, 3, rng=2)).astype("float64")
    for _ in range(3):                                              # running statistics that are not the batch's
        layer.forward(x + rng.standard_normal(x.shape))
        net.forward(x + rng.standard_normal(x.shape))
    in_training = layer.forward(x)
    outcome: dict[str, Any] = {"modes_apart": float(np.abs(in_training - layer.predict(x)).max())}
    for mode in (True, False):
        alone = check_gradients(Sequential(layer).train(mode), MSE(), x, target)
        whole = check_gradients(net.train(mode), CrossEntropy(), x, rng.integers(3, size=batch_size))
        outcome["training" if mode else "evaluation"] = {
            "network": max(float(row.error) for row in whole.rows),
            **{name(row.name): float(row.error) for row in alone.rows}}
    return outcome


def name(path: str) -> str:
    """``0.weight`` as the paper calls it."""
    return {"weight": "gamma", "bias": "beta"}.get(path.rpartition(".")[2], path)
