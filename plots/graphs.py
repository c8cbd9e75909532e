"""Drawings of networks as graphs, with values and gradients; and counts of products by path (slides 10-31)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from ..arguments import Array
from ..errors import ArgumentError
from ..inspection.derivatives.paths import PathCounts, gradient_like, wired
from ..modules import Module
from ..modules.containers.layout import LINE, Box, bends, boxed, laid_out, share
from ..modules.core.diagram import Wiring, shortened
from ..modules.core.values import Value, as_values, parts
from .canvas import COLORS, axes, legend, new_figure

TITLE = 0.32                                                        # inches per line
FEW = 4                                                             # arrays of up to so many numbers are written out


def graph(net: Module, x: Any = None, g: Any = None, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a network as a computational graph: inputs on the left, each node to the right of the nodes that it reads.

    Parameters
    ----------
    net : Graph or Sequential
        Left as it is. Nested containers are opened.
    x : array_like, or a tuple of them, optional
        If given, forward runs, and each box shows the value of its node after =: up to four numbers, or the shape.
    g : array_like, or a tuple of them, optional
        Gradient of the outputs. If given, backward runs, and each box shows the gradient of its node or input after ∂.
    title : str, optional
    ax : Axes, optional
        Axes to draw on, whose unit becomes one inch; by default those of a new figure of the right size.

    Returns
    -------
    Axes
        Outputs have a thick frame. Edges arrive at a node in the order of its sources, from top to bottom.
    """
    wiring = wired("graph", net)
    if g is not None and x is None:
        raise ArgumentError("graph: x must be given if g is, since backward needs a forward")
    values, gradients = ({}, {}) if x is None else values_and_gradients(net, wiring, x, g)
    boxes = {name: filled([name], values.get(name), gradients.get(name)) for name in wiring.inputs}
    boxes |= {path: filled([path, shortened(repr(module))], values.get(path), gradients.get(path))
              for path, module, _ in wiring.nodes}
    boxes, places, routes, size = laid_out(wiring, boxes)
    if ax is None:
        lines = 0 if title is None else 1 + title.count("\n")
        ax = new_figure((size[0], size[1] + TITLE * lines)).subplots()
    if title is not None:
        ax.set_title(title)
    for path, _, sources in wiring.nodes:
        for k in range(len(sources)):
            draw_edge(ax, routes[path, k], places, boxes, share(k, len(sources)))
    for name, (across, up) in places.items():
        if boxes[name].lines:
            draw_box(ax, boxes[name], across, up, "0.75" if name in wiring.inputs else "black",
                     2.2 if name in wiring.outputs else 1)
    ax.set(xlim=(0, size[0]), ylim=(-size[1] / 2, size[1] / 2), aspect="equal")
    ax.axis("off")
    return ax


def values_and_gradients(net: Module, wiring: Wiring[Module], x: Any, g: Any) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the value of each input and node, and (unless g is None) the gradient with respect to it, by name; copies run."""
    ran, paths = deepcopy(net), [node.path for node in wiring.nodes]
    x = as_values(x, ran.dtype, "x", ran, ran.arity)
    outputs: list[Value] = []

    def step(module: Module, read: Value) -> Value:
        outputs.append(module.forward(read))
        return outputs[-1]

    ran.flow(x, step)
    values = dict(zip([*wiring.inputs, *paths], [*parts(x), *outputs], strict=True))
    if g is None:
        return values, {}
    ran = deepcopy(net)                                             # the same masks again
    gx = ran.backward(gradient_like(ran, ran.forward(x), g))
    gradients = [*parts(gx), *(module.gradient for _, module in ran.leaves())]
    return values, dict(zip(values, gradients, strict=True))


def filled(lines: list[str], value: Value | None, gradient: Value | None) -> Box:
    """Return a box with these lines, the value and the gradient."""
    shown = [(line, "black") for line in lines]
    shown += [(f"{sign} {written(array)}", color) for sign, array, color in (
        ("=", value, COLORS[0]), ("∂", gradient, COLORS[1])) if array is not None]
    return boxed(shown)


def written(value: Value) -> str:
    """Return a few numbers, or the shape of a larger array, as text; arrays of a tuple are separated by |."""
    return " | ".join(map(numbers, parts(value)))


def numbers(array: Array) -> str:
    return ", ".join(f"{number:.3g}" for number in array.flat) if array.size <= FEW else str(array.shape)


# ------------------------------------------------------------------ drawing


def draw_box(ax: Axes, box: Box, across: float, up: float, edge: str, width: float) -> None:
    """Draw the frame and the lines of a box."""
    ax.add_patch(FancyBboxPatch((across - box.width / 2, up - box.height / 2), box.width, box.height,
                                boxstyle="round,pad=0,rounding_size=0.08", facecolor="white", zorder=2,
                                edgecolor=edge, linewidth=width))
    for k, (text, color) in enumerate(box.lines):
        ax.text(across, up + box.height / 2 - 0.07 - LINE * (k + 0.5), text, ha="center", va="center", fontsize=9,
                color=color, fontweight="bold" if k == 0 else "normal", zorder=3, parse_math=False)


def draw_edge(ax: Axes, route: list[Any], places: Mapping[Any, tuple[float, float]], boxes: Mapping[Any, Box],
              port: float) -> None:
    """Draw a smooth arrow along a route; it arrives at the last box at the share ``port`` of its height from the top."""
    vertices = bends(route, places, boxes, port)
    codes = [Path.MOVETO] + [Path.CURVE4] * (len(vertices) - 1)
    ax.add_patch(FancyArrowPatch(path=Path(vertices, codes), arrowstyle="-|>", mutation_scale=11, color="0.35", linewidth=1,
                                 zorder=1))


# ------------------------------------------------------------------ counts


def products(counts: Mapping[int, PathCounts], *, xlabel: str = "depth", title: str | None = None,
             ax: Axes | None = None) -> Axes:
    """Draw the numbers of products that a sum over paths and ``backward`` take: exponential and linear.

    Parameters
    ----------
    counts : dict of PathCounts by size
        Results of ``retroprop.count_paths``, for example by the depth of graphs.
    xlabel : str, default "depth"
        The meaning of the sizes.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        The vertical scale is logarithmic: exponential growth is a straight line.
    """
    if not isinstance(counts, Mapping) or not counts or not all(isinstance(count, PathCounts) for count in counts.values()):
        raise ArgumentError(f"products: counts must be a dict of PathCounts by size, got {counts!r}")
    sizes = sorted(counts)
    if max(count.naive_products for count in counts.values()) > sys.float_info.max:
        raise ArgumentError(f"products: counts must be at most {sys.float_info.max:.0e} to be drawn, got more at {xlabel} "
                            f"{next(size for size in sizes if counts[size].naive_products > sys.float_info.max)}")
    ax = axes(ax, title)
    for label, color, marker, field in (("sum over paths", COLORS[1], "^", "naive_products"),
                                        ("backward", COLORS[0], "o", "backward_products")):
        ax.plot(sizes, [getattr(counts[size], field) for size in sizes], marker=marker, color=color, label=label)
    ax.set(yscale="log", xlabel=xlabel, ylabel="products with a local Jacobian")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(ax)
    return ax
