"""Finite differences: how their error depends on the step, what one parameter does, and what they cost (slides 36-41)."""

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
    """Draw the error of finite differences over their step, with logarithmic scales.

    Parameters
    ----------
    errors : StepSizeErrors, or mapping of labels to such
        From ``step_size_errors``; two, of float64 and float32, show what the digits of the cost are worth.
    title : str, optional
    ax : Axes, optional
        Drawn on; by default those of a new figure.

    Returns
    -------
    Axes
        Marks stand where theory puts the best steps, √ε and ε^(1/3). Dotted lines beside the first two curves have the slopes
        of theory, -1 for round-off, 1 and 2 for truncation; one that a curve does not have is left out, as 2 at kinks.
    """
    curves = labelled("errors", errors, StepSizeErrors)
    ax = axes(ax, title, (7.6, 3.9))
    for k, (label, found) in enumerate(curves.items()):
        for j, (scheme, values, best, name) in enumerate((("one-sided", found.one_sided, found.best_one_sided, "√ε"),
                                                          ("central", found.central, found.best_central, "ε^(1/3)"))):
            color = COLORS[(2 * k + j) % len(COLORS)]
            at = found.nearest(best)
            ax.plot(found.steps, values, MARKERS[j] + "-", markevery=[] if at is None else [at], color=color, lw=1.8, ms=8,
                    label=f"{label} {scheme}".strip() + (f", {name} = {best:.0e}" if at is not None else ""))
    first = next(iter(curves.values()))
    guide(ax, first.steps, first.one_sided, first.steps < first.best_one_sided / 10, -1)
    for values, best, slope in ((first.one_sided, first.best_one_sided, 1), (first.central, first.best_central, 2)):
        guide(ax, first.steps, values, first.steps > best * 10, slope)
    ax.set(xscale="log", yscale="log", xlabel="step h", ylabel="largest error / largest gradient")
    ax.grid(alpha=0.25)
    legend(ax, title="marks: best step by theory", alignment="left")
    return ax


def guide(ax: Axes, steps: Array, values: Array, where: Array, slope: int) -> None:
    """A dotted line of this slope beside a curve, if the curve has it where theory expects it."""
    where = where & (values > 0) & (values < 0.1)
    h, found = steps[where], values[where]
    if len(h) < 3 or abs(np.polyfit(np.log(h), np.log(found), 1)[0] - slope) > 0.2:
        return
    below = slope == 2                                              # the others lie above their curves
    line = (1 / 6 if below else 6) * np.median(found / h**slope) * h**slope
    ax.plot(h, line, ":", color="0.4", lw=1.2)
    left = slope == 1
    middle = len(h) // (2 if slope < 0 else 3)
    ax.annotate(f"slope {slope}".replace("-", "−"), (h[middle], line[middle]), (-5 if left else 5, -3 if below else 2),
                textcoords="offset points", ha="right" if left else "left", color="0.3", fontsize="small",
                va="top" if below else "bottom")


def perturbation(result: Perturbation, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the cost as one number of a parameter moves, and the tangent by which the gradient predicts it.

    Parameters
    ----------
    result : Perturbation
        From ``perturb``.
    title : str, optional
        By default what the sign of the gradient says.
    ax : Axes, optional
        Drawn on; by default those of a new figure.

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
    ax.plot([0], [result.cost], "o", color=COLORS[1], ms=7, label=f"now: cost {result.cost:.4g}")
    room = 0.3 * (top - bottom)                                     # the tangent may leave the image, not stretch it
    low, high = ax.get_ylim()
    ax.set(ylim=(max(low, bottom - room), min(high, top + room)), ylabel="cost",
           xlabel=f"change of {result.entry}, which is {result.value:.4g}")
    ax.grid(alpha=0.25)
    legend(ax)
    return ax


def gradient_costs(costs: GradientCosts, what: str = "seconds", *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what a gradient costs by finite differences and by backpropagation, over the number of parameters.

    Parameters
    ----------
    costs : GradientCosts
        From ``rp.gradient_costs``.
    what : {"seconds", "propagations"}, default "seconds"
        As measured, or as counted.
    title : str, optional
    ax : Axes, optional
        Drawn on; by default those of a new figure.

    Returns
    -------
    Axes
        With logarithmic scales, where a cost in proportion to the number of parameters is a line of slope 1.
    """
    one_of("what", what, ("seconds", "propagations"))
    n, counted, back, slow, fast = np.array(sorted(costs.rows)).T
    ax = axes(ax, title)
    for k, (values, name) in enumerate((((counted, slow)[what == "seconds"], "finite differences"),
                                        ((back, fast)[what == "seconds"], "backpropagation"))):
        ax.plot(n, values, MARKERS[k] + "-", color=COLORS[1 - k], lw=1.8, label=name)
    ax.set(xscale="log", yscale="log", xlabel="numbers in the parameters",
           ylabel="seconds" if what == "seconds" else "propagations of one example")
    ax.grid(alpha=0.25)
    legend(ax)
    return ax
