"""Modules whose phases are wrong in ways that one batch, one dtype and one g do not show; the law that names each."""

import numpy as np
import pytest
from cases import Wave
from mutants import breaking, refused_by

import retroprop as rp

WRONG, breaks = breaking()

# Wrong in float32, the default; gradients are compared in float64

PRECISION = "float32 computes what float64 does"


@breaks(PRECISION)
class GradientDoubledInFloat32(Wave):
    def backward(self, g):
        return super().backward(g) * (2 if g.dtype == "float32" else 1)


@breaks(PRECISION)
class UpdateDoubledInFloat32(Wave):
    def update(self):
        super().update()
        self.scale.grad *= 2 if self.dtype == "float32" else 1


@breaks(PRECISION)
class TangentDoubledInFloat32(Wave):
    def jvp(self, t):
        return t * self.scale.data * np.cos(self.point) * (2 if t.dtype == "float32" else 1)


@breaks(PRECISION)
class BothDoubledInFloat32(Wave):
    def forward(self, x):
        return super().forward(x) * (2 if x.dtype == "float32" else 1)

    def backward(self, g):
        return super().backward(g) * (2 if g.dtype == "float32" else 1)

    def update(self):
        super().update()
        for parameter in self.parameters():
            parameter.grad *= 2 if self.dtype == "float32" else 1


@breaks(PRECISION)
class ThroughFloat16(Wave):
    def backward(self, g):
        return super().backward(g.astype("float16" if g.dtype == "float32" else float).astype(g.dtype))


@breaks(PRECISION)
class OneEntryInFloat32(Wave):
    def backward(self, g):
        gx = super().backward(g)
        gx[-1, -1] *= 1.01 if g.dtype == "float32" else 1
        return gx


# Wrong for other batches than the one that is given

SIZES, APART = "gradients are right for every batch size", "examples are independent unless batch dependent"


@breaks(SIZES)
class GradientGrowsWithTheBatch(Wave):
    def backward(self, g):
        return super().backward(g) * len(g) / 5


@breaks(SIZES)
class UpdateDividesByFive(Wave):
    def update(self):
        super().update()
        self.shift.grad *= len(self.gradient) / 5


@breaks(SIZES)
class TangentGrowsWithTheBatch(Wave):
    def jvp(self, t):
        return t * self.scale.data * np.cos(self.point) * len(t) / 5


@breaks(SIZES)
class WrongForOne(Wave):
    def backward(self, g):
        return super().backward(g) if len(g) > 1 else g


@breaks(SIZES)
class ForgetsWhatIsBeyondABlock(Wave):
    def backward(self, g):
        gx = super().backward(g)
        gx[8:] = 0
        return gx


@breaks(SIZES)
class UpdateOfEvenBatchesHalved(Wave):
    def update(self):
        super().update()
        self.scale.grad /= 2 - len(self.gradient) % 2


@breaks(APART)
class OutputGrowsWithTheBatch(Wave):
    def forward(self, x):
        return super().forward(x) * len(x) / 5

    def backward(self, g):
        return super().backward(g) * len(g) / 5

    def update(self):
        super().update()
        for parameter in self.parameters():
            parameter.grad *= len(self.gradient) / 5


@breaks(APART)
class LastOfAnEvenBatchIsZero(rp.Module):
    def forward(self, x):
        self.point = np.ones((len(x), 1), x.dtype)
        self.point[-1] = len(x) % 2
        return x * self.point

    def backward(self, g):
        return g * self.point


@breaks(APART)
class CumulativeSum(rp.Module):
    def forward(self, x):
        self.point = ()
        return np.cumsum(x, 0)

    def backward(self, g):
        return np.cumsum(g[::-1], 0)[::-1]


@breaks(APART)
class SumOfWhatFollows(CumulativeSum):
    def forward(self, x):
        return super().forward(x[::-1])[::-1]

    def backward(self, g):
        return np.cumsum(g, 0)


@breaks(APART)
class TheLastReadsTheSecond(rp.Module):
    def forward(self, x):
        self.point = ()
        y = x.copy()
        y[-1] += x[1]
        return y

    def backward(self, g):
        gx = g.copy()
        gx[1] += g[-1]
        return gx


@breaks(APART)
class Rolled(rp.Module):
    def forward(self, x):
        self.point = ()
        return np.roll(x, 1, 0)

    def backward(self, g):
        return np.roll(g, -1, 0)


@breaks(APART)
class CentredInTraining(rp.Module):
    def forward(self, x):
        self.point = self.training
        return x - x.mean(0) * self.training

    def backward(self, g):
        return g - g.mean(0) * self.point


@breaks(APART)
class Sorted(rp.Module):
    def forward(self, x):
        self.point = np.argsort(x, 0)
        return np.take_along_axis(x, self.point, 0)

    def backward(self, g):
        gx = np.empty_like(g)
        np.put_along_axis(gx, self.point, g, 0)
        return gx


@breaks(APART)
class SquaredMeanIsAdded(rp.Module):
    def forward(self, x):
        self.point = x
        return x + (x**2).mean(0)

    def backward(self, g):
        return g + 2 * self.point * g.mean(0)


# Not linear in g, or in t

LINEAR = "backward update and jvp are linear"


@breaks(LINEAR)
class Clipped(Wave):
    def backward(self, g):
        return super().backward(np.clip(g, -3, 3))


@breaks(LINEAR)
class UpdateClipped(Wave):
    def update(self):
        super().update()
        self.scale.grad = np.clip(self.scale.grad, -30, 30)


@breaks(LINEAR)
class NormClipped(Wave):
    def backward(self, g):
        return super().backward(g / float(max(1, np.sqrt((g**2).sum()) / 100)))


@breaks(LINEAR)
class SmallOnesDropped(Wave):
    def backward(self, g):
        return super().backward(np.where(np.abs(g) < 1e-4, 0, g))


@breaks(LINEAR)
class TangentClipped(Wave):
    def jvp(self, t):
        return np.clip(t, -5, 5) * self.scale.data * np.cos(self.point)


@breaks(LINEAR)
class LargeOnesAreErrors(Wave):
    def backward(self, g):
        return super().backward(np.where(np.abs(g) > 1000, 0, g))


# Forward mode at another point than the last

TRANSPOSE = "jvp is the transpose of backward"


@breaks(TRANSPOSE)
class TangentAtTheFirstPoint(Wave):
    slope = None

    def jvp(self, t):
        if self.slope is None or self.slope.dtype != t.dtype:
            self.slope = np.cos(self.point)
        return t * self.scale.data * self.slope


@breaks(TRANSPOSE)
class TangentWithTheFirstWeights(Wave):
    weights = None

    def jvp(self, t):
        if self.weights is None or self.weights.dtype != t.dtype:
            self.weights = self.scale.data.copy()
        return t * self.weights * np.cos(self.point)


@breaks(TRANSPOSE)
class TangentOfTheMeanExample(Wave):
    def jvp(self, t):
        return t * self.scale.data * np.cos(self.point.mean(0))


@pytest.mark.parametrize(("kind", "law", "x"), WRONG)
def test_the_law_names_the_wrong_module(kind, law, x):
    refused_by(kind, law, x)
