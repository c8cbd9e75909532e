"""Looking inside: finite differences, the contract as checks of a module of your own, layers on a batch, diagnosis, tape."""

from .checks import CHECKS, LOSS_CHECKS, check_module
from .diagnose import Diagnosis, diagnose
from .differences import finite_differences, numerical_gradient
from .labels import Finding
from .layers import LayerStatistics, hidden_activations, layer_statistics, preactivations, saturated_shares
from .records import Record, Tensor
from .tape import Tape, tape

__all__ = [
    "CHECKS",
    "LOSS_CHECKS",
    "Diagnosis",
    "Finding",
    "LayerStatistics",
    "Record",
    "Tape",
    "Tensor",
    "check_module",
    "diagnose",
    "finite_differences",
    "hidden_activations",
    "layer_statistics",
    "numerical_gradient",
    "preactivations",
    "saturated_shares",
    "tape",
]
