"""Right modules that compute something unusual: no law may refuse them."""

import numpy as np
import pytest
from cases import PAIR, SMALL_IMAGES, Wave, numbers
from mutants import SEEDS, accepted, accepting

import retroprop as rp

RIGHT, right = accepting()


@right("weights that are normalized in each forward")
class NormalizedWeights(rp.Module):
    def __init__(self):
        self.direction = rp.Parameter([1, 2, -1], "direction", "float64")

    def forward(self, x):
        w = self.direction.data
        self.point = x, w / np.sqrt(w @ w)
        return x @ self.point[1]

    def output_shape(self, shape):
        return shape[:-1]

    def backward(self, g):
        return g[:, None] * self.point[1]

    def update(self):
        x, unit = self.point
        grad = self.gradient @ x
        self.direction.grad = (grad - unit * (unit @ grad)) / np.linalg.norm(self.direction.data)


class Noise(rp.Module):
    """y = x + noise from a generator of its own, in training."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self.point = ()
        return x + self.drawn(x) if self.training else x.copy()

    def backward(self, g):
        return g.copy()


@right("random numbers drawn in the dtype of x")
class NoiseOfThatType(Noise):
    def drawn(self, x):
        return self.rng.random(x.shape, x.dtype) + self.rng.standard_normal(dtype=x.dtype, out=np.empty(x.shape, x.dtype))


@right("one random number for each example, in images", SMALL_IMAGES)
class StochasticDepth(rp.Module):
    def __init__(self):
        self.rng = np.random.default_rng(1)

    def forward(self, x):
        kept = self.rng.random(len(x)) < 0.7 if self.training else np.full(len(x), 0.7)
        self.point = kept.reshape(-1, 1, 1, 1).astype(x.dtype)
        return x * self.point

    def backward(self, g):
        return g * self.point


@right("a running mean of the inputs, as a buffer")
class RunningMean(rp.Module):
    buffers = ("mean",)
    batch_dependent = True

    def __init__(self):
        self.mean = np.zeros(3, "float32")

    def forward(self, x):
        self.point = ()
        y = x - self.mean
        if self.training:
            self.mean = (0.9 * self.mean + 0.1 * x.mean(0)).astype(self.mean.dtype)
        return y.astype(x.dtype)

    def backward(self, g):
        return g.copy()


@right("attention of the examples to each other")
class OverTheBatch(rp.Module):
    batch_dependent = True

    def forward(self, x):
        e = np.exp(x - x.max(0))
        self.point = e / e.sum(0)
        return self.point.copy()

    def backward(self, g):
        return self.point * (g - (g * self.point).sum(0))


@right("a sort of the features")
class SortedFeatures(rp.Module):
    def forward(self, x):
        self.point = np.argsort(x, -1)
        return np.take_along_axis(x, self.point, -1)

    def backward(self, g):
        gx = np.empty_like(g)
        np.put_along_axis(gx, self.point, g, -1)
        return gx


@right("a Fourier transform", numbers(5, 8))
class LowPass(rp.Module):
    symmetric = True

    def forward(self, x):
        self.point = ()
        return self.filtered(x)

    def filtered(self, x):
        waves = np.fft.rfft(x)
        waves[:, 2:] *= 0.5
        return np.fft.irfft(waves, x.shape[-1]).astype(x.dtype)

    def backward(self, g):
        return self.filtered(g)


@right("layout kept and numbers that are no images")
class KeptLayout(Wave):
    layout = "kept"


@right("a view of x as output", SMALL_IMAGES)
class Turned(rp.Module):
    def output_shape(self, shape):
        return (*shape[:2], shape[3], shape[2])

    def forward(self, x):
        self.point = ()
        return x.swapaxes(2, 3)

    def backward(self, g):
        return g.swapaxes(2, 3)


@right("a distance of two inputs", PAIR)
class Distance(rp.Module):
    arity = 2

    def output_shape(self, shapes):
        return shapes[0][:1]

    def forward(self, x):
        self.point = x[0] - x[1]
        return (self.point**2).sum(1)

    def backward(self, g):
        gx = 2 * g[:, None] * self.point
        return gx, -gx


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(("build", "x"), RIGHT)
def test_no_law_refuses_it(build, x, seeds):
    accepted(build, x, seeds=seeds)
