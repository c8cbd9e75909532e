"""NumPy without a framework: the same steps written by hand, and their matrix products alone."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..workloads import Array, Problem, Step, Workload
from .numpy_images import images
from .numpy_parts import (
    Calls,
    batchnorm,
    binary_cross_entropy,
    cross_entropy,
    descent,
    dropout,
    empty,
    input_gradient,
    linear,
    relu,
    tanh,
)


def by_hand(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """A whole training step in plain NumPy calls."""
    p = np.concatenate([value.reshape(-1) for value in problem.parameters])
    gradients = np.zeros_like(p)
    batch, layers, at = workload.batch, [layer for layer in workload.layers if noise or layer != "dropout"], 0
    draw = np.random.SFC64(0).random_raw

    def matrices(rows: int, columns: int) -> list[Array]:
        """Return views of the next parameters and of their gradients."""
        nonlocal at
        part, at = slice(at, at + rows * columns), at + rows * columns
        return [flat[part].reshape(rows, columns) for flat in (p, gradients)]

    if "flatten" in layers:
        at_flatten = layers.index("flatten")
        enter, forward, backward, y, g = images(workload.shape, layers[:at_flatten], batch, matrices)
        leave, size, layers = nothing, y.shape[1], layers[at_flatten + 1:]
    else:
        size = layers.pop(0)
        y, g, forward, backward = empty(batch, size), empty(batch, size), Calls(), Calls()
        enter, leave = linear(*matrices(workload.shape[0] + 1, size), y, g)
    for layer in layers:
        x, gx = y, g
        if isinstance(layer, int):
            (w, gw), y, g = matrices(size + 1, layer), empty(batch, layer), empty(batch, layer)
            apply, derive = linear(w, gw, y, g)
            calls = [partial(apply, x)], [partial(derive, x), *input_gradient(w[:-1], g, gx)]
            size = layer
        elif layer == "batchnorm":
            y = empty(batch, size)
            calls = batchnorm(x, y, g, *matrices(2, size))
        elif layer == "dropout":
            y = empty(batch, size)
            calls = dropout(x, y, g, draw)
        else:
            calls = tanh(x, g) if layer == "tanh" else relu(x, x, g, g)
        forward += calls[0]
        backward[:0] = calls[1]
    cost_of = (binary_cross_entropy if workload.binary else cross_entropy)(y, g)
    update = descent(p, gradients, workload.momentum)
    examples, targets = problem.x, problem.y.astype("float32") if workload.binary else problem.y

    def run(row: int) -> float:
        x = examples[row:row + batch]
        enter(x)
        for call in forward:
            call()
        cost = cost_of(targets[row:row + batch])
        for call in backward:
            call()
        leave(x)
        for call in update:
            call()
        return cost

    parts = np.split(gradients, np.cumsum([value.size for value in problem.parameters])[:-1])
    return Step(run, lambda: [part.reshape(value.shape) for part, value in zip(parts, problem.parameters, strict=True)])


def nothing(x: Array) -> None:
    """Do nothing with x: for images, the calls of backward have computed all gradients."""


def floor(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """The matrix products of a step and nothing else. (They can be a little faster after a copy of a weight.)"""
    draw, calls = np.random.default_rng(0).standard_normal, Calls()
    weights = iter(value for value in problem.parameters if value.ndim > 1)
    for k, (layer, shape) in enumerate(workload.each()):
        if isinstance(layer, str):
            continue
        w = next(weights)
        w = w.reshape(-1, w.shape[-1])
        x, gy = (draw((workload.batch * math.prod(shape[1:]), size), "float32") for size in w.shape)
        calls += [partial(x.dot, w, empty(*gy.shape)), partial(x.T.dot, gy, empty(*w.shape))]
        calls += input_gradient(w, gy, empty(*x.shape))[:1] if k else []

    def run(row: int) -> None:
        for call in calls:
            call()

    return Step(run, list)
