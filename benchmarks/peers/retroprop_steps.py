"""retroprop, used through its public interface in a loop that a user would write."""

from __future__ import annotations

from typing import Any

import retroprop as rp
from retroprop import SGD, BCEWithLogits, CrossEntropy  # loaded here, not in the first step
from retroprop import Step as TrainingStep

from ..workloads import DROP, FILTER, RATE, Problem, Step, Workload, outputs_first, outputs_last


def network(workload: Workload, problem: Problem, noise: bool = True) -> rp.Sequential:
    """Return the workload's network with the problem's parameters; without ``noise``, dropout drops nothing."""
    modules: list[rp.Module] = []
    for layer, (size, *_) in workload.each():
        match layer:
            case int(outputs):
                modules.append(rp.Linear(size, outputs))
            case "conv", filters:
                modules.append(rp.Conv2d(size, filters, FILTER, padding=FILTER // 2))
            case "residual", units:
                modules.append(rp.Residual(rp.Linear(size, units), rp.Tanh()))
            case "batchnorm":
                modules.append(rp.BatchNorm(size))
            case "dropout":
                modules.append(rp.Dropout(DROP if noise else 0.0, rng=len(modules)))
            case "pool":
                modules.append(rp.MaxPool2d(2))
            case _:
                modules.append({"tanh": rp.Tanh, "relu": rp.ReLU, "flatten": rp.Flatten}[layer]())
    net = rp.Sequential(*modules)
    for parameter, value in zip(net.parameters(), problem.parameters, strict=True):
        parameter.data = outputs_first(value)
    return net


def loss_and_targets(workload: Workload, problem: Problem) -> tuple[rp.Loss, Any]:
    """Return the workload's loss, and the targets in the form that it takes."""
    if workload.binary:
        return BCEWithLogits(), problem.y.astype("float32")[:, None]
    return CrossEntropy(), problem.y


def retroprop(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """The step of ``fit``."""
    net, (loss, y) = network(workload, problem, noise), loss_and_targets(workload, problem)
    step = TrainingStep(net, loss, SGD(net.parameters(), lr=RATE, momentum=workload.momentum))
    x, batch = problem.x, workload.batch

    def run(row: int) -> float:
        return step(x[row:row + batch], y[row:row + batch])

    return Step(run, lambda: [outputs_last(parameter.grad) for parameter in net.parameters()])
