"""Runs of Saxe et al. 2014: products of matrices, linear networks that learn, and signals through tanh."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....initializers import GlorotNormal, Initializer, Orthogonal
from ....losses import MSE
from ....modules import Linear, Sequential, Tanh
from ....optim import SGD
from ...lab.data import source
from ...lab.loop import train

INITS: dict[str, Initializer] = {"Glorot": GlorotNormal(), "Orthogonal": Orthogonal()}
LIMIT = 10.0                                                        # times the cost of zero: then a run is given up
EXAMPLES = 100


class Over(Exception):
    """A run that need not go on; the steps it made, or None where the cost ran away."""

    def __init__(self, steps: int | None) -> None:
        super().__init__(steps)
        self.steps = steps


def products(*, init: str, size: int, depths: Sequence[int], seed: int) -> dict[str, Any]:
    """Singular values, from the largest to the smallest, of products of ``depth`` random matrices, for each depth."""
    rng = np.random.default_rng(seed)
    product, found = np.eye(size), {}
    for depth in range(1, max(depths) + 1):
        product = INITS[init]((size, size), rng, "float64") @ product
        if depth in depths:
            found[str(depth)] = np.linalg.svd(product, compute_uv=False).tolist()
    return {"values": found}


def scalar(*, s: float, u0: float, lr: float, steps: int) -> dict[str, Any]:
    """Gradient descent on a linear 1-1-1 network from a balanced start, beside the exact solution of the gradient flow.

    The cost is (s - w2 w1)² / 2, so one step takes the time lr / tau with tau = 1.
    """
    net = Sequential(*(Linear(1, 1, bias=False, dtype="float64", rng=k) for k in range(2)))
    for parameter in net.parameters():
        parameter.data[...] = np.sqrt(u0)
    loss, sgd = MSE(), SGD(net.parameters(), lr=lr / 2)             # the gradient of (s - p)² is twice that of its half
    x, y = np.ones((1, 1)), np.full((1, 1), s)
    u = []
    for _ in range(steps + 1):
        prediction = net.forward(x)
        u.append(float(prediction[0, 0]))
        loss.forward(prediction, y)
        net.backward(loss.backward())
        net.update()
        sgd.step()
    t = lr * np.arange(steps + 1)
    exact = s / (1 + (s / u0 - 1) * np.exp(-2 * s * t))             # papers' u(t), divided by e^{2st/tau}: no overflow
    every = max(1, steps // 200)
    return {"t": t[::every].tolist(), "u": u[::every], "exact": exact[::every].tolist(),
            "worst": float(np.abs(np.subtract(u, exact)).max())}


@lru_cache(maxsize=2)
def reduced(data: str) -> tuple[Array, Array]:
    """Few examples with the gradients of all: those of ``projected``, Y one row for each example's class."""
    x, y = source(data).train or source(data).test
    x = x.astype(np.float64) / (255 if x.dtype == np.uint8 else 1)
    return projected(x, np.eye(int(y.max()) + 1)[y])


def projected(x: Array, y: Array) -> tuple[Array, Array]:
    """SV' and U'Y, both over sqrt(n), where X = USV' without the singular values that are 0.

    |XW - Y|² is |SV'W - U'Y|² and what no W changes: the cost here is what is left above the best linear map. Directions
    that X does not have, as the border of MNIST's images, would stay in the cost for ever.
    """
    u, s, v = np.linalg.svd(x, full_matrices=False)
    has, scale = s > np.finfo(np.float32).eps * s[0], np.sqrt(len(y))
    return (s[has, None] * v[has] / scale).astype(np.float32), (u[:, has].T @ y / scale).astype(np.float32)


class Whole:
    """The same batch at each step: gradient descent."""

    def __init__(self, x: Array, y: Array) -> None:
        self.both = x, y

    def batch(self, step: int) -> tuple[Array, Array]:
        return self.both


def learned(*, data: str, init: str, depth: int, width: int, lr: float, steps: int, share: float, seed: int,
            digest: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """Steps of gradient descent until a linear network with ``depth`` hidden layers has learned all but ``share``.

    Of the squared error that a linear map can take away; None where ``steps`` did not suffice, or the cost ran away.
    """
    x, y = reduced(data)
    sizes = [x.shape[1], *[width] * depth, y.shape[1]]
    rngs = np.random.default_rng(seed).spawn(depth + 1)
    net = Sequential(*(Linear(a, b, bias=False, weight_init=INITS[init], rng=rng)
                       for a, b, rng in zip(sizes, sizes[1:], rngs, strict=False)))
    zero, costs = float(np.square(y, dtype=np.float64).sum()), []

    def above() -> float:
        return float(np.square(net.predict(x) - y, dtype=np.float64).sum()) / zero

    limit = max(LIMIT, 2 * above())                                 # a start may itself cost more than 10 times zero

    def read(step: int) -> dict[str, float]:
        left = above()
        costs.append(left)
        if not left < limit:
            raise Over(None)
        if left <= share:
            raise Over(step)
        return {"left": left}

    try:
        train(net, SGD(net.parameters(), lr=lr / 2), Whole(x, y), steps, at=range(steps + 1), read=read, loss=MSE("sum"),
              kept=kept)
        found = None
    except Over as end:
        found = end.steps
    return {"steps": found, "left": costs[-1] if np.isfinite(costs[-1]) else None}


def activity(*, init: str, gain: float, depth: int, width: int, seed: int) -> dict[str, Any]:
    """rms of the output of each tanh layer, of weights ``gain`` times a start, for Gaussian inputs of rms 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES, width), dtype=np.float32)
    found = []
    for _ in range(depth):
        layer = Linear(width, width, bias=False, weight_init=INITS[init], rng=rng)
        layer.weight.data[...] *= gain
        x = Sequential(layer, Tanh()).predict(x)
        found.append(float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))))
    return {"rms": found}
