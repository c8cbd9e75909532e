"""The page of Santurkar et al. 2018."""

from __future__ import annotations

import numpy as np

from ....plots.canvas import COLORS
from ...lab.trained import error_at, trained
from ...reports.panels import legend_below
from ...reproduce.figures import grid, median_and_range
from ...reproduce.paper import Report, Results, filled
from .claims import MIDDLE, NOISY, NORMALIZED, PLAIN, late_error, of, of_layer
from .plan import BATCH, LAYERS, NETWORKS, RATE, SCALE, SHIFT, setting

FIRST = "figure-2"


def finding(results: Results) -> str:
    plain, normalized, noisy = (of(results, network, late_error) for network in NETWORKS)
    steps = setting(results.scale, PLAIN)["steps"]
    return filled(__file__, plain=plain, normalized=normalized, noisy=noisy, first=str(9 * steps // 10), last=str(steps))


def draw(results: Results, report: Report) -> None:
    groups = {network: results.of(trained, **setting(results.scale, network)) for network in NETWORKS}
    if not all(groups.values()):
        return
    figure, axs = grid(2, 2, width=4.6, height=3.1)
    for k, (network, runs) in enumerate(groups.items()):
        at = [row["step"] for row in runs[0].result["readings"]]
        rows = [[100 * error_at(step)(one.result) for step in setting(results.scale, network)["at"]] for one in runs]
        median_and_range(axs[0], setting(results.scale, network)["at"], rows, k, network)
        means, spreads = (np.array([row[key][MIDDLE - 1] for row in runs[0].result["readings"]]) for key in ("mean", "spread"))
        ax = axs[1 + k]
        ax.plot(at, means, color=COLORS[k], lw=1.2)
        ax.fill_between(at, means - spreads, means + spreads, color=COLORS[k], alpha=0.22, lw=0)
        ax.set(title=network, xlabel="steps", ylabel="input of a sigmoid")
        ax.grid(alpha=0.25)
    axs[0].set(title="test error", xlabel="steps", ylabel="test error, %", ylim=(0, 100))
    axs[0].grid(alpha=0.25)
    axs[2].sharey(axs[3])
    legend_below(axs[:1])
    report.add("figure-2", figure, seeds=results.scale.seeds, rate=f"{RATE:g}", batch=BATCH, shift=f"{SHIFT:g}",
               scale=f"{SCALE:g}", layer=MIDDLE)
    report.add("drifts")
    table = [["network", *(f"hidden layer {layer}: {what}" for layer in range(1, LAYERS + 1) for what in ("moves", "drift"))]]
    for network in (PLAIN, NORMALIZED, NOISY):
        table.append([network, *(of_layer(results, network, layer, key).estimate.text() for layer in range(1, LAYERS + 1)
                                 for key in ("moved", "drift"))])
    report.page.table(table)
    report.add("chosen")
