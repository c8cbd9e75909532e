"""Training: the loop `fit`, its callbacks and history, metrics, checkpoints, and LSUV initialization."""

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
