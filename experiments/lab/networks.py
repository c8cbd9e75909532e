"""The networks that experiments train, by names that a command line and a JSON file can hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
    Start,
    Uniform,
    Zeros,
    starts,
)
from ...initializers.start import known, library_names
from ...modules import (
    ELU,
    GELU,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    HardTanh,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from ...names import suggestion
from ...optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from ...training import lsuv

INITIALIZERS: Mapping[str, Initializer] = {
    "Glorot": GlorotUniform(), "Glorot normal": GlorotNormal(), "He": HeNormal(), "He uniform": HeUniform(),
    "LeCun": LeCunNormal(), "LeCun uniform": LeCunUniform(), "Orthogonal": Orthogonal(), "Standard": Standard()}
INITIALIZATIONS = (*INITIALIZERS, "LSUV")
LIBRARIES = "libraries"                                             # a name for all of them
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
        if self.fitted:
            lsuv(net, examples(FITTED), orthogonal=False)
        if self.start is not None:
            x = examples(FITTED) if self.start.rule.reads_inputs else np.array([-1.0, 1.0])
            self.start(net, rng=seed, classifier=classifier, inputs=(float(x.min()), float(x.max())))
        return net


def initialization(name: str) -> Initialization:
    """An initialization by its name, by a formula, or by the name of a library.

    The names are ``INITIALIZATIONS``, in any case, with a space, a hyphen or nothing between words; ``He in`` and
    ``He out`` name the fan. ``N(0, s)`` is the normal distribution of standard deviation s (``N(0, 0.01²)`` is the same),
    ``U(-a, a)`` the uniform one. A library's name stands for its start: see ``retroprop.initializers.of``.

    >>> initialization("he-uniform").label, initialization("N(0,0.01)").initializer, initialization("pytorch").label
    ('He uniform', Normal(std=0.01, mean=0.0), 'PyTorch')
    """
    if not isinstance(name, str):
        raise ArgumentError(f"init must be names of initializations, such as 'Glorot', got {name!r}")
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
    raise ArgumentError(f"init must be one of {', '.join(INITIALIZATIONS)}, N(0, s), U(-a, a), or a library that "
                        f"'retroprop initializers' lists, got {name!r}{suggestion(name, (*INITIALIZATIONS, *library_names()))}")


def initializations(names: str | Sequence[str]) -> tuple[str, ...]:
    """The labels of several initializations; "libraries" stands for all libraries that are not named beside it.

    >>> initializations(["glorot", "N(0,1)"]), len(initializations("libraries"))
    (('Glorot', 'N(0, 1)'), 50)
    """
    given = [names] if isinstance(names, str) else list(names)
    all_of_them = [name for name in given if isinstance(name, str) and name.lower() == LIBRARIES]
    labels = [initialization(name).label for name in given if name not in all_of_them]
    if not given or len(set(labels)) < len(labels) or len(all_of_them) > 1:
        raise ArgumentError(f"init must name at least one initialization, and each once, got {names}")
    others = [start.name for start in starts() if start.name not in labels] if all_of_them else []
    return tuple(labels + others)


def abbreviated(labels: Sequence[str]) -> tuple[str, ...]:
    """The names, "libraries" among them where it can be, that stand for these labels in `initializations`.

    >>> abbreviated(initializations(["He", "libraries"])), abbreviated(["He"])
    (('He', 'libraries'), ('He',))
    """
    libraries = [start.name for start in starts()]
    for k in range(len(labels)):
        if list(labels[k:]) == [name for name in libraries if name not in labels[:k]]:
            return (*labels[:k], LIBRARIES)
    return tuple(labels)


def dense(features: int, classes: int, initializer: Initializer, *, activation: str = "tanh", depth: int = 5, width: int = 100,
          batch_norm: bool = False, norm_momentum: float = 0.1, dropout: float = 0.0, seed: int = 0) -> Sequential:
    """``features - depth × width - classes``: Linear [BatchNorm] activation [Dropout] for each layer, then Linear.

    Each module that draws has a generator of its own, spawned from ``seed``: two networks that differ in their
    initializer alone draw the same random numbers.
    """
    function = ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]
    generators = iter(np.random.default_rng(seed).spawn(2 * depth + 1))
    modules: list[Module] = []
    for size in [features, *[width] * depth][:depth]:
        modules += [Linear(size, width, weight_init=initializer, rng=next(generators))]
        modules += [BatchNorm(width, momentum=norm_momentum)] if batch_norm else []
        modules += [function()]
        masks = next(generators)
        modules += [Dropout(dropout, rng=masks)] if dropout else []
    modules += [Linear(width if depth else features, classes, weight_init=initializer, rng=next(generators))]
    return Sequential(*modules)


def rectifiers(features: int, classes: int, initializer: Initializer, *, sizes: Sequence[int], seed: int,
               last: bool = False) -> Sequential:
    """Linear layers of these sizes with a ReLU after each, after the ``last`` one only if asked."""
    sizes = [features, *sizes, classes]
    generators = np.random.default_rng(seed).spawn(len(sizes) - 1)
    modules: list[Module] = []
    for (inputs, outputs), rng in zip(pairwise(sizes), generators, strict=True):
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=rng), ReLU()]
    return Sequential(*modules if last else modules[:-1])


def convolutions(features: int, classes: int, initializer: Initializer, *, stages: Sequence[Sequence[int]],
                 pools: int, hidden: Sequence[int] = (), seed: int) -> Sequential:
    """Stages of 3×3 convolutions and ReLU on square images, then ``hidden`` dense layers with ReLU, then Linear.

    ``stages`` holds the channels of each convolution, stage by stage; MaxPool2d(2) follows the first ``pools`` stages.
    """
    side, channels = math.isqrt(features), 1
    generators = iter(np.random.default_rng(seed).spawn(sum(map(len, stages)) + len(hidden) + 1))
    modules: list[Module] = [Reshape(1, side, side)]
    for k, stage in enumerate(stages):
        for filters in stage:
            modules += [Conv2d(channels, filters, 3, padding=1, weight_init=initializer, rng=next(generators)), ReLU()]
            channels = filters
        if k < pools:
            modules += [MaxPool2d(2)]
            side //= 2
    modules += [Flatten()]
    sizes = [channels * side**2, *hidden]
    for inputs, outputs in pairwise(sizes):
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=next(generators)), ReLU()]
    return Sequential(*modules, Linear(sizes[-1], classes, weight_init=initializer, rng=next(generators)))


def dropping(keep: float, rng: np.random.Generator) -> Module:
    return Dropout(1 - keep, rng=rng)


def noisy(features: int, classes: int, initializer: Initializer, *, sizes: Sequence[int], keep: float, keep_input: float,
          activation: str = "relu", noise: Callable[[float, np.random.Generator], Module] = dropping, seed: int) -> Sequential:
    """Linear layers of these sizes with dropout, or another ``noise(keep, rng)``, before each.

    ``keep`` is the probability of keeping a unit, the p of the paper on dropout; ``keep_input`` that of keeping an input.
    """
    sizes = [features, *sizes, classes]
    generators = np.random.default_rng(seed).spawn(2 * len(sizes))
    modules: list[Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        modules += [ACTIVATIONS[activation]()] if k else []
        kept, masks = keep if k else keep_input, generators[2 * k + 1]
        modules += [noise(kept, masks)] if kept < 1 else []
        modules += [Linear(inputs, outputs, weight_init=initializer, rng=generators[2 * k])]
    return Sequential(*modules)


NETWORKS: Mapping[str, Callable[..., Sequential]] = {
    "dense": dense, "rectifiers": rectifiers, "convolutions": convolutions, "noisy": noisy}
