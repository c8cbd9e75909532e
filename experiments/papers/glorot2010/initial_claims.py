"""What Glorot & Bengio say of a network before training, judged by the runs."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ...reproduce.bounds import at_most, between, near, within_factor
from ...reproduce.claims import Claim, Origin, claim, difference, every
from ...reproduce.paper import Pick, Results
from ...reproduce.series import Series
from ...sweeps.trials import Done, Numbers
from .plan import LABELS, label_of, sizes
from .runs import layers, signals, surface

STD_OF_Z = {"Standard": (0.32, 0.18, 0.10, 0.058, 0.034), "Glorot": (0.47, 0.39, 0.34, 0.31, 0.28)}
RATIO, SINGULAR = "Var(dC/ds), layer 1 over 5", "mean singular value of layer Jacobians"
NAIVE: tuple[Origin, str] = ("independent", "after slide 75 of the lecture")


def claims(results: Results) -> list[Claim]:
    """Those about the paper's two initializations; then those about every initialization, depth and width."""
    return [*of_layers(results), *of_other_activations(results), *of_naive(results), *of_signals(results),
            of_surfaces(results), *of_files(results)]


def widths(results: Results) -> list[int]:
    """Of the networks on images whose runs ended, the smallest first; 1000 where none did."""
    return sorted({int(one.trial.settings["width"]) for one in results.of(layers, data="shapeset")}) or [1000]


def read(results: Results, pick: Pick, activation: str, init: str, width: int | None = None) -> Series:
    """A number of the untrained networks on images, by default of the widest."""
    return results.series(pick, layers, data="shapeset", activation=activation, init=init, width=width or widths(results)[-1])


def gradient_ratio(result: Numbers) -> float:
    return float(result["gradient"][0] / result["gradient"][-1])


def worst_weight(result: Numbers, init: str) -> float:
    """The largest relative distance of n Var W of a hidden layer from what the initialization promises."""
    return farthest(result["weight"], [1 / 3 if init == "Standard" else ratio for ratio in result["ratio"]])


def worst_std(result: Numbers, init: str) -> float:
    return farthest(result["activation"], STD_OF_Z[init])


def worst_update(result: Numbers) -> float:
    """Of layers 2 to 4, the largest relative distance of the weight gradient's deviation from that of layer 5."""
    _, *inner, last = result["weight_gradient"]
    return farthest(inner, [last] * len(inner))


def farthest(found: list[float], expected: tuple[float, ...] | list[float]) -> float:
    """The largest relative distance."""
    return max(abs(one / value - 1) for one, value in zip(found, expected, strict=True))


def of_layers(results: Results) -> list[Claim]:
    """Figures 6 to 8, as numbers: five tanh layers on images."""
    found, known = [], widths(results)
    for init, label in LABELS.items():
        standard, at_top = init == "Standard", f"tanh, {label}, width {known[-1]}"
        weights = results.series(partial(worst_weight, init=init), layers, data="shapeset", activation="tanh", init=init)
        found.append(every(f"weights-{label}", f"n_in Var W, {label}, all layers and widths: relative distance from theory",
                           "exact", "eq. 15" if standard else "eq. 12", weights.worst(), at_most(0.03),
                           paper="1/3" if standard else "2 n_in / (n_in + n_out)"))
        for width in known:
            bound = between(0.006, 0.015) if standard else between(0.25, 0.55) if width == 1000 else between(0.18, 0.5)
            found.append(claim(f"gradient-ratio-{label}-width{width}", f"{RATIO}, tanh, {label}, width {width}",
                               "paper", "figure 7", read(results, gradient_ratio, "tanh", init, width), bound,
                               paper="linear: (1/3)⁴ = 0.0123" if standard else "linear: 1"))
        if standard or known[-1] == 1000:
            found.append(claim(f"std-of-z-{label}", f"std of z, {at_top}: relative distance from "
                               f"{', '.join(f'{value:g}' for value in STD_OF_Z[init])}", "independent",
                               "figure 6 shows histograms", read(results, partial(worst_std, init=init), "tanh", init),
                               at_most(0.1), paper="falls" if standard else "falls less"))
        found += [claim(f"weight-gradient-{label}", f"std of dC/dW, layers 2 to 4 over 5, {at_top}: distance from 1",
                        "paper", "sec. 4.3, figure 8, eq. 14", read(results, worst_update, "tanh", init), at_most(0.15),
                        paper="the same in all layers"),
                  claim(f"singular-{label}", f"{SINGULAR}, {at_top}", "paper", "sec. 4.2.2",
                        read(results, "singular", "tanh", init), between(0.46, 0.52) if standard else between(0.72, 0.82),
                        paper="0.5" if standard else "0.8")]
    standard_logs, normalized_logs = (read(results, lambda result: math.log10(gradient_ratio(result)), "tanh", init)
                                      for init in LABELS)
    return [*found, difference("log-gradient-ratio", f"log10 of {RATIO}, tanh, standard against normalized, width {known[-1]}",
                               "paper", "figure 7", standard_logs, normalized_logs)]


