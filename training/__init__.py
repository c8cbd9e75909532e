"""The loop around the phases, and what goes with it."""

from .callbacks import Callback, EarlyStopping, MaxNorm, Run
from .checkpoint import load, save
from .fitting import fit
from .history import History
from .lsuv import Rescaled, Rescalings, lsuv
from .metrics import Evaluation, accuracy, evaluate

__all__ = [
    "Callback", "EarlyStopping", "Evaluation", "History", "MaxNorm", "Rescaled", "Rescalings", "Run", "accuracy", "evaluate",
    "fit", "load", "lsuv", "save",
]
