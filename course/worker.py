"""The process in which a student's code runs: ``python -m retroprop.course.worker``, started by grading.py.

It reads a task as JSON from standard input, and writes a line of JSON for each thing that it begins or ends. What the
student's code prints goes elsewhere.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from contextlib import redirect_stdout
from functools import partial
from inspect import CO_COROUTINE
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .bugs import given_names
from .exercises import EXERCISES, graded
from .modules import said

LONGEST = 10_000                                                    # characters of what a cell prints that are kept
OF_IPYTHON = re.compile(r"(\s*)(?:(\w+(?:, *\w+)* *= *)?[%!]|\?|(?:pip|conda|cd) |[\w.*]+\?\??\s*$)")
OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")             # their cells hold Python
CLASSES_AND_FUNCTIONS = (type, FunctionType, BuiltinFunctionType, MethodType, partial, np.ufunc, np.vectorize)


class Library:
    """The names of the library's and of NumPy's modules, and the methods of its classes, before a student's code ran.

    Other attributes of classes stay as they are: the library counts in some.
    """

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
                kept = isinstance(owner, ModuleType) or callable(value) or isinstance(value, property)
                if now.get(name, self) is not value and kept:
                    setattr(owner, name, value)
                    changed.append(f"{owner.__name__}.{name}")
        return changed


def compiled(source: str) -> CodeType:
    """Compile a cell as IPython runs it: ``await`` may stand outside functions, and lines may be IPython's.

    Only a line at which Python cannot go on is taken for one of IPython's; the grader does nothing in its place. So text that
    looks like one, in a string or in an expression of several lines, stays.

    Raises
    ------
    SyntaxError
        The cell is neither Python nor IPython's.
    """
    head, _, body = source.lstrip("\n").partition("\n")
    if head.startswith("%%"):
        source = f"\n{body}" if head.split()[0] in OF_PYTHON else ""
    lines = source.split("\n")
    while True:
        try:
            return compile("\n".join(lines), "<cell>", "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            k = (error.lineno or 0) - 1
            match = OF_IPYTHON.match(lines[k]) if 0 <= k < len(lines) else None
            if match is None:
                raise
            while lines[k].endswith("\\") and k + 1 < len(lines):
                lines[k], k = "", k + 1
            lines[k] = f"{match[1]}{match[2] or ''}None"


class Notebook:
    """The names of a notebook whose cells are executed one by one.

    Attributes
    ----------
    made : dict
        What the exercises ask for, by name: the last class or function that a cell defined, whatever came
        after: an instance of the class that takes its name, too.
    failed : dict
        What the last cell did that should have defined a name and did not: which error it raised, or that it took too long.
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
                code = compiled(source)
                waiting = eval(code, self.names)
                if code.co_flags & CO_COROUTINE:
                    asyncio.run(waiting)
        except BaseException as raised:                             # SystemExit and KeyboardInterrupt too: the notebook goes on
            error = said(raised)
        for name in wanted:
            value = self.names.get(name)
            if value is not before[name] and issubclass(type(value), CLASSES_AND_FUNCTIONS):
                self.made[name] = value
                self.failed.pop(name, None)
            elif error and defines(source, name):
                self.failed[name] = f"raises {error}"
        return printed.getvalue()[:LONGEST], error

    def leave_out(self, source: str, why: str) -> None:
        """Note what a cell did that is not executed again."""
        self.failed |= {name: why for exercise in EXERCISES for name in exercise.names if defines(source, name)}


def defines(source: str, name: str) -> bool:
    """Whether a cell says that it defines a class or a function of this name."""
    return re.search(rf"^\s*(class|def) {name}\b", source, re.MULTILINE) is not None


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
        if str(k) in task["without"]:
            notebook.leave_out(source, task["without"][str(k)])
        else:
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
