"""Workers: who carries out the runs, processes of this machine or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Any

from ...arguments import one_of, positive_int
from ...errors import ArgumentError, RetropropError

BACKENDS = ("loky", "dask")


@dataclass(frozen=True)
class Workers:
    """Who runs: processes of this machine, or the workers of a Dask cluster. The numbers do not depend on it.

    Parameters
    ----------
    jobs : int, default None
        Processes; None: one a core. Not for Dask, whose workers are as many as its cluster has.
    backend : {"loky", "dask"}, default "loky"
    scheduler : str, default None
        Address of the cluster's scheduler, ``tcp://host:port``; Dask alone needs it.
    """

    jobs: int | None = None
    backend: str = "loky"
    scheduler: str | None = None

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
        """``(k, function(*tasks[k]))`` in the order in which they end, each in a process with one BLAS thread.

        With one thread, whatever the number of workers, sums are of one order. What a cluster gives up, since its worker
        died, comes back as ``lost(k, error)``, or, without that, is raised.
        """
        if self.backend == "dask":
            yield from on_cluster(self.scheduler, function, tasks, lost)
        else:
            yield from self.here(function, tasks)

    def here(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """By processes of this machine."""
        import joblib
        count = self.count(len(tasks))
        # With one process joblib would run the tasks in this one, with its threads: two take turns instead.
        options = {"n_jobs": 2, "pre_dispatch": 1} if count == 1 else {"n_jobs": count}
        calls = (joblib.delayed(numbered)(k, function, task) for k, task in enumerate(tasks))
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            try:
                yield from joblib.Parallel(return_as="generator_unordered", batch_size=1, **options)(calls)
            except BrokenExecutor as error:
                raise RetropropError("a worker process died, perhaps for want of memory: fewer jobs take less. Runs that ended "
                                     f"before are kept, if there is a folder for them ({error})") from error

    def count(self, tasks: int) -> int:
        import joblib
        return max(1, min(joblib.cpu_count() if self.jobs is None else self.jobs, tasks))


def client(scheduler: str | None) -> Any:
    """A connection to the cluster."""
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
    """By the workers of a Dask cluster."""
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
    """With one BLAS thread, as joblib's own processes have from the start."""
    import threadpoolctl
    threadpoolctl.threadpool_limits(1)                              # not put back: other threads of the worker count on it
    return function(*task)


def numbered(k: int, function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[int, Any]:
    return k, function(*task)
