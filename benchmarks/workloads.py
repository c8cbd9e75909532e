"""The workloads: networks, with the data and the initial parameters that every library is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 1e-3                                                         # every library: v = momentum v + g; p = p - RATE v
EPS, BATCH_NORM_MOMENTUM, DROP = 1e-5, 0.1, 0.5
BATCHES = 16                                                        # batches of different examples, used in turn

FILTER = 3                                                          # height and width of filters; padding 1

Array = NDArray[np.float32]
Layer = int | str | tuple[str, int]


@dataclass(frozen=True)
class Workload:
    """A network and the size of its batches, float32.

    ``layers`` holds ints (a Linear with that many outputs and a bias), ``("conv", filters)`` (3 by 3, with biases and
    padding 1), ``("residual", units)`` (x + tanh of a Linear of x) and the names "tanh", "relu", "batchnorm", "dropout"
    (p = 0.5), "pool" (max pooling, 2 by 2) and "flatten".
    The cost is mean cross-entropy of logits; for a network with one output, binary cross-entropy of logits. It is minimized by
    SGD with this momentum; 0 is plain SGD, without velocities.
    """

    name: str
    shape: tuple[int, ...]                                          # of an example
    layers: tuple[Layer, ...]
    batch: int
    momentum: float = 0.9

    @classmethod
    def read(cls, shape: Sequence[int], layers: Sequence[Any], **others: Any) -> Workload:
        """Return a workload from its fields in JSON, which has no tuples."""
        return cls(shape=tuple(shape), layers=tuple(tuple(layer) if isinstance(layer, list) else layer for layer in layers),
                   **others)

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
        return (f"{self.name}: {'-'.join(map(str, ('x'.join(map(str, self.shape)), *layers)))}, batch {self.batch}"
                + ", plain SGD" * (not self.momentum))


def mlp(name: str, inputs: int, width: int, depth: int, outputs: int, activation: str, batch: int) -> Workload:
    """Return a network with ``depth`` hidden layers of ``width`` units."""
    return Workload(name, (inputs,), (*(width, activation) * depth, outputs), batch)


WORKLOADS = {workload.name: workload for workload in (
    mlp("W1", 2, 16, 2, 1, "tanh", 32),
    Workload("W2", (64,), (64, "relu", 32, "relu", 10), 32),
    mlp("W3", 784, 128, 1, 10, "relu", 64),
    mlp("W4-10", 784, 1000, 4, 10, "tanh", 10),                     # the networks of Glorot & Bengio 2010, on MNIST
    replace(mlp("W4-10 SGD", 784, 1000, 4, 10, "tanh", 10), momentum=0.0),
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
            case int(size) | ("residual", int(size)):
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


def direction(workload: Workload, of_output: bool = False) -> Array:
    """Return a random direction of a batch of inputs or, as a gradient, of outputs, (batch, *shape)."""
    shape = (workload.layers[-1],) if of_output else workload.shape
    return np.random.default_rng(1).standard_normal((workload.batch, *shape), dtype="float32")


@dataclass
class Step:
    """One library, ready for one kind of work on one problem: to train, to predict, or to differentiate.

    Attributes
    ----------
    run : function of the first row of a batch
        Makes a step on the batch ``x[row:row + batch]``. A training step is forward, mean cost, backward, gradients of the
        parameters, SGD. One call makes ``steps`` steps, on this batch and those that follow.
    values : function
        Returns what all libraries must compute alike, of the first step; called after one ``run(0)``. Of a training step they
        are the gradients, without dropout, in the order and the shapes of ``problem.parameters``. An empty list: nothing to
        compare.
    finish : function
        Waits until the work that ``run`` started is done.
    """

    run: Callable[[int], object]
    values: Callable[[], list[NDArray[np.float32]]]
    steps: int = 1
    finish: Callable[[], object] = lambda: None
