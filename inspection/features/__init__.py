"""Feature visualization: images that maximize a class score, a layer, a channel or a unit, and DeepDream."""

from .dreams import Dream, dream
from .maximization import Maximization, activation_maximization, class_model
from .truncation import layers, scores, truncated

__all__ = ["Dream", "Maximization", "activation_maximization", "class_model", "dream", "layers", "scores", "truncated"]
