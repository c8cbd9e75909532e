"""retroprop: a neural-network framework in which learning is explicit: forward, backward, update."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from retroprop import initializers
from retroprop.errors import (
    ArgumentError,
    CheckError,
    DataError,
    DtypeError,
    FileFormatError,
    NonFiniteError,
    PhaseError,
    RetropropError,
    ShapeError,
    StateError,
)
from retroprop.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    Standard,
    Uniform,
    Zeros,
)
from retroprop.losses import BCE, L1, MSE, NLL, BCEWithLogits, CrossEntropy, Hinge, Huber, Loss
from retroprop.modules import (
    ELU,
    GELU,
    BatchNorm,
    Dropout,
    Flatten,
    HardTanh,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Module,
    Parameter,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from retroprop.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm

if TYPE_CHECKING:
    from retroprop import datasets, inspection, plots
    from retroprop.experiments.compare import compare
    from retroprop.inspection import (
        check_gradients,
        check_module,
        diagnose,
        finite_differences,
        gradient_costs,
        layer_statistics,
        numerical_gradient,
        perturb,
        step_size_errors,
    )
    from retroprop.training import Callback, EarlyStopping, Evaluation, History, Run, accuracy, evaluate, fit, load, save

__version__ = "0.1.0"

__all__ = [
    "BCE",
    "ELU",
    "GELU",
    "L1",
    "MSE",
    "NLL",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ArgumentError",
    "BCEWithLogits",
    "BatchNorm",
    "Callback",
    "CheckError",
    "Constant",
    "CrossEntropy",
    "DataError",
    "Dropout",
    "DtypeError",
    "EarlyStopping",
    "Evaluation",
    "FileFormatError",
    "Flatten",
    "GlorotNormal",
    "GlorotUniform",
    "HardTanh",
    "HeNormal",
    "HeUniform",
    "Hinge",
    "History",
    "Huber",
    "Identity",
    "Initializer",
    "LayerNorm",
    "LeCunNormal",
    "LeCunUniform",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "Module",
    "NonFiniteError",
    "Normal",
    "Optimizer",
    "Orthogonal",
    "Parameter",
    "PhaseError",
    "RMSprop",
    "ReLU",
    "Reshape",
    "RetropropError",
    "Run",
    "Sequential",
    "ShapeError",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Standard",
    "StateError",
    "Tanh",
    "Uniform",
    "Zeros",
    "accuracy",
    "check_gradients",
    "check_module",
    "clip_grad_norm",
    "compare",
    "datasets",
    "diagnose",
    "evaluate",
    "finite_differences",
    "fit",
    "gradient_costs",
    "initializers",
    "inspection",
    "layer_statistics",
    "load",
    "numerical_gradient",
    "perturb",
    "plots",
    "save",
    "step_size_errors",
]

# What goes around networks is loaded when it is wanted: the import of the rest takes half as long.
_ON_USE = {
    "Callback": "retroprop.training",
    "EarlyStopping": "retroprop.training",
    "Evaluation": "retroprop.training",
    "History": "retroprop.training",
    "Run": "retroprop.training",
    "accuracy": "retroprop.training",
    "check_gradients": "retroprop.inspection",
    "check_module": "retroprop.inspection",
    "compare": "retroprop.experiments.compare",
    "diagnose": "retroprop.inspection",
    "evaluate": "retroprop.training",
    "finite_differences": "retroprop.inspection",
    "fit": "retroprop.training",
    "gradient_costs": "retroprop.inspection",
    "layer_statistics": "retroprop.inspection",
    "load": "retroprop.training",
    "numerical_gradient": "retroprop.inspection",
    "perturb": "retroprop.inspection",
    "save": "retroprop.training",
    "step_size_errors": "retroprop.inspection",
}


def __getattr__(name: str) -> Any:
    if name in _ON_USE:
        return getattr(import_module(_ON_USE[name]), name)
    if name in ("datasets", "experiments", "inspection", "plots", "training"):
        return import_module(f"retroprop.{name}")
    raise AttributeError(f"module 'retroprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
