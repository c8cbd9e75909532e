"""Decision boundaries in the plane, and the representation that a layer computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from numpy.typing import ArrayLike

from ..arguments import Array
from ..datasets.checks import HINT, finite, pair
from ..errors import ArgumentError, DataError, ShapeError
from ..inspection.diagnosis.layers import layer_statistics
from ..modules import Module, Sigmoid, Softmax
from .canvas import COLORS, MARKERS, axes, legend

GRID = 241                                                          # points per side
BINARY = LinearSegmentedColormap.from_list("classes", [COLORS[0], "white", COLORS[1]])


def decision_boundary(net: Module, x: ArrayLike, y: ArrayLike, *, names: Sequence[str] | None = None,
                      title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the predictions of a classifier in the plane, with the examples.

    Parameters
    ----------
    net : Module
        A network of two inputs. One output is the probability of class 1 if the network ends with Sigmoid, else its logit. K
        outputs are scores of K classes (probabilities, log-probabilities or logits); the class with the largest is predicted.
    x : array_like of shape (N, 2)
    y : array_like of shape (N,)
        Classes 0, 1, ...
    names : sequence of str, optional
        Names of the classes, for the legend; by default their numbers.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        The decision boundary is a black line. The paler the colour, the lower the predicted probability.
    """
    points, labels = classes(x, y)
    if points.shape[1:] != (2,):
        raise ShapeError(f"decision_boundary: x must have shape (N, 2), points of the plane, got {points.shape}")
    margin = 0.08 * np.ptp(points, axis=0) + 1e-3
    (left, low), (right, high) = points.min(0) - margin, points.max(0) + margin
    u, v = np.meshgrid(np.linspace(left, right, GRID), np.linspace(low, high, GRID))
    p = probabilities(net, np.column_stack([u.ravel(), v.ravel()]))
    if p.ndim != 2 or labels.max() >= p.shape[1]:
        raise ShapeError(f"decision_boundary: net must have an output for each class up to {labels.max()}, the largest in y, "
                         f"or one for two classes, got output of shape {p.shape}")
    called = named(names, p.shape[1], "class ")
    p = p.reshape(GRID, GRID, -1)
    ax = axes(ax, title)
    scatter(ax, points, labels, called)
    if p.shape[2] == 2:
        filled = ax.contourf(u, v, p[..., 1], np.linspace(0, 1, 11), cmap=BINARY, alpha=0.6, zorder=0)
        bar = ax.figure.colorbar(filled, ax=ax, label=f"probability of {called[1]}", ticks=[0, 0.5, 1], shrink=0.78,
                                 anchor=(0, 0))
        bar.ax.legend(*ax.get_legend_handles_labels(), loc="lower left", bbox_to_anchor=(-1, 1.02), frameon=False)
    else:
        ax.imshow(blend(p), extent=(left, right, low, high), origin="lower", aspect="auto", zorder=0)
        legend(ax)
    for k in range(p.shape[2] if p.shape[2] > 2 else 1):
        lead = p[..., k] - np.delete(p, k, 2).max(2)
        if lead.min() < 0 < lead.max():
            ax.contour(u, v, lead, [0], colors="black", linewidths=1.5, linestyles="solid", zorder=0.5)
    ax.set(xlim=(left, right), ylim=(low, high), xlabel="first input", ylabel="second input")
    return ax


