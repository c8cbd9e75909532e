"""A function, its derivative, and the line that stands for it near a point (lecture, slides 5-7)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ..arguments import Array, real
from ..errors import ArgumentError, RetropropError
from ..modules.core.base import Module
from .canvas import COLORS, axes, legend


def activation(module: Module, at: float | None = None, *, span: float = 6.0, title: str | None = None,
               ax: Axes | None = None) -> Axes:
    """Draw an activation function f, its derivative, and its tangent at a point.

    The derivative is what the module's own ``backward`` makes of a gradient of ones.

    Parameters
    ----------
    module : Module
        A function of each element, without parameters: Sigmoid, ReLU, ... Any other raises ArgumentError.
    at : float, optional
        Where to draw the tangent.
    span : float > 0, default 6
        x runs from -span to span.
    title : str, optional
    ax : Axes, optional
        Drawn on; by default those of a new figure.

    Returns
    -------
    Axes
    """
    span = real("span", span, 0, above=True)
    x = np.linspace(-span, span, 1201)
    y, slope = value_and_slope(module, x)
    ax = axes(ax, title)
    ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    ax.plot(x, y, color=COLORS[0], lw=2, label="f(x)")
    ax.plot(*broken_at_jumps(x, slope), color=COLORS[1], lw=2, ls="--", label="f '(x)")
    bottom, top = ax.get_ylim()
    if at is not None:
        at = real("at", at, -span, span)
        (height,), (rise,) = value_and_slope(module, np.array([at]))
        ax.plot(x, height + rise * (x - at), color="0.3", lw=1, label=f"tangent at {at:g}: slope {rise:.3g}")
        ax.plot([at], [height], "o", color="0.3", ms=6)
    ax.set(xlim=(-span, span), ylim=(bottom, top), xlabel="x", ylabel=repr(module))
    legend(ax)
    return ax


def value_and_slope(module: Module, x: Array) -> tuple[Array, Array]:
    """f(x) and f'(x) of a function of each element; ArgumentError for any other module."""
    refusal = f"activation: module must be a function of each element, without parameters, got {module!r}"
    if not isinstance(module, Module) or module.parameters():
        raise ArgumentError(refusal)
    try:
        with module.preserved_evaluation():
            halves = np.concatenate([module.forward(x[:len(x) // 2 + 1]), module.forward(x)[len(x) // 2 + 1:]])
            y = module.forward(x)
            slope = module.backward(np.ones_like(y))
    except RetropropError as error:
        raise ArgumentError(refusal) from error
    if y.shape != x.shape or not np.array_equal(y, halves):
        raise ArgumentError(refusal)
    return y, slope


def broken_at_jumps(x: Array, slope: Array) -> tuple[Array, Array]:
    """With a gap wherever neighbours differ by a fifth of the range: no line where there is no derivative."""
    steps = np.abs(np.diff(slope))
    jumps = np.flatnonzero((steps > 0.2 * np.ptp(slope)) & (steps > 0)) + 1
    return np.insert(x, jumps, np.nan), np.insert(slope, jumps, np.nan)
