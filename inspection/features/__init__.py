"""Feature visualization: images that maximize a class score, a layer, a channel or a unit, and DeepDream."""

from typing import TYPE_CHECKING

from ...names import unknown_names
from .dreams import Dream, dream
from .maximization import Maximization, activation_maximization, class_model
from .truncation import layers, scores, truncated

__all__ = ["Dream", "Maximization", "activation_maximization", "class_model", "dream", "layers", "scores", "truncated"]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
