"""Activations, gradients and saturation by layer (Glorot & Bengio 2010, figures 3, 4, 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, one_of, positive_int, within
from ..errors import ArgumentError, ShapeError
from ..inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from .canvas import AnyFigure, labelled, panels, shades

Records = Sequence[LayerStatistics]
ROOM = 0.86                                                         # share of the height of a row that the highest bin takes


def layer_histograms(records: Records | Mapping[str, Records], what: str = "activation", *, log: bool = False,
                     bins: int = 100, title: str | None = None,
                     figure: AnyFigure | None = None) -> AnyFigure:
    """Draw histograms of activations, or of gradients, in each hidden layer.

    Parameters
    ----------
    records : list of LayerStatistics, or mapping of labels to such lists
        From ``layer_statistics``, with arrays. Several lists are drawn side by side on the same scales.
    what : {"activation", "gradient"}, default "activation"
        Outputs z = f(s) of the hidden activation functions, or gradients dC/ds with respect to their inputs.
    log : bool, default False
        Whether to draw magnitudes on a logarithmic scale, for layers whose scales differ by orders of magnitude. Zeros are not
        drawn: their share is written beside the row. The smallest hundredth of a layer may be cut off.
    bins : int, default 100
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        One row per layer, the first at the top, all with the same bins. Every histogram is scaled to its own highest bin; its
        standard deviation stands beside it.
    """
    one_of("what", what, ("activation", "gradient"))
    bins = positive_int("bins", bins)
    groups = {label: arrays(label, group, what) for label, group in labelled("records", records, (list, tuple)).items()}
    edges = common_bins([a for group in groups.values() for a in group], bins, log)
    rows = max(map(len, groups.values()))
    xlabel = {"activation": "activation z", "gradient": "gradient dC/ds"}[what]
    figure, axs = panels(figure, groups, f"magnitude of {xlabel}" if log else xlabel, (2.9, 0.45 * rows + 1.2), title)
    for ax, group in zip(axs, groups.values(), strict=True):
        for k, (a, color) in enumerate(zip(group, shades(len(group)), strict=True)):
            row(ax, a, edges, rows - 1 - k, color, log)
        ax.set(xlim=(edges[0], edges[-1]), ylim=(-0.1, rows + 0.15), xscale="log" if log else "linear")
        ax.set_yticks(np.arange(rows)[::-1], [f"layer {k + 1}" for k in range(rows)])
        ax.tick_params(axis="y", length=0)
        ax.spines[["left", "right", "top"]].set_visible(False)
    return figure


def saturation(shares: Mapping[str, ArrayLike] | ArrayLike, *, title: str | None = None,
               figure: AnyFigure | None = None) -> AnyFigure:
    """Draw the share of saturated units of each layer by epoch.

    Parameters
    ----------
    shares : array_like of shape (epochs + 1, layers), or mapping of labels to such
        Entry k is ``saturated_shares(layer_statistics(...))`` after k epochs, in [0, 1]. Several arrays are drawn side by
        side on the same scales.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        The first layer has the thickest and darkest line, so that coinciding lines are all visible.
    """
    groups = {label: as_table(label, values) for label, values in
              labelled("shares", shares, object).items()}
    figure, axs = panels(figure, groups, "epoch", (2.6, 2.3), title)
    for ax, group in zip(axs, groups.values(), strict=True):
        count = group.shape[1]
        for k, (line, color) in enumerate(zip(group.T, shades(count), strict=True)):
            ax.plot(line, color=color, lw=1.4 + 3 * (1 - (k + 1) / count), label=f"layer {k + 1}")
        ax.set_ylim(-0.03, 1.03)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        ax.grid(alpha=0.25)
    axs[0].set_ylabel("saturated units")
    lines = max((list(ax.lines) for ax in axs), key=len)
    figure.legend(lines, [str(line.get_label()) for line in lines], loc="outside right upper", frameon=False)
    return figure


def row(ax: Axes, a: Array, edges: Array, base: int, color: Array, log: bool) -> None:
    """Draw one histogram at the height ``base``, with its standard deviation beside it."""
    finite = a[np.isfinite(a)]
    drawn = np.abs(finite[finite != 0]) if log else finite
    heights = np.histogram(drawn, edges)[0].astype(float)
    heights *= ROOM / max(heights.max(), 1)
    ax.stairs(base + heights, edges, baseline=base, fill=True, color=color, alpha=0.45, lw=0)
    ax.stairs(base + heights, edges, baseline=base, color=color, lw=1.2)
    notes = [f"std {finite.std(dtype=float):.2g}"] if finite.size else []
    notes += [f"{share(finite == 0, a)} are 0"] if drawn.size < finite.size else []
    notes += [f"{share(~np.isfinite(a), a)} not finite"] if finite.size < a.size else []
    ax.annotate("\n".join(notes), (1.02, base + ROOM / 2), xycoords=("axes fraction", "data"), va="center",
                fontsize="small")


def share(chosen: Array, among: Array) -> str:
    percent = 100 * np.count_nonzero(chosen) / among.size
    return f"{percent:.0f} %" if percent >= 0.5 else "under 1 %"


def arrays(label: str, records: Records, what: str) -> list[Array]:
    """Return the arrays of the hidden layers, flat."""
    if not all(isinstance(record, LayerStatistics) for record in records):
        raise ArgumentError(f"layer_histograms: records must come from layer_statistics, got {records!r} for {label!r}")
    hidden = hidden_activations(records) if what == "activation" else preactivations(records)
    values = [getattr(record, what) for record in hidden]
    if not values:
        raise ArgumentError(f"layer_histograms: records of {label!r} must hold at least one hidden activation function "
                            "(and, for gradients, a module before it)")
    if any(array is None for array in values):
        needed = "arrays=True" if what == "activation" else "loss, y and arrays=True"
        raise ArgumentError(f"layer_histograms: records of {label!r} hold no {what}s: call layer_statistics with "
                            f"{needed}")
    return [array.reshape(-1) for array in values]


def common_bins(all_arrays: Sequence[Array], bins: int, log: bool) -> Array:
    """Return common bin edges: from the least to the largest value, or magnitude above 0 with ``log``."""
    values = [a[np.isfinite(a)] for a in all_arrays]
    if log:
        values = [np.abs(a[a != 0]) for a in values]
    values = [a for a in values if a.size]
    low, high = (float(min(a.min() for a in values)), float(max(a.max() for a in values))) if values else (0.1, 1.0)
    if not log:
        return np.linspace(low, high, bins + 1) if low < high else np.linspace(low - 0.5, high + 0.5, bins + 1)
    if values:
        low = min(float(np.quantile(a, 0.01)) for a in values)     # single values near 0 would stretch the scale
    return np.geomspace(low, high, bins + 1) if low < high else np.geomspace(low / 2, high * 2, bins + 1)


def as_table(label: str, shares: ArrayLike) -> Array:
    """Return shares as an array of shape (epochs, layers)."""
    table = as_floating(shares, np.dtype(float), "saturation: shares")
    if table.ndim != 2 or table.size == 0:
        raise ShapeError(f"saturation: shares must have shape (epochs, layers), got {np.shape(table)} for {label!r}")
    within("saturation: shares must be in", np.nan_to_num(table), 0, 1, kind=ArgumentError)
    return table
