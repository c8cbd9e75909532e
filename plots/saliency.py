"""Saliency maps beside the inputs that they explain, and maps of a net with randomized parameters (slides 73-74)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, positive_int
from ..datasets.checks import finite
from ..errors import ArgumentError, ShapeError
from ..inspection.saliency import Randomization, as_images
from .canvas import COLORS, AnyFigure, canvas, labelled
from .images import framed, images, rows_as_images

BRIGHTEST = 0.99                                                    # quantile of full brightness: outliers do not darken a map
CELL = 1.3                                                          # inches


def saliency(x: ArrayLike, maps: Mapping[str, ArrayLike] | ArrayLike, *, names: Sequence[Any] | None = None,
             shape: tuple[int, int] | None = None, title: str | None = None,
             figure: AnyFigure | None = None) -> AnyFigure:
    """Draw each input, and beside it its saliency map by each method.

    Parameters
    ----------
    x : array_like of shape (examples, channels, height, width), (examples, height, width) or (examples, height * width)
        One channel, or three channels of colours in [0, 1].
    maps : mapping of labels to arrays of the shape of x, or one such array
        From ``retroprop.saliency``. The magnitude is drawn, the largest of all channels.
    names : sequence, optional
        One label per example, such as the class that is explained.
    shape : pair of int, optional
        Height and width of images that are given as rows of numbers; by default they are square.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        One row per example, one column per method. Each map has its own scale, from 0 to its 99 % quantile.
    """
    explained = finite("x", as_floating(x, None, "x"))
    inputs = in_range(images("x", explained, shape))
    by_label = labelled("maps", maps, object)
    columns = {label: maps_of(label, values, explained.shape, shape) for label, values in by_label.items()}
    if names is not None and len(names) != len(inputs):
        raise ArgumentError(f"names must hold one name for each of {len(inputs)} examples, got {len(names)}")
    figure = canvas(figure, size(inputs, len(columns), 0.7), title)
    grid = figure.subplots(len(inputs), len(columns) + 1, squeeze=False)
    drawn = rows_of_images(grid, inputs, list(columns.values()), ["input", *columns])
    for ax, name in zip(grid[:, 0], () if names is None else names, strict=False):
        ax.set_ylabel(name)
    bar(figure, drawn, list(grid.flat))
    return figure


def randomization(result: Randomization, *, examples: int = 3, shape: tuple[int, int] | None = None,
                  title: str | None = None, figure: AnyFigure | None = None) -> AnyFigure:
    """Draw the maps of a net whose parameters are randomized layer by layer, and their correlation with the original maps.

    Parameters
    ----------
    result : Randomization
        From ``retroprop.saliency.randomization``.
    examples : int, default 3
        How many examples are drawn, from the first on.
    shape : pair of int, optional
        Height and width of images that are given as rows of numbers; by default they are square.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        One row per example, one column per stage. Below each stage: the rank correlation with the original maps, its mean and
        standard deviation over all examples of the result.
    """
    if not isinstance(result, Randomization):
        raise ArgumentError(f"randomization: result must come from retroprop.saliency.randomization, got {result!r}")
    shown = min(positive_int("examples", examples), len(result.x))
    inputs = in_range(images("result.x", result.x[:shown], shape))
    maps = [maps_of("", stage[:shown], stage[:shown].shape, shape) for stage in result.maps]
    figure = canvas(figure, size(inputs, len(maps), 2.4), title)
    spec = figure.add_gridspec(shown + 1, len(maps) + 1, height_ratios=[*[1] * shown, 1.5])
    grid = np.array([[figure.add_subplot(spec[i, j]) for j in range(len(maps) + 1)] for i in range(shown)])
    first, *others = ["\nat ".join([module.partition("(")[0], *([path] if path else [])]) for path, module in result.layers]
    titles = ["input", "trained", first, *(f"+ {layer}" for layer in others)]
    bar(figure, rows_of_images(grid, inputs, maps, titles), list(grid.flat))
    correlations(figure.add_subplot(spec[shown, :]), result.correlations)
    return figure


def correlations(ax: Axes, by_stage: Array) -> None:
    """Draw the correlations, each point below the maps of its stage; nothing below the inputs."""
    means, spread = ([first, *of_examples] for first, of_examples in ((1, by_stage.mean(1)), (0, by_stage.std(1))))
    ax.axhline(0, color="0.6", lw=0.8)
    ax.errorbar(range(len(means)), means, spread, fmt="o-", color=COLORS[0], lw=1.8, capsize=3)
    ax.set(xlim=(-1.5, len(means) - 0.5), ylim=(min(-0.25, min(means) - 0.1), 1.1), xticks=[],
           xlabel="randomized layers, from the output on", ylabel="rank correlation\nwith trained net")
    ax.grid(alpha=0.25, axis="y")


def rows_of_images(grid: Array, inputs: Array, columns: Sequence[Array], titles: Sequence[str]) -> Any:
    """Draw inputs in the first column, maps in the others; return the last map drawn, for a color bar."""
    drawn = None
    for i, axs in enumerate(grid):
        axs[0].imshow(inputs[i], cmap="gray", vmin=inputs.min(), vmax=inputs.max(), interpolation="nearest")
        for ax, maps in zip(axs[1:], columns, strict=True):
            brightest = np.quantile(maps[i], BRIGHTEST) or maps[i].max() or 1
            drawn = ax.imshow(np.minimum(maps[i] / brightest, 1), cmap="inferno", vmin=0, vmax=1, interpolation="nearest")
        for ax in axs:
            framed(ax)
    for ax, text in zip(grid[0], titles, strict=True):
        ax.set_title(text, fontsize="medium")
    return drawn


def bar(figure: AnyFigure, drawn: Any, axs: list[Axes]) -> None:
    scale = figure.colorbar(drawn, ax=axs, shrink=0.9, aspect=30, ticks=[0, 1], label="saliency")
    scale.set_ticklabels(["low", "high"])


def size(inputs: Array, maps: int, more: float) -> tuple[float, float]:
    """Return width and height of a figure with so many maps beside each input, and ``more`` inches above and below."""
    height, width = inputs.shape[1:3]
    return CELL * (maps + 1) + 0.9, CELL * len(inputs) * height / width + more


def in_range(inputs: Array) -> Array:
    """Return colours clipped to the range that can be drawn."""
    return np.clip(inputs, 0, 1) if inputs.ndim == 4 else inputs


def maps_of(label: str, maps: ArrayLike, like: tuple[int, ...], shape: tuple[int, int] | None) -> Array:
    """Return maps of magnitudes, of shape (examples, height, width)."""
    array = finite("maps", as_floating(maps, None, "maps"))
    if array.shape != like:
        raise ShapeError(f"maps must have the shape of x, {like}, got {array.shape}{f' for {label!r}' if label else ''}")
    return as_images(rows_as_images("maps", array, shape))
