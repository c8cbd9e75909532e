"""Right modules on unusual inputs, or of unusual steepness, and right losses: no law may refuse them."""

import numpy as np
import pytest
from cases import CLASSES, Affine, Both, Centre, DoubledLinear, Residual, Skip, Split, Wave, numbers, tied
from mutants import SEEDS, accepted
from scipy.special import expit

import retroprop as rp

X = numbers(5, 3)


def frozen(module, count=2):
    for parameter in module.parameters()[:count]:
        parameter.frozen = True
    return module


def steep(x):
    return expit(200 * x)


def slope_of_steep(x):
    return 200 * expit(200 * x) * expit(-200 * x)


RIGHT = [pytest.param(build, given, id=what) for what, build, given in [
    ("examples depend on each other, also in evaluation", Centre, X),
    ("batch-dependent modules in a composite", lambda: Both(Centre(), rp.Tanh()), X),
    ("two outputs", Split, X), ("a subclass of a module of the library", lambda: DoubledLinear(3, 4, rng=0), X),
    ("a container with phases of its own", lambda: Skip(rp.Linear(3, 3, rng=1), rp.Tanh()), X),
    ("a composite with a shared Parameter", lambda: Both(*tied()), X),
    ("a composite in a composite", lambda: Residual(Residual(Affine(3))), X),
    ("two examples in BatchNorm", lambda: rp.BatchNorm(3), X[:2]),
    ("LayerNorm far from 0", lambda: rp.LayerNorm(3), 1e4 + X),
    ("a bias without effect, before BatchNorm", lambda: rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4)), X),
    ("saturated units", rp.Tanh, 10 * X), ("all units saturated", rp.Sigmoid, 1000 * X),
    ("equal examples", Wave, np.tile(X[:1], (5, 1))), ("zeros", Wave, np.zeros((5, 3))),
    ("two examples of one number", rp.Softplus, X[:2, :1]), ("one axis", rp.Tanh, X[:, 0]),
    ("five axes", rp.SiLU, numbers(3, 2, 2, 1, 2)),
    ("forty examples", Wave, numbers(40, 3)),
    ("large numbers", lambda: rp.Function(lambda x: 1e6 * x, lambda x: np.full_like(x, 1e6)), X),
    ("small numbers", lambda: rp.Function(lambda x: 1e-6 * x, lambda x: np.full_like(x, 1e-6)), X),
    ("constants, of derivative 0", lambda: rp.Function(np.sign, np.zeros_like), numbers(5, 3, kinks=[0])),
    ("steps", lambda: rp.Function(np.floor, np.zeros_like), numbers(5, 3) * 0.9 + 0.123),
    ("kinks beside x", lambda: rp.Function(np.abs, np.sign), numbers(5, 3, kinks=[0])),
    ("a pole", lambda: rp.Function(np.reciprocal, lambda x: -1 / x**2), np.sign(X) * (0.5 + np.abs(X))),
    ("many decades", lambda: rp.Function(np.exp, np.exp), 8 * X),
    ("a steep logistic function", lambda: rp.Function(steep, slope_of_steep), X),
    *((f"sin({k} x)", lambda k=k: rp.Function(lambda x: np.sin(k * x), lambda x: k * np.cos(k * x)), X)
      for k in (100, 1000, 10_000)),
    ("frozen parameters", lambda: frozen(Wave()), X), ("one of two frozen", lambda: frozen(Wave(), 1), X),
]]


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(("build", "x"), RIGHT)
def test_no_law_refuses_it(build, x, seeds):
    accepted(build, x, seeds=seeds)


class Focal(rp.Loss):
    """A loss with one cost per example."""

    def costs_shape(self, shape):
        return shape[:1]

    def costs(self, prediction, target):
        self.point = prediction - target
        return (self.point**2).sum(-1) ** 2

    def derivatives(self):
        return 4 * (self.point**2).sum(-1, keepdims=True) * self.point


@pytest.mark.parametrize(("build", "target"), [
    (Focal, numbers(5, 3, seed=3)), (lambda: Focal("none"), numbers(5, 3, seed=3)), (rp.CrossEntropy, CLASSES)],
    ids=["one cost an example", "no reduction", "classes"])
def test_no_law_refuses_the_loss(build, target):
    accepted(build, X, target)
