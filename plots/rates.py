"""Learning rates: schedules, and what a range test has seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from ..arguments import positive_int
from ..errors import ArgumentError
from ..training.schedules.rate_range import RateRange
from ..training.schedules.schedule import Schedule
from .canvas import COLORS, DASHES, axes, legend
from .training import line


def schedule(schedules: Schedule | Mapping[str, Schedule], steps: int, *, title: str | None = None,
             ax: Axes | None = None) -> Axes:
    """Draw the learning rates of schedules, for the first group of their optimizers; the schedules are not moved.

    Parameters
    ----------
    schedules : Schedule, or mapping of labels to schedules
    steps : int
        The last number of steps that is drawn.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
    """
    named = schedules if isinstance(schedules, Mapping) else {type(schedules).__name__: schedules}
    if not named or not all(isinstance(one, Schedule) for one in named.values()):
        raise ArgumentError(f"schedule: schedules must be a Schedule or a dict of Schedules by label, got {schedules!r}")
    counts, ax = np.arange(positive_int("steps", steps) + 1), axes(ax, title)
    for k, (label, one) in enumerate(named.items()):
        rates = [one.rate(count, one.initial[0]) for count in counts.tolist()]
        line(ax, counts, np.array(rates), DASHES[k // len(COLORS) % len(DASHES)], COLORS[k % len(COLORS)], label)
    ax.set(xlabel="steps of the schedule", ylabel="learning rate", ylim=(0, None))
    ax.grid(alpha=0.25)
    if len(named) > 1:
        legend(ax)
    return ax


def rate_range(found: RateRange, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the cost against the learning rate of a range test, with its running mean and the rate that it suggests.

    Parameters
    ----------
    found : RateRange
        As returned by ``lr_range_test``.
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
    """
    if not isinstance(found, RateRange):
        raise ArgumentError(f"rate_range: found must be what lr_range_test returns, got {found!r}")
    ax = axes(ax, title)
    ax.plot(found.rates, found.costs, ".", color=COLORS[5], ms=4, label="cost of a batch")
    ax.plot(found.rates, found.smoothed, color=COLORS[0], lw=1.8, label="running mean")
    if np.isfinite(found.suggestion):
        ax.axvline(found.suggestion, color=COLORS[1], ls="--", label=f"falls most steeply: {found.suggestion:.2g}")
    low, first = found.costs.min(), max(found.costs[0], found.smoothed[0])
    room = (first - low) or 1.0
    ax.set(xscale="log", xlabel="learning rate", ylabel="cost", ylim=(low - 0.1 * room, first + 0.5 * room))
    ax.grid(alpha=0.25)
    legend(ax)
    return ax
