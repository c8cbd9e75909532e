"""Copies of this process that carry out tasks.

They begin at once, with the tasks and with all that is imported here, which a new process imports first.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from .processes import deaths, end_with, interrupts, numbered
from .threads import OneThread

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

given: tuple[Callable[..., Any], Sequence[tuple[Any, ...]]]         # in a copy: the function and the tasks of its parent


def can_copy() -> bool:
    """Whether a copy of this process can work: on Linux, unless another thread may hold what the copy would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1


def in_copies(one: OneThread, count: int, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]],
              ahead: Callable[[], object] | None = None) -> Iterator[tuple[int, Any]]:
    """Yield ``(k, function(*tasks[k]))``, or ``(k, Lost(error))``, as each task ends.

    ``ahead`` runs in a thread of this process, which waits for results, and ends before the last of them: what it imports is
    there in later copies.
    """
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import Pipe, get_context
    theirs, ours = Pipe(duplex=False)                               # the copies end when this process closes its end, or ends
    pool = ProcessPoolExecutor(count, get_context("fork"), begin, (theirs, ours, function, tasks))
    beside = threading.Thread(target=quietly, args=(ahead,), name="ahead", daemon=True)
    try:
        with deaths():
            with interrupts(wait=True), one(), warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                futures = [pool.submit(carried_out, k) for k in range(len(tasks))]      # the first one makes all copies
            beside.start()
            for left, future in zip(reversed(range(len(tasks))), as_completed(futures), strict=True):
                if not left:
                    beside.join()
                yield future.result()
    finally:
        ours.close()
        pool.shutdown()
        theirs.close()


def quietly(ahead: Callable[[], object] | None) -> None:
    with suppress(Exception):                                       # whoever needs it later meets the same error
        if ahead is not None:
            ahead()


def begin(theirs: Connection, ours: Connection, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> None:
    """Prepare a copy: it ends with its parent, and has the errors of floats and the signals of a new process."""
    global given
    ours.close()                                                    # the copy of it, which would hide the parent's end
    end_with(theirs)
    gc.freeze()                                                     # garbage is not looked for in what the parent has
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    given = function, tasks


def carried_out(k: int) -> tuple[int, Any]:
    function, tasks = given
    return numbered(k, function, tasks[k])
