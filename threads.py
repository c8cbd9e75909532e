"""Large products and long vectors on several cores, with results that do not depend on how many.

NumPy's BLAS has threads of its own, with two faults. They wait for each other without rest: beside another process, one step
of a large network took 27 times as long. And on two threads a product has other last bits than on one, so that results would
depend on the machine. Here each product takes BLAS on one thread, and a large one is cut into blocks, which threads of this
file compute side by side. They sleep while they wait, and the blocks depend on the shape alone.

There are as many threads as BLAS may use: the number of cores, unless the environment variable ``OPENBLAS_NUM_THREADS`` (or
that of another BLAS) or ``threadpoolctl.threadpool_limits`` says otherwise. Set the latter while no other thread trains.
"""

from __future__ import annotations

import os
from _thread import RLock, allocate_lock, get_ident, start_new_thread
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import cache, partial
from itertools import product
from queue import SimpleQueue
from typing import Any
from weakref import ref

Call = Callable[[], Any]


# ------------------------------------------------------------------ threads of BLAS

class Blas:
    """NumPy's BLAS, whose number of threads can be limited to one; to limit it and to release it takes 2 us.

    In an OpenBLAS that is built with OpenMP a limit holds for one thread of Python only: there all calls run in turn.
    """

    def __init__(self) -> None:
        library = blas_of_numpy()
        self.get, self.set = (function(library, verb) for verb in ("get", "set"))
        self.of_openmp = getattr(library, "threading_layer", None) == "openmp"
        self.lock, self.limited, self.threads = RLock(), False, 1
        self.inside = set[ref[OneThread]]()                         # a block that Ctrl-C has hidden leaves when it is deleted

    def limit(self, block: OneThread) -> int:
        """Let BLAS use one thread while a block is inside; return how many threads there may be outside."""
        with self.lock:
            if not self.inside:
                if not self.limited:
                    self.threads = self.get()
                    self.limited = self.threads > 1
                if self.limited:                                    # also if Ctrl-C came before this, the last time
                    self.set(1)
            self.inside.add(ref(block, self.inside.discard))
            return 1 if self.of_openmp else self.threads

    def release(self, block: OneThread) -> None:
        with self.lock:
            self.inside.discard(ref(block))
            if self.limited and not self.inside:
                self.lift()

    def lift(self) -> None:
        """Give BLAS its threads back, unless the program has set their number meanwhile."""
        if self.get() == 1:
            self.set(self.threads)
        self.limited = False


def blas_of_numpy() -> Any:
    """Return threadpoolctl's controller of the BLAS that NumPy calls; None if none is found. SciPy may bring another one."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:                                             # in a browser there are neither threads nor this package
        return None
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return next((library for library in found if "numpy" in library.filepath), found[0] if found else None)


def function(library: Any, verb: str) -> Callable[..., Any]:
    """Return the function that gets or sets BLAS's number of threads: OpenBLAS's own, since threadpoolctl's takes longer."""
    if library is None:                                             # a BLAS that has no such functions
        return lambda *threads: 1
    for prefix, suffix in product(("", "scipy_"), ("", "_", "64_", "_64")):
        own = getattr(library.dynlib, f"{prefix}openblas_{verb}_num_threads{suffix}", None)
        if own is not None:
            return own
    return getattr(library, f"{verb}_num_threads")


@cache
def blas() -> Blas:
    return Blas()


class OneThread:
    """A context manager: inside the block BLAS uses one thread; the value is how many it may use outside, for ``together``."""

    __slots__ = ("__weakref__",)

    def __enter__(self) -> int:
        return blas().limit(self)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        blas().release(self)


# ------------------------------------------------------------------ threads of this file

class Task:
    """A call that is run once, by the first thread that claims it."""

    __slots__ = ("call", "end", "ended", "error", "owner")

    def __init__(self, call: Call) -> None:
        self.call, self.end, self.owner = call, allocate_lock(), dict[str, int]()
        self.error: BaseException | None = None
        self.ended = False
        self.end.acquire()

    def claimed(self) -> bool:
        """Claim the task; return whether this thread has it. One call decides: Ctrl-C comes before or after it."""
        return self.owner.setdefault("thread", get_ident()) == get_ident()

    def run(self) -> None:
        """Run the call, unless another thread has claimed it."""
        if self.claimed():
            try:
                self.call()
            except BaseException as error:                          # ``together`` raises it in the thread that asked
                self.error = error
            self.call = nothing                                     # a task that still waits in the queue holds no arrays
            self.ended = True
            self.end.release()

    def finish(self) -> None:
        """Return when no other thread runs the call, or ever will, also after Ctrl-C, which is raised then."""
        interrupt, waiting = None, not self.claimed()
        while waiting and not self.ended:
            try:
                self.end.acquire()
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


def nothing() -> None:
    """What is left of a call that has run."""


class Workers:
    """The threads of this process, which sleep until there are tasks."""

    def __init__(self) -> None:
        self.tasks, self.number = SimpleQueue[Task](), 0

    def give(self, tasks: Sequence[Task], threads: int) -> None:
        """Let at most that many threads take up the tasks; fewer, if the system allows no more."""
        with suppress(RuntimeError):
            while self.number < min(len(tasks), threads):
                start_new_thread(work, (self.tasks,))
                self.number += 1
        for task in tasks if self.number else ():
            self.tasks.put(task)


def work(tasks: SimpleQueue[Task]) -> None:
    while True:
        tasks.get().run()


WORKERS = Workers()


def after_fork() -> None:
    """Begin again without threads in a process that was forked: it has only the thread that forked it."""
    global WORKERS
    WORKERS = Workers()
    if blas.cache_info().currsize and blas().limited:               # by a thread that is not in this process
        blas().lift()
    blas.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)


def together(calls: Sequence[Call], threads: int) -> None:
    """Run the calls on that many threads, one of them this one, and return when all have ended.

    Each call sees the context of this thread, such as ``np.errstate``. This thread runs those that no other has begun, so that
    it waits for no thread that sleeps or whose core is taken. After an error, some calls may not run.
    """
    if threads == 1 or len(calls) == 1:
        in_turn(calls)
        return
    share = 2 * threads                                             # a thread that is held up has less left than its half
    tasks = [Task(partial(copy_context().run, in_turn, calls[k::share])) for k in range(min(share, len(calls)))]
    try:
        try:
            WORKERS.give(tasks[1:], threads - 1)
            for task in tasks:
                task.run()
        finally:
            finish(tasks)
    finally:                                                        # again, if Ctrl-C came before it had begun
        finish(tasks)
    for task in tasks:
        if task.error is not None:
            raise task.error


def in_turn(calls: Iterable[Call]) -> None:
    """Run calls one after another, where the work is too small for anything else."""
    for call in calls:
        call()


def finish(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.finish()
