"""The page of Glorot & Bengio 2010: that of untrained networks, then tables and figures about training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, product
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from ....arguments import Array
from ....plots.canvas import COLORS, MARKERS, shades
from ...lab.trained import error_at, trained
from ...reports.panels import legend_below
from ...reports.text import many
from ...reproduce.claims import MEAN
from ...reproduce.figures import grid, labelled, learning
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import Series
from ...sweeps.trials import Done
from .claims import CENTRES, PRINTED, PRINTED_DATA, SHORT, table
from .initial_claims import flat, widths
from .initial_page import Rows, before_training, farthest
from .plan import EASY, LABELS, NETS, TUNED, label_of, main_data, of_net, selected, tuned

FIRST = "errors-training"
PIXELS = {EASY: "shapeset", "digits": "digits"}                     # sections about data whose pixels differ
WATCHED = ("tanh", "tanh N", "softsign", "softsign N")              # whose layers figures show


def finding(results: Results) -> str:
    if results.scale.name == "paper":
        return ""
    normalized, standard = (of_net(results, error_at(500), NETS[name], "digits") for name in ("tanh N", "tanh"))
    return filled(__file__, normalized=normalized, standard=standard)


def draw(results: Results, report: Report) -> None:
    """Each section with its figure or its table; those whose runs are missing are left out."""
    scale = results.scale
    shares = [f"{100 * share.mean:.1f} %" for reach in (6.0, 3.0) for share in flat(results, reach)]
    facts: dict[str, Any] = {"seeds": many(scale.seeds, "seed"), "data": name_of(main_data(scale)),
                             "width": widths(results)[-1], "flat": shares, **farthest(results)}
    for name, part in chain(before_training(results), in_training(results)):
        if isinstance(part, list):
            report.add(name, **facts)
            report.page.table(part)
        else:
            report.add(name, part, **facts)


def in_training(results: Results) -> Iterator[tuple[str, Figure | Rows]]:
    """Tables of errors, and figures 2 to 4, 7 to 9, 11 and 12."""
    paper, main = results.scale.name == "paper", main_data(results.scale)
    if not paper:
        yield "rates", rates(results)
    found = {name_of(data): table(results, data)
             for data in {"paper": [main], "small": ["digits", EASY]}.get(results.scale.name, [])}
    if any(errors for one in found.values() for errors in one.values()):
        yield "table 1", [["network", *(f"the paper: {name}" for name in PRINTED_DATA),
                           *(f"here: {name}, {MEAN}" for name in found)],
                          *([net, *(f"{value:g} %" for value in PRINTED[net]), *(shown(one[net]) for one in found.values())]
                            for net in NETS)]
        yield "table-1", table_figure(found)
    if runs := whole(results.of(trained, data=results.scale.data or "digits", activation="sigmoid", lr=0.1)):
        yield "plateau", plateaus(runs)
    places = dict.fromkeys([main] if paper else [main, "digits"])
    nets = {data: {name: runs for name, net in NETS.items() if (runs := results.of(trained, **selected(results, net, data)))}
            for data in places}
    watched = {data: {name: kept for name in WATCHED if (kept := whole(found.get(name, [])))} for data, found in nets.items()}
    for data, panels in watched.items():
        if panels:
            yield f"saturation-{PIXELS.get(data, 'paper')}", saturation(panels)
    if watched[main]:
        yield "activations-end", last_activations(watched[main])
    if tanh := {name: runs for name, runs in watched[main].items() if name.startswith("tanh")}:
        yield "gradients-training", gradients(tanh)
    if any(nets.values()):
        yield "errors-training", errors(nets, results.scale.choose(1000, 4000))


def whole(runs: Sequence[Done]) -> list[Done]:
    """Those runs that did not diverge."""
    return [one for one in runs if one.result["diverged"] is None]


def name_of(data: str) -> str:
    return SHORT.get(data, "the files")


def shown(errors: Series) -> str:
    return errors.estimate.text("%") if errors else "–"


def rates(results: Results) -> Rows:
    """Errors on digits, each activation at one learning rate; at the small scale also each network at its best."""
    last, small = results.scale.choose(1000, 4000), results.scale.name == "small"
    steps = sorted({500, 1000, last})
    rows = [["network", "learning rate", *(f"after {step} steps: {MEAN}" for step in steps),
             *(["best learning rate", f"at it, after {last} steps: {MEAN}"] if small else [])]]
    for net in TUNED:
        for one in results.of(trained, **selected(results, net, "digits"))[:1]:
            best, errors = tuned(results, net)
            rows.append([f"{net[0]}, {label_of(net[1])}", f"{one.trial.settings['lr']:g}",
                         *(shown(of_net(results, error_at(step), net, "digits")) for step in steps),
                         *(["–" if best is None else f"{best:g}", shown(errors)] if small else [])])
    return rows


def table_figure(found: Mapping[str, Mapping[str, Series]]) -> Figure:
    """The paper's numbers as stars, above ours."""
    figure, panels = grid(2, 2, sharex=True)
    for ax, k in zip(panels, (0, 1), strict=False):
        ax.plot(range(5), [PRINTED[name][k] for name in NETS], "*", color="black", ms=11)
        ax.set_title(f"the paper: {PRINTED_DATA[k]}")
    for ax, (data, errors) in zip(panels[2:], found.items(), strict=False):
        for k, one in enumerate(errors[name].map(lambda error: 100 * error) for name in NETS):
            ax.plot([k] * len(one), one.values, ".", color="0.6", ms=5)
            if one:
                ax.errorbar(k, one.mean, np.nan_to_num(one.estimate.half), fmt=MARKERS[0], color=COLORS[0], capsize=4)
        ax.set_title(f"here: {data}")
    for ax in panels:
        ax.set_visible(ax in panels[:2 + len(found)])
        ax.set_xticks(range(5), list(NETS), rotation=40, ha="right")
        ax.set(xlim=(-0.5, 4.5))
        logarithmic(ax)
    return figure


