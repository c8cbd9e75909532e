"""Data to learn from: embedded digits, generated toys, files of the user's, minibatches."""

from .batches import batches, split, standardize
from .embedded import digits
from .idx import mnist, read_idx
from .loading import load
from .toys import blobs, circles, moons, sine, spirals, xor

__all__ = [
    "batches",
    "blobs",
    "circles",
    "digits",
    "load",
    "mnist",
    "moons",
    "read_idx",
    "sine",
    "spirals",
    "split",
    "standardize",
    "xor",
]