def of_other_activations(results: Results) -> list[Claim]:
    width = 1000 if 1000 in widths(results) else 100
    ratios = {("softsign", "Standard"): within_factor(1.5, 0.0034), ("softsign", "Glorot"): within_factor(1.5, 0.079),
              ("sigmoid", "Standard"): within_factor(2, 1.6e-7), ("sigmoid", "Glorot"): within_factor(2, 9e-6)}
    singular = {("sigmoid", init): between(0.9 * value, 1.1 * value) for init, value in (("Standard", 0.12), ("Glorot", 0.20))}
    return [claim(f"{id}-{f}-{LABELS[init]}", f"{what}, {f}, {LABELS[init]}, width {width}", "independent", "",
                  read(results, pick, f, init, width), bound)
            for id, what, pick, bounds in (("gradient-ratio", RATIO, gradient_ratio, ratios),
                                           ("singular", SINGULAR, "singular", singular))
            for (f, init), bound in bounds.items()]


def of_naive(results: Results) -> list[Claim]:
    """Normal weights of one standard deviation, whatever the width; of n inputs N(0, 1) makes 1 - E|z| about 0.55 / √n."""
    ratios = {("small", "N(0, 0.01)"): {100: 1e-8, 1000: 9e-5}, ("large", "N(0, 1)"): {100: 7e2, 1000: 2e5}}
    found = [claim(f"gradient-ratio-{id}-width{width}", f"{RATIO}, tanh, {label_of(init)}, width {width}", *NAIVE,
                   read(results, gradient_ratio, "tanh", init, width), within_factor(2.5, value))
             for (id, init), row in ratios.items() for width, value in row.items() if width in widths(results)]
    for width in widths(results):
        inner = read(results, lambda result: np.mean(result["magnitude"][1:]), "tanh", "N(0, 1)", width)
        nearest = read(results, lambda result: min(result["magnitude"], key=lambda z: min(z - 0.96, 0.99 - z)), "tanh",
                       "N(0, 1)", width)
        expected = 1 - math.sqrt(2 / math.pi) * math.log(2) / math.sqrt(width)
        what, series, bound = (
            ("mean |z|, layers 2 to 5", inner, near(expected, 0.01).noting(" (less than wider layers)")) if width < 300 else
            ("mean |z| of the layer that is nearest to a limit", nearest, between(0.96, 0.99)))
        if series:
            found.append(every(f"saturated-width{width}", f"{what}, tanh, N(0, 1), width {width}", *NAIVE, series, bound))
    return found


def predicted(gain: float, kind: str, depth: int) -> tuple[list[float], list[float]]:
    """Mean squares of s and of dC/ds, layer by layer, in the linear regime; each ReLU layer halves what passes."""
    half = 0.5 if kind == "relu" else 1.0
    return [gain * (half * gain) ** k for k in range(depth)], [(half * gain) ** (depth - 1 - k) for k in range(depth)]


def allowed(passed: int, width: int, kind: str) -> float:
    r"""How far log(measured / predicted) may be from 0, after so many random layers.

    One vector's mean square is multiplied in each layer by an average of n terms whose relative variance is v: 2 for squares
    of Gaussian numbers, 5 for those that a ReLU has passed. So the logarithm is, about, :math:`N(-vk/2n, vk/n)`: its mean,
    and three standard deviations. Averages over several vectors vary less.
    """
    v = 5 if kind == "relu" else 2
    return v * passed / (2 * width) + 3 * math.sqrt(v * passed / width)


def misfit(one: Done, kind: str) -> float:
    """The largest distance of a run from theory, in units of what is allowed."""
    width, depth, result = one.trial.settings["width"], one.trial.settings["depth"], one.result
    forward, backward = predicted(result["gain"], kind, depth)
    passed = [*zip(result[kind]["forward"], forward, range(1, depth + 1), strict=True),
              *zip(result[kind]["backward"][:-1], backward[:-1], range(depth - 1, 0, -1), strict=True)]
    return max(abs(math.log(found / value)) / allowed(layers, width, kind) for found, value, layers in passed)


def relative(result: Numbers) -> float:
    """The largest relative distance from theory in the linear regime."""
    found = result["linear"]["forward"], result["linear"]["backward"]
    return max(map(farthest, found, predicted(result["gain"], "linear", len(found[0]))))


