"""Adversarial examples: small changes of the input that make a network err (lecture, slide 71)."""

from .attacks import fgsm, pgd
from .robustness import Robustness, robustness
from .training import AdversarialTraining

__all__ = ["AdversarialTraining", "Robustness", "fgsm", "pgd", "robustness"]
