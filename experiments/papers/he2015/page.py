"""The page of He et al. 2015."""

from __future__ import annotations

from typing import Any

from ....plots.canvas import axes
from ...lab.trained import trained
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reproduce.figures import grid, learning, median_and_range
from ...reproduce.paper import Report, Results, filled
from .claims import errors
from .plan import DEPTH, INITS, UNEVEN, WIDTHS, networks
from .runs import signals

FIRST = "depths"


def finding(results: Results) -> str:
    error = errors(results)
    return filled(__file__, he=error["He 30"], glorot=error["Glorot 30"], steps=str(networks(results.scale)["He 30"]["steps"]))


def draw(results: Results, report: Report) -> None:
    seeds = results.scale.seeds
    draw_signals(results, report, "signals", DEPTH, {init: {"init": init, "sizes": WIDTHS} for init in INITS})
    draw_signals(results, report, "fans", len(UNEVEN), {
        f"He, fan-{fan}": {"init": f"He {fan}", "sizes": [100, *UNEVEN]} for fan in ("in", "out")})
    paper = results.scale.name == "paper"
    depths = (14, 22, 30) if paper else results.scale.choose((30,), (10, 20, 22, 30))
    report.add("depths", curves_of_depths(results, depths), seeds=seeds,
               kind="convolutional" if paper else "dense 64-wide")
    if not paper:
        draw_others(results, report)
    report.add("not here")


def draw_signals(results: Results, report: Report, name: str, depth: int, runs: dict[str, dict[str, Any]]) -> None:
    """rms of outputs and of gradients, layer by layer, relative to where each comes from."""
    figure, panels = grid(2, width=4.8, height=3.9 if name == "signals" else 3.6, sharey=True)
    layers = list(range(1, depth + 1))
    for ax, quantity, end in zip(panels, ("signal", "gradient"), (0, -1), strict=True):
        for k, (label, settings) in enumerate(runs.items()):
            found = [one.result[quantity] for one in results.of(signals, **settings)]
            median_and_range(ax, layers, [[value / run[end] for value in run] for run in found], k, label)
        if name == "signals":
            away = [layer - 1 if end == 0 else depth - layer for layer in layers]
            ax.plot(layers, [1.0] * depth, ":", color="black", lw=1.2, label="theory, He: 1")
            ax.plot(layers, [2 ** (-n / 2) for n in away], "--", color="black", lw=1.2, label="theory, n Var W = 1: (1/√2)ⁿ")
        ax.set(yscale="log", xlabel="layer",
               title="output, relative to layer 1" if end == 0 else f"gradient, relative to layer {depth}")
        ax.grid(alpha=0.25)
    if name == "fans":
        panels[0].set_ylim(0.05, 20)
    panels[0].set_ylabel("rms, relative")
    legend_below(panels)
    report.add(name, figure, seeds=results.scale.seeds)


def curves_of_depths(results: Results, depths: tuple[int, ...]) -> Any:
    _, panels = grid(len(depths), width=2.9 + 1.4 / len(depths), height=3.5, sharey=True)
    settings = networks(results.scale)
    for ax, depth in zip(panels, depths, strict=True):
        learning(ax, {init: results.of(trained, **settings[f"{init} {depth}"]) for init in ("He", "Glorot")})
        one = settings[f"He {depth}"]
        momentum = f", momentum {one['momentum']:g}" if one["momentum"] else ""
        ax.set_title(f"{depth} layers\nlr {one['lr']:g}{momentum}", fontsize="medium")
        ax.label_outer()
    return legend_below(panels)


def draw_others(results: Results, report: Report) -> None:
    """What hides the defect, and what does not have it."""
    settings = networks(results.scale)
    names = {"ReLU 10, Glorot, lr 0.1": "Glorot 10, lr 0.1", "ReLU 14, He, momentum 0.9": "He 14",
             "ReLU 14, Glorot, momentum 0.9": "Glorot 14", "tanh 30, Glorot": "Glorot tanh",
             "tanh 30, orthogonal": "Orthogonal tanh", "ReLU 20, uneven, fan-in": "He in", "ReLU 20, uneven, fan-out": "He out"}
    ax = axes(None, size=(NARROW, HEIGHT))
    learning(ax, {label: results.of(trained, **settings[name]) for label, name in names.items() if name in settings})
    legend_below([ax])
    more = "At 10 layers Glorot's initialization has a larger step size. At 14 layers both have momentum. "
    report.add("others", ax, seeds=results.scale.seeds, more=more if results.scale.name == "small" else "")
