"""The figures and tables of Glorot & Bengio 2010 that need no training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ....plots.canvas import COLORS, MARKERS, legend, shades
from ...lab.networks import initialization
from ...reports.panels import legend_below
from ...reproduce.figures import band, grid, labelled
from ...reproduce.paper import Results
from ...sweeps.trials import Done
from .initial_claims import STD_OF_Z, allowed, gradient_ratio, predicted, read, widths
from .plan import DEPTH, LABELS, label_of
from .runs import histograms, layers, signals, surface

KINDS = {"linear": "linear layers", "tanh": "tanh", "relu": "ReLU"}
GROUPS = (("Glorot", "Glorot normal", "LeCun", "LeCun uniform", "Orthogonal"), ("He", "He uniform"), ("Standard",),
          ("N(0, 0.01)",), ("N(0, 1)",), ("U(-1, 1)",))             # initializations of the same variance, in one colour
SYMBOLS = {"activation": ("z", "activation z"), "gradient": ("dC/ds", "dC/ds, in standard deviations of layer 5"),
           "weight_gradient": ("dC/dW", "dC/dW, in standard deviations of layer 5")}
TITLES = {"activation": "std of z", "gradient": "Var dC/ds, over layer 5's", "weight_gradient": "std of dC/dW, over layer 5's"}
Rows = list[list[str]]


def farthest(results: Results) -> dict[str, float]:
    """The largest factor between a variance of s and its prediction, and the factor that is allowed, by kind of layer."""
    facts: dict[str, float] = {}
    for kind in ("linear", "relu"):
        factors = [np.exp(np.abs(np.log(np.divide(one.result[kind]["forward"], theory))).max()) for one in results.of(signals)
                   for theory in predicted(one.result["gain"], kind, one.trial.settings["depth"])[:1]]
        facts |= {f"far_{kind}": float(max(factors, default=np.nan)), f"may_{kind}": float(np.exp(allowed(50, 10, kind)))}
    return facts


def before_training(results: Results) -> Iterator[tuple[str, Figure | Rows]]:
    """Figures 5 to 8, the layers in numbers, and the variance through depth and width."""
    if runs := results.of(surface, reach=6.0):
        yield "surfaces", surfaces(runs[0].result)
    drawn = {label: found[0].result for init, label in LABELS.items() if (found := results.of(histograms, init=init))}
    if len(drawn) == len(LABELS):
        yield from ((f"initial-{what.replace('_', '-')}", initial_histograms(drawn, what)) for what in SYMBOLS)
    if results.of(layers, data="shapeset"):
        yield "initial-layers", initial_layers(results)
        yield "initial numbers", initial_numbers(results)
    if runs := results.of(signals, width=100, depth=50):
        for name, symbol in (("forward", "s"), ("backward", "dC/ds")):
            yield f"depth-{name}", variances(runs, partial(by_depth, direction=name), "layer", f"variance of {symbol}")
    if runs := results.of(signals):
        yield "width", variances(runs, by_width, "width", "variance of s in layer 3")


def surfaces(result: Mapping[str, Any]) -> Figure:
    figure, panels = grid(2, width=4.8, height=4.2, subplot_kw={"projection": "3d"})
    for axes, (name, rows) in zip(panels, result["costs"].items(), strict=True):
        ax: Any = axes
        values = np.linspace(-6, 6, len(rows))
        ax.plot_surface(*np.meshgrid(values, values, indexing="ij"), np.asarray(rows), cmap="viridis", rcount=41, ccount=41,
                        lw=0)
        ax.set(xlabel="weight of layer 1", ylabel="weight of layer 2",
               title=f"{name}: {100 * result['plateau'][name]:.0f} % is flat")
        ax.view_init(28, -60)
        ax.tick_params(labelsize="small")
    return figure


def initial_histograms(drawn: Mapping[str, Mapping[str, Any]], what: str) -> Figure:
    figure, panels = grid(1, 2, width=7.2, height=2.7, sharex=True)
    symbol, xlabel = SYMBOLS[what]
    for ax, (label, result) in zip(panels, drawn.items(), strict=True):
        found = result[what]
        for k, (row, std) in enumerate(zip(found["shares"], found["std"], strict=True)):
            edges = np.linspace(-found["bound"], found["bound"], len(row) + 1)
            inner = slice(None) if what == "activation" else slice(1, -1)           # the outermost hold what lies beyond
            ax.stairs((np.asarray(row) / np.diff(edges))[inner], edges[inner], color=shades(DEPTH)[k], lw=1.6,
                      label=f"layer {k + 1}: std {std:.2g}")
        ax.set(yscale="log", ylim=(3e-3, None))
        labelled(ax, xlabel if ax is panels[-1] else "", "density", label, legend=False)
        legend(ax, title=symbol)
    return figure


def initial_layers(results: Results) -> Figure:
    _, panels = grid(3, width=3.5, height=3.6)
    top, places = widths(results)[-1], np.arange(1, DEPTH + 1)
    for ax, (what, title) in zip(panels, TITLES.items(), strict=True):
        ax.set_yscale("linear" if what == "weight_gradient" else "log")
        for k, (init, label) in enumerate(LABELS.items()):
            runs = results.of(layers, data="shapeset", activation="tanh", init=init, width=top)
            rows = np.array([one.result[what] for one in runs]).reshape(-1, DEPTH)
            band(ax, places, rows if what == "activation" else rows / rows[:, -1:], COLORS[k], label, marker=MARKERS[k], ms=5)
            if what == "activation" and top == 1000:
                ax.plot(places, STD_OF_Z[init], "_", ms=14, color="black", label="plain NumPy")
            if what == "gradient":
                theory = predicted(1 / 3 if init == "Standard" else 1.0, "linear", DEPTH)[1]
                ax.plot(places, theory, "--", color="black", lw=1, label="linear theory")
        labelled(ax, "hidden layer", "", title, legend=False)
    panels[2].set_ylim(0, 1.4)
    return legend_below(panels)


def initial_numbers(results: Results) -> Rows:
    rows = [["initialization", "activation", "width", "mean singular value", "Var(dC/ds), layer 1 / 5", "mean |z|, layer 5"]]
    nets = dict.fromkeys((str(one.trial.settings["activation"]), str(one.trial.settings["init"]))
                         for one in results.of(layers, data="shapeset"))
    for (f, init), width in ((net, width) for net in nets for width in widths(results)):
        numbers = [read(results, pick, f, init, width)
                   for pick in ("singular", gradient_ratio, lambda result: result["magnitude"][-1])]
        if numbers[0]:
            rows.append([label_of(init), f, str(width), *(f"{one.mean:.3g}" for one in numbers)])
    return rows


def variances(runs: Sequence[Done], curve: Callable[[Sequence[Done], str], tuple[Any, Any, Any]], xlabel: str, what: str
              ) -> Figure:
    """A panel for each kind of layer; ``curve`` gives x, the prediction (a line) and medians (markers) of an initialization."""
    _, panels = grid(3, width=3.6, height=4.3, sharey=True)
    for ax, (kind, title) in zip(panels, KINDS.items(), strict=True):
        for init in dict.fromkeys(str(one.trial.settings["init"]) for one in runs):
            k, place = next((k, names.index(init)) for k, names in enumerate(GROUPS) if init in names)
            x, theory, medians = curve([one for one in runs if one.trial.settings["init"] == init], kind)
            ax.plot(x, theory, "-", color=COLORS[k], lw=1, alpha=0.8)
            ax.plot(x, medians, MARKERS[place], ms=4.5, color=COLORS[k], mec="white", mew=0.4, label=initialization(init).label,
                    markevery=(place, 6) if xlabel == "layer" else None)
        ax.set(yscale="log", **{"ylim": (1e-42, 1e42)} if xlabel == "layer" else {"xscale": "log"})
        labelled(ax, xlabel, f"{what}, relative" if ax is panels[0] else "", title, legend=False)
    return legend_below(panels)


def by_depth(found: Sequence[Done], kind: str, direction: str) -> tuple[Any, Any, Any]:
    values = np.array([one.result[kind][direction] for one in found])
    depth = values.shape[1]
    return range(1, depth + 1), predicted(found[0].result["gain"], kind, depth)[direction == "backward"], np.median(values, 0)


def by_width(found: Sequence[Done], kind: str) -> tuple[Any, Any, Any]:
    """The third layer."""
    groups: dict[int, list[Any]] = {}
    for one in sorted(found, key=lambda one: int(one.trial.settings["width"])):
        groups.setdefault(one.trial.settings["width"], []).append(one.result)
    return (list(groups), [predicted(group[0]["gain"], kind, 3)[0][2] for group in groups.values()],
            [np.median([one[kind]["forward"][2] for one in group]) for group in groups.values()])
