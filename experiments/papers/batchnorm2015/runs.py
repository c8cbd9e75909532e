"""Runs of Ioffe & Szegedy 2015 that are exact: biases before BatchNorm, and the gradients of BatchNorm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ....initializers import Normal
from ....inspection.derivatives.gradient_check import check_gradients
from ....losses import MSE, CrossEntropy
from ....modules import BatchNorm, Linear, Module, Sequential, Sigmoid
from ....optim import SGD
from ...lab.data import source
from ...lab.loop import train
from ...lab.readings import error_of_batches

SYMBOLS = {"0.weight": "gamma", "0.bias": "beta"}                   # of the paper, for the parameters of a BatchNorm


def redundant(*, data: str, lr: float, batch_size: int, steps: int, at: Sequence[int], seed: int) -> dict[str, Any]:
    """Train with biases from N(0, 1) before BatchNorm, and without biases, from the same weights, in float64.

    ``with_bias`` and ``without`` are readings of the test error with the statistics of batches; ``apart`` and
    ``apart_running`` the largest differences between the outputs at the end, with the statistics of the batch and with the
    running ones; ``bias_gradient`` the largest derivative by such a bias in all of training, relative to the largest by a
    weight.
    """
    found = source(data, seed)
    x, y = found.part()
    nets = [network([found.features, 100, 100, 100, found.classes], bias, seed) for bias in (True, False)]
    layers = [(module.weight, module.bias) for module in nets[0] if isinstance(module, Linear)][:-1]
    shares: list[float] = []

    def note() -> None:
        shares.extend(float(np.abs(bias.grad).max() / np.abs(weight.grad).max()) for weight, bias in layers if bias is not None)

    readings = [train(net, SGD(net.parameters(), lr=lr), found.stream(batch_size, seed), steps, at=at, after_step=after_step,
                      read=lambda step, net=net: {"error": error_of_batches(net, x, y, batch_size)}).readings  # type: ignore
                for net, after_step in zip(nets, (note, None), strict=True)]
    return {"resampled": found.resampled, "with_bias": readings[0], "without": readings[1], "bias_gradient": max(shares),
            "apart_running": float(np.abs(nets[0].predict(x) - nets[1].predict(x)).max()),
            "apart": float(np.abs(nets[0].forward(x) - nets[1].forward(x)).max())}


def network(sizes: Sequence[int], bias: bool, seed: int) -> Sequential:
    """Linear BatchNorm Sigmoid for each hidden layer, then Linear; the same weights with and without biases."""
    *rngs, last = np.random.default_rng(seed).spawn(len(sizes) - 1)
    modules: list[Module] = []
    for (inputs, outputs), rng in zip(pairwise(sizes[:-1]), rngs, strict=True):
        modules += [Linear(inputs, outputs, bias, weight_init=Normal(0.1), bias_init=Normal(1), dtype="float64", rng=rng),
                    BatchNorm(outputs, dtype="float64"), Sigmoid()]
    return Sequential(*modules, Linear(sizes[-2], sizes[-1], weight_init=Normal(0.1), dtype="float64", rng=last))


def exact(*, batch_size: int, features: int, seed: int) -> dict[str, Any]:
    """BatchNorm alone, and in a network, in both modes: the largest relative errors of gradients against finite differences.

    ``modes_apart`` is the largest difference between the outputs of the module in training and in evaluation, on one batch.
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
            **{SYMBOLS.get(row.name, row.name): float(row.error) for row in alone.rows}}
    return outcome
