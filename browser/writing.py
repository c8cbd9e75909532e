"""The page as a folder of static files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..arguments import in_a_line
from ..errors import ArgumentError
from ..files import write
from .wheels import library

VERSION = "0.27.7"                                                  # of Pyodide: the one that the page is tested with
PYODIDE = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
PAGE = Path(__file__).parent / "page"
BEGINNING = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")


def write_page(folder: str | os.PathLike[str], *, pyodide: str | os.PathLike[str] | None = None,
               home: str | None = None) -> Path:
    """Write the page that runs this library in a browser, with the library, into a folder.

    A web server must serve the folder, because browsers start no workers from ``file:``: any server of static files does, for
    instance ``python -m http.server``. `play` serves it and opens it.

    Parameters
    ----------
    folder : str or path
        Is made if it does not exist. The files of an earlier page in it are replaced, and no others.
    pyodide : str or path, optional
        Where the page finds Pyodide, which is Python for browsers: an address that begins with ``http://`` or ``https://``;
        or a folder with Pyodide 0.27.7 and its wheel of NumPy, which is copied, 20 MB, so that the page works offline. By
        default the page loads Pyodide from its public place, ``retroprop.browser.PYODIDE``.
    home : str, optional
        The address that the name of the library leads to, such as ``"../index.html"`` of a site that the page is part of.

    Returns
    -------
    Path
        The file ``index.html`` in the folder.

    Raises
    ------
    ArgumentError
        ``pyodide`` is a folder without Pyodide, or with another version; or ``folder`` holds a file with the name of one of
        the page's, and no earlier page.
    OSError
        A file cannot be written.
    """
    place, copied = found_pyodide(pyodide)
    contents = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()} | library()
    settings = {"pyodide": f"{place.rstrip('/')}/", "wheels": [name for name in contents if name.endswith(".whl")],
                "home": home}
    contents = {"settings.json": json.dumps(settings).encode()} | contents          # first: it is what tells an earlier page
    out = Path(folder)
    check_free(out, [*contents, "pyodide"] if copied else contents)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write(out / name, content)
    for path in copied:
        (out / "pyodide").mkdir(exist_ok=True)
        write(out / "pyodide" / path.name, path.read_bytes())
    return out / "index.html"


def check_free(folder: Path, names: Iterable[str]) -> None:
    """Refuse to replace what is not of an earlier page, whose ``settings.json`` names Pyodide and the wheels."""
    with suppress(OSError, ValueError, TypeError):
        if {"pyodide", "wheels"} <= set(json.loads((folder / "settings.json").read_bytes())):
            return
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        raise ArgumentError(f"folder must have no files that the page would replace, but {in_a_line(str(folder))} holds "
                            f"{', '.join(there[:3])}{', ...' * (len(there) > 3)} and no earlier page")


def found_pyodide(pyodide: str | os.PathLike[str] | None) -> tuple[str, list[Path]]:
    """Return the address of Pyodide, and the files to copy there if it comes from a folder; ArgumentError if it cannot."""
    source = PYODIDE if pyodide is None else pyodide
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(f"pyodide must be an address or a folder, got {in_a_line(source)}")
    source = os.fspath(source)
    return (source, []) if re.match("https?://", source) else ("pyodide/", of_pyodide(Path(source)))


def of_pyodide(folder: Path) -> list[Path]:
    """Return the files of a folder of Pyodide that the page loads; ArgumentError if one is missing, or of another version."""
    missing = [name for name in BEGINNING if not (folder / name).is_file()]
    if missing:
        raise ArgumentError(f"pyodide must be an address, or a folder with Pyodide {VERSION}, got {in_a_line(str(folder))}, "
                            f"which has no {missing[0]}")
    try:
        lock = json.loads((folder / "pyodide-lock.json").read_bytes())
        version, numpy = str(lock["info"]["version"]), folder / lock["packages"]["numpy"]["file_name"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArgumentError(f"pyodide must be a folder with Pyodide {VERSION}, got {in_a_line(str(folder))}, whose "
                            f"pyodide-lock.json does not name its version and NumPy's file") from error
    if version != VERSION:
        raise ArgumentError(f"pyodide must be a folder with Pyodide {VERSION}, got {in_a_line(str(folder))}, "
                            f"which has {version}")
    if not numpy.is_file():
        raise ArgumentError(f"pyodide must be a folder with NumPy's wheel for Pyodide too, got {in_a_line(str(folder))}, "
                            f"which has no {numpy.name}")
    return [*(folder / name for name in BEGINNING), numpy]
