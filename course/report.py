"""``retroprop grade``: the points of students' notebooks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import files
from ..errors import ArgumentError, RetropropError
from ..experiments.options import new_command
from ..experiments.reports.text import as_json, write_csv
from ..printing import aligned, in_one_line, show
from .exercises import EXERCISES, Verdict
from .grading import Grade, grade

if TYPE_CHECKING:
    from ..experiments.options import Commands


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "grade", "grade notebooks of the course's exercises",
        "Execute each notebook in a process of its own, and try what it defines on sizes and numbers drawn for the seed. Print "
        "the points of each exercise, and for each part that gets none the law that failed. A cell that raises an error or "
        "takes too long costs only its own points. The exit status is 1 if a file is no notebook.",
        "submitted/*.ipynb --csv class.csv")
    command.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="a notebook, or a folder with notebooks")
    command.add_argument("--seed", type=int, default=0, help="draws other sizes and numbers (default: 0)")
    command.add_argument("--limit", type=float, default=60, metavar="SECONDS",
                         help="the time that one cell, or the tests of one exercise, may take (default: 60)")
    command.add_argument("--json", action="store_true", dest="as_json", help="print the grades as JSON")
    command.add_argument("--csv", metavar="FILE", help="also write a table with one row per notebook")
    command.set_defaults(run=run)


def run(*, notebooks: list[str], seed: int, limit: float, as_json: bool, csv: str | None) -> int:
    if csv is not None:
        files.check_folder(Path(csv).parent)
    grades, failed = [], False
    paths = found(notebooks)
    for path in paths:
        try:
            grades.append(grade(path, seed, limit))
        except (OSError, RetropropError) as error:
            if len(paths) == 1 or isinstance(error, ArgumentError):
                raise
            failed = True
            grades.append(ungraded(path, error))
        if not as_json:
            show(f"{grades[-1]}\n")
    if as_json:
        show(json_of(grades))
    elif len(grades) > 1:
        show(table(grades))
    if csv is not None:
        write_csv(Path(csv), [row(one) for one in grades])
        print(f"The table is in {csv}", file=sys.stderr)
    return int(failed)


def found(paths: Sequence[str]) -> list[Path]:
    """The notebooks themselves, and those in folders, by name, each once; not the copies that Jupyter keeps."""
    notebooks: dict[Path, Path] = {}
    for path in map(Path, paths):
        inside = sorted(each for each in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in each.parts)
        if path.is_dir() and not inside:
            raise ArgumentError(f"{path} must contain notebooks (.ipynb), found none")
        for each in inside if path.is_dir() else [path]:
            notebooks.setdefault(each.resolve(), each)
    return list(notebooks.values())


def ungraded(path: Path, error: Exception) -> Grade:
    """A grade without points, for a file that is no notebook."""
    sentence = in_one_line(error)
    return Grade(str(path), {exercise.name: tuple(Verdict(part.title, 0, part.points, sentence) for part in exercise.parts)
                             for exercise in EXERCISES}, (sentence,))


def json_of(grades: Sequence[Grade]) -> str:
    return as_json([{"notebook": one.notebook, "points": one.points, "of": one.of, "remarks": list(one.remarks),
                     "exercises": {name: [verdict._asdict() for verdict in verdicts]
                                   for name, verdicts in one.verdicts.items()}} for one in grades])


def row(one: Grade) -> dict[str, Any]:
    """The row of a notebook in the table of a class."""
    return {"notebook": one.notebook, "points": one.points, "of": one.of} | {
        name: one.points_of(name) for name in one.verdicts} | {"remarks": "; ".join(one.remarks)}


def table(grades: Sequence[Grade]) -> str:
    """The points of a class, as text."""
    names = [exercise.name for exercise in EXERCISES]
    head = ("notebook", "points", *(f"{exercise.name} ({exercise.points})" for exercise in EXERCISES))
    return aligned([head, *((one.notebook, str(one.points), *(str(one.points_of(name)) for name in names)) for one in grades)])
