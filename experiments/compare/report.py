"""The report of a comparison: a page, figures, tables, and a configuration that repeats the comparison."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import files
from ..reports import drawing
from ..reports.folder import remove_others
from ..reports.page import Page
from ..reports.statistics import number
from ..reports.text import joined, many, numbered, write_csv
from ..sweeps.workers import Workers
from .comparison import (
    SURVIVES,
    Comparison,
    at_most,
    best_rate,
    cost_text,
    fair,
    gap_text,
    p_text,
    ratio_text,
    several_rates,
    span,
)
from .config import held
from .drawings import Drawn, first_screen, networks, rates
from .findings import FEWEST, error_text, findings, ranked
from .remarks import of_runs, warns

TABLES = {"results.csv": "each run", "summary.csv": "each initialization",
          "rates.csv": "each initialization at each learning rate", "config.json": "the settings, the data and the versions"}
FIGURES = ("learning-curves", "ranking*", "rates", "survival*", "costs", "saturation", "activations-*", "gradients-*")
FILES = ("report.html", *TABLES, *(f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")))     # of any report
READING = """Learns: the test {metric} of the median run comes to {goal}; epochs until then: the median, and the range over the
runs. {intervals} {accounts}"""
INTERVALS = """± is half of a 95 % interval of the mean. Against {reference}: mean difference in test {metric}, paired by
{pairing}; p is that of a paired t test, after Holm's correction for several comparisons; the intervals are not corrected."""
ACCOUNTS = {
    True: "Each run divides the data anew: intervals and tests account for the choice of examples.",
    False: "All runs share one division of the data: intervals and tests account for the choice of seeds, not of examples."}
INACTIVE = {"saturated": "Saturated: share of the hidden outputs where the derivative of the activation is below a twentieth "
                         "of its largest value",
            "dead": "Dead: share of the hidden units that are off, with a derivative near 0, for every example"}
INSIDE = """Final cost: training cost of the last epoch. Gradient first/last: standard deviation of the gradient ∂C/∂s at the
first hidden layer, divided by that at the last, before training; 1 means that the gradient keeps its size. {inactive}, before →
after training."""
LOSSES = {"values": "mean squared error", "labels": "binary cross-entropy", "binary": "binary cross-entropy"}


def write_report(comparison: Comparison, folder: Path, workers: Workers | None = None) -> None:
    """Write report.html, figures (PNG and SVG), results.csv, summary.csv, rates.csv and config.json into ``folder``.

    Each file is written to the side and then takes its name: first the numbers, then the figures, which ``workers`` draw, and
    the page last.
    """
    figures = {"first": first_screen(comparison), "rates": rates(comparison), "networks": networks(comparison)}
    drawn = [figure for group in figures.values() for figure in group]
    drawings = [panel for figure in drawn for panel, _ in figure.panels]
    images = [f"{panel.name}.{kind}" for panel in drawings for kind in ("png", "svg")]
    written = [*TABLES, *images, "report.html"]
    remove_others(folder, written)
    config = json.dumps(files.json_value(configuration(comparison, written)), indent=2, ensure_ascii=False)
    files.write(folder / "config.json", config + "\n")
    write_csv(folder / "results.csv", comparison.rows())
    write_csv(folder / "summary.csv", comparison.summary())
    write_csv(folder / "rates.csv", rates_rows(comparison))
    drawing.draw(drawings, folder, workers or Workers(1))
    page(comparison, folder, figures).write(folder / "report.html")


