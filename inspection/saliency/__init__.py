"""Saliency maps: on which numbers of the input a class score depends, and whether a method depends on the network."""

from typing import TYPE_CHECKING

from ...names import unknown_names
from .gradients import completeness_error, gradient, gradient_times_input, integrated_gradients, smooth_grad
from .images import as_images, share
from .occlusion import occlusion
from .randomization import Randomization, randomization

__all__ = [
    "Randomization", "as_images", "completeness_error", "gradient", "gradient_times_input", "integrated_gradients",
    "occlusion", "randomization", "share", "smooth_grad",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
