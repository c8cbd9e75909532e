"""Threads, on an idle machine and beside two busy processes: retroprop as it starts, on one thread, and on all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from joblib import cpu_count

from ..contest import prepared, summary, team, timed_by_turns
from ..settings import Settings
from ..tables import Row, by_case, columns, microseconds, multiple, table
from ..workloads import WORKLOADS, Workload

PROCESSES = 2


class Way(NamedTuple):
    label: str
    peer: str
    threads: int | None                                             # None: as the library chooses


WAYS = {"retroprop": Way("retroprop", "retroprop", None), "one": Way("retroprop, 1 thread", "retroprop", 1),
        "all": Way("retroprop, all threads", "retroprop", cpu_count()), "torch": Way("PyTorch", "torch", None),
        "torch-one": Way("PyTorch, 1 thread", "torch", 1)}
NETWORKS = {workload.name: workload for workload in (
    *(WORKLOADS[name] for name in ("W3", "W4-10", "W4-128", "W5", "W6")),
    Workload("digits", (1, 8, 8), (("conv", 16), "relu", ("conv", 32), "relu", "pool", "dropout", "flatten", 10), 32))}


def measure(settings: Settings) -> list[Row]:
    """Time the step of ``fit``. Ratios are to the better of one and all threads; PyTorch's are to retroprop as it starts."""
    rows = []
    for name in ("W3", "digits") if settings.quick else NETWORKS:
        with team({way: (peer, threads) for way, (_, peer, threads) in WAYS.items() if peer in settings.peers}) as workers:
            ready = prepared(NETWORKS[name], workers)
            for busy in (0, PROCESSES):
                with processes(busy):
                    times = timed_by_turns(workers, ready, settings.pace)
                times["better"] = [min(pair) for pair in zip(times["one"], times["all"], strict=True)]
                found = [{"workload": name, "busy": busy, "way": way, **summary(times, way, base(way))} for way in ready]
                print(f"    {name} beside {busy} busy processes: " + ", ".join(
                    f"{WAYS[row['way']].label} {microseconds(row)} us" for row in found)
                    + f"; retroprop / the better of 1 and all {multiple(found[0]['ratio'])}", flush=True)
                rows += found
    return rows


def base(way: str) -> str:
    return "retroprop" if WAYS[way].peer == "torch" else "better"


@contextmanager
def processes(count: int) -> Iterator[None]:
    """Keep as many processes busy with a loop of plain Python."""
    with ExitStack() as stack:
        for _ in range(count):
            loop = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(loop.kill)
        yield


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    ways = columns(rows, WAYS, "way")
    return {"busy": table(
        ["Microseconds a step", *(WAYS[way].label for way in ways), "retroprop / the better of 1 and all"],
        ([f"{name}, {f'beside {busy} busy processes' if busy else 'idle'}", *(microseconds(found.get(way)) for way in ways),
          multiple(found["retroprop"]["ratio"])]
         for (name, busy), found in by_case(rows, ("workload", "busy"), "way").items()))}
