"""Cases for the tests that run over all modules and losses: those of the library, and further ones.

Further cases have other shapes and options, modules as users write them, and containers of every kind.
"""

from itertools import product

import numpy as np

import retroprop as rp
from retroprop.inspection.contract import cases as library
from retroprop.inspection.contract.cases import (
    APART,
    CLASSES,
    IMAGES,
    PAIR,
    SHAPE,
    SIGNS,
    SMALL_IMAGES,
    UNEQUAL,
    VALUES,
    WEIGHTS,
    WORDS,
    P,
    case,
    diamond,
    numbers,
    stirred,
    tied,
)


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


class Wave(rp.Module):
    """A user's module with two parameters: scale * sin(x) + shift; wrong ones derive from it."""

    def __init__(self):
        self.scale = rp.Parameter([0.5, -1, 2], "scale")
        self.shift = rp.Parameter([1, 2, 3], "shift")

    def forward(self, x):
        self.point = x
        return self.scale.data * np.sin(x) + self.shift.data

    def backward(self, g):
        return g * self.scale.data * np.cos(self.point)

    def update(self):
        self.scale.grad = (self.gradient * np.sin(self.point)).sum(0)
        self.shift.grad = self.gradient.sum(0)


class Square(rp.Module):
    """A mistake: the derivative of x² without its factor 2."""

    def forward(self, x):
        self.point = x
        return x * x

    def backward(self, g):
        return g * self.point


class Centre(rp.Module):
    """A user's module in which the examples depend on each other, in either mode: x less the mean of the batch."""

    batch_dependent = True

    def forward(self, x):
        self.point = ()
        return x - x.mean(0)

    def backward(self, g):
        return g - g.mean(0)


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


def shared():
    first, second = tied()
    return rp.Sequential(first, rp.Tanh(), second)


def nested():
    return rp.Sequential(rp.Sequential(rp.Tanh(), rp.Linear(3, 4, rng=1)), rp.Sigmoid(),
                         rp.Sequential(rp.Sequential(rp.Linear(4, 2, rng=2), rp.Softmax())))


def deep():
    return rp.Sequential(rp.Linear(3, 4, rng=1), Residual(rp.Sequential(rp.Linear(4, 4, rng=2), rp.SiLU())), Affine(4))


def squashed(x, y):
    return np.tanh(x) * y


def squashed_by_x(x, y):
    return (1 - np.tanh(x) ** 2) * y


def squashed_by_y(x, y):
    return np.tanh(x)


class DoubledLinear(rp.Linear):
    """A subclass of a module of the library: 2 (W x + b)."""

    def forward(self, x, out=None):
        y = super().forward(x, out)
        y *= 2
        return y

    def backward(self, g, out=None):
        return super().backward(2 * g, out)


class Split(rp.Module):
    """A user's module with two outputs: 2 x and x²."""

    def output_shape(self, input_shape):
        return input_shape, input_shape

    def forward(self, x):
        self.point = x
        return 2 * x, x * x

    def backward(self, g):
        return 2 * g[0] + 2 * self.point * g[1]


class Skip(rp.Sequential):
    """A user's container with phases of its own: y = x + f(x)."""

    def forward(self, x):
        return x + super().forward(x)

    def backward(self, g):
        return g + super().backward(g)


def two_by_two():
    """Two inputs, and two outputs, one of which another node reads."""
    return rp.Graph({
        "h": (rp.Linear(3, 4, rng=1), "a"),
        "both": (rp.Concat(), "h", "b"),
        "y": (rp.Linear(6, 2, rng=2), "both"),
        "z": (rp.Function(squashed, squashed_by_x, squashed_by_y), "y", "b"),
    }, inputs=("a", "b"), outputs=("y", "z"))


def split_and_joined():
    """A Sequential that passes two arrays from one module to the next."""
    return rp.Sequential(rp.Graph({"h": (rp.Linear(3, 4, rng=1), "x"), "s": (rp.Softmax(), "h"), "t": (rp.Softplus(), "h")},
                                  inputs="x", outputs=("s", "t")), rp.Multiply(), rp.Linear(4, 2, rng=2))


def two_outputs_read():
    """An output that another node reads and could overwrite; inputs that only joins read."""
    return rp.Graph({"s": (rp.Add(), "a", "b"), "h": (rp.Linear(3, 3, rng=1), "s"), "r": (rp.ReLU(), "h"),
                     "z": (rp.Multiply(), "r", "s")}, inputs=("a", "b"), outputs=("h", "z"))


