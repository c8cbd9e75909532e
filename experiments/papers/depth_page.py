"""What the pages of He et al., Saxe et al., and Mishkin & Matas share: runs matched by seed, and curves over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...plots.canvas import COLORS, MARKERS
from ..statistics import estimate
from ..sweep import Done, Result
from .dense import error_at
from .figures import band

Pick = Callable[[Result], float]


def matched(pick: Pick, *groups: Sequence[Done]) -> list[list[float]]:
    """A number of each run of each group, of those seeds that ended in all groups."""
    found = [{one.trial.settings["seed"]: float(pick(one.result)) for one in group} for group in groups]
    seeds = sorted(set.intersection(*map(set, found))) if found else []
    return [[values[seed] for seed in seeds] for values in found]


def median_and_range(ax: Any, x: Sequence[float], rows: Sequence[Sequence[float]], k: int, label: str) -> None:
    """The median over seeds as a line with marks, and from the smallest to the largest as a band; nothing for no rows."""
    band(ax, x, rows, COLORS[k % len(COLORS)], label, np.median, marker=MARKERS[k % len(MARKERS)], ms=4,
         markevery=max(1, len(x) // 12))


def learning(ax: Any, groups: Mapping[str, Sequence[Done]], first: int = 0) -> None:
    """Test error over steps, a line a group; a run that diverged counts as an error of 1."""
    for k, (label, runs) in enumerate(groups.items(), first):
        at = list(runs[0].trial.settings["at"]) if runs else []
        rows = [[100 * error_at(step)(one.result) for step in at] for one in runs]
        median_and_range(ax, at, rows, k, label)
    ax.set(xlabel="steps", ylabel="test error, %", ylim=(0, 100))
    ax.grid(alpha=0.25)


def bars(ax: Any, groups: Mapping[str, Sequence[float]], unit: str = "%") -> None:
    """Means over seeds with 95 % intervals, one bar a group; each seed a dot."""
    for k, (label, values) in enumerate(groups.items()):
        if not values:
            continue
        found, factor = estimate(values), 100 if unit == "%" else 1
        half = 0.0 if np.isnan(found.half) else factor * found.half
        ax.bar(k, factor * found.mean, color=COLORS[k % len(COLORS)], alpha=0.75, width=0.65, label=label)
        ax.errorbar(k, factor * found.mean, half, color="black", capsize=4, lw=1.2)
        ax.plot([k] * len(values), [factor * value for value in values], ".", color="black", ms=4)
    ax.set_xticks(range(len(groups)), list(groups), rotation=20, ha="right")
    ax.grid(alpha=0.25, axis="y")
