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
from ...lab.data import DIGITS, source
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
    first, second = net.parameters()
    for parameter in (first, second):
        parameter.data[...] = np.sqrt(u0)
    data = Whole(np.ones((1, 1)), np.full((1, 1), s))
    ended = train(net, SGD(net.parameters(), lr=lr / 2), data, steps, at=range(steps + 1),     # the MSE has twice the gradient
                  read=lambda step: {"u": first.data.item() * second.data.item()}, loss=MSE())  # what predict gives for 1
    u, t = [row["u"] for row in ended.readings], lr * np.arange(steps + 1)
    exact = s / (1 + (s / u0 - 1) * np.exp(-2 * s * t))             # the paper's u(t), divided by e^(2st/tau): no overflow
    every = max(1, steps // 200)
    return {"t": t[::every].tolist(), "u": u[::every], "exact": exact[::every].tolist(),
            "worst": float(np.abs(np.subtract(u, exact)).max())}


@lru_cache(maxsize=8)
def reduced(data: str, seed: int = 0) -> tuple[Array, Array]:
    """Return few examples with the gradients of all: `projected` of the images and of one row of 0 and 1 for each class.

    They stand for the training part of the seed.
    """
    found = source(data, seed)
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


def examples_of(data: str, seed: int) -> tuple[Array, Array]:
    """`reduced`; files have one training part, which is reduced once for all seeds."""
    return reduced(data, seed if data in DIGITS else 0)


def decoupled(*, data: str, layers: int, u0: float, rates: Sequence[float], steps: int, share: float, seed: int,
              digest: str | None = None) -> dict[str, Any]:
    """Gradient descent of a linear network from a decoupled start, on whitened inputs (the paper's figure 4).

    Each mode is then a chain of ``layers`` - 1 weights a, equal at the start and always, whose product u goes from ``u0`` to
    the mode's singular value s of the correlation between whitened inputs and outputs: a is changed by
    ``-lr`` (u - s) u / a. ``steps`` of the result has, for each learning rate, the steps until all but ``share`` of the
    squared error is learned, for good; None where they did not suffice, or the cost ran away. ``strengths`` are the s.
    """
    s = np.linalg.svd(examples_of(data, seed)[1].astype(float), compute_uv=False)
    count, lr = layers - 1, np.array(rates)[:, None]
    a, needed = np.full((len(rates), len(s)), u0 ** (1 / count)), np.zeros(len(rates), int)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            u = a**count
            learned = np.square(u - s).sum(1) <= share * np.square(s).sum()
            needed[~learned] = step + 1
            a -= lr * (u - s) * a ** (count - 1)
    return {"strengths": s.tolist(), "steps": [int(step) if step <= steps else None for step in needed]}


def learned(*, data: str, init: str, layers: int, width: int, lr: float, steps: int, share: float, seed: int,
            digest: str | None = None, checkpoint: Path | None = None) -> dict[str, Any]:
    """Steps of gradient descent until a linear network with ``layers`` - 2 hidden layers has learned all but ``share``.

    The share is of the squared error that a linear map can take away. ``steps`` of the result is None where the steps did
    not suffice, or the cost ran away; ``left`` is the share that was left.
    """
    examples = Whole(*examples_of(data, seed))
    sizes = [examples.x.shape[1], *[width] * (layers - 2), examples.y.shape[1]]
    rngs = np.random.default_rng(seed).spawn(layers - 1)
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
