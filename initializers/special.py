"""The rules of libraries whose weights and biases depend on each other: neurolab's, and OpenCV's, which is not random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arguments import Array
from .architecture import Layer
from .rules import Drawn, Rule, Streams


class NguyenWidrow(Rule):
    """neurolab's ``initnw``: each unit is active in a part of the range of its inputs, and the parts cover the range.

    Rows of norm a = 0.7 o^(1/i) and biases spread evenly over [-a, a] suit inputs in [-1, 1] and an activation that is active
    there. For one that is active in [-r, r] both are multiplied by r; another range of the inputs is mapped to [-1, 1].

    References
    ----------
    Nguyen & Widrow 1990, "Improving the learning speed of 2-layer neural networks by choosing initial values of the adaptive
    weights".
    """

    weight = "Nguyen-Widrow: rows of norm 0.7·o^(1/i), scaled"
    bias = "spread evenly over ± the norm"
    reads_inputs = True
    ACTIVE = {"tanh": 2.0, "sigmoid": 4.0}                          # noqa: RUF012 (the range [-a, a] in which each varies)
    RANGE = {"sigmoid": (0.0, 1.0)}                                 # noqa: RUF012 (of values; that of others is [-1, 1])

    def layer(self, layer: Layer, rng: np.random.Generator, bias_rng: np.random.Generator) -> Drawn:
        self.only_dense(layer)
        units, inputs = layer.shape
        size = 0.7 * units ** (1 / inputs)
        w = rng.uniform(-1, 1, layer.shape)
        w *= size / np.linalg.norm(w, axis=1, keepdims=True)
        b = size * np.linspace(-1, 1, units) * np.sign(w[:, 0]) if units > 1 else np.zeros(1)
        active = self.ACTIVE.get(layer.activation, 1.0)
        low, high = layer.inputs if layer.index == 0 else self.RANGE.get(layer.hidden_activation, (-1.0, 1.0))
        w *= active * 2 / (high - low)
        return w, active * b + w.sum(axis=1) * -(high + low) / 2


class OpenCV(Rule):
    """``cv::ml::ANN_MLP``: always the same numbers, those of ``cv::RNG`` from its largest seed, to the bit.

    A unit's weights and its bias are u in [-1, 1); in hidden layers, divided by the sum of the weights' sizes, and the bias of
    unit j times G (-1 + 2j/o) with G = 0.7 i^(1/(o-1)), or 1 for one or two units.
    """

    weight = "fixed numbers: rows of Σ|w| = 1; last layer within ±1"
    bias = "fixed numbers"

    def draw(self, layers: Sequence[Layer], streams: Sequence[Streams]) -> list[Drawn]:
        numbers, drawn = MultiplyWithCarry(), []
        for layer in layers:
            self.only_dense(layer)
            units, inputs = layer.shape
            u = numbers.uniform(units * (inputs + 1)).reshape(units, inputs + 1)
            if not layer.is_last:
                sizes = np.abs(u)                                   # added one by one and the last taken off, as OpenCV does
                u *= 1 / (np.cumsum(sizes, axis=1)[:, -1:] - sizes[:, -1:])
                spread = 0.7 * inputs ** (1 / (units - 1)) if units > 2 else 1.0
                u[:, -1] *= spread * (-1 + np.arange(units) * 2 / units)
            drawn.append((u[:, :-1], u[:, -1]))
        return drawn


class MultiplyWithCarry:
    """``cv::RNG``: x ← 4164903690 low(x) + high(x), on the two halves of 64 bits; a number is two low halves."""

    def __init__(self) -> None:
        self.state = 2**64 - 1

    def uniform(self, count: int) -> Array:
        """Return so many numbers in [-1, 1)."""
        x, halves = self.state, np.empty(2 * count, np.uint64)
        for k in range(2 * count):
            x = (x & 0xFFFFFFFF) * 4164903690 + (x >> 32)
            halves[k] = x & 0xFFFFFFFF
        self.state = x
        whole = halves[::2] << np.uint64(32) | halves[1::2]
        return whole.astype(np.float64) * 5.4210108624275221700372640043497e-20 * 2 - 1
