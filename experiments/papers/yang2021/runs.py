"""The run of Tensor Programs V that makes one step: the coordinate check."""

from __future__ import annotations

from typing import Any

from ....initializers import HeNormal
from ....losses import CrossEntropy
from ....modules import Linear, Sequential
from ....optim import SGD, Adam, Optimizer
from ....training import mup
from ...lab.data import source
from ...lab.networks import dense
from ...lab.readings import rms

EXAMPLES = 64


def coordinates(*, width: int, base_width: int, optimizer: str, lr: float, seed: int) -> dict[str, Any]:
    """In a 64-W-W-10 ReLU network, the rms of each layer's output s = Wz + b, ``size``, and of its ``change`` by one step."""
    found = source("digits", seed)
    batch = found.stream(EXAMPLES, seed).batch(0)
    net = dense(found.features, found.classes, HeNormal(), depth=2, width=width, activation="relu", seed=seed)
    scales = mup(net, base_width, rng=seed)
    moves: Optimizer = Adam(scales.adam(lr)) if optimizer == "adam" else SGD(scales.sgd(lr))
    before, loss = sums(net, batch[0]), CrossEntropy()
    loss.forward(net.forward(batch[0]), batch[1])
    net.backward(loss.backward())
    net.update()
    moves.step()
    changes = [after - old for after, old in zip(sums(net, batch[0]), before, strict=True)]
    return {"size": [rms(s) for s in before], "change": [rms(s) for s in changes]}


def sums(net: Sequential, x: Any) -> list[Any]:
    """The outputs of the linear layers, in float64."""
    outputs = []
    for module in net:
        x = module.predict(x)
        if isinstance(module, Linear):
            outputs.append(x.astype(float))
    return outputs
