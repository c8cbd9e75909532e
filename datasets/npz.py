"""The NPZ format, a ZIP archive of arrays: read as far as the headers ask, without objects."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Collection
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..files import read_at_most

LENGTHS = {(1, 0): 2, (2, 0): 4}                                    # bytes of the length of the header, by version
LONGEST = 10_000                                                    # header, as in NumPy
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)                # NumPy's; others may hold any times their size


def read_npz(file: IO[bytes], wanted: Callable[[list[str]], Collection[str]]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return some arrays of an ``.npz`` file, by name, and the names of all; ``wanted`` chooses from these.

    The memory that this takes is bounded by what the archive holds, whatever its headers say. Errors of many types are
    raised for a damaged archive.
    """
    with zipfile.ZipFile(file) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        names = list(members)
        return {name: read_member(archive, members[name]) for name in wanted(names)}, names


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array of an archive."""
    if member.compress_type not in METHODS:
        raise ValueError(f"{member.filename} is compressed by method {member.compress_type}, which NumPy does not use")
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(io.BytesIO(stream.read(np.lib.format.MAGIC_LEN)))
        if version not in LENGTHS:
            raise ValueError(f"{member.filename} has version {version} of the format, which numbers do not need")
        start = stream.read(LENGTHS[version])
        length = int.from_bytes(start, "little")
        if length > LONGEST:
            raise ValueError(f"{member.filename} has a header of {length} bytes, more than {LONGEST}")
        header = io.BytesIO(start + stream.read(length))
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        try:
            shape, columns_first, dtype = read_header(header)
        except Exception as error:                                  # NumPy parses it as Python, and raises many kinds of error
            raise ValueError(f"{member.filename} has a damaged header") from error
        if dtype.hasobject:
            raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
        size = dtype.itemsize * math.prod(shape)
        if min(shape, default=0) < 0:
            raise ValueError(f"{member.filename} must have a shape of lengths, got {shape}")
        content = read_at_most(stream.read, size + 1)               # one more: at its end, the archive's checksum is compared
        if len(content) != size:
            got = len(content) if len(content) < size else "more"
            raise ValueError(f"{member.filename} must hold {size} bytes for {dtype} of shape {shape}, got {got}")
        return np.ndarray(shape, dtype, content, order="F" if columns_first else "C")
