"""Adversarial examples beside what they were made from, and the error as they move further (lecture, slide 71)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.pyplot import figure as new_figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from ..datasets.checks import examples, finite
from ..errors import ArgumentError, ShapeError
from ..inspection.adversarial import Robustness
from ..modules import Module
from .canvas import COLORS, DASHES, MARKERS, axes, labelled, legend
from .images import framed, images
from .networks import probabilities


def adversarial(net: Module, x: ArrayLike, moved: ArrayLike, *, shape: tuple[int, int] | None = None,
                title: str | None = None, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw images, what an attack added to them, and the sums, each with the class that the network sees in it.

    Parameters
    ----------
    net : Module
        A classifier; its outputs are read as in ``decision_boundary``.
    x, moved : array_like of one shape, (N, 1 or 3, height, width), (N, height, width) or (N, pixels)
        The examples, and what ``adversarial.fgsm`` or ``pgd`` made of them. A column each: choose a few.
    shape : pair of int, optional
        Height and width, where examples are rows of numbers; by default they are square.
    title : str, optional
    figure : Figure or SubFigure, optional
        Drawn in; by default a new one.

    Returns
    -------
    Figure or SubFigure
        The images of the first and the last row are on one scale, from the least number to the largest. The change is drawn
        around a mean grey, magnified as the row says. Above the images stand the class and its probability: in orange where
        it is another than before.
    """
    before, after = (finite(name, examples(name, a)) for name, a in (("x", x), ("moved", moved)))
    if before.shape != after.shape:
        raise ShapeError(f"adversarial: moved must have the shape of x, {before.shape}, got {after.shape}")
    seen = [probabilities(net, a) for a in (before, after)]
    old, new = images("x", before, shape), images("moved", after, shape)
    low, high = min(old.min(), new.min()), max(old.max(), new.max())
    old, new = ((a - low) / ((high - low) or 1) for a in (old, new))
    factor = magnification(float(np.abs(new - old).max()))
    if figure is None:
        figure = new_figure(figsize=(1.15 * len(old) + 1.2, 4.5), layout="constrained")
    grid = figure.subplots(3, len(old), squeeze=False)
    rows = ((old, "original"), (0.5 + factor * (new - old), f"change × {factor:g}"), (new, "adversarial"))
    for axs, (imaged, name) in zip(grid, rows, strict=True):
        for ax, one in zip(axs, imaged, strict=True):
            ax.imshow(one.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            framed(ax)
        axs[0].set_ylabel(name)
    for axs, p in zip(grid[::2], seen, strict=True):
        for ax, one, first in zip(axs, p, seen[0], strict=True):
            same = one.argmax() == first.argmax()
            ax.set_title(f"{one.argmax()} ({100 * one.max():.0f} %)", fontsize="medium", color="black" if same else COLORS[1])
    if title is not None:
        figure.suptitle(title)
    return figure


def robustness(results: Robustness | Mapping[str, Robustness], *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the error over the size of the attack, beside that under random changes of the same size.

    Parameters
    ----------
    results : Robustness, or mapping of labels to such
        From ``adversarial.robustness``.
    title : str, optional
    ax : Axes, optional
        Drawn on; by default those of a new figure.

    Returns
    -------
    Axes
        Lines begin at 0, with the error on the examples as they are; those of random signs are dashed.
    """
    curves = labelled("results", results, Robustness)
    for label, result in curves.items():
        if not isinstance(result, Robustness):
            raise ArgumentError(f"robustness: results must come from adversarial.robustness, got {result!r} for {label!r}")
    norms = {result.norm for result in curves.values()}
    if len(norms) > 1:
        raise ArgumentError(f"robustness: results must be of one norm, got {' and '.join(map(str, sorted(norms)))}")
    ax = axes(ax, title)
    for k, (label, result) in enumerate(curves.items()):
        order, color = np.argsort(result.eps), COLORS[k % len(COLORS)]
        eps = np.concatenate([[0.0], np.array(result.eps)[order]])
        for j, (errors, name) in enumerate(((result.error, result.attack), (result.random_error, "random signs"))):
            error = np.concatenate([[result.clean_error], np.array(errors)[order]])
            ax.plot(eps, error, DASHES[j], marker=MARKERS[k % len(MARKERS)], ms=5, color=color, lw=1.8,
                    label=f"{label}: {name}" if label else name)
    ax.set(xlabel="Euclidean norm of the change, ε" if norms == {2} else "largest change of an input, ε",
           ylabel="misclassified", ylim=(-0.03, 1.03))
    ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    ax.grid(alpha=0.25)
    legend(ax)
    return ax


def magnification(largest: float) -> float:
    """The largest of 1, 2, 5, 10, ... that keeps a change of that size within half the scale."""
    if not largest:
        return 1.0
    exact = 0.5 / largest * (1 + 1e-6)
    power = 10.0 ** math.floor(math.log10(exact))
    return max(1.0, next(m * power for m in (5, 2, 1) if m * power <= exact))
