"""Initializers whose variance is computed from the fans, so that a signal keeps its variance from layer to layer.

A uniform distribution on [-a, a] has variance a²/3; each ``...Uniform`` has the same variance as its ``...Normal``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arguments import Array, one_of, real
from .base import Initializer, fans


class _Scaled(Initializer):
    """Base class: mean 0, and a variance that depends on the shape."""

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of a weight of this shape."""
        raise NotImplementedError


class _ScaledNormal(_Scaled):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(0, math.sqrt(self.variance(shape)), shape)


class _ScaledUniform(_Scaled):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        bound = math.sqrt(3 * self.variance(shape))
        return rng.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class _Glorot(_Scaled):
    gain: float = 1.0

    def __post_init__(self) -> None:
        real("gain", self.gain, 0)

    def variance(self, shape: tuple[int, ...]) -> float:
        return self.gain**2 * 2 / sum(fans(shape))


class GlorotNormal(_Glorot, _ScaledNormal):
    r""":math:`N(0, \mathrm{gain}^2 \cdot 2 / (\mathrm{fan_{in}} + \mathrm{fan_{out}}))`.

    References
    ----------
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 12.
    """


class GlorotUniform(_Glorot, _ScaledUniform):
    r""":math:`U[-a, a]` with :math:`a = \mathrm{gain} \sqrt{6 / (\mathrm{fan_{in}} + \mathrm{fan_{out}})}`.

    The paper's *normalized* initialization, also called Xavier: a compromise between ``fan_in Var W = 1``, which keeps the
    variance of the signals forward, and ``fan_out Var W = 1``, which keeps that of the gradients backward.

    References
    ----------
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.
    """


@dataclass(frozen=True)
class _He(_Scaled):
    fan: str = "in"
    slope: float = 0.0

    def __post_init__(self) -> None:
        one_of("fan", self.fan, ("in", "out"))
        real("slope", self.slope)

    def variance(self, shape: tuple[int, ...]) -> float:
        fan_in, fan_out = fans(shape)
        return 2 / ((1 + self.slope**2) * (fan_in if self.fan == "in" else fan_out))


class HeNormal(_He, _ScaledNormal):
    r""":math:`N(0, 2 / ((1 + \mathrm{slope}^2) \cdot \mathrm{fan}))`, for ReLU, or for LeakyReLU with that slope.

    ``fan="in"`` keeps the variance of the signals forward, ``fan="out"`` that of the gradients backward; either suffices.

    References
    ----------
    He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", eq. 10, 14 and 15.
    """


class HeUniform(_He, _ScaledUniform):
    r""":math:`U[-a, a]` with :math:`a = \sqrt{6 / ((1 + \mathrm{slope}^2) \cdot \mathrm{fan})}`: see HeNormal."""


class _LeCun(_Scaled):
    def variance(self, shape: tuple[int, ...]) -> float:
        return 1 / fans(shape)[0]


class LeCunNormal(_LeCun, _ScaledNormal):
    r""":math:`N(0, 1 / \mathrm{fan_{in}})`.

    References
    ----------
    LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.6.
    """


class LeCunUniform(_LeCun, _ScaledUniform):
    r""":math:`U[-a, a]` with :math:`a = \sqrt{3 / \mathrm{fan_{in}}}`: see LeCunNormal."""


class Standard(_ScaledUniform):
    r""":math:`U[-1/\sqrt{\mathrm{fan_{in}}}, 1/\sqrt{\mathrm{fan_{in}}}]`: the heuristic that Glorot & Bengio compare with.

    Its variance is 1/(3 fan_in): each linear layer divides the variance of the signal by 3.

    References
    ----------
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 1 and 15.
    """

    def variance(self, shape: tuple[int, ...]) -> float:
        return 1 / (3 * fans(shape)[0])
