"""Looking inside: finite differences, the contract as checks of a module of your own, layers on a batch, diagnosis."""

from .checks import CHECKS, LOSS_CHECKS, check_module
from .diagnose import Diagnosis, diagnose
from .differences import FiniteDifferences, finite_differences, numerical_gradient
from .gradient_check import GradientCheck, check_gradients
from .gradient_costs import GradientCosts, gradient_costs
from .labels import Finding
from .layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .perturbation import Perturbation, perturb
from .step_sizes import StepSizeErrors, step_size_errors

__all__ = [
    "CHECKS",
    "LOSS_CHECKS",
    "Diagnosis",
    "Finding",
    "FiniteDifferences",
    "GradientCheck",
    "GradientCosts",
    "LayerStatistics",
    "Perturbation",
    "StepSizeErrors",
    "check_gradients",
    "check_module",
    "diagnose",
    "finite_differences",
    "gradient_costs",
    "hidden_activations",
    "layer_statistics",
    "numerical_gradient",
    "perturb",
    "preactivations",
    "saturated_shares",
    "step_size_errors",
]
