"""What is timed: small networks, the data and the parameters that every library starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE, MOMENTUM = 1e-3, 0.9                                          # v = 0.9 v + g; p = p - 0.001 v, in every library
EPS, BATCH_NORM_MOMENTUM, DROP = 1e-5, 0.1, 0.5
BATCHES = 16                                                        # of different examples; steps take them in turn

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Workload:
    """A network and the size of its batches, float32.

    ``layers`` holds ints (a Linear with that many outputs and a bias) and the names "tanh", "relu", "batchnorm" and
    "dropout" (which drops half). One output means binary cross-entropy of logits, more mean cross-entropy of logits.
    """

    name: str
    inputs: int
    layers: tuple[int | str, ...]
    batch: int

    @property
    def binary(self) -> bool:
        return self.layers[-1] == 1

    def __str__(self) -> str:
        return f"{self.name}: {'-'.join(map(str, (self.inputs, *self.layers)))}, batch {self.batch}"


def mlp(name: str, inputs: int, width: int, depth: int, outputs: int, activation: str, batch: int) -> Workload:
    """``depth`` hidden layers of ``width`` units."""
    return Workload(name, inputs, (*(width, activation) * depth, outputs), batch)


WORKLOADS = {workload.name: workload for workload in (
    mlp("W1", 2, 16, 2, 1, "tanh", 32),
    Workload("W2", 64, (64, "relu", 32, "relu", 10), 32),
    mlp("W3", 784, 128, 1, 10, "relu", 64),
    mlp("W4-10", 784, 1000, 4, 10, "tanh", 10),                     # the networks of Glorot & Bengio 2010, on MNIST
    mlp("W4-128", 784, 1000, 4, 10, "tanh", 128),
    Workload("W5", 784, (*(512, "batchnorm", "relu", "dropout") * 2, 10), 128))}


class Problem(NamedTuple):
    """Examples, targets (0 or 1; or classes), and the parameters in the order of the layers.

    A Linear has a weight of shape (inputs, outputs) and a bias; a BatchNorm has its scale (1) and its shift (0).
    """

    x: Array                                                        # (BATCHES * batch, inputs)
    y: NDArray[np.int64]                                            # (BATCHES * batch,)
    parameters: list[Array]


def problem(workload: Workload) -> Problem:
    """The same for every library."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCHES * workload.batch, workload.inputs), dtype="float32")
    y = rng.integers(2 if workload.binary else workload.layers[-1], size=len(x))
    parameters: list[Array] = []
    size = workload.inputs
    for layer in workload.layers:
        if isinstance(layer, int):
            bound = np.sqrt(6 / (size + layer))
            parameters += [rng.uniform(-bound, bound, (size, layer)).astype("float32"),
                           rng.uniform(-0.1, 0.1, layer).astype("float32")]
            size = layer
        elif layer == "batchnorm":
            parameters += [np.ones(size, "float32"), np.zeros(size, "float32")]
    return Problem(x, y, parameters)


@dataclass
class Step:
    """One library, ready to train on one problem.

    Attributes
    ----------
    run : function of the first row of a batch
        Takes the batch ``x[row:row + batch]`` and makes one step (``steps`` of them in a row, where a library is asked
        for more in one call): forward, mean cost, backward, gradients of the parameters, SGD with momentum.
    gradients : function
        Called after one ``run(0)`` from the parameters of the problem, with dropout off: the gradients that it took, as
        arrays in the order and the shapes of ``problem.parameters``.
    finish : function
        Waits for work that ``run`` only started.
    """

    run: Callable[[int], object]
    gradients: Callable[[], list[NDArray[np.float32]]]
    steps: int = 1
    finish: Callable[[], object] = lambda: None
