"""What Saxe et al. 2014 claim, judged by the runs."""

from __future__ import annotations

import math

import numpy as np

from ....arguments import Array
from ...reproduce.bounds import above, at_most, below, between, near
from ...reproduce.claims import Claim, Origin, claim, every
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, best_by_seed, smallest
from ...sweeps.trials import Numbers
from .plan import DEPTHS, HIDDEN, INITS, LAYERS, MODES, rates, setting
from .runs import activity, learned, products, scalar

SHARES = {1: 0.02, 5: 0.21, 20: 0.62, 100: 0.90}                    # of singular values below 0.01, reference at 100×100


def claims(results: Results) -> list[Claim]:
    return [*of_products(results), *of_descent(results), *of_times(results), *of_gains(results)]


def values(result: Numbers, depth: int) -> Array:
    return np.asarray(result["values"][str(depth)])


def of_products(results: Results) -> list[Claim]:
    worst = results.series(lambda r: max(abs(v - 1) for row in r["values"].values() for v in row), products, init="Orthogonal")
    return [*(one for depth in DEPTHS for one in of_gaussian(results, depth)),
            every("orthogonal-products", "Products of orthogonal matrices: largest distance of a singular value from 1",
                  "exact", "figure 6B", worst, below(1e-5), paper="0: all are 1")]


def of_gaussian(results: Results, depth: int) -> list[Claim]:
    what = f"Product of {depth} Gaussian matrices"
    share = results.series(lambda r: float(np.mean(values(r, depth) < 0.01)), products, init="Glorot normal")
    rms = results.series(lambda r: float(np.sqrt(np.mean(values(r, depth)**2))), products, init="Glorot normal")
    found = [claim(f"gaussian{depth}-share-small", f"{what}: share of singular values below 0.01",
                   "independent", "figure 6B shows histograms", share, near(SHARES[depth], 0.08),
                   paper="they spread with depth")] if results.scale.name != "paper" else []
    return [*found, claim(f"gaussian{depth}-rms", f"{what}: rms of the singular values", "exact", "figure 6B", rms,
                          between(0.7, 1.3), paper="1", reason=texts(__file__)("reason: rms"))]


def of_descent(results: Results) -> list[Claim]:
    what = "Exact solution u(t) against gradient descent"
    return [claim(f"exact-solution-{mode}", f"{what}, s = {s:g}: largest distance, over s", "exact", "eq. 12",
                  results.series("worst", scalar, s=s) / s, below(0.02).noting(" at every time"), paper="0, for small steps")
            for mode, s in MODES.items()]


def times(results: Results, init: str, depth: int) -> dict[float, Series]:
    """Steps until each seed has learned, by learning rate: infinity if it did not. The rate infinity, with all steps of a run,
    stands for the seeds that never learned."""
    found = {lr: results.series(lambda r: r["steps"] if r["steps"] is not None else math.inf, learned, init=init, depth=depth,
                                lr=lr) for lr in sorted(rates(results.scale))}
    return found | {math.inf: next(iter(found.values())).map(lambda _: setting(results.scale)["steps"])}


def shortest(results: Results, init: str, depth: int) -> Series:
    """Steps at each seed's best learning rate; all the steps made where a seed never learned."""
    return smallest(*times(results, init, depth).values())


def of_times(results: Results) -> list[Claim]:
    first, *_, last = HIDDEN[results.scale.name]
    grow = {init: shortest(results, init, last) / shortest(results, init, first) for init in INITS}
    what = f"learning time at depth {last} over that at {first}, each seed's best step size"
    note = "; a seed that never learned counts with all its steps"
    best = [best_by_seed(times(results, "Orthogonal", depth)).median for depth in (first, last)]
    power = math.log(best[1] / best[0]) / math.log(last / first) if all(map(math.isfinite, best)) else None
    longer = grow["Glorot normal"]
    return [claim("glorot-time-grows", f"Glorot normal: {what}", "paper", "figure 6A", longer, above(1.5, "times").noting(note),
                  unit="times", paper="grows", inconclusive_at=1 if longer.mean > 1 else None),
            claim("orthogonal-time-stays", f"Orthogonal: {what}", "paper", "figure 6A", grow["Orthogonal"],
                  at_most(1.2, "times").noting(note), unit="times", paper="does not grow"),
            claim("orthogonal-best-rate", "Orthogonal: the best step size, as a power of the depth", "paper",
                  "figure 4, right", Series.single(power), between(-1.4, -0.5), paper="-1")]


def of_gains(results: Results) -> list[Claim]:
    orthogonal: tuple[Origin, str] = ("paper", "sec. 4")
    gaussian: tuple[Origin, str] = ("project", "after sec. 4, on orthogonal weights")
    return [every(f"tanh-{init.split()[0].lower()}-gain-{fate}", f"tanh, {init}, gain {gain:g}: rms after {LAYERS} layers",
                  *(orthogonal if init == "Orthogonal" else gaussian),
                  results.series(lambda r: r["rms"][-1], activity, init=init, gain=gain), bound,
                  paper=f"{fate} {'below' if gain < 1 else 'above'} g = 1")
            for init in INITS for gain, bound, fate in ((0.9, below(1e-3), "dies"), (1.1, above(0.1), "survives"))]
