"""Mishkin & Matas 2016: a start that is fitted to the data, layer by layer."""

from __future__ import annotations

from typing import Any

from ...lab.dense import error_at, errors
from ...reports.page import Figures, Page
from ...reports.text import many
from ..claims import Claim, claim, difference, every
from ..figures import COLORS, band, grid, shown
from ..paper import Paper, Results
from .plan import DEEP, FUNCTIONS, STARTS, plan
from .runs import OTHERS, convolutional, fitted, images

EARLY = 150                                                         # steps
TRIED, TRAINED = "its algorithm", "its experiments"


def claims(results: Results) -> list[Claim]:
    if results.scale.name == "paper":
        return of_images(results)
    return [*of_fits(results), *of_training(results)]


def of_fits(results: Results) -> list[Claim]:
    found = []
    for name in FUNCTIONS:
        found += [every(f"{name}: a dense layer needs one rescaling, since its output is proportional to its weight", TRIED,
                        results.values(lambda r: sum(tries != 1 for tries in r["tries"]), fitted, activation=name),
                        lambda others: others == 0, "layers of 11 with another number: 0"),
                  every(f"{name}: on {OTHERS} other images all layers have variance 1", TRIED,
                        results.values(lambda r: farthest(r["after"]), fitted, activation=name), lambda gap: gap < 0.1,
                        "farthest from 1: under 0.1")]
    both = [*results.of(fitted), *results.of(convolutional)]
    return [*found,
            every("convolutions: the same, on other images", TRIED,
                  results.values(lambda r: farthest(r["after"]), convolutional), lambda gap: gap < 0.15,
                  "farthest from 1: under 0.15"),
            every("biases are not touched", TRIED, [float(one.result["biases"]) for one in both], lambda kept: kept == 1,
                  "1: equal to the bit")]


def farthest(variances: list[float]) -> float:
    return max(abs(variance - 1) for variance in variances)


def of_training(results: Results) -> list[Claim]:
    def error(function: str, init: str, depth: int, step: int | None = None) -> list[float]:
        return results.values(error_at(step), errors, activation=function, init=init, depth=depth)

    found = [difference(f"{name}, 10 layers: after {EARLY} steps, ahead of plain orthogonal weights", TRAINED,
                        error(name, "LSUV", 10, EARLY), error(name, "Orthogonal", 10, EARLY), unit="%")
             for name in ("tanh", "relu")]
    end = results.scale.choose(0.6, 0.12)
    return [*found,
            claim(f"relu, {DEEP} layers: learns", TRAINED, error("relu", "LSUV", DEEP), lambda e: e < end,
                  f"an error under {100 * end:.0f} %", unit="%"),
            claim(f"relu, {DEEP} layers: plain orthogonal weights do not", TRAINED, error("relu", "Orthogonal", DEEP),
                  lambda e: e > 0.85, "an error over 85 %", unit="%"),
            difference(f"relu, {DEEP} layers: as good as He's start or better", TRAINED, error("relu", "LSUV", DEEP, EARLY),
                       error("relu", "He", DEEP, EARLY), f"a smaller mean after {EARLY} steps", unit="%"),
            claim("sigmoid, 10 layers: LSUV does not help, a network stays at chance", "ours", error("sigmoid", "LSUV", 10),
                  lambda e: e > 0.85, "an error over 85 %", unit="%"),
            every("sigmoid: hardly any of the variance that is 1 is between images: share in the last layer", "ours",
                  results.values(lambda r: r["between"][-1], fitted, activation="sigmoid"), lambda share: share < 1e-4,
                  "under 0.0001 (with ReLU and tanh over 0.05: see the figure)")]


def of_images(results: Results) -> list[Claim]:
    found = {init: results.values(error_at(), images, init=init) for init in STARTS}
    return [claim("a thin deep convolutional network learns MNIST", TRAINED, found["LSUV"], lambda e: e < 0.01,
                  "an error under 1 %", paper="about 0.5 %", unit="%"),
            *(difference(f"better than {init}", TRAINED, found["LSUV"], found[init], unit="%") for init in STARTS[1:])]


def draw(results: Results, page: Page, figures: Figures) -> None:
    if results.scale.name == "paper":
        draw_curves(results, page, figures, images, [("a thin deep convolutional network", {})], "curves")
        return
    draw_variances(results, page, figures)
    panels = [(f"{name}, 10 layers", {"activation": name, "depth": 10}) for name in FUNCTIONS]
    panels += [(f"relu, {DEEP} layers", {"activation": "relu", "depth": DEEP})]
    draw_curves(results, page, figures, errors, panels, "curves")


def draw_variances(results: Results, page: Page, figures: Figures) -> None:
    page.heading("Variances, layer by layer")
    drawn, axs = grid(3, width=3.8, sharey=True)
    for ax, name in zip(axs, FUNCTIONS, strict=True):
        for key, color, label in (("before", COLORS[1], "Glorot"), ("after", COLORS[0], "LSUV"),
                                  ("between", COLORS[2], "LSUV: share between images")):
            rows = [one.result[key] for one in results.of(fitted, activation=name)]
            if rows:
                band(ax, range(1, len(rows[0]) + 1), rows, color, label)
        ax.set_yscale("log")
        shown(ax, "layer", "variance of s = Wz + b" if ax is axs[0] else "", name, legend=ax is axs[0])
    figures.add(drawn, "variances", f"Variance of what enters each activation function, on {OTHERS} images that LSUV did not "
                f"look at, of networks 64-10×100-10: mean and range of {many(results.scale.seeds, 'seed')}. In green, how much "
                "of LSUV's variance is between images: that between units carries nothing of the image on. "
                "A sigmoid's mean is about 1/2, and from layer to layer the images grow more alike.",
                "The paper scales each layer until its output has variance 1 on one batch, and shows the test errors that "
                "follow, not the variances.")


def draw_curves(results: Results, page: Page, figures: Figures, task: Any, panels: list[tuple[str, dict[str, Any]]],
                name: str) -> None:
    page.heading("Training")
    drawn, axs = grid(min(2, len(panels)), -(-len(panels) // 2), width=5)
    for ax, (title, settings) in zip(axs, panels, strict=True):
        for init, color in zip(STARTS, COLORS, strict=False):
            runs = [one for one in results.of(task, init=init, **settings) if one.result["diverged"] is None]
            if runs:
                steps = [row["step"] for row in runs[0].result["readings"]]
                band(ax, steps, [[row["error"] for row in one.result["readings"]] for one in runs], color, init)
        ax.set_ylim(0, 1)
        shown(ax, "steps", "test error", title)
    figures.add(drawn, name, "Test error during training, from four starts: mean and range of "
                f"{many(results.scale.seeds, 'seed')}.", "The paper: errors on MNIST near 0.5 % "
                "with a thin deep network (FitNet), and on CIFAR-10 gains of about one point; from it "
                "even very thin deep networks train without BatchNorm.")


PAPER = Paper(
    "lsuv2016", "Layer-sequential unit variance",
    "D. Mishkin, J. Matas (2016). All you need is a good init. ICLR. arXiv:1511.06422.",
    "Formulas for a start know the widths of the layers and the activation function. LSUV knows the data instead: orthonormal "
    "weights, then each layer in turn is divided by the deviation of its output on a batch. The paper trains FitNets and "
    "residual networks on MNIST, CIFAR and ImageNet; here dense networks of 10 and 30 layers, and a convolutional one, on 8×8 "
    "digits, batches of 32. At the paper's scale: its thin deep network for MNIST (sizes from memory; ReLU, since there is no "
    "maxout here), 25,000 steps of 128.",
    plan, claims, draw)
