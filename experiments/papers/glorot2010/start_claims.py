"""What Glorot & Bengio say of a network at its start, asked of the runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...sweeps.trials import Done, Numbers
from ..claims import Claim, claim, difference, every
from ..paper import Results
from .start_runs import layers, signals, surface

STD_OF_Z = {"Standard": (0.32, 0.18, 0.10, 0.058, 0.034), "Glorot": (0.47, 0.39, 0.34, 0.31, 0.28)}
NAMES = {"Standard": "standard", "Glorot": "normalized"}


def claims(results: Results) -> list[Claim]:
    """Those about the start, in the order of the paper; then those about every start, depth and width."""
    return [*of_layers(results), *of_other_activations(results), *of_naive_starts(results), *of_signals(results),
            *of_surfaces(results), *of_files(results)]


def within(low: float, high: float) -> tuple[Callable[[float], bool], str]:
    return lambda value: low <= value <= high, f"between {low:.3g} and {high:.3g}"


def about(reference: float, factor: float) -> tuple[Callable[[float], bool], str]:
    """Within a factor of a number."""
    return lambda value: reference / factor <= value <= reference * factor, f"within a factor {factor:g} of {reference:g}"


def below(most: float) -> tuple[Callable[[float], bool], str]:
    return lambda value: value <= most, f"at most {most:g}"


def gradient_ratio(result: Numbers) -> float:
    return float(result["gradient"][0] / result["gradient"][-1])


def singular(result: Numbers) -> float:
    return float(result["singular"])


def worst_weight(one: Done, init: str) -> float:
    """The largest relative distance of n Var W of a hidden layer from what the start promises."""
    promised = [1 / 3 if init == "Standard" else ratio for ratio in one.result["ratio"]]
    return max(abs(found / value - 1) for found, value in zip(one.result["weight"], promised, strict=True))


def worst_std(result: Numbers, init: str) -> float:
    return max(abs(found / value - 1) for found, value in zip(result["activation"], STD_OF_Z[init], strict=True))


def worst_update(result: Numbers) -> float:
    """Of layers 2 to 4, the largest relative distance of the weight gradient's deviation from that of layer 5."""
    gradients = result["weight_gradient"]
    return max(abs(value / gradients[-1] - 1) for value in gradients[1:-1])


def widths(results: Results) -> list[int]:
    """Of the networks on images that ended, the smallest first."""
    return sorted({int(one.trial.settings["width"]) for one in results.of(layers, data="shapeset")})


def of_layers(results: Results) -> list[Claim]:
    known = widths(results) or [1000]
    top = known[-1]
    found: list[Claim] = []
    for init, name in NAMES.items():
        runs = {"activation": "tanh", "init": init, "data": "shapeset"}
        by_seed = grouped(results.of(layers, **runs), partial(worst_weight, init=init))
        holds, asked = below(0.03)
        found.append(every(f"n_in Var W, {name}, all layers and widths: relative distance from theory",
                           "eq. 15" if init == "Standard" else "eq. 12", by_seed, holds, asked,
                           paper="1/3" if init == "Standard" else "2 n_in / (n_in + n_out)"))
        for width in known:
            low, high = (0.006, 0.015) if init == "Standard" else (0.25, 0.55) if width == 1000 else (0.18, 0.5)
            found.append(claim(f"Var(dC/ds), layer 1 over 5, tanh, {name}, width {width}", "figure 7",
                               results.values(gradient_ratio, layers, **runs, width=width), *within(low, high),
                               paper="linear: (1/3)⁴ = 0.0123" if init == "Standard" else "linear: 1"))
        if init == "Standard" or top == 1000:
            found.append(claim(f"std of z, tanh, {name}, width {top}: relative distance from "
                               f"{', '.join(f'{value:g}' for value in STD_OF_Z[init])}", "figure 6",
                               results.values(partial(worst_std, init=init), layers, **runs, width=top),
                               *below(0.1), paper="falls" if init == "Standard" else "falls less"))
        found.append(claim(f"std of dC/dW, layers 2 to 4 over 5, tanh, {name}, width {top}: distance from 1",
                           "eq. 14, figure 8 (from memory)", results.values(worst_update, layers, **runs, width=top),
                           *below(0.15), paper="the same in all layers"))
        found.append(claim(f"mean singular value of layer Jacobians, tanh, {name}, width {top}", "the paper",
                           results.values(singular, layers, **runs, width=top),
                           *(within(0.46, 0.52) if init == "Standard" else within(0.72, 0.82)),
                           paper="0.5" if init == "Standard" else "0.8"))
    ratios = {init: results.values(lambda result: math.log10(gradient_ratio(result)), layers, activation="tanh", init=init,
                                   data="shapeset", width=top) for init in NAMES}
    found.append(difference(f"log10 of Var(dC/ds), layer 1 over 5, tanh, standard against normalized, width {top}", "figure 7",
                            ratios["Standard"], ratios["Glorot"]))
    return found


