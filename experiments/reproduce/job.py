"""``retroprop reproduce``: repeat the experiments of the lecture's papers, and judge the papers' claims."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import files
from ...arguments import one_of, positive_int
from ...errors import ArgumentError
from ...printing import show
from ..lab.data import digest, source
from ..options import add_settings, command_line, from_arguments, new_command, option, path
from ..reports.page import Figures, Page
from ..reports.text import as_json as json_text
from ..reports.text import many, write_csv
from ..sweeps.store import Store
from ..sweeps.sweep import sweep
from ..sweeps.trials import Failed, version
from ..sweeps.workers import Workers
from .claims import HEADER, Claim, summary
from .paper import SCALES, SEEDS, Paper, Report, Results, Scale, texts

if TYPE_CHECKING:
    from ..options import Commands

PAPERS = ("glorot2010", "he2015", "saxe2014", "lsuv2016", "batchnorm2015", "dropout2014")


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
        "Repeat the experiments of a paper, over several seeds; print the paper's claims, each with the paper's number and "
        "ours, and write a page with figures. Finished runs are stored in the folder runs of --out: after an interruption the "
        "same command continues from them. The exit status is 1 if a run fails.",
        "glorot2010 --scale paper --data mnist --jobs 8")
    add = command.add_argument
    add("paper_name", metavar="PAPER", choices=(*PAPERS, "all"), help=f"{', '.join(PAPERS)}, or all, which writes an index")
    add_settings(command, Config)
    add_settings(command, Workers)
    add("--out", default="results/reproduce", help="folder for the pages and the runs (default: results/reproduce)")
    add("--fresh", action="store_true", help="repeat all runs, also those that are stored")
    add("--json", action="store_true", dest="as_json", help="print the claims as JSON")
    command.set_defaults(run=run)


def run(*, paper_name: str, out: str, fresh: bool, as_json: bool, **options: Any) -> int:
    reproduced = repeated(paper_name, from_arguments(Config, options), from_arguments(Workers, options), out, fresh,
                          lambda found: show(json_text(found.summary()) if as_json else found))
    page = "index.html" if paper_name == "all" else f"{paper_name}/report.html"
    print(f"\nThe page is {out}/{reproduced.scale.name}/{page}", file=sys.stderr)
    return 1 if reproduced.failed else 0


@dataclass(frozen=True)
class Reproduced:
    """The results of some papers; printed, the table of their claims."""

    scale: Scale
    results: dict[str, Results]

    @cached_property
    def claims(self) -> dict[str, list[Claim]]:
        """The claims of each paper; without verdicts if the seeds are too few or a run failed."""
        made = {name: paper(name).claims(results) for name, results in self.results.items()}
        return {name: claims if self.scale.judged and not self.results[name].failed else
                [replace(one, holds=None, values=()) for one in claims] for name, claims in made.items()}

    @property
    def failed(self) -> list[Failed]:
        return [one for results in self.results.values() for one in results.failed]

    def summary(self) -> list[dict[str, Any]]:
        """One dict per claim, for JSON."""
        return [{"paper": name} | one.row() for name, claims in self.claims.items() for one in claims]

    def verdict(self) -> str:
        """How many claims are reproduced, and which runs failed, in sentences."""
        text = summary([one for claims in self.claims.values() for one in claims], "the papers" if len(self.claims) > 1 else "the paper")
        if not self.scale.judged:
            text = f"Nothing is judged: that takes {SEEDS} seeds or more, and no --steps."
        if self.failed:
            errors = "; ".join(f"{one.trial}: {one.error}" for one in self.failed[:3])
            text += f" {many(len(self.failed), 'run')} failed: {errors}."
        return text

    def __str__(self) -> str:
        parts = ["\n".join([name, *map(spoken, claims)]) for name, claims in self.claims.items()]
        return "\n\n".join([*parts, self.verdict()])


def spoken(one: Claim) -> str:
    """A claim as lines of text; the verdict comes first."""
    whose = f"claimed by {one.claimed_by}{f'; in the paper: {one.paper}' if one.paper else ''}"
    lines = [*wrap(one.what, 108), *wrap(f"measured {one.measured}; criterion: {one.criterion}; {whose}", 108)]
    return "\n".join(f"{one.verdict if k == 0 else '':13}{line}" for k, line in enumerate(lines))


def paper(name: str) -> Paper:
    """The paper of this name: the plan, the claims and the page in its folder. They are imported here, not before."""
    plan, claims, page = (import_module(f"..papers.{name}.{part}", __package__) for part in ("plan", "claims", "page"))
    return Paper(name, texts(str(page.__file__)), plan.plan, claims.claims, page.draw)


def reproduce(paper_name: str = "all", *, scale: str = Config.scale, data: str | Path | None = Config.data,
              steps: int | None = Config.steps, seeds: int = Config.seeds, jobs: int | None = Workers.jobs,
              backend: str = Workers.backend, scheduler: str | None = Workers.scheduler, out: str | Path | None = None,
              fresh: bool = False, progress: bool = True) -> Reproduced:
    """Repeat a paper's experiments, and judge each of its claims.

    Parameters
    ----------
    paper_name : str
        ``glorot2010``, ``he2015``, ``saxe2014``, ``lsuv2016``, ``batchnorm2015``, ``dropout2014``, or ``all``.
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
    return repeated(paper_name, config, workers, out, fresh, progress=progress)