def factor(result: Numbers, kind: str) -> float:
    """The factor that a layer takes on average over the depth."""
    values = result[kind]["forward"]
    return float(abs(values[-1] / values[0]) ** (1 / (len(values) - 1)))


def of_signals(results: Results) -> list[Claim]:
    """The variance through every depth and width."""
    found, made, what = [], sizes(results.scale), "variance of s and dC/ds"
    wide = next(width for width, depth in made if depth == 5)
    for kind, label, source, paper in (("linear", "linear", "eqs. 5 and 6", "∏ n Var W"),
                                       ("relu", "ReLU", "He et al., eqs. 10 and 14", "∏ n Var W / 2")):
        misfits = Series.of((one.trial.settings["seed"], misfit(one, kind)) for one in results.of(signals)).worst()
        found.append(every(f"variance-{kind}", f"{what}, every initialization, {label} layers, widths {made[0][0]} to "
                           f"{made[-1][0]}, depths 1 to 50: log of measured over predicted, in units of what sampling allows "
                           "(its mean and three deviations)", "exact", source, misfits, at_most(1.0), paper=paper))
    found += [every(f"variance-{id}", f"{what}, {nets}: relative distance from theory", "exact",
                    source, results.series(relative, signals, **which).worst(), at_most(limit), paper="0")
              for id, nets, source, which, limit in (
                  ("five-layers", f"every initialization, 5 linear layers of {wide}", "eqs. 5 and 6",
                   {"width": wide, "depth": 5}, 0.1 if wide >= 1000 else 0.2),
                  ("orthogonal", "orthogonal, linear layers, every size", "Saxe et al.", {"init": "Orthogonal"}, 1e-9))]
    found += [claim(f"factor-{init.lower()}-{kind}", f"variance of s, factor a layer, 50 layers of 100, {init}, "
                    f"{kind.replace('relu', 'ReLU')}", "exact", "eq. 5" if kind == "linear" else "He et al., eq. 10",
                    results.series(partial(factor, kind=kind), signals, init=init, width=100, depth=50), bound, paper=paper)
              for init, kind, bound, paper in (
                  ("Standard", "linear", between(0.31, 0.35), "1/3"), ("Glorot", "linear", between(0.95, 1.05), "1"),
                  ("He", "relu", between(0.92, 1.05), "1"), ("Glorot", "relu", between(0.46, 0.525), "1/2"))]
    found += [claim(f"{id}-linear", f"{symbol}, layer 1 over 5, linear, standard, width {wide}", "exact", source,
                    results.series(pick, signals, init="Standard", width=wide, depth=5), bound, paper=paper)
              for id, symbol, source, pick, bound, paper in (
                  ("weight-gradient", "std of dC/dW", "eq. 14",
                   lambda result: math.sqrt(result["linear"]["update"][0] / result["linear"]["update"][-1]),
                   between(0.9, 1.1), "1"),
                  ("gradient-ratio", "Var(dC/ds)", "eqs. 13 and 15", lambda result: result["linear"]["backward"][0],
                   between(0.0105, 0.0145), "(1/3)⁴ = 0.0123"))]
    return found


def flat(results: Results, reach: float) -> list[Series]:
    """The shares of the surfaces of cross-entropy and of quadratic cost that are flat."""
    return [results.series(pick, surface, reach=reach) for pick in (lambda result: result["plateau"]["cross-entropy"],
                                                                    lambda result: result["plateau"]["quadratic"])]


def of_surfaces(results: Results) -> Claim:
    entropy, quadratic = flat(results, 6.0)
    closer = [f"{100 * share.mean:.1f} %" for share in flat(results, 3.0) if share]
    return difference("surface-flatter", "share of the surface over two weights in [-6, 6] where the slope is under 1/20 of "
                      "its largest, cross-entropy against quadratic cost", "paper", "figure 5", entropy, quadratic,
                      f"a smaller mean (in [-3, 3]: {' against '.join(closer) or 'not run'})", unit="%",
                      paper="quadratic has more")


def of_files(results: Results) -> list[Claim]:
    """On the user's files, at the paper's scale."""
    if results.scale.name != "paper" or results.scale.data in (None, "shapeset"):
        return []
    return [claim(f"singular-files-{LABELS[init]}", f"{SINGULAR}, tanh, {LABELS[init]}, width 1000, on the files", "paper",
                  "sec. 4.2.2", results.series("singular", layers, data=results.scale.data, activation="tanh", init=init),
                  bound, paper=paper)
            for init, bound, paper in (("Standard", between(0.4, 0.6), "0.5"), ("Glorot", between(0.65, 0.9), "0.8"))]
