"""Modules that keep what they should compute again, or that treat frozen parameters wrongly; the law that names each."""

import numpy as np
import pytest
from cases import Wave
from mutants import breaking, refused_by

import retroprop as rp

WRONG, breaks = breaking()

# Numbers derived from parameters once

READ = "parameters are read at every forward"


@breaks(READ)
class CachedWeights(Wave):
    kept = None

    def forward(self, x):
        if self.kept is None or self.kept.dtype != x.dtype:
            self.kept = self.scale.data.copy()
        self.point = x
        return self.kept * np.sin(x) + self.shift.data

    def backward(self, g):
        return g * self.kept * np.cos(self.point)


@breaks(READ)
class CachedForBackward(Wave):
    kept = None

    def backward(self, g):
        if self.kept is None or self.kept.dtype != g.dtype:
            self.kept = self.scale.data.copy()
        return g * self.kept * np.cos(self.point)


@breaks(READ)
class CachedInEvaluation(CachedWeights):
    def forward(self, x):
        return super().forward(x) if not self.training else Wave.forward.__wrapped__(self, x)

    def backward(self, g):
        return super().backward(g) if not self.training else Wave.backward.__wrapped__(self, g)


@breaks("update is the gradient of each parameter: in training mode, dC/dscale.*finite differences give 0")
class CachedUntilTheModeChanges(CachedWeights):
    def train(self, mode=True):
        self.kept = self.scale.data.copy()
        return super().train(mode)


@breaks(READ)
class CachedView(CachedWeights):
    def forward(self, x):
        if self.kept is None:
            self.kept = self.scale.data
        return super().forward(x)


@breaks(READ)
class CachedByTheParameter(CachedWeights):
    seen = None

    def forward(self, x):
        if self.seen is not self.scale:
            self.seen, self.kept = self.scale, None
        return super().forward(x)


@breaks(READ)
class MemoByTheNumbersOfX(Wave):
    key = None

    def forward(self, x):
        if self.key != (x.tobytes(), x.dtype, self.training):
            self.key, self.y = (x.tobytes(), x.dtype, self.training), super().forward(x)
        self.point = x
        return self.y.copy()


# Memos by the identity of an array, whose numbers may change

FILLED = "an array may be filled with other numbers"


@breaks(FILLED)
class MemoByX(Wave):
    seen = None

    def forward(self, x):
        if self.seen is not x:
            self.seen, self.sines = x, np.sin(x)
        self.point = x
        return self.scale.data * self.sines + self.shift.data


@breaks(FILLED)
class MemoByAddress(Wave):
    seen = None

    def forward(self, x):
        if self.seen != (x.ctypes.data, x.shape, x.dtype):
            self.seen, self.kept = (x.ctypes.data, x.shape, x.dtype), (x, np.sin(x))
        self.point = x
        return self.scale.data * self.kept[1] + self.shift.data


@breaks(FILLED)
class MemoByPoint(Wave):
    seen = None

    def backward(self, g):
        if self.seen is not self.point:
            self.seen, self.cosines = self.point, np.cos(self.point)
        return g * self.scale.data * self.cosines


@breaks(FILLED)
class MemoByG(Wave):
    seen = None

    def backward(self, g):
        if self.seen is not g:
            self.seen, self.weighed = g, g * self.scale.data
        return self.weighed * np.cos(self.point)


@breaks(FILLED)
class MemoByT(Wave):
    seen = None

    def jvp(self, t):
        if self.seen is not t:
            self.seen, self.weighed = t, t.copy()
        return self.weighed * self.scale.data * np.cos(self.point)


# Frozen parameters

FROZEN = "frozen parameters change no other gradient"


@breaks(FROZEN)
class NoGradientThroughFrozenWeights(Wave):
    def backward(self, g):
        return super().backward(g) * (not self.scale.frozen)


@breaks(FROZEN)
class StraightThroughIfAllAreFrozen(Wave):
    def backward(self, g):
        return g if all(parameter.frozen for parameter in self.parameters()) else super().backward(g)


@breaks(FROZEN)
class UpdatesNoneIfOneIsFrozen(Wave):
    def update(self):
        if not self.shift.frozen:
            super().update()


@breaks(FROZEN)
class UpdatesTheFirstOnly(Wave):
    def update(self):
        kept = self.shift.grad.copy()
        super().update()
        if self.scale.frozen:
            self.shift.grad = kept


@breaks(FROZEN)
class OtherOutputIfFrozen(Wave):
    def forward(self, x):
        return super().forward(x) + self.shift.frozen


@breaks(FROZEN)
class SkipsAFrozenModule(rp.Module):
    def __init__(self):
        self.inner, self.tanh = rp.Linear(3, 3, rng=0), rp.Tanh()

    def forward(self, x):
        self.point = ()
        return self.tanh.forward(self.inner.forward(x))

    def backward(self, g):
        g = self.tanh.backward(g)
        return g if self.inner.weight.frozen and self.inner.bias.frozen else self.inner.backward(g)

    def update(self):
        if not self.inner.weight.frozen or not self.inner.bias.frozen:
            self.inner.update()


@pytest.mark.parametrize(("kind", "law", "x"), WRONG)
def test_the_law_names_the_wrong_module(kind, law, x):
    refused_by(kind, law, x)
