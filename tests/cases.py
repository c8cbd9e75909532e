"""One row for each module and loss of the library: how it is built, and an input that its laws are tried on.

Sizes are unequal (batch 5, in 3, out 4), so that a wrong transpose cannot fit; numbers are seeded, no parameter is at a
value that would hide a factor or a term, and no input is within 0.02 of a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import retroprop as rp

SHAPE = (5, 3)


class Case(NamedTuple):
    """A module with an input, and for a loss a target; ``build`` returns a new module each time."""

    name: str
    build: Callable[[], Any]
    x: np.ndarray
    target: Any = None

    def __str__(self):
        return self.name

    @property
    def inputs(self):
        return (self.x,) if self.target is None else (self.x, self.target)


def numbers(*shape, kinks=(), seed=2018):
    """From N(0, 1.5²), at least 0.02 from each kink."""
    x = np.random.default_rng(seed).normal(0, 1.5, shape)
    for kink in kinks:
        x += np.where(np.abs(x - kink) < 0.02, 0.04, 0)
    return x


def stirred(module, seed=8):
    """The module, its parameters and buffers away from 0 and 1."""
    rng = np.random.default_rng(seed)
    state = module.state_dict()
    module.load_state_dict({name: np.abs(a + rng.uniform(0.2, 0.9, a.shape)) if name.endswith("var")
                            else a + rng.uniform(0.2, 0.9, a.shape) for name, a in state.items()})
    return module


class Affine(rp.Module):
    """A module as a user writes it: no ``out``, no ``output_shape``, one parameter."""

    def __init__(self, features):
        self.features = features
        self.scale = rp.Parameter(np.linspace(0.5, 2, features), "scale")

    def forward(self, x):
        self.point = x
        return x * self.scale.data

    def backward(self, g):
        return g * self.scale.data

    def update(self):
        self.scale.grad = (self.gradient * self.point).sum(0)

    def example_gradients(self):
        return {"scale": self.gradient * self.point}


class Square(rp.Module):
    """A mistake: the slope of x² without its 2."""

    def forward(self, x):
        self.point = x
        return x * x

    def backward(self, g):
        return g * self.point


class Residual(rp.Module):
    """A composite as a user writes it: y = x + inner(x), with modules inside modules."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        self.point = None
        return x + self.inner.forward(x)

    def backward(self, g):
        return g + self.inner.backward(g)


