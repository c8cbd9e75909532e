"""The process in which a student's code runs: ``python -m retroprop.course.worker``, started by grading.py.

It reads a task as JSON from standard input, and writes a line of JSON for each thing that it begins or ends. What the
student's code prints goes elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

from .bugs import given_names
from .exercises import EXERCISES, graded
from .modules import said

LONGEST = 10_000                                                    # characters of what a cell prints that are kept
OF_IPYTHON = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


class Library:
    """The functions and classes of the library and of NumPy, as they were before a student's code ran."""

    def __init__(self) -> None:
        mine = __package__.partition(".")[0]
        modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in (mine, "numpy")]
        kinds = {value for module in modules if module.__name__.partition(".")[0] == mine
                 for value in vars(module).values() if isinstance(value, type) and value.__module__.startswith(f"{mine}.")}
        self.kept: list[tuple[Any, dict[str, Any]]] = [(owner, dict(vars(owner))) for owner in (*modules, *kinds)]

    def restore(self) -> list[str]:
        """Put back each that is another object now; return their names."""
        changed = []
        for owner, attributes in self.kept:
            now = vars(owner)
            for name, value in attributes.items():
                if now.get(name, self) is not value and (callable(value) or isinstance(value, (property, ModuleType))):
                    setattr(owner, name, value)
                    changed.append(f"{owner.__name__}.{name}")
        return changed


class Notebook:
    """The names of a notebook whose cells are executed one by one.

    Attributes
    ----------
    made : dict
        What the exercises ask for, by name: the last class or function that a cell defined, whatever came after.
    failed : dict
        The error of the last cell that should have defined a name and raised.
    """

    def __init__(self) -> None:
        self.names = given_names() | {"display": print}
        self.made: dict[str, Any] = {}
        self.failed: dict[str, str] = {}

    def execute(self, source: str) -> tuple[str, str]:
        """Execute a cell; return what it printed, and its error in one line (empty if it raised none)."""
        self.names |= given_names()
        printed, error = io.StringIO(), ""
        wanted = [name for exercise in EXERCISES for name in exercise.names]
        before = {name: self.names.get(name) for name in wanted}
        try:
            with redirect_stdout(printed):
                exec(compile(OF_IPYTHON.sub(r"\1pass", source), "<cell>", "exec"), self.names)
        except BaseException as raised:                             # SystemExit and KeyboardInterrupt too: the notebook goes on
            error = said(raised)
        for name in wanted:
            value = self.names.get(name)
            if value is not before[name] and callable(value):
                self.made[name] = value
                self.failed.pop(name, None)
            elif error and re.search(rf"^\s*(class|def) {name}\b", source, re.MULTILINE):
                self.failed[name] = error
        return printed.getvalue()[:LONGEST], error


def main() -> None:
    task = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def report(*line: Any) -> None:
        print(json.dumps(line), file=answers, flush=True)

    notebook, library = Notebook(), Library()
    for k, source in enumerate(task["cells"]):
        if k not in task["without"]:
            report("begin", k)
            report("cell", k, *notebook.execute(source))
    for exercise in EXERCISES:
        if exercise.name in task["exercises"]:
            report("begin", exercise.name)
            changed = library.restore()
            notebook.names |= given_names()
            report("exercise", exercise.name, graded(exercise, notebook.made, task["seed"], notebook.failed), changed)
    report("end")


if __name__ == "__main__":
    main()
