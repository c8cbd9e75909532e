"""Predictions and derivatives by JAX, compiled; each call waits for its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from ..workloads import Problem, Step, Workload, direction
from .jax_steps import Network


def compiled(workload: Workload, problem: Problem, work: Callable[..., Any]) -> Step:
    """Return the step ``work(f, x, y)``, compiled, of each batch; f(x) is the network's output."""
    net = Network(workload, noise=False)
    parameters, _, statistics, _ = net.start(problem)
    (xs, ys), last = map(list, net.batches(problem)), None
    call = jax.jit(lambda parameters, x, y: work(lambda x: net.output(parameters, statistics, None, x)[0], x, y))

    def run(row: int) -> None:
        nonlocal last
        index = row // workload.batch
        last = jax.block_until_ready(call(parameters, xs[index], ys[index]))

    return Step(run, lambda: [np.asarray(last)])


def predict(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    return compiled(workload, problem, lambda f, x, y: f(x))


def evaluate(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Cost and accuracy of a batch."""
    def work(f: Any, x: Any, y: Any) -> Any:
        scores = f(x)
        if workload.binary:
            return jnp.array([jnp.mean(jax.nn.softplus(scores) - scores * y), jnp.mean((scores > 0) == y)])
        cost = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y, 1))
        return jnp.array([cost, jnp.mean(scores.argmax(1) == y[:, 0])])

    return compiled(workload, problem, work)


def jvp(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    t = jnp.array(direction(workload))
    return compiled(workload, problem, lambda f, x, y: jax.jvp(f, (x,), (t,))[1])


def jacobian_backward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    return compiled(workload, problem, lambda f, x, y: jax.jacrev(f)(x))


def jacobian_forward(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    return compiled(workload, problem, lambda f, x, y: jax.jacfwd(f)(x))
