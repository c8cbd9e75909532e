"""``retroprop compare``, the main job: train one architecture from several initializations, over several seeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.data_set import DataSet, data_set
from ...errors import ArgumentError
from ...printing import show
from ...progress import progress_bar
from ..options import add_settings, from_arguments, new_command
from ..reports import drawing
from ..reports.folder import at_hand, prepare
from ..reports.text import as_json as json_text
from ..sweeps.workers import Workers
from . import remarks
from .comparison import Comparison
from .config import LEARNING_RATES, QUICK, Config, form_of, held
from .parts import Problem
from .rates import beyond
from .report import FILES, write_report
from .results import TrainingRun
from .training import Task, check, train_one

if TYPE_CHECKING:
    from ..options import Commands

OUT = "results/compare"


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "compare", "train one architecture from several initializations and compare them",
        "Train one architecture from several initializations, over several seeds, on the same data in the same order; print a "
        "table and write a report with figures.", "--data moons --activation relu --init He Glorot --quick")
    add_settings(command, Config)
    add_settings(command, Workers)
    add = command.add_argument
    add("--out", help=f"folder for the report (default: {OUT}, or {OUT}-2, {OUT}-3, ... if it holds results of other settings)")
    add("--force", action="store_true", help="replace a report of other settings in that folder")
    add("--quick", action="store_true", help=f"{QUICK['epochs']} epochs and {QUICK['seeds']} seeds, unless given")
    add("--json", action="store_true", dest="as_json", help="print the table as JSON")
    command.set_defaults(run=run)


def run(*, out: str | None, as_json: bool, quick: bool, force: bool, **options: Any) -> int:
    given = (QUICK if quick else {}) | options
    _, folder = compared(
        from_arguments(Config, given), from_arguments(Workers, given), OUT if out is None else out,
        lambda comparison: show(json_text(comparison.summary()) if as_json else comparison), force=force, another=out is None)
    print(f"\nThe report is in {folder}/report.html", file=sys.stderr)
    return 0


def compare(data: Any = Config.data, init: str | Sequence[str] = Config.init, *, test: Any = Config.test,
            target: str | int | Sequence[str] | None = Config.target, group: Any = Config.group, missing: str = Config.missing,
            standardize: bool | None = Config.standardize,
            activation: str = Config.activation, depth: int = Config.depth, width: int = Config.width,
            batch_norm: bool = Config.batch_norm, dropout: float = Config.dropout, optimizer: str = Config.optimizer,
            lr: float | str | Sequence[float] | None = Config.lr, epochs: int = Config.epochs,
            batch_size: int = Config.batch_size, seeds: int = Config.seeds, split: str = Config.split,
            stratify: bool = Config.stratify, cv: int | None = Config.cv, jobs: int | None = Workers.jobs,
            backend: str = Workers.backend, scheduler: str | None = Workers.scheduler, out: str | Path | None = None,
            force: bool = False, progress: bool = True) -> Comparison:
    """Train one architecture from several initializations, over several seeds, and compare the results.

    For each seed, every initialization sees the same examples in the same order and draws its weights from the same random
    numbers: the comparison is paired.

    Parameters
    ----------
    data : str, path, (x, y) or frame
        A name (``"digits"``, ``"moons"``, ...); a ``.csv`` or ``.npz`` file, a folder of MNIST-format files, or one with a
        folder of images for each class; two arrays; a frame of pandas or polars. Labels of any kind are classes: of two, the
        network has one output and learns by BCEWithLogits, of more CrossEntropy. A matrix of 0 and 1 holds several labels for
        each example (BCEWithLogits); floats are values to be predicted (MSE), whose error is an RMSE in their own units.
    init : str or sequence of str
        Names of initializations: see ``retroprop compare --help``. ``"LSUV"`` uses 256 of the training examples.
        Differences are taken from Glorot's runs, or from those of the first initialization if Glorot is not among them.
    test : (x, y), path or frame, default None
        The test part, in the form of ``data``. Without one, and if the data bring none, one is split off: 500 of the digits,
        a fifth of other data.
    target : str, int or sequence of str, default None
        The column of a table that is to be predicted, or several: see ``datasets.load``.
    group : str or array of shape (N,), default None
        What the examples come from, such as writers: no group is divided among parts, and none may be in ``test`` too, where
        that has the column. A column of a table, or an array; of the digits ``"form"``.
    missing : {"refuse", "drop"}
        Whether a missing value in a table is an error, or its row is left out.
    standardize : bool, default None
        Whether each column of x is scaled to mean 0 and standard deviation 1, as measured on the training part, and each number
        that is to be predicted. None: where columns of seed 0's training part differ in scale from each other or from what
        initializers assume.
    activation, depth, width, batch_norm, dropout
        The network: ``depth`` hidden layers of ``width`` units.
    optimizer, epochs, batch_size
        The training.
    lr : float, sequence of float or "auto", default None
        The learning rate; None: the usual one of the optimizer. With several, each initialization is trained at each, and gets
        the rate at which its mean error on a validation part is lowest after the last epoch; a run that diverges counts as a
        constant prediction, and a rate at which all diverge after all others. The validation part is a fifth of the training
        examples, of each seed the same for all, and no run trains on it. ``"auto"`` is five rates around the usual one, and
        more where an edge is chosen.
    seeds : int
        Number of seeds: 0, 1, 2, ...
    split : {"seed", "fixed"}
        Whether each seed divides the data anew, or all as seed 0 does.
    stratify : bool
        Whether each class has the same share of all parts.
    cv : int, default None
        Number of folds: with each seed, each fold is the test part once.
    jobs, backend, scheduler
        The processes that do the work, by default one per core: see `Workers`. The numbers do not depend on them.
    out : path, default None
        Folder for ``report.html``, figures and tables; None writes nothing. A report of the same settings is replaced.
    force : bool, default False
        Whether a report of other settings in this folder is replaced, too.
    progress : bool, default True
        Whether to show a progress bar: on a terminal, or as a widget in a notebook; there is none elsewhere.

    Returns
    -------
    Comparison
        ``print(comparison)`` shows the table.

    Raises
    ------
    ArgumentError, DataError, DtypeError, ShapeError, FileFormatError
        An argument is wrong, or the data are, or ``out`` holds a report of other settings. Nothing has been trained or written
        then.

    Notes
    -----
    *Error.* The share of wrong examples, for several labels of wrong labels; for values the RMSE in the units of y (of several
    values that were scaled, in those of their standard deviations). A network has learned when its test error is at most 10 %,
    or half of that of a constant prediction if this is less; for values when R² is at least 0.5.

    *Intervals.* ± is half a 95 % interval of Student. Runs that divide the same examples anew, by seed or in folds, share
    examples: the variance of their mean is taken as (1/n + test/train) s² (Nadeau & Bengio 2003), in the tests too; of
    validation errors (1/n + validation/train) s². With a fixed test part it is s²/n, and the error that is due to the choice of
    this part is said beside it. Differences that are equal in all runs have no p value.

    *Rates.* An initialization survives a rate if no run diverges and the mean validation error is at most halfway between the
    lowest of the comparison and that of a constant prediction. ``lr="auto"`` takes rates with the first digit 1 or 3, and goes
    up to two decades beyond the five around the usual rate.

    References
    ----------
    C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
    """
    given = locals()
    if not isinstance(init, str) and hasattr(init, "shape"):
        raise ArgumentError("init must be names of initializations, got an array: arrays are given together, compare((x, y))")
    arrays = {name: given[name] for name in ("data", "test", "group") if not isinstance(given[name], str | os.PathLike | None)}
    forms = {name: form_of(value) for name, value in arrays.items()}
    config, workers = from_arguments(Config, given | forms), from_arguments(Workers, given)
    return compared(config, workers, out, progress=progress, force=force, arrays=arrays)[0]


def compared(config: Config, workers: Workers, out: str | Path | None, results: Callable[[Comparison], None] | None = None,
             progress: bool = True, force: bool = False, another: bool = False,
             arrays: Mapping[str, Any] | None = None) -> tuple[Comparison, Path | None]:
    """Compare, and return the folder of the report, too.

    ``results`` is called before the report is drawn, since an error there must not cost the numbers. With ``another``, a
    folder beside ``out`` is taken if ``out`` holds results of other settings. ``arrays`` are the data, test part and groups
    that settings cannot hold; they are named by their digest.
    """
    found = source(config, arrays or {})
    problem = Problem.of(found, config)
    if arrays:
        names: dict[str, Any] = {name: f"{getattr(config, name)} {problem.digest}" for name in arrays}
        config = replace(config, **names)
    divisions = problem.divisions(config)
    check(problem, config)                                          # an error comes before any training, and any file
    unfit = remarks.unfit(problem, config)
    folder = None if out is None else prepare(             # before the work, not after it
        Path(out), asdict(config) | {"digest": problem.digest}, FILES,
        {name: getattr(config, name) for name in ("data", "test")}, force=force, another=another)
    sizes, starts = problem.sizes(divisions), [(init, rate) for rate in config.rates for init in config.init]
    runs = run_all(tasks(problem, config, starts), workers, progress, folder is not None)
    comparison = Comparison(
        asdict(config), runs, problem.metric(divisions), sizes,
        problem.x.shape[1], problem.targets.outputs, problem.targets.names,
        sizes.test / sizes.train if problem.divided_anew(config) else 0.0, digest=problem.digest)
    while config.lr == "auto" and (more := beyond(comparison.rates(), LEARNING_RATES[config.optimizer])):
        comparison = replace(comparison, runs=comparison.runs + run_all(tasks(problem, config, more), workers, progress, False))
    said = (*remarks.of_data(unfit, found, problem, config), *remarks.of_runs(comparison))
    comparison = replace(comparison, remarks=said, unfit=tuple(one.what for one in unfit))
    if results is not None:
        results(comparison)
    if folder is not None:
        with at_hand(comparison):
            write_report(comparison, folder, workers)
    return comparison, folder


def source(config: Config, arrays: Mapping[str, Any]) -> DataSet:
    """The data set that the settings name, with the arrays that are given beside them."""
    given = {name: arrays.get(name, getattr(config, name)) for name in ("data", "test", "group")}
    for name, value in given.items():
        if name not in arrays and held(value):
            raise ArgumentError(f"{name} must be given again: the settings hold but a digest, {value!r}")
    return data_set(given["data"], target=config.target, group=given["group"], test=given["test"], missing=config.missing)


def tasks(problem: Problem, config: Config, starts: Sequence[tuple[str, float]]) -> list[tuple[Problem, Config, Task]]:
    """One run for each initialization and rate, seed and fold: the arguments of `train_one`, in the order of the seeds."""
    return [(problem, config, Task(init, rate, seed, fold))
            for seed in range(config.seeds) for fold in range(config.folds) for init, rate in starts]


def run_all(tasks: Sequence[tuple[Any, ...]], workers: Workers, progress: bool, report: bool) -> list[TrainingRun]:
    """One run per task, in the order of the tasks. Meanwhile, what draws a report is loaded."""
    runs: dict[int, TrainingRun] = {}
    with progress_bar(len(tasks), "run", progress) as bar:
        for k, trained in workers.run(train_one, tasks, ahead=drawing.load if report else None):
            runs[k] = trained
            bar.update()
    return [runs[k] for k in range(len(tasks))]
