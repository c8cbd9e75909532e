"""Panels: figures with one axes, about as wide as a phone, whose lines have their names beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.7, 3.7                                            # inches
NARROW = 4.3                                                        # of a figure that small phones show as a whole, legibly
GAP = 0.062                                                         # of the height, between names beside lines
GREY = "#55555f"


def panel(width: float = WIDTH, height: float = HEIGHT, **margins: float) -> tuple[Figure, Axes]:
    """A figure with one axes; margins in inches. Without a layout engine, which would draw everything a second time."""
    from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height))
    left, right, bottom, top = ({"left": 0.65, "right": 0.15, "bottom": 0.55, "top": 0.35} | margins).values()
    ax = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))
    ax.spines[["right", "top"]].set_visible(False)
    ax.grid(alpha=0.25)
    return figure, ax


def legend_below(panels: Sequence[Axes], title: str | None = None, **options: Any) -> Figure:
    """Give a figure one legend for its panels, each label once: at the left below them, no wider than a phone.

    At the right of a wide figure it would be outside of what a phone shows. The figure grows by the height of the legend.
    """
    from ...plots.canvas import whole_figure
    handles = {label: handle for ax in panels for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure = whole_figure(panels[0])
    for old in filter(None, (ax.get_legend() for ax in panels)):
        old.remove()
    if handles:
        columns = max(1, min(len(handles), int(NARROW / (0.6 + 0.073 * max(map(len, handles))))))
        lines = -(-len(handles) // columns) + (title.count("\n") + 1 if title else 0)
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + 0.1 + 0.2 * lines)
        figure.legend(list(handles.values()), list(handles), loc="outside lower left", ncols=columns, frameon=False,
                      fontsize=9, title=title, title_fontsize=9, alignment="left", **options)
    return figure


def style(k: int) -> tuple[str, str]:
    """The colour and the marker of an initialization, in all figures."""
    from ...plots.canvas import COLORS, MARKERS
    return COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]


def margin(names: Iterable[str]) -> float:
    """Room for the longest name, in inches."""
    return 0.2 + 0.075 * max((len(name) for name in names), default=0)


def whole_epochs(ax: Axes, most: int = 6) -> None:
    from matplotlib.ticker import MaxNLocator
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=most))


def beside(ax: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write names at the right, each as near to the end of its line as the others allow, with a stroke from line to name."""
    low, high = np.log(ax.get_ylim())
    wanted = [float(np.clip((np.log(value) - low) / (high - low), 0, 1)) if value > 0 else 0.0 for value, *_ in ends]
    order = np.argsort(wanted, kind="stable")
    places = spread_out([wanted[k] for k in order], GAP)
    for k, place in zip(order, places, strict=True):
        _, name, color = ends[k]
        ax.plot([1.005, 1.04], [wanted[k], place], color=color, lw=1, transform=ax.transAxes, clip_on=False)
        ax.annotate(name, (1.05, place), xycoords="axes fraction", va="center", fontsize=9, annotation_clip=False)


def spread_out(wanted: Sequence[float], gap: float) -> list[float]:
    """Places from 0 to 1 with this gap, in order, near those that are wanted.

    >>> [round(place, 2) for place in spread_out([0.1, 0.1, 0.9], 0.2)]
    [0.1, 0.3, 0.9]
    """
    places: list[float] = []
    for value in wanted:
        places.append(max(value, places[-1] + gap) if places else value)
    top = 1.0
    for k in reversed(range(len(places))):
        places[k] = min(places[k], top)
        top = places[k] - gap
    return places
