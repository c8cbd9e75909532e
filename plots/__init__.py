"""All figures of the library. Functions return the Axes or Figure that they drew on; they open no window and set no global."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .activations import activation
from .adversarial import adversarial, robustness
from .canvas import COLORS, save
from .differences import gradient_costs, perturbation, step_sizes
from .examples import gradient_noise, outer_products
from .features import class_models, dream
from .graphs import graph, products
from .images import read_image, write_image
from .layers import layer_histograms, saturation
from .networks import decision_boundary, representation
from .rates import rate_range, schedule
from .saliency import randomization, saliency
from .timeline import timeline
from .training import LiveView, learning_curves, learning_curves_by

__all__ = [
    "COLORS", "LiveView", "activation", "adversarial", "class_models", "decision_boundary", "dream", "gradient_costs",
    "gradient_noise", "graph", "layer_histograms", "learning_curves", "learning_curves_by", "outer_products",
    "perturbation", "products", "randomization", "rate_range", "read_image", "representation", "robustness", "saliency",
    "saturation", "save", "schedule", "step_sizes", "timeline", "write_image",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
