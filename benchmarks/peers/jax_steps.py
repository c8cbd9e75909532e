"""JAX on the CPU: one compiled step, or a scan over many steps."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from ..workloads import BATCH_NORM_MOMENTUM, BATCHES, DROP, EPS, RATE, Problem, Step, Workload

# With more parameters than this, and with convolutions, which are slow in a scan, a scan has 10 steps, not 100.
LARGE = 10**6


class Network:
    """The workload's network, as functions to compile.

    A step maps a state to the next one: parameters, velocities, running statistics of each BatchNorm, key of the dropouts.
    """

    def __init__(self, workload: Workload, noise: bool) -> None:
        self.workload, self.noise = workload, noise and "dropout" in workload.layers

    def start(self, problem: Problem) -> Any:
        parameters = [jnp.array(value) for value in problem.parameters]
        statistics = [(jnp.zeros(shape), jnp.ones(shape)) for layer, shape in self.workload.each() if layer == "batchnorm"]
        key = jax.random.key(0) if self.noise else None             # None where unused: passing a key on takes time
        velocities = [jnp.zeros_like(value) for value in parameters] if self.workload.momentum else []
        return parameters, velocities, statistics, key

    def output(self, parameters: Any, statistics: Any, key: Any, x: Any) -> Any:
        """Return the output and the new running statistics."""
        values, old, new = iter(parameters), iter(statistics), []
        for layer in self.workload.layers:
            if isinstance(layer, int):
                x = x @ next(values) + next(values)
            elif layer == "batchnorm":
                mean, variance = x.mean(0), x.var(0)
                x = (x - mean) * jax.lax.rsqrt(variance + EPS) * next(values) + next(values)
                unbiased = variance * (len(x) / (len(x) - 1))
                new.append([before + BATCH_NORM_MOMENTUM * (now - before)
                            for before, now in zip(next(old), (mean, unbiased), strict=True)])
            elif layer == "pool":
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            elif layer == "flatten":
                x = x.reshape(len(x), -1)
            elif layer[0] == "conv":
                x = jax.lax.conv_general_dilated(x, next(values), (1, 1), "SAME", dimension_numbers=("NCHW", "IHWO", "NCHW"))
                x += next(values)[:, None, None]
            elif layer[0] == "residual":
                x += jnp.tanh(x @ next(values) + next(values))
            elif layer != "dropout":
                x = {"tanh": jnp.tanh, "relu": jax.nn.relu}[layer](x)
            elif self.noise:
                key, subkey = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(subkey, 1 - DROP, x.shape), x / (1 - DROP), 0)
        return x, new

    def cost(self, parameters: Any, statistics: Any, key: Any, x: Any, y: Any) -> Any:
        """Return the mean cost and the new running statistics."""
        x, new = self.output(parameters, statistics, key, x)
        if self.workload.binary:
            return jnp.mean(jax.nn.softplus(x) - x * y), new
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y, 1)), new

    def step(self, state: Any, x: Any, y: Any) -> Any:
        """Return the next state and the cost."""
        parameters, velocities, statistics, key = state
        subkey = None
        if self.noise:
            key, subkey = jax.random.split(key)
        (cost, new), gradients = jax.value_and_grad(self.cost, has_aux=True)(parameters, statistics, subkey, x, y)
        if self.workload.momentum:
            velocities = gradients = [self.workload.momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
        parameters = [p - RATE * v for p, v in zip(parameters, gradients, strict=True)]
        return (parameters, velocities, [tuple(pair) for pair in new], key), cost

    def batches(self, problem: Problem) -> tuple[Any, Any]:
        """Return examples (BATCHES, batch, *shape) and targets (BATCHES, batch, 1)."""
        x = jnp.array(problem.x).reshape(BATCHES, self.workload.batch, *self.workload.shape)
        y = problem.y.astype("float32" if self.workload.binary else "int32")
        return x, jnp.array(y).reshape(BATCHES, self.workload.batch, 1)

    def gradients(self, problem: Problem) -> list[Any]:
        x, y = self.batches(problem)
        parameters, _, statistics, key = self.start(problem)
        gradients, _ = jax.jit(jax.grad(self.cost, has_aux=True))(parameters, statistics, key, x[0], y[0])
        return [np.asarray(gradient) for gradient in gradients]


def jit(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """One step per call. The old state is donated: the new one reuses its memory."""
    net = Network(workload, noise)
    state, (xs, ys), batch = net.start(problem), map(list, net.batches(problem)), workload.batch
    step = jax.jit(net.step, donate_argnums=0)

    def run(row: int) -> Any:
        nonlocal state
        state, cost = step(state, xs[row // batch], ys[row // batch])
        return cost

    return Step(run, lambda: net.gradients(problem), finish=lambda: jax.block_until_ready(state))


def scan(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Many steps per call: the time of a step that never returns to Python."""
    net = Network(workload, noise)
    state, (xs, ys), batch = net.start(problem), net.batches(problem), workload.batch
    steps = 10 if "flatten" in workload.layers or sum(value.size for value in problem.parameters) > LARGE else 100

    def several(state: Any, xs: Any, ys: Any, first: Any) -> Any:
        batches = (first + jnp.arange(steps)) % BATCHES
        return jax.lax.scan(lambda state, i: net.step(state, xs[i], ys[i]), state, batches)

    compiled = jax.jit(several, donate_argnums=0)

    def run(row: int) -> Any:
        nonlocal state
        state, costs = compiled(state, xs, ys, row // batch)
        return costs

    return Step(run, lambda: net.gradients(problem), steps, lambda: jax.block_until_ready(state))
