"""Training: the loop `fit`, its callbacks and history, metrics, checkpoints, and LSUV initialization."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .callbacks import Callback, EarlyStopping, MaxNorm, Run
from .checkpoint import load, save
from .fitting import fit
from .history import History
from .lsuv import ScaledLayer, ScaledLayers, lsuv
from .metrics import Evaluation, accuracy, evaluate

__all__ = [
    "Callback", "EarlyStopping", "Evaluation", "History", "MaxNorm", "Run", "ScaledLayer", "ScaledLayers", "accuracy",
    "evaluate", "fit", "load", "lsuv", "save",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
