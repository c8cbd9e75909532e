"""What the figures of several papers share: grids of axes, bands over seeds, learning curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ...plots.canvas import COLORS, MARKERS
from ..lab.trained import error_at
from ..reports.panels import legend_below
from ..sweeps.trials import Done
from .claims import Origin

STYLES = {"yes": ("reproduced", COLORS[0], ""), "NO": ("not reproduced", COLORS[1], "//"),     # of the bars of verdicts
          "inconclusive": ("inconclusive", "0.75", "")}


def grid(columns: int, rows: int = 1, width: float = 4.2, height: float = 3.2, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row."""
    import matplotlib.pyplot as plt
    figure = plt.figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **shared).ravel())


def labelled(ax: Axes, xlabel: str, ylabel: str, title: str | None = None, legend: bool = True) -> None:
    """Labels, a light grid, and a legend where it covers little."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.25)
    if title is not None:
        ax.set_title(title)
    if legend and ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize="small")


def band(ax: Axes, x: ArrayLike, rows: ArrayLike, color: Any, label: str, middle: Callable[..., Any] = np.mean,
         **options: Any) -> None:
    """The mean, or another ``middle``, of rows (one per seed) over x, and a band from the smallest to the largest."""
    values = np.asarray(rows, float)
    if len(values):
        places = np.asarray(x)
        ax.plot(places, middle(values, axis=0), color=color, label=label, **{"lw": 1.8} | options)
        ax.fill_between(places, values.min(0), values.max(0), color=color, alpha=0.18, lw=0)


def median_and_range(ax: Any, x: Sequence[float], rows: Sequence[Sequence[float]], k: int, label: str) -> None:
    """The median over seeds as a line with markers, and from the smallest to the largest as a band; nothing for no rows."""
    band(ax, x, rows, COLORS[k % len(COLORS)], label, np.median, marker=MARKERS[k % len(MARKERS)], ms=4,
         markevery=max(1, len(x) // 12))


def verdicts(counts: Mapping[str, Mapping[Origin, Mapping[str, int]]]) -> Figure:
    """Bars of the claims of each paper by verdict; a panel for each origin of claims. ``counts``: paper, origin, verdict."""
    titles: dict[Origin, str] = {"exact": "mathematics", "paper": "the paper", "independent": "independent\nimplementation",
                                 "project": "this project"}
    judged = {origin: max(sum(each.get(origin, {}).get(verdict, 0) for verdict in STYLES) for each in counts.values())
              for origin in titles}
    shown, most = [origin for origin, count in judged.items() if count], [count for count in judged.values() if count]
    _, panels = grid(len(shown), width=8.6 / len(shown), height=0.42 * len(counts) + 1.1, sharey=True,
                     width_ratios=[max(count, 0.4 * max(most)) for count in most])
    for ax, origin, count in zip(panels, shown, most, strict=True):
        rows = [each.get(origin, {}) for each in counts.values()]
        left = np.zeros(len(rows))
        for verdict, (label, color, hatch) in STYLES.items():
            widths = np.array([each.get(verdict, 0) for each in rows])
            ax.barh(list(counts), widths, left=left, color=color, hatch=hatch, edgecolor="white", label=label)
            left += widths
        for k, (each, end) in enumerate(zip(rows, left, strict=True)):
            if end:
                ax.annotate(f"{each['yes']} of {end:.0f}", (end, k), xytext=(4, 0), textcoords="offset points", va="center")
        ax.set_title(titles[origin], loc="left", fontsize="medium")
        ax.set_xlim(0, max(count, 0.4 * max(most)) + 0.2 * max(most))
        ax.set_xticks([])
        ax.tick_params("y", length=0)
        ax.spines[["top", "right", "bottom"]].set_visible(False)
    panels[0].invert_yaxis()
    return legend_below(panels[:1])


def learning(ax: Any, groups: Mapping[str, Sequence[Done]], first: int = 0) -> None:
    """Test error over steps, one line per group; a diverged run counts as an error of 1."""
    for k, (label, runs) in enumerate(groups.items(), first):
        at = list(runs[0].trial.settings["at"]) if runs else []
        rows = [[100 * error_at(step)(one.result) for step in at] for one in runs]
        median_and_range(ax, at, rows, k, label)
    ax.set(xlabel="steps", ylabel="test error, %", ylim=(0, 100))
    ax.grid(alpha=0.25)
