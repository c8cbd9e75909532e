"""The figures of Glorot & Bengio 2010 that need no training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....plots.canvas import COLORS, MARKERS, legend, shades
from ...lab.networks import start
from ...reports.page import Figures, Page
from ...sweeps.trials import Done
from ..figures import band
from ..paper import Results
from .start_claims import NAMES, STD_OF_Z, allowed, predicted, widths
from .start_runs import histograms, layers, signals, surface

KINDS = {"linear": "linear layers", "tanh": "tanh", "relu": "ReLU"}
GROUPS = (("Glorot", "Glorot normal", "LeCun", "LeCun uniform", "Orthogonal"), ("He", "He uniform"), ("Standard",),
          ("N(0, 0.01)",), ("N(0, 1)",), ("U(-1, 1)",))


def draw(results: Results, page: Page, figures: Figures) -> None:
    """Figures 5 to 8, the layers in numbers, and the variance through depth and width."""
    draw_surfaces(results, page, figures)
    draw_histograms(results, page, figures)
    draw_layers(results, page, figures)
    draw_depth(results, page, figures)
    draw_width(results, page, figures)


def draw_surfaces(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    runs = results.of(surface, reach=6.0)
    if not runs:
        return
    page.heading("Figure 5: the cost over two weights")
    figure = plt.figure(figsize=(9.6, 4.2), layout="constrained")
    one = runs[0].result
    for k, (name, rows) in enumerate(one["costs"].items()):
        table = np.asarray(rows)
        ax: Any = figure.add_subplot(1, 2, k + 1, projection="3d")
        values = np.linspace(-6, 6, len(table))
        ax.plot_surface(*np.meshgrid(values, values, indexing="ij"), table, cmap="viridis", rcount=41, ccount=41, lw=0)
        ax.set(xlabel="weight of layer 1", ylabel="weight of layer 2",
               title=f"{name}: {100 * one['plateau'][name]:.0f} % is flat")
        ax.view_init(28, -60)
        ax.tick_params(labelsize="small")
    mean = {name: 100 * np.mean([run.result["plateau"][name] for run in runs]) for name in one["costs"]}
    near = [run.result["plateau"] for run in results.of(surface, reach=3.0)]
    closer = "" if not near else (" Within ±3 it is not so: " + " and ".join(
        f"{100 * np.mean([each[name] for each in near]):.1f} %" for name in mean) + ".")
    figures.add(figure, "surfaces", "Cost of a 2-2-2 tanh network on 20 random examples of random classes, over one weight of "
                "each layer from -6 to 6, the others kept (seed 0). Flat is where the slope is under a twentieth of its "
                f"largest: {mean['cross-entropy']:.1f} % with cross-entropy, {mean['quadratic']:.1f} % with the quadratic one, "
                f"means of {len(runs)} seeds. Where the output is sure and wrong, cross-entropy goes on rising, the quadratic "
                f"cost levels off.{closer}",
                "In the paper, figure 5: cross-entropy and quadratic cost over two weights, one of each layer, of a network "
                "with two layers and random inputs. The quadratic cost has more plateaus. No numbers are given.")


def draw_histograms(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    runs = {init: found[0] for init in NAMES if (found := results.of(histograms, init=init))}
    if len(runs) < len(NAMES):
        return
    page.heading("Figures 6, 7 and 8: activations and gradients at the start")
    width = next(iter(runs.values())).trial.settings["width"]
    labels = {"activation": ("activation z", "z"), "gradient": ("dC/ds, in standard deviations of layer 5", "dC/ds"),
              "weight_gradient": ("dC/dW, in standard deviations of layer 5", "dC/dW")}
    told = {"activation": "Standard: each layer's activations are narrower than those of the layer before. Normalized: they "
                          "narrow far less.",
            "gradient": "Standard: the further back, the narrower. Normalized: they narrow far less.",
            "weight_gradient": "With both starts the gradients of the weights are alike in all layers (eq. 14): dC/ds vanishes "
                               "going back, z going forward, and their product does not change."}
    besides = {"activation": "In the paper, figure 6: with the standard start the histograms narrow from layer 1 to layer 5; "
                             "with the normalized one, below, they do not.",
               "gradient": "In the paper, figure 7: with the standard start back-propagated gradients shrink from layer 5 to "
                           "layer 1; with the normalized one they keep their size.",
               "weight_gradient": "In the paper, figure 8 (number from memory): weight gradients have about the same variance "
                                  "in all layers, with either start, unlike the back-propagated gradients."}
    for what, (xlabel, symbol) in labels.items():
        figure, panels = plt.subplots(2, 1, figsize=(7.2, 5.4), layout="constrained", sharex=True)
        for ax, (init, one) in zip(panels, runs.items(), strict=True):
            table = one.result[what]
            for k, (row, std) in enumerate(zip(table["shares"], table["std"], strict=True)):
                edges = np.linspace(-table["bound"], table["bound"], len(row) + 1)
                inner = slice(None) if what == "activation" else slice(1, -1)       # the outermost hold what lies beyond
                ax.stairs((np.asarray(row) / np.diff(edges))[inner], edges[inner], color=shades(len(table["shares"]))[k],
                          lw=1.6, label=f"layer {k + 1}: std {std:.2g}")
            ax.set(title=NAMES[init], ylabel="density", yscale="log", ylim=(3e-3, None))
            ax.grid(alpha=0.25)
            legend(ax, title=symbol)
        panels[-1].set_xlabel(xlabel)
        figures.add(figure, f"start-{what.replace('_', '-')}", f"Five tanh layers of {width}, 300 images of Shapeset, one "
                    f"seed; densities on a logarithmic scale{'' if what == 'activation' else ', within ±3'}. {told[what]}",
                    besides[what])


def draw_layers(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    known = widths(results)
    if not known:
        return
    page.heading("The layers in numbers")
    top = known[-1]
    figure, panels = plt.subplots(1, 3, figsize=(10.4, 3.6), layout="constrained")
    titles = {"activation": "std of z", "gradient": "Var dC/ds, over layer 5's",
              "weight_gradient": "std of dC/dW, over layer 5's"}
    for ax, (what, title) in zip(panels, titles.items(), strict=True):
        for k, (init, name) in enumerate(NAMES.items()):
            settings = {"data": "shapeset", "activation": "tanh", "init": init, "width": top}
            rows = [one.result[what] for one in results.of(layers, **settings)]
            if not rows:
                continue
            table = np.asarray(rows) / (1 if what == "activation" else np.asarray(rows)[:, -1:])
            band(ax, np.arange(1, table.shape[1] + 1), table, COLORS[k], name, marker=MARKERS[k], ms=5)
            if what == "activation" and top == 1000:
                ax.plot(range(1, 6), STD_OF_Z[init], "_", ms=14, color="black", label="plain NumPy" if k == 0 else None)
            if what == "gradient":
                theory = predicted(1 / 3 if init == "Standard" else 1.0, "linear", table.shape[1])[1]
                ax.plot(range(1, len(theory) + 1), theory, "--", color="black", lw=1, label="linear theory" if k == 0 else None)
        ax.set(xlabel="hidden layer", title=title, yscale="log" if what != "weight_gradient" else "linear")
        ax.grid(alpha=0.25)
    panels[2].set_ylim(0, 1.4)
    handles = {str(label): handle for ax in panels for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside right upper", frameon=False)
    figures.add(figure, "start-layers", f"tanh, width {top}, 300 images of Shapeset; means over {results.scale.seeds} seeds, "
                "bands from the smallest to the largest; black marks, where drawn: an independent program in plain NumPy. What "
                "comes back vanishes with the standard start; the gradient of the weights does not. Tanh's slope, less than 1, "
                "keeps the normalized start below the line of the linear theory.",
                "The paper gives these as histograms (figures 6 to 8), and says of the layers' Jacobians that their mean "
                "singular value is about 0.5 with the standard start and 0.8 with the normalized one.")
    page.text("The paper gives few numbers of networks at the start. Where it gives none, what is asked above is what "
              "an independent program in plain NumPy found, within the tolerance that stands there.")
    rows = [["start", "activation", "width", "mean singular value", "Var(dC/ds), layer 1 / 5", "mean |z|, layer 5"]]
    for f, init in {(str(one.trial.settings["activation"]), str(one.trial.settings["init"])): None
                    for one in results.of(layers, data="shapeset")}:
        for width in known:
            runs = results.of(layers, data="shapeset", activation=f, init=init, width=width)
            if runs:
                rows.append([NAMES.get(init, start(init)[0]), f, str(width), mean_of([one.result["singular"] for one in runs]),
                             mean_of([one.result["gradient"][0] / one.result["gradient"][-1] for one in runs]),
                             mean_of([one.result["magnitude"][-1] for one in runs])])
    page.table(rows)


def mean_of(values: list[float]) -> str:
    return f"{np.mean(values):.3g}"


def group_of(init: str) -> int:
    return next(k for k, names in enumerate(GROUPS) if init in names)


def draw_depth(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    runs = results.of(signals, width=100, depth=50)
    if not runs:
        return
    page.heading("Every start, through fifty layers")
    for name, symbol in (("forward", "s"), ("backward", "dC/ds")):
        figure, panels = plt.subplots(1, 3, figsize=(10.8, 4.4), layout="constrained", sharey=True)
        for ax, kind in zip(panels, KINDS, strict=True):
            for init in dict.fromkeys(str(one.trial.settings["init"]) for one in runs):
                found = [one for one in runs if one.trial.settings["init"] == init]
                points(ax, found, kind, name, init)
            ax.set(yscale="log", xlabel="layer", title=KINDS[kind], ylim=(1e-42, 1e42))
            ax.grid(alpha=0.25)
        panels[0].set_ylabel(f"variance of {symbol}, relative")
        legend(panels[-1], fontsize="small")
        told = ("Tanh bounds what grows; in ReLU layers only He's start keeps the variance." if name == "forward" else
                "Saturated tanh layers let less come back than the linear line says.")
        figures.add(figure, f"depth-{name}", f"Variance of {symbol} in 50 layers of 100 units, from Gaussian "
                    f"{'examples' if name == 'forward' else 'gradients at the last layer'}; points: medians over "
                    f"{results.scale.seeds} seeds; lines: predicted, the product of n Var W (for ReLU of half of it; beside "
                    "tanh, that of the linear regime). Starts of one colour promise the same. The naive starts go on beyond "
                    f"the frame. {told}",
                    "The paper derives it for the linear regime: each layer multiplies by n Var W, 1/3 with the "
                    "standard start and 1 with the normalized one. It draws five layers (figures 6 and 7).")


def points(ax: Any, runs: list[Done], kind: str, name: str, init: str) -> None:
    """Medians of a start at every few layers, on the predicted line."""
    depth, k = runs[0].trial.settings["depth"], group_of(init)
    theory = predicted(runs[0].result["gain"], kind, depth)[name == "backward"]
    table = np.asarray([one.result[kind][name] for one in runs])
    place = GROUPS[k].index(init)
    chosen = np.arange(place, depth, 6)
    ax.plot(range(1, depth + 1), theory, "-", color=COLORS[k], lw=1, alpha=0.8)
    ax.plot(chosen + 1, np.median(table, 0)[chosen], MARKERS[place], ms=4.5, color=COLORS[k], mec="white", mew=0.4,
            label=start(init)[0])


def draw_width(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    runs = results.of(signals)
    if not runs:
        return
    page.heading("Every start, at every width")
    figure, panels = plt.subplots(1, 3, figsize=(10.8, 4.2), layout="constrained", sharey=True)
    sizes = sorted({int(one.trial.settings["width"]) for one in runs})
    for ax, kind in zip(panels, KINDS, strict=True):
        for init in dict.fromkeys(str(one.trial.settings["init"]) for one in runs):
            groups = [results.of(signals, init=init, width=width) for width in sizes]
            at = [[one.result[kind]["forward"][2] for one in group] for group in groups]
            gains = [group[0].result["gain"] if group else np.nan for group in groups]
            k = group_of(init)
            ax.plot(sizes, [predicted(gain, kind, 3)[0][2] for gain in gains], "-", color=COLORS[k], lw=1, alpha=0.8)
            ax.plot(sizes, [np.median(values) if values else np.nan for values in at], MARKERS[GROUPS[k].index(init)], ms=5,
                    color=COLORS[k], mec="white", mew=0.4, label=start(init)[0])
        ax.set(xscale="log", yscale="log", xlabel="width", title=KINDS[kind])
        ax.grid(alpha=0.25)
    panels[0].set_ylabel("variance of s in layer 3, relative")
    legend(panels[-1], fontsize="small")
    figures.add(figure, "width", f"Variance of s in the third layer against the width; points: medians over "
                f"{results.scale.seeds} seeds; lines: predicted (beside tanh, in the linear regime). A scaled start does not "
                "depend on the width; a naive one is right at one width, for N(0, 0.01²) at 10,000 inputs, and wrong at all "
                "others.",
                "The paper's equations say that only n Var W counts; the lecture (slide 75) asks for starts that do not depend "
                "on the number of inputs.")
    worst = {kind: max(map(farthest(kind), runs)) for kind in ("linear", "relu")}
    page.text(f"The farthest of all these numbers from its prediction is off by a factor of {worst['linear']:.3g} in linear "
              f"layers and {worst['relu']:.3g} in ReLU layers: in the narrowest and deepest networks, where one vector's "
              f"variance may be off by {np.exp(allowed(50, 10, 'linear')):.2g} and {np.exp(allowed(50, 10, 'relu')):.2g} "
              "within three standard deviations (10 units, 50 layers).")


def farthest(kind: str) -> Callable[[Done], float]:
    """The largest factor between what a run measured forward and its prediction."""
    def of(one: Done) -> float:
        theory = predicted(one.result["gain"], kind, one.trial.settings["depth"])[0]
        return float(np.exp(np.abs(np.log(np.divide(one.result[kind]["forward"], theory))).max()))
    return of
