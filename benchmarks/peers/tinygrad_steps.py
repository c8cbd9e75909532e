"""tinygrad on the CPU: a model class and a step under TinyJit, as in its MNIST tutorial."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

COMPILERS = ("clang", *(f"clang-{version}" for version in range(30, 13, -1)))
if found := next(filter(shutil.which, COMPILERS), None):            # tinygrad asks for "clang", which may have a version here
    os.environ.setdefault("CC", found)

from tinygrad import Context, Device, Tensor, TinyJit, nn  # noqa: E402

from ..workloads import (  # noqa: E402
    BATCH_NORM_MOMENTUM,
    DROP,
    EPS,
    FILTER,
    RATE,
    Problem,
    Step,
    Workload,
    outputs_first,
    outputs_last,
)


class Model:
    """The workload's network with the problem's parameters; without ``noise``, dropout drops nothing."""

    def __init__(self, workload: Workload, problem: Problem, noise: bool) -> None:
        self.layers: list[Callable[[Tensor], Tensor]] = []
        values = iter(problem.parameters)
        for layer, (size, *_) in workload.each():
            match layer:
                case int(outputs):
                    self.add(nn.Linear(size, outputs), values)
                case "conv", filters:
                    self.add(nn.Conv2d(size, filters, FILTER, padding=FILTER // 2), values)
                case "batchnorm":
                    self.add(nn.BatchNorm(size, EPS, momentum=BATCH_NORM_MOMENTUM), values)
                case "dropout":
                    self.layers.append(lambda x: x.dropout(DROP if noise else 0.0))
                case _:
                    self.layers.append({"tanh": Tensor.tanh, "relu": Tensor.relu, "pool": Tensor.max_pool2d,
                                        "flatten": lambda x: x.flatten(1)}[layer])

    def add(self, layer: Any, values: Iterator[Any]) -> None:
        layer.weight, layer.bias = (Tensor(outputs_first(next(values)).copy()).realize() for _ in range(2))
        self.layers.append(layer)

    def __call__(self, x: Tensor) -> Tensor:
        return x.sequential(self.layers)


def tinyjit(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """One step per call. TinyJit records the kernels in the second call and replays them from the third on.

    The velocities of the first step are its gradients.
    """
    if Device.DEFAULT != "CPU":
        raise NotImplementedError(f"tinygrad chose the device {Device.DEFAULT}")
    Tensor.manual_seed(0)
    model, batch = Model(workload, problem, noise), workload.batch
    sgd = nn.optim.SGD(nn.state.get_parameters(model), lr=RATE, momentum=workload.momentum)
    xs = [Tensor(problem.x[row:row + batch]).realize() for row in range(0, len(problem.x), batch)]
    ys = [Tensor(problem.y[row:row + batch].astype("int32")).realize() for row in range(0, len(problem.y), batch)]

    @TinyJit
    def step(x: Tensor, y: Tensor) -> Tensor:
        with Context(TRAINING=1):
            sgd.zero_grad()
            scores = model(x)
            cost = (scores.squeeze(1).binary_crossentropy_logits(y.cast("float32")) if workload.binary
                    else scores.sparse_categorical_crossentropy(y))
            return cost.backward().realize(*sgd.schedule_step())

    def run(row: int) -> Any:
        return step(xs[row // batch], ys[row // batch])

    return Step(run, lambda: [outputs_last(velocity.numpy()) for velocity in sgd.b], finish=Device["CPU"].synchronize)
