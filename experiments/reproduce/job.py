"""``retroprop reproduce``: repeat the experiments of the lecture's papers, and judge the papers' claims."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arguments import one_of, positive_int
from ...errors import ArgumentError
from ...printing import show
from ..lab.data import digest, source
from ..options import add_settings, from_arguments, new_command, option, path
from ..reports import drawing, folder
from ..reports.text import as_json as json_text
from ..sweeps.store import Store
from ..sweeps.sweep import sweep
from ..sweeps.workers import Workers
from .pages import FILES, INDEX_FILES, settings, write
from .paper import SCALES, SEEDS, Paper, Results, Scale, texts
from .reproduced import Reproduced

if TYPE_CHECKING:
    from ..options import Commands

PAPERS = ("glorot2010", "he2015", "saxe2014", "lsuv2016", "batchnorm2015", "dropout2014", "schoenholz2017",
          "santurkar2018", "cohen2021", "yang2021")


@dataclass(frozen=True)
class Config:
    """The settings that decide the numbers: arguments of ``reproduce`` and options of the command, with their defaults."""

    scale: str = option("small", "quick: the smallest that shows the effects; small: minutes; paper: the paper's own sizes, "
                        "hours to weeks", choices=SCALES)
    data: str | None = option(None, "for --scale paper: a folder with the four files of MNIST, or of a data set in its format; "
                              "for glorot2010 also shapeset", metavar="FOLDER")
    steps: int | None = option(None, "for --scale paper: steps of each run, instead of the paper's; then no claim is judged")
    seeds: int = option(SEEDS, f"number of seeds; with fewer than {SEEDS} no claim is judged")

    def checked(self) -> Scale:
        """The scale that these settings describe; ArgumentError if they do not fit together."""
        one_of("scale", self.scale, SCALES)
        positive_int("seeds", self.seeds)
        if self.scale != "paper":
            for name, value in (("data", self.data), ("steps", self.steps)):
                if value is not None:
                    raise ArgumentError(f"{name} must be None at scale {self.scale!r}: only the paper's scale takes it, got "
                                        f"{value!r}")
            return Scale(self.scale, self.seeds)
        if self.steps is not None:
            positive_int("steps", self.steps)
        if self.data is None:
            raise ArgumentError("data must be a folder with the four files of MNIST, or shapeset, at scale 'paper', got None")
        given = path("data", self.data)
        data = given if given == "shapeset" else str(Path(given).absolute())
        files, validation = digest(data), source(data).validation
        if validation is None or not len(validation[1]):
            raise ArgumentError(f"data must have enough examples for a validation part of one sixth, got {data}")
        return Scale(self.scale, self.seeds, data, self.steps, files)


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "reproduce", "repeat the experiments of the lecture's papers, and judge the papers' claims",
        "Repeat the experiments of a paper, over several seeds; print claims, the paper's own and this project's, each with "
        "the paper's number and ours, and write a page with figures. Finished runs are stored in the folder runs of --out: "
        "after an interruption the same command continues from them. The exit status is 1 if a run fails.",
        "glorot2010 --scale paper --data mnist --jobs 8")
    add = command.add_argument
    add("paper_name", metavar="PAPER", choices=(*PAPERS, "all"), help=f"{', '.join(PAPERS)}, or all, which writes an index")
    add_settings(command, Config)
    add_settings(command, Workers)
    add("--out", default="results/reproduce", help="folder for the pages and the runs (default: results/reproduce)")
    add("--fresh", action="store_true", help="repeat all runs, also those that are stored")
    add("--force", action="store_true", help="replace the pages of another number of seeds, of other data or other steps")
    add("--json", action="store_true", dest="as_json", help="print the claims as JSON")
    command.set_defaults(run=run)


def run(*, paper_name: str, out: str, fresh: bool, force: bool, as_json: bool, **options: Any) -> int:
    reproduced = repeated(paper_name, from_arguments(Config, options), from_arguments(Workers, options), out, fresh, force,
                          lambda found: show(json_text(found.summary()) if as_json else found))
    page = "index.html" if paper_name == "all" else f"{paper_name}/report.html"
    print(f"\nThe page is {out}/{reproduced.scale.name}/{page}", file=sys.stderr)
    return 1 if reproduced.failed else 0


def paper(name: str) -> Paper:
    """The paper of this name: the plan, the claims and the page in its folder. They are imported here, not before."""
    plan, claims, page = (import_module(f"..papers.{name}.{part}", __package__) for part in ("plan", "claims", "page"))
    return Paper(name, texts(str(page.__file__)), plan.plan, claims.claims, page.draw, page.finding, page.FIRST)


def reproduce(paper_name: str = "all", *, scale: str = Config.scale, data: str | Path | None = Config.data,
              steps: int | None = Config.steps, seeds: int = Config.seeds, jobs: int | None = Workers.jobs,
              backend: str = Workers.backend, scheduler: str | None = Workers.scheduler, out: str | Path | None = None,
              fresh: bool = False, force: bool = False, progress: bool = True) -> Reproduced:
    """Repeat a paper's experiments, and judge each of its claims.

    Parameters
    ----------
    paper_name : str
        ``glorot2010``, ``he2015``, ``saxe2014``, ``lsuv2016``, ``batchnorm2015``, ``dropout2014``,
        ``schoenholz2017``, ``santurkar2018``, ``cohen2021``, ``yang2021``, or ``all``.
    scale : {"quick", "small", "paper"}, default "small"
        ``quick`` is the smallest that shows the effects; ``paper`` has the paper's own sizes and takes days.
    data : path or str, default None
        For the paper's scale: a folder with the four files of MNIST (or Fashion-MNIST, ...). For glorot2010 also
        ``shapeset``: images that are generated without end.
    steps : int, default None
        For the paper's scale: training steps of each run, instead of the paper's number. Then no claim is judged.
    seeds : int, default 5
        Number of seeds. With fewer than 5 no claim is judged.
    jobs, backend, scheduler
        The processes that do the work: see `Workers`. The numbers do not depend on them.
    out : path, default None
        Folder for the pages, in a subfolder named after the scale, and for finished runs, in ``runs``: another call
        continues from them. None writes nothing.
    fresh : bool, default False
        Whether to repeat runs that are stored in ``runs``.
    force : bool, default False
        Whether to replace pages in ``out`` that are of another number of seeds, of other data or of other steps.
    progress : bool, default True
        Whether to show a progress bar: on a terminal, or as a widget in a notebook; there is none elsewhere.

    Returns
    -------
    Reproduced
        ``print(reproduced)`` shows the claims.

    Raises
    ------
    ArgumentError, FileNotFoundError, FileFormatError
        Before anything runs. A run that fails does not stop the others; it is listed in ``reproduced.failed``.
    """
    given = locals()
    config, workers = from_arguments(Config, given), from_arguments(Workers, given)
    return repeated(paper_name, config, workers, out, fresh, force, progress=progress)


def repeated(paper_name: str, config: Config, workers: Workers, out: str | Path | None, fresh: bool,
             force: bool = False, results: Callable[[Reproduced], None] | None = None, progress: bool = True) -> Reproduced:
    """Reproduce; ``results`` is called before the pages are drawn, since an error there must not cost the claims."""
    one_of("paper", paper_name, (*PAPERS, "all"))
    how = config.checked()
    names = PAPERS if paper_name == "all" else (paper_name,)
    if how.data == "shapeset" and names != ("glorot2010",):
        raise ArgumentError(f"data must be a folder with the four files of MNIST for {paper_name}, got 'shapeset', which is "
                            "for glorot2010")
    papers = {name: paper(name) for name in names}
    plans = {name: made.plan(how) for name, made in papers.items()}
    store = None
    if out is not None:
        pages: dict[str, tuple[Path, Sequence[str]]] = {name: (Path(out) / how.name / name, FILES) for name in names}
        if paper_name == "all":
            pages["all"] = (Path(out) / how.name, INDEX_FILES)
        for name, (place, written) in pages.items():                # before the work, not after it
            folder.prepare(place, settings(name, how), written, force=force)
        (Path(out) / "runs").mkdir(exist_ok=True)
        store = Store(Path(out) / "runs")
    outcomes = iter(sweep([trial for trials in plans.values() for trial in trials], workers, store, progress, fresh,
                          None if out is None else drawing.load))
    results_by_name = {name: Results(how, [next(outcomes) for _ in trials]) for name, trials in plans.items()}
    reproduced = Reproduced(how, papers, results_by_name)
    if results is not None:
        results(reproduced)
    if out is not None and store is not None:
        with folder.at_hand(reproduced):
            write(reproduced, Path(out) / how.name, whole=paper_name == "all")
            if store.error is not None:
                raise store.error
    return reproduced
