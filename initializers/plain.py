"""Initializers whose scale the user chooses: among them the lecture's naive ones, and orthogonal matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arguments import Array, real
from ..errors import ArgumentError, ShapeError
from ..threads import OneThread
from .base import Initializer


@dataclass(frozen=True)
class Constant(Initializer):
    """Every number is ``value``. For biases and scales; units with equal weights would stay equal in training."""

    value: float

    def __post_init__(self) -> None:
        real("value", self.value)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.full(shape, self.value, np.float64)


class Zeros(Initializer):
    """Every number is 0: the default for biases."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Normal(Initializer):
    r""":math:`N(\mathrm{mean}, \mathrm{std}^2)`, for any number of inputs: a *naive* initialization (lecture, slide 75)."""

    std: float = 1.0
    mean: float = 0.0

    def __post_init__(self) -> None:
        real("std", self.std, 0)
        real("mean", self.mean)

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of a weight, the same for every shape."""
        return self.std**2

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.std, shape)


@dataclass(frozen=True)
class Uniform(Initializer):
    """``U[low, high)``, for any number of inputs: a *naive* initialization (lecture, slide 75)."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if real("high", self.high) < real("low", self.low):
            raise ArgumentError(f"high must be at least low, got low={self.low!r} and high={self.high!r}")

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of a weight, the same for every shape."""
        return (self.high - self.low) ** 2 / 12

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """``gain`` times a random matrix with orthonormal rows, or orthonormal columns if it has fewer columns than rows.

    The distribution is uniform: Q of a QR decomposition, with each column multiplied by the sign of R's diagonal. A kernel
    ``(out, in, h, w)`` is treated as the matrix ``(out, in h w)``.

    References
    ----------
    Saxe, McClelland & Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"; Mezzadri 2007, "How to generate random matrices from the classical compact groups".
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        real("gain", self.gain, 0)

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of a weight of this shape: each orthogonal row or column has length ``gain``."""
        return self.gain**2 / max(shape[0], math.prod(shape[1:]))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: shape must be (out, in, ...), got {shape}")
        rows, columns = shape[0], math.prod(shape[1:])
        drawn = rng.standard_normal((max(rows, columns), min(rows, columns)))
        with OneThread():                                           # several threads would change the last bits
            q, r = np.linalg.qr(drawn)
        q *= self.gain * np.copysign(1, r.diagonal())
        return (q if rows >= columns else q.T).reshape(shape)
