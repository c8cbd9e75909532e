"""Glorot & Bengio 2010, training: its tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....arguments import Array
from ....plots.canvas import COLORS, MARKERS, legend, shades
from ...reports.page import Figures, Page
from ...reports.statistics import estimate
from ...reports.text import many
from ...sweeps.trials import Done
from ..figures import band
from ..paper import Results
from .training_claims import PRINTED, PRINTED_DATA, digits_error, spoken
from .training_layers import CENTRES
from .training_plan import EASY, NETS, Runs, chosen, main_data, shown_rate, table, tuned
from .training_runs import watched

STARTS = {"Standard": "standard", "Glorot": "normalized", "N(0, 0.01)": "N(0, 0.01²)"}


def draw(results: Results, page: Page, figures: Figures) -> None:
    if results.scale.name != "paper":
        draw_rates(results, page)
    draw_table(results, page, figures)
    draw_plateaus(results, page, figures)
    draw_saturation(results, page, figures)
    draw_histograms(results, page, figures)
    draw_gradients(results, page, figures)
    draw_errors(results, page, figures)


def shown(values: Runs) -> str:
    return estimate(list(values.values())).text("%") if values else "–"


def draw_rates(results: Results, page: Page) -> None:
    """Errors on digits, by activation and start: all at one rate, and each at its best."""
    last = results.scale.choose(1000, 4000)
    steps = (500, 1000) if last == 1000 else (500, 1000, last)
    page.heading("Digits: test error by activation and start")
    page.text("64-5×100-10 networks, plain SGD on batches of 10, one learning rate for all starts of an activation. Where the "
              "cost overflowed, the run counts as an error of 100 %.")
    rates = {"sigmoid": "0.1"} | {"relu N(0, 1)": "0.001"}
    rows = [["network", "learning rate", *(f"after {step} steps" for step in steps)]]
    for activation, init in tuned():
        errors = [digits_error(results, activation, init, step) for step in steps]
        rate = rates.get(activation, rates.get(f"{activation} {init}", "0.03"))
        if any(errors):
            rows += [[f"{activation}, {STARTS.get(init, init)}", rate, *map(shown, errors)]]
    page.table(rows)
    if last == 1000:
        return
    rows = [["network", "best learning rate", f"test error after {last} steps"]]
    for activation, init in tuned():
        best, found = chosen(results, activation, init)
        rows += [[f"{activation}, {STARTS.get(init, init)}", "–" if best is None else f"{best:g}", shown(found)]]
    page.text("The same networks, each at the best of the learning rates 0.01, 0.03, 0.1 and 0.3: the one with the smallest "
              "mean error on 216 examples held out from the training part (its last sixth). These networks learn from the "
              "other 1081 examples; the test part decides nothing.")
    page.table(rows)


def draw_table(results: Results, page: Page, figures: Figures) -> None:
    """Table 1, the paper's numbers as marks beside ours."""
    import matplotlib.pyplot as plt
    scale = results.scale
    data = {"paper": [str(scale.data)], "small": ["digits", EASY]}.get(scale.name, [])
    found = {where: table(results, where) for where in data}
    if not any(values for runs in found.values() for values in runs.values()):
        return
    page.heading("Table 1: test error by activation and initialization")
    rows = [["network", *(f"{name} (paper)" for name in PRINTED_DATA), *(f"{spoken(where)} (here)" for where in data)]]
    rows += [[name, *(f"{value:g} %" for value in PRINTED[name]), *(shown(found[where][name]) for where in data)]
             for name in NETS]
    page.table(rows)
    if EASY in data:
        page.text("Easy Shapeset is a stream here, as Shapeset-3x2 is in the paper: each of the 120,000 images that a run "
                  "learns from is new.")
    figure, square = plt.subplots(2, 2, figsize=(8.4, 6.4), layout="constrained", sharex=True)
    axs = list(square.ravel())
    for ax in axs[2 + len(data):]:
        ax.set_visible(False)
    for ax, k in zip(axs, (0, 1), strict=False):
        ax.plot(range(5), [PRINTED[name][k] for name in NETS], "*", color="black", ms=11)
        ax.set_title(f"the paper: {PRINTED_DATA[k]}")
    for ax, where in zip(axs[2:], data, strict=False):
        for k, name in enumerate(NETS):
            values = list(found[where][name].values())
            one = estimate(values)
            ax.plot([k] * len(values), [100 * value for value in values], ".", color="0.6", ms=5)
            if values:
                half = 0 if np.isnan(one.half) else 100 * one.half
                ax.errorbar(k, 100 * one.mean, half, fmt=MARKERS[0], color=COLORS[0], capsize=4)
        ax.set_title(f"here: {spoken(where)}")
    for ax in axs:
        ax.set_xticks(range(5), list(NETS), rotation=40, ha="right")
        ax.set(xlim=(-0.5, 4.5), yscale="log")
        percents(ax, (1, 1.6, 1.8, 2, 2.2, 3, 5, 10, 15, 20, 30, 50, 80))
    for ax in (axs[0], axs[2]):
        ax.set_ylabel("test error")
    figures.add(figure, "table-1", "Test error at the end of training, on logarithmic scales. Stars: the paper's numbers, as "
                f"printed. Circles: ours, mean and 95 % interval of {many(scale.seeds, 'seed')} (grey dots). Digits and the "
                "paper's scale: each network at its best learning rate; easy Shapeset (one bright object): 0.03 for all.",
                "In the paper, table 1: on Shapeset tanh goes from 27.15 to 15.60 % by normalization, softsign from 16.27 to "
                "16.06, and sigmoid stays at 82.61, which is chance.")


