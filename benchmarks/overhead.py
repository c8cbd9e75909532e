"""``python -m benchmarks.overhead``: time of a Graph and of a Sequential that was on a tape, relative to a plain Sequential.

The same chain of modules is trained in three forms: as a Sequential, as a Graph, and as a Sequential that a tape has once
recorded. Prints medians of ratios of interleaved runs of whole training steps, with one thread, in float32. retroprop must
be installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from statistics import median

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"                                      # before NumPy is loaded

import numpy as np  # noqa: E402

import retroprop as rp  # noqa: E402
from benchmarks.turns import in_turns, ratio  # noqa: E402

STEPS, ROUNDS = 200, 100
LIMIT, NOISE = 1.1, 1.03                                            # the largest ratios: of Graph, and of the same code


def layers(sizes: tuple[int, ...]) -> list[rp.Module]:
    """Return Linear layers with tanh between them; each call gives the same weights."""
    modules: list[rp.Module] = []
    for k in range(len(sizes) - 1):
        modules += [rp.Linear(sizes[k], sizes[k + 1], rng=k), rp.Tanh()]
    return modules[:-1]


def chain(modules: list[rp.Module]) -> rp.Graph:
    """Return a graph with the modules as a chain of nodes."""
    return rp.Graph({f"n{k}": (module, f"n{k - 1}" if k else "x") for k, module in enumerate(modules)}, inputs="x",
                    outputs=f"n{len(modules) - 1}")


def training(net: rp.Module, x: np.ndarray, y: np.ndarray, input_gradient: bool) -> Callable[[], None]:
    """Return a function that makes ``STEPS`` training steps."""
    loss, sgd = rp.BCEWithLogits(), rp.SGD(net.parameters(), lr=1e-3, momentum=0.9)

    def run() -> None:
        for _ in range(STEPS):
            loss.forward(net.forward(x), y)
            net.backward(loss.backward(), input_gradient=input_gradient)
            net.update()
            sgd.step()

    return run


def compared(sizes: tuple[int, ...], batch: int) -> bool:
    """Print the ratios for one network, and return whether they are within their limits."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((batch, sizes[0]), "float32"), rng.integers(2, size=(batch, sizes[-1])).astype("float32")
    taped = rp.Sequential(*layers(sizes))
    with rp.tape(taped):
        taped.backward(np.ones_like(taped.forward(x)))
    print(f"{'-'.join(map(str, sizes))}, batch {batch}")
    within = True
    for input_gradient in (False, True):
        times = in_turns({"Sequential": training(rp.Sequential(*layers(sizes)), x, y, input_gradient),
                          "Graph": training(chain(layers(sizes)), x, y, input_gradient),
                          "after a tape": training(taped, x, y, input_gradient)}, ROUNDS)
        for name, limit in (("Graph", LIMIT), ("after a tape", NOISE)):
            times_as_long = ratio(times, name, "Sequential")
            within &= times_as_long <= limit
            print(f"    {name:14}{median(times[name]) / STEPS:8.1f} us a step, {times_as_long:.3f} times Sequential "
                  f"(at most {limit:g}){', with the input gradient' if input_gradient else ''}")
    return within


if __name__ == "__main__":
    within = [compared((2, 16, 16, 1), 32), compared((64, 64, 32, 10), 32)]
    sys.exit(0 if all(within) else "a ratio is above its limit: is the machine busy?")
