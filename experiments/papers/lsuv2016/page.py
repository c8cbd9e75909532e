"""The page of Mishkin & Matas 2016."""

from __future__ import annotations

from ....plots.canvas import COLORS
from ...lab.trained import trained
from ...reports.panels import legend_below
from ...reproduce.figures import band, grid, labelled, learning
from ...reproduce.paper import Report, Results, filled
from .claims import errors
from .plan import DEEP, INITS, RATES, networks
from .runs import OTHERS, fitted

FIRST = "curves"


def finding(results: Results) -> str:
    deep = f"relu, {DEEP} layers"
    if results.scale.name == "paper":
        return ""
    return filled(__file__, lsuv=errors(results, deep, "LSUV"), orthogonal=errors(results, deep, "Orthogonal"),
                 layers=str(DEEP), steps=str(networks(results.scale)[deep]["steps"]))


def draw(results: Results, report: Report) -> None:
    if results.scale.name != "paper":
        draw_variances(results, report)
    panels = networks(results.scale)
    figure, axs = grid(min(2, len(panels)), -(-len(panels) // 2), width=5)
    for ax, (name, settings) in zip(axs, panels.items(), strict=True):
        learning(ax, {init: results.of(trained, init=init, **settings) for init in INITS})
        ax.set_title(name)
    legend_below(axs)
    report.add("curves", figure, seeds=results.scale.seeds)


def draw_variances(results: Results, report: Report) -> None:
    figure, axs = grid(3, width=3.8, sharey=True)
    for ax, name in zip(axs, RATES, strict=True):
        for key, color, label in (("before", COLORS[1], "Glorot"), ("after", COLORS[0], "LSUV"),
                                  ("between", COLORS[2], "LSUV: share between images")):
            rows = [one.result[key] for one in results.of(fitted, activation=name)]
            band(ax, range(1, len(rows[0]) + 1) if rows else [], rows, color, label)
        ax.set_yscale("log")
        labelled(ax, "layer", "variance of s = Wz + b" if ax is axs[0] else "", name, legend=ax is axs[0])
    report.add("variances", figure, images=OTHERS, seeds=results.scale.seeds)
