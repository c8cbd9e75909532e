"""Saliency maps: on which numbers of the input a class score depends, and whether a method depends on the network."""

from .gradients import completeness_error, gradient, gradient_times_input, integrated_gradients, smooth_grad
from .images import as_images, share
from .occlusion import occlusion
from .randomization import Randomization, randomization

__all__ = [
    "Randomization", "as_images", "completeness_error", "gradient", "gradient_times_input", "integrated_gradients",
    "occlusion", "randomization", "share", "smooth_grad",
]
