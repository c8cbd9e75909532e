"""Several worker processes with the same work: their values are compared, then they are timed by turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .peers import PEERS
from .settings import Pace
from .tables import Row, relative
from .turns import Spread, Times, in_turns, ratio
from .workers import Failed, Worker
from .workloads import Workload

TOLERANCE = 1e-4                                                    # of a value, relative to the largest


@contextmanager
def team(members: Mapping[str, tuple[str, int | None]]) -> Iterator[dict[str, Worker]]:
    """Yield workers by name; each member is a peer and its number of threads."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Worker(*member)) for name, member in members.items()}


def with_threads(peers: Iterable[str], count: int) -> dict[str, tuple[str, int | None]]:
    """Return the members of a team in which all have the same number of threads."""
    return {peer: (peer, count) for peer in peers}


def prepared(workload: Workload, workers: Mapping[str, Worker]) -> dict[str, Row]:
    """Build a workload in all workers; return a row for each that can do it, with its memory.

    The values of the first that has any are right: a worker with others gets no row.
    """
    rows: dict[str, Row] = {}
    reference = None
    for name, worker in workers.items():
        label = PEERS[worker.peer].label
        try:
            built = worker.ask("build", workload=asdict(workload))
            computed = values(worker)
        except Failed as reason:
            if PEERS[worker.peer].needs == "retroprop":
                raise
            print(f"    {label}: {reason}")
            continue
        reference = reference or computed
        error = None if computed is None else distance(computed, reference)
        if error is not None and not error < TOLERANCE:
            print(f"    {label} is not timed: its values differ by {error:.1e} of the largest")
            continue
        rows[name] = {"error": error, **built}
    return rows


def timed_by_turns(workers: Mapping[str, Worker], names: Iterable[str], pace: Pace) -> Times:
    """Return the microseconds of a step of each of these workers, one number per round."""
    turns = {name: partial(workers[name].ask, "measure", seconds=pace.turn) for name in names}
    return in_turns(turns, pace.rounds, pace.seconds)


def compete(workload: Workload, workers: Mapping[str, Worker], bases: Mapping[str, str], pace: Pace) -> list[Row]:
    """Time one workload with all workers; the ratio of each is to the time of its base in the same round."""
    rows = prepared(workload, workers)
    times = timed_by_turns(workers, rows, pace)
    return [{"peer": name, **rows[name], **summary(times, name, bases[name])} for name in rows]


def summary(times: Times, name: str, base: str) -> Row:
    """Return the median time and its ratio to that of ``base``, with the limits of their middle 80 %."""
    found = {"us": Spread.of(times[name])} | ({"ratio": ratio(times, name, base)} if base in times else {})
    return {key: spread._asdict() for key, spread in found.items()}


def values(worker: Worker) -> list[Any] | None:
    """Return what a worker's first step computed; None if it has nothing to compare."""
    path = worker.ask("values")
    if path is None:
        return None
    with np.load(path) as arrays:
        loaded = list(arrays.values())
    Path(path).unlink()
    return loaded


def distance(computed: list[Any], expected: list[Any]) -> float:
    """Return the largest difference, relative to the largest value."""
    largest = max(np.abs(array).max() for array in expected)
    return float(max(np.abs(a - b).max() for a, b in zip(computed, expected, strict=True)) / largest)


def show(rows: Iterable[Row]) -> None:
    """Print the rows of a contest."""
    for row in rows:
        error = "" if row["error"] is None else f"   values {row['error']:.0e}"
        memory = "" if row["memory_mb"] is None else f"{row['memory_mb']:7.1f} MB"
        print(f"    {PEERS[row['peer']].label:30}{row['us']['median']:10.1f} us  {relative(row):20}{memory}{error}",
              flush=True)