def repeated(paper_name: str, config: Config, workers: Workers, out: str | Path | None, fresh: bool,
             results: Callable[[Reproduced], None] | None = None, progress: bool = True) -> Reproduced:
    """Reproduce; ``results`` is called before the pages are drawn, since an error there must not cost the claims."""
    one_of("paper", paper_name, (*PAPERS, "all"))
    how = config.checked()
    names = PAPERS if paper_name == "all" else (paper_name,)
    if how.data == "shapeset" and names != ("glorot2010",):
        raise ArgumentError(f"data must be a folder with the four files of MNIST for {paper_name}, got 'shapeset', which is "
                            "for glorot2010")
    plans = {name: paper(name).plan(how) for name in names}
    store = None
    if out is not None:
        for folder in ("runs", *(f"{how.name}/{name}" for name in names)):
            (Path(out) / folder).mkdir(parents=True, exist_ok=True)     # before the work, not after it
        store = Store(Path(out) / "runs")
    outcomes = iter(sweep([trial for trials in plans.values() for trial in trials], workers, store, progress, fresh))
    reproduced = Reproduced(how, {name: Results(how, [next(outcomes) for _ in trials]) for name, trials in plans.items()})
    if results is not None:
        results(reproduced)
    if out is not None:
        write(reproduced, Path(out) / how.name, whole=paper_name == "all")
    return reproduced


def write(reproduced: Reproduced, out: Path, whole: bool) -> None:
    """Write a folder for each paper, and the index if these are all papers."""
    for name, results in reproduced.results.items():
        write_paper(name, results, reproduced.claims[name], out / name)
    if whole:
        write_index(reproduced, out)


def write_paper(name: str, results: Results, claims: Sequence[Claim], folder: Path) -> None:
    """Write report.html, figures, claims.csv, results.csv (every number of every run) and config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    made = paper(name)
    page = Page(made.texts.title)
    page.text(made.texts.citation)
    page.text(made.texts.question)
    page.heading("Claim by claim")
    judge(page, claims, results)
    made.draw(results, Report(page, Figures(page, folder), made.texts))
    page.heading("Run it again")
    page.code(command(name, results.scale))
    page.text(f"{many(len(results.outcomes), 'run')}, {many(results.scale.seeds, 'seed')}. The numbers do not depend on the "
              "number of processes, nor on whether they run here or on a cluster, on processors of the same kind.")
    page.write(folder / "report.html")
    write_csv(folder / "claims.csv", [one.row() for one in claims])
    for old in ("failures.txt", "results.csv"):
        (folder / old).unlink(missing_ok=True)                      # of an earlier call
    if results.failed:
        text = "\n".join(f"{one.trial}\n{one.where}" for one in results.failed)
        files.write(folder / "failures.txt", text)
    rows = list(results.rows())
    if rows:
        write_csv(folder / "results.csv", rows)
    config = {"paper": name, "scale": results.scale.name, "seeds": results.scale.seeds, "data": results.scale.data,
              "steps": results.scale.steps, "command": command(name, results.scale),
              "versions": version(made.plan.__module__) | {"python": platform.python_version(), "numpy": np.__version__}}
    files.write(folder / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def judge(page: Page, claims: Sequence[Claim], results: Results) -> None:
    """Write the table of the claims, how many are reproduced, why others are not, and which runs failed."""
    page.text("A claim is reproduced if what was measured meets the criterion. Where the paper gives no number, the criterion "
              "is a tolerance around what a program without this library found in the same setting, or a sign of the effect. "
              "Where a distance or a ratio is compared, the claim says so.")
    page.table([list(HEADER), *(one.cells() for one in claims)], sentences=True)
    why = "all runs" if results.failed else f"{SEEDS} seeds or more, and the paper's own number of steps"
    page.text(summary(claims) if results.scale.judged and not results.failed else f"Nothing is judged: that takes {why}.")
    page.text("Numbers are means over the seeds ± half of their 95 % interval (Student's t); p values are of paired t tests, "
              "seed by seed. A difference with p of 0.05 or more is inconclusive: these seeds are too few to decide it.")
    missed = [f"{one.what}: {one.reason or 'no reason was found.'}" for one in claims if one.holds is False]
    if missed:
        page.heading("What was not reproduced, and why")
        page.points(missed)
    if results.failed:
        page.heading("Runs that failed")
        page.points([f"{one.trial}: {one.error}" for one in results.failed])
        page.text("The tracebacks are in failures.txt.")


def write_index(reproduced: Reproduced, out: Path) -> None:
    """Write index.html, with all claims and a link to each page, and claims.csv."""
    page = Page("The lecture's papers, reproduced")
    page.text(f"Scale: {reproduced.scale.name}; {many(reproduced.scale.seeds, 'seed')}. {reproduced.verdict()}")
    verdicts = {name: [one.verdict for one in claims] for name, claims in reproduced.claims.items()}
    words = ("yes", "NO", "inconclusive", "–")
    page.table([["paper", *words[:3], "not judged"],
                *([name, *(str(found.count(word)) for word in words)] for name, found in verdicts.items())])
    missed = [f"{name}: {one.what}: {one.reason or 'no reason was found.'}" for name, claims in reproduced.claims.items()
              for one in claims if one.holds is False]
    if missed:
        page.heading("What was not reproduced, and why")
        page.points(missed)
    for name, claims in reproduced.claims.items():
        page.heading(paper(name).texts.title)
        page.text(paper(name).texts.citation)
        page.link("The page, with figures", f"{name}/report.html")
        page.table([list(HEADER), *(one.cells() for one in claims)], sentences=True)
    page.heading("Run it again")
    page.code(command("all", reproduced.scale))
    page.write(out / "index.html")
    write_csv(out / "claims.csv", reproduced.summary())


def command(name: str, scale: Scale) -> str:
    return command_line(f"reproduce {name}", {"scale": scale.name, "seeds": scale.seeds, "data": scale.data,
                                              "steps": scale.steps})
