"""He, Zhang, Ren & Sun 2015: a start for rectifiers."""

from __future__ import annotations

from typing import Any

from ....plots.canvas import axes, legend
from ...lab.dense import errors
from ...reports.page import Figures, Page
from ..depth_page import learning, median_and_range
from ..paper import Paper, Results
from .claims import claims
from .plan import DEPTH, STARTS, UNEVEN, WIDTHS, convolutional, fans, plan, trained
from .runs import images, signals, uneven


def draw(results: Results, page: Page, figures: Figures) -> None:
    draw_signals(results, page, figures)
    if results.scale.name == "paper":
        draw_depths(results, page, figures, images, convolutional(results.scale), (14, 22, 30))
    else:
        draw_depths(results, page, figures, errors, trained(results.scale), results.scale.choose((30,), (10, 20, 22, 30)))
        draw_others(results, page, figures)
    page.heading("What is not here")
    page.text("The paper's networks learn ImageNet: 1.2 million photographs, weeks of graphics processors. This library is "
              "made for small networks and does not train on it; the paper's errors stand in the table only for comparison. "
              "Its other idea, PReLU, a rectifier whose slope below zero is learned and starts at 0.25, is not in the "
              "library. At the paper's scale (--scale paper --data FOLDER) the depths are the paper's, 14, 22 and 30 layers "
              "of which the last three are fully connected, on images in MNIST's format, but the channels are 8, 16 and 32.")


def draw_signals(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    page.heading("Equations 10 and 14: what passes through thirty ReLU layers")
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.9), layout="constrained", sharey=True)
    layers = list(range(1, DEPTH + 1))
    for ax, quantity in zip(panels, ("signal", "gradient"), strict=True):
        end = 0 if quantity == "signal" else -1
        for k, init in enumerate(STARTS):
            runs = [one.result[quantity] for one in results.of(signals, init=init, sizes=WIDTHS)]
            median_and_range(ax, layers, [[value / run[end] for value in run] for run in runs], k, init)
        away = [layer - 1 if end == 0 else DEPTH - layer for layer in layers]
        ax.plot(layers, [1.0] * DEPTH, ":", color="black", lw=1.2, label="theory, He: 1")
        ax.plot(layers, [2 ** (-n / 2) for n in away], "--", color="black", lw=1.2, label="theory, n Var W = 1: (1/√2)ⁿ")
        relative(ax, end, DEPTH)
    panels[0].set_ylabel("rms, relative")
    legend(panels[1])
    figures.add(figure, "signals", f"Thirty ReLU layers of 100 units, Gaussian inputs and a Gaussian gradient at the output. "
                f"Lines are medians, bands the range, of {results.scale.seeds} seeds. With He's start both pass; with "
                "Glorot's, or an orthogonal one, each layer takes a factor of √2, as the theory says: orthogonal matrices "
                "keep lengths, but ReLU does not.",
                "The paper derives this (no figure): a start fit for rectifiers has n Var W = 2. With n Var W = 1 thirty "
                "layers shrink the signal by (1/√2)²⁹ = 4.3e-05.")
    fan_runs = {init: results.of(signals, init=init, sizes=[100, *UNEVEN]) for init in ("He in", "He out")}
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained", sharey=True)
    for ax, quantity in zip(panels, ("signal", "gradient"), strict=True):
        end = 0 if quantity == "signal" else -1
        for k, (init, found) in enumerate(fan_runs.items()):
            rows = [[value / one.result[quantity][end] for value in one.result[quantity]] for one in found]
            median_and_range(ax, list(range(1, len(UNEVEN) + 1)), rows, k, init.replace("He ", "He, fan-"))
        relative(ax, end, len(UNEVEN))
        ax.set_ylim(0.05, 20)
    panels[0].set_ylabel("rms, relative")
    legend(panels[1])
    figures.add(figure, "fans", f"Twenty ReLU layers of 40 and 120 units in turn, so that fan-in and fan-out differ; "
                f"{results.scale.seeds} seeds. Each fan keeps one of the two signals exactly, and the other up to a factor "
                "that depends on the widths alone, not on the depth: either suffices.",
                "The paper: with fan-in alone the gradient's product of factors is the ratio of the first and the last width, "
                "not an exponential; so one of the two conditions is enough.")


