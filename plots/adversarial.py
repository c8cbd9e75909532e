"""Adversarial examples beside their originals, and the error as a function of the size of the attack (lecture, slide 71)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from ..datasets.checks import examples, finite
from ..errors import ArgumentError, ShapeError
from ..inspection.adversarial import Robustness
from ..modules import Module
from .canvas import COLORS, DASHES, MARKERS, AnyFigure, axes, canvas, labelled, legend
from .images import framed, images
from .networks import named, probabilities


def adversarial(net: Module, x: ArrayLike, moved: ArrayLike, *, names: Sequence[str] | None = None,
                shape: tuple[int, int] | None = None, title: str | None = None,
                figure: AnyFigure | None = None) -> AnyFigure:
    """Draw images, the changes by an attack, and the adversarial images, with the classes that the network predicts.

    Parameters
    ----------
    net : Module
        A classifier; its outputs are interpreted as in ``decision_boundary``.
    x, moved : array_like of one shape, (N, 1 or 3, height, width), (N, height, width) or (N, pixels)
        The examples, and the results of ``adversarial.fgsm`` or ``pgd``. Each example has a column, so pass a few.
    names : sequence of str, optional
        Names of the classes; by default their numbers.
    shape : pair of int, optional
        Height and width of images that are given as rows of numbers; by default they are square.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        The first and the last row have one scale, from the least number to the largest. The changes are drawn around a medium
        grey, magnified by the factor in the label of the row. The title of an image is the predicted class with its
        probability, in orange if the attack changed the class.
    """
    before, after = (finite(name, examples(name, a)) for name, a in (("x", x), ("moved", moved)))
    if before.shape != after.shape:
        raise ShapeError(f"adversarial: moved must have the shape of x, {before.shape}, got {after.shape}")
    predicted = [probabilities(net, a) for a in (before, after)]
    called, gap = named(names, predicted[0].shape[1]), " " if names is None else "\n"
    old, new = images("x", before, shape), images("moved", after, shape)
    low, high = min(old.min(), new.min()), max(old.max(), new.max())
    old, new = ((a - low) / ((high - low) or 1) for a in (old, new))
    factor = magnification(float(np.abs(new - old).max()))
    figure = canvas(figure, (1.15 * len(old) + 1.2, 4.5), title)
    grid = figure.subplots(3, len(old), squeeze=False)
    rows = ((old, "original"), (0.5 + factor * (new - old), f"change × {factor:g}"), (new, "adversarial"))
    for axs, (row_of_images, name) in zip(grid, rows, strict=True):
        for ax, pixels in zip(axs, row_of_images, strict=True):
            ax.imshow(pixels.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            framed(ax)
        axs[0].set_ylabel(name)
    for axs, rows_of_p in zip(grid[::2], predicted, strict=True):
        for ax, p, first in zip(axs, rows_of_p, predicted[0], strict=True):
            same = p.argmax() == first.argmax()
            text = f"{called[p.argmax()]}{gap}({100 * p.max():.0f} %)"
            ax.set_title(text, fontsize="medium", color="black" if same else COLORS[1])
    return figure


def robustness(results: Robustness | Mapping[str, Robustness], *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the error as a function of the size of the attack, and the error under random changes of the same size.

    Parameters
    ----------
    results : Robustness, or mapping of labels to Robustness
        From ``adversarial.robustness``.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        Lines begin at size 0, with the error without attack; those of random changes are dashed.
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
    """Return the largest of 1, 2, 5, 10, ... that keeps a change of this size within half the scale."""
    if not largest:
        return 1.0
    exact = 0.5 / largest * (1 + 1e-6)
    power = 10.0 ** math.floor(math.log10(exact))
    return max(1.0, next(m * power for m in (5, 2, 1) if m * power <= exact))
