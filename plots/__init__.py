"""Every picture of the library. Nothing here shows a window or sets a global: functions return what they drew on."""

from .activations import activation
from .canvas import save
from .differences import gradient_costs, perturbation, step_sizes
from .layers import layer_histograms, saturation
from .networks import decision_boundary, representation
from .training import learning_curves, learning_curves_by

__all__ = [
    "activation",
    "decision_boundary",
    "gradient_costs",
    "layer_histograms",
    "learning_curves",
    "learning_curves_by",
    "perturbation",
    "representation",
    "saturation",
    "save",
    "step_sizes",
]