def bundles():
    """Nodes that read tuples: from a user's module, and from an inner graph."""
    inner = rp.Graph({"t": (rp.Tanh(), "p"), "m": (rp.Multiply(), "t", "q")}, inputs=("p", "q"), outputs=("t", "m"))
    return rp.Graph({"pq": (Split(), "x"), "g": (inner, "pq"), "y": (rp.Function(squashed, squashed_by_x, squashed_by_y), "g")},
                    inputs="x", outputs="y")


def residual_images():
    """Fan-out and fan-in of images that lie batch last in memory, in a Graph and an inner Sequential."""
    return rp.Graph({"a": (rp.Conv2d(2, 3, 3, padding=1, rng=1), "x"),
                     "b": (rp.Sequential(rp.Tanh(), rp.Conv2d(3, 3, 3, padding=1, rng=2)), "a"),
                     "sum": (rp.Add(), "a", "b"), "wide": (rp.Concat(1), "sum", "x"),
                     "y": (rp.Conv2d(5, 2, (3, 2), rng=3), "wide")}, inputs="x", outputs="y")


def chain():
    return rp.Graph({"0": (rp.Linear(3, 4, rng=1), "x"), "1": (rp.BatchNorm(4), "0"), "2": (rp.ReLU(), "1"),
                     "3": (rp.Dropout(0.3, rng=3), "2"), "4": (rp.Linear(4, 2, rng=2), "3")}, inputs="x", outputs="4")


def words_and_numbers():
    """Integers, which two nodes read, beside numbers."""
    return rp.Graph({"a": (rp.Embedding(7, 3, rng=1), "words"), "b": (rp.Embedding(7, 3, rng=2), "words"),
                     "y": (rp.Multiply(), "a", "b", "x")}, inputs=("words", "x"), outputs="y")


TRIPLE = (*PAIR, numbers(*SHAPE, seed=9))
MODULES = [
    *library.MODULES,
    case(lambda: rp.Linear(3, 4, bias=False, rng=0)),
    case(lambda: stirred(rp.Linear(3, 3, rng=0)), name="square Linear"),
    case(lambda: stirred(rp.Linear(3, 4, rng=0, dtype="float64")), name="Linear in float64"),
    case(lambda: stirred(rp.Linear(3, 4, rng=0)), numbers(5, 2, 3), name="Linear on 3 axes"),
    case(lambda: stirred(tied()[1]), name="Linear with another's weight"),
    case(lambda: stirred(tied()[1]), numbers(5, 2, 3), name="Linear with another's weight on 3 axes"),
    case(lambda: rp.ELU(), numbers(*SHAPE, kinks=[0])),
    case(lambda: rp.Softmax(), numbers(5, 2, 3), name="Softmax on 3 axes"),
    case(lambda: stirred(rp.BatchNorm(3)), SMALL_IMAGES, name="BatchNorm of small images"),
    case(lambda: rp.Dropout(0.4, channelwise=True, rng=4), SMALL_IMAGES),
    case(lambda: stirred(rp.Conv2d(2, 3, 3, padding=1, bias=False, rng=0)), IMAGES, name="Conv2d without bias"),
    case(lambda: stirred(rp.Conv2d(2, 3, (2, 3), padding=(0, 2), dilation=(3, 2), rng=0)), IMAGES, name="Conv2d, dilated"),
    case(lambda: stirred(rp.Conv2d(2, 4, 1, stride=2, rng=0, dtype="float64")), IMAGES, name="Conv2d of 1 by 1, float64"),
    case(lambda: rp.MaxPool2d(3, 2, 1), IMAGES),
    case(lambda: rp.MaxPool2d((2, 3), 1), IMAGES),
    case(lambda: rp.AvgPool2d(2), IMAGES),
    case(lambda: rp.AvgPool2d(3, 1, 1), IMAGES),
    case(residual_images, IMAGES, name="Graph of images"),
    case(lambda: stirred(rp.LayerNorm(3)), numbers(5, 2, 3), name="LayerNorm on 3 axes"),
    case(lambda: stirred(rp.Embedding(100, 2, rng=0, dtype="float64")), np.arange(350).reshape(5, 70) % 100,
         name="Embedding of many words"),
    case(lambda: stirred(rp.Sequential(fc1=rp.Linear(3, 4, rng=1), relu=rp.SiLU(), fc2=rp.Linear(4, 2, rng=2))),
         name="Sequential with names"),
    case(lambda: stirred(rp.Residual(rp.Linear(3, 4, rng=1), shortcut=rp.Linear(3, 4, rng=2))),
         name="Residual with a shortcut"),
    case(lambda: stirred(rp.Residual(rp.Conv2d(2, 3, 3, padding=1, rng=1), rp.Softplus(), shortcut=rp.Conv2d(2, 3, 1, rng=2))),
         IMAGES, name="Residual of images"),
    case(lambda: rp.Sequential(rp.Residual(rp.Tanh()), rp.Residual(rp.Sigmoid(), rp.Linear(3, 3, rng=1)), rp.ReLU()),
         numbers(*SHAPE, kinks=[0]), name="Sequential of Residuals"),
    case(words_and_numbers, (WORDS[:, 0], numbers(5, 3)), name="Graph of words and numbers"),
    case(lambda: rp.Add(), TRIPLE, name="Add of three"),
    case(lambda: rp.Multiply(), TRIPLE, name="Multiply of three"),
    case(lambda: rp.Concat(1), (SMALL_IMAGES, numbers(5, 4, 2, 2), SMALL_IMAGES), name="Concat of small images"),
    case(lambda: rp.Function(squashed, squashed_by_x, squashed_by_y), PAIR),
    case(lambda: rp.Function(lambda x: x**3, lambda x: 3 * x**2), name="Function of lambdas"),
    case(lambda: stirred(two_by_two()), UNEQUAL, name="Graph of two inputs and two outputs"),
    case(lambda: stirred(split_and_joined()), name="Sequential with two arrays between its modules"),
    case(lambda: stirred(chain()), name="Graph that is a chain"),
    case(lambda: Split(), name="a user's module with two outputs"),
    case(lambda: rp.Sequential(Split(), rp.Multiply(), rp.Linear(3, 2, rng=1)), name="Sequential with a module of two outputs"),
    case(lambda: rp.Sequential(rp.Add(), rp.Tanh()), PAIR, name="Sequential of two inputs"),
    case(lambda: stirred(two_outputs_read()), PAIR, name="Graph with an output that nodes read"),
    case(lambda: bundles(), name="Graph in which tuples pass"),
    case(lambda: rp.Sequential(stirred(two_by_two()), rp.Concat()), UNEQUAL, name="Sequential that begins with two inputs"),
    case(lambda: rp.Sequential(Skip(rp.Linear(3, 3, rng=1), rp.Tanh()), rp.Linear(3, 2, rng=2)), name="a user's Sequential"),
    case(lambda: rp.Sequential(stirred(diamond()), rp.Linear(3, 2, rng=4)), name="Graph in a Sequential"),
    case(lambda: rp.Sequential(rp.Sigmoid()), name="Sequential of one"),
    case(lambda: stirred(nested()), name="nested Sequential"),
    case(shared, name="Sequential with a shared Parameter"),
    case(deep, name="Sequential of a user's modules"),
    case(lambda: Affine(3)),
    case(lambda: Residual(stirred(rp.Linear(3, 3, rng=5))), name="a user's composite"),
    case(lambda: Both(*tied()), name="a user's composite with a shared Parameter"),
]
REAL = [case for case in MODULES if not any(case.build().holds_integers(case.x))]   # whose x can be moved by little

