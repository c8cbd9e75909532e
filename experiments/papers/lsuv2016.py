"""Mishkin & Matas 2016: layer-sequential unit variance."""

from __future__ import annotations

from typing import Any

from ..claims import Claim, claim, difference, every
from ..page import Figures, Page
from ..sweep import Trial
from .dense import error_at, errors
from .depth_page import learning, matched
from .depth_runs import fitted, fitted_convolution, pictures, shares
from .he2015_plan import readings
from .paper import Paper, Results, Scale

STARTS = ("LSUV", "Glorot", "He", "Orthogonal")
ACTIVATIONS = ("tanh", "relu", "sigmoid")
EARLY = 200
LAST = error_at()


def dense(init: str, activation: str, depth: int, steps: int, lr: float) -> dict[str, Any]:
    return {"data": "digits", "activation": activation, "init": init, "depth": depth, "width": 100 if depth == 10 else 64,
            "lr": lr, "batch_size": 32, "steps": steps, "at": sorted({*readings(steps), EARLY})}


def trained(scale: Scale) -> dict[str, dict[str, Any]]:
    """Settings by start, activation and depth."""
    steps = scale.choose(300, 1500)
    found = {f"{init} {kind} 10": dense(init, kind, 10, steps, 0.1 if kind == "sigmoid" else 0.01)
             for kind in scale.choose(("tanh", "relu"), ACTIVATIONS) for init in STARTS}
    return found | {f"{init} relu {depth}": dense(init, "relu", depth, 1500, 0.01) for depth in scale.choose((20,), (20, 30))
                    for init in ("LSUV", "Orthogonal")}


def convolutional(scale: Scale) -> dict[str, dict[str, Any]]:
    steps = scale.steps or 20_000
    return {init: {"data": scale.data, "digest": scale.digest, "init": init, "depth": 14, "lr": 0.01, "momentum": 0.9,
                   "batch_size": 32, "steps": steps, "at": readings(steps)} for init in STARTS}


def plan(scale: Scale) -> list[Trial]:
    seeds = range(scale.seeds)
    found = [Trial(fitted, {"activation": kind, "depth": 10, "width": 100, "seed": seed}) for kind in ACTIVATIONS
             for seed in seeds]
    found += [Trial(fitted_convolution, {"channels": 8, "seed": seed}) for seed in seeds]
    if scale.name == "paper":
        return found + [Trial(pictures, each | {"seed": seed}, resumable=True) for each in convolutional(scale).values()
                        for seed in seeds]
    found += [Trial(shares, {"init": "LSUV", "activation": "sigmoid", "depth": 10, "width": 100, "seed": seed})
              for seed in seeds]
    return found + [Trial(errors, each | {"seed": seed}) for each in trained(scale).values() for seed in seeds]


def claims(results: Results) -> list[Claim]:
    found = []
    for kind in ACTIVATIONS:
        runs = results.of(fitted, activation=kind)
        found += [every(f"{kind}: layers that need other than one rescaling", "algorithm 1",
                        [float(sum(n != 1 for n in one.result["tries"])) for one in runs], lambda n: n == 0,
                        "none in each seed"),
                  every(f"{kind}: largest |variance - 1| of a layer on 512 other images", "algorithm 1",
                        [max(abs(v - 1) for v in one.result["after"]) for one in runs], lambda v: v < 0.1,
                        "below 0.1 in each seed",
                        paper="tolerance 0.1")]
    runs = results.of(fitted_convolution)
    found += [every("Convolutions with biases: largest |variance - 1| on 512 other images", "algorithm 1",
                    [max(abs(v - 1) for v in one.result["after"]) for one in runs], lambda v: v < 0.15,
                    "below 0.15 in each seed"),
              every("Convolutions: biases that LSUV changed", "algorithm 1", [float(one.result["changed"]) for one in runs],
                    lambda n: n == 0, "none in each seed", paper="0")]
    if results.scale.name == "paper":
        ends = {init: results.of(pictures, **each) for init, each in convolutional(results.scale).items()}
        return [*found, claim("14 layers on MNIST, LSUV: test error", "table 2", [LAST(one.result) for one in ends["LSUV"]],
                              lambda e: e < 0.01, "below 1 %", paper="near 0.5 %", unit="%")]
    all_runs = {name: results.of(errors, **each) for name, each in trained(results.scale).items()}
    for kind in ("tanh", "relu"):
        for other in STARTS[1:]:
            a, b = matched(error_at(EARLY), all_runs[f"LSUV {kind} 10"], all_runs[f"{other} {kind} 10"])
            found.append(difference(f"10 {kind} layers, error after {EARLY} steps: LSUV below {other}", "section 4", a, b,
                                    unit="%"))
    for depth in results.scale.choose((20,), (20, 30)):
        found += [claim(f"{depth} ReLU layers, LSUV: learns", "section 4",
                        [LAST(one.result) for one in all_runs[f"LSUV relu {depth}"]],
                        lambda e: e < 0.12, "test error below 12 %", unit="%"),
                  claim(f"{depth} ReLU layers, plain orthogonal: stalls", "section 4",
                        [LAST(one.result) for one in all_runs[f"Orthogonal relu {depth}"]], lambda e: e > 0.5,
                        "test error above 50 %", unit="%")]
    if results.scale.name == "small":
        between = [one.result["between"][-1] for one in results.of(shares)]
        share = f"{sum(between) / len(between):.2g}" if between else "unknown"
        found.append(claim("10 sigmoid layers, LSUV: learns", "section 4",
                           [LAST(one.result) for one in all_runs["LSUV sigmoid 10"]],
                           lambda e: e < 0.5, "test error below 50 %", unit="%",
                           reason=f"LSUV makes the variance 1 over units and examples together. In the last layer a share of "
                                  f"{share} of it is between examples, the rest between units: what the classes differ by is "
                                  "lost."))
    return found


def draw(results: Results, page: Page, figures: Figures) -> None:
    import matplotlib.pyplot as plt
    page.heading("Training from LSUV and from other starts")
    if results.scale.name == "paper":
        groups = {"convolutions": {init: results.of(pictures, **each) for init, each in convolutional(results.scale).items()}}
    else:
        settings = trained(results.scale)
        groups = {}
        for name, each in settings.items():
            init, title = name.split(" ", 1)
            groups.setdefault(title, {})[init] = results.of(errors, **each)
    figure, panels = plt.subplots(1, len(groups), figsize=(2.8 * len(groups) + 1.5, 3.5), layout="constrained", squeeze=False)
    for ax, (title, runs) in zip(panels[0], groups.items(), strict=True):
        learning(ax, {init: runs.get(init, []) for init in STARTS})
        ax.set_title(title)
        ax.label_outer()
    panels[0][0].legend(frameon=False, fontsize="small")
    figures.add(figure, "training", f"Test error over steps, batches of 32; median and range of {results.scale.seeds} seeds.",
                "In the paper: very deep networks learn from LSUV, with errors near 0.5 % on MNIST.")


PAPER = Paper("lsuv2016", "A start that fits the data: LSUV",
              "D. Mishkin, J. Matas 2016, “All you need is a good init”, ICLR.",
              "Orthonormal weights, then each layer divided by the deviation of its output. The questions: what does it do, "
              "and do deep networks learn from it? Here: 10 layers of 100 units, and 20 or 30 of 64, on 8×8 digits, plain SGD.",
              plan, claims, draw)
