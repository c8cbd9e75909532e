"""Sealed files: arrays and notes in one safetensors file, with a checksum over every byte of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileFormatError, RetropropError, StateError
from ...files import SEAL, read_at_most
from ...printing import in_one_line

STATE = "state:"                                                    # before the names of arrays that are inside of the notes
PLAIN = {bool, int, float, str, type(None)}                         # JSON holds them exactly
BLANK = "0" * 64                                                    # in the place of the checksum, when it is computed
BEGIN = json.dumps(SEAL.format("")[:-3])[1:-1].encode()             # of the notes, as they stand in the file's header
ARRAY, SCALAR, TUPLE, DICT = "__array__", "__scalar__", "__tuple__", "__dict__"


class MissingPackage(RetropropError, ImportError):
    """A package that the library needs is not installed. A browser may lack it."""


def safetensors(name: str = "safetensors") -> Any:
    """Return the package safetensors, or a module of it; its import takes time, and it is compiled."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackage(f"files of networks need the package safetensors: pip install safetensors ({error})") from None


def sealed(arrays: Mapping[str, Any], notes: Mapping[str, Any]) -> bytes:
    """Return the content of a safetensors file with arrays and, in its metadata, notes, which begin with a checksum."""
    text = SEAL.format(BLANK) + json.dumps(dict(notes), default=lambda array: array.tolist())[1:]
    content = bytearray(safetensors("safetensors.numpy").save(dict(arrays), {"retroprop": text}))
    at = content.index(BEGIN) + len(BEGIN)
    content[at:at + len(BLANK)] = sha256(content).hexdigest().encode()
    return bytes(content)


def unsealed(path: str | Path, of: str = "Checkpoint") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the notes of a sealed file; FileFormatError if it is none, or any byte of it has changed."""
    from_bytes, damaged = safetensors("safetensors.numpy").load, safetensors().SafetensorError
    content = bytearray(Path(path).read_bytes())
    at = content.find(BEGIN) + len(BEGIN)
    found = bytes(content[at:at + len(BLANK)])
    content[at:at + len(BLANK)] = BLANK.encode()
    if at < len(BEGIN) or sha256(content).hexdigest().encode() != found:
        raise FileFormatError(f"{path}: not a whole file of retroprop.{of}: it is truncated, damaged or of another kind")
    try:
        return from_bytes(bytes(content)), notes_of(content)
    except (damaged, ValueError, LookupError, TypeError, RecursionError) as error:      # a lie with the right checksum
        raise FileFormatError(f"{path}: not a file of retroprop.{of} ({in_one_line(error)})") from None


def notes_of(content: bytes | bytearray) -> dict[str, Any]:
    """Return the notes in the header that begins the content of a sealed file; the checksum is not compared."""
    header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    return dict(json.loads(header["__metadata__"]["retroprop"]))


def beginning(path: str | Path) -> dict[str, Any] | None:
    """Return the notes of a checkpoint, read without its arrays, and unchecked; None if there are none."""
    try:
        with open(path, "rb") as file:
            size = file.read(8)
            return notes_of(size + bytes(read_at_most(file.read, int.from_bytes(size, "little"))))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def packed(value: Any, arrays: dict[str, Any], who: str) -> Any:
    """Return a value as JSON can hold it; its arrays go to ``arrays``, under new names.

    The value is made of numbers, texts, None, NumPy's arrays and numbers, and of lists, tuples and dicts of such. StateError,
    which begins with ``who``, for anything else. ``unpacked`` returns the same value.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is list or kind is tuple:
        items = value if set(map(type, value)) <= PLAIN else [packed(item, arrays, who) for item in value]
        return list(items) if kind is list else {TUPLE: list(items)}
    if isinstance(value, Mapping):
        pairs = [(packed(name, arrays, who), packed(item, arrays, who)) for name, item in value.items()]
        plain = all(type(name) is str and not name.startswith("__") for name, _ in pairs)
        return dict(pairs) if plain else {DICT: pairs}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub" and value.dtype.itemsize <= 8:
        name = f"{STATE}{len(arrays)}"
        arrays[name] = np.array(value, value.dtype.newbyteorder("="), order="C")
        return {SCALAR if isinstance(value, np.generic) else ARRAY: name}
    raise StateError(f"{who} must hold numbers, texts, None, arrays of real numbers, and lists, tuples and dicts of these, got "
                     f"a {kind.__name__}")


def unpacked(value: Any, arrays: Mapping[str, Any]) -> Any:
    """Return the value of which ``packed`` returned this form."""
    if isinstance(value, list):
        return [unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (mark, content), = value.items()
        if mark in (ARRAY, SCALAR):
            return arrays[content] if mark == ARRAY else arrays[content][()]
        if mark == TUPLE:
            return tuple(unpacked(item, arrays) for item in content)
        if mark == DICT:
            return {unpacked(name, arrays): unpacked(item, arrays) for name, item in content}
    return {name: unpacked(item, arrays) for name, item in value.items()}
