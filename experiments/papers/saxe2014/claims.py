"""What Saxe et al. 2014 claim, judged by the runs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ....arguments import Array
from ...reproduce.bounds import above, at_most, below, between, near
from ...reproduce.claims import Claim, Origin, claim, every
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, at_others_best, best_by_seed, combined, smallest
from ...sweeps.trials import Numbers
from .plan import CHAINS, COUNTED, DEPTHS, INITS, LAYERS, MODES, STARTS, U0, chained, rates, setting
from .runs import activity, decoupled, learned, products, scalar

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


def times(results: Results, init: str, layers: int) -> dict[float, Series]:
    """Steps until each seed has learned, by learning rate; all the steps made where it did not."""
    return {lr: results.series(lambda r: r["steps"] if r["steps"] is not None else setting(results.scale)["steps"], learned,
                               init=init, layers=layers, lr=lr) for lr in sorted(rates(results.scale))}


def learning_time(results: Results, init: str, layers: int) -> Series:
    """Steps of each seed at the learning rate that is best for the other seeds."""
    return at_others_best(times(results, init, layers))


def growth(results: Results, init: str) -> Series:
    """The learning time of the deepest networks over that of those with one hidden layer."""
    first, *_, last = COUNTED[results.scale.name]
    return learning_time(results, init, last) / learning_time(results, init, first)


def unlearned(results: Results, init: str) -> int:
    """How many of the deepest networks did not learn at any learning rate."""
    return sum(value >= setting(results.scale)["steps"] for value in
               smallest(*times(results, init, COUNTED[results.scale.name][-1]).values()))


def powers(best_rates: Mapping[int, Series]) -> Series:
    """The power of N_l with which each seed's best learning rate goes, by least squares of logarithms."""
    logs = np.log(list(best_rates))
    return combined(lambda *found: math.nan if math.isnan(sum(found)) else np.polyfit(logs, np.log(found), 1)[0],
                    *best_rates.values())


def best_decoupled(results: Results, layers: int) -> Series:
    """The learning rate with which each network with a decoupled start has learned first; NaN if it learned at none."""
    return results.series(lambda r: min(((steps, lr) for steps, lr in zip(r["steps"], chained(), strict=True)
                                         if steps is not None), default=(0, math.nan))[1], decoupled, layers=layers)


def of_times(results: Results) -> list[Claim]:
    first, *_, last = COUNTED[results.scale.name]
    what = f"learning time at N_l = {last} over that at {first}, at the step size that is best for the other seeds"
    budget = f" within {setting(results.scale)['steps']} steps of gradient descent"
    notes = {init: f"; {unlearned(results, init)} of {results.scale.seeds} seeds of N_l = {last} learned at none of "
                   f"{len(rates(results.scale))} step sizes{budget} and count with all of them" for init in STARTS}
    random = {layers: best_by_seed(times(results, "Orthogonal", layers)) for layers in (first, last)}
    return [claim("uniform-time-grows", f"Scaled uniform: {what}", "paper", "figure 6A, “Gaussian”", growth(results, "Glorot"),
                  above(1.5, "times").noting(notes["Glorot"]), unit="times", paper="grows"),
            claim("orthogonal-time-stays", f"Orthogonal: {what}", "paper", "figure 6A", growth(results, "Orthogonal"),
                  at_most(1.2, "times").noting(notes["Orthogonal"]), unit="times", paper="does not grow"),
            claim("decoupled-best-rate", f"Decoupled start, u0 = {U0:g}: the best of 20 step sizes, as a power of N_l from "
                  f"{CHAINS[0]} to {CHAINS[-1]}", "paper", "figure 4, right",
                  powers({layers: best_decoupled(results, layers) for layers in CHAINS}), between(-1.4, -0.6), paper="-1"),
            claim("orthogonal-best-rate", f"Random orthogonal start: the best step size, as a power of N_l - 1, {first} to "
                  f"{last}", "project", "after figure 4, with a decoupled start",
                  powers({layers - 1: found for layers, found in random.items()}), between(-1.4, -0.5), paper="-1")]


def of_gains(results: Results) -> list[Claim]:
    orthogonal: tuple[Origin, str] = ("paper", "sec. 4")
    gaussian: tuple[Origin, str] = ("project", "after sec. 4, on orthogonal weights")
    return [every(f"tanh-{init.split()[0].lower()}-gain-{fate}", f"tanh, {init}, gain {gain:g}: rms after {LAYERS} layers",
                  *(orthogonal if init == "Orthogonal" else gaussian),
                  results.series(lambda r: r["rms"][-1], activity, init=init, gain=gain), bound,
                  paper=f"{fate} {'below' if gain < 1 else 'above'} g = 1")
            for init in INITS for gain, bound, fate in ((0.9, below(1e-3), "dies"), (1.1, above(0.1), "survives"))]
