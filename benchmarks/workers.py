"""Worker processes, one per library: ``python -m benchmarks.workers PEER THREADS`` answers commands on standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

CHUNK = 0.02                                                        # seconds of steps between two readings of the clock


class Peer(NamedTuple):
    label: str
    needs: str                                                      # package that must be installed
    module: str
    function: str


PEERS = {
    "retroprop": Peer("retroprop", "retroprop", "retroprop_steps", "retroprop"),
    "by-hand": Peer("NumPy by hand", "numpy", "numpy_steps", "by_hand"),
    "floor": Peer("its products alone", "numpy", "numpy_steps", "floor"),
    "torch": Peer("PyTorch, foreach SGD", "torch", "torch_steps", "foreach"),
    "torch-fused": Peer("PyTorch, fused SGD", "torch", "torch_steps", "fused"),
    "jax": Peer("JAX, jit, all cores", "jax", "jax_steps", "jit"),
    "jax-scan": Peer("JAX, scan, all cores", "jax", "jax_steps", "scan"),
    "sklearn": Peer("scikit-learn, 50 steps a call", "sklearn", "sklearn_steps", "partial_fit")}
OURS = ("retroprop", "by-hand", "floor")                            # not other libraries


def installed(peers: Sequence[str]) -> list[str]:
    """Return the peers that can be imported, and print the names of the others."""
    present = [peer for peer in peers if find_spec(PEERS[peer].needs)]
    for peer in peers:
        if peer not in present:
            print(f"left out: {PEERS[peer].label} ({PEERS[peer].needs} is not installed; pip install '.[bench]')")
    return present


class Failed(Exception):
    """A library cannot do what a command asks for."""


class Worker:
    """The parent's handle of a worker process; a context manager."""

    def __init__(self, peer: str, threads: int) -> None:
        # JAX ignores these variables and uses all cores. Pinning it to one core would double the time of its dispatch.
        variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        self.process = subprocess.Popen([sys.executable, "-m", __spec__.name, peer, str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | variables)

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

    def __init__(self, peer: str, threads: int) -> None:
        if PEERS[peer].needs == "torch":
            import torch
            torch.set_num_threads(threads)
        self.step_of = getattr(import_module(f"benchmarks.peers.{PEERS[peer].module}"), PEERS[peer].function)

    def build(self, workload: dict[str, Any]) -> dict[str, Any]:
        """Prepare for timing; return the time of the first step, and the memory of 21 steps beyond the examples."""
        from benchmarks.workloads import Workload, problem
        self.workload = Workload.read(**workload)
        self.problem = problem(self.workload)
        before = memory("VmRSS")
        self.step = self.step_of(self.workload, self.problem)
        self.rows = cycle(range(0, len(self.problem.x), self.workload.batch))
        start = time.perf_counter()
        self.step.run(0)
        self.step.finish()
        first = time.perf_counter() - start
        for _ in range(20 if self.step.steps == 1 else 1):
            self.step.run(0)
        self.step.finish()
        return {"first_step_s": first, "memory_mb": None if before is None else memory("VmHWM") - before}

    def gradients(self) -> str | None:
        """Return the path of a file with the gradients of the first step, without dropout; None if there are none."""
        import numpy as np
        step = self.step_of(self.workload, self.problem, noise=False)
        step.run(0)
        step.finish()
        try:
            arrays = [np.asarray(array) for array in step.gradients()]
        except NotImplementedError:
            return None
        with tempfile.NamedTemporaryFile(suffix=".npz", delete=False) as file:
            np.savez(file, *arrays)
        return file.name

    def measure(self, seconds: float) -> list[float]:
        """Return times of a step in microseconds, each the mean over a chunk of steps."""
        run, finish, clock = self.step.run, self.step.finish, time.perf_counter
        start = clock()
        run(0)
        finish()
        size = max(1, int(CHUNK / (clock() - start)))
        times, end = [], start + seconds
        while clock() < end or len(times) < 3:
            chunk = list(islice(self.rows, size))
            start = clock()
            for row in chunk:
                run(row)
            finish()
            times.append((clock() - start) / size / self.step.steps * 1e6)
        return times


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


@contextmanager
def quiet_output() -> Iterator[Any]:
    """Yield the real standard output; redirect what libraries print to standard error."""
    real, sys.stdout = sys.stdout, sys.stderr
    yield real


if __name__ == "__main__":
    with quiet_output() as out:
        for answer in serve(Runner(sys.argv[1], int(sys.argv[2])), sys.stdin):
            print(json.dumps(answer), file=out, flush=True)
