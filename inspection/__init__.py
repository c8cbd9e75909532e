"""Looking inside: the contract as checks, derivatives of every kind, the tape, single examples, layers, diagnosis."""

from .checks import CHECKS, LOSS_CHECKS, check_module
from .diagnose import Diagnosis, diagnose
from .differences import finite_differences, numerical_gradient
from .examples import per_example_gradients, per_example_norms
from .hessians import hessian_eigenvalues, hessian_vector_product
from .jacobians import JacobianCost, JacobianCosts, jacobian, jacobian_costs, jvp, numerical_jacobian, vjp
from .labels import Finding
from .layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .noise import GradientNoise, gradient_noise
from .records import Record, Tensor
from .tape import Tape, tape

__all__ = [
    "CHECKS",
    "LOSS_CHECKS",
    "Diagnosis",
    "Finding",
    "GradientNoise",
    "JacobianCost",
    "JacobianCosts",
    "LayerStatistics",
    "Record",
    "Tape",
    "Tensor",
    "check_module",
    "diagnose",
    "finite_differences",
    "gradient_noise",
    "hessian_eigenvalues",
    "hessian_vector_product",
    "hidden_activations",
    "jacobian",
    "jacobian_costs",
    "jvp",
    "layer_statistics",
    "numerical_gradient",
    "numerical_jacobian",
    "per_example_gradients",
    "per_example_norms",
    "preactivations",
    "saturated_shares",
    "tape",
    "vjp",
]
