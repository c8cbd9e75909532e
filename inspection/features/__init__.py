"""What a network looks for: images that a class, a layer, a channel or a unit answers to most, and dreams."""

from .dreams import Dream, dream
from .maximization import Maximization, activation_maximization, class_model
from .truncation import layers, scores, truncated

__all__ = ["Dream", "Maximization", "activation_maximization", "class_model", "dream", "layers", "scores", "truncated"]
