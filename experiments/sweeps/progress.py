"""The progress bar of a sweep, with the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ...progress import progress_bar
from ...training.saving.sealed import beginning
from .store import Store
from .trials import Trial

EVERY = 5.0                                                         # seconds between two readings of checkpoints


class Progress(NamedTuple):
    """How far a run is: the steps made, all its steps, and the seconds per step."""

    step: int
    steps: int
    seconds_per_step: float


class Bar:
    """A bar that counts finished runs, and shows the progress of resumable ones (from their checkpoints) and the time left."""

    def __init__(self, trials: Sequence[Trial], found: Collection[str], store: Store | None, progress: bool) -> None:
        self.unfinished = {trial.key: trial for trial in trials if trial.key not in found}
        self.begin = time.time()
        self.store, self.progress, self.stored, self.total = store, progress, len(found), len(trials)
        self.bar = progress_bar(len(trials), "run", progress, initial=len(found), smoothing=0)
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> Self:
        if self.stored:
            self.say(f"{self.stored} of {self.total} runs are stored already")
        if not self.bar.disable and any(trial.resumable for trial in self.unfinished.values()):
            self.watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt) and self.store is not None:
            ended = self.total - len(self.unfinished)
            self.say(f"{ended} of {self.total} runs are stored: the same command continues from them")
        self.ended.set()
        if self.watcher.is_alive():
            self.watcher.join()
        self.bar.close()

    def update(self, trial: Trial) -> None:
        self.unfinished.pop(trial.key, None)
        self.bar.update()

    def say(self, text: str) -> None:
        """Print a line above the bar on standard error, if there is one; at once: the sweep may go on for days."""
        if self.progress and sys.stderr is not None:
            self.bar.write(text, file=sys.stderr)

    def watch(self) -> None:
        while not self.ended.wait(EVERY):
            unfinished = list(self.unfinished.values())
            known = [progress for trial in unfinished if (progress := self.progress_of(trial)) is not None]
            if known:
                seconds = remaining(known, sum(trial.resumable for trial in unfinished))
                share = ", ".join(f"{100 * step / steps:.1f} %" for step, steps, _ in known)
                self.bar.set_postfix_str(f"at {share}; about {spoken(seconds)} left")

    def progress_of(self, trial: Trial) -> Progress | None:
        """The progress of an unfinished run; None if this sweep has not saved any."""
        checkpoint = None if self.store is None else self.store.checkpoint(trial)
        if checkpoint is None:
            return None
        try:
            current = Path(checkpoint).stat().st_mtime >= self.begin        # else of an earlier sweep
        except OSError:
            return None
        return read_progress(Path(checkpoint)) if current else None


def read_progress(checkpoint: Path) -> Progress | None:
    """The progress that the training loop saved in a checkpoint; None if there is none, or the file's beginning is damaged."""
    found = beginning(checkpoint) or {}
    try:
        return Progress(int(found["step"]), int(found["progress"]["steps"]), float(found["progress"]["seconds_per_step"]))
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def remaining(known: Sequence[tuple[int, int, float]], unfinished: int) -> float:
    """The seconds that are left, from the progress of the runs that are going on and the number of all unfinished ones.

    The other runs are taken to last as long as the known ones do on average, and as many to go on at once.
    """
    left = sum((steps - step) * seconds for step, steps, seconds in known)
    whole = sum(steps * seconds for _, steps, seconds in known) / len(known)
    return (left + whole * (unfinished - len(known))) / len(known)


def spoken(seconds: float) -> str:
    """
    >>> spoken(50), spoken(4000), spoken(200_000)
    ('50 s', '1 h 7 min', '2 d 8 h')
    """
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
