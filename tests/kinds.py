"""The kinds of array that a caller may pass: the same numbers in another form, or something that is not what was asked for.

Each kind makes a value from a plain array, or None where the array has no such form.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse


class Kind(NamedTuple):
    """A form of an array: how to make it, and whether it holds the same numbers. ``text``: what an error must say."""

    make: Callable[..., object]
    same: bool
    text: str = ""


class Subclass(np.ndarray):
    """An array whose methods and functions do something else than those of a plain array."""

    def __array_function__(self, *args, **options):
        raise AssertionError("a function of NumPy was called with a subclass")

    def __array_ufunc__(self, *args, **options):
        raise AssertionError("a ufunc was called with a subclass")


class Frame:
    """What a frame, series or nullable array of pandas is: ``isna``, and NaN in the place of a missing value."""

    def __init__(self, numbers, missing):
        self.numbers, self.missing = numbers, missing

    def isna(self):
        return self.missing

    def __array__(self, dtype=None, copy=None):
        return np.where(self.missing, np.nan, self.numbers).astype(dtype) if self.missing.any() else self.numbers


def first(a):
    """Return where the first number is."""
    places = np.zeros(a.shape, bool)
    places.flat[0] = True
    return places


def with_first(a, value):
    """Return floats, the first of which is another."""
    return np.where(first(a), value, a.astype(np.float64))


def read_only(a, folder):
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def matrix(a, folder):
    with warnings.catch_warnings(action="ignore"):                  # NumPy advises against it
        return np.asmatrix(a) if a.ndim == 2 else None


def memory_mapped(a, folder):
    path = Path(folder) / "array.npy"
    np.save(path, a)
    return np.load(path, mmap_mode="r")


def objects(a, folder):
    copy = a.astype(object)
    copy.flat[0] = None
    return copy


def ragged(a, folder):
    rows = a.tolist()
    rows[0] = [*rows[0], 0] if a.ndim > 1 else [rows[0], 0]
    return rows if len(rows) > 1 else None


KINDS = {
    "list": Kind(lambda a, folder: a.tolist(), True),
    "big-endian": Kind(lambda a, folder: a.astype(a.dtype.newbyteorder(">")), True),
    "read-only": Kind(read_only, True),
    "memory-mapped": Kind(memory_mapped, True),
    "strided": Kind(lambda a, folder: np.repeat(a, 2, -1)[..., ::2], True),
    "column-major": Kind(lambda a, folder: np.array(a, order="F"), True),
    "reversed": Kind(lambda a, folder: a[::-1].copy()[::-1], True),
    "subclass": Kind(lambda a, folder: a.view(Subclass), True),
    "matrix": Kind(matrix, True),
    "nothing masked": Kind(lambda a, folder: np.ma.array(a), True),
    "nothing missing": Kind(lambda a, folder: Frame(a, np.zeros(a.shape, bool)), True),
    "masked": Kind(lambda a, folder: np.ma.array(a, mask=first(a)), False, "must not have masked values, got 1 of "),
    "missing": Kind(lambda a, folder: Frame(a, first(a)), False, "must not have missing values, got 1 missing in a Frame"),
    "sparse": Kind(lambda a, folder: scipy.sparse.coo_array(a if a.ndim in (1, 2) else a.reshape(len(a), -1)), False,
                   "must be a dense array, got a sparse coo_array; use its .toarray()"),
    "strings": Kind(lambda a, folder: a.astype(str), False, "real numbers, got "),
    "objects": Kind(objects, False, "real numbers, got "),
    "complex": Kind(lambda a, folder: a + 0j, False, "real numbers, got "),
    "ragged": Kind(ragged, False, "must be an array, got rows of different lengths"),
    "NaN": Kind(lambda a, folder: with_first(a, np.nan), False),
    "infinite": Kind(lambda a, folder: with_first(a, np.inf), False),
    "too large": Kind(lambda a, folder: with_first(a, 1e39), False),
    "empty": Kind(lambda a, folder: a[:0], False),
    "too short": Kind(lambda a, folder: a[:-1], False),
    "one number": Kind(lambda a, folder: a.flat[0], False),
}
