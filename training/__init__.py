"""The loop around the phases, and what goes with it."""

from .callbacks import Callback, EarlyStopping, Run
from .checkpoint import load, save
from .fitting import fit
from .history import History
from .metrics import Evaluation, accuracy, evaluate

__all__ = ["Callback", "EarlyStopping", "Evaluation", "History", "Run", "accuracy", "evaluate", "fit", "load", "save"]
