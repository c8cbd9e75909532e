"""Looking inside: finite differences, the contract as checks of a module of your own, layers and single
examples of a batch, diagnosis."""

from .checks import CHECKS, LOSS_CHECKS, check_module
from .diagnose import Diagnosis, diagnose
from .differences import finite_differences, numerical_gradient
from .examples import per_example_gradients, per_example_norms
from .labels import Finding
from .layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .noise import GradientNoise, gradient_noise

__all__ = [
    "CHECKS",
    "LOSS_CHECKS",
    "Diagnosis",
    "Finding",
    "GradientNoise",
    "LayerStatistics",
    "check_module",
    "diagnose",
    "finite_differences",
    "gradient_noise",
    "hidden_activations",
    "layer_statistics",
    "numerical_gradient",
    "per_example_gradients",
    "per_example_norms",
    "preactivations",
    "saturated_shares",
]
