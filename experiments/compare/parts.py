"""The data of a comparison: what each run trains on, is validated on and tested on, by seed and fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import datasets
from ...datasets.data_set import DataSet
from ...datasets.scaling import Scaler, scales_differ
from ...datasets.targets import Targets
from ...errors import ArgumentError, DataError
from .config import Config
from .metric import Metric, constant_error
from .results import Sizes, mean

Array = NDArray[Any]
Part = tuple[Array, Array]
VALIDATION = 0.2                                                    # share of the training examples
TEST: dict[str, float] = {"digits": 500}                            # of data that come with the library
FIFTH = 0.2                                                         # of other data


class Division(NamedTuple):
    """The indices of the examples of each part; ``test`` is None if the data bring a test part of their own."""

    train: Array
    validation: Array
    test: Array | None


class Parts(NamedTuple):
    """What a run gets. ``scaler`` turns predictions of values into those of y, if the network learns scaled ones."""

    train: Part
    validation: Part | None
    test: Part
    scaler: Scaler | None


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows of numbers and encoded targets, and how they are divided and scaled: all that a run needs of the data."""

    x: Array
    y: Array
    test: Part | None
    groups: Array | None
    targets: Targets
    name: str
    held_out: float                                                 # share or number of the test examples
    scaled: bool = False
    scaled_targets: bool = False

    @classmethod
    def of(cls, data: DataSet, config: Config) -> Problem:
        """The data of a comparison; ArgumentError for settings that do not fit them."""
        targets = data.targets
        if config.stratify and targets.kind not in ("classes", "binary"):
            raise ArgumentError(f"stratify must be False for {data.target}, which holds {targets.kind} and no classes")
        if config.cv and data.test is not None:
            raise ArgumentError(f"cv must be None for data that bring a test part of their own, got {config.cv}")
        x, y = rows(data.x), targets.encode(data.y)
        test = None if data.test is None else (rows(data.test[0]), targets.encode(data.test[1]))
        held_out = TEST.get(data.name, FIFTH) if data.name == config.data else FIFTH    # not of a folder called digits
        found = cls(x, y, test, data.groups, targets, data.name, held_out)
        if config.standardize is None:
            train = found.division(config, 0).train                 # what is decided must not depend on a test part
            scaled, scaled_targets = (scales_differ(a[train]) for a in (data.x, y))
        else:
            scaled = scaled_targets = config.standardize
        return replace(found, scaled=scaled, scaled_targets=scaled_targets and targets.kind == "values")

    @property
    def digest(self) -> str:
        """Hash of all arrays."""
        found = sha256()
        for array in (self.x, self.y, *(self.test or ()), *([] if self.groups is None else [self.groups])):
            found.update(f"{array.dtype.str} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).tobytes() if array.dtype.kind != "O" else repr(array.tolist()).encode())
        return found.hexdigest()[:12]

    def division(self, config: Config, seed: int, fold: int = 0) -> Division:
        """The division of one seed and fold: the same for all initializations and learning rates.

        If there are several rates, a fifth of the training examples validates; one rate needs no choice, and trains on all.
        ArgumentError or DataError, which name the setting, if there can be no such parts.
        """
        which = 0 if config.split == "fixed" else seed
        try:
            train, test = self.tested(config, which, fold)
            if len(config.rates) == 1:
                return Division(train, train[:0], test)
            return Division(*self.validated(config, train, which, fold), test)
        except ArgumentError as error:
            if str(error).startswith("k must "):
                raise ArgumentError(f"cv{str(error).removeprefix('k')}") from None
            raise DataError(f"data must hold enough examples for all parts, got {len(self.x)} in {self.name}") from error

    def tested(self, config: Config, seed: int, fold: int) -> tuple[Array, Array | None]:
        """The examples of the training part and of the test part; all and None if the data bring a test part."""
        if config.cv:
            return datasets.folds(self.labels(config), config.cv, rng=seed, groups=self.groups, stratify=config.stratify)[fold]
        examples = np.arange(len(self.x))
        return (examples, None) if self.test is not None else self.cut(config, examples, self.held_out, seed)

    def validated(self, config: Config, train: Array, seed: int, fold: int) -> tuple[Array, Array]:
        """The training examples, divided into those that train and those that validate."""
        try:
            return self.cut(config, train, VALIDATION, np.random.default_rng([seed, 1]))
        except DataError as error:
            which = f"seed {seed}" + f", fold {fold}" * bool(config.cv)
            raise DataError("lr must be one learning rate here: to choose among several takes a validation part, but it cannot "
                            f"be split off the {len(train)} training examples of {self.name} ({which}): {error}") from error

    def cut(self, config: Config, part: Array, size: float, rng: Any) -> tuple[Array, Array]:
        """Some examples, divided in two, of which the second ones are so many."""
        groups = None if self.groups is None else self.groups[part]
        (first, _), (second, _) = datasets.split(part, self.labels(config)[part], size, rng, groups=groups,
                                                 stratify=config.stratify)
        return first, second

    def labels(self, config: Config) -> Array:
        """What parts are stratified by: the names of the classes, since messages name them."""
        return np.array(self.targets.names)[self.y] if config.stratify else self.y

    def parts(self, config: Config, seed: int, fold: int = 0) -> Parts:
        """The arrays of one seed and fold, scaled if asked, as measured on the training examples."""
        division = self.division(config, seed, fold)
        (x, y), (x_test, y_test) = self.part(division.train), self.test_part(division)
        validation = self.part(division.validation) if len(division.validation) else None
        if self.scaled:
            scaler = Scaler.of(x)
            x, x_test = scaler.scaled(x), scaler.scaled(x_test)
            validation = None if validation is None else (scaler.scaled(validation[0]), validation[1])
        values = Scaler.of(y) if self.scaled_targets else None
        return Parts((x, y if values is None else values.scaled(y)), validation, (x_test, y_test), values)

    def part(self, indices: Array) -> Part:
        """Examples by their indices; all of them as they are, which may be many."""
        if len(indices) == len(self.x) and (indices[1:] > indices[:-1]).all():
            return self.x, self.y
        return self.x[indices], self.y[indices]

    def test_part(self, division: Division) -> Part:
        if division.test is not None:
            return self.x[division.test], self.y[division.test]
        assert self.test is not None
        return self.test

    def sizes(self, divisions: Sequence[Division]) -> Sizes:
        """The numbers of examples, as means over the divisions."""
        own = 0 if self.test is None else len(self.test[1])
        sizes = [(len(one.train), len(one.validation), own if one.test is None else len(one.test)) for one in divisions]
        return Sizes(*(round(mean) for mean in np.mean(sizes, axis=0).tolist()))

    def metric(self, divisions: Sequence[Division]) -> Metric:
        """The metric; its errors of a constant prediction are means over the divisions."""
        tested = [self.constant_error(one, self.test_part(one)[1]) for one in divisions]
        validated = [self.constant_error(one, self.y[one.validation]) for one in divisions if len(one.validation)]
        return Metric(self.targets.kind, "" if self.targets.kind == "values" else "%", mean(tested), mean(validated))

    def constant_error(self, division: Division, y: Array) -> float:
        """The error, on the targets of a part, of the best constant prediction for the training part."""
        train = self.y[division.train]
        if self.scaled_targets and train.shape[1] > 1:
            train, y = datasets.standardize(train, y)
        return constant_error(self.targets.kind, train, y)

    def divisions(self, config: Config) -> list[Division]:
        """The division of each seed and fold."""
        return [self.division(config, seed, fold) for seed in range(config.seeds) for fold in range(config.folds)]

    def divided_anew(self, config: Config) -> bool:
        """Whether seeds or folds have test parts of their own."""
        return self.test is None and bool(config.cv or (config.split == "seed" and config.seeds > 1))


def rows(x: Array) -> Array:
    return x.reshape(len(x), -1)
