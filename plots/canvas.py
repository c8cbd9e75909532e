"""What all images share: colours, panels, legends beside the data, files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ..arguments import Array
from ..errors import ArgumentError

# Okabe & Ito's colours, which colour-blind readers can tell apart, without yellow; then three of Tol's.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#332288")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
PANEL = (6.4, 3.75)                                                 # inches, a legend at the right included
UNDATED: dict[str, dict[str, None]] = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
T = TypeVar("T")


def axes(ax: Axes | None, title: str | None = None, size: tuple[float, float] = PANEL) -> Axes:
    """``ax``, or the axes of a new figure; with the title."""
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    if title is not None:
        ax.set_title(title)
    return ax


def panels(figure: Figure | SubFigure | None, titles: Collection[str], xlabel: str, size: tuple[float, float],
           title: str | None) -> tuple[Figure | SubFigure, list[Axes]]:
    """One axes a title, side by side, with common scales, in ``figure`` or a new one; at most four in a row."""
    count, (width, height) = len(titles), size
    rows = -(-count // 4)
    columns = -(-count // rows)
    if figure is None:
        figure = plt.figure(figsize=(width * columns + 0.9, height * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in grid[count:]:
        ax.set_visible(False)
    for ax, name in zip(grid, titles, strict=False):
        ax.set_title(name)
    for ax in grid[:count]:
        ax.tick_params(labelbottom=True)
    for ax in grid[max(0, count - columns):count]:                  # the lowest of each column
        ax.set_xlabel(xlabel)
    if title is not None:
        figure.suptitle(title)
    return figure, list(grid[:count])


def shades(count: int) -> Array:
    """Colours in an order that the eye follows, from dark to light but for the yellow end."""
    return np.asarray(mpl.colormaps["viridis"](np.linspace(0, 0.88, count)))


def legend(ax: Axes, **options: Any) -> None:
    """To the right of the axes, where it covers nothing; no legend where nothing has a label."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, **options)


def labelled(name: str, value: Any, alone: type | tuple[type, ...]) -> dict[str, Any]:
    """``value`` as a non-empty dict of labels; one of type ``alone`` gets the label ``""``."""
    items = dict(value) if isinstance(value, Mapping) else {"": value} if isinstance(value, alone) else {}
    if not items:
        raise ArgumentError(f"{name} must hold at least one labelled entry, got {value!r}")
    return items


def save(figure: Figure | Axes, folder: str | Path, name: str, dpi: int = 150) -> tuple[Path, Path]:
    """Write ``name.png`` and ``name.svg`` into ``folder``, which is made if need be. The same image, the same bytes.

    Parameters
    ----------
    figure : Figure or Axes
        Axes stand for the figure that they are in.
    folder : path
    name : str
    dpi : int, default 150
        Of the PNG.

    Returns
    -------
    png, svg : Path
    """
    png, svg = (Path(folder) / f"{name}.{kind}" for kind in ("png", "svg"))
    return write(figure, png, dpi), write(figure, svg)


def write(figure: Figure | Axes, path: str | Path, dpi: int = 150) -> Path:
    """Write one file; its folder is made if need be. The same image, the same bytes.

    Parameters
    ----------
    figure : Figure or Axes
        Axes stand for the figure that they are in.
    path : path
        Ends in .png or .svg.
    dpi : int, default 150
        Of a PNG.

    Returns
    -------
    Path
    """
    whole = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    if not isinstance(whole, Figure):
        raise ArgumentError(f"save: figure must be a Figure or Axes, got {figure!r}")
    path = Path(path)
    if path.suffix.lower() not in UNDATED:
        raise ArgumentError(f"path must end in {' or '.join(UNDATED)}, got {str(path)!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "retroprop"}):
        whole.savefig(path, dpi=dpi, bbox_inches="tight", metadata=UNDATED[path.suffix.lower()])
    return path
