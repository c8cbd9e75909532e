"""Grading a student's notebook: its cells run in a process of their own, which is ended when one takes too long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from ..arguments import positive_int, real
from ..experiments.reports.text import many
from .exercises import EXERCISES, Verdict
from .modules import GAP
from .source import stored_cells

START = 300                                                         # seconds in which Python must import the library
ALONE = {"MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


@dataclass
class Executed:
    """What became of the cells of a notebook.

    Attributes
    ----------
    printed, errors : dict of str by the number of a code cell
        What it printed, and its error in one line, if it raised one.
    stopped : set of int
        The cells that took too long or ended the process.
    verdicts : dict of tuple of Verdict, by exercise
    changed : list of str
        Names of the library that the notebook replaced, and the grader put back.
    """

    printed: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    verdicts: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def take(self, kind: str, name: Any, *result: Any) -> None:
        """Take a line of the worker's."""
        if kind == "cell":
            self.printed[name], error = result
            self.errors.pop(name, None)
            if error:
                self.errors[name] = error
        elif kind == "exercise":
            self.verdicts[name] = tuple(Verdict(*verdict) for verdict in result[0])
            self.changed += [each for each in result[1] if each not in self.changed]

    def stop(self, at: int | str, why: str) -> None:
        """Note that a cell or an exercise took too long, or ended the process."""
        if isinstance(at, int):
            self.stopped.add(at)
            self.errors[at] = why
        else:
            parts = next(one for one in EXERCISES if one.name == at).parts
            self.verdicts[at] = tuple(Verdict(part.title, 0, part.points, why) for part in parts)


def execute(cells: Sequence[str], exercises: Sequence[str] = (), seed: int = 0, limit: float = 60) -> Executed:
    """Execute code cells in another process, then grade exercises on what they define.

    A cell or an exercise that takes longer than ``limit`` seconds, or that ends the process, is left out, and the others run
    again. The working directory is an empty temporary folder.
    """
    found = Executed()
    while True:
        left = [name for name in exercises if name not in found.verdicts]
        without = {k: found.errors[k] for k in sorted(found.stopped)}
        task = {"cells": list(cells), "without": without, "exercises": left, "seed": seed}
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            stopped = run(task, found, limit, folder)
        if stopped is None:
            return found
        found.stop(*stopped)


def run(task: dict[str, Any], found: Executed, limit: float, folder: str) -> tuple[int | str, str] | None:
    """Run a worker; return the cell or the exercise at which it had to be stopped, and why; None if it came to its end."""
    with subprocess.Popen([sys.executable, "-m", f"{__package__}.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=folder, env=os.environ | ALONE, encoding="utf-8",
                          start_new_session=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        lines: Queue[str] = Queue()
        reader = Thread(target=read, args=(worker.stdout, lines), daemon=True)
        reader.start()
        try:
            with worker.stdin as stdin:
                json.dump(task, stdin)
            return followed(lines, found, limit)
        except EOFError as end:
            at, = end.args
            if at is None:
                end_all(worker)
                raise RuntimeError(f"the process that runs notebooks did not start: {worker.stderr.read()}") from None
            return at, f"ended the process of the notebook (exit status {worker.wait()})"
        finally:
            end_all(worker)
            reader.join()


def read(stream: Iterable[str], lines: Queue[str]) -> None:
    """Put each line of a stream into a queue, and an empty one at its end."""
    for line in stream:
        lines.put(line)
    lines.put("")


def followed(lines: Queue[str], found: Executed, limit: float) -> tuple[int | str, str] | None:
    """Take what a worker reports until its end; return where it took too long, and why. EOFError(where) if it died."""
    at: int | str | None = None
    while True:
        try:
            line = lines.get(timeout=START if at is None else limit)
        except Empty:
            if at is None:
                raise EOFError(at) from None
            return at, f"took longer than {limit:g} s"
        if not line:
            raise EOFError(at)
        kind, *rest = json.loads(line)
        if kind == "end":
            return None
        if kind == "begin":
            at = rest[0]
        else:
            found.take(kind, *rest)


def end_all(worker: subprocess.Popen[str]) -> None:
    """End a worker, and the processes that the notebook started in it."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()


@dataclass(frozen=True)
class Grade:
    """The points of one notebook.

    Attributes
    ----------
    notebook : str
        Its path.
    verdicts : dict of tuple of Verdict, by exercise
        Points, points at most, and what is wrong, for each part of each exercise.
    remarks : tuple of str
        What a teacher should know of the notebook: cells that raised errors, names of the library that it replaced.
    """

    notebook: str
    verdicts: dict[str, tuple[Verdict, ...]]
    remarks: tuple[str, ...] = ()

    def points_of(self, exercise: str) -> int:
        return sum(verdict.points for verdict in self.verdicts[exercise])

    @property
    def points(self) -> int:
        return sum(map(self.points_of, self.verdicts))

    @property
    def of(self) -> int:
        return sum(verdict.of for verdicts in self.verdicts.values() for verdict in verdicts)

    def __str__(self) -> str:
        lines = [f"{self.notebook}: {self.points} of {self.of} points", ""]
        for exercise, verdicts in self.verdicts.items():
            lines.append(f"{exercise}: {self.points_of(exercise)} of {sum(verdict.of for verdict in verdicts)}")
            same = len({verdict.sentence for verdict in verdicts}) == 1
            for verdict in verdicts[:1] if same and verdicts[0].sentence else verdicts:
                if verdict.sentence:
                    part = "all parts" if same and len(verdicts) > 1 else verdict.part
                    lines.append(f"    {part}, 0 of {sum(v.of for v in verdicts) if same else verdict.of}: {verdict.sentence}")
        return "\n".join([*lines, *(f"\nnote: {remark}" for remark in self.remarks)])


def grade(path: str | os.PathLike[str], seed: int = 0, limit: float = 60) -> Grade:
    """Execute a student's notebook in another process, and grade what it defines.

    Parameters
    ----------
    path : str or path
        The notebook. It is not changed.
    seed : int of at least 0, default 0
        The sizes and numbers on which answers are tried are drawn for it.
    limit : float > 0, default 60
        How many seconds one cell, and one exercise, may take.

    Raises
    ------
    OSError, FileFormatError
        The notebook cannot be read.

    Notes
    -----
    The classes and functions of the notebook are tried with the library as it was before the notebook ran; the notebook's
    own checks count for nothing. A process of its own protects the grader, not the computer: grade notebooks of strangers
    where you would run their programs.
    """
    seed, limit = positive_int("seed", seed, 0), real("limit", limit, 0, above=True)
    cells = [cell["source"] for cell in stored_cells(Path(path)) if cell["cell_type"] == "code"]
    found = execute(cells, [exercise.name for exercise in EXERCISES], seed, limit)
    remarks = [f"code cell {k + 1}: {error}" for k, error in sorted(found.errors.items()) if error != GAP]
    gaps = len(found.errors) - len(remarks)
    if gaps:
        remarks.append(f"{many(gaps, 'cell')} stopped at a gap that is not filled")
    if found.changed:
        remarks.append(f"the notebook replaced {', '.join(found.changed)}; the grader put it back")
    verdicts = {exercise.name: found.verdicts[exercise.name] for exercise in EXERCISES}
    return Grade(str(path), verdicts, tuple(remarks))
