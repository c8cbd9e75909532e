"""The settings of a comparison, which repeat it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...arguments import one_of, positive_int, real
from ...conversion import is_frame
from ...datasets.loading import is_pair
from ...errors import ArgumentError
from ..lab.networks import ACTIVATIONS, INITIALIZATIONS, OPTIMIZERS, abbreviated, initializations
from ..options import command_line, option, path
from .rates import around

NAIVE_OR_NOT = ("Glorot", "Standard", "N(0, 1)", "N(0, 0.01²)", "U(-1, 1)")
LEARNING_RATES = {"sgd": 0.03, "adagrad": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
QUICK = {"epochs": 3, "seeds": 2}                                   # enough to see the shape of the report
SPLITS = ("seed", "fixed")
MISSING = ("refuse", "drop")
FORMS = {                                                           # of data that no setting can hold, as arguments of a call
    "arrays": ("(x, y)", "(x_test, y_test)"), "parts": ("((x, y), (x_test, y_test))", ""), "frame": ("frame", "test_frame"),
    "dict": ("arrays", "test_arrays")}


@dataclass(frozen=True)
class Config:
    """The settings that decide the numbers: arguments of ``compare`` and options of the command, with their defaults."""

    data: str = option(
        "digits", "digits, a toy (moons, circles, spirals, xor, blobs, sine), shapeset, easy-shapeset, a .csv or .npz file, a "
        "folder of MNIST-format files, or one with a folder of images for each class")
    test: str | None = option(None, "file of the same form with the test part, which else is split off", metavar="FILE")
    target: str | tuple[str, ...] | None = option(
        None, "column of a table, or array of an .npz file, that is to be predicted; several with commas between them; last",
        metavar="NAME")
    group: str | None = option(
        None, "column of the groups, such as writers, that no two parts may share; of the digits: form", metavar="NAME")
    missing: str = option("refuse", "what to do with rows of a table in which a value is missing", choices=MISSING)
    standardize: bool | None = option(
        None, "scale each column of x, and numbers to be predicted, to mean 0 and standard deviation 1, as measured on the "
        "training part (default: if x is a table whose columns differ in scale)")
    init: tuple[str, ...] = option(
        NAIVE_OR_NOT, f"initializations: {', '.join(INITIALIZATIONS)}, 'N(0, s)' of standard deviation s, 'U(-a, a)'; Standard "
        "is U[-1/√fan_in, 1/√fan_in], LSUV is Orthogonal, then scaled on training examples; PyTorch and other libraries (see "
        "retroprop initializers) stand for what they give by default, libraries for all of them")
    activation: str = option("tanh", "activation function of the hidden layers", choices=ACTIVATIONS)
    depth: int = option(5, "number of hidden layers")
    width: int = option(100, "units in each hidden layer")
    batch_norm: bool = option(False, "put BatchNorm before each activation")
    dropout: float = option(0.0, "probability of dropping a hidden unit", metavar="P")
    optimizer: str = option("sgd", "optimizer, with its usual settings but for lr", choices=OPTIMIZERS)
    lr: float | str | tuple[float, ...] | None = option(
        None, "learning rate; several, such as 0.01,0.03,0.1, of which each initialization gets its own best one, chosen on "
        "a validation part; or auto, a grid around the usual rate (default: "
        f"{', '.join(f'{rate:g} for {name}' for name, rate in LEARNING_RATES.items())})", type=str, metavar="RATES")
    epochs: int = option(20, "number of passes over the training examples")
    batch_size: int = option(10, "examples in each batch")
    seeds: int = option(5, "number of seeds")
    split: str = option(
        "seed", "seed: each seed divides the data into training and test examples anew, alike for all initializations; fixed: "
        "the division of seed 0 for all seeds", choices=SPLITS)
    stratify: bool = option(False, "give each class the same share of all parts")
    cv: int | None = option(None, "number of folds of a cross-validation with each seed, in place of one test part",
                            metavar="K")

    def __post_init__(self) -> None:
        for name in ("depth", "width", "epochs", "batch_size", "seeds"):
            object.__setattr__(self, name, positive_int(name, getattr(self, name)))
        for name, none in (("standardize", True), ("batch_norm", False), ("stratify", False)):
            object.__setattr__(self, name, truth(name, getattr(self, name), none))
        if self.cv is not None:
            positive_int("cv", self.cv, 2)
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("split", self.split, SPLITS)
        one_of("missing", self.missing, MISSING)
        real("dropout", self.dropout, 0, 1, below=True)
        object.__setattr__(self, "init", initializations(self.init))
        object.__setattr__(self, "lr", LEARNING_RATES[self.optimizer] if self.lr is None else learning_rates(self.lr))
        object.__setattr__(self, "data", path("data", self.data))
        object.__setattr__(self, "test", None if self.test is None else path("test", self.test))
        if self.target is not None:
            names = [str(name) for name in ([self.target] if isinstance(self.target, (str, int)) else self.target)]
            several = len(names) > 1 and any("," in name for name in names)
            object.__setattr__(self, "target", tuple(names) if several else ",".join(names))

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rates that each initialization begins with: one, or a grid."""
        if self.lr == "auto":
            return around(LEARNING_RATES[self.optimizer])
        return self.lr if isinstance(self.lr, tuple) else (float(self.lr or 0),)

    @property
    def folds(self) -> int:
        """The number of divisions of the data with each seed."""
        return self.cv or 1


