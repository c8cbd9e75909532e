"""A user's script: a Python file that defines a network."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import reads
from ...printing import in_one_line


class Script(NamedTuple):
    """The objects that a file defines: a network, and perhaps a batch and a loss."""

    path: str
    net: Module
    x: Any = None
    y: Any = None
    loss: Loss | None = None

    def with_input(self, shapes: Sequence[tuple[int, ...]]) -> Script:
        """The script with an x: its own, or numbers drawn from N(0, 1) in the given shapes, one shape for each input."""
        if self.x is not None and shapes:
            raise ArgumentError(f"{self.path} defines x: leave out --shape")
        if self.x is not None:
            return self
        if not shapes:
            raise ArgumentError(f"{self.path} must define x, a batch; or give its shape (--shape 5,3), once for each input")
        wanted = self.net.arity
        if not reads(wanted, len(shapes)):
            count = "two or more" if wanted is None else wanted
            raise ArgumentError(f"{self.path}: net has {count} input{'s' * (count != 1)}: give --shape once for each, got "
                                f"{len(shapes)}")
        try:
            self.net.output_shape(shapes[0] if len(shapes) == 1 else tuple(shapes))
        except ShapeError as error:
            given = " ".join(f"--shape {','.join(map(str, shape))}" for shape in shapes)
            raise ArgumentError(f"{given} does not fit {self.path}'s net: {error}") from error
        rng = np.random.default_rng(0)
        drawn = tuple(rng.standard_normal(shape) for shape in shapes)
        return self._replace(x=drawn[0] if len(drawn) == 1 else drawn)


def read(path: str) -> Script:
    """Execute a Python file, not as ``__main__``, and return the ``net``, ``x``, ``y`` and ``loss`` that it defines.

    Raises
    ------
    OSError
        The file cannot be read.
    ArgumentError
        The script raises an error (the message names its line), its net is not a Module, or its loss is not a Loss.
    """
    Path(path).open("rb").close()                                   # OSError, before any code of the script runs
    with run_alone(path):
        try:
            found = runpy.run_path(resolved(path))
        except (Exception, SystemExit) as error:
            raise failure(path, error) from error
    if "net" not in found:
        names = ", ".join(name for name in found if not name.startswith("_"))
        raise ArgumentError(f"{path} must define net, a retroprop Module, got {names or 'nothing'}")
    for name, kind in (("net", Module), ("loss", Loss)):
        value = found.get(name)
        if not isinstance(value, kind) and (name == "net" or value is not None):
            raise ArgumentError(f"{path}: {name} must be a {kind.__name__}, got {value!r}")
    return Script(path, found["net"], found.get("x"), found.get("y"), found.get("loss"))


@contextmanager
def run_alone(path: str) -> Iterator[None]:
    """Imports and arguments as when Python runs the file: its folder comes first in sys.path. It prints to standard error."""
    folders, arguments = sys.path.copy(), sys.argv
    sys.path.insert(0, str(Path(resolved(path)).parent))
    sys.argv = [path]
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:], sys.argv = folders, arguments


@contextmanager
def blaming(path: str) -> Iterator[None]:
    """Turn an error that is raised in the script's code, such as its own module, into an ArgumentError that names the line."""
    try:
        yield
    except Exception as error:
        if not lines_of(path, error):
            raise
        raise failure(path, error) from error


def failure(path: str, error: BaseException) -> ArgumentError:
    """An ArgumentError of one sentence: the line of the script, and the error."""
    where = "".join(f", line {line}" for line in lines_of(path, error)[-1:])
    return ArgumentError(f"{path}{where}: {type(error).__name__}: {in_one_line(error)}")


def lines_of(path: str, error: BaseException) -> list[int | None]:
    """The lines of the script in the error's traceback, the innermost last."""
    return [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == resolved(path)]


def resolved(path: str) -> str:
    return str(Path(path).resolve())
