"""What is timed: small networks, the data and the parameters that every library starts from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE, MOMENTUM = 1e-3, 0.9                                          # v = 0.9 v + g; p = p - 0.001 v, in every library
EPS, BATCH_NORM_MOMENTUM, DROP = 1e-5, 0.1, 0.5
BATCHES = 16                                                        # of different examples; steps take them in turn

FILTER = 3                                                          # pixels, in height and width; with one of zeros around

Array = NDArray[np.float32]
Layer = int | str | tuple[str, int]


@dataclass(frozen=True)
class Workload:
    """A network and the size of its batches, float32.

    ``layers`` holds ints (a Linear with that many outputs and a bias), ``("conv", filters)`` (3 by 3, with biases; the
    image keeps its size) and the names "tanh", "relu", "batchnorm", "dropout" (which drops half), "pool" (the largest of
    2 by 2) and "flatten". One output means binary cross-entropy of logits, more mean cross-entropy of logits.
    """

    name: str
    shape: tuple[int, ...]                                          # of an example
    layers: tuple[Layer, ...]
    batch: int

    @classmethod
    def read(cls, name: str, shape: Sequence[int], layers: Sequence[Any], batch: int) -> Workload:
        """From JSON, which has no tuples."""
        return cls(name, tuple(shape), tuple(tuple(layer) if isinstance(layer, list) else layer for layer in layers), batch)

    @property
    def binary(self) -> bool:
        return self.layers[-1] == 1

    def each(self) -> Iterator[tuple[Layer, tuple[int, ...]]]:
        """The layers, each with the shape of an example that it is given."""
        shape = self.shape
        for layer in self.layers:
            yield layer, shape
            match layer:
                case int(size):
                    shape = (size,)
                case "conv", filters:
                    shape = (filters, *shape[1:])
                case "pool":
                    shape = (shape[0], shape[1] // 2, shape[2] // 2)
                case "flatten":
                    shape = (math.prod(shape),)

    def __str__(self) -> str:
        layers = (layer if isinstance(layer, (int, str)) else f"{layer[0]}{layer[1]}" for layer in self.layers)
        return f"{self.name}: {'-'.join(map(str, ('x'.join(map(str, self.shape)), *layers)))}, batch {self.batch}"


def mlp(name: str, inputs: int, width: int, depth: int, outputs: int, activation: str, batch: int) -> Workload:
    """``depth`` hidden layers of ``width`` units."""
    return Workload(name, (inputs,), (*(width, activation) * depth, outputs), batch)


WORKLOADS = {workload.name: workload for workload in (
    mlp("W1", 2, 16, 2, 1, "tanh", 32),
    Workload("W2", (64,), (64, "relu", 32, "relu", 10), 32),
    mlp("W3", 784, 128, 1, 10, "relu", 64),
    mlp("W4-10", 784, 1000, 4, 10, "tanh", 10),                     # the networks of Glorot & Bengio 2010, on MNIST
    mlp("W4-128", 784, 1000, 4, 10, "tanh", 128),
    Workload("W5", (784,), (*(512, "batchnorm", "relu", "dropout") * 2, 10), 128),
    Workload("W6", (1, 28, 28), (("conv", 16), "relu", "pool", ("conv", 32), "relu", "pool", "flatten", 10), 32),
    Workload("W6s", (1, 8, 8), (("conv", 16), "relu", ("conv", 32), "relu", "pool", "flatten", 10), 32))}


class Problem(NamedTuple):
    """Examples, targets (0 or 1; or classes), and the parameters in the order of the layers.

    A Linear has a weight of shape (inputs, outputs) and a bias, a convolution one of shape (channels, 3, 3, filters) and a
    bias; a BatchNorm has its scale (1) and its shift (0).
    """

    x: Array                                                        # (BATCHES * batch, *shape)
    y: NDArray[np.int64]                                            # (BATCHES * batch,)
    parameters: list[Array]


def outputs_first(value: Array) -> Array:
    """A parameter as PyTorch has it: (outputs, inputs), (filters, channels, 3, 3)."""
    return np.moveaxis(value, -1, 0)


def outputs_last(value: Array) -> Array:
    """A parameter of PyTorch's, or its gradient, as in ``Problem``."""
    return np.moveaxis(value, 0, -1)


def problem(workload: Workload) -> Problem:
    """The same for every library."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCHES * workload.batch, *workload.shape), dtype="float32")
    y = rng.integers(2 if workload.binary else workload.layers[-1], size=len(x))
    parameters: list[Array] = []
    for layer, shape in workload.each():
        match layer:
            case int(size):
                sizes = *shape, size
            case "conv", size:
                sizes = shape[0], FILTER, FILTER, size
            case "batchnorm":
                parameters += [np.ones(shape, "float32"), np.zeros(shape, "float32")]
                continue
            case _:
                continue
        pixels = math.prod(sizes[1:-1])
        bound = np.sqrt(6 / (pixels * (sizes[0] + size)))
        parameters += [rng.uniform(-bound, bound, sizes).astype("float32"), rng.uniform(-0.1, 0.1, size).astype("float32")]
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
