"""The figures of a comparison, each a function of plain numbers, so that it can be drawn in another process.

Every figure is one panel, about as wide as a phone: a page puts panels side by side where there is room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...arguments import Array
from ..reports.panels import GREY, HEIGHT, beside, margin, panel, style, whole_epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAR = 10                                                            # times chance, beyond which errors are not told apart
DODGE = 1.05                                                        # between two initializations at one rate
ROW = 0.2                                                           # inches of a row of a ranking
KINDS = {                                                           # of verdicts, where colours do not suffice
    "first": ("#0072B2", "o"), "learns": ("#56B4E9", "o"), "some": ("#E69F00", "s"), "never": ("#D55E00", "^"),
    "nothing": ("#882255", "v"), "explodes": ("#000000", "P"), "diverges": ("#000000", "X")}


class Scale(NamedTuple):
    """The axis of the errors: their name and unit, the error of a constant prediction, and the smallest that can be shown."""

    name: str
    unit: str
    chance: float
    least: float

    def shown(self, values: Any) -> Array:
        """Errors as they are drawn: percent for shares. On a logarithmic axis 0 stands at the lower end, and errors beyond ten
        times that of a constant prediction at the upper one."""
        found = np.clip(np.asarray(values, float), self.least, math.inf if math.isnan(self.chance) else FAR * self.chance)
        return found * (100 if self.unit == "%" else 1)

    @property
    def label(self) -> str:
        return f"test {self.name}" + (f", {self.unit}" if self.unit else "")


class Place(NamedTuple):
    """The end of one initialization in a ranking: its mean error, half of the 95 % interval, and the error of each run."""

    init: str
    kind: str
    error: float
    half: float
    runs: Sequence[float]
    text: str


class Rate(NamedTuple):
    """One initialization at one learning rate; ``error`` is NaN if all runs diverged."""

    rate: float
    error: float
    half: float
    diverged: int


def curves(groups: Mapping[str, Sequence[Sequence[float]]], scale: Scale, goal: float, title: str,
           colors: Mapping[str, int]) -> Figure:
    """Test error by epoch on a logarithmic axis: the median of each initialization, the range of its runs, and its name.

    A cross is where a run diverged. Dashed is chance, dotted the error that "learns" means.
    """
    names = {name: name if any(len(run) for run in runs) else f"{name}: diverges" for name, runs in groups.items()}
    figure, ax = panel(right=margin([*names.values(), "chance"]))
    longest = max((len(run) for runs in groups.values() for run in runs), default=1)
    ends = []
    for name, runs in groups.items():
        color, marker = style(colors[name])
        table = np.full((len(runs), longest), np.nan)
        for row, run in zip(table, runs, strict=True):
            row[:len(run)] = np.where(np.isfinite(run), run, np.nan)
        known = ~np.isnan(table)
        epochs = np.flatnonzero(known.any(0))
        if not epochs.size:
            ends.append((math.inf, names[name], color))
            continue
        middle, low, high = (scale.shown(f(table[:, epochs], axis=0)) for f in (np.nanmedian, np.nanmin, np.nanmax))
        ax.plot(epochs + 1, middle, color=color, lw=1.8, marker=marker, ms=4,
                markevery=max(1, longest // 10))
        one = epochs.size == 1                                      # a band over one epoch has no width but that of its edge
        ax.fill_between(epochs + 1, low, high, color=color, alpha=0.18, lw=6 if one else 0)
        for row, there in zip(table, known, strict=True):
            if there.any() and not there.all():
                last = int(np.flatnonzero(there)[-1])
                ax.plot(last + 1, scale.shown(row[last]), "x", color=color, ms=7, mew=2)
        ends.append((float(middle[-1]), name, color))
    logarithmic(ax, "y", scale, [goal, *(error for runs in groups.values() for run in runs for error in run)])
    known_lines = [(value, dashes, name) for value, dashes, name in ((scale.chance, "--", "chance"), (goal, ":", ""))
                   if math.isfinite(value)]
    for value, dashes, name in known_lines:
        ax.axhline(float(scale.shown(value)), color=GREY, ls=dashes, lw=1)
        ends += [(float(scale.shown(value)), name, GREY)] if name else []
    ax.set(xlabel="epoch", ylabel=scale.label)
    ax.set_title(title, loc="left")
    whole_epochs(ax)
    beside(ax, ends)
    return figure


def costs(groups: Mapping[str, Sequence[Sequence[float]]], title: str, colors: Mapping[str, int]) -> Figure:
    """Training cost by epoch, as in `curves`."""
    values = [value for runs in groups.values() for run in runs for value in run if 0 < value < math.inf]
    least = min(values, default=1.0)
    figure = curves(groups, Scale("", "", math.nan, least), math.nan, title, colors)
    figure.axes[0].set_ylabel("training cost")
    return figure


def ranking(places: Sequence[Place], scale: Scale, goal: float, title: str, limits: Sequence[float],
            colors: Mapping[str, int] | None = None, first: int = 1) -> Figure:
    """Initializations ranked by their test error: mean and 95 % interval, and a dot for each run.

    ``limits`` are errors that the axis holds, those of all panels of a ranking. Without ``colors`` the colour is that
    of the verdict.
    """
    room = 0.1 + 0.068 * max(len(place.text) for place in places)
    figure, ax = panel(height=tall(len(places)), right=room,
                       left=0.25 + margin([place.init for place in places]))
    rows = np.arange(len(places))[::-1]
    for y, place in zip(rows, places, strict=True):
        color, marker = KINDS[place.kind] if colors is None else style(colors[place.init])
        if math.isfinite(place.error):
            runs = [error for error in place.runs if math.isfinite(error)]
            ax.plot(scale.shown(runs), [y] * len(runs), "|", color=color, ms=6, alpha=0.6)
            if place.half > 0:
                ends = scale.shown([place.error - place.half, place.error + place.half])
                ax.plot(ends, [y, y], color=color, lw=2.2, alpha=0.5, solid_capstyle="butt")
            ax.plot(scale.shown(place.error), y, marker, color=color, ms=6)
        ax.annotate(place.text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=9, annotation_clip=False)
    logarithmic(ax, "x", scale, [goal, *limits])
    for value, dashes, name in ((scale.chance, "--", "chance"), (goal, ":", "")):
        at = float(scale.shown(value))
        ax.axvline(at, color=GREY, ls=dashes, lw=1)
        if name:
            ax.annotate(name, (at, 1.01), xycoords=("data", "axes fraction"), ha="right", va="bottom", fontsize=9,
                        color=GREY)
    ax.set(xlabel=scale.label, ylim=(-0.7, len(places) - 0.3))
    ax.set_title(title, loc="left", pad=18)
    ax.set_yticks(rows, [f"{k}. {place.init}" for k, place in enumerate(places, first)])
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    return figure


def by_rate(groups: Mapping[str, Sequence[Rate]], chosen: Mapping[str, float], scale: Scale, title: str,
            colors: Mapping[str, int]) -> Figure:
    """Test error against learning rate: the mean of each initialization with its 95 % interval; a ring is the chosen rate.

    A cross at the upper edge is a rate at which runs diverged.
    """
    figure, ax = panel(right=margin([*groups, "chance"]))
    ends: list[tuple[float, str, str]] = []
    limits = [scale.chance, *(row.error for rows in groups.values() for row in rows if math.isfinite(row.error))]
    for k, (name, rows) in enumerate(groups.items()):
        color, marker = style(colors[name])
        shift = DODGE ** (k - (len(groups) - 1) / 2)                # intervals at one rate stand beside one another
        rows = [row._replace(rate=shift * row.rate) for row in rows]
        alive = [row for row in rows if math.isfinite(row.error)]
        if alive:
            rates, errors = [row.rate for row in alive], scale.shown([row.error for row in alive])
            ax.plot(rates, errors, color=color, lw=1.8, marker=marker, ms=4.5)
            for row in alive:
                if row.half > 0:
                    ax.plot([row.rate] * 2, scale.shown([row.error - row.half, row.error + row.half]), color=color, lw=1.6,
                            alpha=0.4, solid_capstyle="butt")
            best = [row for row in alive if row.rate == shift * chosen[name]]
            ax.plot([row.rate for row in best], scale.shown([row.error for row in best]), "o", color=color, mfc="none", ms=11,
                    mew=1.6)
        lost = [row.rate for row in rows if row.diverged]
        ax.plot(lost, [1.0] * len(lost), "x", color=color, ms=6, mew=2,
                transform=ax.get_xaxis_transform(), clip_on=False)
        ends.append((float(errors[-1]), name, color) if alive else (math.inf, name, color))
    ax.set_xscale("log")
    rates = sorted({row.rate for rows in groups.values() for row in rows})
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.set_xticks([], minor=True)
    logarithmic(ax, "y", scale, limits)
    ax.axhline(float(scale.shown(scale.chance)), color=GREY, ls="--", lw=1)
    ax.set(xlabel="learning rate", ylabel=scale.label)
    ax.set_title(title, loc="left", pad=12)
    beside(ax, [*ends, (float(scale.shown(scale.chance)), "chance", GREY)])
    return figure


def survival(groups: Mapping[str, Sequence[Rate]], survived: Mapping[str, Sequence[float]], chosen: Mapping[str, float],
             scale: Scale, title: str, lowest: float, first: int = 1) -> Figure:
    """Initializations by learning rate: shade and number are the test error, a stroke is where it survives, bold the choice.

    The darkest shade is that of the error ``lowest``, the lightest that of chance.
    """
    from matplotlib.colors import LogNorm
    names = list(groups)
    rates = sorted({row.rate for rows in groups.values() for row in rows})
    table = np.full((len(names), len(rates)), np.nan)
    for row, name in zip(table, names, strict=True):
        for one in groups[name]:
            row[rates.index(one.rate)] = one.error
    figure, ax = panel(height=tall(len(names)), left=0.25 + margin(names), right=0.15)
    norm = LogNorm(float(scale.shown(min(lowest, 0.99 * scale.chance))), float(scale.shown(scale.chance)), clip=True)
    ax.imshow(scale.shown(table), norm=norm, cmap="viridis", aspect="auto")
    for i, name in enumerate(names):
        tried = {one.rate for one in groups[name]}
        for j, rate in enumerate(rates):
            if rate not in tried:
                continue
            value = table[i, j]
            text = "div." if math.isnan(value) else brief(value, scale)
            dark = math.isnan(value) or float(norm(scale.shown(value))) > 0.6
            weight = "bold" if rate == chosen[name] else "normal"
            ax.text(j, i, text, ha="center", va="center", fontsize=8, color="black" if dark else "white", weight=weight)
            if rate in survived[name]:
                ax.plot(j - 0.42, i, "|", color="white" if not dark else "black", ms=9, mew=2.5)
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_yticks(range(len(names)), [f"{k}. {name}" for k, name in enumerate(names, first)])
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("learning rate")
    ax.set_title(title, loc="left")
    return figure


# ------------------------------------------------------------------ parts of figures


def brief(value: float, scale: Scale) -> str:
    shown = 100 * value if scale.unit == "%" else value
    return f"{shown:.1f}" if scale.unit == "%" and shown < 99.95 else f"{shown:.3g}"


def tall(rows: int) -> float:
    """The height of a figure with so many rows, in inches; a few stand as high as the other panels."""
    return max(HEIGHT, 0.95 + ROW * rows)


def logarithmic(ax: Axes, axis: str, scale: Scale, values: Sequence[float]) -> None:
    """A logarithmic axis that holds these errors and that of a constant prediction, with plain numbers at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
    found = scale.shown([value for value in (scale.chance, *values) if math.isfinite(value)])
    low, high = (float(found.min()), float(found.max())) if found.size else (1.0, 10.0)
    getattr(ax, f"set_{axis}scale")("log")
    getattr(ax, f"set_{axis}lim")(low / (high / low) ** 0.05 / 1.02, high * (high / low) ** 0.05 * 1.02)
    one = getattr(ax, f"{axis}axis")
    box = ax.bbox.transformed(ax.figure.dpi_scale_trans.inverted())     # in inches
    decade = (box.width if axis == "x" else box.height) / math.log10(high / low * 1.1)
    room = 0.3 if axis == "x" else 0.15                             # inches of a label; the nearest ticks are 0.3 decades apart
    one.set_major_locator(LogLocator(subs=(1, 2, 5) if 0.3 * decade > room else (1, 3) if 0.47 * decade > room else (1,)))
    one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    one.set_minor_locator(NullLocator())