def relative(ax: Any, end: int, depth: int) -> None:
    """Axes of an rms against that of the first layer, or of the last, where a gradient comes from."""
    ax.set(yscale="log", xlabel="layer",
           title="output, relative to layer 1" if end == 0 else f"gradient, relative to layer {depth}")
    ax.grid(alpha=0.25)


def draw_depths(results: Results, page: Page, figures: Figures, task: Any, settings: dict[str, Any],
                depths: tuple[int, ...]) -> None:
    import matplotlib.pyplot as plt
    page.heading("Which depths learn")
    figure, panels = plt.subplots(1, len(depths), figsize=(2.9 * len(depths) + 1.4, 3.5), layout="constrained", sharey=True,
                                  squeeze=False)
    for ax, depth in zip(panels[0], depths, strict=True):
        learning(ax, {init: results.of(task, **settings[f"{init} {depth}"]) for init in ("He", "Glorot")})
        one = settings[f"He {depth}"]
        momentum = f", momentum {one['momentum']:g}" if one["momentum"] else ""
        ax.set_title(f"{depth} layers\nlr {one['lr']:g}{momentum}", fontsize="medium")
        ax.label_outer()
    legend(panels[0][-1])
    kind = "convolutional" if task is images else "dense 64-wide"
    figures.add(figure, "depths", f"Test error of {kind} ReLU networks while they train (batch 32): median and range of "
                f"{results.scale.seeds} seeds; layers, step size and momentum stand above each.",
                "In the paper: 22 layers, both converge, He's start earlier. 30 layers, Xavier's error "
                "stays where it began, He's network converges (to 38.56 % top-1, worse than the 33.82 % of 14 layers).")


def draw_others(results: Results, page: Page, figures: Figures) -> None:
    page.heading("What hides the defect, and what does not have it")
    settings = trained(results.scale)
    names = {"ReLU 10, Glorot, lr 0.1": "Glorot 10, lr 0.1", "ReLU 14, He, momentum 0.9": "He 14",
             "ReLU 14, Glorot, momentum 0.9": "Glorot 14", "tanh 30, Glorot": "Glorot tanh",
             "tanh 30, orthogonal": "Orthogonal tanh"}
    groups = {label: results.of(errors, **settings[name]) for label, name in names.items() if name in settings}
    groups |= {f"ReLU 20, uneven, fan-{init[3:]}": results.of(uneven, **each) for init, each in fans(results.scale).items()}
    ax = axes(None, size=(7.6, 3.9))
    learning(ax, groups)
    legend(ax)
    words = [text for name, text in (
        ("Glorot 10, lr 0.1", "At 10 layers Glorot's start has a larger step size."),
        ("Glorot 14", "At 14 layers both have momentum."),
        ("Glorot tanh", "A tanh keeps a small signal, a ReLU halves its power: so thirty tanh layers, at the same step size as "
         "thirty ReLU layers above.")) if name in settings]
    figures.add(ax, "others", f"Test error: median and range of {results.scale.seeds} seeds. {' '.join(words)}",
                "In the paper: with 14 layers Xavier ends at 33.90 / 13.44 % (top-1 / top-5), He at 33.82 / 13.34 %: "
                "no difference where both converge.")


PAPER = Paper("he2015", "Rectifiers, thirty layers deep",
              "K. He, X. Zhang, S. Ren, J. Sun 2015, “Delving deep into rectifiers: surpassing human-level performance on "
              "ImageNet classification”, ICCV.",
              "The question: from which start do deep networks of rectifiers learn? The paper's answer: n Var W = 2, not 1, "
              "since a rectifier halves the power of what passes; its networks have up to 30 layers and learn ImageNet. Here: "
              "dense networks of 10 to 30 ReLU layers, 64 units wide, on 8×8 digits, SGD, batches of 32 drawn with "
              "replacement, biases 0: lr 0.01, no momentum and 1500 steps, but for momentum 0.9 at 14 layers, lr 0.003, "
              "momentum 0.9 and 5000 steps at 22, and lr 0.1 at 10 where a claim says so. At the paper's scale: convolutions, "
              "lr 0.01, momentum 0.9, 20,000 steps.",
              plan, claims, draw)
