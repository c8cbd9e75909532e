"""The workloads: networks, with the data and the initial parameters that every library is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE, MOMENTUM = 1e-3, 0.9                                          # every library: v = 0.9 v + g; p = p - 0.001 v
EPS, BATCH_NORM_MOMENTUM, DROP = 1e-5, 0.1, 0.5
BATCHES = 16                                                        # batches of different examples, used in turn

FILTER = 3                                                          # height and width of filters; padding 1

Array = NDArray[np.float32]
Layer = int | str | tuple[str, int]


@dataclass(frozen=True)
class Workload:
    """A network and the size of its batches, float32.

    ``layers`` holds ints (a Linear with that many outputs and a bias), ``("conv", filters)`` (3 by 3, with biases and
    padding 1) and the names "tanh", "relu", "batchnorm", "dropout" (p = 0.5), "pool" (max pooling, 2 by 2) and "flatten".
    The cost is mean cross-entropy of logits; for a network with one output, binary cross-entropy of logits.
    """

    name: str
    shape: tuple[int, ...]                                          # of an example
    layers: tuple[Layer, ...]
    batch: int

    @classmethod
    def read(cls, name: str, shape: Sequence[int], layers: Sequence[Any], batch: int) -> Workload:
        """Return a workload from its fields in JSON, which has no tuples."""
        return cls(name, tuple(shape), tuple(tuple(layer) if isinstance(layer, list) else layer for layer in layers), batch)

    @property
    def binary(self) -> bool:
        return self.layers[-1] == 1

    def each(self) -> Iterator[tuple[Layer, tuple[int, ...]]]:
        """Yield the layers, each with the shape of an example at its input."""
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
    """Return a network with ``depth`` hidden layers of ``width`` units."""
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

    The parameters of a Linear are a weight (inputs, outputs) and a bias, those of a convolution a weight
    (channels, 3, 3, filters) and a bias, those of a BatchNorm its scale (1) and its shift (0).
    """

    x: Array                                                        # (BATCHES * batch, *shape)
    y: NDArray[np.int64]                                            # (BATCHES * batch,)
    parameters: list[Array]


def outputs_first(value: Array) -> Array:
    """Return a parameter in PyTorch's order of axes: (outputs, inputs), (filters, channels, 3, 3)."""
    return np.moveaxis(value, -1, 0)


def outputs_last(value: Array) -> Array:
    """Return a parameter or gradient of PyTorch in the order of axes of ``Problem``."""
    return np.moveaxis(value, 0, -1)


def problem(workload: Workload) -> Problem:
    """Return the problem of a workload; it is the same for every library."""
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
        Makes a training step on the batch ``x[row:row + batch]``: forward, mean cost, backward, gradients of the
        parameters, SGD with momentum. One call makes ``steps`` steps, on this batch and those that follow.
    gradients : function
        Returns the gradients of the first step, without dropout, in the order and the shapes of ``problem.parameters``;
        called after one ``run(0)``.
    finish : function
        Waits until the work that ``run`` started is done.
    """

    run: Callable[[int], object]
    gradients: Callable[[], list[NDArray[np.float32]]]
    steps: int = 1
    finish: Callable[[], object] = lambda: None
