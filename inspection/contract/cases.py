"""The cases of the library: every module and loss, each with an input to try it on.

Sizes are unequal (batch 5, in 3, out 4), so that a wrong transpose does not fit. Numbers are seeded. No parameter has a
value that would hide a missing factor or term, and no input is within 0.02 of a kink.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import losses, modules
from ...arguments import Array
from ...modules import Linear, Module
from ...modules.core.values import Value

SHAPE = (5, 3)


class Case(NamedTuple):
    """A module with an input, and a target if it is a loss; ``build`` returns a new module each time."""

    name: str
    build: Callable[[], Any]
    x: Value
    target: Any = None

    def __str__(self) -> str:
        return self.name

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The arguments of ``forward``."""
        return (self.x,) if self.target is None else (self.x, self.target)


def numbers(*shape: int, kinks: Sequence[float] = (), seed: int = 2018) -> Array:
    """Return numbers from N(0, 1.5²), at least 0.02 away from each kink."""
    x = np.random.default_rng(seed).normal(0, 1.5, shape)
    for kink in kinks:
        x += np.where(np.abs(x - kink) < 0.02, 0.04, 0)
    return x


def stirred(module: Any, seed: int = 8) -> Any:
    """Move all parameters and buffers away from 0 and 1, and return the module."""
    rng = np.random.default_rng(seed)
    for name, array in [(name, parameter.data) for name, parameter in module.named_parameters()] + module.named_buffers():
        moved = array + rng.uniform(0.2, 0.9, array.shape)
        array[...] = np.abs(moved) if name.endswith("var") else moved
    return module


def case(build: Callable[[], Any], x: Value | None = None, target: Any = None, name: str | None = None) -> Case:
    """Return a case, by default named by its repr, with one array of numbers as input."""
    return Case(name or repr(build()), build, numbers(*SHAPE) if x is None else x, target)


def tied() -> tuple[Linear, Linear]:
    """Return two Linears that share a weight."""
    first, second = Linear(3, 3, rng=1), Linear(3, 3, rng=2)
    second.weight = first.weight
    return first, second


def linear_chain() -> Module:
    """Return a chain of most kinds of module."""
    return modules.Sequential(Linear(3, 4, rng=1), modules.BatchNorm(4), modules.ReLU(), modules.Dropout(0.3, rng=3),
                              Linear(4, 2, rng=2))


def diamond() -> Module:
    """Return a graph with fan-out, fan-in, a nested Sequential and a shared Parameter; its nodes are unordered."""
    first, second = tied()
    return modules.Graph({
        "sum": (modules.Add(), "left", "right", "x"),
        "left": (first, "x"),
        "right": (modules.Sequential(modules.Tanh(), second, modules.ReLU()), "left"),
        "gate": (modules.Sigmoid(), "sum"),
        "y": (modules.Multiply(), "gate", "sum"),
    }, inputs="x", outputs="y")


def images() -> Module:
    """Return a convolutional net, inside which arrays lie batch last in memory."""
    return modules.Sequential(modules.Conv2d(2, 3, 3, padding=1, rng=1), modules.BatchNorm(3), modules.Softplus(),
                              modules.MaxPool2d(2), modules.Conv2d(3, 2, (1, 2), rng=2), modules.Dropout(0.3, rng=3),
                              modules.Upsample2d(2), modules.AvgPool2d(2, 1), modules.Flatten(), Linear(10, 2, rng=4))


def words() -> Module:
    """Return a network of integers, which reads sequences of words."""
    return modules.Sequential(modules.Embedding(7, 3, padding_idx=2, rng=1), modules.Tanh(), modules.Flatten(),
                              Linear(12, 2, rng=2))


SMALL_IMAGES = numbers(5, 3, 2, 2)
IMAGES = numbers(3, 2, 6, 4)
PAIR = (numbers(*SHAPE), numbers(*SHAPE, seed=7))
UNEQUAL = (numbers(5, 3), numbers(5, 2, seed=7))
WORDS = np.random.default_rng(3).integers(7, size=(5, 4))

MODULES = (
    case(lambda: stirred(Linear(3, 4, rng=0))),
    case(lambda: modules.Identity()),
    case(lambda: modules.Sigmoid()),
    case(lambda: modules.Tanh()),
    case(lambda: modules.ReLU(), numbers(*SHAPE, kinks=[0])),
    case(lambda: modules.LeakyReLU(0.2), numbers(*SHAPE, kinks=[0])),
    case(lambda: modules.ELU(0.7), numbers(*SHAPE, kinks=[0])),
    case(lambda: modules.GELU()),
    case(lambda: modules.SiLU()),
    case(lambda: modules.Softplus()),
    case(lambda: modules.Softsign(), numbers(*SHAPE, kinks=[0])),
    case(lambda: modules.HardTanh(), numbers(*SHAPE, kinks=[-1, 1])),
    case(lambda: modules.Softmax()),
    case(lambda: modules.LogSoftmax()),
    case(lambda: modules.Dropout(0.4, rng=4)),
    case(lambda: stirred(modules.BatchNorm(3))),
    case(lambda: stirred(modules.LayerNorm(3))),
    case(lambda: stirred(modules.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=1, rng=0)), IMAGES),
    case(lambda: modules.MaxPool2d(2), IMAGES),
    case(lambda: modules.AvgPool2d(3, 2, 1), IMAGES),
    case(lambda: modules.GlobalAvgPool2d(), IMAGES),
    case(lambda: modules.Upsample2d((2, 3)), SMALL_IMAGES),
    case(lambda: modules.Flatten(), SMALL_IMAGES),
    case(lambda: modules.Reshape(2, -1), SMALL_IMAGES),
    case(lambda: stirred(modules.Embedding(7, 3, rng=0)), WORDS),
    case(lambda: modules.Add(), PAIR),
    case(lambda: modules.Multiply(), PAIR),
    case(lambda: modules.Concat(), UNEQUAL),
    case(lambda: modules.Function(np.sin, np.cos)),
    case(lambda: stirred(linear_chain()), name="Sequential"),
    case(lambda: stirred(images()), IMAGES, name="Sequential of images"),
    case(lambda: stirred(words()), WORDS, name="Sequential of words"),
    case(lambda: stirred(diamond()), name="Graph"),
    case(lambda: stirred(modules.Residual(Linear(3, 4, rng=1), modules.Tanh(), Linear(4, 3, rng=2))), name="Residual"),
)

CLASSES, WEIGHTS = np.array([0, 2, 1, 1, 0]), [0.5, 2, 1.5]
VALUES = numbers(*SHAPE, seed=11)
APART = VALUES + numbers(*SHAPE, kinks=[0, -1, 1])                  # away from VALUES, and from the kinks of L1 and Huber
SIGNS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]])
P = np.random.default_rng(5).uniform(0.05, 0.95, SHAPE)

LOSSES = (
    case(lambda: losses.BCE(), P, SIGNS),
    case(lambda: losses.BCEWithLogits(), None, SIGNS),
    case(lambda: losses.CrossEntropy(WEIGHTS), None, CLASSES),
    case(lambda: losses.NLL(WEIGHTS), None, CLASSES),
    case(lambda: losses.MSE(), APART, VALUES),
    case(lambda: losses.L1(), APART, VALUES),
    case(lambda: losses.Huber(1), APART, VALUES),
    case(lambda: losses.Hinge(), numbers(*SHAPE, kinks=[-1, 1]), SIGNS),
)
