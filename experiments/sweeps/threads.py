"""One thread for NumPy's matrix products: with more of them, sums may have another order, and so other last bits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial

OneThread = Callable[[], AbstractContextManager[object]]


@cache
def one_thread() -> OneThread | None:
    """What makes a context manager in which BLAS has one thread in this process; None if this NumPy's cannot be told.

    A browser has no threads.
    """
    if sys.platform in ("emscripten", "wasi"):
        return nullcontext
    from threadpoolctl import ThreadpoolController
    found = ThreadpoolController().select(user_api="blas")
    return partial(found.limit, limits=1) if len(found) else None