PROBABILITIES = np.random.default_rng(3).dirichlet(np.ones(3), 5)
LOSSES = [
    *library.LOSSES,
    *(case(lambda kind=kind, r=r: kind(reduction=r), APART, VALUES)
      for kind in (rp.MSE, rp.L1) for r in ("sum", "none")),
    *(case(lambda r=r: rp.Huber(1, reduction=r), APART, VALUES) for r in ("sum", "none")),
    case(lambda: rp.Huber(0.5), VALUES + numbers(*SHAPE, kinks=[0.5, -0.5]), VALUES),
    *(case(lambda r=r: rp.BCE(r), P, SIGNS) for r in ("sum", "none")),
    case(lambda: rp.BCE(), P, PROBABILITIES, name="BCE of probabilities"),
    *(case(lambda r=r: rp.BCEWithLogits(r), None, SIGNS) for r in ("sum", "none")),
    case(lambda: rp.BCEWithLogits(), None, PROBABILITIES, name="BCEWithLogits of probabilities"),
    case(lambda: rp.BCEWithLogits(), numbers(5, 1), SIGNS[:, 0], name="BCEWithLogits of (N, 1) and (N,)"),
    *(case(lambda r=r: rp.Hinge(r), numbers(*SHAPE, kinks=[-1, 1]), SIGNS) for r in ("sum", "none")),
    *(case(lambda kind=kind, w=w, r=r: kind(w, r), None, CLASSES)
      for kind in (rp.NLL, rp.CrossEntropy) for w, r in ((None, "mean"), *product((None, WEIGHTS), ("sum", "none")))),
    *(case(lambda w=w: rp.CrossEntropy(w), None, PROBABILITIES, name=f"CrossEntropy of probabilities, weight={w}")
      for w in (None, WEIGHTS)),
]
