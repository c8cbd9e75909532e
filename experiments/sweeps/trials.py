"""Trials: runs as data, and the keys under which their results are stored."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import __version__

ROOT = Path(__file__).parents[2]                                    # of the package
# Imports are found by pattern: in threads of a Dask worker, ast.parse of CPython 3.11 raised a SystemError at times.
IMPORTS = re.compile(r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.*)|import[ \t]+(.*))", re.MULTILINE)
WORDS = re.compile(r"[\w.]+")
COMMENTS = re.compile(r"#.*|\\\n")                                # and backslashes that continue a line
Settings = Mapping[str, Any]
Numbers = dict[str, Any]                                            # the result of a run


class Trial(NamedTuple):
    """One run: a module-level function and its keyword arguments: strings, numbers, None, and lists and dicts of them.

    The function returns a dict of values of the same kinds. A ``resumable`` function also takes ``checkpoint``: a file in
    which it may save its state, to continue from there after an interruption, or None.
    """

    task: Callable[..., Numbers]
    settings: Settings
    resumable: bool = False

    @property
    def name(self) -> str:
        """The folder of the task's module (or the module, without a folder) and the function: ``he2015.signals``."""
        folder = self.task.__module__.split(".")[-2:][0]
        return f"{folder}.{self.task.__name__}"

    @property
    def key(self) -> str:
        """A hash of the function, its arguments and the version of the code, which together decide the numbers."""
        return sha256(self.text.encode()).hexdigest()[:24]

    @property
    def text(self) -> str:
        return json.dumps({"task": f"{self.task.__module__}.{self.task.__qualname__}", "settings": self.settings,
                           "version": version(self.task.__module__)}, sort_keys=True, ensure_ascii=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


class Done(NamedTuple):
    """A run that ended: its result, and the seconds it took."""

    trial: Trial
    result: Numbers
    seconds: float


class Failed(NamedTuple):
    """A run that raised an error: the error in one line, and the traceback."""

    trial: Trial
    error: str
    where: str


@cache
def version(module: str) -> dict[str, str]:
    """Versions of the library, NumPy and SciPy, and a hash of all source files that a task in this module depends on."""
    found = sha256()
    for path in sources(module):
        found.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return {"retroprop": __version__, "numpy": np.__version__, "scipy": installed("scipy"), "source": found.hexdigest()[:16]}


def sources(module: str) -> list[Path]:
    """The file of a module, all files of this package that it imports, directly or indirectly, and the data beside them.

    Imports inside functions count. The package's own ``__init__.py`` is left out: it computes nothing.
    """
    start = Path(getattr(sys.modules.get(module), "__file__", None) or ROOT / "__init__.py")
    found, todo = set[Path](), [start, *(folder / "__init__.py" for folder in start.parents if folder.is_relative_to(ROOT))]
    todo = todo if ours(start) else [start, *library(ROOT)]         # a user's task may call any part of the library
    while todo:
        path = todo.pop()
        if path not in found and path != ROOT / "__init__.py":
            found.add(path)
            todo += imported(path) if ours(path) else ()
    found |= {data for folder in {path.parent for path in found if ours(path)} for data in folder.glob("*.npz")}
    return sorted(found, key=lambda path: (path.is_relative_to(ROOT), path.parts[-1 if path == start else len(ROOT.parts):]))


def ours(path: Path) -> bool:
    """Whether a file belongs to this package; a checkout has other files below the root too."""
    return path.is_relative_to(ROOT) and (path.parent / "__init__.py").is_file()


def library(folder: Path) -> Iterator[Path]:
    """All Python files of this package below a folder."""
    yield from folder.glob("*.py")
    for inner in folder.glob("*/__init__.py"):
        yield from library(inner.parent)


def imported(path: Path) -> Iterator[Path]:
    """The files of this package that a file imports, with the ``__init__.py`` of each package on the way."""
    for dots, module, names, modules in IMPORTS.findall(COMMENTS.sub(" ", path.read_text(encoding="utf-8"))):
        if names:
            package = ["retroprop", *path.relative_to(ROOT).parts[:-1]]
            above = package[:len(package) - len(dots) + 1] if dots else []
            base = ".".join([*above, *([module] if module else [])])
            imports = [base, *(f"{base}.{name}" for name in WORDS.findall(names))]
        else:
            imports = WORDS.findall(modules)
        for name in imports:
            top, *parts = name.split(".")
            for k in range(1, len(parts) + 1) if top == "retroprop" else ():
                place = ROOT.joinpath(*parts[:k])
                yield from (file for file in (place.with_name(f"{place.name}.py"), place / "__init__.py") if file.is_file())
