"""Learning curves, also while training goes on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..arguments import Array, as_floating, in_a_line, positive_int
from ..errors import ArgumentError
from ..training.callbacks import Callback, Run
from ..training.history import History
from ..training.watching.live import Budget, Place, Rows, notebook
from .canvas import COLORS, DASHES, PANEL, axes, legend, render

Columns = Mapping[str, Sequence[float]]
SCREEN, SHARP = 96, 2                                               # pixels in an inch of a notebook; in one of these


class LiveView(Callback):
    """Show the numbers of ``fit`` while it trains: a table that grows and, on request, curves.

    In a notebook the table and the curves stand below the cell, and are drawn again after an epoch if all drawing so far, and
    this one, take at most a tenth of the time of the run; and once at its end. Elsewhere each epoch is a row on standard
    output, and there are no curves. Without standard output nothing is shown.

    Parameters
    ----------
    curves : bool or sequence of str, default False
        Whether to draw curves, of ``cost`` and ``validation_cost``; or the columns of which to draw them.
    every : int, default 1
        Show each ``every``-th epoch, and the last one. In a notebook, the table has all epochs.

    Notes
    -----
    Columns that other callbacks add must be added by callbacks that stand before this one.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 2, rng=0))
    >>> history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.5), rp.datasets.moons(60, rng=0), epochs=3,
    ...                  rng=0, callbacks=[rp.LiveView(every=2)])  # doctest: +ELLIPSIS
         epoch        cost     seconds
             2  ...
             3  ...
    """

    def __init__(self, curves: bool | Sequence[str] = False, every: int = 1) -> None:
        if not isinstance(curves, bool) and not (
                isinstance(curves, (list, tuple)) and all(isinstance(name, str) for name in curves)):
            raise ArgumentError(f"LiveView: curves must be True, False or a list of columns, got {in_a_line(curves)}")
        self.curves, self.every = curves, positive_int("every", every)

    def before_training(self, run: Run) -> None:
        display = notebook()
        self.shown: tuple[int, str | None] = len(run.history.get("epoch", ())), ""
        self.rows, self.budget = Rows(), Budget()
        self.places = None if display is None else [Place(display) for _ in range(2 if self.curves else 1)]

    def after_epoch(self, run: Run) -> None:
        if run.epoch % self.every == 0:
            self.show(run.history, last=False)

    def after_training(self, run: Run) -> None:
        self.show(run.history, last=True)

    def after_divergence(self, run: Run) -> str | None:
        self.show(run.history, last=True)
        return None

    def show(self, history: History, last: bool) -> None:
        """Show the last epoch, unless it is shown, or there is no time to draw."""
        state = len(history.get("epoch", ())), history.stopped
        if self.places is None:
            if state[0] > self.shown[0]:
                self.shown = state
                self.rows.print(history)
        elif state[0] and state != self.shown and (last or self.budget.allows()):
            self.shown = state
            with self.budget.drawing():
                table, *curves = self.places
                table.put({"text/html": history._repr_html_(), "text/plain": str(history)})
                for place in curves:
                    draw(history, self.curves, place)


def draw(history: History, columns: bool | Sequence[str], place: Place) -> None:
    """Draw those of the columns that have an entry for each epoch, as a notebook takes an image."""
    wanted = ("cost", "validation_cost") if isinstance(columns, bool) else columns
    there = [name for name in wanted if len(history.get(name, ())) == len(history["epoch"])]
    if there:
        figure = Figure(figsize=PANEL, layout="constrained")        # not one of pyplot's, which the cell would show once more
        learning_curves(history, there, ax=figure.subplots())
        image = render(figure, [".png"], SHARP * SCREEN)[0]
        width = int.from_bytes(image[16:20], "big") // SHARP
        place.put({"image/png": b64encode(image).decode(), "text/plain": "learning curves"}, {"image/png": {"width": width}})


def learning_curves(history: Columns, columns: Sequence[str] | None = None, *, title: str | None = None,
                    ax: Axes | None = None) -> Axes:
    """Draw columns of a history by epoch.

    Parameters
    ----------
    history : History or mapping of column names to sequences of numbers
        One entry per epoch; the epochs are those of the column ``epoch``, or 1, 2, ...
    columns : sequence of str, optional
        By default ``cost``, and ``validation_cost`` if it exists.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        The lowest validation cost, after which the network overfits, has a marker.
    """
    if columns is None:
        columns = [name for name in ("cost", "validation_cost") if name in history]
    if not columns:
        raise ArgumentError(f"learning_curves: columns must name at least one column; history has {listed(history)}")
    ax = axes(ax, title)
    for k, name in enumerate(columns):
        epochs, values = curve("learning_curves", history, name)
        color = COLORS[k % len(COLORS)]
        line(ax, epochs, values, DASHES[k % len(DASHES)], color, spoken(name))
        if name == "validation_cost" and np.isfinite(values).any():
            best = int(np.nanargmin(values))
            ax.plot(epochs[best], values[best], "o", color=color,
                    label=f"lowest, {values[best]:.3g} at epoch {epochs[best]:g}")
    kinds = {name.rpartition("_")[2] for name in columns}
    finish(ax, spoken(columns[0]) if len(columns) == 1 else kinds.pop() if len(kinds) == 1 else "")
    return ax


def learning_curves_by(runs: Mapping[str, Sequence[Columns]], column: str = "validation_cost", *,
                       title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw one column of several groups of runs: the median of each group, and the band from its lowest to its highest run.

    Parameters
    ----------
    runs : mapping of labels to sequences of histories
        The runs of a group differ only by their seed.
    column : str, default "validation_cost"
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        A run that ends early, or whose numbers are no longer finite, has a cross at its end; median and band are those of the
        remaining runs.
    """
    groups = {label: [curve("learning_curves_by", run, column) for run in group] for label, group in runs.items()}
    if not groups or not all(groups.values()):
        raise ArgumentError(f"learning_curves_by: runs must hold at least one history for each label, got {runs!r}")
    longest = max((epochs for group in groups.values() for epochs, _ in group), key=len)
    ax = axes(ax, title)
    for k, (label, group) in enumerate(groups.items()):
        color = COLORS[k % len(COLORS)]
        table = np.full((len(group), len(longest)), np.nan)
        for row, (_, values) in zip(table, group, strict=True):
            row[:len(values)] = np.where(np.isfinite(values), values, np.nan)
        alive = ~np.isnan(table)
        some = alive.any(0)
        middle, low, high = (f(table[:, some], axis=0) for f in (np.nanmedian, np.nanmin, np.nanmax))
        ends = alive.sum(1)
        lost = ends < len(longest)
        name = f"{label} ({lost.sum()} of {len(group)} ended early)" if lost.any() else label
        line(ax, longest[some], middle, DASHES[k // len(COLORS) % len(DASHES)], color, name)
        if len(group) > 1:
            one = some.sum() == 1                                   # a band over one epoch has no width but that of its edge
            ax.fill_between(longest[some], low, high, color=color, alpha=0.18, lw=6 if one else 0)
        at = [(longest[end - 1], row[end - 1]) for end, row in zip(ends[lost], table[lost], strict=True) if end]
        if at:
            ax.plot(*zip(*at, strict=True), "x", color=color, ms=7, mew=2)
    several = max(len(group) for group in groups.values())
    finish(ax, spoken(column), f"median, and range of {several} runs" if several > 1 else None)
    return ax


def curve(who: str, history: Columns, name: str) -> tuple[Array, Array]:
    """Return the epochs and one column of a history."""
    if not isinstance(history, Mapping) or name not in history:
        raise ArgumentError(f"{who}: column {name!r} is not in the history, which has {listed(history)}")
    values = as_floating(history[name], np.dtype(float), f"{who}: column {name!r}")
    epochs = (as_floating(history["epoch"], np.dtype(float), f"{who}: column 'epoch'") if "epoch" in history
              else np.arange(1.0, values.size + 1))
    if values.ndim != 1 or values.size == 0 or values.shape != epochs.shape:
        raise ArgumentError(f"{who}: column {name!r} must have a number for each epoch, and at least one, got shape "
                            f"{values.shape} for {epochs.size} epochs")
    return epochs, values


def line(ax: Axes, x: Array, y: Array, dashes: str, color: str, label: str) -> None:
    """Draw a line, with a marker at each point that no line reaches: the only one, or one between infinities."""
    there = np.pad(np.isfinite(y), 1)
    alone = np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:])
    ax.plot(x, y, dashes, color=color, lw=1.8, label=label, marker="o" if alone.size else None, markevery=alone.tolist())


def listed(history: object) -> str:
    return ", ".join(map(repr, history)) or "no column" if isinstance(history, Mapping) else f"no columns: {history!r}"


def spoken(name: str) -> str:
    return name.replace("_", " ")


def finish(ax: Axes, ylabel: str, heading: str | None = None) -> None:
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.25)
    if heading or len(ax.get_legend_handles_labels()[0]) > 1:
        legend(ax, title=heading, alignment="left")
