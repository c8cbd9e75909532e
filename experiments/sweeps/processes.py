"""Processes of this machine that carry out tasks: how they start, what Ctrl-C does to them, and when they end."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import RetropropError
from ...printing import complete_streams, is_inherited

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

DIED = ("a worker process died, perhaps because memory ran out: fewer jobs need less. Finished runs are kept if there is an "
        "output folder")
SIGNALS_WAIT = hasattr(signal, "pthread_sigmask")                   # not on Windows


class Lost(NamedTuple):
    """In place of a result: why a task has none. It is an error of this task alone: the sweep has not been asked to end."""

    error: BaseException


def in_processes(count: int, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Yield ``(k, function(*tasks[k]))``, or ``(k, Lost(error))``, as each task ends; later calls find the processes there."""
    import joblib
    calls = (joblib.delayed(numbered)(k, function, task) for k, task in enumerate(tasks))
    options = {"n_jobs": count} if count > 1 else {"n_jobs": 2, "pre_dispatch": 1}      # n_jobs=1 would be this process
    with complete_streams():                                        # joblib writes to both streams before it starts a process
        try:
            if not is_inherited(2):                                 # joblib's fault handler needs a standard error
                os.environ.setdefault("PYTHONFAULTHANDLER", "")
            start_trackers()
            with interrupts(wait=True):
                results = joblib.Parallel(return_as="generator_unordered", batch_size=1, backend=backend(), **options)(calls)
            try:
                for result in results:  # noqa: UP028 (yield from would close it itself, and joblib would warn)
                    yield result
            finally:
                with warnings.catch_warnings(action="ignore"):      # about tasks that an error elsewhere leaves undone
                    results.close()
        except BrokenExecutor as error:
            raise RetropropError(f"{DIED} ({error})") from error


def backend() -> Any:
    """joblib's processes with one BLAS thread each, which end with this one."""
    from joblib.parallel import LokyBackend

    class Processes(LokyBackend):                                   # type: ignore[misc, unused-ignore]
        def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> Any:
            return super().configure(n_jobs, parallel, **options | {"initializer": end_with, "initargs": lifeline()[:1]})

        def abort_everything(self, ensure_ready: bool = True) -> None:
            """End the processes once loky's thread has taken every task: it fails on one that it finds after the end."""
            with self.parallel._lock:                               # after this, no task is being handed to loky
                waiting = self._workers._work_ids
            until = time.monotonic() + 1
            while not waiting.empty() and time.monotonic() < until:
                time.sleep(0.001)
            super().abort_everything(ensure_ready)

    return Processes(inner_max_num_threads=1)


@cache
def lifeline() -> tuple[Connection, Connection]:
    """The two ends of a pipe. The system closes the second one when this process ends, whatever ends it."""
    from multiprocessing import Pipe
    return Pipe(duplex=False)


def end_with(parent: Connection) -> None:
    """Make this process, a worker, end as soon as its parent does: nobody waits for its task any more."""
    def wait() -> None:
        with suppress(EOFError, OSError):
            parent.recv_bytes()                                     # nothing is ever sent
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def numbered(k: int, function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[int, Any]:
    """Carry out a task in a worker, which Ctrl-C may interrupt meanwhile."""
    try:
        with interrupts(wait=False):
            return k, function(*task)
    except KeyboardInterrupt:
        return k, Lost(RetropropError("the worker process was interrupted before the run had ended"))


def start_trackers() -> None:
    """Start the processes that watch the resources of workers: as a side effect, they end the waiting of Ctrl-C."""
    if SIGNALS_WAIT:
        from multiprocessing import resource_tracker

        from joblib.externals.loky.backend import resource_tracker as lokys
        before = os.environ.get("PYTHONWARNINGS")
        quiet = "ignore:resource_tracker:UserWarning"               # that it has cleaned up after a command that was stopped
        os.environ["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
        try:
            resource_tracker.ensure_running()
            lokys.ensure_running()
        finally:
            os.environ.pop("PYTHONWARNINGS") if before is None else os.environ.update(PYTHONWARNINGS=before)


@contextmanager
def interrupts(wait: bool) -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block, or not: in this thread, and in processes that it starts meanwhile.

    A terminal sends it to the workers too. Those that begin or have no task would print tracebacks; tasks are interrupted.
    """
    if not SIGNALS_WAIT:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK if wait else signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
