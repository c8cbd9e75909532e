"""Losses that are wrong in ways that one batch, one dtype and one g do not show; the law that names each."""

import numpy as np
import pytest
from cases import numbers
from mutants import refused_by

import retroprop as rp


class Quartic(rp.Loss):
    def costs(self, prediction, target):
        self.point = prediction - target
        return self.point**4

    def derivatives(self):
        return 4 * self.point**3


class GrowsWithTheBatch(Quartic):
    def derivatives(self):
        return super().derivatives() * len(self.point) / 5


class DoubledInFloat32(Quartic):
    def derivatives(self):
        return super().derivatives() * (2 if self.point.dtype == "float32" else 1)


class MemoByPrediction(Quartic):
    seen = None

    def costs(self, prediction, target):
        if self.seen is not prediction:
            self.seen, self.kept = prediction, prediction.copy()
        return super().costs(self.kept, target)


class ClippedDerivatives(Quartic):
    def backward(self, g=None, out=None):
        return super().backward(None if g is None else np.clip(g, -5, 5), out)


@pytest.mark.parametrize(("kind", "law"), [
    (GrowsWithTheBatch, "gradients are right for every batch size"), (DoubledInFloat32, "float32 computes what float64 does"),
    (MemoByPrediction, "an array may be filled with other numbers"),
    (ClippedDerivatives, "backward update and jvp are linear")])
def test_the_law_names_the_wrong_loss(kind, law):
    rp.check_module(Quartic(), numbers(5, 3), numbers(5, 3, seed=3))
    refused_by(kind, law, numbers(5, 3), numbers(5, 3, seed=3))
