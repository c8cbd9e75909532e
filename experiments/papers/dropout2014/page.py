"""The page of Srivastava et al. 2014."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from ....plots.canvas import COLORS, MARKERS
from ...lab.trained import trained
from ...reports.panels import NARROW
from ...reports.statistics import number
from ...reproduce.bounds import spoken
from ...reproduce.claims import MEAN
from ...reproduce.figures import band, grid, labelled
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import Series
from .measured import autoencoders, chosen, gain, measured, of_figure_9, on_files, percent, runs, words
from .plan import CLEAN, COUNTED, MNIST, MNIST_COUNTS, NOISE, PIXELS, PLAIN, RATES, SIZES, SLOW, TABLE_9, autoencoder, mnist
from .runs import HIGHEST, autoencoded

FIRST = "curves"
BOTH = {"without dropout": PLAIN, "dropout": {}}
AVERAGED = "ReLU, 3x1024, dropout, max-norm"


def finding(results: Results) -> str:
    if results.scale.name == "paper":
        return ""
    return filled(__file__, plain=measured(results, **PLAIN), dropout=measured(results), wrong=spoken(NOISE, "%"))


def draw(results: Results, report: Report) -> None:
    """All figures, in the order of the paper."""
    if results.scale.name == "paper":
        parts = [draw_mnist, draw_more] if results.of(trained) else []
    else:
        parts = [curves, activity, keeping, sizes, averaging, table_9, thumb] if measured(results) else []
    if parts and results.scale.name == "quick":
        report.add("quick")
        parts.remove(thumb)
    for part in parts:
        part(results, report)


def lines(ax: Axes, groups: Mapping[str, Mapping[float, Series]], xlabel: str, title: str | None = None,
          ylabel: str = "test error, %", ticks: Sequence[float] = ()) -> None:
    """For each label a line of means over seeds, in percent, and their 95 % intervals; places without runs are left out.

    With ``ticks`` the axis is logarithmic and has ticks at these places alone.
    """
    for k, (label, series) in enumerate(groups.items()):
        found = {place: one.estimate for place, one in series.items() if one}
        if found:
            means, halves = zip(*((100 * one.mean, 100 * np.nan_to_num(one.half)) for one in found.values()), strict=True)
            ax.errorbar(list(found), means, halves, color=COLORS[k], marker=MARKERS[k], capsize=3, lw=1.6, ms=5, label=label)
    labelled(ax, xlabel, ylabel, title)
    ax.set_ylim(0, None)
    if ticks:
        ax.set_xscale("log")
        ax.set_xticks(ticks, [f"{place:g}" for place in ticks])
        ax.minorticks_off()


def dotted(ax: Axes) -> None:
    """The share of the wrong labels: a network that learns none of them has this training error."""
    ax.axhline(100 * NOISE, color="0.4", ls=":", lw=1.2)
    ax.annotate("wrong labels", (0.98, 100 * NOISE), xycoords=("axes fraction", "data"), xytext=(0, -3),
                textcoords="offset points", ha="right", va="top", color="0.3", fontsize="small")


def curves(results: Results, report: Report) -> None:
    """Figure 4."""
    of = partial(measured, results)
    figure, axes = grid(2, width=4.9, height=3.7)
    for color, (label, changes) in zip(COLORS, (BOTH | {"dropout, max-norm": {"norm": 2.0}}).items(), strict=False):
        found = [one["curve"] for one in runs(results, **changes) if not one["diverged"]]
        for ax, name in zip(axes, ("error", "training"), strict=True):
            band(ax, [row["update"] for row in found[0]] if found else [],
                 [[100 * row[name] for row in curve] for curve in found], color, label)
    for ax, examples in zip(axes, ("500 test examples", "training examples"), strict=True):
        ax.set_ylim(0, None)
        labelled(ax, "updates, with 50 examples each", "error, %", examples, ax is axes[0])
    dotted(axes[1])
    lowest = of(lambda result: min((row["error"] for row in result["curve"]), default=1.0), **PLAIN)
    report.add("curves", figure, seeds=results.scale.seeds, wrong=spoken(NOISE, "%"), plain=percent(of(**PLAIN)),
               dropout=percent(of()), plain_training=percent(of("training", **PLAIN)), training=percent(of("training")),
               lowest=percent(lowest))


def activity(results: Results, report: Report) -> None:
    """Figures 7 and 8: the autoencoders."""
    both = {label: [one.result for one in results.of(autoencoded, **autoencoder(results.scale, keep))]
            for label, keep in (("without dropout", 1.0), ("dropout, p = 0.5", 0.5))}
    if not all(both.values()):
        return
    figure, axes = grid(2, width=4.5, height=4.7)
    for ax, (label, found) in zip(axes, both.items(), strict=True):
        weights = np.array(found[0]["features"])
        rows, side = (round(size ** 0.5) for size in weights.shape)
        tiles = np.pad(weights.reshape(rows, -1, side, side), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
        size = float(np.quantile(np.abs(weights), 0.995))
        ax.imshow(np.concatenate(np.concatenate(tiles, 1), 1), cmap="gray", vmin=-size, vmax=size)
        ax.set_title(label)
        ax.set_axis_off()
    report.add("features", figure, units=SIZES[results.scale.name].width // 2)
    figure, axes = grid(2, width=4.9, height=3.7)
    for ax, name, title in zip(axes, ("units", "activations"), ("means of the units", "all activations"), strict=True):
        for color, (label, found) in zip(COLORS, both.items(), strict=False):
            heights, mean = (np.mean([result[key] for result in found], 0) for key in (name, "mean"))
            ax.stairs(100 * heights, found[0]["edges"], fill=True, alpha=0.4, color=color,
                      label=f"{label}: mean {number(float(mean))}")
        ax.set(yscale="log" if name == "activations" else "linear", xlim=(0, HIGHEST))
        labelled(ax, "activation", "share, %", title, ax is axes[0])
    plain, dropout = autoencoders(results, "silent")
    report.add("sparsity", figure, seeds=results.scale.seeds, plain=percent(plain), dropout=percent(dropout))


def keeping(results: Results, report: Report) -> None:
    """Figure 9."""
    of, (_, _, units, keeps, *_) = partial(of_figure_9, results), SIZES[results.scale.name]
    pairs = SIZES[results.scale.name].fixed()
    figure, axes = grid(2, width=4.9, height=3.7)
    lines(axes[0], {label: {keep: of(pick, keep=keep) for keep in keeps}
                    for label, pick in (("test", "error"), ("training", "training"))},
          "probability p of keeping a unit", f"(a) 3 layers of {units} units, lr 0.05", "error, %")
    dotted(axes[0])
    lines(axes[1], {label: {keep: measured(results, **pair[k]) for keep, pair in pairs.items()}
                    for k, label in enumerate((f"n = {units // 2}", f"n = {units // 4}/p"))},
          "probability p of keeping a unit", f"(b) lr {SLOW:g}")
    for ax in axes:
        ax.set_xlim(0, 1.05)
    report.add("keep", figure, seeds=results.scale.seeds, silent=percent(of("silent", keep=0.2)), largest=f"{max(pairs):g}",
               error=percent(measured(results, **pairs[max(pairs)][0])))


def sizes(results: Results, report: Report) -> None:
    """Figure 10."""
    of, noisy, clean = partial(measured, results), SIZES[results.scale.name].counts, SIZES[results.scale.name].clean_counts
    figure, axes = grid(2, width=4.9, height=3.7)
    lines(axes[0], {label: {n: of(**changes | {"examples": n}) for n in noisy} for label, changes in BOTH.items()},
          "training examples", "30 % of the labels wrong", ticks=noisy)
    lines(axes[1], {label: {n: of(**CLEAN | changes | {"examples": n}) for n in clean}
                    for label, changes in (BOTH | {"dropout, not of the input": PIXELS}).items()},
          "training examples", "all labels right", ticks=clean)
    report.add("sizes", figure, seeds=results.scale.seeds, full=CLEAN["examples"],
               by_heart=percent(of("training", examples=CLEAN["examples"], **PLAIN)),
               removed=", ".join(f"{percent(gain(results, n))} ({n})" for n in noisy), plain=percent(of(**CLEAN | PLAIN)),
               dropout=percent(of(**CLEAN)), hidden=percent(of(**CLEAN | PIXELS)))


def averaging(results: Results, report: Report) -> None:
    """Figure 11."""
    figure, axes = grid(3, width=3.6, height=3.3)
    panels = {"30 % of the labels wrong": {}, "wrong labels, all pixels kept": PIXELS,
              f"{CLEAN['examples']} right labels, all pixels kept": PIXELS | CLEAN}
    for ax, (title, changes) in zip(axes, panels.items(), strict=True):
        found = [result for result in runs(results, **changes) if "averages" in result]
        if found:
            middle, std = (100 * np.mean([result["averages"][name] for result in found], 0) for name in ("errors", "stds"))
            places = np.arange(1, len(middle) + 1)
            ax.plot(places, middle, color=COLORS[0], lw=1.8, label="average of k networks")
            ax.fill_between(places, middle - std, middle + std, color=COLORS[0], alpha=0.2, lw=0)
            ax.axhline(100 * np.mean([result["scaled"] for result in found]), color=COLORS[1], ls="--", lw=1.8,
                       label="weight scaling")
            ax.axvline(50, color="0.4", ls=":", lw=1.2, label="paper: they meet near 50")
        ax.set(xscale="log", ylim=(0, None))
        labelled(ax, "sampled networks k", "test error, %", title, legend=False)
    axes[0].legend(frameon=False, fontsize="small", loc="lower left")
    report.add("averaging", figure, seeds=results.scale.seeds)


def table_9(results: Results, report: Report) -> None:
    """Tables 9 and 10."""
    of = partial(measured, results)
    best = {name: chosen(results, choices) for name, choices in SIZES[results.scale.name].strengths.items()}
    found = {name: series.estimate for name, changes in best.items() if (series := of(**changes))}
    if "L2" not in found:
        return
    figure, [ax] = grid(1, width=NARROW, height=3.2)
    base = found["L2"].mean
    for k, (name, one) in enumerate(found.items()):
        ax.errorbar(one.mean / base, k, xerr=np.nan_to_num(one.half) / base, fmt="o", color=COLORS[0], capsize=3,
                    label="here" if k == 0 else None)
        ax.plot(TABLE_9[name] / TABLE_9["L2"], k, "kx", ms=9, mew=2, label="paper" if k == 0 else None)
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set_xlim(0, None)
    labelled(ax, "test error, as a multiple of that of L2", "", legend=False)
    ax.legend(frameon=False, loc="lower left")
    report.add("table-9", figure, seeds=results.scale.seeds)
    others = [("no regularization", PLAIN, "1.60 % (logistic)"), ("dropout (Bernoulli)", {}, "1.08 %"),
              ("Gaussian noise", {"kind": "Gaussian"}, "0.95 %")]
    report.page.table([["regularization", "settings", f"test error here, {MEAN}", "in the paper"],
                       *([name, words(best[name]), one.text("%"), f"{TABLE_9[name]:.2f} %"] for name, one in found.items()),
                       *([name, "", series.estimate.text("%"), paper] for name, changes, paper in others
                         if (series := of(**changes)))])


def thumb(results: Results, report: Report) -> None:
    """Rules of thumb."""
    of, widths = partial(measured, results), [SIZES[results.scale.name].width // part for part in (4, 2, 1)]
    figure, axes = grid(2, width=4.9, height=3.7)
    for ax, setting, places, label in zip(axes, ("lr", "width"), (RATES, widths), (
            "learning rate (momentum 0.9)", "units in each hidden layer"), strict=True):
        lines(ax, {name: {place: of(**changes | {setting: place}) for place in places} for name, changes in BOTH.items()},
              label, ticks=places)
    low, high = min(RATES), max(RATES)
    report.add("thumb", figure, seeds=results.scale.seeds, low=low, high=high, wrong=spoken(NOISE, "%"),
               training_low=percent(of("training", lr=low, **PLAIN)), training_high=percent(of("training", lr=high, **PLAIN)))


def draw_mnist(results: Results, report: Report) -> None:
    """Errors on the files during training, and of each network at the end beside the paper's."""
    figure, axes = grid(2, width=6, height=4.8)
    for k, (name, (paper, _)) in enumerate(MNIST.items()):
        color, dashes = COLORS[k % len(COLORS)], "-" if k < len(COLORS) else "--"
        for one in results.of(trained, **mnist(results.scale, name)):
            rows = one.result["readings"]
            axes[0].plot([row["step"] for row in rows], [100 * row["error"] for row in rows], dashes, color=color, lw=1)
        ends = [100 * error for error in on_files(results, name)]
        axes[1].plot(ends, [k] * len(ends), "o", color=color)
        axes[1].plot(paper or np.nan, k, "kx", ms=9, mew=2, label=None if k else "paper")
    axes[0].set_yscale("log")
    axes[1].set_xscale("log")
    axes[1].set_yticks(range(len(MNIST)), list(MNIST))
    axes[1].invert_yaxis()
    labelled(axes[0], "steps of 100 examples", "test error, %", legend=False)
    labelled(axes[1], "test error at the end, %", "")
    report.add("mnist settings", steps=f"{mnist(results.scale, AVERAGED)['steps']:,}")
    report.add("mnist", figure)


def draw_more(results: Results, report: Report) -> None:
    """Figures 10 and 11, on the files."""
    figure, axes = grid(2, width=4.9, height=3.7)
    for color, (label, name) in zip(COLORS, COUNTED.items(), strict=False):
        points = [(n or 50_000, 100 * error) for n in MNIST_COUNTS for error in on_files(results, name, examples=n)]
        axes[0].plot([n for n, _ in points], [error for _, error in points], "o", color=color, label=label)
    for one in results.of(trained, **mnist(results.scale, AVERAGED)):
        if "averages" in one.result:
            errors = one.result["averages"]["errors"]
            axes[1].plot(range(1, len(errors) + 1), [100 * error for error in errors], color=COLORS[0], lw=1.2)
            axes[1].axhline(100 * one.result["scaled"], color=COLORS[1], ls="--", lw=1.2)
    axes[0].set(xscale="log", yscale="log")
    axes[1].set_xscale("log")
    labelled(axes[0], "training examples", "test error, %", "table 9's network")
    labelled(axes[1], "sampled networks k", "test error, %", "averages, and weight scaling (dashed)")
    report.add("mnist-more", figure)