def logarithmic(ax: Any) -> None:
    """A logarithmic axis of percentages, whose numbers are written without powers of ten."""
    ax.set(yscale="log", ylabel="test error, %")
    ax.yaxis.set_major_formatter(LogFormatter())
    ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(3, 0.5)))
    ax.grid(alpha=0.25)


def readings(runs: Sequence[Done], row: str) -> tuple[Array, Array]:
    """Steps, and an array (runs, readings, layers) of one quantity."""
    table = [[reading[row] for reading in one.result["readings"]] for one in runs]
    return np.array([reading["step"] for reading in runs[0].result["readings"]]), np.array(table, float)


def mean(runs: Sequence[Done], row: str) -> tuple[Array, Array]:
    """Steps, and an array (readings, layers) of the means over the seeds."""
    steps, table = readings(runs, row)
    return steps, table.mean(0)


def lines(ax: Any, x: Array, rows: Array, half: Array | None = None, fmt: str = "-") -> None:
    """A line a layer, the first the thickest and darkest."""
    count = max(5, rows.shape[-1])                                  # a layer has its colour in networks of all depths
    for k, color in enumerate(shades(count)[:rows.shape[-1]]):
        ax.plot(x, rows[:, k], fmt, color=color, ms=3, lw=1.2 + 1.8 * (1 - (k + 1) / count), label=f"layer {k + 1}")
        if half is not None:
            ax.fill_between(x, rows[:, k] - half[:, k], rows[:, k] + half[:, k], color=color, alpha=0.13, lw=0)


def by_layer(panels: Mapping[str, Sequence[Done]], curves: Callable[[Sequence[Done]], Sequence[Sequence[Any]]], xlabel: str,
             ylabel: str, note: str | None = None, **limits: Any) -> Figure:
    """A panel for each title, with the ``curves`` of its runs, which are arguments of `lines`, and one legend."""
    columns = 3 if len(panels) > 4 else 2
    _, every = grid(columns, -(-len(panels) // columns), width=8.6 / columns, height=2.9, sharex=True, sharey=True)
    for ax, (title, runs) in zip(every, panels.items(), strict=False):
        for curve in curves(runs):
            lines(ax, *curve)
        ax.set(**limits)
        labelled(ax, xlabel, ylabel if ax in every[::columns] else "", title, legend=False)
        ax.tick_params(labelbottom=True)
    for ax in every[len(panels):]:
        ax.set_visible(False)
    return legend_below(every, note)


def plateaus(runs: Sequence[Done]) -> Figure:
    panels: dict[str, list[Done]] = {}
    for one in sorted(runs, key=lambda one: (int(one.trial.settings["depth"]), str(one.trial.settings["init"]))):
        title = f"{many(one.trial.settings['depth'], 'layer')}, {LABELS[one.trial.settings['init']]}"
        panels.setdefault(title, []).append(one)
    return by_layer(panels, lambda runs: [(*mean(runs, "mean"), mean(runs, "std")[1])], "steps", "activation z", ylim=(0, 1))


def saturation(panels: Mapping[str, Sequence[Done]]) -> Figure:
    return by_layer(panels, lambda runs: [(*mean(runs, "high"), None, "o:"), mean(runs, "std")], "steps", "activation |z|",
                    "lines: std, dots: 98th percentile", ylim=(0, 1.03))


def last_activations(panels: Mapping[str, Sequence[Done]]) -> Figure:
    def density(runs: Sequence[Done]) -> Array:
        counts = np.sum([one.result["histograms"] for one in runs], axis=0, dtype=float)
        return np.asarray(counts / counts.sum(1, keepdims=True) / (CENTRES[1] - CENTRES[0])).T

    figure = by_layer(panels, lambda runs: [(CENTRES, density(runs))], "activation z", "density", yscale="log", ylim=(0.02, 20))
    for ax, knee in product(figure.axes, (-0.8, -0.6, 0.6, 0.8)):
        if ax.get_title().startswith("softsign"):
            ax.axvline(knee, color="0.6", lw=0.8, ls=":")
    return figure


def gradients(nets: Mapping[str, Sequence[Done]]) -> Figure:
    """Geometric means over the seeds."""
    _, panels = grid(len(nets), 2, width=8.6 / len(nets), height=2.8, sharex=True, sharey="row")
    labels = {"gradient": "std of dC/ds", "weight_gradient": "std of dC/dW"}
    for ax, (quantity, name) in zip(panels, product(labels, nets), strict=True):
        steps, values = readings(nets[name], quantity)
        lines(ax, steps, np.exp(np.log(np.maximum(values, 1e-300)).mean(0)))
        ax.set_yscale("log")
        labelled(ax, "steps", labels[quantity], f"{name} ({LABELS[NETS[name][1]]})", legend=False)
        ax.label_outer()
    return legend_below(panels)


def errors(nets: Mapping[str, Mapping[str, Sequence[Done]]], last: int) -> Figure:
    _, panels = grid(len(nets), width=8.6 / len(nets), height=3.6, sharey=True)
    for ax, (data, groups) in zip(panels, nets.items(), strict=True):
        learning(ax, groups)
        ax.set(title=name_of(data), xlim=(0, last) if data == "digits" else None)    # sigmoid's runs are longer
    for ax in panels:                                               # they share an axis: after all of them are drawn
        ax.set_ylim(1, 100)
        logarithmic(ax)
        ax.label_outer()
    return legend_below(panels)
