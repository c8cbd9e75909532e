"""Worker processes, one per library: ``python -m benchmarks.workers PEER THREADS`` answers commands on standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .peers import PEERS

PAUSE = 0.025                                                       # the BLAS of the process before spins as long for more work
VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Failed(Exception):
    """A library cannot do what a command asks for."""


class Worker:
    """The parent's handle of a worker process; a context manager.

    ``threads`` are those of BLAS; None: as the library starts without a wish.
    """

    def __init__(self, peer: str, threads: int | None) -> None:
        # JAX ignores these variables and uses all cores. Pinning it to one core would double the time of its dispatch.
        environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        if threads is not None:
            environment |= dict.fromkeys(VARIABLES, str(threads))
        self.peer = peer
        self.process = subprocess.Popen([sys.executable, "-m", __spec__.name, peer, str(threads or "")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have the process call the method ``command`` of its Runner, and return the result."""
        line = ""
        with suppress(BrokenPipeError):
            print(json.dumps([command, arguments]), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()                   # type: ignore[union-attr]
        if not line:
            raise Failed(f"its process ended with exit code {self.process.wait()}")
        answer = json.loads(line)
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer["result"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(BrokenPipeError):
            self.process.stdin.close()                              # type: ignore[union-attr]
        self.process.wait()


# ------------------------------------------------------------------ in the worker process


class Runner:
    """The commands of a worker process."""

    def __init__(self, peer: str, threads: int | None) -> None:
        self.peer, self.threads = PEERS[peer], threads

    def load(self) -> None:
        """Import the library."""
        if self.peer.needs == "torch" and self.threads is not None:
            import torch
            torch.set_num_threads(self.threads)
        self.step_of = getattr(import_module(f"benchmarks.peers.{self.peer.module}"), self.peer.function)

    def build(self, workload: dict[str, Any]) -> dict[str, Any]:
        """Prepare for timing; return the time of the first step, and the memory of up to 21 steps beyond the examples.

        The memory is known in a process that has had no other workload before.
        """
        from benchmarks.workloads import Workload, problem
        fresh = not hasattr(self, "step_of")
        self.load()
        self.workload = Workload.read(**workload)
        self.problem = problem(self.workload)
        before = memory("VmRSS") if fresh else None
        self.step = self.step_of(self.workload, self.problem)
        self.rows = cycle(range(0, len(self.problem.x), self.workload.batch))
        start = time.perf_counter()
        self.step.run(0)
        self.step.finish()
        first = time.perf_counter() - start
        start = time.perf_counter()
        for done in range(20 if self.step.steps == 1 else 1):
            if done > 2 and time.perf_counter() - start > 2:        # a slow library shows its memory in fewer steps
                break
            self.step.run(0)
            self.step.finish()
        peak = memory("VmHWM")
        return {"first_step_s": first, "memory_mb": None if before is None or peak is None else peak - before}

    def values(self) -> str | None:
        """Return the path of a file with the values of the first step, without dropout; None if it has none to compare.

        Libraries that keep no gradients show them as the velocities of a first step, so it has momentum.
        """
        import numpy as np
        step = self.step_of(replace(self.workload, momentum=self.workload.momentum or 0.9), self.problem, noise=False)
        step.run(0)
        step.finish()
        arrays = [np.asarray(array) for array in step.values()]
        if not arrays:
            return None
        with tempfile.NamedTemporaryFile(suffix=".npz", delete=False) as file:
            np.savez(file, *arrays)
        return file.name

    def measure(self, seconds: float) -> float:
        """Return the mean microseconds of the steps of so many seconds, after some that bring the caches and clocks back."""
        run, finish, clock, warm = self.step.run, self.step.finish, time.perf_counter, 0
        time.sleep(PAUSE)
        start = clock()
        while not warm or clock() - start < seconds / 3:
            run(next(self.rows))
            finish()
            warm += 1
        mean = (clock() - start) / warm
        if mean < seconds:                                          # else that was one long step, which needs no other
            rows = list(islice(self.rows, int(seconds / mean)))
            start = clock()
            for row in rows:
                run(row)
            finish()
            mean = (clock() - start) / len(rows)
        return 1e6 * mean / self.step.steps


def memory(what: str) -> float | None:
    """Return the megabytes of this process, now (VmRSS) or at most (VmHWM); None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def serve(runner: Runner, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield the answer to the command in each line."""
    for line in lines:
        command, arguments = json.loads(line)
        try:
            yield {"result": getattr(runner, command)(**arguments)}
        except NotImplementedError as error:
            yield {"failed": str(error)}
        except Exception as error:                                  # of whatever library: the others go on
            traceback.print_exc()
            yield {"failed": f"{type(error).__name__}: {error}"}


@contextmanager
def quiet_output() -> Iterator[Any]:
    """Yield the real standard output; redirect what libraries print to standard error."""
    real, sys.stdout = sys.stdout, sys.stderr
    yield real


if __name__ == "__main__":
    with quiet_output() as out:
        for answer in serve(Runner(sys.argv[1], int(sys.argv[2]) if sys.argv[2] else None), sys.stdin):
            print(json.dumps(answer), file=out, flush=True)
