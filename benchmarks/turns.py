"""Timing by turns: in each round every function runs once, so that other load on the machine affects all of them alike.

Ratios are taken within a round: a machine that is slower for a while is so for both times of a ratio.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

Times = dict[str, list[float]]                                      # microseconds, one number per round


class Spread(NamedTuple):
    """The median of some numbers, and the limits of their middle 80 %."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread:
        numbers = list(numbers)
        tenths = statistics.quantiles(numbers, n=10, method="inclusive") if len(numbers) > 1 else numbers
        return cls(statistics.median(numbers), tenths[0], tenths[-1])


def in_turns(runs: Mapping[str, Callable[[], float]], rounds: int, seconds: float = 600, least: int = 3) -> Times:
    """Return the numbers that the functions give, one per round; rounds begin with different functions.

    A first round is not counted. The last one is the one after which the ``seconds`` are over, but not before the ``least``.
    """
    times: Times = {name: [] for name in runs}
    names, end = list(runs), time.perf_counter() + seconds
    for turn in range(-1, rounds):
        if turn >= least and time.perf_counter() > end:
            break
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            taken = runs[name]()
            if turn >= 0:
                times[name].append(taken)
    return times


def timed(function: Callable[[], object]) -> Callable[[], float]:
    """Return a function that runs another one and returns the microseconds."""
    def run() -> float:
        start = time.perf_counter()
        result = function()
        taken = 1e6 * (time.perf_counter() - start)
        del result                                                  # else the next call could not reuse its memory
        return taken

    return run


def ratio(times: Times, name: str, reference: str) -> Spread:
    """Return the time of ``name`` relative to that of ``reference``, of the ratios of each round."""
    return Spread.of(a / b for a, b in zip(times[name], times[reference], strict=True))
