"""What the pages of He et al. and Saxe et al. share: curves over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...plots.canvas import COLORS, MARKERS
from ..lab.dense import error_at
from ..sweeps.trials import Done
from .figures import band


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
