"""Checkpoint: all that a run depends on, saved while it goes on, so that a killed run can be resumed bit for bit."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...arguments import in_a_line, positive_int
from ...errors import ArgumentError, StateError
from ...files import check_folder, write
from ...modules import Module
from ...optim import Optimizer
from ...restoring import at_once, setting
from ..callbacks import AfterEpoch, Monitoring, Run
from .intervals import SECONDS, interval
from .kept import Kept
from .resuming import compare, parts_of, progress_of
from .run_state import Parts, read, settings_among, surroundings, warn_of_changes
from .sealed import packed, sealed, unpacked
from .unsaved import Unsaved

FILES = "the checkpoint"                                            # the name of this object among the parts of a loop


class Checkpoint(Monitoring):
    """Save a run while it goes on, to resume it after a crash or a kill with the bits of a run without the interruption.

    Give it to ``fit`` as a callback, and resume with ``fit(..., resume=path)``. In a loop of your own, call ``save`` and
    ``restore``. ``load`` reads the network, and the optimizer, out of its files too.

    Parameters
    ----------
    path : str or Path
        A safetensors file, which each save replaces whole: a reader, or a run that is resumed after a kill or a power failure,
        finds the old one or the new one. A checksum covers every byte of it.
    every : int or str, default 1
        How often to save: after so many epochs, or as a text with a unit, also in the middle of an epoch: ``"500 steps"``,
        ``"30 seconds"``, ``"10 minutes"``, ``"1 hour"``.
    best : str, default None
        A column of the history, such as ``"validation_cost"``: after each epoch in which it is better than ever before,
        ``fit`` also saves the state as ``run.best.safetensors``, for a path ``run.safetensors``.
    keep : int, default 1
        How many of the last saves to keep. The newest is always at ``path``; the older ones are beside it, with the number of
        their epoch (``run.epoch-3.safetensors``) or, if ``every`` is a text, of their step (``run.step-1500.safetensors``).
        Only files that this run wrote are deleted: each file holds a random name of its run.
    mode : {"min", "max"}, default None
        Whether ``best`` improves when it falls or when it rises; see EarlyStopping.
    overwrite : bool, default False
        Whether a new run replaces the file of another one, and deletes its older ones, with the first save. Otherwise, a
        ``fit`` without ``resume`` refuses them at its start, and ``save`` without ``restore`` at its first call, with an
        ArgumentError.

    Notes
    -----
    A file holds the parameters and buffers, the generators and modes of the modules, which parameters are frozen, and the
    optimizer's options and states. ``fit`` adds its history, its place in the epoch, its generator, and the states of the
    callbacks, of the stream and of the functions of augmentation that have the methods ``state_dict`` and ``load_state_dict``:
    numbers, texts, arrays, and lists, tuples and dicts of these. What the others remember is not saved. If that changes in
    training (a list that a function appends to, a generator of a callback, also as a global variable or a default), the next
    save says so in a UserWarning, and the file names it in its notes, under ``"unsaved"``. What the functions of other files
    use, and generators of other libraries, such as PyTorch's, are not seen. Of the data a file has a checksum; of a stream and
    of memory-mapped arrays, that of their first batch.

    The library's callbacks that take part in training must have the settings of those that were saved; so must the objects
    ``also``. Loggers, views and Checkpoints may have others (``every``, ``keep``, their order); Checkpoints are told from each
    other by the names of their files.

    ``fit`` calls Checkpoints after all other callbacks. If a save fails in training (the disk is full), a UserWarning says so,
    once, and training goes on; the file of the last save stays. ``save`` raises the OSError.

    The bits of a matrix product depend on NumPy's version, on the BLAS, and on its kernel for this processor, but not on the
    number of threads. To resume under others than before warns of what differs.

    Examples
    --------
    A loop that goes on where it was when it is started again:

    >>> import numpy as np
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net, loss, rng = rp.Sequential(rp.Linear(64, 10, rng=0)), rp.CrossEntropy(), np.random.default_rng(1)
    >>> sgd = rp.SGD(net.parameters(), lr=0.1)
    >>> checkpoint = rp.Checkpoint("run.safetensors", every="500 steps")
    >>> start, costs = checkpoint.restore(net, sgd, also={"rng": rng})      # (0, None) if there is no such file yet
    >>> costs = costs or []
    >>> for step in range(start + 1, 101):
    ...     chosen = rng.integers(len(y), size=32)
    ...     costs.append(loss.forward(net.forward(x[chosen]), y[chosen]))
    ...     net.backward(loss.backward(), input_gradient=False)
    ...     net.update()
    ...     sgd.step()
    ...     if checkpoint.due(step):
    ...         checkpoint.save(step, net, sgd, also={"rng": rng}, progress=costs)
    """

    argument, saves = "best", True

    def __init__(self, path: str | Path, every: int | str = 1, best: str | None = None, keep: int = 1, *,
                 mode: str | None = None, overwrite: bool = False) -> None:
        if not isinstance(path, (str, Path)) or not str(path) or Path(path).is_dir():
            raise ArgumentError(f"Checkpoint: path must be the name of a file, got {in_a_line(path)}")
        if best is not None:
            super().__init__(best, mode)
        elif mode is not None:
            raise ArgumentError(f"Checkpoint: mode must be None without best, got {in_a_line(mode)}")
        self.path, self.best = Path(path), best
        self.files = Kept(self.path, positive_int("keep", keep), bool(overwrite))
        self.every, self.unit = interval(every)
        self.begin()

    def begin(self) -> None:
        """Forget the runs before: the best value, and the number of steps."""
        self.value, self.best_epoch = math.inf, 0
        self.count, self.time = 0, time.monotonic()                 # steps made, and when the last save was made
        self.saved_at: int | None = 0                               # None: at a number of another unit
        self.surroundings: dict[str, Any] | None = None
        self.unsaved: Unsaved | None = None
        self.warned = set[str]()

    # ------------------------------------------------------------------ in a loop of your own

    def due(self, step: int) -> bool:
        """Return whether to save after ``step`` steps (or epochs: what you count), of which ``every`` have passed since then.

        With seconds, minutes or hours as its unit, ``every`` counts from the last save, or from the construction.
        """
        if self.unit in SECONDS:
            return time.monotonic() - self.time >= self.every * SECONDS[self.unit]
        step = positive_int("step", step, 0)
        self.saved_at = step - 1 if self.saved_at is None else self.saved_at
        return step - self.saved_at >= self.every

    def save(self, step: int, net: Module, optimizer: Optimizer | None = None, *, also: Mapping[str, Any] | None = None,
             progress: Any = None) -> None:
        """Write the file.

        Parameters
        ----------
        step : int
            The number of steps that were made.
        net, optimizer : Module and Optimizer; optimizer may be None
        also : dict by name
            What else the next steps depend on: generators, and objects with ``state_dict`` and ``load_state_dict``, as
            schedules are, and a Step that accumulates the gradients of several batches.
        progress : anything made of numbers, texts, None, arrays, lists, tuples and dicts
            What ``restore`` is to return, such as the costs so far.

        Raises
        ------
        OSError
            The file cannot be written. The old one is then as it was.
        StateError
            ``progress``, or the state of an object, is made of anything else.
        ArgumentError
            The file exists, of a run that was not restored.
        """
        step, parts = positive_int("step", step, 0), self.parts("save", net, optimizer, also)
        if not self.files.claimed:
            self.files.claim()
        self.write(step, parts, progress, settings=settings_among(parts))

    def restore(self, net: Module, optimizer: Optimizer | None = None, *,
                also: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Put the saved state into a network that is built as the saved one was, its optimizer, and the other objects.

        Returns
        -------
        step, progress
            As they were given to ``save``; 0 and None, and nothing has changed, if there is no file at ``path``.

        Raises
        ------
        FileFormatError, StateError
            The file is damaged, or holds the state of another network, or was written by another version of retroprop. Then
            nothing has changed.
        """
        parts = self.parts("restore", net, optimizer, also)
        try:
            arrays, notes = read(self.path)
        except FileNotFoundError:
            return 0, None
        parts.try_out(arrays, notes, self.path)
        compare(self.path, settings_among(parts), notes.get("settings", {}))
        warn_of_changes(self.path, parts.changed(notes))
        parts.put(arrays, notes, self.path)
        self.files.run = notes["run"]
        return notes["step"], unpacked(notes["progress"], arrays)

    def parts(self, who: str, net: Module, optimizer: Optimizer | None, also: Mapping[str, Any] | None) -> Parts:
        """Return the parts of a run, this object among them, which knows its files."""
        parts = Parts(net, optimizer, {} if also is None else also).checked(f"Checkpoint.{who}")
        return parts._replace(others={**parts.others, FILES: self}, optional=(FILES,))

    # ------------------------------------------------------------------ in fit

    def before_training(self, run: Run) -> None:
        """Begin.

        OSError if the folder cannot be written, ArgumentError for files of another run, StateError for the state of a callback
        that no file can hold.
        """
        self.begin()
        if self.best is not None:
            super().before_training(run)
        check_folder(self.path.parent)
        self.files.begin(run.name)
        if run.resume is not True:                                  # else these are the files of this script
            self.files.claim([] if self.best is None else [self.files.beside("best")])
        functions = [function for _, function in run.functions]
        self.unsaved = Unsaved([*run.callbacks, *map(AfterEpoch, functions)], (
            run.rng, *(rng for _, rng in run.net.named_generators()), run.data, *run.callbacks, *functions))
        self.content(0, parts_of(run), progress_of(run))

    def after_step(self, run: Run) -> None:
        self.count += 1
        if self.unit != "epoch" and self.due(self.count):
            self.attempt(run)

    def after_epoch(self, run: Run) -> None:
        for callback in run.callbacks:                              # all, before one saves their states
            if isinstance(callback, Checkpoint):
                callback.follow(run)
        if self.best is not None and self.best_epoch == run.epoch:
            self.attempt(run, best=True)
        if self.unit == "epoch" and self.due(run.epoch):
            self.attempt(run)

    def follow(self, run: Run) -> None:
        """Take note of the epoch that has ended, if it is the best so far."""
        if self.best is not None and self.best_epoch != run.epoch and (value := self.last(run)) < self.value:
            self.second = self.value, self.best_epoch
            self.value, self.best_epoch = value, run.epoch

    def attempt(self, run: Run, best: bool = False) -> None:
        """Save a run; if that fails, warn of it, once: training goes on."""
        number = run.epoch if self.unit == "epoch" else self.count
        try:
            if best:
                write(self.files.beside("best"), self.content(number, parts_of(run), progress_of(run), **self.notes(run)))
            else:
                self.write(number, parts_of(run), progress_of(run), **self.notes(run))
        except (OSError, StateError) as error:
            if best:
                self.value, self.best_epoch = self.second           # what the file holds
            self.warn("failed", f"a checkpoint could not be saved, and training goes on: {error}")

    def notes(self, run: Run) -> dict[str, Any]:
        """Return what a file of ``fit`` has beside the state; warn of what it has not."""
        found = [] if self.unsaved is None else self.unsaved.found()
        if found:
            self.warn("unsaved", f"{self.path} does not hold {', '.join(found)}, which changed in training: a resumed run "
                                 "begins with a new one, unless its callback has state_dict and load_state_dict")
        return {"fit": run.settings, "unsaved": found}

    def warn(self, kind: str, message: str) -> None:
        if kind not in self.warned:
            self.warned.add(kind)
            warnings.warn(message, stacklevel=2)

    # ------------------------------------------------------------------ files

    def state_dict(self) -> dict[str, Any]:
        """Return what this object remembers: its files, the best value, and the number of steps."""
        return {"file": self.path.name, "written": self.files.written, "kept": list(self.files.names), "best": self.best,
                "value": self.value, "best_epoch": self.best_epoch, "count": self.count, "unit": self.unit,
                "saved_at": self.saved_at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another Checkpoint was: with the number of steps and, of the same names and units, with all else."""
        files = [("written", state["written"]), ("names", state["kept"])] if state["file"] == self.path.name else []
        names = "count", *(("value", "best_epoch") if state["best"] == self.best else ())
        saved_at = state["saved_at"] if state["unit"] == self.unit else None
        own = [("time", time.monotonic()), ("saved_at", saved_at), *((name, state[name]) for name in names)]
        at_once(setting([*((self, *pair) for pair in own), *((self.files, *pair) for pair in files)]))

    def write(self, step: int, parts: Parts, progress: Any, **notes: Any) -> None:
        """Write the file. The one before it gets another name, and the oldest is deleted, as ``keep`` says."""
        self.saved_at, self.time = step, time.monotonic()
        label = f"{'epoch' if self.unit == 'epoch' else 'step'}-{step}"
        self.files.write(label, lambda: self.content(step, parts, progress, label=label, **notes))

    def content(self, step: int, parts: Parts, progress: Any, **notes: Any) -> bytes:
        """Return the content of a file that holds the state of these parts."""
        from ... import __version__
        if self.surroundings is None:
            self.surroundings = surroundings()
        arrays, state = parts.saved("Checkpoint")
        return sealed(arrays, {"version": __version__, "run": self.files.run, "step": step, "surroundings": self.surroundings,
                               "progress": packed(progress, arrays, "Checkpoint: progress")} | state | notes)
