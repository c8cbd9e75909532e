"""``retroprop compare``, the main job: train one architecture from several initializations, over several seeds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import datasets
from ...datasets.classes import Classes
from ...errors import DataError
from ...printing import show
from ...progress import progress_bar
from ..options import add_settings, command_line, from_arguments, new_command
from ..reports.text import as_json as json_text
from ..sweeps.workers import Workers
from .config import QUICK, Config
from .metric import Metric
from .report import write_report
from .results import Comparison, Sizes, TrainingRun
from .training import Split, train_one

if TYPE_CHECKING:
    from ..options import Commands


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
    metric = Metric("classes", "%", 1 - np.bincount(test[1]).max() / len(test[1]))
    comparison = Comparison(asdict(config), run_all(tasks, workers, progress), metric, Sizes(len(train[0]), 0, len(test[0])),
                            train[0].shape[1], len(classes.names), classes.names,
                            command=command_line("compare", asdict(config)))
    if results is not None:
        results(comparison)
    if out is not None:
        write_report(comparison, Path(out))
    return comparison


def load(source: str) -> tuple[Split, Split, Classes]:
    """The training and the test part of the data, with one row and the number of a class for each example."""
    (x, y), test = datasets.loading.loaded("data", source)
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
