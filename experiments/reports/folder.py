"""The folder of a report: an earlier report of other settings in it is never replaced unless the user says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from ...errors import ArgumentError
from ...files import check_folder
from .text import finite

RECORD = "config.json"                                              # the settings of the report, and the names of its files


def prepare(folder: Path, settings: Mapping[str, Any], force: bool = False, record: str = RECORD,
            another: bool = False) -> Path:
    """Create the folder of a report, before the work, and return it.

    Parameters
    ----------
    folder : path
    settings : mapping
        The settings that decide the numbers.
    force : bool, default False
        Whether a report of other settings is replaced.
    record : str, default "config.json"
        The file of the folder in which an earlier report holds its settings.
    another : bool, default False
        Whether the first of ``folder``, ``folder``-2, ``folder``-3, ... is taken that holds no report of other settings; not
        with ``force``.

    Raises
    ------
    ArgumentError
        The folder holds a report of other settings, or a ``record`` that is not one of a report's. A report of the same
        settings is no hindrance: it has the same numbers.
    OSError
        The folder cannot be created, or no file can be written in it: it is read-only, or the disk is full.
    """
    for k in count(1):
        chosen = folder if k == 1 else folder.with_name(f"{folder.name}-{k}")
        earlier = None if force else read(chosen / record)
        differs = "" if earlier is None else differences(earlier, settings)
        if not differs:
            break
        if not another:
            raise ArgumentError(f"out must be a folder without results of other settings, but {folder} holds some ({differs}): "
                                "name another folder, or replace them with force=True")
    chosen.mkdir(parents=True, exist_ok=True)
    check_folder(chosen)
    return chosen


@contextmanager
def at_hand(results: object) -> Iterator[None]:
    """If an error or Ctrl-C ends the block, which writes a report, attach the results to it: they must not be lost."""
    try:
        yield
    except BaseException as error:
        error.results = results                                     # type: ignore[attr-defined]
        error.add_note("The report is not complete; the results are the attribute results of this error.")
        raise


def read(record: Path) -> dict[str, Any] | None:
    """The settings of an earlier report; None if there is none, and an empty dict for a file of another kind."""
    try:
        found = json.loads(record.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:                                              # neither JSON nor text
        return {}
    return found if isinstance(found, dict) and "command" in found else {}


def differences(earlier: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """How the settings of an earlier report differ, as text; one that it does not know differs if it is given.

    >>> differences({"command": "", "lr": 0.03, "init": ["He"]}, {"lr": 0.1, "init": ("He",), "cv": None})
    'lr: 0.03 there, 0.1 now'
    """
    if not earlier:
        return f"its {RECORD} is not that of a report"
    now = json.loads(json.dumps(finite(dict(settings)), default=str))
    found = {name: (earlier.get(name, None if value else value), value) for name, value in now.items()}
    return "; ".join(f"{name}: {brief(old)} there, {brief(new)} now" for name, (old, new) in found.items() if old != new)


def brief(value: Any) -> str:
    """A setting in a sentence.

    >>> brief(["He", "N(0, 1)"]), brief(None), brief(True)
    ('He, N(0, 1)', 'none', 'True')
    """
    text = ", ".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def remove_others(folder: Path, names: Iterable[str], record: str = RECORD) -> None:
    """Delete the files of an earlier report that this one, with the files ``names``, does not replace."""
    earlier = read(folder / record) or {}
    for name in set(map(str, earlier.get("files", ()))) - set(names):
        if Path(name).name == name:                                 # a file of the folder itself
            with suppress(OSError):
                (folder / name).unlink()
