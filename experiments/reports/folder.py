"""The folder of a report: what it holds, but a report of the same settings, is never replaced unless the user says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from itertools import count, product
from pathlib import Path
from typing import Any

from ...errors import ArgumentError
from ...files import check_folder, json_value

RECORD = "config.json"                                              # the settings of the report, and the names of its files


def prepare(folder: Path, settings: Mapping[str, Any], names: Iterable[str] = (), inputs: Mapping[str, Any] | None = None, *,
            force: bool = False, another: bool = False) -> Path:
    """Create the folder of a report, before the work, and return it.

    Parameters
    ----------
    folder : path
    settings : mapping
        The settings that decide the numbers.
    names : iterable of str
        The files that the report may have; ``*`` stands for any text.
    inputs : mapping from argument to path
        What the work reads; values that are not the paths of files count for nothing.
    force : bool, default False
        Whether a report of other settings is replaced, and files that are of no report.
    another : bool, default False
        Whether the first of ``folder``, ``folder``-2, ``folder``-3, ... is taken that nothing hinders.

    Raises
    ------
    ArgumentError
        A file that the work reads would be replaced, even with ``force``. Or the folder holds a report of other settings; or a
        ``config.json`` that is not one of a report's, or none and some of ``names``. A report of the same settings is no
        hindrance: it has the same numbers.
    OSError
        The folder cannot be created, or no file can be written in it: it is read-only, or the disk is full.
    """
    names = tuple(names)
    for k in count(1):
        chosen = folder if k == 1 else folder.with_name(f"{folder.name}-{k}")
        if not (said := hindrance(chosen, settings, names, inputs or {}, force)):
            break
        if not another:
            raise ArgumentError(said)
    chosen.mkdir(parents=True, exist_ok=True)
    check_folder(chosen)
    return chosen


def hindrance(folder: Path, settings: Mapping[str, Any], names: Sequence[str], inputs: Mapping[str, Any], force: bool) -> str:
    """Why no report may be written into a folder; an empty text if nothing hinders."""
    earlier = read(folder / RECORD)
    patterns = {*names, *files_of(earlier)}
    held = sorted(folder.iterdir()) if folder.is_dir() else []
    there = [path for path in held if any(fnmatchcase(path.name, one) for one in patterns)]
    for path, (name, value) in product(there, inputs.items()):
        if is_same(path, value):
            return (f"out must be a folder in which the report replaces none of the files that it is made from, but {path} is "
                    f"{name}: name another folder")
    if force:
        return ""
    otherwise = "name another folder, or replace them with force=True"
    if earlier is None and there:
        found = ", ".join(path.name for path in there[:3]) + ", ..." * (len(there) > 3)
        return (f"out must be a folder without files that the report would replace, but {folder} holds {found} and no "
                f"{RECORD} of a report: {otherwise}")
    differs = "" if earlier is None else differences(earlier, settings)
    return differs and (f"out must be a folder without results of other settings, but {folder} holds some ({differs}): "
                        f"{otherwise}")


def is_same(path: Path, value: Any) -> bool:
    """Whether an input is this file, by whatever name or link."""
    with suppress(OSError, TypeError, ValueError):                  # no path, or not that of a file
        return path.samefile(value)
    return False


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


def files_of(earlier: Mapping[str, Any] | None) -> set[str]:
    """The names of the files of an earlier report; none if it does not hold them."""
    names = (earlier or {}).get("files")
    return set(map(str, names)) if isinstance(names, list) else set()


def differences(earlier: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """How the settings of an earlier report differ, as text; one that it does not know differs if it is given.

    >>> differences({"command": "", "lr": 0.03, "init": ["He"]}, {"lr": 0.1, "init": ("He",), "cv": None})
    'lr: 0.03 there, 0.1 now'
    """
    if not earlier:
        return f"its {RECORD} is not that of a report"
    now = json.loads(json.dumps(json_value(dict(settings)), default=str))
    found = {name: (earlier.get(name, None if value else value), value) for name, value in now.items()}
    return "; ".join(f"{name}: {brief(old)} there, {brief(new)} now" for name, (old, new) in found.items() if old != new)


def brief(value: Any) -> str:
    """A setting in a sentence.

    >>> brief(["He", "N(0, 1)"]), brief(None), brief(True)
    ('He, N(0, 1)', 'none', 'True')
    """
    text = ", ".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def remove_others(folder: Path, names: Iterable[str]) -> None:
    """Delete the files of an earlier report that this one, with the files ``names``, does not replace."""
    for name in files_of(read(folder / RECORD)) - set(names):
        if Path(name).name == name:                                 # a file of the folder itself
            with suppress(OSError):
                (folder / name).unlink()
