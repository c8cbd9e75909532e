"""Predictions by retroprop: ``predict``, the forward of a network in evaluation mode, and ``evaluate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retroprop as rp

from ..workloads import Problem, Step, Workload
from .retroprop_steps import loss_and_targets, network


def each(workload: Workload, problem: Problem, call: Callable[[Any], Any]) -> Step:
    """Return the step that calls a function with each batch of examples, and keeps its last result."""
    x, batch, last = problem.x, workload.batch, None

    def run(row: int) -> None:
        nonlocal last
        last = call(x[row:row + batch])

    return Step(run, lambda: [np.asarray(last)])


def predict(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    return each(workload, problem, network(workload, problem, noise).predict)


def forward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net = network(workload, problem, noise)
    net.eval()
    return each(workload, problem, net.forward)


def evaluate(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Cost and accuracy of a batch."""
    net, (loss, y) = network(workload, problem, noise), loss_and_targets(workload, problem)
    x, batch, last = problem.x, workload.batch, None

    def run(row: int) -> None:
        nonlocal last
        last = rp.evaluate(net, loss, x[row:row + batch], y[row:row + batch])

    return Step(run, lambda: [np.array([last.cost, last.accuracy])])
