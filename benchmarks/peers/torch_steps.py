"""PyTorch on the CPU, eager, in the loop of its tutorials."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..workloads import (
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


class Residual(nn.Module):
    """x + tanh of a Linear of x."""

    def __init__(self, size: int, units: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.tanh(self.linear(x))


def network(workload: Workload, problem: Problem, noise: bool = True) -> nn.Sequential:
    """Return the workload's network with the problem's parameters; without ``noise``, dropout drops nothing."""
    modules: list[nn.Module] = []
    for layer, (size, *_) in workload.each():
        match layer:
            case int(outputs):
                modules.append(nn.Linear(size, outputs))
            case "conv", filters:
                modules.append(nn.Conv2d(size, filters, FILTER, padding=FILTER // 2))
            case "residual", units:
                modules.append(Residual(size, units))
            case "batchnorm":
                modules.append(nn.BatchNorm1d(size, EPS, BATCH_NORM_MOMENTUM))
            case "dropout":
                modules.append(nn.Dropout(DROP if noise else 0.0))
            case "pool":
                modules.append(nn.MaxPool2d(2))
            case _:
                modules.append({"tanh": nn.Tanh, "relu": nn.ReLU, "flatten": nn.Flatten}[layer]())
    net = nn.Sequential(*modules)
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), problem.parameters, strict=True):
            parameter.copy_(torch.tensor(outputs_first(value)))
    return net


def step(workload: Workload, problem: Problem, noise: bool, **options: Any) -> Step:
    """A training step; ``options`` choose the implementation of SGD."""
    torch.manual_seed(0)
    net = network(workload, problem, noise)
    sgd = torch.optim.SGD(net.parameters(), lr=RATE, momentum=workload.momentum, **options)
    loss = F.binary_cross_entropy_with_logits if workload.binary else F.cross_entropy
    batch = workload.batch
    y = torch.from_numpy(problem.y)
    xs, ys = torch.from_numpy(problem.x).split(batch), (y.float()[:, None] if workload.binary else y).split(batch)

    def run(row: int) -> torch.Tensor:
        sgd.zero_grad(set_to_none=True)
        cost = loss(net(xs[row // batch]), ys[row // batch])
        cost.backward()
        sgd.step()
        return cost

    return Step(run, lambda: [outputs_last(parameter.grad.numpy()) for parameter in net.parameters()])


def foreach(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """SGD with one call per operation for all parameters, which PyTorch calls foreach."""
    return step(workload, problem, noise, foreach=True)


def fused(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """SGD in one kernel."""
    return step(workload, problem, noise, fused=True)
