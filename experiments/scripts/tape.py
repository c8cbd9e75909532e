"""``retroprop trace``: one step of a network on the tape."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np

from ...errors import ArgumentError
from ...inspection import Tape, tape
from ...losses import BCE, Loss
from ...modules import Linear, Module, Sequential, Sigmoid
from ...modules.core.values import each
from .script import Script, blaming

EXAMPLE = "s = W x + b, p = σ(s), and the binary cross-entropy of p and y: two examples (lecture, slides 44-48)"


def example() -> Script:
    """The worked example of the lecture, with numbers that are round where they can be."""
    net = Sequential(Linear(2, 1, dtype="float64"), Sigmoid())
    net.load_state_dict({"0.weight": np.array([[1.0, -1.0]]), "0.bias": np.array([-1.0])})
    return Script("the example", net, np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0], [0.0]]), BCE())


def trace(script: Script) -> Tape:
    """Forward, the loss if there is one, backward and update; without a loss the gradient of the output is 1."""
    net, loss = script.net, script.loss
    if isinstance(net, Loss):
        raise ArgumentError(f"{script.path}: net must be a network, got the loss {net!r}; call it loss")
    if loss is not None and script.y is None:
        raise ArgumentError(f"{script.path} defines a loss and must define y, its targets")
    with blaming(script.path):
        step(*deepcopy((net, loss)), script)                        # the first one takes longer, for nothing of the network's
        with tape(*([net] if loss is None else [net, loss])) as taped:
            step(net, loss, script)
    return taped


def step(net: Module, loss: Loss | None, script: Script) -> None:
    y = net.forward(script.x)
    if loss is None:
        g = each(np.ones_like, y)
    else:
        loss.forward(y, script.y)
        g = loss.backward()
    net.backward(g)
    net.update()


def draw(taped: Tape, path: str) -> None:
    """Write an image of the step along time."""
    from ... import plots
    from ...plots.canvas import write

    write(plots.timeline(taped), Path(path))