def percents(ax: Any, ticks: Sequence[float]) -> None:
    """Ticks of a logarithmic scale: those that are on it, and not too close to the one before."""
    (low, high), inside = ax.get_ylim(), [1e-9]
    for tick in ticks:
        inside += [tick] if low <= tick <= high and tick > inside[-1] * (high / low) ** 0.06 else []
    inside = inside[1:]
    ax.set_yticks(inside, [f"{tick:g} %" for tick in inside])
    ax.minorticks_off()
    ax.grid(alpha=0.25)


def of_net(results: Results, name: str, data: str) -> list[Done]:
    activation, init = NETS[name]
    return results.of(watched, data=data, depth=5, activation=activation, init=init, lr=shown_rate(results, name, data))


def readings(runs: Sequence[Done], row: str) -> tuple[Array, Array]:
    """Steps, and an array (runs, readings, layers) of one quantity; runs that diverged are left out."""
    whole = [one.result["readings"] for one in runs if one.result["diverged"] is None]
    steps = np.array([reading["step"] for reading in whole[0]]) if whole else np.empty(0)
    return steps, np.array([[reading[row] for reading in run] for run in whole], float)


def lines(ax: Any, steps: Array, mean: Array, half: Array | None = None, fmt: str = "-") -> None:
    """A line a layer, the first the thickest and darkest."""
    count = max(5, mean.shape[-1])                                  # a layer has its colour in networks of all depths
    for k, color in enumerate(shades(count)[:mean.shape[-1]]):
        ax.plot(steps, mean[:, k], fmt, color=color, lw=1.2 + 1.8 * (1 - (k + 1) / count), label=f"layer {k + 1}")
        if half is not None:
            ax.fill_between(steps, mean[:, k] - half[:, k], mean[:, k] + half[:, k], color=color, alpha=0.13, lw=0)
    ax.grid(alpha=0.25)


