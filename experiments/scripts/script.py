"""A network of the user's: a Python file that defines it."""

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


class Script(NamedTuple):
    """What a file defines: a network, and perhaps a batch and a loss."""

    path: str
    net: Module
    x: Any = None
    y: Any = None
    loss: Loss | None = None

    def with_input(self, shapes: Sequence[tuple[int, ...]]) -> Script:
        """The same with an x: the file's, or numbers from N(0, 1) of the given shapes, one for each input."""
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
    """Execute a Python file, not as ``__main__``, and take ``net``, ``x``, ``y`` and ``loss`` from what it defines.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ArgumentError
        Where it fails (names the line and its error), or defines no net that is a Module, or a loss that is none.
    """
    Path(path).open("rb").close()                                   # a missing file is no error of the script's
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
    """As when Python runs that file: its folder first among those of imports, no arguments. It prints to standard error."""
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
    """What fails inside the file, a module of its own for one, is an ArgumentError that says where."""
    try:
        yield
    except Exception as error:
        if not lines_of(path, error):
            raise
        raise failure(path, error) from error


def failure(path: str, error: BaseException) -> ArgumentError:
    """One sentence: the line of the file, and the error itself."""
    where = "".join(f", line {line}" for line in lines_of(path, error)[-1:])
    return ArgumentError(f"{path}{where}: {type(error).__name__}: {' '.join(str(error).split())}")


def lines_of(path: str, error: BaseException) -> list[int | None]:
    """The lines of the file that the error came through, the innermost last."""
    return [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == resolved(path)]


def resolved(path: str) -> str:
    return str(Path(path).resolve())
