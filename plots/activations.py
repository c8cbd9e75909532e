"""An activation function, its derivative, and its tangent at a point (lecture, slides 5-7)."""

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

    The derivative is the module's own ``backward`` of a gradient of ones.

    Parameters
    ----------
    module : Module
        A function of each element without parameters, such as Sigmoid or ReLU; ArgumentError for any other module.
    at : float, optional
        The point of the tangent.
    span : float > 0, default 6
        The axis of x runs from -span to span.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
    """
    span = real("span", span, 0, above=True)
    x = np.linspace(-span, span, 1201)
    y, derivative = value_and_derivative(module, x)
    ax = axes(ax, title)
    ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    ax.plot(x, y, color=COLORS[0], lw=2, label="f(x)")
    ax.plot(*broken_at_jumps(x, derivative), color=COLORS[1], lw=2, ls="--", label="f '(x)")
    bottom, top = ax.get_ylim()
    if at is not None:
        at = real("at", at, -span, span)
        (height,), (slope,) = value_and_derivative(module, np.array([at]))
        ax.plot(x, height + slope * (x - at), color="0.3", lw=1, label=f"tangent at {at:g}: slope {slope:.3g}")
        ax.plot([at], [height], "o", color="0.3", ms=6)
    ax.set(xlim=(-span, span), ylim=(bottom, top), xlabel="x", ylabel=repr(module))
    legend(ax)
    return ax


def value_and_derivative(module: Module, x: Array) -> tuple[Array, Array]:
    """Return f(x) and f'(x) of a function of each element; ArgumentError for any other module."""
    refusal = f"activation: module must be a function of each element, without parameters, got {module!r}"
    if not isinstance(module, Module) or module.parameters():
        raise ArgumentError(refusal)
    try:
        with module.preserved_evaluation() as kept, kept:
            halves = np.concatenate([module.forward(x[:len(x) // 2 + 1]), module.forward(x)[len(x) // 2 + 1:]])
            y = module.forward(x)
            derivative = module.backward(np.ones_like(y))
    except RetropropError as error:
        raise ArgumentError(refusal) from error
    if y.shape != x.shape or not np.array_equal(y, halves):
        raise ArgumentError(refusal)
    return y, derivative


def broken_at_jumps(x: Array, y: Array) -> tuple[Array, Array]:
    """Insert a gap wherever neighbours differ by more than a fifth of the range, so that no line is drawn across a jump."""
    steps = np.abs(np.diff(y))
    jumps = np.flatnonzero((steps > 0.2 * np.ptp(y)) & (steps > 0)) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)