def grid(titles: Sequence[str], xlabel: str) -> tuple[Any, list[Any]]:
    """Axes on common scales, two or three in a row."""
    import matplotlib.pyplot as plt
    columns = 3 if len(titles) > 4 else 2
    rows = -(-len(titles) // columns)
    figure, axs = plt.subplots(rows, columns, figsize=(8.6, 2.9 * rows), sharex=True, sharey=True, layout="constrained",
                               squeeze=False)
    for ax, title in zip(axs.ravel(), titles, strict=False):
        ax.set_title(title)
        ax.tick_params(labelbottom=True)
    for ax in axs.ravel()[max(0, len(titles) - columns):len(titles)]:
        ax.set_xlabel(xlabel)
    for ax in axs.ravel()[len(titles):]:
        ax.set_visible(False)
    return figure, list(axs.ravel()[:len(titles)])


def finish(figure: Any, axs: Sequence[Any], ylabel: str, **options: Any) -> None:
    """One legend for all, and the label of the first column."""
    for ax in axs[::3 if len(axs) > 4 else 2]:
        ax.set_ylabel(ylabel)
    handles, labels = max((ax.get_legend_handles_labels() for ax in axs), key=lambda found: len(found[0]))
    unique = dict(zip(reversed(labels), reversed(handles), strict=True))
    figure.legend(list(unique.values())[::-1], list(unique)[::-1], loc="outside right upper", frameon=False, **options)


def draw_plateaus(results: Results, page: Page, figures: Figures) -> None:
    every = [one for one in results.of(watched, activation="sigmoid", lr=0.1) if one.trial.settings["data"] != EASY]
    nets = [(one.trial.settings["depth"], one.trial.settings["init"]) for one in every]
    keys = {f"{many(depth, 'layer')}, {STARTS[init]}": (depth, init) for depth, init in sorted(nets)}
    if not keys:
        return
    page.heading("Figure 2: sigmoid networks on a plateau")
    figure, axs = grid(list(keys), "steps")
    for ax, (depth, init) in zip(axs, keys.values(), strict=True):
        runs = [one for one, net in zip(every, nets, strict=True) if net == (depth, init)]
        steps, mean = readings(runs, "mean")
        _, std = readings(runs, "std")
        if mean.size:
            lines(ax, steps, mean.mean(0), std.mean(0))
        ax.set_ylim(0, 1)
    finish(figure, axs, "activation z")
    figures.add(figure, "plateau", "Mean activation of each layer (line) ± its standard deviation over units and examples "
                f"(band), on 300 test examples; mean of {many(results.scale.seeds, 'seed')}. With 5 layers the top layer is "
                "driven towards 0, the saturated end: the output layer learns to do without what does not help yet.",
                "In the paper, figure 2 (4 layers, Shapeset): the top layer falls to 0 at once, the others stay near 0.5; it "
                "leaves 0 near epoch 100. With 5 layers it never does.")


def draw_saturation(results: Results, page: Page, figures: Figures) -> None:
    where = dict.fromkeys([main_data(results.scale), *(["digits"] if results.scale.name != "paper" else [])])
    if any(of_net(results, name, data) for data in where for name in NETS):
        page.heading("Figure 3: which layers saturate, and when")
    for data in where:
        names = [name for name in ("tanh", "tanh N", "softsign", "softsign N") if of_net(results, name, data)]
        if not names:
            continue
        figure, axs = grid(names, "steps")
        for ax, name in zip(axs, names, strict=True):
            steps, high = readings(of_net(results, name, data), "high")
            _, std = readings(of_net(results, name, data), "std")
            if high.size:
                lines(ax, steps, std.mean(0))
                lines(ax, steps, high.mean(0), fmt="o:")
            for line in ax.lines:
                line.set_markersize(3)
            ax.set_ylim(0, 1.03)
        finish(figure, axs, "activation |z|", title="lines: std\ndots: 98th\npercentile")
        figures.add(figure, f"saturation-{spoken(data).rpartition(' ')[2].lower()}",
                    f"On {spoken(data)}: standard deviation (lines) and 98th percentile of the magnitude (dots) of each "
                    f"layer's activations during training; mean of {many(results.scale.seeds, 'seed')}. "
                    f"{NOTES.get(data, '')}".strip(),
                    "In the paper, figure 3 (Shapeset, standard start): with tanh layer 1 saturates first, then layer 2, and "
                    "so on. Softsign's layers move together and saturate less.")


NOTES = {EASY: "Pixels from −1 to 1: layer 1 has the largest activations from the start and saturates first.",
         "digits": "Pixels from 0 to 1, most of them dark: the order of the tanh layers turns round in training."}


def draw_histograms(results: Results, page: Page, figures: Figures) -> None:
    data = main_data(results.scale)
    names = [name for name in ("tanh", "tanh N", "softsign", "softsign N") if of_net(results, name, data)]
    if not names:
        return
    page.heading("Figure 4: activations at the end")
    figure, axs = grid(names, "activation z")
    for ax, name in zip(axs, names, strict=True):
        counts = np.array([one.result["histograms"] for one in of_net(results, name, data)], float).sum(0)
        density = counts / counts.sum(1, keepdims=True) / (CENTRES[1] - CENTRES[0])
        lines(ax, CENTRES, density.T)
        for knee in (-0.8, -0.6, 0.6, 0.8) if name.startswith("softsign") else ():
            ax.axvline(knee, color="0.6", lw=0.8, ls=":")
        ax.set(yscale="log", ylim=(0.02, 20))
    finish(figure, axs, "density")
    figures.add(figure, "activations-end", f"Density of each layer's activations after training on {spoken(data)}, 300 test "
                f"examples, {many(results.scale.seeds, 'seed')} together, on a logarithmic scale. Dotted: softsign's knees.",
                "In the paper, figure 4 (standard start): tanh piles up at −1, 1 and, in higher layers, around 0; softsign "
                "around the knees, 0.6 to 0.8, where it is neither linear nor flat.")


def draw_gradients(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    data = main_data(results.scale)
    names = [name for name in ("tanh", "tanh N") if of_net(results, name, data)]
    if not names:
        return
    page.heading("Figures 7 to 9, during training: gradients, layer by layer")
    figure, axs = plt.subplots(2, len(names), figsize=(8.6, 5.6), sharex=True, sharey="row", layout="constrained",
                               squeeze=False)
    for row, (quantity, label) in zip(axs, (("gradient", "std of dC/ds"), ("weight_gradient", "std of dC/dW")), strict=True):
        for ax, name in zip(row, names, strict=True):
            steps, values = readings(of_net(results, name, data), quantity)
            if values.size:
                lines(ax, steps, np.exp(np.log(np.maximum(values, 1e-300)).mean(0)))
            ax.set(yscale="log", title=f"{name} ({'normalized' if name.endswith('N') else 'standard'})")
        row[0].set_ylabel(label)
    for ax in axs[1]:
        ax.set_xlabel("steps")
    figure.legend(*axs[0][-1].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    figures.add(figure, "gradients-training", f"Standard deviation of the gradients with respect to the sums s (above) and to "
                f"the weights (below) of each layer, on 300 test examples of {spoken(data)}; geometric mean of "
                f"{many(results.scale.seeds, 'seed')}. At the start, standard: dC/ds shrinks downwards, dC/dW is alike in all.",
                "In the paper, figures 7 to 9 (8 and 9 from memory): with the standard start back-propagated gradients shrink "
                "on their way down while weight gradients are alike; in training these come apart; with the normalized one "
                "they stay more alike.")


def draw_errors(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    where = dict.fromkeys([main_data(results.scale), *(["digits"] if results.scale.name != "paper" else [])])
    if not any(of_net(results, name, data) for data in where for name in NETS):
        return
    page.heading("Figures 11 and 12: test error during training")
    figure, axs = plt.subplots(1, len(where), figsize=(8.6, 3.6), layout="constrained", squeeze=False)
    for ax, data in zip(axs[0], where, strict=True):
        for k, name in enumerate(NETS):
            steps, errors = readings(of_net(results, name, data), "error")
            if errors.size:
                first = steps <= 4000 if data == "digits" else steps >= 0
                band(ax, steps[first], 100 * errors[:, first], COLORS[k], name)
        ax.set(xlabel="steps", title=spoken(data), yscale="log")
        ax.locator_params(axis="x", nbins=5)
        percents(ax, (2, 5, 10, 20, 30, 50, 100))
    axs[0][0].set_ylabel("test error")
    legend(axs[0][-1])
    figures.add(figure, "errors-training", f"Test error during training, on a logarithmic scale: mean (line) and range (band) "
                f"of {many(results.scale.seeds, 'seed')}. From the normalized start (N) tanh and softsign learn earlier.",
                "In the paper, figures 11 (Shapeset) and 12 (MNIST, CIFAR-10), their numbers from memory: normalized tanh and "
                "softsign fall below standard tanh early and stay there; sigmoid learns slowest or, on Shapeset, not at all.")
