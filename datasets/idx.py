"""The IDX format, in which MNIST and its relatives are distributed."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileFormatError
from ..files import read_at_most
from .checks import pair, same_features

Part = tuple[NDArray[np.float32], NDArray[np.int64]]
Bytes = tuple[NDArray[np.uint8], NDArray[np.uint8]]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"                                                  # begins gzipped files
HEADER = 4 + 4 * 255                                                # bytes of the longest header
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_idx(path: str | os.PathLike[str], mapped: bool = False) -> NDArray[Any]:
    """Return the array in an IDX file, which may be gzipped, whatever its name.

    Parameters
    ----------
    path : str or path
        The file: two zero bytes, the type, the number of axes, their lengths, the elements; all big-endian.
    mapped : bool, default False
        Whether to map a plain file into memory, so that elements are read from disk when they are used.

    Returns
    -------
    array
        The shape and the type (uint8, int8, int16, int32, float32 or float64) are the file's. The byte order is native; a
        mapped array is read-only and big-endian.

    Raises
    ------
    FileFormatError
        The file is truncated, too long or not IDX, or its compression is damaged.

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*: section "File formats".
    """
    import gzip
    with Path(path).open("rb") as file:
        zipped = file.peek(2)[:2] == GZIP
        mapped = mapped and not zipped
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        try:
            content: Any = read_at_most(stream.read, HEADER)
            dtype, shape, start = _header(path, content)
            size = start + dtype.itemsize * math.prod(shape)
            content = np.memmap(path, np.uint8, "r") if mapped else read_at_most(stream.read, size + 1, content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileFormatError(f"{path} must be complete gzip data, got: {error}") from error
        length = len(content) if zipped else max(len(content), os.fstat(file.fileno()).st_size)
    if length != size:
        fault, got = ("truncated", str(length)) if length < size else ("too long", "more" if zipped else str(length))
        raise FileFormatError(f"{path} is {fault}: {dtype.name} of shape {shape} takes {size} bytes, got {got}")
    try:
        array: NDArray[Any] = np.ndarray(shape, dtype, content, start)
    except ValueError as error:
        raise FileFormatError(f"{path} must have a shape that NumPy allows, got {shape}") from error
    return array if mapped else array.astype(dtype.newbyteorder("="), copy=False)


def mnist(folder: str | os.PathLike[str]) -> tuple[Part, Part]:
    """Return MNIST, or a data set in the same four files (Fashion-MNIST, KMNIST, ...), from a folder.

    Parameters
    ----------
    folder : str or path
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
        ``t10k-labels-idx1-ubyte``, each plain or gzipped; names such as ``train-images.idx3-ubyte`` are accepted too.

    Returns
    -------
    (x, y), (x_test, y_test)
        ``x`` is float32 of shape (examples, rows * columns) in [0, 1], ``y`` is int64 of shape (examples,).

    Raises
    ------
    FileNotFoundError
        Files are missing; the message lists them.
    FileFormatError
        A file is damaged or does not hold images or labels.
    """
    train, test = ((_numbers(x), y.astype(np.int64)) for x, y in mnist_bytes(folder, mapped=False))
    return train, test


def mnist_bytes(folder: str | os.PathLike[str], mapped: bool = True) -> tuple[Bytes, Bytes]:
    """Return the data of `mnist` as bytes: pixels from 0 to 255, and labels. Plain files are mapped, not read.

    Use it for data that are read batch by batch. (With one byte per pixel, MNIST takes 55 MB.)
    """
    found = files(folder)
    train, test = (_part(images, labels, mapped) for images, labels in (found[:2], found[2:]))
    same_features(str(found[2]), test[0], like=train[0])
    return train, test


def files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the paths of the four files: images and labels for training, images and labels for testing."""
    found = {name: path for name in FILES for path in variants(Path(folder), name) if path.is_file()}
    missing = [name for name in FILES if name not in found]
    if missing:
        raise FileNotFoundError(f"{folder} must hold the four files of MNIST, but lacks {', '.join(missing)}")
    return [found[name] for name in FILES]


def _header(path: str | os.PathLike[str], content: bytearray) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the type, the shape, and where the elements begin; ``content`` is the beginning of a file."""
    magic = bytes(content[:4])
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        got = magic.hex(" ") or "nothing"
        raise FileFormatError(f"{path} must start with the magic number of IDX, 00 00 type axes, got {got}")
    axes, start = magic[3], 4 + 4 * magic[3]
    if len(content) < start:
        raise FileFormatError(f"{path} is truncated: a header of {axes} axes takes {start} bytes, got {len(content)}")
    return np.dtype(TYPES[magic[2]]), tuple(np.frombuffer(content, ">u4", axes, 4).tolist()), start


def variants(folder: Path, name: str) -> list[Path]:
    dotted = name.replace("-idx", ".idx")
    return [folder / (stem + suffix) for stem in (dotted, name) for suffix in (".gz", "")]


def _part(images: Path, labels: Path, mapped: bool) -> Bytes:
    x, y = _ubytes(images, 3, mapped), _ubytes(labels, 1, mapped)
    pair(x, y, (str(images), str(labels)))
    return x.reshape(len(x), -1), y


def _numbers(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.divide(x, np.float32(255), dtype=np.float32)


def _ubytes(path: Path, axes: int, mapped: bool) -> NDArray[Any]:
    array = read_idx(path, mapped)
    if array.dtype != np.uint8 or array.ndim != axes:
        raise FileFormatError(f"{path} must hold uint8 on {axes} axes, got {array.dtype} of shape {array.shape}")
    return array
