"""Derivatives by retroprop: a backward sweep, a sweep of forward mode, and whole Jacobians in both modes."""

from __future__ import annotations

import numpy as np

import retroprop as rp

from ..workloads import Problem, Step, Workload, direction
from .retroprop_predictions import each
from .retroprop_steps import network


def backward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Forward and backward, with the gradient of the input."""
    net, g = network(workload, problem, noise), direction(workload, of_output=True)

    def run(row: int) -> None:
        net.forward(problem.x[row:row + workload.batch])
        net.backward(g)

    return Step(run, list)                                          # a gradient has no counterpart in forward mode


def jvp(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Forward and a sweep of forward mode."""
    net, t, last = network(workload, problem, noise), direction(workload), None

    def run(row: int) -> None:
        nonlocal last
        net.forward(problem.x[row:row + workload.batch])
        last = net.jvp(t)

    return Step(run, lambda: [np.asarray(last)])


def jacobian_backward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net = network(workload, problem, noise)
    return each(workload, problem, lambda x: rp.jacobian(net, x, "backward"))


def jacobian_forward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net = network(workload, problem, noise)
    return each(workload, problem, lambda x: rp.jacobian(net, x, "forward"))
