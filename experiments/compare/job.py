"""``retroprop compare``, the main job: train one architecture from several initializations, over several seeds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ... import datasets
from ...arguments import one_of, positive_int, real
from ...datasets.classes import Classes
from ...errors import ArgumentError, DataError, NonFiniteError
from ...inspection.diagnosis.layers import layer_statistics, saturated_shares
from ...losses import CrossEntropy
from ...printing import show
from ...progress import progress_bar
from ...training import Callback, Run, fit
from ..lab.data import spread
from ..lab.networks import ACTIVATIONS, INITIALIZATIONS, OPTIMIZERS, dense, initialization
from ..lab.readings import error
from ..options import add_settings, from_arguments, new_command, option, path
from ..reports.text import as_json as json_text
from ..sweeps.workers import Workers
from .report import write_report
from .results import Comparison, TrainingRun

if TYPE_CHECKING:
    from ..options import Commands

NAIVE_OR_NOT = ("Glorot", "Standard", "N(0, 1)", "N(0, 0.01²)", "U(-1, 1)")
LEARNING_RATES = {"sgd": 0.03, "adagrad": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
WATCHED = 300                                                       # test examples on which the layers are measured
QUICK = {"epochs": 3, "seeds": 2}                                   # enough to see the shape of the report
Split = tuple[NDArray[Any], NDArray[Any]]


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


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "compare", "train one architecture from several initializations and compare them",
        "Train one architecture from several initializations, over several seeds, on the same data in the same order; print a "
        "table and write a report with figures.", "--data moons --activation relu --init He Glorot --quick")
    add_settings(command, Config)
    add_settings(command, Workers)
    add = command.add_argument
    add("--out", default="results/compare", help="folder for the report (default: results/compare)")
    add("--quick", action="store_true", help=f"{QUICK['epochs']} epochs and {QUICK['seeds']} seeds, unless given")
    add("--json", action="store_true", dest="as_json", help="print the table as JSON")
    command.set_defaults(run=run)


def run(*, out: str, as_json: bool, quick: bool, **options: Any) -> int:
    given = (QUICK if quick else {}) | options
    compared(from_arguments(Config, given), from_arguments(Workers, given), out,
             lambda comparison: show(json_text(comparison.summary()) if as_json else comparison))
    print(f"\nThe report is in {out}/report.html", file=sys.stderr)
    return 0


def compare(data: str | Path = Config.data, init: str | Sequence[str] = Config.init, *, activation: str = Config.activation,
            depth: int = Config.depth, width: int = Config.width, batch_norm: bool = Config.batch_norm,
            dropout: float = Config.dropout, optimizer: str = Config.optimizer, lr: float | None = Config.lr,
            epochs: int = Config.epochs, batch_size: int = Config.batch_size, seeds: int = Config.seeds,
            jobs: int | None = Workers.jobs, backend: str = Workers.backend, scheduler: str | None = Workers.scheduler,
            out: str | Path | None = None, progress: bool = True) -> Comparison:
    """Train one architecture from several initializations, over several seeds, and compare the results.

    For each seed, every initialization sees the same examples in the same order and draws its weights from the same random
    numbers: the comparison is paired.

    Parameters
    ----------
    data : str or path
        A name (``"digits"``, ``"moons"``, ...), a folder of MNIST-format files, or an ``.npz`` file with arrays x and y:
        see ``datasets.load``. If the data have no test part, one is split off (500 of the digits, a fifth of other data).
        The classes are the labels that occur in both parts, two or more.
    init : str or sequence of str
        Names of initializations: see ``retroprop compare --help``. ``"LSUV"`` uses 256 of the training examples.
        Differences are taken from Glorot's runs, or from those of the first initialization if Glorot is not among them.
    activation, depth, width, batch_norm, dropout
        The network: ``depth`` hidden layers of ``width`` units.
    optimizer, lr, epochs, batch_size
        The training, on CrossEntropy. By default ``lr`` depends on the optimizer.
    seeds : int
        Number of seeds: 0, 1, 2, ...
    jobs, backend, scheduler
        The processes that do the work, by default one per core: see `Workers`. The numbers do not depend on them.
    out : path, default None
        Folder for ``report.html``, figures and tables; None writes nothing.
    progress : bool, default True
        Whether to show a progress bar: on a terminal, or as a widget in a notebook; there is none elsewhere.

    Returns
    -------
    Comparison
        ``print(comparison)`` shows the table.
    """
    given = locals()
    return compared(from_arguments(Config, given), from_arguments(Workers, given), out, progress=progress)


def compared(config: Config, workers: Workers, out: str | Path | None, results: Callable[[Comparison], None] | None = None,
             progress: bool = True) -> Comparison:
    """Compare; ``results`` is called before the report is drawn, since an error there must not cost the numbers."""
    train, test, classes = load(config.data)
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)                # before the work, not after it
    tasks = [(config, label, seed, train, test, len(classes.names)) for seed in range(config.seeds) for label in config.init]
    comparison = Comparison(asdict(config), run_all(tasks, workers, progress),
                            train_size=len(train[0]), test_size=len(test[0]),
                            features=train[0].shape[1], classes=len(classes.names),
                            chance=1 - np.bincount(test[1]).max() / len(test[1]), names=classes.names)
    if results is not None:
        results(comparison)
    if out is not None:
        write_report(comparison, Path(out))
    return comparison


def load(source: str) -> tuple[Split, Split, Classes]:
    """The training and the test part of the data, with one row and the number of a class for each example."""
    found = datasets.data_set.data_set(source)
    (x, y), test = (found.x, found.y), found.test
    if y.dtype.kind != "i" or y.ndim != 1:
        raise DataError(f"compare: data must have integer classes of shape (N,), got {y.dtype} of shape {y.shape} in {source}")
    if test is None:
        (x, y), test = datasets.split(x, y, 500 if source == "digits" else 0.2, rng=0)
    classes = Classes.of(y, test[1], name=f"the labels in {source}")
    rows, test_rows = (part.reshape(len(part), -1) for part in (x, test[0]))
    return (rows, classes.encode(y)), (test_rows, classes.encode(test[1])), classes


def run_all(tasks: list[tuple[Any, ...]], workers: Workers, progress: bool) -> list[TrainingRun]:
    """One run per task, in the order of the tasks."""
    runs: dict[int, TrainingRun] = {}
    with progress_bar(len(tasks), "run", progress) as bar:
        for k, trained in workers.run(train_one, tasks):
            runs[k] = trained
            bar.update()
    return [runs[k] for k in range(len(tasks))]


class Watch(Callback):
    """Records after each epoch the cost, the test error, and the share of saturated units in each hidden layer.

    The layers are measured on a fixed set of test examples, as in Glorot & Bengio 2010.
    """

    def __init__(self, test: Split) -> None:
        self.test, self.watched = test, (test[0][:WATCHED], test[1][:WATCHED])
        self.costs: list[float] = []
        self.errors: list[float] = []
        self.saturation: list[list[float]] = []

    def before_training(self, run: Run) -> None:
        self.measure(run)

    def after_epoch(self, run: Run) -> None:
        self.errors.append(error(run.net.predict(self.test[0]), self.test[1]))
        self.costs.append(run.history["cost"][-1])
        self.measure(run)

    def measure(self, run: Run) -> None:
        self.saturation.append(saturated_shares(layer_statistics(run.net, self.watched[0], arrays=False)))


def train_one(config: Config, label: str, seed: int, train: Split, test: Split, classes: int) -> TrainingRun:
    """Train the network from one initialization and one seed."""
    net = initialization(label).network(lambda initializer: dense(
        train[0].shape[1], classes, initializer, activation=config.activation, depth=config.depth,
        width=config.width, batch_norm=config.batch_norm, dropout=config.dropout, seed=seed), partial(spread, train[0]))
    loss, optimizer, watch = CrossEntropy(), OPTIMIZERS[config.optimizer](net.parameters(), lr=config.lr), Watch(test)
    arrays = seed == 0                                              # the figures of the layers show one seed
    before = layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    diverged = None
    try:
        fit(net, loss, optimizer, train, epochs=config.epochs, batch_size=config.batch_size, rng=seed, callbacks=[watch],
            progress=False).raise_if_interrupted()
    except NonFiniteError as error:
        diverged = str(error)
    after = layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    return TrainingRun(label, seed, watch.costs, watch.errors, watch.saturation, before, after, diverged)