def grouped(runs: Iterable[Done], pick: Callable[[Done], float]) -> list[float]:
    """The largest value of each seed."""
    found: dict[int, list[float]] = {}
    for one in runs:
        found.setdefault(one.trial.settings["seed"], []).append(pick(one))
    return [max(values) for _, values in sorted(found.items())]


def of_other_activations(results: Results) -> list[Claim]:
    top = 1000 if 1000 in widths(results) else 100
    rows = {("softsign", "Standard"): (0.0034, 1.5), ("softsign", "Glorot"): (0.079, 1.5),
            ("sigmoid", "Standard"): (1.6e-7, 2), ("sigmoid", "Glorot"): (9e-6, 2)}
    found = [claim(f"Var(dC/ds), layer 1 over 5, {f}, {NAMES[init]}, width {top}", "the paper",
                   results.values(gradient_ratio, layers, activation=f, init=init, data="shapeset", width=top), *about(*row))
             for (f, init), row in rows.items()]
    for init, value in (("Standard", 0.12), ("Glorot", 0.20)):
        found.append(claim(f"mean singular value of layer Jacobians, sigmoid, {NAMES[init]}, width {top}", "the paper",
                           results.values(singular, layers, activation="sigmoid", init=init, data="shapeset", width=top),
                           *within(0.9 * value, 1.1 * value)))
    return found


def of_naive_starts(results: Results) -> list[Claim]:
    found = []
    for init, rows in {"N(0, 0.01)": {100: 1e-8, 1000: 9e-5}, "N(0, 1)": {100: 7e2, 1000: 2e5}}.items():
        label = init.replace("0.01)", "0.01²)")
        for width, value in rows.items():
            if width in widths(results):
                runs = {"activation": "tanh", "init": init, "data": "shapeset", "width": width}
                found.append(claim(f"Var(dC/ds), layer 1 over 5, tanh, {label}, width {width}", "lecture, slide 75",
                                   results.values(gradient_ratio, layers, **runs), *about(value, 2.5)))
        if init == "N(0, 1)":
            runs = {"activation": "tanh", "init": init, "data": "shapeset"}
            known = {one.trial.settings["width"] for one in results.of(layers, **runs)}
            found += [of_saturated(results, runs | {"width": width}) for width in sorted(known)]
    return found


def of_saturated(results: Results, settings: dict[str, Any]) -> Claim:
    """How saturated a start from N(0, 1) is, layer by layer: of n inputs 1 - E|z| is about 0.55 / √n."""
    width = settings["width"]
    if width < 300:
        by_seed = results.values(lambda result: float(np.mean(result["magnitude"][1:])), layers, **settings)
        near = 1 - math.sqrt(2 / math.pi) * math.log(2) / math.sqrt(width)
        return every(f"mean |z|, layers 2 to 5, tanh, N(0, 1), width {width}", "lecture, slide 75", by_seed,
                     lambda value: abs(value - near) <= 0.01, f"{near:.3f} ± 0.01: few inputs, less saturated than wider ones")
    worst = results.values(lambda result: min(result["magnitude"], key=lambda z: min(z - 0.96, 0.99 - z)), layers, **settings)
    return every(f"mean |z| of each layer, tanh, N(0, 1), width {width}: of the layer nearest to a limit", "lecture, slide 75",
                 worst, *within(0.96, 0.99))


def predicted(gain: float, kind: str, depth: int) -> tuple[list[float], list[float]]:
    """Mean squares of s and of dC/ds, layer by layer, in the linear regime, and half of each layer's for ReLU."""
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
    """The largest distance from theory of a run, in units of what is allowed."""
    settings, worst = one.trial.settings, 0.0
    depth, result = settings["depth"], one.result
    for name, theory in zip(("forward", "backward"), predicted(result["gain"], kind, depth), strict=True):
        for k, (found, value) in enumerate(zip(result[kind][name], theory, strict=True)):
            passed = k + 1 if name == "forward" else depth - 1 - k
            if passed:
                worst = max(worst, abs(math.log(found / value)) / allowed(passed, settings["width"], kind))
    return worst


def per_layer(kind: str, name: str = "forward") -> Callable[[Numbers], float]:
    """The factor that a layer takes on average over the depth."""
    def pick(result: Numbers) -> float:
        values = result[kind][name]
        return float(abs(values[-1] / values[0]) ** (1 / (len(values) - 1)))
    return pick


