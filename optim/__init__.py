"""Optimizers, which move parameters along their gradients, and gradient clipping."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .adaptive import Adagrad, Adam, AdamW, RMSprop
from .base import Optimizer
from .clipping import clip_grad_norm
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm"]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
