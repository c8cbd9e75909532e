"""Saliency: which numbers of an input a class score hangs on, by several methods, and whether a method hangs on the net."""

from .gradients import completeness_error, gradient, gradient_times_input, integrated_gradients, smooth_grad
from .images import as_images, share
from .occlusion import occlusion
from .randomization import Randomization, randomization

__all__ = [
    "Randomization",
    "as_images",
    "completeness_error",
    "gradient",
    "gradient_times_input",
    "integrated_gradients",
    "occlusion",
    "randomization",
    "share",
    "smooth_grad",
]
