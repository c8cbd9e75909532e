"""Times of several ways to do one thing, taken in turns: what else the machine does then hits all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Microseconds of each, a number a round; each round begins with another one, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(-1, rounds):
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            start = time.perf_counter()
            result = runs[name]()
            if turn >= 0:
                times[name].append(1e6 * (time.perf_counter() - start))
            del result                                              # a result that lives on would take new memory from the next
    return times


def ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    """How many times as long ``one`` takes: the median over the rounds, in each of which both ran."""
    return statistics.median(a / b for a, b in zip(times[one], times[other], strict=True))
