"""Modules that write where others read, or hold what nothing saves; the law that names each."""

import itertools
import random
from types import SimpleNamespace

import numpy as np
import pytest
from cases import IMAGES, Wave
from mutants import breaking, refused_by

import retroprop as rp

WRONG, breaks = breaking()

# Writing where the caller reads, if ``out`` is given

OUT = r"out receives the result: in training mode, {}, out=out\) wrote into an array that is not its own: expected {}\["


@breaks(OUT.format(r"forward\(x", "x"))
class WritesIntoX(rp.Module):
    def forward(self, x, out=None):
        self.point = np.cos(x)
        if out is None:
            return np.sin(x)
        np.copyto(out, np.sin(x, x))
        return out

    def backward(self, g):
        return g * self.point


@breaks(OUT.format(r"backward\(g", "g"))
class WritesIntoG(rp.Module):
    def forward(self, x):
        self.point = np.cos(x)
        return np.sin(x)

    def backward(self, g, out=None):
        if out is None:
            return g * self.point
        np.copyto(out, np.multiply(g, self.point, g))
        return out


@breaks(OUT.format(r"forward\(x", "scale"))
class NormalizesItsWeights(Wave):
    def forward(self, x, out=None):
        if out is not None:
            self.scale.data *= 0.5
        y = Wave.forward.__wrapped__(self, x)
        return y if out is None else np.copyto(out, y) or out


@breaks("out receives the result: in training mode, with out: expected dC/dx")
class AddsToOut(Wave):
    def backward(self, g, out=None):
        gx = Wave.backward.__wrapped__(self, g)
        return gx if out is None else np.add(out, gx, out)


# Images that lie batch last in memory

LAYOUT = "images may lie batch last in memory"


class Kept(rp.Module):
    layout = "kept"

    def forward(self, x, out=None):
        self.point = np.cos(x)
        return np.sin(x, out)

    def backward(self, g, out=None):
        return np.multiply(g, self.point, out)


@breaks(LAYOUT, IMAGES)
class FlattensOut(Kept):
    def forward(self, x, out=None):
        y = np.empty(x.shape, x.dtype) if out is None else out
        self.point = np.cos(x)
        y.reshape(-1)[...] = np.sin(x).reshape(-1)
        return y


@breaks(LAYOUT)
class FlattensOutOfNumbers(FlattensOut):
    pass


@breaks(LAYOUT, IMAGES)
class FlattensOutOfBackward(Kept):
    def backward(self, g, out=None):
        gx = np.empty(g.shape, g.dtype) if out is None else out
        gx.reshape(-1)[...] = (g * self.point).reshape(-1)
        return gx


@breaks(LAYOUT, IMAGES)
class RavelsOut(Kept):
    layout = "batch last"

    def forward(self, x, out=None):
        y = np.empty(x.shape, x.dtype) if out is None else out
        self.point = np.cos(x)
        y.ravel()[...] = np.sin(x).ravel()
        return y


@breaks("memory order does not matter|" + LAYOUT, IMAGES)
class ReadsInMemoryOrder(Kept):
    def forward(self, x, out=None):
        self.point = np.cos(x)
        y = np.sin(x.ravel("K").reshape(x.shape))
        return y if out is None else np.copyto(out, y) or out


# State outside of buffers, and random numbers outside of generators

CARRIED = "only buffers and generators carry over"


class Noisy(rp.Module):
    """y = x + noise; ``draw(shape)`` draws it."""

    def forward(self, x):
        self.point = ()
        return x + np.asarray(self.draw(x.shape), x.dtype)

    def backward(self, g):
        return g.copy()


@breaks(CARRIED)
class PythonsRandom(Noisy):
    def __init__(self):
        self.source = random.Random(0)

    def draw(self, shape):
        return self.source.random()


@breaks(CARRIED)
class RandomState(Noisy):
    def __init__(self):
        self.source = np.random.RandomState(0)

    def draw(self, shape):
        return self.source.standard_normal(shape)


@breaks(CARRIED)
class GeneratorInAList(Noisy):
    def __init__(self):
        self.sources = [np.random.default_rng(0)]

    def draw(self, shape):
        return self.sources[0].standard_normal(shape)


@breaks(CARRIED)
class GeneratorOfAnObject(Noisy):
    def __init__(self):
        self.noise = SimpleNamespace(rng=np.random.default_rng(0))

    def draw(self, shape):
        return self.noise.rng.standard_normal(shape)


@breaks(CARRIED)
class BitGenerator(Noisy):
    def __init__(self):
        self.bits = np.random.PCG64(0)

    def draw(self, shape):
        return np.random.Generator(self.bits).standard_normal(shape)


@breaks(CARRIED)
class CountsItsCalls(Noisy):
    calls = 0

    def draw(self, shape):
        self.calls += 1
        return np.full(shape, 1 / self.calls)


@breaks(CARRIED)
class AddsTheLastX(Noisy):
    last = 0

    def forward(self, x):
        y = super().forward(x)
        self.last = x.mean()
        return y

    def draw(self, shape):
        return np.full(shape, self.last)


@breaks(CARRIED)
class MeanThatIsNoBuffer(Noisy):
    def __init__(self):
        self.mean = np.zeros(3, "float32")

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * np.ones(3)
        return super().forward(x)

    def draw(self, shape):
        return np.broadcast_to(self.mean, shape)


@breaks("predict is forward in evaluation mode")
class NoisyInEvaluation(Noisy):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def draw(self, shape):
        return self.rng.standard_normal(shape)


@breaks("a copy computes the same")
class SharedIterator(Noisy):
    numbers = itertools.count()

    def draw(self, shape):
        return np.full(shape, next(self.numbers))


@pytest.mark.parametrize(("kind", "law", "x"), WRONG)
def test_the_law_names_the_wrong_module(kind, law, x):
    refused_by(kind, law, x)
