"""What users name in a word: activations, optimizers, initializations of a network, and the dense network made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import Array, one_of
from ..errors import ArgumentError
from ..initializers import (
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
    Start,
    Uniform,
    Zeros,
)
from ..initializers.rules import Distribution, Separate, constant
from ..initializers.start import known, library_names
from ..modules import (
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
from ..names import suggestion
from ..optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from .lsuv import lsuv

INITIALIZERS: Mapping[str, Initializer] = {
    "Glorot": GlorotUniform(), "Glorot normal": GlorotNormal(), "He": HeNormal(), "He uniform": HeUniform(),
    "LeCun": LeCunNormal(), "LeCun uniform": LeCunUniform(), "Orthogonal": Orthogonal(), "Standard": Standard()}
INITIALIZATIONS = (*INITIALIZERS, "LSUV")
FITTED = 256                                                        # examples that LSUV measures variances on
ACTIVATIONS: Mapping[str, Callable[[], Module]] = {kind.__name__.lower(): kind for kind in (
    Tanh, Sigmoid, Softsign, ReLU, LeakyReLU, ELU, GELU, SiLU, Softplus, HardTanh)}
OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {kind.__name__.lower(): kind for kind in (
    SGD, Adam, AdamW, RMSprop, Adagrad)}


@dataclass(frozen=True)
class Initialization:
    """How the weights of a network begin: a distribution for each weight, and perhaps a step over the whole network after it.

    Attributes
    ----------
    label : str
        The name in tables and figures.
    distribution : Initializer
        What each weight is drawn from.
    fitted : bool
        Whether the layers are then scaled on training examples, as LSUV does.
    start : Start or None
        The start of a library, which then draws all weights and biases.
    """

    label: str
    distribution: Initializer
    fitted: bool = False
    start: Start | None = None

    @property
    def initializer(self) -> Initializer:
        """The distribution, if it is all there is; ArgumentError for LSUV, which needs data too, and for libraries."""
        if self.fitted:
            raise ArgumentError(f"init must be an initialization that needs no data here, got {self.label!r}")
        if self.start is not None:
            raise ArgumentError(f"init must be a distribution of each weight here, not a library's start, got {self.label!r}")
        return self.distribution

    def network(self, build: Callable[[Initializer], Sequential], examples: Callable[[int], Array], seed: int,
                classifier: bool = True) -> Sequential:
        """``build(initializer)``; LSUV then scales it on ``examples(count)``: so many training examples; a start draws it anew.

        ``seed`` is that of the start, ``classifier`` whether the outputs stand for classes.
        """
        net = build(self.distribution)
        self.finish(net, examples, seed, classifier)
        return net

    def redraw(self, net: Module, examples: Callable[[int], Array], seed: int, classifier: bool = True) -> None:
        """Draw the weights of a network anew, in place, and set its biases to 0, or draw them too as a library does."""
        if self.start is None:
            weights, zero = Distribution(self.label, lambda layer: self.distribution), constant(0)
            Start(self.label, "", "", "", rule=Separate(weights, zero, (weights, zero)))(net, rng=seed)
        self.finish(net, examples, seed, classifier)

    def finish(self, net: Module, examples: Callable[[int], Array], seed: int, classifier: bool) -> None:
        """Take the step over the whole network, if there is one."""
        if self.fitted:
            lsuv(net, examples(FITTED), orthogonal=False)
        if self.start is not None:
            x = examples(FITTED) if self.start.rule.reads_inputs else np.array([-1.0, 1.0])
            self.start(net, rng=seed, classifier=classifier, inputs=(float(x.min()), float(x.max())))


def initialization(name: str, argument: str = "init") -> Initialization:
    """An initialization by its name, by a formula, or by the name of a library.

    The names are ``INITIALIZATIONS``, in any case, with a space, a hyphen or nothing between words; ``He in`` and
    ``He out`` name the fan. ``N(0, s)`` is the normal distribution of standard deviation s (``N(0, 0.01²)`` is the same),
    ``U(-a, a)`` the uniform one. A library's name stands for its start: see ``retroprop.initializers.of``. ``argument`` is what
    an error calls the name.

    >>> initialization("he-uniform").label, initialization("N(0,0.01)").initializer, initialization("pytorch").label
    ('He uniform', Normal(std=0.01, mean=0.0), 'PyTorch')
    """
    if not isinstance(name, str):
        raise ArgumentError(f"{argument} must be names of initializations, such as 'Glorot', got {name!r}")
    plain = re.sub(r"[\s_-]", "", name).lower()
    if plain == "lsuv":
        return Initialization("LSUV", Orthogonal(), fitted=True)
    for label, initializer in INITIALIZERS.items():
        if plain == label.replace(" ", "").lower():
            return Initialization(label, initializer)
    if plain in ("hein", "heout"):
        return Initialization(f"He {plain[2:]}", HeNormal(plain[2:]))
    number = r"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)"
    if found := re.fullmatch(rf"n\(0,{number}(?:²|\^2)?\)", re.sub(r"\s", "", name).lower()):
        std = float(found[1])
        return Initialization(f"N(0, {std:g}{'' if std == 1 else '²'})", Normal(std))
    if found := re.fullmatch(rf"u\(-{number},{number}\)", re.sub(r"\s", "", name).lower()):
        low, high = -float(found[1]), float(found[2])
        return Initialization(f"U({low:g}, {high:g})", Uniform(low, high))
    if (start := known(name)) is not None:
        return Initialization(start.name, Zeros(), start=start)
    raise ArgumentError(f"{argument} must be one of {', '.join(INITIALIZATIONS)}, N(0, s), U(-a, a), or a library that "
                        f"'retroprop initializers' lists, got {name!r}{suggestion(name, (*INITIALIZATIONS, *library_names()))}")


def dense_network(features: int, outputs: int, hidden: Sequence[int], initializer: Initializer, *, activation: str = "tanh",
                  batch_norm: bool = False, norm_momentum: float = 0.1, dropout: float = 0.0, dtype: DTypeLike = "float32",
                  seed: int = 0) -> Sequential:
    """``features - hidden - outputs``: Linear [BatchNorm] activation [Dropout] for each hidden layer, then Linear.

    Each module that draws has a generator of its own, spawned from ``seed``: two networks that differ in their
    initializer alone draw the same random numbers.
    """
    function = ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]
    generators = iter(np.random.default_rng(seed).spawn(2 * len(hidden) + 1))
    modules: list[Module] = []
    inputs = features
    for width in hidden:
        modules += [Linear(inputs, width, weight_init=initializer, dtype=dtype, rng=next(generators))]
        modules += [BatchNorm(width, momentum=norm_momentum, dtype=dtype)] if batch_norm else []
        modules += [function()]
        masks = next(generators)
        modules += [Dropout(dropout, rng=masks)] if dropout else []
        inputs = width
    return Sequential(*modules, Linear(inputs, outputs, weight_init=initializer, dtype=dtype, rng=next(generators)))
