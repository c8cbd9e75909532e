"""Losses: the costs that training minimizes."""

from .base import Loss
from .classification import NLL, CrossEntropy
from .elementwise import BCE, L1, MSE, BCEWithLogits, Hinge, Huber

__all__ = ["BCE", "L1", "MSE", "NLL", "BCEWithLogits", "CrossEntropy", "Hinge", "Huber", "Loss"]
