"""Reads mutated files: each gives a right result or one clear RetropropError, in little memory and time."""

import contextlib
import re
import signal
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from targets import TARGETS, sandbox

import retroprop as rp

SECONDS = 10.0                                                      # of this process's time that reading may take
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None            # a folder in memory
LONGEST = 20_000                                                    # characters of a message, which lists all that does not fit


class Hung(BaseException):
    """Reading took too long."""


@dataclass
class Report:
    """What became of the mutations of one target."""

    name: str
    outcomes: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)                    # (number of the mutation, what is wrong)
    memory: float = 0.0                                             # the largest share of the memory that is allowed
    seconds: float = 0.0

    def __str__(self):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.outcomes.most_common())
        return (f"{self.name}: {sum(self.outcomes.values()):,} mutations in {self.seconds:.0f} s: {kinds}; at most "
                f"{100 * self.memory:.0f} % of the memory that is allowed; {len(self.failures)} failures")


def fuzz(name, mutations, seed=0, failed=None, start=0):
    """Read mutations number ``start`` and following of a target; the bytes of those that fail are written into ``failed``."""
    report, begin = Report(name), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=FAST) as folder, warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        target = sandbox(folder, name)
        for content in target.seeds:                                # whole files are read, and import what reading needs
            target.write(content)
            if not target.read(content):
                raise AssertionError(f"{name}: a whole file was refused")
        tracing = tracemalloc.is_tracing()
        tracemalloc.start()
        for k in range(start, start + mutations):
            content = mutation(target, seed, k)
            current = None if failed is None else Path(failed) / f"{name}-{seed}-{k}"
            if current is not None:
                current.write_bytes(content)                        # stays if this process dies
            wrong = outcome(target, content, report)
            if wrong is not None:
                report.failures.append((k, wrong))
            elif current is not None:
                current.unlink()
        if not tracing:
            tracemalloc.stop()
    report.seconds = time.perf_counter() - begin
    return report


def mutation(target, seed, k):
    """The content of mutation number ``k``, which does not depend on the others."""
    rng = np.random.default_rng([seed, list(TARGETS).index(next(n for n, kind in TARGETS.items() if type(target) is kind)), k])
    return target.mutate(target.seeds[rng.integers(len(target.seeds))], rng)


def outcome(target, content, report):
    """Read one file; count what became of it, and return what is wrong, or None.

    A file that took too much memory is read again: what Python itself keeps of the first time, as the source for a traceback,
    is not counted.
    """
    kind, wrong = attempt(target, content)
    if target.memory > target.allowed(content):
        kind, wrong = attempt(target, content)
    share = target.memory / target.allowed(content)
    report.outcomes[kind] += 1
    report.memory = max(report.memory, share)
    return f"reading took {share:.1f} times the memory that is allowed" if wrong is None and share > 1 else wrong


def attempt(target, content):
    """Read one file; return what became of it, and what is wrong, or None."""
    target.write(content)
    wrong = None
    try:
        with limited():
            kind = "read" if target.read(content) else "passed over"
    except rp.RetropropError as error:
        kind, wrong = type(error).__name__, unclear(error, target)
    except Hung:
        kind, wrong = "stopped", None if target.patient else f"reading took more than {SECONDS:g} s"
    except MemoryError as error:
        kind, wrong = "memory", repr(error)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        kind, wrong = "failed", f"{type(error).__name__}: {error}"
    return kind, wrong


def unclear(error, target):
    """What is unclear about the message of an error; None if it is one sentence about the file."""
    text = str(error)
    if not re.search(r"\w{3}", text) or len(text) > LONGEST:
        return f"a message of {len(text)} characters: {text[:200]}"
    if "\n" in text or not text.isprintable():
        return f"a message of several lines or with control characters: {text[:200]!r}"
    if "object at 0x" in text:
        return f"a message with an address: {text[:200]}"
    return None


@contextlib.contextmanager
def limited():
    """Raise Hung in the block after some seconds, where the system has timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_):
        raise Hung

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
