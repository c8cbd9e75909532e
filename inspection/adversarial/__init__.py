"""Adversarial examples: small changes of the input that make a network err (lecture, slide 71)."""

from typing import TYPE_CHECKING

from ...names import unknown_names
from .attacks import fgsm, pgd
from .robustness import Robustness, robustness
from .training import AdversarialTraining

__all__ = ["AdversarialTraining", "Robustness", "fgsm", "pgd", "robustness"]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
