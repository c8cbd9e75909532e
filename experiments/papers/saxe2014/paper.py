"""Saxe, McClelland & Ganguli 2014: deep linear networks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ....plots.canvas import axes, legend
from ...reports.page import Figures, Page
from ...reports.statistics import estimate
from ...sweeps.trials import Trial
from ..claims import Claim, claim, every
from ..depth_page import median_and_range
from ..paper import Paper, Results, Scale
from .runs import activity, learned, products, scalar

INITS = ("Glorot", "Orthogonal")
DEPTHS = [1, 5, 20, 100]
SHARES = {1: 0.02, 5: 0.21, 20: 0.62, 100: 0.90}                     # of singular values below 0.01, reference at 100×100
GAINS = (0.8, 0.9, 1.0, 1.1, 1.2)
MODES = (0.5, 1.0, 2.0)


def hidden(scale: Scale) -> tuple[int, ...]:
    return (3, 10, 30, 100) if scale.name == "paper" else tuple(scale.choose((3, 20), (3, 10, 30)))


def rates(scale: Scale) -> list[float]:
    """The same for all depths: 0.16 and less, each 1/√2 of the one before; 13 to 20 of them."""
    count = 20 if scale.name == "paper" else scale.choose(13, 15)
    return [round(0.16 * 2 ** (-k / 2), 6) for k in range(count)]


def setting(scale: Scale) -> dict[str, Any]:
    if scale.name == "paper":
        return {"data": scale.data, "digest": scale.digest, "width": 1000, "steps": scale.steps or 2000, "share": 0.2}
    return {"data": "digits", "width": 100, "steps": 400, "share": 0.2}


def plan(scale: Scale) -> list[Trial]:
    seeds, size = range(scale.seeds), 1000 if scale.name == "paper" else 100
    found = [Trial(products, {"init": init, "size": size, "depths": DEPTHS, "seed": seed}) for init in INITS for seed in seeds]
    found += [Trial(scalar, {"s": s, "u0": 0.001, "lr": 0.002, "steps": 10_000}) for s in MODES]
    found += [Trial(activity, {"init": init, "gain": gain, "depth": 100, "width": size, "seed": seed})
              for init in INITS for gain in GAINS for seed in seeds]
    return found + [Trial(learned, setting(scale) | {"init": init, "depth": depth, "lr": lr, "seed": seed}, resumable=True)
                    for depth in hidden(scale) for init in INITS for lr in rates(scale) for seed in seeds]


def times(results: Results, init: str, depth: int) -> dict[int, tuple[float, float]]:
    """By seed: the steps at its best step size, and that; all the steps made, and infinity, where it never learned."""
    best: dict[int, tuple[float, float]] = {}
    for one in results.of(learned, init=init, depth=depth):
        seed, lr, steps = one.trial.settings["seed"], one.trial.settings["lr"], one.result["steps"]
        most = float(one.trial.settings["steps"])
        best[seed] = min(best.get(seed, (most, math.inf)), (most, math.inf) if steps is None else (float(steps), lr))
    return best


def growth(results: Results, init: str) -> list[float]:
    """Learning time of the deepest network over that of the shallowest, of the seeds that have both."""
    depths = hidden(results.scale)
    low, high = times(results, init, depths[0]), times(results, init, depths[-1])
    return [high[seed][0] / low[seed][0] for seed in sorted(set(low) & set(high)) if low[seed][0] > 0]


def best_rate(results: Results, init: str, depth: int) -> float:
    """The median over seeds of the best step size; infinite where most seeds never learned, NaN without runs."""
    found = [lr for _, lr in times(results, init, depth).values()]
    return float(np.median(found)) if found else math.nan


def unless_nothing(one: Claim) -> Claim:
    """The claim, inconclusive where the 95 % interval of its mean reaches 1: no growth."""
    found = estimate(one.values)
    return replace(one, holds=None) if found.mean - found.half < 1 < found.mean else one


def claims(results: Results) -> list[Claim]:
    found = []
    gaussian, orthogonal = (results.of(products, init=init) for init in INITS)
    for depth in DEPTHS:
        values = [np.asarray(one.result["values"][str(depth)]) for one in gaussian]
        if results.scale.name != "paper":
            found.append(claim(f"Product of {depth} Gaussian matrices: share of singular values below 0.01", "the paper",
                               [float(np.mean(v < 0.01)) for v in values],
                               lambda x, share=SHARES[depth]: abs(x - share) <= 0.08,          # type: ignore[misc]
                               f"within 0.08 of {SHARES[depth]:.2f}", paper="they spread with depth"))
        found.append(claim(f"Product of {depth} Gaussian matrices: rms of the singular values", "the paper",
                           [float(np.sqrt(np.mean(v**2))) for v in values], lambda x: 0.7 <= x <= 1.3, "0.7 to 1.3", paper="1",
                           reason="The rms fluctuates from draw to draw, the more, the deeper the product: each seed's "
                                  "value is in claims.csv."))
    worst = [max(abs(v - 1) for row in one.result["values"].values() for v in row) for one in orthogonal]
    found.append(every("Products of orthogonal matrices: largest distance of a singular value from 1", "the paper", worst,
                       lambda x: x < 1e-5, "below 1e-5 in each seed", paper="0: all are 1"))
    for s in MODES:
        found.append(claim(f"Exact solution u(t) against gradient descent, s = {s:g}: largest distance, over s", "the paper",
                           [value / s for value in results.values(lambda r: r["worst"], scalar, s=s)], lambda x: x < 0.02,
                           "below 0.02 at every time", paper="0, for small steps"))
    first, last = hidden(results.scale)[0], hidden(results.scale)[-1]
    for init, holds, asked in (("Glorot", lambda x: x > 1.5, "more than 1.5 times"),
                               ("Orthogonal", lambda x: x < 1.2, "at most 1.2 times")):
        found.append(claim(f"{init}: learning time at depth {last} over that at {first}, each seed's best step size",
                           "the paper", growth(results, init), holds,
                           f"{asked}; a seed that never learned counts with all its steps",
                           paper="grows" if init == "Glorot" else "does not grow"))
    found[-2] = unless_nothing(found[-2])
    best = [best_rate(results, "Orthogonal", depth) for depth in (first, last)]
    power = [] if not all(map(math.isfinite, best)) else [math.log(best[1] / best[0]) / math.log(last / first)]
    found.append(claim("Orthogonal: the best step size, as a power of the depth", "the paper", power,
                       lambda x: -1.4 <= x <= -0.5, "-1.4 to -0.5", paper="-1"))
    for init in INITS:
        for gain, holds, asked in ((0.9, lambda x: x < 1e-3, "below 0.001"), (1.1, lambda x: x > 0.1, "above 0.1")):
            found.append(every(f"tanh, {init}, gain {gain:g}: rms after 100 layers", "the paper",
                               results.values(lambda r: r["rms"][-1], activity, init=init, gain=gain), holds,
                               f"{asked} in each seed", paper="dies below g = 1" if gain < 1 else "survives above g = 1"))
    return found


def draw(results: Results, page: Page, figures: Figures) -> None:
    page.heading("Products of random matrices")
    ax = axes(None)
    for k, depth in enumerate(DEPTHS):
        rows = [one.result["values"][str(depth)] for one in results.of(products, init="Glorot")]
        median_and_range(ax, list(range(1, len(rows[0]) + 1)) if rows else [], rows, k, f"Gaussian, {depth}")
    ax.axhline(1, color="black", ls="--", label="orthogonal, any depth")
    ax.set(yscale="log", ylim=(1e-10, 30), xlabel="rank", ylabel="singular value")
    legend(ax)
    figures.add(ax, "products", f"Singular values of products of 1 to 100 matrices; median and range of {results.scale.seeds} "
                "seeds. Few stay large, the rest die: the deeper, the more.", "In the paper: Gaussian products spread with "
                "depth, orthogonal keep all at 1.")
    page.heading("The exact solution")
    ax = axes(None)
    for k, one in enumerate(results.of(scalar)):
        median_and_range(ax, one.result["t"], [one.result["u"]], k, f"descent, s = {one.trial.settings['s']:g}")
        ax.plot(one.result["t"], one.result["exact"], ":", color="black", lw=1, label=None if k else "exact")
    ax.set(xlabel="t / tau", ylabel="u")
    legend(ax)
    figures.add(ax, "scalar", "A 1-1-1 linear network from a balanced start: a plateau, then a sudden rise, earlier for the "
                "stronger mode.",
                "In the paper: u(t) = s e^(2st/tau) / (e^(2st/tau) - 1 + s/u0).")
    page.heading("Learning time against depth")
    ax = axes(None)
    for k, init in enumerate(INITS):
        found = {depth: times(results, init, depth) for depth in hidden(results.scale)}
        kept = [depth for depth in found if found[depth]]
        seeds = sorted(set.intersection(*(set(found[depth]) for depth in kept))) if kept else []
        median_and_range(ax, kept, [[found[depth][seed][0] for depth in kept] for seed in seeds], k, init)
    ax.set(xlabel="hidden layers", ylabel="steps", ylim=(0, None))
    legend(ax)
    figures.add(ax, "times", f"Steps of gradient descent until a linear network has learned all but a fifth, at each depth's "
                f"best step size; median and range of {results.scale.seeds} seeds. A seed that never learned is drawn at all "
                "its steps.", "In the paper: the time grows with depth for Gaussian "
                "starts, not for orthogonal ones.")
    page.heading("The critical gain of tanh")
    ax = axes(None)
    for k, gain in enumerate(GAINS):
        rows = [one.result["rms"] for one in results.of(activity, init="Orthogonal", gain=gain)]
        median_and_range(ax, list(range(1, 101)), rows, k, f"g = {gain:g}")
    ax.set(yscale="log", xlabel="layer", ylabel="rms of the output")
    legend(ax)
    figures.add(ax, "gains", "Orthogonal weights times g, 100 tanh layers: below g = 1 the signal dies, above it survives.",
                "In the paper: the critical gain of tanh is 1.")


PAPER = Paper("saxe2014", "Deep linear networks, and orthogonal starts",
              "A. Saxe, J. McClelland, S. Ganguli 2014, “Exact solutions to the nonlinear dynamics of learning in deep linear "
              "neural networks”, ICLR.",
              "The question: how does the time to learn depend on depth? Here: products of 100×100 matrices, and linear "
              "networks of width 100 that learn the digits' classes by gradient descent on the squared error, at the best of "
              "a grid of step sizes. At the paper's scale: 1000×1000, width 1000, and images in MNIST's format.",
              plan, claims, draw)
