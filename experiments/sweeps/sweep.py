"""Sweeps: independent runs, each stored on disk as soon as it ends."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import RetropropError
from ..lab.data import digest
from .progress import Bar
from .store import Store
from .trials import Done, Failed, Numbers, Trial, version
from .workers import Workers


def sweep(trials: Sequence[Trial], workers: Workers | None = None, store: Store | None = None, progress: bool = True,
          fresh: bool = False, ahead: Callable[[], object] | None = None) -> list[Done | Failed]:
    """Run the trials that the store does not hold, in any order; return one outcome per trial, in the order of ``trials``.

    With ``fresh``, all trials are run again; a stored run stays until the new one replaces it. A stored run whose file is
    damaged is made again, and the sweep says so. ``ahead`` imports what comes after the sweep: see `Workers`.

    If a run raises an error, or its worker process is interrupted, the sweep reports it with its settings and the other runs
    go on. Failed runs are not stored: the next sweep tries them again. A run that cannot be stored, as on a full disk, is
    among the outcomes all the same; ``store.error`` is the reason.
    """
    workers = Workers() if workers is None else workers
    unique = list({trial.key: trial for trial in trials}.values())
    found: dict[str, Done | Failed] = {}
    for trial in unique:
        if store is not None and not fresh and (stored := store.find(trial)) is not None:
            found[trial.key] = stored
    todo = [trial for trial in unique if trial.key not in found]
    tasks = [(trial, trial.key, None if store is None else store.checkpoint(trial)) for trial in todo]
    damaged = [] if store is None or fresh else [path for trial in todo if (path := store.path(trial)).exists()]
    if store is not None:
        store.tidy()
        for trial in unique:
            if fresh or trial.key in found:
                store.drop(trial)

    def lost(k: int, error: BaseException) -> tuple[Failed, float]:
        return Failed(todo[k], f"{type(error).__name__}: {error}", ""), 0.0

    with Bar(unique, found, store, progress) as bar:
        for path in damaged:
            bar.say(f"damaged: {path} is not what a sweep wrote for this run, which is made again")
        for k, (result, seconds) in workers.run(carried_out, tasks, lost, ahead) if tasks else ():
            trial = todo[k]
            if isinstance(result, Failed):
                found[trial.key] = result._replace(trial=trial)
                bar.say(f"failed: {trial}: {result.error}")
            else:
                found[trial.key] = done = Done(trial, result, seconds)
                if store is not None and not store.keep(done):
                    bar.say(f"not stored: {trial}: {store.error}")
            bar.update(trial)
    return [found[trial.key]._replace(trial=trial) for trial in trials]


def carried_out(trial: Trial, key: str, checkpoint: str | None) -> tuple[Numbers | Failed, float]:
    """Carry out one run, in a worker; return its result as JSON will give it back, or its error, and the seconds it took."""
    start = time.perf_counter()
    try:
        if trial.key != key:
            raise RetropropError(f"the worker's code differs from the sweep's: it has {version(trial.task.__module__)}")
        planned, data = trial.settings.get("digest"), str(trial.settings.get("data"))
        if planned is not None and digest(data) != planned:
            raise RetropropError(f"the files in {data} have changed since the sweep was planned")
        extra = {"checkpoint": None if checkpoint is None else Path(checkpoint)} if trial.resumable else {}
        result: Numbers | Failed = json.loads(json.dumps(trial.task(**trial.settings, **extra)))
    except Exception as error:
        result = Failed(trial, f"{type(error).__name__}: {error}", traceback.format_exc())
    return result, time.perf_counter() - start
