"""Progress bars: on a terminal, as a widget in a notebook, and none elsewhere."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any, Self, TextIO


def progress_bar(total: int, unit: str, shown: bool, **options: Any) -> Any:
    """Return tqdm's bar over ``total`` units, to be updated, written above and closed as its documentation says.

    There is none unless ``shown`` is True and there is a place for it: a notebook with ipywidgets, or a terminal as standard
    error. Pipes, files, services and programs without standard error get no bar.
    """
    kind = place() if shown else None
    return NoBar() if kind is None else kind(total=total, unit=unit, **options)


class NoBar:
    """In the place of a bar that is not shown. tqdm's own would take a semaphore, which a killed process leaves behind."""

    disable = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def nothing(self, *_: Any, **options: Any) -> None:
        pass

    update = set_postfix_str = set_description = close = nothing

    def write(self, text: str, file: TextIO) -> None:
        """Print a line, above bars that others show."""
        tqdm = sys.modules.get("tqdm")
        (print if tqdm is None else tqdm.tqdm.write)(text, file=file)


def place() -> Any:
    """Return the class of tqdm's bar for where this program runs; None if there is no place for a bar."""
    try:
        kind = widget() or (import_module("tqdm").tqdm if on_terminal() else None)
    except ImportError:                                             # a browser may lack tqdm
        return None
    if kind is not None and sys.platform == "emscripten":
        kind.monitor_interval = 0                                   # there are no threads
    return kind


def on_terminal() -> bool:
    """Return whether standard error is a terminal."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):                            # there is none (pythonw, 2>&-), or it is closed
        return False


def widget() -> Any:
    """Return the class of tqdm's bar for notebooks; None outside of a Jupyter kernel, and without ipywidgets."""
    if "IPython" not in sys.modules:
        return None
    if "tqdm.auto" not in sys.modules:
        with warnings.catch_warnings(action="ignore"):              # it warns where ipywidgets is missing
            import_module("tqdm.auto")
    found = sys.modules["tqdm.auto"].tqdm
    notebook = sys.modules.get("tqdm.notebook")
    return found if notebook is not None and issubclass(found, notebook.tqdm_notebook) else None
