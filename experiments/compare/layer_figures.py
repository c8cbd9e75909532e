"""Figures of the layers of a comparison: histograms before and after training, and saturation by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ..reports.panels import GREY, WIDTH, margin, panel, whole_epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 60
LAYERS = 8                                                          # that are shown of one initialization
COLUMNS = 2                                                         # of small panels, which a phone then shows large enough
GAP = 0.6                                                           # between initializations, in rows
TALLEST = 0.86                                                      # of a row, which the highest bin takes


class Histogram(NamedTuple):
    """One layer, counted from 1: the height of each bin, the standard deviation, and the share of zeros that are not drawn."""

    layer: int
    heights: Array
    std: float
    zeros: float


def histograms(layers: Mapping[str, Sequence[LayerStatistics]], what: str,
               log: bool) -> tuple[Array, dict[str, list[Histogram]]]:
    """The edges of bins and, for each initialization, a histogram of each hidden layer; plain numbers, and few.

    ``what`` is "activation" or "gradient". Of many layers, some are shown, the first and the last among them. With ``log``,
    bins of magnitudes are equally wide on a logarithmic axis; the smallest hundredth of a layer may be cut off.
    """
    of = hidden_activations if what == "activation" else preactivations
    arrays = {init: [(k + 1, np.ravel(getattr(of(found)[k], what))) for k in evenly(len(of(found)), LAYERS)]
              for init, found in layers.items()}
    drawn = [np.abs(a[a != 0]) if log else a for group in arrays.values() for _, a in group]
    drawn = [a for a in drawn if a.size]
    low = min((float(np.quantile(a, 0.01)) if log else float(a.min()) for a in drawn), default=0.1)
    high = max((float(a.max()) for a in drawn), default=1.0)
    if log:
        edges = np.geomspace(low, 1.001 * high, BINS + 1)
    else:
        edges = np.linspace(low, high, BINS + 1) if low < high else np.linspace(low - 0.5, high + 0.5, BINS + 1)
    return edges, {init: [histogram(k, a, edges, log) for k, a in group] for init, group in arrays.items()}


def histogram(layer: int, a: Array, edges: Array, log: bool) -> Histogram:
    zeros = a == 0 if log else np.zeros(a.shape, bool)
    heights = np.histogram(np.abs(a[~zeros]) if log else a, edges)[0]
    return Histogram(layer, heights, float(a.std(dtype=float)), float(zeros.mean()))


def evenly(count: int, most: int) -> list[int]:
    """Up to ``most`` of the numbers from 0 to ``count`` - 1, evenly spaced, the first and the last among them.

    >>> evenly(3, 8), evenly(30, 4)
    ([0, 1, 2], [0, 10, 19, 29])
    """
    return sorted({round(k) for k in np.linspace(0, count - 1, min(count, most))})


def layers(edges: Array, groups: Mapping[str, Sequence[Histogram]], xlabel: str, title: str, log: bool) -> Figure:
    """The histograms of the layers of each initialization, the first layer at the top, all on one axis.

    At the right stand the standard deviation of each and, with ``log``, the share of zeros.
    """
    from matplotlib.patches import StepPatch
    rows = sum(len(group) for group in groups.values()) + GAP * (len(groups) - 1)
    figure, ax = panel(height=0.19 * rows + 0.95, left=0.1 + margin(groups), right=1.15 if log else 0.55)
    base, labels = rows, []
    for name, group in groups.items():
        ax.annotate(name, (-0.08, base - len(group) / 2), xycoords=("axes fraction", "data"), ha="right", va="center",
                    fontsize=10)
        for one, color in zip(group, shades(len(group)), strict=True):
            base -= 1
            heights = base + TALLEST * one.heights / max(one.heights.max(), 1)
            # ax.stairs would also look for the limits, which are known here; that takes longer than to draw.
            ax.add_artist(StepPatch(heights, edges, baseline=base, fill=True, color=color, alpha=0.8, lw=0))
            labels.append((base + TALLEST / 2, one))
        base -= GAP
    columns = [(0.02, "std", [f"{one.std:.2g}" for _, one in labels])]
    if log:
        columns.append((0.3, "are 0", [percent(one.zeros) if one.zeros else "" for _, one in labels]))
    for x, head, cells in columns:
        ax.annotate(head, (1 + x, rows + 0.15), xycoords=("axes fraction", "data"), va="bottom", fontsize=9, color=GREY)
        for (y, _), cell in zip(labels, cells, strict=True):
            ax.annotate(cell, (1 + x, y), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(-0.1, rows + 0.1), xscale="log" if log else "linear", xlabel=xlabel)
    ax.set_yticks([y for y, _ in labels], [f"{one.layer}" for _, one in labels], fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_title(title, loc="left", pad=14)
    if log:
        powers_of_ten(ax)
    return figure


def powers_of_ten(ax: Axes) -> None:
    """Few ticks, as plain text: mathematical text takes long to lay out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
    ax.xaxis.set_major_locator(LogLocator(numticks=5))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")))


def saturation(shares: Mapping[str, Array], title: str) -> Figure:
    """For each initialization, the share of inactive units of each layer by epoch, an array of shape (epochs + 1, layers)."""
    figure, panels = grid(shares, 1.05, title, left=0.55, between=0.25, right=0.75)
    for ax, (name, table) in zip(panels, shares.items(), strict=True):
        ax.set_title(name, fontsize=10, loc="left")
        shown = evenly(table.shape[1], LAYERS)
        for place, (k, color) in enumerate(zip(shown, shades(len(shown)), strict=True), 1):
            ax.plot(100 * table[:, k], color=color, lw=1.2 + 2.4 * (1 - place / len(shown)), label=f"layer {k + 1}")
        ax.set(ylim=(-3, 103), yticks=(0, 50, 100))
        whole_epochs(ax, 4)
        ax.tick_params(labelsize=9)
        ax.grid(alpha=0.25)
        ax.spines[["right", "top"]].set_visible(False)
    for ax in panels[::COLUMNS]:
        ax.set_ylabel("units, %", fontsize=9)
    for ax in panels[-COLUMNS:]:
        ax.set_xlabel("epoch", fontsize=9)
    handles = max((ax.get_legend_handles_labels()[0] for ax in panels), key=len)
    figure.legend(handles=handles, loc="center right", frameon=False, fontsize=9, handlelength=1.2, borderaxespad=0)
    return figure


def grid(names: Mapping[str, Any], height: float, title: str, left: float, between: float,
         right: float) -> tuple[Figure, list[Axes]]:
    """A figure with a small panel for each name, in columns; all lengths in inches."""
    from matplotlib.figure import Figure
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    below, above, head = 0.4, 0.32, 0.3
    total = head + rows * (height + above) + (rows - 1) * 0.25 + below
    width = (WIDTH - left - right - between * (columns - 1)) / columns
    figure, panels = Figure(figsize=(WIDTH, total)), []
    for k in range(len(names)):
        row, column = divmod(k, columns)
        bottom = total - head - (row + 1) * (height + above) - row * 0.25
        at = left + column * (width + between)
        panels.append(figure.add_axes((at / WIDTH, bottom / total, width / WIDTH, height / total)))
    figure.text(0.02, 1 - 0.06 / total, title, va="top", fontsize=12)
    return figure, panels


def shades(count: int) -> Any:
    from ...plots.canvas import shades as colors
    return colors(count)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"