def page(comparison: Comparison, folder: Path, figures: Mapping[str, list[Drawn]]) -> Page:
    """The page: remarks, the finding, its figure, the verdicts; then what stands behind them."""
    made = Page(comparison.finding)

    def add(group: str) -> None:
        for figure in figures[group]:
            made.figure({folder / f"{panel.name}.png": says for panel, says in figure.panels}, figure.caption,
                        finding=figure.finding)

    of_the_runs = of_runs(comparison)
    for remark in comparison.remarks:
        if remark not in of_the_runs:                               # but about the data
            (made.remark if warns(remark) else made.note)(remark)
    made.text(setting(comparison))
    add("first")
    made.table(results(comparison))
    made.text(reading(comparison))
    if of_the_runs:
        made.points(of_the_runs)
    if figures["rates"]:
        made.heading("Learning rates")
        add("rates")
    elif len(comparison.inits) > 1:
        made.text(f"All were trained at one learning rate, {comparison.runs[0].rate:g}: the ranking is that of this rate, and "
                  "another may order them otherwise. This trains each at its own best rate, chosen on validation examples:")
        made.code(fair(comparison.config))
    made.heading("Initialization by initialization")
    said = dict(zip(comparison.inits, findings(comparison), strict=True))
    made.points([said[row["init"]] for row, _ in ranked(comparison)])
    made.heading("Inside the networks")
    add("networks")
    made.table(inside(comparison))
    made.text(INSIDE.format(inactive=INACTIVE[comparison.inactive]).replace("\n", " "))
    made.heading("What was compared")
    made.text(description(comparison))
    made.heading("Run it again")
    made.code(comparison.command)
    made.text("The numbers do not depend on the number of processes. With the versions in config.json and a processor of the "
              "same kind, they are reproduced exactly.")
    made.links({name: f"{name}: {text}" for name, text in TABLES.items()})
    return made


def setting(comparison: Comparison) -> str:
    """A line below the title: the network, the data and the budget."""
    c, metric = comparison.config, comparison.metric
    return (f"{network(comparison)} on {source(comparison)}; {many(c['epochs'], 'epoch')} of {c['optimizer']} at "
            f"{rate_text(comparison)}, batches of {c['batch_size']}, {many(len(comparison[comparison.reference]), 'run')} of "
            f"each. A network has learned when its test {metric.name} is {at_most(metric)}; on the test examples, "
            f"{metric.constant} has {metric.text(metric.chance)}.")


def source(comparison: Comparison) -> str:
    """The data, as a reader knows them: the name of a file without its folder."""
    c = comparison.config
    form, target = held(c["data"]), c["target"]
    name = {"": Path(c["data"]).name, "frame": "a frame", "dict": "a dict of arrays"}.get(form, "arrays")
    return name + (f" (target {target if isinstance(target, str) else ', '.join(target)})" if target else "")


def rate_text(comparison: Comparison) -> str:
    values = sorted({run.rate for run in comparison.runs})
    return f"learning rate {values[0]:g}" if len(values) == 1 else f"learning rates from {values[0]:g} to {values[-1]:g}"


def network(comparison: Comparison) -> str:
    c = comparison.config
    extras = [*["batch normalization"] * c["batch_norm"], *[f"dropout {c['dropout']:g}"] * bool(c["dropout"])]
    return (f"{comparison.features}-{c['depth']}×{c['width']}-{comparison.outputs} network of {c['activation']} units"
            f"{' with ' + joined(extras) if extras else ''}")


def description(comparison: Comparison) -> str:
    """What was trained, on what and how."""
    c, sizes = comparison.config, comparison.sizes
    parts = [f"{sizes.train} training examples", *[f"{sizes.validation} validation examples"] * bool(sizes.validation),
             f"{sizes.test} test examples"]
    folds = f" and {many(c['cv'], 'fold')}" if c["cv"] else ""
    names = numbered(comparison.names) if comparison.metric.kind != "values" else ""
    return (f"A {network(comparison)} was trained on {source(comparison)} ({', '.join(parts)}) from "
            f"{many(len(comparison.inits), 'initialization')}: {', '.join(comparison.inits)}. For each initialization"
            f"{' and rate' * several_rates(comparison)} and each of {many(c['seeds'], 'seed')}{folds} it was trained for "
            f"{many(c['epochs'], 'epoch')} with {c['optimizer']}, {rate_text(comparison)}, batches of {c['batch_size']}, on "
            f"{LOSSES.get(comparison.metric.kind, 'cross-entropy')}. For each seed, all initializations see the same "
            f"examples in the same order.{divided(comparison)}{names}")


def divided(comparison: Comparison) -> str:
    """How the examples were divided into parts, where that was asked for."""
    c = comparison.config
    said = [f" Each fold is the test part once with each seed, of {c['cv']} folds."] if c["cv"] else []
    if c["group"]:
        name = "the given groups" if held(c["group"]) else f"“{c['group']}”"
        said.append(f" No group of {name} was divided among parts.")
    if c["stratify"]:
        said.append(" Each class has the same share of all parts.")
    return "".join(said)


