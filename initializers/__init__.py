"""Initializers: distributions for the initial weights, the scales that Glorot, He and LeCun derived for them, and the starts of
libraries: rules for a whole network."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .architecture import Layer, chain
from .base import Initializer, fans
from .plain import Constant, Normal, Orthogonal, Uniform, Zeros
from .scaled import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LeCunNormal, LeCunUniform, Standard
from .starts import Start, of, starts

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "Layer", "LeCunNormal",
    "LeCunUniform", "Normal", "Orthogonal", "Standard", "Start", "Uniform", "Zeros", "chain", "fans", "of", "starts",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
