"""The figures of Srivastava et al. 2014, again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from ....plots.canvas import MARKERS
from ...reports.page import Figures, Page
from ...reports.statistics import estimate, number
from ...sweeps.trials import Settings
from ..figures import COLORS, band, grid, shown
from ..paper import Results
from .mnist import draw_mnist
from .numbers import Pick, chosen, error, gains, of, percent, training, words
from .plan import (
    CLEAN,
    FULL,
    NOISE,
    PIXELS,
    PLAIN,
    RATES,
    SLOW,
    autoencoder,
    clean_counts,
    counts,
    fixed,
    keeps,
    network,
    penalties,
    width,
)
from .runs import HIGHEST, autoencoded, learned

KEEP = "probability p of keeping a unit"
Lines = Mapping[str, tuple[Sequence[float], Sequence[Settings], Pick]]


def draw(results: Results, page: Page, figures: Figures) -> None:
    """Everything, in the order of the paper."""
    if results.scale.name == "paper":
        draw_mnist(results, page, figures)
        return
    if not of(results, network(results.scale)):
        return
    parts = [curves, features, activity, keeping, sizes, averaging, table_9, thumb]
    if results.scale.name == "quick":
        page.text("At this scale only the larger effects are asked for; the scale small has all claims.")
        parts = parts[:-1]
    for part in parts:
        part(results, page, figures)


def lines(results: Results, ax: Axes, groups: Lines) -> None:
    """A line a label: means over seeds in percent, and their 95 % intervals; none for a label without runs."""
    for k, (label, (places, settings, pick)) in enumerate(groups.items()):
        found = [(place, estimate(values)) for place, each in zip(places, settings, strict=True)
                 if (values := of(results, each, pick))]
        if found:
            halves = [100 * np.nan_to_num(one.half) for _, one in found]
            ax.errorbar([place for place, _ in found], [100 * one.mean for _, one in found], halves, color=COLORS[k],
                        marker=MARKERS[k], capsize=3, lw=1.6, ms=5, label=label)
    ax.set_ylim(0, None)


def dotted(ax: Axes) -> None:
    """The share of the wrong labels: whoever learns none of them has this training error."""
    ax.axhline(100 * NOISE, color="0.4", ls=":", lw=1.2)
    ax.annotate("wrong labels", (0.98, 100 * NOISE), xycoords=("axes fraction", "data"), xytext=(0, -3),
                textcoords="offset points", ha="right", va="top", color="0.3", fontsize="small")


def seeds(results: Results) -> str:
    return f"Means of {results.scale.seeds} seeds and their 95 % intervals. "


def curves(results: Results, page: Page, figures: Figures) -> None:
    """Figure 4."""
    net = partial(network, results.scale)
    runs = {label: [{name: [row[name] for row in one.result["curve"]] for name in ("update", "error", "training")}
                    for one in results.of(learned, **net(**changes)) if not one.result["diverged"]]
            for label, changes in (("without dropout", PLAIN), ("dropout", {}), ("dropout, max-norm", {"norm": 2.0}))}
    runs = {label: group for label, group in runs.items() if group}
    if not runs:
        return
    page.heading("Figure 4 and table 2: with and without dropout")
    figure, axes = grid(2, width=4.9, height=3.7)
    for ax, name, examples in zip(axes, ("error", "training"), ("500 test examples", "training examples"), strict=True):
        for color, (label, group) in zip(COLORS, runs.items(), strict=False):
            band(ax, group[0]["update"], [[100 * e for e in run[name]] for run in group], color, label)
        ax.set_ylim(0, None)
        shown(ax, "updates, with 50 examples each", "error, %", examples, ax is axes[0])
    dotted(axes[1])
    best = [min(run["error"]) for run in runs.get("without dropout", [])]
    figures.add(figure, "curves", f"Means and ranges of {results.scale.seeds} seeds. At the end the training error is "
                f"{percent(of(results, net(**PLAIN), training))} without dropout and {percent(of(results, net(), training))} "
                f"with it, where {100 * NOISE:g} % of the labels are wrong; the test errors are "
                f"{percent(of(results, net(**PLAIN)))} and {percent(of(results, net()))}.",
                beside="In the paper, figure 4: on MNIST, networks of several sizes, all with the same settings; those with "
                       "dropout end well below those without. Table 2: 1.60 % without (logistic), 1.35 % with, 1.25 % with "
                       "rectified linear units, 1.06 % with max-norm.")
    if best:
        page.text("The comparison is with a network that is trained to the end. The lowest test error that it has on the way, "
                  f"early on, is {percent(best)}; dropout ends at {percent(of(results, net()))}.")


def features(results: Results, page: Page, figures: Figures) -> None:
    """Figure 7."""
    runs = {label: results.of(autoencoded, **autoencoder(results.scale, keep))
            for label, keep in (("without dropout", 1.0), ("dropout, p = 0.5", 0.5))}
    if not all(runs.values()):
        return
    page.heading("Figure 7: what the units of an autoencoder look for")
    figure, axes = grid(2, width=4.5, height=4.7)
    for ax, (label, found) in zip(axes, runs.items(), strict=True):
        weights = np.array(found[0].result["features"])
        side = round(weights.shape[1] ** 0.5)
        rows = round(len(weights) ** 0.5)
        tiles = np.pad(weights.reshape(rows, -1, side, side), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
        size = float(np.quantile(np.abs(weights), 0.995))
        ax.imshow(np.concatenate(np.concatenate(tiles, 1), 1), cmap="gray", vmin=-size, vmax=size)
        ax.set_title(label)
        ax.set_axis_off()
    figures.add(figure, "features", "Weights into the 64 hidden units with the largest, of a "
                f"64-{width(results.scale) // 2}-64 autoencoder of digits of 8×8 pixels, started from N(0, 0.01²), seed 0; "
                "each panel has its own scale. With dropout the weights are smoother, and some units look for spots and "
                "strokes.",
                beside="In the paper, figure 7: on MNIST, 256 units. Without dropout no unit shows anything by itself; with "
                       "dropout they have become detectors of edges, strokes and spots.")


def activity(results: Results, page: Page, figures: Figures) -> None:
    """Figure 8."""
    runs = {label: [one.result for one in results.of(autoencoded, **autoencoder(results.scale, keep))]
            for label, keep in (("without dropout", 1.0), ("dropout, p = 0.5", 0.5))}
    if not all(runs.values()):
        return
    page.heading("Figure 8: sparsity")
    figure, axes = grid(2, width=4.9, height=3.7)
    for ax, name, title in zip(axes, ("units", "activations"), ("means of the units", "all activations"), strict=True):
        for color, (label, found) in zip(COLORS, runs.items(), strict=False):
            heights = 100 * np.mean([result[name] for result in found], 0)
            ax.stairs(heights, found[0]["edges"], fill=True, alpha=0.4, color=color,
                      label=f"{label}: mean {number(float(np.mean([result['mean'] for result in found])))}")
        ax.set(yscale="log" if name == "activations" else "linear", xlim=(0, HIGHEST))
        shown(ax, "activation", "share, %", title, ax is axes[0])
    silent = {label: [result["silent"] for result in found] for label, found in runs.items()}
    figures.add(figure, "sparsity", f"All {results.scale.seeds} seeds together. With dropout the units of the autoencoder are "
                f"less active, and {percent(silent['dropout, p = 0.5'])} of their activations on test examples are under "
                f"0.001, against {percent(silent['without dropout'])} without.",
                beside="In the paper, figure 8: the mean activation of the units falls from about 2.0 to 0.7, and the "
                       "histogram of activations has a sharp peak at 0 with dropout.")


def keeping(results: Results, page: Page, figures: Figures) -> None:
    """Figure 9."""
    scale, net = results.scale, partial(network, results.scale)
    page.heading("Figure 9: the effect of p")
    page.text("The paper's p is the probability of keeping a unit; retroprop.Dropout(p) takes that of dropping it, 1 less the "
              "paper's. All axes here are in the paper's convention. The input's p stays 0.8.")
    figure, axes = grid(2, width=4.9, height=3.7)
    places, pairs = keeps(scale), fixed(scale)
    lines(results, axes[0], {"test": (places, [net(keep=keep) for keep in places], error),
                             "training": (places, [net(keep=keep) for keep in places], training)})
    dotted(axes[0])
    lines(results, axes[1], {f"n = {width(scale) // 2}": (list(pairs), [pair[0] for pair in pairs.values()], error),
                             f"n = {width(scale) // 4}/p": (list(pairs), [pair[1] for pair in pairs.values()], error)})
    titles = f"(a) {width(scale)} units a layer, lr 0.05", f"(b) lr {SLOW:g}"
    for ax, label, title in zip(axes, ("error, %", "test error, %"), titles, strict=True):
        ax.set_xlim(0, 1.05)
        shown(ax, KEEP, label, title)
    silent = of(results, net(keep=0.2), lambda result: float(result.get("silent", 1.0)))
    figures.add(figure, "keep", seeds(results) + "Dotted: the share of wrong labels. Where p is too small, the training error "
                "lies above it: the network under-fits; where the training error falls below it, wrong labels are learned by "
                f"heart. Small p's want small learning rates: in (a), at p = 0.2, {percent(silent)} of the second layer's "
                f"activations are 0. (b) has such a small one: there the test error at p = {max(pairs):g} is "
                f"{percent(of(results, pairs[max(pairs)][0]))}.",
                beside="In the paper, figure 9: with 2048 units (a) the test error is flat for p of 0.4 to 0.8 and rises on "
                       "both sides; with pn fixed (b) it rises much less for small p, and p near 0.6 is best.")


def sizes(results: Results, page: Page, figures: Figures) -> None:
    """Figure 10."""
    net = partial(network, results.scale)
    page.heading("Figure 10: the effect of the number of examples")
    figure, axes = grid(2, width=4.9, height=3.7)
    noisy, clean = counts(results.scale), clean_counts(results.scale)
    lines(results, axes[0], {"without dropout": (noisy, [net(examples=n, **PLAIN) for n in noisy], error),
                             "dropout": (noisy, [net(examples=n) for n in noisy], error)})
    lines(results, axes[1], {
        "without dropout": (clean, [net(examples=n, noise=0.0, **PLAIN) for n in clean], error),
        "dropout": (clean, [net(examples=n, noise=0.0) for n in clean], error),
        "dropout, not of the input": (clean, [net(examples=n, noise=0.0, **PIXELS) for n in clean], error)})
    for ax, places, title in zip(axes, (noisy, clean), ("30 % of the labels wrong", "all labels right"), strict=True):
        ax.set_xscale("log")
        shown(ax, "training examples", "test error, %", title)
        ax.set_xticks(places, [str(n) for n in places])
        ax.minorticks_off()
    by_heart = percent(of(results, net(examples=FULL, **PLAIN), training))
    removed = ", ".join(f"{percent(gains(results, n))} ({n})" for n in noisy)
    clear = ", ".join(f"{percent(of(results, net(examples=FULL, noise=0.0, **changes)))} {words}" for changes, words in (
        (PLAIN, "without dropout"), ({}, "with it"), (PIXELS, "with all pixels kept")))
    figures.add(figure, "sizes", seeds(results) + f"With wrong labels among them dropout takes away, of the error, {removed} "
                f"(number of examples). Without it the training error on all {FULL} is {by_heart}: it still learns wrong "
                f"labels, so that the point where dropout no longer helps is not reached. With {FULL} right labels the errors "
                f"are {clear}.",
                beside="In the paper, figure 10: MNIST, 100 to 50,000 examples. At 100 and 500 dropout gains nothing; then its "
                       "gain grows, up to a point, and falls again.")


def averaging(results: Results, page: Page, figures: Figures) -> None:
    """Figure 11."""
    net = partial(network, results.scale)
    panels = {"30 % of the labels wrong": net(), "wrong labels, all pixels kept": net(**PIXELS),
              f"{FULL} right labels, all pixels kept": net(**CLEAN)}
    if not any(results.of(learned, **each) for each in panels.values()):
        return
    page.heading("Figure 11: averaging sampled networks, or scaling the weights")
    figure, axes = grid(3, width=3.6, height=3.3)
    for ax, (title, each) in zip(axes, panels.items(), strict=True):
        found = [one.result for one in results.of(learned, **each)]
        if found:
            middle = 100 * np.mean([result["averages"]["errors"] for result in found], 0)
            std = 100 * np.mean([result["averages"]["stds"] for result in found], 0)
            places = np.arange(1, len(middle) + 1)
            ax.plot(places, middle, color=COLORS[0], lw=1.8, label="average of k networks")
            ax.fill_between(places, middle - std, middle + std, color=COLORS[0], alpha=0.2, lw=0)
            ax.axhline(100 * np.mean([result["error"] for result in found]), color=COLORS[1], ls="--", lw=1.8, label="weight "
                                                                                                                     "scaling")
            ax.axvline(50, color="0.4", ls=":", lw=1.2, label="paper: they meet near 50")
        ax.set(xscale="log", ylim=(0, None))
        shown(ax, "sampled networks k", "test error, %", title, legend=False)
    axes[0].legend(frameon=False, fontsize="small", loc="lower left")
    figures.add(figure, "averaging", f"Means over {results.scale.seeds} seeds; the band is one standard deviation "
                "between draws of k networks. Weight scaling is retroprop's evaluation mode.",
                beside="In the paper, figure 11: the average of k networks needs k of about 50 to do as well as weight "
                       "scaling, and is then slightly better, within one standard deviation.")


def table_9(results: Results, page: Page, figures: Figures) -> None:
    """Tables 9 and 10."""
    net = partial(network, results.scale)
    rows = penalties(results.scale)
    best = {name: chosen(results, row.choices) for name, row in rows.items()}
    found = {name: estimate(of(results, net(**changes))) for name, changes in best.items() if of(results, net(**changes))}
    if "L2" not in found:
        return
    page.heading("Tables 9 and 10: other ways to regularize, and Gaussian noise")
    figure, [ax] = grid(1, width=7.6, height=3.2)
    base = found["L2"].mean
    for k, (name, one) in enumerate(found.items()):
        ax.errorbar(one.mean / base, k, xerr=np.nan_to_num(one.half) / base, fmt="o", color=COLORS[0], capsize=3,
                         label="here" if k == 0 else None)
        ax.plot(rows[name].paper / rows["L2"].paper, k, "kx", ms=9, mew=2, label="paper" if k == 0 else None)
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set_xlim(0, None)
    shown(ax, "test error, as a multiple of that of L2", "", legend=False)
    ax.legend(frameon=False, loc="lower left")
    figures.add(figure, "table-9", seeds(results) + "The strength of each is the one, of a few, that errs least on examples "
                "that were neither trained on nor tested on.",
                beside="In the paper, table 9, MNIST, 784-1024-1024-2048-10: L2 1.62, L2 + L1 1.60, L2 + KL 1.55 (not repeated "
                       "here), max-norm 1.35, dropout + L2 1.25, dropout + max-norm 1.05 %. Table 10: Bernoulli 1.08, Gaussian "
                       "0.95 %.")
    page.table([["", "settings", "test error here", "in the paper"],
                *([name, words(best[name]), one.text("%"), f"{rows[name].paper:.2f} %"] for name, one in found.items()),
                *([name, "", estimate(values).text("%"), paper] for name, changes, paper in (
                    ("no regularization", PLAIN, "1.60 % (logistic)"), ("dropout (Bernoulli)", {}, "1.08 %"),
                    ("Gaussian noise", {"kind": "Gaussian"}, "0.95 %"))
                  if (values := of(results, net(**changes))))])


def thumb(results: Results, page: Page, figures: Figures) -> None:
    """Rules of thumb."""
    net = partial(network, results.scale)
    page.heading("Rules of thumb: learning rate and width")
    figure, axes = grid(2, width=4.9, height=3.7)
    lines(results, axes[0], {"without dropout": (RATES, [net(lr=lr, **PLAIN) for lr in RATES], error),
                             "dropout": (RATES, [net(lr=lr) for lr in RATES], error)})
    widths = [width(results.scale) // part for part in (4, 2, 1)]
    lines(results, axes[1], {"without dropout": (widths, [net(width=n, **PLAIN) for n in widths], error),
                             "dropout": (widths, [net(width=n) for n in widths], error)})
    for ax, label in zip(axes, ("learning rate (momentum 0.9)", "units in each hidden layer"), strict=True):
        ax.set_xscale("log")
        shown(ax, label, "test error, %")
    for ax, places in zip(axes, (RATES, widths), strict=True):
        ax.set_xticks(places, [f"{place:g}" for place in places])
        ax.minorticks_off()
    figures.add(figure, "thumb", seeds(results) + "All after equally many updates. Without dropout the training error is "
                f"{percent(of(results, net(lr=min(RATES), **PLAIN), training))} at learning rate {min(RATES):g} and "
                f"{percent(of(results, net(lr=max(RATES), **PLAIN), training))} at {max(RATES):g}, where {100 * NOISE:g} % of "
                "the labels are wrong.",
                beside="In the paper: with dropout use n/p units where n were good without, 10 to 100 times the "
                       "learning rate, momentum 0.95 to 0.99, and max-norm with c of 3 to 4.")
