"""Sweeps: independent runs, by processes here or by a cluster, each kept on disk as soon as it ends."""

from __future__ import annotations

import json
import os
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import __version__
from ...arguments import one_of, positive_int
from ...errors import ArgumentError, RetropropError
from ..lab.data import digest

BACKENDS = ("loky", "dask")
# What runs are computed with, besides the module of their task, which must import nothing else of the experiments.
NUMBERS = ("errors.py", "arguments.py", "initializers", "modules", "losses", "optim", "datasets", "training", "inspection",
           "experiments/lab")
Settings = Mapping[str, Any]
Result = dict[str, Any]


class Trial(NamedTuple):
    """One run: a function of a module, and its keyword arguments: strings, numbers, None, and lists and dicts of them.

    The function returns a dict of the same kinds. A ``resumable`` one also takes ``kept``, a folder, or None, where it may
    leave what lets it go on after an interruption.
    """

    task: Callable[..., Result]
    settings: Settings
    resumable: bool = False

    @property
    def name(self) -> str:
        return f"{self.task.__module__.rpartition('.')[2]}.{self.task.__name__}"

    @property
    def key(self) -> str:
        """A hash of what decides the numbers: the function, its arguments, and the version of the code."""
        return sha256(self.text.encode()).hexdigest()[:24]

    @property
    def text(self) -> str:
        return json.dumps({"task": self.name, "settings": self.settings, "version": version(self.task.__module__)},
                          sort_keys=True, ensure_ascii=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


class Done(NamedTuple):
    """A run that ended, and the seconds it took."""

    trial: Trial
    result: Result
    seconds: float


class Failed(NamedTuple):
    """A run that raised an error."""

    trial: Trial
    error: str
    where: str


@cache
def version(module: str) -> dict[str, str]:
    """Of the library, NumPy and SciPy, and a hash of the source that the numbers of a task in this module come from."""
    root = Path(__file__).parents[2]
    own = root / f"{module.partition('.')[2].replace('.', '/')}.py"
    files = {own} if own.is_file() else set()
    for name in NUMBERS:
        files |= {root / name} if name.endswith(".py") else {*(root / name).rglob("*.py"), *(root / name).rglob("*.npz")}
    found = sha256()
    for path in sorted(files):
        found.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return {"retroprop": __version__, "numpy": np.__version__, "scipy": installed("scipy"), "source": found.hexdigest()[:16]}


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


class Store:
    """Finished runs, a JSON file each, named after the hash of what decided it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, trial: Trial) -> Path:
        return self.folder / f"{trial.key}.json"

    def kept(self, trial: Trial) -> str | None:
        """The folder of an unfinished run, as text: a worker may be another system."""
        return str(self.folder.absolute() / f"{trial.key}.unfinished") if trial.resumable else None

    def find(self, trial: Trial) -> Done | None:
        """What was kept of a run; None for one that is not there, or not whole."""
        try:
            content = json.loads(self.path(trial).read_text(encoding="utf-8"))
            if content["of"] != json.loads(trial.text):
                return None
            return Done(trial, content["result"], content["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def drop(self, trial: Trial) -> None:
        """What an unfinished run left is deleted."""
        if (unfinished := self.kept(trial)) is not None:
            shutil.rmtree(unfinished, ignore_errors=True)

    def keep(self, done: Done) -> None:
        """Write a run; the file appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{done.trial.key}.{os.urandom(4).hex()}.part"
        content = {"of": json.loads(done.trial.text), "seconds": done.seconds, "result": done.result}
        try:
            with part.open("x", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path(done.trial))
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self.drop(done.trial)


def sweep(trials: Sequence[Trial], workers: Workers | None = None, store: Store | None = None, progress: bool = True,
          fresh: bool = False) -> list[Done | Failed]:
    """Run them all but those that the store has, in any order; what came of each, in the order of ``trials``.

    With ``fresh`` all of them are run again; what was kept is there until something newer takes its place.

    A run that raises an error is reported with its settings, and the others go on. It is not kept: the next sweep tries again.
    """
    from .progress import Bar
    workers = Workers() if workers is None else workers
    unique = list({trial.key: trial for trial in trials}.values())
    found: dict[str, Done | Failed] = {}
    for trial in unique:
        if store is not None and not fresh and (kept := store.find(trial)) is not None:
            found[trial.key] = kept
    todo = [trial for trial in unique if trial.key not in found]
    tasks = [(trial, trial.key, None if store is None else store.kept(trial)) for trial in todo]
    if store is not None and fresh:
        for trial in todo:
            store.drop(trial)

    def lost(k: int, error: BaseException) -> tuple[Failed, float]:
        return Failed(todo[k], f"{type(error).__name__}: {error}", ""), 0.0

    with Bar(unique, found, store, progress) as bar:
        for k, (result, seconds) in workers.run(carried_out, tasks, lost) if tasks else ():
            trial = todo[k]
            if isinstance(result, Failed):
                found[trial.key] = result._replace(trial=trial)
                bar.say(f"failed: {trial}: {result.error}")
            else:
                found[trial.key] = done = Done(trial, result, seconds)
                if store is not None:
                    store.keep(done)
            bar.update(trial)
    return [found[trial.key]._replace(trial=trial) for trial in trials]


def carried_out(trial: Trial, key: str, kept: str | None) -> tuple[Result | Failed, float]:
    """One run, in a worker: its result as it will be read from the disk, or what went wrong."""
    start = time.perf_counter()
    try:
        if trial.key != key:
            raise RetropropError(f"the worker's code is not the sweep's: it has {version(trial.task.__module__)}")
        planned, data = trial.settings.get("digest"), str(trial.settings.get("data"))
        if planned is not None and digest(data) != planned:
            raise RetropropError(f"the files in {data} are not those that the sweep was planned with")
        extra = {"kept": None if kept is None else Path(kept)} if trial.resumable else {}
        result: Result | Failed = json.loads(json.dumps(trial.task(**trial.settings, **extra)))
    except Exception as error:
        result = Failed(trial, f"{type(error).__name__}: {error}", traceback.format_exc())
    return result, time.perf_counter() - start