class Both(rp.Module):
    """A composite as a user writes it: one module after the other."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, x):
        self.point = None
        return self.second.forward(self.first.forward(x))

    def backward(self, g):
        return self.first.backward(self.second.backward(g))


def tied():
    """Two Linears on one weight."""
    first, second = rp.Linear(3, 3, rng=1), rp.Linear(3, 3, rng=2)
    second.weight = first.weight
    return first, second


def shared():
    first, second = tied()
    return rp.Sequential(first, rp.Tanh(), second)


def linear_chain():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.ReLU(), rp.Dropout(0.3, rng=3),
                         rp.Linear(4, 2, rng=2))


def nested():
    return rp.Sequential(rp.Sequential(rp.Tanh(), rp.Linear(3, 4, rng=1)), rp.Sigmoid(),
                         rp.Sequential(rp.Sequential(rp.Linear(4, 2, rng=2), rp.Softmax())))


def deep():
    return rp.Sequential(rp.Linear(3, 4, rng=1), Residual(rp.Sequential(rp.Linear(4, 4, rng=2), rp.SiLU())), Affine(4))


def row(build, x=None, target=None, name=None):
    return Case(name or repr(build()), build, numbers(*SHAPE) if x is None else x, target)


def squashed(x, y):
    return np.tanh(x) * y


def squashed_by_x(x, y):
    return (1 - np.tanh(x) ** 2) * y


def squashed_by_y(x, y):
    return np.tanh(x)


def diamond():
    """Fan-out, fan-in, a nested Sequential, a shared Parameter, nodes written in another order than data pass."""
    first, second = tied()
    return rp.Graph({
        "sum": (rp.Add(), "left", "right", "x"),
        "left": (first, "x"),
        "right": (rp.Sequential(rp.Tanh(), second, rp.ReLU()), "left"),
        "gate": (rp.Sigmoid(), "sum"),
        "y": (rp.Multiply(), "gate", "sum"),
    }, inputs="x", outputs="y")


def two_by_two():
    """Two inputs, two outputs, one of which another node reads."""
    return rp.Graph({
        "h": (rp.Linear(3, 4, rng=1), "a"),
        "both": (rp.Concat(), "h", "b"),
        "y": (rp.Linear(6, 2, rng=2), "both"),
        "z": (rp.Function(squashed, squashed_by_x, squashed_by_y), "y", "b"),
    }, inputs=("a", "b"), outputs=("y", "z"))


def split_and_joined():
    """A Sequential between whose modules two arrays pass."""
    return rp.Sequential(rp.Graph({"h": (rp.Linear(3, 4, rng=1), "x"), "s": (rp.Softmax(), "h"), "t": (rp.Softplus(), "h")},
                                  inputs="x", outputs=("s", "t")), rp.Multiply(), rp.Linear(4, 2, rng=2))


def chain():
    return rp.Graph({"0": (rp.Linear(3, 4, rng=1), "x"), "1": (rp.BatchNorm(4), "0"), "2": (rp.ReLU(), "1"),
                     "3": (rp.Dropout(0.3, rng=3), "2"), "4": (rp.Linear(4, 2, rng=2), "3")}, inputs="x", outputs="4")


IMAGES = numbers(5, 3, 2, 2)
PAIR = (numbers(*SHAPE), numbers(*SHAPE, seed=7))
TRIPLE = (*PAIR, numbers(*SHAPE, seed=9))
UNEQUAL = (numbers(5, 3), numbers(5, 2, seed=7))
MODULES = [
    row(lambda: stirred(rp.Linear(3, 4, rng=0))),
    row(lambda: rp.Linear(3, 4, bias=False, rng=0)),
    row(lambda: stirred(rp.Linear(3, 3, rng=0)), name="square Linear"),
    row(lambda: stirred(rp.Linear(3, 4, rng=0, dtype="float64")), name="Linear in float64"),
    row(lambda: stirred(rp.Linear(3, 4, rng=0)), numbers(5, 2, 3), name="Linear on 3 axes"),
    row(lambda: stirred(tied()[1]), name="Linear with another's weight"),
    row(lambda: stirred(tied()[1]), numbers(5, 2, 3), name="Linear with another's weight on 3 axes"),
    row(lambda: rp.Identity()),
    row(lambda: rp.Sigmoid()),
    row(lambda: rp.Tanh()),
    row(lambda: rp.ReLU(), numbers(*SHAPE, kinks=[0])),
    row(lambda: rp.LeakyReLU(0.2), numbers(*SHAPE, kinks=[0])),
    row(lambda: rp.ELU(), numbers(*SHAPE, kinks=[0])),
    row(lambda: rp.ELU(0.7), numbers(*SHAPE, kinks=[0])),
    row(lambda: rp.GELU()),
    row(lambda: rp.SiLU()),
    row(lambda: rp.Softplus()),
    row(lambda: rp.Softsign(), numbers(*SHAPE, kinks=[0])),
    row(lambda: rp.HardTanh(), numbers(*SHAPE, kinks=[-1, 1])),
    row(lambda: rp.Softmax()),
    row(lambda: rp.Softmax(), numbers(5, 2, 3), name="Softmax on 3 axes"),
    row(lambda: rp.LogSoftmax()),
    row(lambda: rp.Dropout(0.4, rng=4)),
    row(lambda: stirred(rp.BatchNorm(3))),
    row(lambda: stirred(rp.BatchNorm(3)), IMAGES, name="BatchNorm of images"),
    row(lambda: stirred(rp.LayerNorm(3))),
    row(lambda: stirred(rp.LayerNorm(3)), numbers(5, 2, 3), name="LayerNorm on 3 axes"),
    row(lambda: rp.Add(), PAIR),
    row(lambda: rp.Add(), TRIPLE, name="Add of three"),
    row(lambda: rp.Multiply(), PAIR),
    row(lambda: rp.Multiply(), TRIPLE, name="Multiply of three"),
    row(lambda: rp.Concat(), UNEQUAL),
    row(lambda: rp.Concat(1), (IMAGES, numbers(5, 4, 2, 2), IMAGES), name="Concat of images"),
    row(lambda: rp.Function(np.sin, np.cos)),
    row(lambda: rp.Function(squashed, squashed_by_x, squashed_by_y), PAIR),
    row(lambda: rp.Function(lambda x: x**3, lambda x: 3 * x**2), name="Function of lambdas"),
    row(lambda: stirred(diamond()), numbers(*SHAPE), name="Graph with fan-out, fan-in and a shared Parameter"),
    row(lambda: stirred(two_by_two()), UNEQUAL, name="Graph of two inputs and two outputs"),
    row(lambda: stirred(split_and_joined()), name="Sequential with two arrays between its modules"),
    row(lambda: stirred(chain()), name="Graph that is a chain"),
    row(lambda: rp.Sequential(stirred(diamond()), rp.Linear(3, 2, rng=4)), name="Graph in a Sequential"),
    row(lambda: rp.Flatten(), IMAGES),
    row(lambda: rp.Reshape(2, -1), IMAGES),
    row(lambda: stirred(linear_chain()), name="Sequential"),
    row(lambda: rp.Sequential(rp.Sigmoid()), name="Sequential of one"),
    row(lambda: stirred(nested()), name="nested Sequential"),
    row(shared, name="Sequential with a shared Parameter"),
    row(deep, name="Sequential of a user's modules"),
    row(lambda: Affine(3)),
    row(lambda: Residual(stirred(rp.Linear(3, 3, rng=5))), name="a user's composite"),
    row(lambda: Both(*tied()), name="a user's composite with a shared Parameter"),
]

CLASSES, WEIGHTS = np.array([0, 2, 1, 1, 0]), [0.5, 2, 1.5]
PROBABILITIES = np.random.default_rng(3).dirichlet(np.ones(3), 5)
VALUES = numbers(*SHAPE, seed=11)
APART = VALUES + numbers(*SHAPE, kinks=[0, -1, 1])                  # from VALUES, and from the kinks of L1 and Huber
SIGNS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]])
P = np.random.default_rng(5).uniform(0.05, 0.95, SHAPE)

LOSSES = [
    *(row(lambda kind=kind, r=r: kind(reduction=r), APART, VALUES)
      for kind in (rp.MSE, rp.L1) for r in ("mean", "sum", "none")),
    *(row(lambda r=r: rp.Huber(1, reduction=r), APART, VALUES) for r in ("mean", "sum", "none")),
    row(lambda: rp.Huber(0.5), VALUES + numbers(*SHAPE, kinks=[0.5, -0.5]), VALUES),
    *(row(lambda r=r: rp.BCE(r), P, SIGNS) for r in ("mean", "sum", "none")),
    row(lambda: rp.BCE(), P, PROBABILITIES, name="BCE of probabilities"),
    *(row(lambda r=r: rp.BCEWithLogits(r), None, SIGNS) for r in ("mean", "sum", "none")),
    row(lambda: rp.BCEWithLogits(), None, PROBABILITIES, name="BCEWithLogits of probabilities"),
    row(lambda: rp.BCEWithLogits(), numbers(5, 1), SIGNS[:, 0], name="BCEWithLogits of (N, 1) and (N,)"),
    *(row(lambda r=r: rp.Hinge(r), numbers(*SHAPE, kinks=[-1, 1]), SIGNS) for r in ("mean", "sum", "none")),
    *(row(lambda kind=kind, w=w, r=r: kind(w, r), None, CLASSES)
      for kind in (rp.NLL, rp.CrossEntropy) for w in (None, WEIGHTS) for r in ("mean", "sum", "none")),
    *(row(lambda w=w: rp.CrossEntropy(w), None, PROBABILITIES, name=f"CrossEntropy of probabilities, weight={w}")
      for w in (None, WEIGHTS)),
]
