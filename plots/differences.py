"""Finite differences: their error by step, the effect of one parameter, and the cost of gradients (slides 36-41)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from ..arguments import Array, one_of
from ..inspection.derivatives.gradient_costs import GradientCosts
from ..inspection.derivatives.perturbation import Perturbation
from ..inspection.derivatives.step_sizes import StepSizeErrors
from .canvas import COLORS, MARKERS, axes, labelled, legend


def step_sizes(errors: StepSizeErrors | Mapping[str, StepSizeErrors], *, title: str | None = None,
               ax: Axes | None = None) -> Axes:
    """Draw the error of finite differences as a function of the step, on logarithmic scales.

    Parameters
    ----------
    errors : StepSizeErrors, or mapping of labels to StepSizeErrors
        From ``step_size_errors``, for example in float64 and in float32.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        Markers show the best steps by theory, √ε and ε^(1/3). Dotted lines beside the first two curves have the slopes of
        theory: -1 for round-off, 1 and 2 for truncation. A line is left out if the curve does not have its slope, as at kinks.
    """
    curves = labelled("errors", errors, StepSizeErrors)
    ax = axes(ax, title, (7.6, 3.9))
    for k, (label, result) in enumerate(curves.items()):
        for j, (scheme, values, best, name) in enumerate((("one-sided", result.one_sided, result.best_one_sided, "√ε"),
                                                          ("central", result.central, result.best_central, "ε^(1/3)"))):
            color = COLORS[(2 * k + j) % len(COLORS)]
            at = result.nearest(best)
            ax.plot(result.steps, values, MARKERS[j] + "-", markevery=[] if at is None else [at], color=color, lw=1.8, ms=8,
                    label=f"{label} {scheme}".strip() + (f", {name} = {best:.0e}" if at is not None else ""))
    first = next(iter(curves.values()))
    guide(ax, first.steps, first.one_sided, first.steps < first.best_one_sided / 10, -1)
    for values, best, slope in ((first.one_sided, first.best_one_sided, 1), (first.central, first.best_central, 2)):
        guide(ax, first.steps, values, first.steps > best * 10, slope)
    ax.set(xscale="log", yscale="log", xlabel="step h", ylabel="largest error / largest gradient")
    ax.grid(alpha=0.25)
    legend(ax, title="markers: best step by theory", alignment="left")
    return ax


def guide(ax: Axes, steps: Array, values: Array, where: Array, slope: int) -> None:
    """Draw a dotted line of this slope beside a curve, if the curve has this slope in the given range."""
    where = where & (values > 0) & (values < 0.1)
    h, errors = steps[where], values[where]
    if len(h) < 3 or abs(np.polyfit(np.log(h), np.log(errors), 1)[0] - slope) > 0.2:
        return
    below = slope == 2                                              # the others lie above their curves
    line = (1 / 6 if below else 6) * np.median(errors / h**slope) * h**slope
    ax.plot(h, line, ":", color="0.4", lw=1.2)
    left = slope == 1
    middle = len(h) // (2 if slope < 0 else 3)
    ax.annotate(f"slope {slope}".replace("-", "−"), (h[middle], line[middle]), (-5 if left else 5, -3 if below else 2),
                textcoords="offset points", ha="right" if left else "left", color="0.3", fontsize="small",
                va="top" if below else "bottom")


def perturbation(result: Perturbation, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the cost as a function of one number of a parameter, and its tangent, which the gradient predicts.

    Parameters
    ----------
    result : Perturbation
        From ``perturb``.
    title : str, optional
        By default the effect of the number, from the sign of the gradient.
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
    """
    order = np.argsort(result.deltas)
    deltas = result.deltas[order]
    ax = axes(ax, f"{result.entry}: {result.effect}" if title is None else title)
    ax.plot(deltas, result.costs[order], color=COLORS[0], lw=2, label="cost")
    bottom, top = ax.get_ylim()
    ax.plot(deltas, result.predicted[order], "--", color=COLORS[1], lw=1.5, label=f"tangent: slope {result.gradient:.3g}")
    ax.plot([0], [result.cost], "o", color=COLORS[1], ms=7, label=f"current cost {result.cost:.4g}")
    room = 0.3 * (top - bottom)                                     # the tangent may leave the axes, but not stretch them
    low, high = ax.get_ylim()
    ax.set(ylim=(max(low, bottom - room), min(high, top + room)), ylabel="cost",
           xlabel=f"change of {result.entry} from {result.value:.4g}")
    ax.grid(alpha=0.25)
    legend(ax)
    return ax


def gradient_costs(costs: GradientCosts, what: str = "seconds", *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the cost of a gradient by finite differences and by backpropagation, by number of parameters.

    Parameters
    ----------
    costs : GradientCosts
        From ``rp.gradient_costs``.
    what : {"seconds", "propagations"}, default "seconds"
        Measured times, or counts of propagations.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        The scales are logarithmic: a cost proportional to the number of parameters is a line of slope 1.
    """
    one_of("what", what, ("seconds", "propagations"))
    n, counted, back, slow, fast = np.array(sorted(costs.rows)).T
    ax = axes(ax, title)
    for k, (values, name) in enumerate((((counted, slow)[what == "seconds"], "finite differences"),
                                        ((back, fast)[what == "seconds"], "backpropagation"))):
        ax.plot(n, values, MARKERS[k] + "-", color=COLORS[1 - k], lw=1.8, label=name)
    ax.set(xscale="log", yscale="log", xlabel="number of parameters",
           ylabel="seconds" if what == "seconds" else "propagations of single examples")
    ax.grid(alpha=0.25)
    legend(ax)
    return ax
