"""Optimizers, which move parameters along their gradients, and gradient clipping."""

from .adaptive import Adagrad, Adam, AdamW, RMSprop
from .base import Optimizer
from .clipping import clip_grad_norm
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm"]
