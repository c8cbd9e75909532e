"""What all figures share: colours, new figures and axes, panels, legends, files."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from .. import files
from ..arguments import Array
from ..errors import ArgumentError

# The colours of Okabe & Ito, which colour-blind readers can distinguish, without yellow; then three of Tol's.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#332288")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
PANEL = (6.4, 3.75)                                                 # inches, including a legend at the right
UNDATED: dict[str, dict[str, None]] = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
AnyFigure = Figure | SubFigure


def new_figure(size: tuple[float, float]) -> Figure:
    """Return a new figure of this size, in inches, that a notebook shows."""
    from matplotlib.pyplot import figure  # figures that nobody is shown do without
    return figure(figsize=size, layout="constrained")


def close(figure: Figure) -> None:
    """Let go of a figure, if pyplot holds it."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


def axes(ax: Axes | None, title: str | None = None, size: tuple[float, float] = PANEL) -> Axes:
    """Return ``ax`` or the axes of a new figure, with the title."""
    if ax is None:
        ax = new_figure(size).subplots()
    if title is not None:
        ax.set_title(title)
    return ax


def canvas(figure: AnyFigure | None, size: tuple[float, float], title: str | None) -> AnyFigure:
    """Return ``figure`` or a new one of this size, in inches, with the title."""
    if figure is None:
        figure = new_figure(size)
    if title is not None:
        figure.suptitle(title)
    return figure


def panels(figure: AnyFigure | None, titles: Collection[str], xlabel: str, size: tuple[float, float],
           title: str | None) -> tuple[AnyFigure, list[Axes]]:
    """Return a figure with one axes per title, side by side, on common scales; at most four in a row."""
    count, (width, height) = len(titles), size
    rows = -(-count // 4)
    columns = -(-count // rows)
    figure = canvas(figure, (width * columns + 0.9, height * rows + 0.4), title)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in grid[count:]:
        ax.set_visible(False)
    for ax, name in zip(grid, titles, strict=False):
        ax.set_title(name)
    for ax in grid[:count]:
        ax.tick_params(labelbottom=True)
    for ax in grid[max(0, count - columns):count]:                  # the lowest of each column
        ax.set_xlabel(xlabel)
    return figure, list(grid[:count])


def shades(count: int) -> Array:
    """Return colours from dark to light, for lines that have an order."""
    return np.asarray(mpl.colormaps["viridis"](np.linspace(0, 0.88, count)))


def legend(ax: Axes, **options: Any) -> None:
    """Draw a legend to the right of the axes, where it covers nothing; none if nothing has a label."""
    if options.get("handles") or ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, **options)


def labelled(name: str, value: Any, alone: type | tuple[type, ...]) -> dict[str, Any]:
    """Return ``value`` as a non-empty dict by label; a single value, of type ``alone``, gets the label ``""``."""
    items = dict(value) if isinstance(value, Mapping) else {"": value} if isinstance(value, alone) else {}
    if not items:
        raise ArgumentError(f"{name} must hold at least one labelled entry, got {value!r}")
    return items


def save(figure: Figure | Axes, folder: str | Path, name: str, dpi: int = 150) -> tuple[Path, Path]:
    """Write ``name.png`` and ``name.svg`` into ``folder``, and create the folder if needed. Equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure or Axes
        If Axes, their whole figure is written.
    folder : path
    name : str
    dpi : int, default 150
        Resolution of the PNG.

    Returns
    -------
    png, svg : Path
    """
    png, svg = paths = [Path(folder) / f"{name}.{kind[1:]}" for kind in UNDATED]
    write_files(figure, paths, dpi)
    return png, svg


def whole_figure(figure: Any) -> Any:
    """Return the Figure that Axes are drawn on, also through subfigures; anything else as it is."""
    return figure.figure.figure if isinstance(figure, Axes) else figure      # get_figure(root=True) came with matplotlib 3.10


def write(figure: Figure | Axes, path: str | Path, dpi: int = 150) -> Path:
    """Write one file, and create its folder if needed. Equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure or Axes
        If Axes, their whole figure is written.
    path : path
        Ends in .png or .svg.
    dpi : int, default 150
        Resolution of a PNG.

    Returns
    -------
    Path
    """
    path = Path(path)
    if path.suffix.lower() not in UNDATED:
        raise ArgumentError(f"path must end in {' or '.join(UNDATED)}, got {str(path)!r}")
    write_files(figure, [path], dpi)
    return path


def write_files(figure: Figure | Axes, paths: Sequence[Path], dpi: int) -> None:
    """Write a figure to files of several formats."""
    whole = whole_figure(figure)
    if not isinstance(whole, Figure):
        raise ArgumentError(f"save: figure must be a Figure or Axes, got {figure!r}")
    for path, content in zip(paths, render(whole, [path.suffix.lower() for path in paths], dpi), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, content)


def render(figure: Figure, kinds: Sequence[str], dpi: int = 150, frame: float | None = None) -> list[bytes]:
    """Return the content of a file of each kind, ".png" or ".svg". The layout, half of the work, is computed once.

    The files hold what is drawn; with ``frame`` the figure and so many inches around it, without measuring what is drawn.
    """
    engine, resolution, contents = figure.get_layout_engine(), figure.dpi, []
    with mpl.rc_context({"svg.hashsalt": "retroprop", "figure.autolayout": False, "figure.constrained_layout.use": False}):
        try:
            figure.dpi = dpi
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine(None)
            box = (figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"]) if frame is None else
                   figure.bbox_inches.padded(frame))
            for kind in kinds:
                content = io.BytesIO()
                figure.savefig(content, format=kind[1:], dpi=dpi, bbox_inches=box, metadata=UNDATED[kind])
                contents.append(content.getvalue())
        finally:
            figure.dpi = resolution
            if engine is not None:
                figure.set_layout_engine(engine)
    return contents