def repeat(config: Mapping[str, Any]) -> str:
    """What repeats a comparison: the command with all settings, or the call with those that are not defaults.

    The call is for what no command can hold: arrays, frames, and several targets with commas in their names.
    """
    forms = {name: form for name in ("data", "test", "group") if (form := held(config[name]))}
    if not forms and isinstance(config["target"], str | None):
        words = command_line("compare", {**config, "init": abbreviated(config["init"])})
        return words + " --no-standardize" * (config["standardize"] is False)
    usual = {one.name: one.default for one in fields(Config)}
    usual |= {"lr": LEARNING_RATES[config["optimizer"]], "data": config["data"]}
    given = {name: repr(value) for name, value in config.items() if value != usual[name]}
    given |= {name: "groups" if name == "group" else FORMS[form][1] for name, form in forms.items() if name != "data"}
    source = FORMS[forms["data"]][0] if "data" in forms else repr(config["data"])
    return f"rp.compare({', '.join([source, *(f'{name}={value}' for name, value in given.items())])})"


def held(value: Any) -> str:
    """The form of the data that a setting stands for by their digest; "" for names and paths.

    >>> held("frame 1c2d3e4f5a6b"), held("frame.csv"), held("arrays"), held(None)
    ('frame', '', '', '')
    """
    found = re.fullmatch(rf"({'|'.join(FORMS)}) [0-9a-f]{{12}}", str(value))
    return found[1] if found else ""


def form_of(source: Any) -> str:
    """Which of `FORMS` a source has that is neither a name nor a path."""
    if is_frame(source):
        return "frame"
    parts = is_pair(source) and is_pair(source[0]) and source[1] is not None
    return "dict" if isinstance(source, Mapping) else "parts" if parts else "arrays"


def truth(name: str, value: Any, none: bool) -> bool | None:
    """A truth value, or perhaps None; ArgumentError for others, such as 0, which a command could not repeat."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if value is None and none:
        return None
    raise ArgumentError(f"{name} must be {'None, ' * none}True or False, got {value!r}")


def learning_rates(lr: Any) -> float | tuple[float, ...] | str:
    """One rate as a float, several in increasing order, or "auto"; text has commas between the rates.

    >>> learning_rates("0.1,0.03"), learning_rates([0.1]), learning_rates("auto")
    ((0.03, 0.1), 0.1, 'auto')
    """
    if isinstance(lr, str) and lr.strip().lower() == "auto":
        return "auto"
    given = [number(one) for one in lr.split(",")] if isinstance(lr, str) else list(lr) if np.ndim(lr) else [lr]
    if not given or None in given:
        raise ArgumentError(f"lr must be a number, several such as 0.01,0.03,0.1, or 'auto', got {lr!r}")
    found = [real("lr", one, 0, above=True) for one in given]
    rates = tuple(sorted(set(found)))
    return rates[0] if len(rates) == 1 else rates


def number(text: str) -> float | None:
    """The number that a text holds; None if it holds none."""
    try:
        return float(text)
    except ValueError:
        return None
