"""The settings of a comparison, which repeat it."""

from __future__ import annotations

from dataclasses import dataclass

from ...arguments import one_of, positive_int, real
from ...errors import ArgumentError
from ..lab.networks import ACTIVATIONS, INITIALIZATIONS, OPTIMIZERS, initialization
from ..options import option, path

NAIVE_OR_NOT = ("Glorot", "Standard", "N(0, 1)", "N(0, 0.01²)", "U(-1, 1)")
LEARNING_RATES = {"sgd": 0.03, "adagrad": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
QUICK = {"epochs": 3, "seeds": 2}                                   # enough to see the shape of the report
SPLITS = ("seed", "fixed")


@dataclass(frozen=True)
class Config:
    """The settings that decide the numbers: arguments of ``compare`` and options of the command, with their defaults."""

    data: str = option(
        "digits", "digits, a toy (moons, circles, spirals, xor, blobs), shapeset, easy-shapeset, a folder of MNIST-format "
        "files, or an .npz file with arrays x and y")
    init: tuple[str, ...] = option(
        NAIVE_OR_NOT, f"initializations: {', '.join(INITIALIZATIONS)}, 'N(0, s)' of standard deviation s, 'U(-a, a)'; Standard "
        "is U[-1/√fan_in, 1/√fan_in], LSUV is Orthogonal, then scaled on training examples")
    activation: str = option("tanh", "activation function of the hidden layers", choices=ACTIVATIONS)
    depth: int = option(5, "number of hidden layers")
    width: int = option(100, "units in each hidden layer")
    batch_norm: bool = option(False, "put BatchNorm before each activation")
    dropout: float = option(0.0, "probability of dropping a hidden unit", metavar="P")
    optimizer: str = option("sgd", "optimizer, with its usual settings but for lr", choices=OPTIMIZERS)
    lr: float | None = option(
        None, f"learning rate (default: {', '.join(f'{rate:g} for {name}' for name, rate in LEARNING_RATES.items())})")
    epochs: int = option(20, "number of passes over the training examples")
    batch_size: int = option(10, "examples in each batch")
    seeds: int = option(5, "number of seeds")

    def __post_init__(self) -> None:
        for name in ("depth", "width", "epochs", "batch_size", "seeds"):
            positive_int(name, getattr(self, name))
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        if self.lr is None:
            object.__setattr__(self, "lr", LEARNING_RATES[self.optimizer])
        real("lr", self.lr, 0, above=True)
        real("dropout", self.dropout, 0, 1, below=True)
        labels = tuple(initialization(name).label for name in ([self.init] if isinstance(self.init, str) else self.init))
        if not labels or len(set(labels)) < len(labels):
            raise ArgumentError(f"init must name at least one initialization, and each once, got {self.init}")
        object.__setattr__(self, "init", labels)
        object.__setattr__(self, "data", path(
            "data", self.data, "; write arrays into a file, numpy.savez('mine.npz', x=x, y=y), and give its name"))
