"""Times of several ways to do one thing, taken in turns: what else the machine does then hits all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def medians(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Microseconds of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            result = run()
            times[name].append(1e6 * (time.perf_counter() - start))
            del result                                              # a result that lives on would take new memory from the next
    return {name: statistics.median(found) for name, found in times.items()}
