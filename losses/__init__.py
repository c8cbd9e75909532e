"""Losses: the costs that training minimizes."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .base import Loss
from .classification import NLL, CrossEntropy
from .elementwise import BCE, L1, MSE, BCEWithLogits, Hinge, Huber

__all__ = ["BCE", "L1", "MSE", "NLL", "BCEWithLogits", "CrossEntropy", "Hinge", "Huber", "Loss"]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
