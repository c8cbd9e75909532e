"""Workers: the processes that carry out runs, on this machine or on a Dask cluster."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...arguments import one_of, positive_int
from ...errors import ArgumentError, RetropropError
from ...printing import complete_streams
from ..options import option

BACKENDS = ("loky", "dask")
SIGNALS_WAIT = hasattr(signal, "pthread_sigmask")                   # not on Windows


@dataclass(frozen=True)
class Workers:
    """The processes of this machine, or the workers of a Dask cluster, that carry out runs.

    The numbers do not depend on them. ``jobs`` must be None with Dask, which uses all workers of its cluster; only Dask
    takes a ``scheduler``, and needs it.
    """

    jobs: int | None = option(None, "number of processes; the numbers do not depend on it (default: one per core)")
    backend: str = option("loky", "loky: processes of this machine; dask: a Dask cluster, which needs the extra dask",
                          choices=BACKENDS)
    scheduler: str | None = option(None, "address of the Dask cluster, such as tcp://localhost:8786", metavar="ADDRESS")

    def __post_init__(self) -> None:
        one_of("backend", self.backend, BACKENDS)
        if self.jobs is not None:
            positive_int("jobs", self.jobs)
        if (self.backend == "dask") != (self.scheduler is not None):
            raise ArgumentError("scheduler must be an address such as tcp://localhost:8786 with backend 'dask', and only then, "
                                f"got {self.scheduler!r} with backend {self.backend!r}")
        if self.backend == "dask" and self.jobs is not None:
            raise ArgumentError("jobs must be None with backend 'dask': its cluster decides how many runs run at once")

    def run(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]],
            lost: Callable[[int, BaseException], Any] | None = None) -> Iterator[tuple[int, Any]]:
        """Yield ``(k, function(*tasks[k]))`` as each task ends; each runs in a process with one BLAS thread.

        With one thread, sums have the same order for any number of workers. If a worker of a cluster dies and the cluster
        gives its task up, ``(k, lost(k, error))`` is yielded; without ``lost`` the error is raised.
        """
        if self.backend == "dask":
            yield from on_cluster(self.scheduler, function, tasks, lost)
        else:
            yield from self.here(function, tasks)

    def here(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Run the tasks in processes of this machine."""
        import joblib
        count = self.count(len(tasks))
        # With n_jobs=1 joblib would use this process, which has several BLAS threads: two processes take turns instead.
        options = {"n_jobs": 2, "pre_dispatch": 1} if count == 1 else {"n_jobs": count}
        calls = (joblib.delayed(numbered)(k, function, task) for k, task in enumerate(tasks))
        # joblib writes to both streams of this process before it starts another.
        with complete_streams(), joblib.parallel_config("loky", inner_max_num_threads=1):
            try:
                start_trackers()
                with interrupts(wait=True):
                    results = joblib.Parallel(return_as="generator_unordered", batch_size=1, **options)(calls)
                yield from results
            except BrokenExecutor as error:
                raise RetropropError("a worker process died, perhaps because memory ran out: fewer jobs need less. Finished "
                                     f"runs are kept if there is an output folder ({error})") from error

    def local(self) -> Workers:
        """These workers if they are processes of this machine; else this process alone."""
        return self if self.backend == "loky" else Workers(1)

    def count(self, tasks: int) -> int:
        import joblib
        return max(1, min(joblib.cpu_count() if self.jobs is None else self.jobs, tasks))


def client(scheduler: str | None) -> Any:
    """Connect to the cluster."""
    try:
        import distributed
        import threadpoolctl  # noqa: F401 (the workers need it)
    except ImportError as error:
        raise ArgumentError(f"backend 'dask' needs the extra dask: pip install 'retroprop[dask]' ({error})") from None
    try:
        return distributed.Client(scheduler, timeout=10, set_as_default=True)  # type: ignore[no-untyped-call, unused-ignore]
    except (OSError, ValueError) as error:
        raise ArgumentError(f"scheduler must be the address of a running Dask scheduler, got {scheduler!r}: {error}") from None


def on_cluster(scheduler: str | None, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]],
               lost: Callable[[int, BaseException], Any] | None) -> Iterator[tuple[int, Any]]:
    """Run the tasks in the workers of a Dask cluster."""
    with client(scheduler) as cluster:
        from distributed import as_completed
        futures = {cluster.submit(alone, function, task, pure=False): k for k, task in enumerate(tasks)}
        for future in as_completed(futures):  # type: ignore[no-untyped-call, unused-ignore]
            k, error = futures[future], future.exception()
            if error is not None and lost is None:
                raise error
            yield k, future.result() if error is None or lost is None else lost(k, error)
            future.release()


def alone(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Call a function with one BLAS thread, as in joblib's processes."""
    import threadpoolctl
    threadpoolctl.threadpool_limits(1)                              # not restored: other threads of the worker rely on it
    return uninterrupted(function, *task)


def numbered(k: int, function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[int, Any]:
    return k, uninterrupted(in_a_process, function, task)


def in_a_process(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Call a function in a worker of this machine, which Ctrl-C may interrupt meanwhile."""
    with interrupts(wait=False):
        return function(*task)


def uninterrupted(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function in a worker; an interrupt is an error of this call alone: the sweep has not been asked to end."""
    try:
        return function(*arguments, **options)
    except KeyboardInterrupt as error:
        raise RetropropError("the worker process was interrupted before the run had ended") from error


def start_trackers() -> None:
    """Start the processes that watch the resources of workers: as a side effect, they end the waiting of Ctrl-C."""
    if SIGNALS_WAIT:
        from multiprocessing import resource_tracker

        from joblib.externals.loky.backend import resource_tracker as lokys
        resource_tracker.ensure_running()
        lokys.ensure_running()


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
