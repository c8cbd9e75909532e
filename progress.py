"""Progress bars: on a terminal, as a widget in a notebook, and none elsewhere."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib import import_module
from threading import RLock
from typing import Any
from weakref import WeakSet


def progress_bar(total: int, unit: str, shown: bool, **options: Any) -> Any:
    """Return tqdm's bar over ``total`` units, to be updated, written above and closed as its documentation says.

    The bar is silent unless ``shown`` is True and there is a place for it: a notebook with ipywidgets, or a terminal as
    standard error. Pipes, files, services and programs without standard error get no bar.
    """
    kind = widget() if shown else None
    if kind is not None:
        return kind(total=total, unit=unit, **options)
    from tqdm import tqdm
    if shown and on_terminal():
        return tqdm(total=total, unit=unit, **options)
    return silent(tqdm)(total=total, unit=unit, disable=True, **options)


@cache
def silent(kind: Any) -> Any:
    """The class of bars that are never shown: tqdm's own would take a semaphore, which a killed process leaves behind."""
    class Silent(kind):                                             # type: ignore[misc, unused-ignore]
        _instances, _lock, monitor_interval = WeakSet[Any](), RLock(), 0
        write = kind.write                                          # above bars that others show

    return Silent


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
