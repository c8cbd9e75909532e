"""One run of a comparison: the training of the network from one initialization, at one rate, on the data of a seed and fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from hashlib import blake2b, sha256
from itertools import product
from typing import NamedTuple

import numpy as np

from ...arguments import Array, as_floating
from ...datasets.checks import finite
from ...errors import NonFiniteError
from ...initializers import Initializer
from ...inspection.diagnosis.layers import inactive_shares, layer_statistics, seen
from ...losses import MSE, BCEWithLogits, CrossEntropy, Loss
from ...modules import Module, Sequential
from ...modules.core.summary import examples_at_once
from ...training import Callback, Run, fit
from ..lab.data import spread
from ..lab.networks import OPTIMIZERS, dense, initialization
from ..sweeps.threads import limit_of_tasks
from .config import Config
from .metric import error_of, r_squared, sampling_error
from .parts import Parts, Problem
from .results import TrainingRun

WATCHED = 300                                                       # test examples on which the layers are measured
LOSSES: Mapping[str, Callable[[], Loss]] = {
    "classes": CrossEntropy, "binary": BCEWithLogits, "labels": BCEWithLogits, "values": MSE}


class Task(NamedTuple):
    """Which run: everything that differs between the runs of a comparison."""

    init: str
    rate: float
    seed: int
    fold: int = 0


class Watch(Callback):
    """Records after each epoch the cost, the test error, and the share of saturated units in each hidden layer.

    The layers are measured on a fixed set of test examples, as in Glorot & Bengio 2010; with ``layers=False`` before training
    alone.
    """

    def __init__(self, error: Callable[[Array, Array], float], parts: Parts, layers: bool = True) -> None:
        x, y = self.test = parts.test
        self.error, self.layers = error, layers
        self.watched = x[:WATCHED], y[:WATCHED] if parts.scaler is None else parts.scaler.scaled(y[:WATCHED])
        self.twin: Twin | None = None
        self.costs: list[float] = []
        self.errors: list[float] = []
        self.saturation: list[list[float]] = []

    def before_training(self, run: Run) -> None:
        self.measure(run.net)
        self.twin = Twin(run.net) if Twin.suits(run.net, self.test[0]) else None

    def after_epoch(self, run: Run) -> None:
        x, y = self.test
        if self.twin is None:
            prediction = run.net.predict(x)
            if self.layers:
                self.measure(run.net)
        elif self.layers:
            shares, prediction = seen(self.twin.current(), x, WATCHED)
            self.saturation.append(shares)
        else:
            prediction = self.twin.current().forward(x)
        self.errors.append(self.error(prediction, y))
        self.costs.append(run.history["cost"][-1])

    def measure(self, net: Module) -> None:
        self.saturation.append(inactive_shares(net, self.watched[0]))


class Twin:
    """A copy of a network, to look at all test examples at once: it stays prepared for them, as the network for its batches."""

    def __init__(self, net: Module) -> None:
        self.net, self.copy = net, deepcopy(net)
        self.pairs = list(zip(self.copy.parameters(), net.parameters(), strict=True))

    @staticmethod
    def suits(net: Module, x: Array) -> bool:
        """Whether the copy does what the network does, in each mode, and needs little memory: four times that of predict."""
        modules = [module for _, module in net.named_modules()]
        return (not net.named_generators() and not any(module.buffers or module.batch_dependent for module in modules)
                and len(x) <= 4 * examples_at_once(net, x.shape, x.dtype))

    def current(self) -> Module:
        """The copy with the numbers that the network has now."""
        for mine, its in self.pairs:
            np.copyto(mine.T, its.T)
        return self.copy


def check(problem: Problem, config: Config) -> None:
    """Raise what runs would raise: DataError for numbers beyond float32, and whatever a start says about data or network."""
    with (limit_of_tasks() or nullcontext)():
        for seed, fold in product(range(config.seeds), range(config.folds)):
            first = seed == fold == 0
            inits = [init for init in config.init if first or initialization(init).fitted]      # the others see no data
            if not (inits or problem.scaled or problem.scaled_targets):
                continue
            parts = problem.parts(config, seed, fold)
            for name, part in (("", parts.train), ("validation: ", parts.validation), ("test: ", parts.test)):
                if part is not None:
                    fits(f"{name}x", part[0])
                    fits(f"{name}y", part[1] if parts.scaler is None or not name else parts.scaler.scaled(part[1]))
            for init in inits:
                network(problem, config, Task(init, config.rates[0], seed, fold), parts)


def fits(name: str, array: Array) -> None:
    """DataError unless these numbers, standardized perhaps, are finite as float32."""
    if array.dtype.kind == "f":
        as_floating(finite(name, array), np.dtype("float32"), name)


def train_one(problem: Problem, config: Config, task: Task) -> TrainingRun:
    """Train the network once. Runs of one seed and fold have the same data in the same order and the same random numbers."""
    parts, kind = problem.parts(config, task.seed, task.fold), problem.targets.kind
    net, loss = network(problem, config, task, parts), LOSSES[kind]()
    optimizer = OPTIMIZERS[config.optimizer](net.parameters(), lr=task.rate)
    error = partial(error_of, kind, scaler=parts.scaler)
    arrays = task.seed == task.fold == 0                            # the figures of the layers show one run
    watch = Watch(error, parts, layers=arrays or len(config.rates) == 1)        # for rates that are not chosen it is too much
    start, before = digests(net), layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    diverged, validation, sampling, r2 = None, math.nan, math.nan, math.nan
    try:
        fit(net, loss, optimizer, parts.train, epochs=config.epochs, batch_size=config.batch_size, rng=task.seed,
            callbacks=[watch], progress=False).raise_if_interrupted()
        if parts.validation is not None:
            validation = error(net.predict(parts.validation[0]), parts.validation[1])
        prediction, y = net.predict(parts.test[0]), parts.test[1]
        sampling = sampling_error(kind, prediction, y, parts.scaler)
        r2 = r_squared(prediction, y, parts.scaler) if kind == "values" else math.nan
    except NonFiniteError as stopped:
        diverged = str(stopped)
    if not watch.layers:
        watch.measure(net)
    after = layer_statistics(net, watch.watched[0], loss, watch.watched[1]) if arrays else []
    return TrainingRun(task.init, task.seed, watch.costs, watch.errors, watch.saturation, before, after, diverged, task.fold,
                       task.rate, validation, *start, sampling, r2)


def network(problem: Problem, config: Config, task: Task, parts: Parts) -> Sequential:
    """The network of a run before training."""
    x, targets = parts.train[0], problem.targets

    def build(initializer: Initializer) -> Sequential:
        return dense(x.shape[1], targets.outputs, initializer, activation=config.activation, depth=config.depth,
                     width=config.width, batch_norm=config.batch_norm, dropout=config.dropout, seed=task.seed)

    return initialization(task.init).network(build, partial(spread, x), task.seed, targets.kind in ("classes", "binary"))


def digests(net: Module) -> tuple[str, frozenset[bytes]]:
    """Hash of all parameters, and hashes of the incoming weights of each unit; of units with equal weights, none."""
    whole, units = sha256(), set[bytes]()
    for parameter in net.parameters():
        whole.update(parameter.data.tobytes())
        if parameter.data.ndim == 2 and parameter.data.shape[1] > 1:
            uneven = np.ptp(parameter.data, axis=1) > 0
            units.update(blake2b(row.tobytes(), digest_size=8).digest() for row in parameter.data[uneven])
    return whole.hexdigest()[:16], frozenset(units)
