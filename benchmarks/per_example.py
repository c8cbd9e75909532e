"""``python -m benchmarks.per_example``: gradients of all examples of a batch in one call, relative to a loop over examples.

Prints medians of ratios of interleaved runs, with one thread, in float32, for batches of 64. retroprop must be installed.
The loop is as fast as the three phases allow: its Sequential has a plan for a batch of one, it computes no input gradient,
and it copies each gradient into an existing array.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import NamedTuple

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"                                      # before NumPy is loaded

import numpy as np  # noqa: E402

import retroprop as rp  # noqa: E402
from benchmarks.turns import in_turns, ratio  # noqa: E402

BATCH = 64
TOLERANCE = 1e-5                                                    # relative to the largest gradient


class Aim(NamedTuple):
    """A network, and the least factors by which the gradients, and the norms alone, must be faster than the loop."""

    sizes: tuple[int, ...]
    gradients: float
    norms: float
    rounds: int


AIMS = (Aim((64, 32, 10), 5, 8, 200), Aim((784, 128, 10), 1.5, 8, 40))


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


def compared(aim: Aim) -> bool:
    """Print the times for one network, and return whether the factors reach their aims."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((BATCH, aim.sizes[0]), "float32"), rng.integers(aim.sizes[-1], size=BATCH)
    net, loss = network(aim.sizes), rp.CrossEntropy()
    loop = looped(network(aim.sizes), rp.CrossEntropy(), x, y)
    expected, computed = loop(), rp.per_example_gradients(net, loss, x, y)
    error = max(np.abs(computed[name] - rows).max() / np.abs(rows).max() for name, rows in expected.items())
    if not error < TOLERANCE:
        sys.exit(f"the gradients differ by {error:.1e} of the largest")
    del computed
    times = in_turns({"loop": loop, "gradients": lambda: rp.per_example_gradients(net, loss, x, y),
                      "norms": lambda: rp.per_example_norms(net, loss, x, y)}, aim.rounds)
    print(f"{'-'.join(map(str, aim.sizes))}, batch {BATCH}: a loop of single examples takes {median(times['loop']):.0f} us")
    reached = True
    for what, least in (("gradients", aim.gradients), ("norms", aim.norms)):
        factor = ratio(times, "loop", what)
        reached &= factor >= least
        print(f"    {what:12}{median(times[what]):10.0f} us{factor:8.1f} times as fast (at least {least:g})")
    return reached


if __name__ == "__main__":
    reached = [compared(aim) for aim in AIMS]
    sys.exit(0 if all(reached) else "a factor is below its aim: is the machine busy?")
