from . import adversarial, features, saliency
from .contract.checks import CHECKS, LOSS_CHECKS, check_module
from .derivatives.differences import FiniteDifferences, finite_differences, numerical_gradient
from .derivatives.gradient_check import GradientCheck, check_gradients
from .derivatives.gradient_costs import GradientCost, GradientCosts, gradient_costs
from .derivatives.gradient_rows import GradientRow, Kink
from .derivatives.hessians import hessian_eigenvalues, hessian_vector_product
from .derivatives.jacobian_costs import JacobianCost, JacobianCosts, jacobian_costs
from .derivatives.jacobians import jacobian, jvp, numerical_jacobian, vjp
from .derivatives.paths import PathCounts, PathSum, count_paths, path_sum
from .derivatives.perturbation import Perturbation, perturb
from .derivatives.step_sizes import StepSizeErrors, step_size_errors
from .diagnosis.diagnose import Diagnosis, diagnose
from .diagnosis.labels import Finding
from .diagnosis.layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .per_example.gradients import per_example_gradients, per_example_norms
from .per_example.noise import GradientNoise, gradient_noise
from .recording.records import Record, Tensor
from .recording.tape import Tape, tape

__all__ = [
    "CHECKS", "LOSS_CHECKS", "Diagnosis", "Finding", "FiniteDifferences", "GradientCheck", "GradientCost", "GradientCosts",
    "GradientNoise", "GradientRow", "JacobianCost", "JacobianCosts", "Kink", "LayerStatistics", "PathCounts", "PathSum",
    "Perturbation", "Record", "StepSizeErrors", "Tape", "Tensor", "adversarial", "check_gradients", "check_module",
    "count_paths", "diagnose", "features", "finite_differences", "gradient_costs", "gradient_noise", "hessian_eigenvalues",
    "hessian_vector_product", "hidden_activations", "jacobian", "jacobian_costs", "jvp", "layer_statistics",
    "numerical_gradient", "numerical_jacobian", "path_sum", "per_example_gradients", "per_example_norms", "perturb",
    "preactivations", "saliency", "saturated_shares", "step_size_errors", "tape", "vjp",
]
