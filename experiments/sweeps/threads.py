"""One thread for each BLAS while a task runs: with more, sums of SciPy may have another order, and so other last bits.

``retroprop.threads.OneThread`` does not do here: it limits NumPy's BLAS alone, in this process, while a product is computed; a
task needs the limit for all libraries, those that it loads itself among them, and for processes of workers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

Limit = Callable[[], AbstractContextManager[object]]                # limits each BLAS to one thread
IN_BROWSER = sys.platform in ("emscripten", "wasi")                 # no threads, no other process
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")     # read by a BLAS at its start


def limit_of_tasks() -> Limit | None:
    """What makes a context manager in which each BLAS has one thread; None if none is found that can be told."""
    if IN_BROWSER:
        return nullcontext
    return limited if libraries() else None


@contextmanager
def limited() -> Iterator[None]:
    """Give each BLAS one thread: those that are loaded, and those that the block loads, as SciPy's at its first import."""
    before, values = libraries(), {name: os.environ.get(name) for name in VARIABLES}
    threads = {path: library.num_threads for path, library in before.items()}
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    try:
        for library in before.values():
            library.set_num_threads(1)
        yield
    finally:
        for name, value in values.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        for path, library in libraries().items():
            library.set_num_threads(threads.get(path, max(threads.values(), default=1)))    # a new one gets as many as others


def libraries() -> dict[str, Any]:
    """The libraries of BLAS that are loaded now, by path; finding them takes a millisecond."""
    from threadpoolctl import ThreadpoolController
    return {one.filepath: one for one in ThreadpoolController().select(user_api="blas").lib_controllers}
