"""The main job: one architecture, trained from several starts, over several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import datasets
from ...arguments import one_of, positive_int, real
from ...errors import ArgumentError, DataError, NonFiniteError
from ...inspection.diagnosis.layers import layer_statistics, saturated_shares
from ...losses import CrossEntropy
from ...training import Callback, Run, accuracy, fit
from ..lab.data import spread
from ..lab.networks import ACTIVATIONS, OPTIMIZERS, dense, initialization
from ..sweeps.workers import Workers
from .report import write_report
from .results import Result, Trained

NAIVE_OR_NOT = ("Glorot", "Standard", "N(0, 1)", "N(0, 0.01²)", "U(-1, 1)")
LEARNING_RATES = {"sgd": 0.03, "adagrad": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
WATCHED = 300                                                       # test examples that the layers are looked at with
Split = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Config:
    """All that decides the numbers of a comparison; the arguments of ``compare``."""

    data: str = "digits"
    init: tuple[str, ...] = NAIVE_OR_NOT
    activation: str = "tanh"
    depth: int = 5
    width: int = 100
    batch_norm: bool = False
    dropout: float = 0.0
    optimizer: str = "sgd"
    lr: float | None = None
    epochs: int = 20
    batch_size: int = 10
    seeds: int = 5

    def __post_init__(self) -> None:
        for name in ("depth", "width", "epochs", "batch_size", "seeds"):
            positive_int(name, getattr(self, name))
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        if self.lr is None:
            object.__setattr__(self, "lr", LEARNING_RATES[self.optimizer])
        real("lr", self.lr, 0, above=True)
        real("dropout", self.dropout, 0, 1, below=True)
        labels = tuple(initialization(name).label for name in self.init)
        if not labels or len(set(labels)) < len(labels):
            raise ArgumentError(f"init must name at least one start, and each once, got {self.init}")
        object.__setattr__(self, "init", labels)
        object.__setattr__(self, "data", str(self.data))


def compare(data: str | Path = "digits", init: str | Sequence[str] = NAIVE_OR_NOT, *, activation: str = "tanh", depth: int = 5,
            width: int = 100, batch_norm: bool = False, dropout: float = 0.0, optimizer: str = "sgd", lr: float | None = None,
            epochs: int = 20, batch_size: int = 10, seeds: int = 5, jobs: int | None = None, backend: str = "loky",
            scheduler: str | None = None, out: str | Path | None = None, progress: bool = True) -> Result:
    """Train one architecture from several starts, over several seeds, and say how they differ.

    Seed by seed, every start sees the same examples in the same order and draws its weights from the same random
    numbers: the comparison is paired.

    Parameters
    ----------
    data : str or path
        A name (``"digits"``, ``"moons"``, ...), a folder of MNIST-format files, or an ``.npz`` file with arrays x and y:
        see ``datasets.load``. Where the data have no test part of their own, one is split off (500 digits; a fifth).
    init : str or sequence of str
        Starts by name: see ``start`` in experiments/networks.py. ``"LSUV"`` looks at 256 of the training examples.
        Differences are taken from Glorot's runs, or from those of the first start if Glorot is not among them.
    activation, depth, width, batch_norm, dropout
        The network: ``depth`` hidden layers of ``width`` units.
    optimizer, lr, epochs, batch_size
        How it is trained, on CrossEntropy. Without ``lr`` it is 0.03 for SGD, 0.01 for Adagrad, else 0.001.
    seeds : int
        Number of seeds, 0, 1, 2, ...
    jobs, backend, scheduler
        Who runs, by default a process a core: see `Workers` in experiments/sweep.py. The numbers do not depend on it.
    out : path, default None
        Folder for ``report.html``, figures and tables; None: nothing is written.
    progress : bool, default True
        Whether to show a bar; silent by itself where standard error is not a terminal.

    Returns
    -------
    Result
        ``print(result)`` shows the table.
    """
    config = Config(str(data), (init,) if isinstance(init, str) else tuple(init), activation, depth, width, batch_norm,
                    dropout, optimizer, lr, epochs, batch_size, seeds)
    workers = Workers(jobs, backend, scheduler)
    train, test = load(config.data)
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)                # before the work, not after it
    tasks = [(config, label, seed, train, test) for seed in range(config.seeds) for label in config.init]
    result = Result(dataclasses.asdict(config), run_all(tasks, workers, progress),
                    train_size=len(train[0]), test_size=len(test[0]),
                    features=train[0].shape[1], classes=int(train[1].max()) + 1,
                    chance=1 - np.bincount(test[1]).max() / len(test[1]))
    if out is not None:
        write_report(result, Path(out))
    return result


def load(source: str) -> tuple[Split, Split]:
    """Training and test part, examples as rows."""
    (x, y), test = datasets.load(source)
    if y.dtype.kind != "i" or y.ndim != 1:
        raise DataError(f"compare: data must have integer classes of shape (N,), got {y.dtype} of shape {y.shape} in {source}")
    if test is None:
        (x, y), test = datasets.split(x, y, 500 if source == "digits" else 0.2, rng=0)
    if test[1].max() > y.max():
        raise DataError(f"compare: {source} has class {test[1].max()} in its test part, but only classes up to {y.max()} "
                        "in training")
    return (x.reshape(len(x), -1), y), (test[0].reshape(len(test[0]), -1), test[1])


def run_all(tasks: list[tuple[Any, ...]], workers: Workers, progress: bool) -> list[Trained]:
    """In the order of the tasks."""
    from tqdm import tqdm
    done = tqdm(workers.run(train_one, tasks), total=len(tasks), unit="run", disable=None if progress else True)
    found = dict(done)
    return [found[k] for k in range(len(tasks))]


class Watch(Callback):
    """Keeps, epoch by epoch, the cost, the test error, and the shares of saturated units of the hidden layers.

    The layers are looked at on a fixed set of test examples, as in Glorot & Bengio 2010.
    """

    def __init__(self, test: Split) -> None:
        self.test, self.watched = test, (test[0][:WATCHED], test[1][:WATCHED])
        self.costs: list[float] = []
        self.errors: list[float] = []
        self.saturation: list[list[float]] = []

    def before_training(self, run: Run) -> None:
        self.look(run)

    def after_epoch(self, run: Run) -> None:
        self.costs.append(run.history["cost"][-1])
        self.errors.append(1 - accuracy(run.net.predict(self.test[0]), self.test[1]))
        self.look(run)

    def look(self, run: Run) -> None:
        self.saturation.append(saturated_shares(layer_statistics(run.net, self.watched[0], arrays=False)))


def train_one(config: Config, label: str, seed: int, train: Split, test: Split) -> Trained:
    """One run: a start and a seed."""
    net = initialization(label).network(lambda initializer: dense(
        train[0].shape[1], int(train[1].max()) + 1, initializer, activation=config.activation, depth=config.depth,
        width=config.width, batch_norm=config.batch_norm, dropout=config.dropout, seed=seed), partial(spread, train[0]))
    loss, optimizer, watch = CrossEntropy(), OPTIMIZERS[config.optimizer](net.parameters(), lr=config.lr), Watch(test)
    arrays = seed == 0                                              # the figures of the layers show one seed
    before = layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    diverged = None
    try:
        fit(net, loss, optimizer, train, epochs=config.epochs, batch_size=config.batch_size, rng=seed, callbacks=[watch],
            progress=False)
    except NonFiniteError as error:
        diverged = str(error)
    after = layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    return Trained(label, seed, watch.costs, watch.errors, watch.saturation, before, after, diverged)
