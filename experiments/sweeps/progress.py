"""The bar over the runs of a sweep, with the time that is left."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .store import Store
from .trials import Trial

EVERY = 5.0                                                         # seconds between two looks at unfinished runs


class Bar:
    """Counts runs. Beside it stands how far the long ones are, which leave word in the store, and when all will be done."""

    def __init__(self, trials: Sequence[Trial], found: Collection[str], store: Store | None, progress: bool) -> None:
        from tqdm import tqdm
        self.unfinished = {trial.key: trial for trial in trials if trial.key not in found}
        self.begin = time.time()
        self.store, self.progress, self.kept, self.total = store, progress, len(found), len(trials)
        self.bar: Any = tqdm(total=len(trials), initial=len(found), unit="run", disable=None if progress else True,
                             smoothing=0)
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> Self:
        if self.kept:
            self.say(f"{self.kept} of {self.total} runs are there from before")
        if not self.bar.disable and any(trial.resumable for trial in self.unfinished.values()):
            self.watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt) and self.store is not None:
            ended = self.total - len(self.unfinished)
            self.say(f"{ended} of {self.total} runs are kept: the same command goes on from them")
        self.ended.set()
        if self.watcher.is_alive():
            self.watcher.join()
        self.bar.close()

    def update(self, trial: Trial) -> None:
        self.unfinished.pop(trial.key, None)
        self.bar.update()

    def say(self, text: str) -> None:
        """A line of its own, at once: a sweep may still go on for days."""
        if self.progress:
            self.bar.write(text, file=sys.stderr)

    def watch(self) -> None:
        while not self.ended.wait(EVERY):
            steps = [word for trial in list(self.unfinished.values()) if (word := self.word(trial)) is not None]
            if steps:
                seconds = remaining(steps, sum(trial.resumable for trial in list(self.unfinished.values())))
                share = ", ".join(f"{100 * step / total:.1f} %" for step, total, _ in steps)
                self.bar.set_postfix_str(f"at {share}; about {spoken(seconds)} left")

    def word(self, trial: Trial) -> tuple[int, int, float] | None:
        """How far an unfinished run is: steps made, all steps, seconds for each; None where it has not said."""
        folder = None if self.store is None else self.store.kept(trial)
        if folder is None:
            return None
        try:                                                        # what an earlier sweep left does not go on now
            going = (Path(folder) / "progress.json").stat().st_mtime >= self.begin
        except OSError:
            return None
        return progress_of(Path(folder)) if going else None


def progress_of(folder: Path) -> tuple[int, int, float] | None:
    """What a run left word of with ``course.Kept``."""
    try:
        found = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        return int(found["step"]), int(found["steps"]), float(found["seconds_per_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remaining(words: Sequence[tuple[int, int, float]], unfinished: int) -> float:
    """Seconds, if as many runs go on at once as said how far they are, and those that wait take as long as a whole one."""
    known = sum((steps - step) * each for step, steps, each in words)
    whole = sum(steps * each for _, steps, each in words) / len(words)
    return (known + whole * (unfinished - len(words))) / len(words)


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
