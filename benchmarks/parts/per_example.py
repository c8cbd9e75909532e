"""Gradients of all examples of a batch in one call, beside a loop over the examples.

They run by turns in one process. The loop is as fast as the three phases allow: its Sequential has a plan for a batch of one,
it computes no input gradient, and it copies each gradient into an existing array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

import numpy as np

import retroprop as rp

from ..alone import in_a_process
from ..contest import summary
from ..settings import Settings
from ..tables import Row, inverse, multiple, table
from ..turns import in_turns, timed

BATCH = 64
TOLERANCE = 1e-5                                                    # relative to the largest gradient
NETWORKS = {(64, 32, 10): 200, (784, 128, 10): 40}                  # sizes, and rounds
CALLS = {"gradients": "`per_example_gradients`", "norms": "`per_example_norms`"}


def measure(settings: Settings) -> list[Row]:
    rows = in_a_process("per-example", settings.quick)
    for row in rows:
        print(f"    {row['network']}: {row['call']} {multiple(row['speed'])} times as fast as a loop")
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    names = list(dict.fromkeys(row["network"] for row in rows))
    speeds = {(row["network"], row["call"]): row["speed"] for row in rows}
    return {"per example": table([f"speed at batch {BATCH}, relative to a loop over the examples", *names], (
        [text, *(multiple(speeds[name, call]) for name in names)] for call, text in CALLS.items()))}


# ------------------------------------------------------------------ in the process


def alone(quick: bool) -> list[Row]:
    return [row for sizes, rounds in NETWORKS.items() for row in compared(sizes, 3 if quick else rounds)]


def network(sizes: tuple[int, ...]) -> rp.Sequential:
    """Return Linear layers with ReLU between them."""
    modules: list[rp.Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        modules += [rp.Linear(inputs, outputs, rng=k), rp.ReLU()]
    return rp.Sequential(*modules[:-1])


def looped(net: rp.Sequential, loss: rp.Loss, x: np.ndarray, y: np.ndarray) -> Callable[[], dict[str, np.ndarray]]:
    """Return a function that computes each example's gradients by the three phases, divided by the number of examples."""
    parameters = net.named_parameters()
    gradients = {name: np.zeros((len(x), *parameter.shape), "float32") for name, parameter in parameters}
    pairs = [(parameter, gradients[name]) for name, parameter in parameters]
    share = np.array(1 / len(x), "float32")

    def run() -> dict[str, np.ndarray]:
        for i in range(len(x)):
            loss.forward(net.forward(x[i:i + 1]), y[i:i + 1])
            g = loss.backward()
            g *= share
            net.backward(g, input_gradient=False)
            net.update()
            for parameter, rows in pairs:
                rows[i] = parameter.grad
        return gradients

    return run


def compared(sizes: tuple[int, ...], rounds: int) -> list[Row]:
    """Return the speeds for one network; SystemExit if the two ways differ."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((BATCH, sizes[0]), "float32"), rng.integers(sizes[-1], size=BATCH)
    net, loss = network(sizes), rp.CrossEntropy()
    loop = looped(network(sizes), rp.CrossEntropy(), x, y)
    expected, computed = loop(), rp.per_example_gradients(net, loss, x, y)
    error = max(np.abs(computed[name] - rows).max() / np.abs(rows).max() for name, rows in expected.items())
    if not error < TOLERANCE:
        sys.exit(f"the gradients differ by {error:.1e} of the largest")
    del computed
    times = in_turns({"loop": timed(loop), "gradients": timed(lambda: rp.per_example_gradients(net, loss, x, y)),
                      "norms": timed(lambda: rp.per_example_norms(net, loss, x, y))}, rounds)
    rows = [{"network": "-".join(map(str, sizes)), "call": call, **summary(times, call, "loop")} for call in CALLS]
    return [row | {"speed": inverse(row["ratio"])} for row in rows]
