"""Training: the loop `fit`, its callbacks and history, schedules, metrics, checkpoints, LSUV initialization and μP."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .averaging import EMA
from .callbacks import Callback, EarlyStopping, Run
from .fitting import fit
from .history import History
from .inputs.weights import class_weights
from .lsuv import ScaledLayer, ScaledLayers, lsuv
from .metrics import Evaluation, accuracy, evaluate
from .mup import WidthScale, WidthScales, mup
from .norms import MaxNorm, Norms
from .saving.checkpoints import Checkpoint
from .saving.models import Model, load_model, save_model
from .saving.states import load, save
from .schedules.chains import ChainedLR, SequentialLR
from .schedules.plateau import ReduceOnPlateau
from .schedules.rate_range import RateRange, lr_range_test
from .schedules.schedule import CosineLR, ExponentialLR, MultiStepLR, OneCycleLR, Schedule, StepLR, WarmupLR
from .scores import confusion_matrix, f1_score, mean_absolute_error, r2_score, roc_auc_score, top_k_accuracy_score
from .second_order.least_squares import least_squares
from .second_order.minimizing import minimize
from .steps import Step
from .watching.loggers import CSVLog, JSONLog, TensorBoard

__all__ = [
    "EMA", "CSVLog", "Callback", "ChainedLR", "Checkpoint", "CosineLR", "EarlyStopping", "Evaluation", "ExponentialLR",
    "History", "JSONLog", "MaxNorm", "Model", "MultiStepLR", "Norms", "OneCycleLR", "RateRange", "ReduceOnPlateau", "Run",
    "ScaledLayer", "ScaledLayers", "Schedule", "SequentialLR", "Step", "StepLR", "TensorBoard", "WarmupLR", "WidthScale",
    "WidthScales", "accuracy",
    "class_weights", "confusion_matrix", "evaluate", "f1_score", "fit", "least_squares", "load", "load_model",
    "lr_range_test", "lsuv", "mean_absolute_error", "minimize", "mup", "r2_score", "roc_auc_score", "save", "save_model",
    "top_k_accuracy_score",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