def representation(net: Module, x: ArrayLike, y: ArrayLike, layer: int | str, *, names: Sequence[str] | None = None,
                   title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the representation of a batch in a layer (lecture, slides 34-36), in evaluation mode.

    Parameters
    ----------
    net : Sequential
    x : array_like of shape (N, ...)
    y : array_like of shape (N,)
        Classes 0, 1, ..., which are drawn as colours and markers.
    layer : int or str
        Index of a module, or its path (``"1.0"`` for a module in a nested Sequential).
    names : sequence of str, optional
        Names of the classes, for the legend; by default their numbers.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        Two units are drawn directly. More units are projected on their first two principal components, whose shares of the
        variance the labels of the axes give.
    """
    inputs, labels = classes(x, y)
    with net.preserved_evaluation() as kept, kept:
        path = place("representation", net, layer)
        net.eval()
        outputs = np.asarray(next(record.activation for record in reversed(layer_statistics(net, inputs))
                                  if record.path == path or record.path.startswith(f"{path}.")))
    units = finite(f"representation: output of module {path}", outputs.reshape(len(outputs), -1))
    if units.shape[1] < 2:
        raise ShapeError(f"representation: module {path} must have at least two units, got output of shape "
                         f"{outputs.shape}")
    called = named(names, int(labels.max()) + 1, "class ")
    units_named = [f"unit {k} of module {path}" for k in range(2)]
    if units.shape[1] > 2:
        units, shares = principal(units)
        units_named = [f"principal component {k} of {outputs[0].size} units ({100 * share:.0f} % of variance)"
                       for k, share in enumerate(shares, 1)]
    ax = axes(ax, title, (6.0, 4.6))
    scatter(ax, units, labels, called)
    if labels.max() < len(MARKERS):
        legend(ax)
    ax.set(xlabel=units_named[0], ylabel=units_named[1])
    ax.margins(0.06)
    return ax


def classes(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return finite examples and their classes, of shape (N,)."""
    examples, labels = pair(x, y)
    finite("x", examples)
    if labels.shape not in ((len(examples),), (len(examples), 1)):
        raise ShapeError(f"y must hold one class for each example, shape ({len(examples)},), got {labels.shape}")
    numbers = finite("y", labels, HINT).reshape(-1)
    if (numbers < 0).any() or (numbers != np.floor(numbers)).any() or numbers.max() > np.iinfo(np.int32).max:
        raise DataError(f"y must hold classes 0, 1, ..., got {np.unique(numbers)[:5].tolist()}")
    return examples, numbers.astype(int)


def probabilities(net: Module, x: Array) -> Array:
    """Return the probability of each class, of shape (N, K); one output has two classes."""
    out = finite("output of net", net.predict(x, batch_size=4096)).astype(float)
    last = net.leaves()[-1][1]
    if out.ndim == 1 or out.shape[1:] == (1,):
        p = out.reshape(-1)
        p = p if isinstance(last, Sigmoid) else np.exp(-np.logaddexp(0, -p))
        return np.column_stack([1 - p, p])
    if out.ndim != 2 or isinstance(last, Softmax):
        return out
    if isinstance(last, Sigmoid):
        return np.asarray(out / np.maximum(out.sum(1, keepdims=True), 1e-12))
    out = np.exp(out - out.max(1, keepdims=True))
    return np.asarray(out / out.sum(1, keepdims=True))


def blend(p: Array) -> Array:
    """Return the colour of the most probable class, paler if it is less probable."""
    k = p.shape[2]
    colors = np.array([to_rgb(COLORS[i % len(COLORS)]) for i in range(k)])[p.argmax(2)]
    sure = 0.15 + 0.45 * (p.max(2, keepdims=True) - 1 / k) / (1 - 1 / k)
    return np.asarray(1 - sure * (1 - colors))


def principal(units: Array) -> tuple[Array, Array]:
    """Return the first two principal components, the largest weight of each positive, and their shares of the variance."""
    centred = units.astype(np.float64) - units.mean(0, dtype=np.float64)
    _, sizes, axes_ = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(axes_[range(len(axes_)), np.abs(axes_).argmax(1)])
    total = max(float((sizes ** 2).sum()), 1e-300)
    return centred @ (axes_ * signs[:, None])[:2].T, (sizes ** 2 / total)[:2]


def place(who: str, net: Module, layer: int | str) -> str:
    """Return the path of a module; ArgumentError, which lists all paths, if there is no such module."""
    paths = [path for path, _ in net.named_modules()[1:]]
    top = list(net.children())
    if isinstance(layer, int) and not isinstance(layer, bool) and -len(top) <= layer < len(top):
        return top[layer]
    if isinstance(layer, str) and layer in paths:
        return layer
    raise ArgumentError(f"{who}: layer must be an index or one of the paths {', '.join(paths)}, got {layer!r}")


def named(names: Sequence[str] | None, count: int, prefix: str = "") -> list[str]:
    """Return a name for each of ``count`` classes: its number after ``prefix`` without ``names``."""
    if names is not None and len(names) < count:
        raise ArgumentError(f"names must hold a name for each of {count} classes, got {len(names)}")
    return [f"{prefix}{k}" for k in range(count)] if names is None else [str(name) for name in names]


def scatter(ax: Axes, points: Array, labels: Array, names: Sequence[str]) -> None:
    """Draw points by class: by colour and marker for up to seven classes, by class number for more."""
    classes_drawn = np.unique(labels)
    few = bool(classes_drawn[-1] < len(MARKERS))
    for k in classes_drawn:
        marker, size, edge = (MARKERS[k], 26, 0.5) if few else (f"${k}$", 42, 0)
        u, v = points[labels == k].T
        ax.scatter(u, v, size, COLORS[k % len(COLORS)], marker=marker, label=names[k], linewidths=edge,
                   edgecolors="white")
