"""The page as a folder of static files."""

from __future__ import annotations

import json
import os
import re
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
        Is made if it does not exist. Files in it that have the names of the page's are replaced.
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
        ``pyodide`` is a folder without Pyodide.
    OSError
        A file cannot be written.
    """
    source = PYODIDE if pyodide is None else pyodide
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(f"pyodide must be an address or a folder, got {in_a_line(source)}")
    source = os.fspath(source)
    contents = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()} | library()
    place = source if re.match("https?://", source) else "pyodide/"
    copied = [] if place == source else of_pyodide(Path(source))
    settings = {"pyodide": f"{place.rstrip('/')}/", "wheels": [name for name in contents if name.endswith(".whl")],
                "home": home}
    contents["settings.json"] = json.dumps(settings).encode()
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for path in copied:
        (out / "pyodide").mkdir(exist_ok=True)
        write(out / "pyodide" / path.name, path.read_bytes())
    for name, content in contents.items():
        write(out / name, content)
    return out / "index.html"


def of_pyodide(folder: Path) -> list[Path]:
    """Return the files of a folder of Pyodide that the page loads; ArgumentError if one is missing."""
    missing = [name for name in BEGINNING if not (folder / name).is_file()]
    if missing:
        raise ArgumentError(f"pyodide must be an address, or a folder with Pyodide {VERSION}, got {in_a_line(str(folder))}, "
                            f"which has no {missing[0]}")
    known = json.loads((folder / "pyodide-lock.json").read_bytes())["packages"]
    numpy = folder / known["numpy"]["file_name"]
    if not numpy.is_file():
        raise ArgumentError(f"pyodide must be a folder with NumPy's wheel for Pyodide too, got {in_a_line(str(folder))}, "
                            f"which has no {numpy.name}")
    return [*(folder / name for name in BEGINNING), numpy]
