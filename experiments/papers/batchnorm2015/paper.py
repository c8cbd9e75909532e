"""Ioffe & Szegedy 2015: normalization of each layer's input over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....plots.canvas import COLORS, DASHES, MARKERS, legend
from ...lab.dense import error_at
from ...lab.networks import start
from ...reports.page import Figures, Page
from ...reports.statistics import estimate, number
from ...sweeps.trials import Done
from ..figures import band
from ..paper import Paper, Results
from .claims import LEARNED, claims, finals, spans
from .plan import BATCH, MOMENTA, RATES, STARTS, bias_setting, momentum_setting, plan, rates, setting, shown
from .runs import PERCENTILES, exact, followed, redundant

NAMES = {False: "without BN", True: "with BN"}


def draw(results: Results, page: Page, figures: Figures) -> None:
    draw_figure_one(results, page, figures)
    if results.scale.name != "paper":
        draw_starts(results, page)
        draw_rates(results, page, figures)
        draw_momentum(results, page, figures)
    say_exact(results, page)


def draw_figure_one(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    groups = {batch_norm: results.of(followed, **shown(results.scale, batch_norm)) for batch_norm in (False, True)}
    if not all(groups.values()):
        return
    page.heading("Figure 1: learning, and what a sigmoid of the last hidden layer reads")
    figure, panels = plt.subplots(1, 3, figsize=(11.4, 3.5), layout="constrained")
    for k, (batch_norm, runs) in enumerate(groups.items()):
        curve(panels[0], runs, k, NAMES[batch_norm], accuracy=True)
        ax, run = panels[k + 1], runs[0].result
        steps = [row["step"] for row in run["readings"]]
        for j, percentile in enumerate(PERCENTILES):
            ax.plot(steps, [row["inputs"][j] for row in run["readings"]], DASHES[0 if percentile == 50 else 1], color=COLORS[k],
                    label=f"{percentile}th percentile")
        ax.set(title=f"{'bc'[k]}  {NAMES[batch_norm]}", xlabel="steps", ylabel="input of the sigmoid")
        ax.grid(alpha=0.25)
    low, high = np.min([ax.get_ylim() for ax in panels[1:]]), np.max([ax.get_ylim() for ax in panels[1:]])
    for ax in panels[1:]:
        ax.set_ylim(low, high)
    panels[0].set(title="a  test accuracy", xlabel="steps", ylabel="test accuracy", ylim=(0, 1))
    panels[0].legend(loc="lower right", frameon=False)
    how = shown(results.scale, True)
    moved = [estimate([one.result["moved"] for one in groups[batch_norm]]).text() for batch_norm in (True, False)]
    figures.add(figure, "figure-1", f"Start N(0, 0.1²), learning rate {how['lr']:g}, batches of {BATCH}. a: medians, and "
                f"bands from the lowest to the highest, of {len(groups[True])} seeds. b, c: the "
                f"{', '.join(map(str, PERCENTILES))}th percentiles (solid: the median) over the test examples, in evaluation, "
                "of one unit of the first seed: the one that moves as much as the median of the 100 does. From step "
                "100 on, the percentile of such a unit that moves most moves by "
                f"{moved[0]} with BN and {moved[1]} without, over the seeds.",
                "In the paper, figure 1: MNIST, 50,000 steps of 60. a: with BN the accuracy rises sooner and ends higher; the "
                "axis begins near 0.7, no numbers are given. b, c: the 15th, 50th and 85th percentiles of one typical sigmoid "
                "drift without BN, and are stable with it. The learning rate is not given.")


def curve(ax: Any, runs: list[Done], k: int, label: str, what: str = "error", accuracy: bool = False, dash: str = "-") -> None:
    """Median and range over seeds."""
    table = np.array([[row[what] for row in one.result["readings"]] for one in runs if one.result["diverged"] is None])
    if not len(table):
        return
    table = 1 - table if accuracy else table
    steps = [row["step"] for row in runs[0].result["readings"]][:table.shape[1]]
    band(ax, steps, table, COLORS[k], label, np.median, ls=dash, lw=1.5)
    ax.grid(alpha=0.25)


def draw_starts(results: Results, page: Page) -> None:
    page.heading("Test errors by start and learning rate")
    scale = results.scale
    rows = [["network", "100 steps", "200 steps", "the end"]]
    for init in STARTS:
        for lr in RATES if init == STARTS[0] else RATES[:1]:
            for batch_norm in (False, True):
                how = setting(scale, batch_norm, lr, init)
                rows.append([f"{NAMES[batch_norm]}, {start(init)[0]}, learning rate {lr:g}",
                             *(estimate(results.values(error_at(step), followed, **how)).text("%") for step in (100, 200)),
                             f"{estimate(results.values(error_at(), followed, **how)).text('%')} ({how['steps']} steps)"])
    page.table(rows)


def draw_rates(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    groups = {batch_norm: {lr: values for lr, values in finals(results, batch_norm).items() if values}
              for batch_norm in (False, True)}
    if not all(groups.values()):
        return
    page.heading("Learning rates that only the normalized network survives")
    figure, ax = plt.subplots(figsize=(7.4, 3.8), layout="constrained")
    for k, (batch_norm, by_rate) in enumerate(groups.items()):
        table = np.array([(np.median(values), min(values), max(values)) for values in by_rate.values()])
        ax.plot(list(by_rate), 100 * table[:, 0], marker=MARKERS[k], color=COLORS[k], label=NAMES[batch_norm])
        ax.fill_between(list(by_rate), 100 * table[:, 1], 100 * table[:, 2], color=COLORS[k], alpha=0.15, lw=0)
    ax.axhline(100 * LEARNED, ls=":", color="black", lw=1, label="10 %")
    ax.set(xscale="log", xlabel="learning rate", ylabel="test error at the end, %", ylim=(0, 100))
    ax.grid(alpha=0.25)
    legend(ax)
    widths = [np.median(spans(results, batch_norm) or [np.nan]) for batch_norm in (True, False)]
    figures.add(figure, "rates", f"{len(rates(results.scale))} learning rates from {min(rates(results.scale)):g} to "
                f"{max(rates(results.scale)):g}; medians and ranges of {results.scale.seeds} seeds. The largest rate that "
                f"ends below 10 % is {number(widths[0])} times the smallest with BN, and {number(widths[1])} times without "
                "(medians over seeds).",
                "The paper has no such figure for this network. It says (from memory) that BN allows higher rates, and that "
                "scaling the weights leaves what the layer gives, and the gradient by its input, as they are, and makes the "
                "gradient by the weights smaller, so that their growth is held back.")


def draw_momentum(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    groups = {momentum: results.of(followed, **momentum_setting(results.scale, momentum)) for momentum in MOMENTA}
    if not all(groups.values()):
        return
    page.heading("Early readings: running statistics against those of a batch")
    figure, panels = plt.subplots(1, len(MOMENTA), figsize=(10.6, 3.4), layout="constrained", sharey=True)
    for ax, (momentum, runs) in zip(panels, groups.items(), strict=True):
        curve(ax, runs, 0, "running statistics")
        curve(ax, runs, 1, "statistics of the batch", "of_batch", dash="--")
        ax.set(xscale="log", xlabel="steps", title=f"momentum {momentum:g}", ylim=(0, 1))
    panels[0].set_ylabel("test error")
    legend(panels[-1])
    figures.add(figure, "momentum", f"With BN, learning rate {RATES[0]:g}, start N(0, 0.1²); medians and ranges of "
                f"{results.scale.seeds} seeds. The running statistics start at 0 and 1, and (1 - momentum)ⁿ of that is left "
                "after n steps: 35 % after 10 steps at the usual 0.1, and 37 % after 100 steps at 0.01. Until it is gone, "
                "test mode shows an error that the network in training does not have.",
                "The paper has no such figure: it measures after training, with averages over many batches (from memory).")


def say_exact(results: Results, page: Page) -> None:
    page.heading("What holds exactly")
    checks = [one.result for one in results.of(exact)]
    if checks:
        modes = [check[mode] for check in checks for mode in ("training", "evaluation")]
        worst = max(mode[name] for mode in modes for name in ("x", "gamma", "beta"))
        whole = max(mode["network"] for mode in modes)
        page.text("The gradients of a BatchNorm by x, γ and β, in both modes, agree with central differences within "
                  f"{number(worst)} of the largest of each, on {len(checks)} random batches of 7; those of a whole network "
                  f"with one, within {number(whole)}.")
    pairs = [one.result for one in results.of(redundant)] if results.scale.name != "paper" else []
    if pairs:
        how = bias_setting(results.scale)
        page.text("A bias before BN moves the mean, which BN takes away: trained from biases drawn from N(0, 1), and without "
                  "biases, from the same weights, the outputs with batch statistics are at most "
                  f"{number(max(pair['apart'] for pair in pairs))} apart after {how['steps']} steps, in float64, and the "
                  f"derivatives by the biases are at most {number(max(pair['bias_gradient'] for pair in pairs))} of those by "
                  "the weights. Both are rounding: such a layer needs no bias. Only the running mean remembers it for a "
                  "while: it starts at 0, and keeps 0.9ⁿ of that; the outputs in evaluation are still "
                  f"{number(max(pair['apart_running'] for pair in pairs))} apart.")


PAPER = Paper(
    name="batchnorm2015", title="Ioffe & Szegedy 2015, repeated",
    citation="S. Ioffe, C. Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate "
             "Shift, ICML 2015.",
    asks="Does a network learn faster if the input of each activation function is normalized over the batch? The paper trains "
         "784-3×100-10 sigmoids on binary MNIST images, 50,000 steps of 60 examples, from small Gaussian weights. Here it "
         "is a 64-3×100-10 network on 1797 images of handwritten digits (500 of them for testing), 400 to 2000 steps of 60, "
         "plain SGD; --scale paper --data FOLDER has the paper's sizes, with start N(0, 0.1²) and learning rate 0.1, which it "
         "does not state.",
    plan=plan, claims=claims, draw=draw)
