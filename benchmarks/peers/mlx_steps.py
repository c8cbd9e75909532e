"""MLX on the CPU: a module and a compiled step, as in its documentation."""

from __future__ import annotations

from functools import partial
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn, optimizers

from ..workloads import BATCH_NORM_MOMENTUM, DROP, EPS, FILTER, RATE, Problem, Step, Workload, outputs_first, outputs_last


class Network(nn.Module):
    """The workload's network with the problem's parameters; without ``noise``, dropout drops nothing.

    Images have their channels last, and are turned for ``flatten`` to put the numbers into the order of the other libraries.
    """

    def __init__(self, workload: Workload, problem: Problem, noise: bool) -> None:
        super().__init__()
        self.layers: list[Any] = []
        values = iter(problem.parameters)
        for layer, (size, *_) in workload.each():
            match layer:
                case int(outputs):
                    self.add(nn.Linear(size, outputs), values)
                case "conv", filters:
                    self.add(nn.Conv2d(size, filters, FILTER, padding=FILTER // 2), values)
                case "batchnorm":
                    self.add(nn.BatchNorm(size, EPS, BATCH_NORM_MOMENTUM), values)
                case "dropout":
                    self.layers.append(nn.Dropout(DROP if noise else 0.0))
                case "pool":
                    self.layers.append(nn.MaxPool2d(2, 2))
                case _:
                    self.layers.append({"tanh": nn.tanh, "relu": nn.relu, "flatten": flatten}[layer])

    def add(self, layer: nn.Module, values: Any) -> None:
        weight, bias = (outputs_first(next(values)) for _ in range(2))
        layer.weight, layer.bias = mx.array(np.moveaxis(weight, 1, -1) if weight.ndim == 4 else weight), mx.array(bias)
        self.layers.append(layer)

    def __call__(self, x: mx.array) -> mx.array:
        for layer in self.layers:
            x = layer(x)
        return x


def flatten(x: mx.array) -> mx.array:
    return mx.moveaxis(x, -1, 1).reshape(len(x), -1)


def compiled(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """One step per call; the model and the optimizer's state are evaluated after each."""
    mx.set_default_device(mx.cpu)
    mx.random.seed(0)
    net, batch = Network(workload, problem, noise), workload.batch
    sgd = optimizers.SGD(RATE, workload.momentum)
    sgd.init(net.trainable_parameters())
    state = [net.state, sgd.state, mx.random.state]
    images = np.moveaxis(problem.x, 1, -1) if len(workload.shape) == 3 else problem.x
    xs = [mx.array(images[row:row + batch]) for row in range(0, len(images), batch)]
    ys = [mx.array(problem.y[row:row + batch].astype("float32" if workload.binary else "int32"))
          for row in range(0, len(images), batch)]

    def cost_of(net: Network, x: mx.array, y: mx.array) -> mx.array:
        if workload.binary:
            return nn.losses.binary_cross_entropy(net(x).squeeze(1), y, reduction="mean")
        return nn.losses.cross_entropy(net(x), y, reduction="mean")

    derive = nn.value_and_grad(net, cost_of)

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        cost, gradients = derive(net, x, y)
        sgd.update(net, gradients)
        return cost

    def run(row: int) -> mx.array:
        cost = step(xs[row // batch], ys[row // batch])
        mx.eval(state)
        return cost

    def gradients() -> list[Any]:
        """Return the velocities, which are the gradients of the first step."""
        found = []
        for velocity in (layer[name]["v"] for layer in sgd.state["layers"] for name in ("weight", "bias") if name in layer):
            value = np.asarray(velocity)
            found.append(outputs_last(np.moveaxis(value, -1, 1) if value.ndim == 4 else value))
        return found

    return Step(run, gradients)
