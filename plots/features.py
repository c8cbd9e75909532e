"""Feature visualization: class models, and an image before and after DeepDream (lecture, slides 72-74)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..arguments import Array
from ..errors import ArgumentError
from ..inspection.features import Dream, Maximization
from .canvas import AnyFigure, canvas, legend, shades
from .images import as_pixels, framed, images

COLUMNS = 5
OWN_SCALE = "pixel value / largest of the image"


def class_models(result: Maximization, names: Sequence[str] | None = None, *, title: str | None = None,
                 figure: AnyFigure | None = None) -> AnyFigure:
    """Draw the images that maximize classes, channels or units.

    Parameters
    ----------
    result : Maximization
        From ``features.class_model`` or ``features.activation_maximization``; its images must have height and width.
    names : sequence of str, optional
        One name per image; by default ``result.targets``.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        Images of one channel are drawn in grey on one scale. If there are negative pixels, each image has its own scale from
        blue (negative) through white (0) to red (positive). Images of three channels are drawn in colour, each stretched to
        the full range.
    """
    names = list(result.targets if names is None else names)
    if len(names) != len(result.images):
        raise ArgumentError(f"class_models: names must hold {len(result.images)} names, one per image, got {len(names)}")
    shown = list(images("result.images", result.images))
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = canvas(figure, (1.5 * columns + 1, 1.75 * rows + 0.4), title)
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
    return figure


def colors_of(values: Array) -> tuple[dict[str, Any], str]:
    """Return the color scale for images of one channel, and its label; around 0 if there are negative pixels."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 or (values.ndim == 4 and values.shape[1] == 3):
        return {"cmap": "gray", "vmin": low, "vmax": high}, "pixel value"
    return {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}, OWN_SCALE


def stretched(pixels: Array) -> Array:
    """Return the pixels scaled to [0, 1]."""
    low, high = pixels.min(), pixels.max()
    return (pixels - low) / (high - low) if high > low else np.full_like(pixels, 0.5)


def dream(result: Dream, *, title: str | None = None, figure: AnyFigure | None = None) -> AnyFigure:
    """Draw an image before and after DeepDream, and the objective at each step of each octave.

    Parameters
    ----------
    result : Dream
        From ``features.dream``.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
    """
    figure = canvas(figure, (11, 3.4), f"DeepDream of layer {result.layer!r}" if title is None else title)
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    both = (result.before, result.image)
    low, high = (min(map(np.min, both)), max(map(np.max, both)))
    for ax, image, name in zip(axes, both, ("before", "after"), strict=False):
        ax.imshow(as_pixels(image, "the image in result"), cmap="gray", vmin=low, vmax=high)
        framed(ax, name)
    growth(axes[2], result)
    return figure


def growth(ax: Axes, result: Dream) -> None:
    """Draw the objective at each step, with one line per size of the image."""
    for (height, width), objectives, color in zip(result.sizes, result.objectives, shades(len(result.sizes)), strict=True):
        ax.plot(objectives, "o-", ms=3, color=color, label=f"{height} × {width}")
    if result.objectives.min() > 0:
        ax.set_yscale("log")
    ax.set(xlabel="step", ylabel="½ ‖activation‖²", title="objective by octave")
    ax.grid(alpha=0.25)
    legend(ax, title="size", alignment="left")
