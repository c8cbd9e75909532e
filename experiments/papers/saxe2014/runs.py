"""Runs of Saxe et al. 2014: products of matrices, linear networks that learn, and signals through tanh."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....losses import MSE
from ....modules import Linear, Sequential, Tanh
from ....optim import SGD
from ...lab.data import source
from ...lab.loop import Whole, train
from ...lab.networks import initialization

LIMIT = 10.0                                                        # times the cost of zero: then a run is given up
EXAMPLES = 100


def products(*, init: str, size: int, depths: Sequence[int], seed: int) -> dict[str, Any]:
    """Singular values, from the largest to the smallest, of products of ``depth`` random matrices, for each depth."""
    initializer, rng = initialization(init).initializer, np.random.default_rng(seed)
    product, found = np.eye(size), {}
    for depth in range(1, max(depths) + 1):
        product = initializer((size, size), rng, "float64") @ product
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
    data = Whole(np.ones((1, 1)), np.full((1, 1), s))
    ended = train(net, SGD(net.parameters(), lr=lr / 2), data, steps, at=range(steps + 1),     # the MSE has twice the gradient
                  read=lambda step: {"u": float(net.predict(data.x)[0, 0])}, loss=MSE())
    u, t = [row["u"] for row in ended.readings], lr * np.arange(steps + 1)
    exact = s / (1 + (s / u0 - 1) * np.exp(-2 * s * t))             # the paper's u(t), divided by e^(2st/tau): no overflow
    every = max(1, steps // 200)
    return {"t": t[::every].tolist(), "u": u[::every], "exact": exact[::every].tolist(),
            "worst": float(np.abs(np.subtract(u, exact)).max())}


@lru_cache(maxsize=2)
def reduced(data: str) -> tuple[Array, Array]:
    """Return few examples with the gradients of all: `projected` of the images and of one row of 0 and 1 for each class."""
    found = source(data)
    x, y = found.train or found.test
    x = x.astype(np.float64) / (255 if x.dtype == np.uint8 else 1)
    return projected(x, np.eye(found.classes)[y])


def projected(x: Array, y: Array) -> tuple[Array, Array]:
    """Return SV' and U'Y, both over sqrt(n), where X = USV' without the singular values that are 0.

    |XW - Y|² is |SV'W - U'Y|² and a part that no W changes: so the cost here is what is left above the best linear map.
    Directions that X does not have, such as the border of MNIST's images, would stay in the cost for ever.
    """
    u, s, v = np.linalg.svd(x, full_matrices=False)
    has, scale = s > np.finfo(np.float32).eps * s[0], np.sqrt(len(y))
    return (s[has, None] * v[has] / scale).astype(np.float32), (u[:, has].T @ y / scale).astype(np.float32)


def learned(*, data: str, init: str, depth: int, width: int, lr: float, steps: int, share: float, seed: int,
            digest: str | None = None, checkpoint: Path | None = None) -> dict[str, Any]:
    """Steps of gradient descent until a linear network with ``depth`` hidden layers has learned all but ``share``.

    The share is of the squared error that a linear map can take away. ``steps`` of the result is None where the steps did
    not suffice, or the cost ran away; ``left`` is the share that was left.
    """
    examples = Whole(*reduced(data))
    sizes = [examples.x.shape[1], *[width] * depth, examples.y.shape[1]]
    rngs = np.random.default_rng(seed).spawn(depth + 1)
    net = Sequential(*(Linear(inputs, outputs, bias=False, weight_init=initialization(init).initializer, rng=rng)
                       for (inputs, outputs), rng in zip(pairwise(sizes), rngs, strict=True)))
    zero = float(np.square(examples.y, dtype=np.float64).sum())

    def above() -> float:
        return float(np.square(net.predict(examples.x) - examples.y, dtype=np.float64).sum()) / zero

    limit = max(LIMIT, 2 * above())                                 # a network may begin at more than 10 times zero's cost
    ended = train(net, SGD(net.parameters(), lr=lr / 2), examples, steps, at=range(steps + 1), loss=MSE("sum"),
                  read=lambda step: {"left": above()}, until=lambda row: row["left"] <= share or not row["left"] < limit,
                  checkpoint=checkpoint)
    step, left = ended.readings[-1].values()
    return {"steps": step if left <= share else None, "left": left if np.isfinite(left) else None}


def activity(*, init: str, gain: float, depth: int, width: int, seed: int) -> dict[str, Any]:
    """rms of the output of each tanh layer, for Gaussian inputs of rms 1 and weights ``gain`` times those of ``init``."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES, width), dtype=np.float32)
    found = []
    for _ in range(depth):
        layer = Linear(width, width, bias=False, weight_init=initialization(init).initializer, rng=rng)
        layer.weight.data[...] *= gain
        x = Sequential(layer, Tanh()).predict(x)
        found.append(float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))))
    return {"rms": found}
