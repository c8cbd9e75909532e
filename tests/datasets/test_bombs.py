"""Files that hold more, or ask for more, than they are: reading them takes no more memory than what they should hold."""

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from retroprop import datasets
from retroprop.errors import FileFormatError

LARGE = 2**24                                                       # bytes of zeros, which take 16 kB when they are compressed
SMALL = 2**22


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < SMALL
    finally:
        tracemalloc.stop()


def header(*shape):
    return bytes([0, 0, 8, len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape)


@pytest.mark.parametrize(("shape", "text"), [
    ((8, 8), r"is too long: uint8 of shape \(8, 8\) takes 76 bytes, got more"),
    ((0, 8), r"is too long: uint8 of shape \(0, 8\) takes 12 bytes, got more")])
def test_gzip_is_read_as_far_as_the_header_asks(tmp_path, shape, text):
    (tmp_path / "images").write_bytes(gzip.compress(header(*shape) + bytes(LARGE), 1))
    with little_memory(), pytest.raises(FileFormatError, match=text):
        datasets.read_idx(tmp_path / "images")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_header_that_asks_for_more_than_there_is_takes_no_memory(tmp_path, pack):
    (tmp_path / "images").write_bytes(pack(header(60_000, 2**16) + bytes(100)))
    with little_memory(), pytest.raises(FileFormatError, match=r"is truncated: .* takes 3932160012 bytes, got 112"):
        datasets.read_idx(tmp_path / "images")


def test_a_long_plain_file_is_not_read(tmp_path):
    with (tmp_path / "images").open("wb") as file:
        file.write(header(8, 8))
        file.truncate(2**32)                                        # a file with a hole, which takes no room
    with little_memory(), pytest.raises(FileFormatError, match=f"takes 76 bytes, got {2**32}"):
        datasets.read_idx(tmp_path / "images")


def npy(array, dtype=None, shape=None, extra=0, version=1):
    """The bytes of an ``.npy`` file whose header may lie."""
    text = repr({"descr": dtype or array.dtype.str, "fortran_order": False, "shape": shape or array.shape})
    content = text.encode().ljust(118 + extra - 2 * version) + b"\n"
    start = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(content))
    return start + content + array.tobytes()


def npz(path, method=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


X, Y = np.arange(12.0).reshape(4, 3), np.arange(4)


@pytest.mark.parametrize(("x", "text"), [
    (npy(X) + bytes(LARGE), r"x.npy must hold 96 bytes for float64 of shape \(4, 3\), got more"),
    (npy(X, shape=(2**40, 3)), r"x.npy must hold 26388279066624 bytes for float64 of shape \(1099511627776, 3\), got 96"),
    (npy(X, shape=(4, -3)), r"x.npy must have a shape of lengths, got \(4, -3\)"),
    (npy(X, dtype=f"<U{2**28}", shape=(1,)), "must hold 1073741824 bytes for <U268435456"),
    (npy(X, extra=LARGE, version=2), "x.npy has a header of 167[0-9]* bytes, more than 10000"),
    (npy(X)[:7] + b"\x07" + npy(X)[8:], r"x.npy has version \(1, 7\) of the format"),
    (npy(X)[:-1], r"x.npy must hold 96 bytes for float64 of shape \(4, 3\), got 95"),
    (b"", "EOF: reading magic string"),
])
def test_arrays_of_npz_files_are_read_as_far_as_their_headers_ask(tmp_path, x, text):
    npz(tmp_path / "data.npz", x=x, y=npy(Y))
    expected = rf"data\.npz must be an intact \.npz file without objects, got: .*{text}"
    with little_memory(), pytest.raises(FileFormatError, match=expected) as got:
        datasets.load(tmp_path / "data.npz")
    assert "\n" not in str(got.value)


def test_compression_that_numpy_does_not_use_is_refused(tmp_path):
    npz(tmp_path / "data.npz", zipfile.ZIP_BZIP2, x=npy(X), y=npy(Y))
    with pytest.raises(FileFormatError, match=r"x\.npy is compressed by method 12, which NumPy does not use"):
        datasets.load(tmp_path / "data.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_of_either_order_and_version_are_read(tmp_path, order, version):
    contents = []
    for array in (np.asarray(X, order=order), Y):
        file = io.BytesIO()
        np.lib.format.write_array(file, array, version)
        contents.append(file.getvalue())
    npz(tmp_path / "data.npz", x=contents[0], y=contents[1], remark=b"not an array")
    (x, y), _ = datasets.load(tmp_path / "data.npz")
    assert_array_equal(x, X, strict=True)
    assert_array_equal(y, Y)
    assert x.flags.writeable


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_an_idx_file_may_come_through_a_pipe(tmp_path):
    import threading
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[gzip.compress(header(2, 3) + bytes(range(6)))])
    writer.start()
    assert_array_equal(datasets.read_idx(tmp_path / "pipe"), np.arange(6).reshape(2, 3))
    writer.join()
