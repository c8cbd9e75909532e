"""Predictions by PyTorch in ``inference_mode``, and its forward mode."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from ..workloads import Problem, Step, Workload, direction
from .torch_steps import network


def predict(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net, xs, last = network(workload, problem, noise).eval(), torch.from_numpy(problem.x).split(workload.batch), None

    def run(row: int) -> None:
        nonlocal last
        with torch.inference_mode():
            last = net(xs[row // workload.batch])

    return Step(run, lambda: [last.numpy()])


def evaluate(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Cost and accuracy of a batch, as numbers of Python."""
    net, xs = network(workload, problem, noise).eval(), torch.from_numpy(problem.x).split(workload.batch)
    ys, last = torch.from_numpy(problem.y).split(workload.batch), None

    def run(row: int) -> None:
        nonlocal last
        with torch.inference_mode():
            scores, y = net(xs[row // workload.batch]), ys[row // workload.batch]
            if workload.binary:
                scores = scores[:, 0]
                cost, right = F.binary_cross_entropy_with_logits(scores, y.float()), (scores > 0) == y
            else:
                cost, right = F.cross_entropy(scores, y), scores.argmax(1) == y
            last = cost.item(), right.float().mean().item()

    return Step(run, lambda: [np.array(last)])


def jvp(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net, xs, last = network(workload, problem, noise), torch.from_numpy(problem.x).split(workload.batch), None
    t = torch.from_numpy(direction(workload))

    def run(row: int) -> None:
        nonlocal last
        _, last = torch.func.jvp(net, (xs[row // workload.batch],), (t,))

    return Step(run, lambda: [last.detach().numpy()])
