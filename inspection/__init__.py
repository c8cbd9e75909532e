"""Looking inside: finite differences, the contract as checks of a module of your own, layers on a batch, diagnosis, tape."""

from .checks import CHECKS, LOSS_CHECKS, check_module
from .diagnose import Diagnosis, diagnose
from .differences import finite_differences, numerical_gradient
from .hessians import hessian_eigenvalues, hessian_vector_product
from .jacobians import JacobianCost, JacobianCosts, jacobian, jacobian_costs, jvp, numerical_jacobian, vjp
from .labels import Finding
from .layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .records import Record, Tensor
from .tape import Tape, tape

__all__ = [
    "CHECKS",
    "LOSS_CHECKS",
    "Diagnosis",
    "Finding",
    "JacobianCost",
    "JacobianCosts",
    "LayerStatistics",
    "Record",
    "Tape",
    "Tensor",
    "check_module",
    "diagnose",
    "finite_differences",
    "hessian_eigenvalues",
    "hessian_vector_product",
    "hidden_activations",
    "jacobian",
    "jacobian_costs",
    "jvp",
    "layer_statistics",
    "numerical_gradient",
    "numerical_jacobian",
    "preactivations",
    "saturated_shares",
    "tape",
    "vjp",
]
