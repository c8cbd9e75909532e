"""What a network looks for: class models, and an image before and after a dream (lecture, slides 72-74)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ..arguments import Array
from ..errors import ArgumentError
from ..inspection.features import Dream, Maximization
from .canvas import legend, shades
from .images import as_pixels, framed, images

COLUMNS = 5
OWN_SCALE = "pixel value, against the largest"


def class_models(result: Maximization, names: Sequence[str] | None = None, *, title: str | None = None,
                 figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw the images that were found for classes, channels or units.

    Parameters
    ----------
    result : Maximization
        From ``features.class_model`` or ``features.activation_maximization``, with ``shape`` that of images.
    names : sequence of str, optional
        One for each image; by default ``result.targets``.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty one to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        One channel: in grey, with one scale for all; or, where there are negative pixels, each on its own scale, in blue for
        those, red for positive ones, and white for 0. Three channels: as colours, each image stretched over their range.
    """
    names = list(result.targets if names is None else names)
    if len(names) != len(result.images):
        raise ArgumentError(f"class_models: names must hold {len(result.images)}, one for each image, got {len(names)}")
    shown = list(images("result.images", result.images))
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    if figure is None:
        figure = plt.figure(figsize=(1.5 * columns + 1, 1.75 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    look, label = colors_of(result.images)
    if label == OWN_SCALE:
        shown = [pixels / (np.abs(pixels).max() or 1) for pixels in shown]
    for ax in grid[len(shown):]:
        ax.set_visible(False)
    for ax, pixels, name in zip(grid, shown, names, strict=False):
        drawn = ax.imshow(pixels, **look) if pixels.ndim == 2 else ax.imshow(stretched(pixels))
        framed(ax, name)
    if shown[0].ndim == 2:
        figure.colorbar(drawn, ax=list(grid), shrink=0.8, label=label)
    if title is not None:
        figure.suptitle(title)
    return figure


def colors_of(values: Array) -> tuple[dict[str, Any], str]:
    """How images of one channel are drawn, and what the colours say: around 0 where there are negative ones."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 or (values.ndim == 4 and values.shape[1] == 3):
        return {"cmap": "gray", "vmin": low, "vmax": high}, "pixel value"
    return {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}, OWN_SCALE


def stretched(pixels: Array) -> Array:
    """Over [0, 1]."""
    low, high = pixels.min(), pixels.max()
    return (pixels - low) / (high - low) if high > low else np.full_like(pixels, 0.5)


def dream(result: Dream, *, title: str | None = None, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw an image before and after a dream, and how the objective grew in each octave.

    Parameters
    ----------
    result : Dream
        From ``features.dream``.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty one to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
    """
    if figure is None:
        figure = plt.figure(figsize=(11, 3.4), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    both = (result.before, result.image)
    low, high = (min(map(np.min, both)), max(map(np.max, both)))
    for ax, image, name in zip(axes, both, ("before", "after"), strict=False):
        ax.imshow(as_pixels(image, "the image in result"), cmap="gray", vmin=low, vmax=high)
        framed(ax, name)
    growth(axes[2], result)
    figure.suptitle(f"changed so that layer {result.layer!r} answers more" if title is None else title)
    return figure


def growth(ax: Axes, result: Dream) -> None:
    """The objective at each step, a line for each size of image."""
    for (height, width), objectives, color in zip(result.sizes, result.objectives, shades(len(result.sizes)), strict=True):
        ax.plot(objectives, "o-", ms=3, color=color, label=f"{height} × {width}")
    if result.objectives.min() > 0:
        ax.set_yscale("log")
    ax.set(xlabel="step", ylabel="½ ‖activation‖²", title="objective, octave by octave")
    ax.grid(alpha=0.25)
    legend(ax, title="size", alignment="left")
