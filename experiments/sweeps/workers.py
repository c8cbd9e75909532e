"""Workers: the processes that carry out runs, on this machine or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import one_of, positive_int
from ...errors import ArgumentError
from ..options import option
from .copies import can_copy, in_copies
from .processes import Lost, in_processes, numbered
from .threads import IN_BROWSER, Limit, limit_of_tasks

BACKENDS = ("loky", "dask")


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
            lost: Callable[[int, BaseException], Any] | None = None,
            ahead: Callable[[], object] | None = None) -> Iterator[tuple[int, Any]]:
        """Yield ``(k, function(*tasks[k]))`` as each task ends, with one BLAS thread for each.

        With one thread, sums have the same order for any number of workers. A single job is done in this process: a browser
        has no other, and Ctrl-C ends it as it ends any work. If a worker is interrupted alone, or one of a cluster dies and
        the cluster gives its task up, ``(k, lost(k, error))`` is yielded; without ``lost`` the error is raised.

        ``ahead`` imports what later tasks need. It is called while copies of this process work, if they are what does.
        """
        with closing(self.results(function, tasks, ahead)) as results:
            for k, result in results:
                if not isinstance(result, Lost):
                    yield k, result
                elif lost is not None:
                    yield k, lost(k, result.error)
                else:
                    raise result.error

    def results(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]],
                ahead: Callable[[], object] | None) -> Generator[tuple[int, Any]]:
        """Yield ``(k, function(*tasks[k]))`` or ``(k, Lost(error))``."""
        count, limit = self.count(len(tasks)), None if self.backend == "dask" else limit_of_tasks()
        if self.backend == "dask":
            yield from on_cluster(self.scheduler, function, tasks)
        elif count == 1 and limit is not None:
            yield from in_this_process(limit, function, tasks)
        elif limit is not None and can_copy():
            yield from in_copies(limit, count, function, tasks, ahead)
        else:
            yield from in_processes(count, function, tasks)

    def local(self) -> Workers:
        """These workers if they are processes of this machine; else this process alone."""
        return self if self.backend == "loky" else Workers(1)

    def count(self, tasks: int) -> int:
        """The number of processes for so many tasks; a browser has only this one."""
        if IN_BROWSER:
            return 1
        if self.jobs is not None:
            return max(1, min(self.jobs, tasks))
        from joblib import cpu_count
        return max(1, min(cpu_count(), tasks))


def client(scheduler: str | None) -> Any:
    """Connect to the cluster."""
    try:
        import distributed
    except ImportError as error:
        raise ArgumentError(f"backend 'dask' needs the extra dask: pip install 'retroprop[dask]' ({error})") from None
    try:
        return distributed.Client(scheduler, timeout=10, set_as_default=True)  # type: ignore[no-untyped-call, unused-ignore]
    except (OSError, ValueError) as error:
        raise ArgumentError(f"scheduler must be the address of a running Dask scheduler, got {scheduler!r}: {error}") from None


def on_cluster(scheduler: str | None, function: Callable[..., Any],
               tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Run the tasks in the workers of a Dask cluster."""
    with client(scheduler) as cluster:
        from distributed import as_completed
        futures = {cluster.submit(alone, function, task, pure=False): k for k, task in enumerate(tasks)}
        for future in as_completed(futures):  # type: ignore[no-untyped-call, unused-ignore]
            error = future.exception()
            yield futures[future], future.result() if error is None else Lost(error)
            future.release()


def alone(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Call a function with one BLAS thread, as in a process of this machine; an interrupt is an error of this call."""
    import threadpoolctl
    threadpoolctl.threadpool_limits(1)                              # not restored: other threads of the worker rely on it
    _, result = numbered(0, function, task)
    if isinstance(result, Lost):
        raise result.error
    return result


def in_this_process(limit: Limit, function: Callable[..., Any],
                    tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Run the tasks one after the other, with one BLAS thread, as a process of their own would: errors of floats too."""
    for k, task in enumerate(tasks):
        with limit(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            result = function(*task)
        yield k, result
