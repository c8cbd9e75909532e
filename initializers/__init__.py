"""Initializers: distributions for the initial weights, and the scales that Glorot, He and LeCun derived for them."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .base import Initializer, fans
from .plain import Constant, Normal, Orthogonal, Uniform, Zeros
from .scaled import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LeCunNormal, LeCunUniform, Standard

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "LeCunNormal", "LeCunUniform",
    "Normal", "Orthogonal", "Standard", "Uniform", "Zeros", "fans",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
