"""Equinox on JAX: a model of its layers, optax.sgd and eqx.filter_jit, as in its documentation."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from equinox import nn
from jax import numpy as jnp

from ..workloads import BATCH_NORM_MOMENTUM, DROP, EPS, FILTER, RATE, Problem, Step, Workload, outputs_first, outputs_last


class Network(eqx.Module):
    """The workload's network with the problem's parameters, for one example; without ``noise``, dropout drops nothing."""

    layers: nn.Sequential

    def __init__(self, workload: Workload, problem: Problem, noise: bool) -> None:
        values, key, layers = iter(problem.parameters), jax.random.key(0), []
        for layer, (size, *_) in workload.each():
            match layer:
                case int(outputs):
                    layers.append(filled(nn.Linear(size, outputs, key=key), values))
                case "conv", filters:
                    layers.append(filled(nn.Conv2d(size, filters, FILTER, padding=FILTER // 2, key=key), values))
                case "batchnorm":
                    norm = nn.BatchNorm(size, "batch", EPS, momentum=1 - BATCH_NORM_MOMENTUM, mode="batch")
                    layers.append(filled(norm, values))
                case "dropout":
                    layers.append(nn.Dropout(DROP, inference=not noise))
                case "pool":
                    layers.append(nn.MaxPool2d(2, 2))
                case _:
                    layers.append(nn.Lambda({"tanh": jnp.tanh, "relu": jax.nn.relu, "flatten": jnp.ravel}[layer]))
        self.layers = nn.Sequential(layers)

    def __call__(self, x: Any, state: nn.State, key: Any) -> tuple[Any, nn.State]:
        return self.layers(x, state, key=key)


def filled(layer: eqx.Module, values: Any) -> eqx.Module:
    """Return a layer with the next two values as weight and bias."""
    weight, bias = (outputs_first(next(values)) for _ in range(2))
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer,
                       (jnp.array(weight), jnp.array(bias).reshape(layer.bias.shape)))


def filter_jit(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """One step per call. Model and states are donated, where the documentation offers it."""
    noise, batch = noise and "dropout" in workload.layers, workload.batch
    net, state = nn.make_with_state(Network)(workload, problem, noise)
    sgd = optax.sgd(RATE, workload.momentum or None)
    moments, key = sgd.init(eqx.filter(net, eqx.is_inexact_array)), jax.random.key(0)
    xs = [jnp.array(problem.x[row:row + batch]) for row in range(0, len(problem.x), batch)]
    ys = [jnp.array(problem.y[row:row + batch].astype("float32" if workload.binary else "int32"))
          for row in range(0, len(problem.y), batch)]

    def cost_of(net: Network, state: nn.State, x: Any, y: Any, key: Any) -> tuple[Any, nn.State]:
        keys = jax.random.split(key, batch) if noise else None
        scores, state = jax.vmap(net, axis_name="batch", in_axes=(0, None, 0 if noise else None), out_axes=(0, None))(
            x, state, keys)
        if workload.binary:
            return optax.sigmoid_binary_cross_entropy(scores[:, 0], y).mean(), state
        return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean(), state

    @eqx.filter_jit(donate="all-except-first")
    def step(batch: Any, net: Network, state: nn.State, moments: Any, key: Any) -> Any:
        key, subkey = jax.random.split(key) if noise else (key, key)
        (cost, state), gradients = eqx.filter_value_and_grad(cost_of, has_aux=True)(net, state, *batch, subkey)
        updates, moments = sgd.update(gradients, moments, net)
        return eqx.apply_updates(net, updates), state, moments, key, cost

    def run(row: int) -> Any:
        nonlocal net, state, moments, key
        net, state, moments, key, cost = step((xs[row // batch], ys[row // batch]), net, state, moments, key)
        return cost

    def gradients() -> list[Any]:
        """Return the velocities, which are the gradients of the first step."""
        return [outputs_last(np.asarray(velocity)).reshape(value.shape)
                for velocity, value in zip(jax.tree.leaves(moments[0].trace), problem.parameters, strict=True)]

    return Step(run, gradients, finish=lambda: jax.block_until_ready(net))
