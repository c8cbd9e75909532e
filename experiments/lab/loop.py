"""The resumable training loop: so many steps, with readings at chosen ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from ...arguments import Array
from ...errors import NonFiniteError, RetropropError
from ...files import Lock
from ...losses import CrossEntropy, Loss
from ...modules import Module
from ...optim import Optimizer
from ...training import Checkpoint, Step

BLOCK = 1000                                                        # steps whose examples are drawn together
EVERY = 60.0                                                        # seconds between two checkpoints


class Stream(Protocol):
    """Batches by number: batch k is always the same, so that a run can resume at any step."""

    def batch(self, step: int) -> tuple[Array, Array]:
        ...


class Drawn:
    """Batches of a data set, drawn with replacement.

    Bytes, which may be in a file, are divided by 255 only when their batch is drawn.
    """

    def __init__(self, x: Array, y: Array, batch_size: int, seed: int) -> None:
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed
        self.block = -1
        self.order: Array = np.empty(0)

    def batch(self, step: int) -> tuple[Array, Array]:
        block, k = divmod(step, BLOCK)
        if block != self.block:
            self.order = np.random.default_rng([self.seed, block]).integers(len(self.y), size=(BLOCK, self.batch_size))
            self.block = block
        chosen = self.order[k]
        return scaled(self.x[chosen]), self.y[chosen]


class Generated:
    """Batches that are made as they are needed, such as Shapeset's: an infinite stream.

    ``make(count, rng)`` returns examples and their classes; each block has a generator of its own.
    """

    def __init__(self, make: Callable[[int, np.random.Generator], tuple[Array, Array]], batch_size: int, seed: int) -> None:
        self.make, self.batch_size, self.seed = make, batch_size, seed
        self.block = -1
        self.made: tuple[Array, Array] = np.empty(0), np.empty(0)

    def batch(self, step: int) -> tuple[Array, Array]:
        block, k = divmod(step, BLOCK)
        if block != self.block:
            self.made = self.make(BLOCK * self.batch_size, np.random.default_rng([self.seed, block]))
            self.block = block
        part = slice(k * self.batch_size, (k + 1) * self.batch_size)
        return self.made[0][part], self.made[1][part]


class Whole(NamedTuple):
    """The same batch at each step: gradient descent."""

    x: Array
    y: Array

    def batch(self, step: int) -> tuple[Array, Array]:
        return self.x, self.y


def scaled(x: Array) -> Array:
    """Bytes as numbers from 0 to 1; others as they are."""
    return np.divide(x, np.float32(255), dtype=np.float32) if x.dtype == np.uint8 else x


class Trained(NamedTuple):
    """What `train` returns.

    Attributes
    ----------
    readings : list of dict
        One for each evaluation step that was reached; each says its ``step``.
    diverged : int or None
        The step at which the cost, or the output on other examples, was no longer finite; None if they always were.
    """

    readings: list[dict[str, Any]]
    diverged: int | None


def train(net: Module, optimizer: Optimizer, stream: Stream, steps: int, *, at: Iterable[int],
          read: Callable[[int], dict[str, Any]], loss: Loss | None = None, after_step: Callable[[], None] | None = None,
          until: Callable[[dict[str, Any]], bool] | None = None, checkpoint: Path | None = None) -> Trained:
    """Make ``steps`` training steps; call ``read(k)`` after k of them, for each evaluation step k in ``at``.

    Training ends early at the first reading for which ``until`` returns True. A reading that raises NonFiniteError, as the
    error of a network with outputs of NaN does, ends it as a cost does that is not finite.
    With a path ``checkpoint``, the network, the optimizer and the readings are saved there once a minute. A run that
    finds this file goes on from it and computes the same bits as a run that was never interrupted. A checkpoint that is
    damaged counts as none.
    """
    make, evaluation_steps = Step(net, CrossEntropy() if loss is None else loss, optimizer), set(at)
    with nullcontext() if checkpoint is None else Unfinished(checkpoint, steps) as saved, \
            np.errstate(over="ignore", invalid="ignore", under="ignore"):
        start, readings = (0, []) if saved is None else saved.resume(net, optimizer)
        for step in range(start, steps + 1):
            if step in evaluation_steps and not (readings and readings[-1]["step"] == step):
                try:
                    readings.append({"step": step} | read(step))
                except NonFiniteError:
                    return Trained(readings, step)
                if until is not None and until(readings[-1]):
                    break
            if step == steps:
                break
            if not math.isfinite(make(*stream.batch(step))):
                return Trained(readings, step)
            if after_step is not None:
                after_step()
            if saved is not None and saved.due(step + 1):
                saved.save(step + 1, net, optimizer, readings)
    return Trained(readings, None)


class Unfinished:
    """The checkpoint of an unfinished run, which is saved once in a while.

    If several sweeps carry out the same run at the same time, one of them saves. When it ends, another one goes on saving.
    """

    def __init__(self, path: Path, steps: int) -> None:
        self.checkpoint, self.steps, self.lock = Checkpoint(path, every=f"{EVERY} seconds", overwrite=True), steps, Lock(path)
        self.step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def resume(self, net: Module, optimizer: Optimizer) -> tuple[int, list[dict[str, Any]]]:
        """Restore the saved state; return the steps made and the readings so far: (0, []) if no whole state was saved."""
        try:
            self.step, progress = self.checkpoint.restore(net, optimizer)
        except (OSError, RetropropError):
            return 0, []
        return self.step, [] if progress is None else progress["readings"]

    def due(self, step: int) -> bool:
        return self.checkpoint.due(step)

    def save(self, step: int, net: Module, optimizer: Optimizer, readings: list[dict[str, Any]]) -> None:
        """Save the state; where that is not possible, as on a full disk, the run goes on without."""
        path, each = self.checkpoint.path, (time.monotonic() - self.checkpoint.time) / (step - self.step)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if self.lock.acquire():
                self.checkpoint.save(step, net, optimizer, progress={
                    "steps": self.steps, "seconds_per_step": each, "readings": readings})
        self.step, self.checkpoint.time = step, time.monotonic()    # also if another sweep saves
