"""The page of Ioffe & Szegedy 2015."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....plots.canvas import COLORS, DASHES, axes
from ...lab.networks import initialization
from ...lab.readings import PERCENTILES
from ...lab.trained import error_at, trained
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reports.statistics import number
from ...reports.text import many
from ...reproduce.claims import MEAN
from ...reproduce.figures import band, grid, median_and_range
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import rows
from ...sweeps.trials import Done
from .claims import LEARNED, both, finals, spans, steps_to_learn
from .plan import BATCH, MOMENTA, RATES, biases, rates, replica, setting, shown, with_momentum
from .runs import exact, redundant

FIRST = "figure-1"
NAMES = {False: "without BN", True: "with BN"}


def finding(results: Results) -> str:
    steps, ends = both(results, steps_to_learn), both(results, lambda result: min(row["error"] for row in result["readings"]))
    needed = [f"{'more than ' * any(error >= LEARNED for error in lowest)}{one.mean:.0f}"
              for one, lowest in zip(steps, ends, strict=True)]
    return filled(__file__, with_bn=needed[0], without=needed[1], rate=f"{shown(results.scale, True)['lr']:g}",
                  known=steps[0] + steps[1])


def draw(results: Results, report: Report) -> None:
    draw_figure_one(results, report)
    if results.scale.name != "paper":
        say_errors(results, report)
        draw_rates(results, report)
        draw_momentum(results, report)
    say_exact(results, report)


def curve(ax: Any, runs: Sequence[Done], k: int, label: str, part: str = "error", **options: Any) -> None:
    """Median and range over seeds of an error, or of the accuracy, over steps."""
    at = runs[0].trial.settings["at"] if runs else []
    pick = [error_at(step, "error" if part == "accuracy" else part) for step in at]
    errors = np.array([[error(one.result) for error in pick] for one in runs])
    band(ax, at, 1 - errors if part == "accuracy" else errors, COLORS[k], label, np.median, lw=1.5, **options)
    ax.grid(alpha=0.25)


def draw_figure_one(results: Results, report: Report) -> None:
    groups = {batch_norm: results.of(trained, **shown(results.scale, batch_norm)) for batch_norm in (False, True)}
    if not all(groups.values()):
        return
    figure, panels = grid(3, width=3.8, height=3.5)
    panels[1].sharey(panels[2])
    for k, (batch_norm, runs) in enumerate(groups.items()):
        curve(panels[0], runs, k, NAMES[batch_norm], "accuracy")
        ax, readings = panels[k + 1], runs[0].result["readings"]
        for j, percentile in enumerate(PERCENTILES):
            ax.plot([row["step"] for row in readings], [row.get("inputs_of_batch", row["inputs"])[j] for row in readings],
                    DASHES[0 if percentile == 50 else 1], color=COLORS[k])
        ax.set(title=f"{'bc'[k]}  {NAMES[batch_norm]}", xlabel="steps", ylabel="input of the sigmoid")
        ax.grid(alpha=0.25)
    panels[0].set(title="a  test accuracy", xlabel="steps", ylabel="test accuracy", ylim=(0, 1))
    panels[0].legend(loc="lower right", frameon=False)
    moved = {key: results.series(name, trained, **shown(results.scale, batch_norm)).estimate.text() for key, name, batch_norm
             in (("moved", "moved_of_batch", True), ("evaluated", "moved", True), ("drifted", "moved", False))}
    report.add("figure-1", figure, rate=f"{shown(results.scale, True)['lr']:g}", batch=BATCH, seeds=len(groups[True]),
               percentiles=", ".join(map(str, PERCENTILES)), **moved)


def say_errors(results: Results, report: Report) -> None:
    table = [["network", *(f"test error, {when}: {MEAN}" for when in ("100 steps", "200 steps", "the end"))]]
    for init, lr in replica(results.scale):
        for batch_norm, name in NAMES.items():
            how = setting(results.scale, batch_norm, lr, init)
            cells = [results.series(error_at(step), trained, **how).estimate.text("%") for step in (100, 200, None)]
            table.append([f"{name}, {initialization(init).label}, learning rate {lr:g}", *cells[:2],
                          f"{cells[2]} ({many(how['steps'], 'step')})"])
    report.add("errors")
    report.page.table(table)


def draw_rates(results: Results, report: Report) -> None:
    ax, widths = axes(None, size=(NARROW, HEIGHT)), {}
    for k, (batch_norm, name) in enumerate(NAMES.items()):
        by_rate = {lr: errors for lr, errors in finals(results, batch_norm).items() if len(errors)}
        median_and_range(ax, list(by_rate), [[100 * error for error in row] for row in rows(*by_rate.values())], k, name)
        widths[name.split()[0]] = number(spans(finals(results, batch_norm)).median)
    ax.axhline(100 * LEARNED, ls=":", color="black", lw=1, label="10 %")
    ax.set(xscale="log", xlabel="learning rate", ylabel="test error at the end, %", ylim=(0, 100))
    ax.grid(alpha=0.25)
    legend_below([ax])
    least, *others = rates(results.scale)
    report.add("rates", ax, count=1 + len(others), least=f"{least:g}", most=f"{others[-1]:g}", seeds=results.scale.seeds,
               **widths)


def draw_momentum(results: Results, report: Report) -> None:
    figure, panels = grid(len(MOMENTA), width=3.5, height=3.4, sharey=True)
    for ax, momentum in zip(panels, MOMENTA, strict=True):
        runs = results.of(trained, **with_momentum(results.scale, momentum))
        curve(ax, runs, 0, "running statistics")
        curve(ax, runs, 1, "statistics of the batch", "of_batch", ls="--")
        ax.set(xscale="log", xlabel="steps", title=f"momentum {momentum:g}", ylim=(0, 1))
    panels[0].set_ylabel("test error")
    legend_below(panels)
    report.add("momentum", figure, rate=f"{RATES[0]:g}", seeds=results.scale.seeds)


def say_exact(results: Results, report: Report) -> None:
    checks = [check for one in results.of(exact) for check in (one.result["training"], one.result["evaluation"])]
    pairs = [one.result for one in results.of(redundant)]
    if checks:
        report.add("exact", batches=len(checks) // 2, network=number(max(check["network"] for check in checks)),
                   alone=number(max(check[name] for check in checks for name in ("x", "gamma", "beta"))))
    if pairs:
        report.add("redundant", steps=biases(results.scale)["steps"],
                   **{key: number(max(pair[key] for pair in pairs)) for key in ("apart", "apart_running", "bias_gradient")})