def of_signals(results: Results) -> list[Claim]:
    sizes = sorted({(one.trial.settings["width"], one.trial.settings["depth"]) for one in results.of(signals)}) or [(10, 50)]
    wide, deep = max((size for size in sizes if size[1] == 5), default=(1000, 5))[0], {"width": 100, "depth": 50}
    found = []
    for kind in ("linear", "relu"):
        by_seed = grouped(results.of(signals), partial(misfit, kind=kind))
        found.append(every(f"variance of s and dC/ds, every start, {'linear' if kind == 'linear' else 'ReLU'} layers, widths "
                           f"{sizes[0][0]} to {sizes[-1][0]}, depths 1 to 50: log of measured over predicted, in units of what "
                           "sampling allows (its mean and three deviations)", "the paper", by_seed, *below(1.0),
                           paper="∏ n Var W" if kind == "linear" else "∏ n Var W / 2"))
    most = 0.1 if wide >= 1000 else 0.2
    found.append(every(f"variance of s and dC/ds, every start, 5 linear layers of {wide}: relative distance from theory",
                       "the paper",
                       grouped(results.of(signals, width=wide, depth=5), relative), *below(most), paper="0"))
    found.append(every("variance of s and dC/ds, orthogonal start, linear layers, every size: relative distance from theory",
                       "Saxe et al.",
                       grouped(results.of(signals, init="Orthogonal"), relative), *below(1e-9), paper="0"))
    for init, kind, low, high, paper in (("Standard", "linear", 0.31, 0.35, "1/3"), ("Glorot", "linear", 0.95, 1.05, "1"),
                                         ("He", "relu", 0.92, 1.05, "1"), ("Glorot", "relu", 0.46, 0.525, "1/2")):
        found.append(claim(f"variance of s, factor a layer, 50 layers of 100, {init}, {kind.replace('relu', 'ReLU')}",
                           "the paper" if kind == "linear" else "He et al., eq. 10",
                           results.values(per_layer(kind), signals, init=init, **deep), *within(low, high), paper=paper))
    five = {"init": "Standard", "width": wide, "depth": 5}
    equal = results.values(lambda result: math.sqrt(result["linear"]["update"][0] / result["linear"]["update"][-1]),
                           signals, **five)
    vanished = results.values(lambda result: result["linear"]["backward"][0], signals, **five)
    found.append(claim(f"std of dC/dW, layer 1 over 5, linear, standard, width {wide}", "eq. 14", equal, *within(0.9, 1.1),
                       paper="1"))
    found.append(claim(f"Var(dC/ds), layer 1 over 5, linear, standard, width {wide}", "the paper", vanished,
                       *within(0.0105, 0.0145), paper="(1/3)⁴ = 0.0123"))
    return found


def relative(one: Done) -> float:
    """The largest relative distance from theory in the linear regime."""
    theory = predicted(one.result["gain"], "linear", one.trial.settings["depth"])
    found = (one.result["linear"]["forward"], one.result["linear"]["backward"])
    return float(max(np.abs(np.divide(a, b) - 1).max() for a, b in zip(found, theory, strict=True)))


def plateau(results: Results, name: str, reach: float) -> Sequence[float]:
    return results.values(lambda result: result["plateau"][name], surface, reach=reach)


def of_surfaces(results: Results) -> list[Claim]:
    near = [plateau(results, name, 3.0) for name in ("cross-entropy", "quadratic")]
    shares = " against ".join(f"{100 * np.mean(values):.1f} %" for values in near if values)
    return [difference("share of the surface over two weights in [-6, 6] where the slope is under 1/20 of its largest, "
                       "cross-entropy against quadratic cost", "figure 5",
                       plateau(results, "cross-entropy", 6.0), plateau(results, "quadratic", 6.0),
                       f"a smaller mean (in [-3, 3]: {shares or 'not run'})", unit="%", paper="quadratic has more")]


def of_files(results: Results) -> list[Claim]:
    """On the user's files, at the paper's scale."""
    data: Any = results.scale.data
    if results.scale.name != "paper" or data in (None, "shapeset"):
        return []
    return [claim(f"mean singular value of layer Jacobians, tanh, {name}, width 1000, on the files", "the paper",
                  results.values(singular, layers, data=data, activation="tanh", init=init),
                  *(within(0.4, 0.6) if init == "Standard" else within(0.65, 0.9)),
                  paper="0.5" if init == "Standard" else "0.8")
            for init, name in NAMES.items()]
