"""One thread for NumPy's matrix products: with more of them, sums may have another order, and so other last bits."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path

import numpy as np

PREFIXES = ("", "scipy_")                                           # of OpenBLAS' names; the second is that of NumPy's wheels
SUFFIXES = ("", "64_", "_64", "64")                                 # where matrices may have more than 2³¹ rows
Control = tuple[Callable[[], int], Callable[[int], None]]           # reads the number of threads, and sets it
OneThread = Callable[[], AbstractContextManager[object]]


@cache
def one_thread() -> OneThread | None:
    """What makes a context manager in which BLAS has one thread in this process; None if this NumPy's cannot be told.

    OpenBLAS, which NumPy's wheels bring along, is told directly, other libraries through threadpoolctl where it is installed.
    A browser has no threads.
    """
    if sys.platform in ("emscripten", "wasi"):
        return nullcontext
    if (control := openblas()) is not None:
        return partial(limited, *control)
    try:
        import threadpoolctl
    except ImportError:
        return None
    found = threadpoolctl.ThreadpoolController().select(user_api="blas")
    return partial(found.limit, limits=1) if len(found) else None


@contextmanager
def limited(threads: Callable[[], int], limit: Callable[[int], None]) -> Iterator[None]:
    """Set the number of threads to 1, and back."""
    before = threads()
    try:
        limit(1)
        yield
    finally:
        limit(before)


@cache
def openblas() -> Control | None:
    """The functions of the OpenBLAS that this NumPy multiplies with; None if it uses another library."""
    extension = sys.modules["numpy._core._multiarray_umath"].__file__
    # The first file finds the library that it was linked with; on Windows only the second one does.
    beside = Path(np.__file__).parents[1].glob("numpy.libs/*openblas*.dll")
    for file in (extension, *beside):
        try:
            library = ctypes.CDLL(str(file))
        except OSError:
            continue
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
                limit = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
                if get is not None and limit is not None:
                    return get, limit
    return None
