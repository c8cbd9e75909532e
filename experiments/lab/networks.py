"""The network that experiments train: one architecture, from any start, by names that a command line can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from ...arguments import Array, one_of
from ...errors import ArgumentError
from ...initializers import (
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
)
from ...modules import (
    ELU,
    GELU,
    BatchNorm,
    Dropout,
    HardTanh,
    LeakyReLU,
    Linear,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from ...optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from ...training import lsuv

STARTS: Mapping[str, Initializer] = {
    "Glorot": GlorotUniform(), "Glorot normal": GlorotNormal(), "He": HeNormal(), "He uniform": HeUniform(),
    "LeCun": LeCunNormal(), "LeCun uniform": LeCunUniform(), "Orthogonal": Orthogonal(), "Standard": Standard(),
    "LSUV": Orthogonal(),                                           # and then ``fit_start``
}
FITTED = 256                                                        # examples that LSUV looks at
ACTIVATIONS: Mapping[str, Callable[[], Module]] = {kind.__name__.lower(): kind for kind in (
    Tanh, Sigmoid, Softsign, ReLU, LeakyReLU, ELU, GELU, SiLU, Softplus, HardTanh)}
OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {kind.__name__.lower(): kind for kind in (
    SGD, Adam, AdamW, RMSprop, Adagrad)}


def start(name: str) -> tuple[str, Initializer]:
    """An initializer by name, with the label that tables and figures give it.

    The names of ``STARTS`` in any case, with a space, a hyphen or nothing between words; ``N(0, s)`` for the normal
    distribution of standard deviation s (``N(0, 0.01²)`` is the same), and ``U(-a, a)`` for the uniform one. LSUV begins
    as Orthogonal does: ``fit_start`` makes the rest of it, from data.

    >>> start("he-uniform"), start("N(0,0.01)")
    (('He uniform', HeUniform(fan='in', slope=0.0)), ('N(0, 0.01²)', Normal(std=0.01, mean=0.0)))
    """
    if not isinstance(name, str):
        raise ArgumentError(f"init must be names of starts, such as 'Glorot', got {name!r}")
    plain = re.sub(r"[\s_-]", "", name).lower()
    for label, initializer in STARTS.items():
        if plain == label.replace(" ", "").lower():
            return label, initializer
    number = r"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)"
    if found := re.fullmatch(rf"n\(0,{number}(?:²|\^2)?\)", re.sub(r"\s", "", name).lower()):
        std = float(found[1])
        return f"N(0, {std:g}{'' if std == 1 else '²'})", Normal(std)
    if found := re.fullmatch(rf"u\(-{number},{number}\)", re.sub(r"\s", "", name).lower()):
        low, high = -float(found[1]), float(found[2])
        return f"U({low:g}, {high:g})", Uniform(low, high)
    raise ArgumentError(f"init must be one of {', '.join(STARTS)}, N(0, s) or U(-a, a), got {name!r}")


def fit_start(label: str, net: Sequential, x: Array) -> None:
    """Scale the layers on some of the training examples, if the start is LSUV, which data decide."""
    if label == "LSUV":
        lsuv(net, spread(x, FITTED), orthogonal=False)


def spread(x: Array, count: int) -> Array:
    """Some of the examples, from all over their order, which may be that of their classes."""
    return x[np.linspace(0, len(x) - 1, min(count, len(x))).astype(int)]


def network(features: int, classes: int, initializer: Initializer, *, activation: str = "tanh", depth: int = 5,
            width: int = 100, batch_norm: bool = False, dropout: float = 0.0, seed: int = 0) -> Sequential:
    """``features - depth × width - classes``: Linear [BatchNorm] activation [Dropout] for each layer, then Linear.

    Each module that draws has a generator of its own, spawned from ``seed``: two networks that differ in their
    initializer alone draw the same random numbers.
    """
    function = ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]
    generators = iter(np.random.default_rng(seed).spawn(2 * depth + 1))
    modules: list[Module] = []
    for size in [features, *[width] * depth][:depth]:
        modules += [Linear(size, width, weight_init=initializer, rng=next(generators))]
        modules += [BatchNorm(width)] if batch_norm else []
        modules += [function()]
        masks = next(generators)
        modules += [Dropout(dropout, rng=masks)] if dropout else []
    modules += [Linear(width if depth else features, classes, weight_init=initializer, rng=next(generators))]
    return Sequential(*modules)
