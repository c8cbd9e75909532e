"""The gradient of a batch as a sum over its examples, and the noise of minibatch gradients (lecture, slides 42, 64-69)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import NullLocator, ScalarFormatter

from ..arguments import Array, in_a_line, positive_int
from ..errors import ArgumentError, ShapeError
from ..inspection.per_example.noise import GradientNoise
from ..modules import Linear, Module
from ..modules.core.phases import too_early
from .canvas import COLORS, AnyFigure, axes, canvas, legend
from .networks import BINARY, place

CELL = (0.14, 1.0, 0.24)                                            # widths: the column g, the product, the sign after it


def outer_products(net: Module, layer: int | str | None = None, *, examples: int = 3, title: str | None = None,
                   figure: AnyFigure | None = None) -> AnyFigure:
    """Draw the weight gradient of a Linear as the sum over the batch of the outer products of g and x.

    Parameters
    ----------
    net : Module
        A network after forward and backward, whose current x and g are drawn; ``update`` is not needed.
    layer : int or str, optional
        The Linear: its index in the network, or its path (``"1.0"``); None if ``net`` is the Linear itself.
    examples : int, default 3
        How many examples are drawn, from the first on.
    title : str, optional
    figure : Figure or SubFigure, optional
        An empty figure to draw into; by default a new one.

    Returns
    -------
    Figure or SubFigure
        For each example: x as a row, g = dC/dy as a column, and their outer product, of the shape of the weight. At the end:
        the sum over the whole batch. All products have one color scale, as do all x and all g. The sum has the scale of the
        products if all examples are drawn; else its own scale, whose ratio to that of the products stands below.
    """
    examples = positive_int("examples", examples)
    if not isinstance(net, Module):
        raise ArgumentError(f"outer_products: net must be a Module, got {in_a_line(net)}")
    path, x, g = point_and_gradient(net, layer)
    shown = min(examples, len(x))
    terms, total = g[:shown, :, None] * x[:shown, None, :], g.T @ x
    more = len(x) - shown
    figure = canvas(figure, (1.9 * (shown + 1) + 0.8 * bool(more) + 1.4, 2.5), title)
    grid = figure.add_gridspec(2, 3 * (shown + 1) + bool(more), height_ratios=CELL[:2],
                               width_ratios=[*CELL * shown, *[0.7] * bool(more), 0.02, 1.0, 0.02])
    of_x, of_g, of_total = symmetric(x[:shown]), symmetric(g[:shown]), symmetric(total)
    of_terms = symmetric(terms)
    if not more:
        of_terms = of_total = max(of_terms, of_total, key=extent)
    for i, term in enumerate(terms):
        draw(figure, grid, (0, 3 * i + 1), x[i:i + 1], of_x, f"$x_{{{i}}}$")
        draw(figure, grid, (1, 3 * i), g[i:i + 1].T, of_g, f"$g_{{{i}}}^\\top$", aside=True)
        draw(figure, grid, (1, 3 * i + 1), term, of_terms, f"$g_{{{i}}}^\\top x_{{{i}}}$", below=True)
        sign(figure, grid, 3 * i + 2, "=" if i == shown - 1 and not more else "+")
    if more:
        sign(figure, grid, 3 * shown, f"… {more}\nmore  =", "large")
    name = f"{path}weight.grad, {total.shape[0]} × {total.shape[1]}"
    if more:
        name += f"\n(scale {extent(of_total) / extent(of_terms):.2g} times as wide)"
    last = draw(figure, grid, (1, grid.ncols - 2), total, of_total, name, below=True)
    figure.colorbar(last.images[0], ax=last, label="dC/dW", shrink=0.9)
    return figure


def gradient_noise(result: GradientNoise, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the distance of minibatch gradients from the gradient of all examples, by size of the minibatch.

    Parameters
    ----------
    result : GradientNoise
        From ``retroprop.gradient_noise``.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        Both scales are logarithmic: the law σ/√k is a straight line, which halves when k grows fourfold. Noise and signal are
        equal where it crosses the length of the gradient of all examples.
    """
    if not isinstance(result, GradientNoise):
        raise ArgumentError(f"gradient_noise: result must come from retroprop.gradient_noise, got {result!r}")
    ax = axes(ax, title)
    ax.plot(result.sizes, result.predicted, color=COLORS[0], lw=1.8, label=f"predicted: σ/√k, σ = {result.sigma:.3g}")
    ax.plot(result.sizes, result.measured, "o", color=COLORS[1], label=f"measured, {result.draws} draws")
    ax.axhline(result.length, color="0.45", ls="--", lw=1.2, label=f"length of the gradient\nof all {result.examples} examples")
    ax.set(xscale="log", yscale="log", xlabel="examples in a minibatch, k", ylabel="distance from the full gradient")
    ax.set_xticks(result.sizes[::-(-len(result.sizes) // 8)], minor=False)
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(alpha=0.25)
    legend(ax)
    return ax


def point_and_gradient(net: Module, layer: int | str | None) -> tuple[str, Array, Array]:
    """Return the path of a Linear with a dot appended, its x and its g; an error if they do not exist."""
    path = "" if layer is None else place("outer_products", net, layer)
    module = dict(net.named_modules())[path]
    if not isinstance(module, Linear):
        raise ArgumentError(f"outer_products: layer must be a Linear, got {module!r}")
    if module.gradient is None:
        raise too_early(module)
    if module.point.ndim != 2:
        raise ShapeError(f"outer_products: x of {module!r} must have shape (batch, {module.in_features}), for one product per "
                         f"example, got {module.point.shape}")
    return f"{path}." if path else "", module.point, module.gradient


def symmetric(a: Array) -> Normalize:
    """Return a color scale that is symmetric around 0."""
    largest = float(np.abs(a).max()) or 1.0
    return Normalize(-largest, largest)


def extent(scale: Normalize) -> float:
    return float(scale.vmax or 0)


def draw(figure: AnyFigure, grid: GridSpec, at: tuple[int, int], a: Array, scale: Normalize, name: str, *,
         below: bool = False, aside: bool = False) -> Axes:
    """Draw one array as a heat map, with its name."""
    ax = figure.add_subplot(grid[at])
    ax.imshow(a, cmap=BINARY, norm=scale, aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    if aside:
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    elif below:
        ax.set_xlabel(name)
    else:
        ax.set_title(name, fontsize="medium")
    return ax


def sign(figure: AnyFigure, grid: GridSpec, column: int, text: str, size: str = "x-large") -> None:
    ax = figure.add_subplot(grid[1, column])
    ax.axis("off")
    ax.text(0.5, 0.5, text, ha="center", va="center", fontsize=size)
