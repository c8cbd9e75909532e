"""The page of Cohen et al. 2021."""

from __future__ import annotations

from ....plots.canvas import COLORS, axes
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reproduce.figures import band, grid
from ...reproduce.paper import Report, Results, filled
from .claims import HOVERS, at_the_edge, of
from .plan import EDGE, rates, steps
from .runs import SHOWN, descended

FIRST = "edge"


def finding(results: Results) -> str:
    lr = EDGE[results.scale.name][-1]
    return filled(__file__, edge=of(results, lambda r: at_the_edge(r, lr), lr), lr=f"{lr:g}")


def draw(results: Results, report: Report) -> None:
    report.add("edge", draw_edge(results), seeds=results.scale.seeds)
    ax = axes(None, size=(NARROW, HEIGHT))
    ax.axhspan(*HOVERS, color="0.9")
    ax.axhline(1, color="black", ls="--", lw=1, label="2 / lr")
    for k, lr in enumerate(rates(results.scale)):
        runs = results.of(descended, lr=lr)
        band(ax, list(runs[0].trial.settings["at"]) if runs else [],
             [[value * lr / 2 for value in one.result["sharpness"]] for one in runs], COLORS[k], f"lr {lr:g}")
    ax.axvline(steps(results.scale) / 2, color="0.5", lw=1, ls=":")
    ax.set(xlabel="steps", ylabel="sharpness · lr / 2", ylim=(0, 1.3))
    ax.grid(alpha=0.25)
    report.add("relative", legend_below([ax]), seeds=results.scale.seeds)
    report.add("chosen")


def draw_edge(results: Results) -> object:
    """Sharpness above, cost below, by learning rate."""
    _, panels = grid(1, 2, width=NARROW, height=2.7, sharex=True)
    sharpness, cost = panels
    for k, lr in enumerate(rates(results.scale)):
        runs = results.of(descended, lr=lr)
        at = list(runs[0].trial.settings["at"]) if runs else []
        band(sharpness, at, [one.result["sharpness"] for one in runs], COLORS[k], f"lr {lr:g}")
        if lr in EDGE[results.scale.name]:
            sharpness.axhline(2 / lr, color=COLORS[k], ls="--", lw=1.2)
        shown = list(range(0, steps(results.scale) + 1, SHOWN))
        band(cost, shown, [one.result["costs"] for one in runs], COLORS[k], f"lr {lr:g}")
    sharpness.set(ylabel="sharpness", ylim=(0, None))
    cost.set(xlabel="steps", ylabel="training cost", yscale="log")
    for ax in panels:
        ax.grid(alpha=0.25)
    return legend_below(panels)
