"""Data sets: embedded digits, generated toys and images, files in MNIST's format or NumPy's; splits and minibatches."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .batches import batches
from .data_set import load
from .embedded import digits
from .idx import mnist, read_idx
from .images.augmentation import Flip, Noise, Shift
from .scaling import Scaler, scales_differ, standardize
from .shapes import EASY_SHAPESET, SHAPESET_CLASSES, shapeset
from .splits import folds, split
from .targets import Targets
from .toys import blobs, circles, moons, sine, spirals, xor

__all__ = [
    "EASY_SHAPESET", "SHAPESET_CLASSES", "Flip", "Noise", "Scaler", "Shift", "Targets", "batches", "blobs", "circles",
    "digits", "folds", "load", "mnist", "moons", "read_idx", "scales_differ", "shapeset", "sine", "spirals", "split",
    "standardize", "xor",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
