"""The page of Tensor Programs V (Yang, Hu et al. 2021)."""

from __future__ import annotations

import math

import numpy as np

from ....plots.canvas import COLORS, MARKERS
from ...reports.panels import legend_below
from ...reproduce.figures import grid, median_and_range
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import rows
from .claims import LAYERS, MUP, STANDARD, costs, growth, moves, of_check, told_apart
from .plan import BASE, CHECKED, OPTIMIZERS, PARAMETRIZATIONS, widths

FIRST = "figure-1"


def finding(results: Results) -> str:
    first, *_, last = widths(results.scale)
    moved = moves(results)
    if not all(map(len, moved.values())):
        return ""
    apart = "" if told_apart(results) else "; these seeds do not tell the two apart"
    return filled(__file__, standard=moved[STANDARD].estimate.text(), mup=moved[MUP].estimate.text(), first=str(first),
                  last=str(last), apart=apart)


def draw(results: Results, report: Report) -> None:
    draw_rates(results, report)
    if results.scale.name != "paper":
        draw_coordinates(results, report)


def draw_rates(results: Results, report: Report) -> None:
    figure, axs = grid(2, width=4.4, height=3.4, sharey=True)
    for ax, parametrization in zip(axs, PARAMETRIZATIONS, strict=True):
        for k, width in enumerate(widths(results.scale)):
            by_power = costs(results, width, parametrization)
            table = [row for row in rows(*by_power.values()) if all(map(math.isfinite, row))]
            median_and_range(ax, [2.0**power for power in by_power], table, k, f"width {width}")
            if table:
                middle = np.median(table, axis=0)
                place = int(np.argmin(middle))
                ax.plot(2.0**list(by_power)[place], middle[place], MARKERS[k], color=COLORS[k], ms=11, mfc="none", mew=2)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set(title=parametrization, xlabel="learning rate")
        ax.grid(alpha=0.25)
    axs[0].set_ylabel("training cost")
    legend_below(axs[:1])
    report.add("figure-1", figure, seeds=results.scale.seeds, base=BASE, first=BASE, last=widths(results.scale)[-1])


def draw_coordinates(results: Results, report: Report) -> None:
    figure, axs = grid(len(LAYERS), width=3.6, height=3.2)
    for layer, ax in enumerate(axs):
        for k, (optimizer, parametrization) in enumerate((o, p) for o in OPTIMIZERS for p in PARAMETRIZATIONS):
            series = of_check(results, optimizer, parametrization == STANDARD, "change", layer)
            label = f"{'Adam' if optimizer == 'adam' else 'SGD'}, {parametrization}"
            median_and_range(ax, CHECKED, rows(*series), k, label)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set(title=LAYERS[layer], xlabel="width")
        ax.grid(alpha=0.25)
    axs[0].set_ylabel("rms of the first step's change")
    legend_below(axs[:1])
    powers = {f"{one}_{layer}": growth(results, "sgd", one == "standard", "change", layer).mean
              for one in ("standard", "mup") for layer in range(len(LAYERS))}
    report.add("coordinates", figure, seeds=results.scale.seeds, base=CHECKED[0], **powers)
    report.add("chosen")
