"""The measurements. Each function returns rows of numbers and prints them."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .experiment import experiment
from .workers import OURS, PEERS, Failed, Worker
from .workloads import WORKLOADS, Workload, mlp

Row = dict[str, Any]
TOLERANCE = 1e-4                                                    # of a gradient, relative to the largest
IMPORTS = {"numpy": "NumPy", "retroprop": "retroprop", "sklearn.neural_network": "scikit-learn", "jax": "JAX",
           "torch": "PyTorch"}


def steps(workloads: Sequence[str], peers: Sequence[str], threads: Sequence[int], quick: bool) -> list[Row]:
    """Measure the time of a training step: one process per library, in turns of a fraction of a second."""
    turns, seconds = (3, 0.1) if quick else (6, 0.3)
    rows = []
    for name in workloads:
        for count in threads:
            print(f"{WORKLOADS[name]}, {count} thread{'s' * (count > 1)}", flush=True)
            with team(peers, count) as workers:
                timed = compete(WORKLOADS[name], workers, turns, seconds)
            rows += [{"workload": name, "threads": count, **row} for row in timed]
            ours = next((row["median_us"] for row in timed if row["peer"] == "retroprop"), None)
            for row in timed:
                ratio = "" if ours is None else f"{row['median_us'] / ours:7.2f}"
                memory = "" if row["memory_mb"] is None else f"{row['memory_mb']:7.1f} MB"
                error = "" if row["error"] is None else f"   gradients {row['error']:.0e}"
                noise = "   noisy: is the machine busy?" if row["high_us"] > 1.8 * row["low_us"] else ""
                print(f"    {PEERS[row['peer']].label:30}{row['median_us']:10.1f} us ({row['low_us']:.1f} to "
                      f"{row['high_us']:.1f})".ljust(70) + ratio + memory + error + noise, flush=True)
    return rows


@contextmanager
def team(peers: Sequence[str], threads: int) -> Iterator[dict[str, Worker]]:
    """Yield a worker per peer, and one for NumPy by hand, whose gradients the others must reproduce."""
    with ExitStack() as stack:
        yield {peer: stack.enter_context(Worker(peer, threads)) for peer in dict.fromkeys(("by-hand", *peers))}


def compete(workload: Workload, workers: dict[str, Worker], turns: int, seconds: float) -> list[Row]:
    """Time one workload with all workers, except those whose gradients are wrong."""
    rows: dict[str, Row] = {}
    reference = None
    for peer, worker in workers.items():
        try:
            built = worker.ask("build", workload=asdict(workload))
            computed = gradients(worker)
        except Failed as reason:
            print(f"    {PEERS[peer].label}: {reason}")
            continue
        reference = reference or computed
        error = None if computed is None else distance(computed, reference)
        if error is not None and not error < TOLERANCE:
            print(f"    {PEERS[peer].label} is not timed: its gradients differ by {error:.1e} of the largest")
            continue
        rows[peer] = {"peer": peer, "error": error, **built}
    times: dict[str, list[float]] = {peer: [] for peer in rows}
    for _ in range(turns):
        for peer in list(times):
            try:
                times[peer] += workers[peer].ask("measure", seconds=seconds)
            except Failed as reason:
                print(f"    {PEERS[peer].label}: {reason}")
                del times[peer]
    return [rows[peer] | spread(times[peer]) for peer in PEERS if peer in times]


def spread(times: list[float]) -> Row:
    """Return the median and the middle 80 % of the times."""
    tenths = statistics.quantiles(times, n=10)
    return {"median_us": statistics.median(times), "low_us": tenths[0], "high_us": tenths[-1]}


def gradients(worker: Worker) -> list[Any] | None:
    """Return the gradients of a worker's first step; None if it cannot give them."""
    path = worker.ask("gradients")
    if path is None:
        return None
    with np.load(path) as arrays:
        values = list(arrays.values())
    Path(path).unlink()
    return values


def distance(computed: list[Any], expected: list[Any]) -> float:
    """Return the largest difference, relative to the largest gradient."""
    largest = max(np.abs(array).max() for array in expected)
    return float(max(np.abs(a - b).max() for a, b in zip(computed, expected, strict=True)) / largest)


GROWTH = {                                                          # 64 inputs, ReLU, 10 classes
    "width": lambda n: mlp(f"2 layers of {n}", 64, n, 2, 10, "relu", 32),
    "depth": lambda n: mlp(f"{n} layers of 32", 64, 32, n, 10, "relu", 32),
    "batch": lambda n: mlp(f"batches of {n}", 64, 64, 2, 10, "relu", n)}
SIZES = {"width": (8, 16, 32, 64, 128, 256, 512, 1024), "depth": (1, 2, 4, 8, 16, 32),
         "batch": (1, 4, 16, 64, 256, 1024)}


def growth(peers: Sequence[str], threads: Sequence[int], quick: bool) -> list[Row]:
    """Measure the time of a step as the width, the depth and the batch grow."""
    rows = []
    for count in threads:
        with team(peers, count) as workers:
            for what, make in GROWTH.items():
                for size in SIZES[what][::3] if quick else SIZES[what]:
                    timed = compete(make(size), workers, 2, 0.1 if quick else 0.25)
                    rows += [{"grows": what, "size": size, "threads": count, "peer": row["peer"], "median_us": row["median_us"]}
                             for row in timed]
                    print(f"    {what} {size}, {count} thread{'s' * (count > 1)}: "
                          + ", ".join(f"{PEERS[row['peer']].label} {row['median_us']:.0f} us" for row in timed), flush=True)
    return rows


def crossovers(rows: list[Row]) -> list[Row]:
    """Return the size from which on each peer is faster than retroprop, or None."""
    times = {(row["grows"], row["threads"], row["size"], row["peer"]): row["median_us"] for row in rows}
    found = []
    for grows, threads, peer in dict.fromkeys((row["grows"], row["threads"], row["peer"]) for row in rows):
        if peer in OURS:
            continue
        sizes = sorted({size for g, t, size, p in times if (g, t, p) == (grows, threads, peer)
                        and (g, t, size, "retroprop") in times})
        faster = [times[grows, threads, size, peer] < times[grows, threads, size, "retroprop"] for size in sizes]
        first = next((size for k, size in enumerate(sizes) if all(faster[k:])), None)
        found.append({"grows": grows, "threads": threads, "peer": peer, "faster_from": first})
    return found


def whole_jobs(libraries: Collection[str], quick: bool) -> dict[str, Row]:
    """Time the default comparison by each library: the median of three runs, in turns."""
    runs = [experiment(libraries, quick) for _ in range(1 if quick else 3)]
    return {name: row | {"seconds": statistics.median(run[name]["seconds"] for run in runs)} for name, row in runs[0].items()}


def imports(quick: bool) -> list[Row]:
    """Measure the milliseconds that an import adds to the start of Python, in turns."""
    modules = [module for module in IMPORTS if run_python(f"import {module}") is not None]
    times: dict[str, list[float]] = {module: [] for module in ("", *modules)}
    for _ in range(3 if quick else 15):
        for module, seconds in times.items():
            seconds.append(run_python(f"import {module}" if module else "pass") or seconds[-1])
    bare = statistics.median(times.pop(""))
    return [{"import": module, "ms": 1000 * (statistics.median(seconds) - bare)} for module, seconds in times.items()]


def run_python(code: str) -> float | None:
    """Return the seconds that a new Python process takes for ``code``; None if it failed."""
    start = time.perf_counter()
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode
    return None if failed else time.perf_counter() - start
