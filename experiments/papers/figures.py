"""What the figures of several papers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ...plots.canvas import COLORS

__all__ = ["COLORS", "band", "grid", "shown"]


def grid(columns: int, rows: int = 1, width: float = 4.2, height: float = 3.2, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row."""
    import matplotlib.pyplot as plt
    figure = plt.figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **shared).ravel())


def band(ax: Axes, x: ArrayLike, rows: ArrayLike, color: Any, label: str, middle: Callable[..., Any] = np.mean,
         **options: Any) -> None:
    """The mean, or another ``middle``, of rows, one a seed, over x, and the range from the least to the largest."""
    values = np.asarray(rows, float)
    if len(values):
        places = np.asarray(x)
        ax.plot(places, middle(values, axis=0), color=color, label=label, **{"lw": 1.8} | options)
        ax.fill_between(places, values.min(0), values.max(0), color=color, alpha=0.18, lw=0)


def shown(ax: Axes, xlabel: str, ylabel: str, title: str | None = None, legend: bool = True) -> None:
    """Labels, a light grid, and a legend where it covers little."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.25)
    if title is not None:
        ax.set_title(title)
    if legend and ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize="small")
