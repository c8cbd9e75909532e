"""The state of a run of ``fit``: what it is made of, how far it is, and what a resumed run must have in common with it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import Array, in_a_line
from ...errors import ArgumentError, StateError
from ...modules.core.values import parts
from ..callbacks import AfterEpoch, Callback, Progress, Run
from ..scoring import joined
from .kept import new_run
from .run_state import Parts, has_state, named, read, settings_among, settings_of, warn_of_changes
from .sealed import unpacked

AT_ONCE = 2**24                                                     # bytes of an array that are read together
DATA = "data", "validation"                                         # settings of which there are checksums


def in_order(callbacks: Iterable[Callback]) -> list[Callback]:
    """Return callbacks in the order in which ``fit`` calls them: those that save the run come last, after the changes."""
    return sorted(callbacks, key=lambda callback: callback.saves)


def settings(run: Run, weight: Array | None, validation: Any, **others: Any) -> dict[str, Any]:
    """Return what a resumed run must have in common with the saved one, by the names of arguments of ``fit``.

    The data of a stream are those of its first batch.
    """
    return {"data": digest(*run.data, weight), "validation": None if validation is None else digest(*validation),
            "loss": named(run.loss), "the columns of the history": list(run.columns), **others,
            **{f"callback {type(callback).__name__}": settings_of(callback) for callback in run.callbacks if acts(callback)},
            **settings_among(parts_of(run))}


def acts(callback: Callback) -> bool:
    """Return whether a callback takes part in the steps, as MaxNorm does, which has no state."""
    return not callback.saves and any(getattr(type(callback), method) is not getattr(Callback, method)
                                      for method in ("before_batch", "before_step", "after_step"))


def compare(path: str | Path, mine: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Raise StateError unless what is in both, by name, is the same."""
    for name, value in mine.items():
        if name in saved and value != saved[name]:
            said = "others" if name in DATA and value and saved[name] else f"{saved[name]}, got {value}"
            raise StateError(f"{path}: {name} must be as in the run that was saved: {said}")


def digest(*data: Any) -> str:
    """Return a checksum of examples, targets, ...: arrays, tuples of arrays, or None."""
    found = sha256()
    for value in data:
        for array in () if value is None else parts(value):
            found.update(f"{array.dtype.str} {array.shape} ".encode())
            rows = array.reshape(1) if array.ndim == 0 else array
            size = max(1, AT_ONCE // max(1, rows[:1].nbytes))
            for i in range(0, len(rows), size):
                found.update(np.ascontiguousarray(rows[i:i + size]).data)
    return found.hexdigest()


def parts_of(run: Run) -> Parts:
    """Return what a run is made of: of the callbacks, and of what makes the batches, those that have a state."""
    others: dict[str, Any] = {"rng": run.rng}
    optional = []
    callbacks = (callback.function if isinstance(callback, AfterEpoch) else callback for callback in run.callbacks)
    for kind, part in (*(("callback", callback) for callback in callbacks), *run.functions):
        if has_state(part):
            first = f"{kind} {getattr(part, '__name__', type(part).__name__)}"
            names = (first, *(f"{first} {k}" for k in range(2, len(others) + 2)))
            name = next(name for name in names if name not in others)
            others[name] = part
            optional += [name] if getattr(part, "saves", False) else []
    return Parts(run.net, run.optimizer, others, tuple(optional))


def by_file(notes: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Return the notes with the states of the Checkpoints in their present order: each has that of the same file's.

    One whose file is new has the first's, of which it takes the number of steps.
    """
    saved = [state for name, state in notes["others"].items() if name in notes["optional"]]
    files = {state["file"]: state for state in saved}
    others = {name: state for name, state in notes["others"].items() if name not in notes["optional"]}
    mine = {name: files.get(Path(parts.others[name].path).name, saved[0]) for name in parts.optional if saved}
    return notes | {"others": others | mine, "optional": list(mine)}


def progress_of(run: Run) -> dict[str, Any]:
    """Return how far a run is: its history, and its place in the epoch."""
    done = run.progress
    seen = done.seen and [joined(done.seen)]
    history = {name: list(map(plain, column)) for name, column in run.history._aligned().items()}
    return {"epoch": run.epoch, "batch": run.batch, "cost": float(run.cost), "history": history, "stopped": run.history.stopped,
            "done": done.batch, "total": float(done.total), "divisor": float(done.divisor), "order": done.order, "seen": seen,
            "seconds": time.perf_counter() - done.began if done.batch else 0.0}


def plain(value: Any) -> Any:
    return float(value) if type(value) is np.float64 else value


def epochs_left(run: Run, epochs: int) -> range:
    """Return the numbers of the epochs to train: none of a run that was stopped; one that has begun is completed."""
    if run.progress.batch:
        return range(run.epoch, epochs + 1)
    return range(run.epoch + 1, run.epoch + 1 if run.history.stopped is not None else epochs + 1)


class Resumed:
    """The saved state of a run, read and tried on the new run, which gets the history, and all else with ``put``.

    Raises
    ------
    OSError, FileFormatError, StateError, ArgumentError
        There is no such file, it is damaged, or it is of another run, or of one with more epochs.
    """

    def __init__(self, path: str | Path, run: Run, epochs: int) -> None:
        self.path, self.run = path, run
        self.arrays, self.notes = read(path)
        saved = self.notes.get("fit")
        if not isinstance(saved, dict):
            raise StateError(f"{path}: resume must be a checkpoint of fit, got one that Checkpoint.restore reads")
        compare(path, run.settings, saved)
        self.progress = unpacked(self.notes["progress"], self.arrays)
        if self.progress["epoch"] > epochs:
            raise ArgumentError(f"epochs must be the number of all epochs, at least the {self.progress['epoch']} of {path}, "
                                f"got {epochs}")
        self.notes = by_file(self.notes, parts_of(run))
        parts_of(run).try_out(self.arrays, self.notes, path)
        warn_of_changes(path, parts_of(run).changed(self.notes))
        run.name = self.notes["run"]
        run.history.update(self.progress["history"])                # callbacks read it when they begin
        run.history.stopped = self.progress["stopped"]

    def put(self) -> None:
        """Put the saved state into the new run, whose callbacks have begun."""
        run, saved = self.run, self.progress
        parts_of(run).put(self.arrays, self.notes, self.path)
        run.epoch, run.batch, run.cost = saved["epoch"], saved["batch"], saved["cost"]
        run.progress = Progress(saved["done"], saved["total"], saved["divisor"], saved["order"], saved["seen"],
                                time.perf_counter() - saved["seconds"])


def resumed(resume: str | Path | bool | None, run: Run, epochs: int) -> Resumed | None:
    """Return the saved state that ``resume`` names; None if it names none, or, for True, if the Checkpoint has no file yet."""
    run.resume, run.name = resume or False, new_run()
    if resume is None or resume is False:
        return None
    if not isinstance(resume, (bool, str, Path)):
        raise ArgumentError(f"resume must be the name of a file, or True for that of the Checkpoint, got {in_a_line(resume)}")
    path: Any = resume
    if resume is True:
        path = next((getattr(callback, "path", None) for callback in run.callbacks if callback.saves), None)
        if path is None:
            raise ArgumentError("resume must be the name of a file if there is no Checkpoint among the callbacks, got True")
        if not path.exists():
            return None
    return Resumed(path, run, epochs)