def results(comparison: Comparison) -> list[list[str]]:
    """The table: the verdict second, then the error, and the effect before p."""
    metric, budget, several = comparison.metric, comparison.config["epochs"], several_rates(comparison)
    values = metric.kind == "values"
    runs = len(comparison[comparison.reference])
    plus = " ± half a 95 % interval" if runs >= FEWEST else ""
    header = ["initialization", "verdict", f"test {metric.name}{plus}", *["test R²"] * values,
              f"against {comparison.reference}{plus}", "p, by Holm", *["best rate", "survives rates"] * several]
    rows = [header]
    for row, verdict in ranked(comparison):
        lost = f" ({row['diverged']} of {row['runs']} diverged)" if 0 < row["diverged"] < row["runs"] else ""
        error = "–" if math.isnan(row["error"]) else error_text(comparison, row) + lost
        tried = [best_rate(row), span(comparison.survives(row["init"]))] if several else []
        rows.append([row["init"], verdict.text(budget), error, *[share(row.get("r2", math.nan))] * values,
                     *effect(comparison, row), *tried])
    return rows


def share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}" if value > -100 else number(value)


def effect(comparison: Comparison, row: Mapping[str, Any]) -> tuple[str, str]:
    """The cells of the difference from the reference and of its p value."""
    if row["init"] == comparison.reference or not row["pairs"]:
        return "–", "–"
    if all(a == b for a, b in comparison.pairs(row["init"], comparison.reference)):
        return "equal", "–"
    return gap_text(comparison, row), "–" if math.isnan(row["p"]) or row["pairs"] < FEWEST else p_text(row["p"])


def reading(comparison: Comparison) -> str:
    """How to read the table."""
    folds, runs = len({run.fold for run in comparison.runs}) > 1, len(comparison[comparison.reference])
    intervals, accounts = INTERVALS, ACCOUNTS[bool(comparison.resampled)]
    if runs < FEWEST:
        intervals, accounts = f"{many(runs, 'run')} {'is' if runs == 1 else 'are'} too few for intervals and tests.", ""
    intervals = intervals.format(metric=comparison.metric.name, reference=comparison.reference,
                                 pairing="seed and fold" if folds else "seed")
    said = READING.format(metric=comparison.metric.name, goal=at_most(comparison.metric), intervals=intervals,
                          accounts=accounts)
    return " ".join([*said.split(), *[SURVIVES] * several_rates(comparison)])


def inside(comparison: Comparison) -> list[list[str]]:
    """The table of costs, gradients and inactive units."""
    rows = [["initialization", "final cost", "gradient first/last", comparison.inactive]]
    for row, one in ranked(comparison):
        cost = "–" if one.kind == "diverges" else cost_text(row["final_cost"])
        rows.append([row["init"], cost, ratio_text(comparison, row),
                     f"{100 * row['saturated_before']:.0f} → {100 * row['saturated_after']:.0f} %"])
    return rows


def rates_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """The rows of ``rates.csv``."""
    survives = {init: comparison.survives(init) for init in comparison.inits}
    return [{"init": row.init, "rate": row.rate, "validation": row.validation.mean, "validation_half": row.validation.half,
             "error": row.error.mean, "error_half": row.error.half, "diverged": row.diverged, "runs": row.runs,
             "chosen": row.rate == comparison.chosen[row.init], "survives": row.rate in survives[row.init]}
            for row in comparison.rates()]


def configuration(comparison: Comparison, written: list[str]) -> dict[str, Any]:
    """The settings, seeds, data, choices and versions that repeat the comparison exactly, and the files of the report."""
    from importlib.metadata import version

    from ... import __version__
    config, metric = comparison.config, comparison.metric
    return config | {
        "command": comparison.command, "digest": comparison.digest, "seed_values": list(range(config["seeds"])),
        "finding": comparison.finding,
        "remarks": list(comparison.remarks), "reference": comparison.reference, "chosen_rates": comparison.chosen,
        "metric": {name: getattr(metric, name) for name in ("kind", "name", "unit", "chance", "target")},
        "sizes": comparison.sizes._asdict(), "features": comparison.features, "outputs": comparison.outputs,
        "names": list(comparison.names), "files": written,
        "versions": {"retroprop": __version__, "numpy": np.__version__, "scipy": version("scipy"),
                     "python": platform.python_version()}}
