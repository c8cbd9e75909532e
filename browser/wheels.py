"""The library as a wheel, made from the files of the installed copy."""

from __future__ import annotations

import io
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = {".py", ".pyi", ".npz", ".md", ".typed"}
FIRST = (1980, 1, 1, 0, 0, 0)                                       # the time of every file: equal files make equal wheels


def library() -> dict[str, bytes]:
    """Return the name and the content of a wheel of this library, without its page, and of what it cannot begin without.

    These are pure Python wheels: ``retroprop``, and ``lazy_loader``, which Pyodide does not have. They are installed without
    looking at what they depend on.
    """
    own = {f"retroprop/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in package(ROOT)}
    return dict([wheel("retroprop", own), wheel("lazy_loader", installed("lazy_loader", KINDS))])


def package(folder: Path) -> Iterator[Path]:
    """Yield the files of a package and of the packages in it: in a checkout, other folders are beside them."""
    for path in sorted(folder.iterdir()):
        if path.suffix in KINDS and (path.parent != ROOT or path.suffix != ".md"):
            yield path
        elif (path / "__init__.py").is_file():
            yield from package(path)
        elif path.is_dir() and folder != ROOT and path.name != "page":
            yield from (one for one in sorted(path.iterdir()) if one.suffix in KINDS)


def installed(name: str, kinds: Collection[str]) -> dict[str, bytes]:
    """Return the files of an installed distribution that are of these kinds."""
    return {path.as_posix(): path.read_binary() for path in distribution(name).files or ()
            if path.suffix in kinds and not path.name.startswith("__editable__")}


def wheel(name: str, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the name and the content of a wheel that holds these files, and metadata and licence as they are installed."""
    found = distribution(name)
    info = f"{name}-{found.version}.dist-info"
    licences = {path.as_posix(): path.read_binary() for path in found.files or () if "LICEN" in path.name.upper()}
    metadata = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""     # the latter in a checkout
    held = {**files, **licences, f"{info}/METADATA": metadata.encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: retroprop\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = [f"{path},sha256={digest(content)},{len(content)}" for path, content in held.items()]
    held[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in held.items():
            archive.writestr(zipfile.ZipInfo(path, FIRST), content, zipfile.ZIP_DEFLATED)
    return f"{name}-{found.version}-py3-none-any.whl", memory.getvalue()


def digest(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
