"""Timing of several functions in turns, so that other load on the machine affects all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each function, one number per round. Rounds begin with different functions.

    A first round is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(-1, rounds):
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            start = time.perf_counter()
            result = runs[name]()
            if turn >= 0:
                times[name].append(1e6 * (time.perf_counter() - start))
            del result                                              # else the next call could not reuse its memory
    return times


def ratio(times: dict[str, list[float]], name: str, reference: str) -> float:
    """Return the time of ``name`` relative to that of ``reference``: the median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(times[name], times[reference], strict=True))
