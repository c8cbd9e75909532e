"""The modules that networks are made of."""

from typing import TYPE_CHECKING

from ..names import unknown_names
from .activations import HardTanh, Identity, Sigmoid, Softsign, Tanh
from .containers.graph import Graph
from .containers.residual import Residual
from .containers.sequential import Sequential
from .convolution import Conv2d
from .core.base import Module
from .core.parameter import Parameter
from .dropout import Dropout
from .embedding import Embedding
from .function import Function
from .joins import Add, Concat, Multiply
from .linear import Linear
from .normalization import BatchNorm, LayerNorm
from .pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d, Upsample2d
from .rectifiers import ELU, GELU, LeakyReLU, ReLU, SiLU, Softplus
from .shapes import Flatten, Reshape
from .softmax import LogSoftmax, Softmax

__all__ = [
    "ELU", "GELU", "Add", "AvgPool2d", "BatchNorm", "Concat", "Conv2d", "Dropout", "Embedding", "Flatten", "Function",
    "GlobalAvgPool2d", "Graph", "HardTanh", "Identity", "LayerNorm", "LeakyReLU", "Linear", "LogSoftmax", "MaxPool2d", "Module",
    "Multiply", "Parameter", "ReLU", "Reshape", "Residual", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softsign",
    "Tanh", "Upsample2d",
]

if not TYPE_CHECKING:                                               # a type checker would take any name for one of ours
    __getattr__ = unknown_names(__name__, __all__)
