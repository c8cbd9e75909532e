"""Copies of this process that carry out tasks.

They begin at once, with the tasks and with all that is imported here, which a new process imports first. The standard library's
pool could copy too, but it waits for ever for a worker that is ended while it sends a result.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import RetropropError
from .processes import DIED, end_with, interrupts, lifeline, numbered
from .threads import Limit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BYTES = 8                                                           # of the number of a task


class Raised(NamedTuple):
    """In place of a result: the error that a task raised, and where."""

    error: Exception
    where: str


class InCopy(Exception):
    """The cause of an error from another process: its text is the traceback there."""


def can_copy() -> bool:
    """Whether a copy of this process can work: on Linux, unless another thread may hold what the copy would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1


def in_copies(limit: Limit, count: int, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]],
              ahead: Callable[[], object] | None = None) -> Iterator[tuple[int, Any]]:
    """Yield ``(k, function(*tasks[k]))``, or ``(k, Lost(error))``, as each task ends.

    ``ahead`` runs in a thread of this process, which waits for results, and ends before the last of them: what it imports is
    there in later copies.
    """
    from multiprocessing.connection import wait
    beside = threading.Thread(target=quietly, args=(ahead,), name="ahead", daemon=True)
    with copies(limit, count, function, tasks) as connections:
        if ahead is not None:
            beside.start()
        for left in reversed(range(len(tasks))):
            ready: Any = wait(connections)[0]
            try:
                k, result = ready.recv()
            except (EOFError, OSError):
                raise RetropropError(DIED) from None
            if isinstance(result, Raised):
                raise result.error from InCopy(f"\n{result.where}")
            if not left and ahead is not None:
                beside.join()
            yield k, result


def quietly(ahead: Callable[[], object]) -> None:
    with suppress(Exception):                                       # whoever needs it later meets the same error
        ahead()


@contextmanager
def copies(limit: Limit, count: int, function: Callable[..., Any],
           tasks: Sequence[tuple[Any, ...]]) -> Iterator[list[Connection]]:
    """Start copies of this process, each with one BLAS thread; yield what their results come from; end them."""
    from multiprocessing import get_context
    context, ours, processes = get_context("fork"), list[Any](), list[Any]()
    lifeline()                                                      # of this process, not of each copy
    following = os.pipe()                                           # holds the number of the next task: see `numbers`
    os.write(following[1], (0).to_bytes(BYTES))
    try:
        with interrupts(wait=True), limit(), frozen(), warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            for _ in range(count):
                mine, its = context.Pipe(duplex=False)
                ours.append(mine)
                process = context.Process(target=work, args=(function, tasks, its, following), daemon=True)
                process.start()
                processes.append(process)
                its.close()
        yield ours
    finally:
        for process in processes:                                   # which have no task, or one that nobody waits for
            process.kill()
        for process in processes:
            process.join()
            process.close()
        for connection in ours:
            connection.close()
        for end in following:
            os.close(end)


@contextmanager
def frozen() -> Iterator[None]:
    """Spare copies the search for garbage among all objects that are here: it would also copy their memory."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def work(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], results: Connection,
         following: tuple[int, int]) -> None:
    """Carry out tasks in a copy, until it is ended. Ctrl-C waits, except in a task."""
    lifeline()[1].close()                                           # the copy of it, which would hide the parent's end
    end_with(lifeline()[0])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        for k in numbers(len(tasks), following):
            results.send_bytes(outcome(k, function, tasks[k]))


def numbers(count: int, following: tuple[int, int]) -> Iterator[int]:
    """The numbers of tasks, each to one process: who reads the next one from the pipe writes the one after it.

    When none is left, all processes wait here, for nothing.
    """
    while True:
        k = int.from_bytes(os.read(following[0], BYTES))
        if k < count:
            os.write(following[1], (k + 1).to_bytes(BYTES))
            yield k


def outcome(k: int, function: Callable[..., Any], task: tuple[Any, ...]) -> bytes:
    """The number and the result of a task, or its error, as bytes that this process has read once."""
    try:
        return pickle.dumps(numbered(k, function, task), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        where = traceback.format_exc()
        try:
            found = pickle.dumps((k, Raised(error, where)))
            pickle.loads(found)
        except Exception:                                           # an error that no other process can be told as it is
            found = pickle.dumps((k, Raised(RetropropError(f"{type(error).__name__}: {error}"), where)))
        return found
