"""What Glorot & Bengio say of training, its errors and its layers, judged by the runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ...lab.readings import BINS
from ...lab.trained import error_at, trained
from ...reproduce.bounds import above, at_least, at_most, below, between, exactly, near
from ...reproduce.claims import Claim, Origin, claim, difference, every, not_run
from ...reproduce.paper import Pick, Results, texts
from ...reproduce.series import Series, largest, paired
from ...sweeps.trials import Numbers
from . import initial_claims
from .plan import EASY, LABELS, NETS, SIGMOIDS, label_of, main_data, of_net, tuned

PRINTED = {"softsign": (16.27, 1.64, 55.78, 69.14), "softsign N": (16.06, 1.72, 53.8, 68.13),     # table 1, in %
           "tanh": (27.15, 1.76, 55.9, 70.58), "tanh N": (15.60, 1.64, 52.92, 68.57), "sigmoid": (82.61, 2.21, 57.28, 70.66)}
PRINTED_DATA = ("Shapeset-3x2", "MNIST", "CIFAR-10", "Small-ImageNet")
SHORT = {EASY: "easy Shapeset", "shapeset": "Shapeset-3x2", "digits": "digits"}     # other data are files of the user's
CENTRES = (np.arange(BINS) + 0.5) * 2 / BINS - 1                    # of a histogram's bins
MIDDLE = 0.475                                                      # of the range in which layer 1 of a sigmoid network stays
EARLY: tuple[Origin, str] = ("paper", "sec. 5, figure 12")
TRAINED: tuple[Origin, str] = ("paper", "sec. 5, figure 11")
FIGURE_2: tuple[Origin, str] = ("paper", "figure 2")
THREE_LAYERS: tuple[Origin, str] = ("project", "after figure 2, with 4 layers")
WEIGHTS: tuple[Origin, str] = ("paper", "figure 9")


def claims(results: Results) -> list[Claim]:
    scale, found = results.scale, initial_claims.claims(results)
    if scale.name == "paper":
        return [*found, *of_table(results, str(scale.data)), *of_layers(results), *of_four_layers(results), *missing()]
    if scale.name == "quick":
        return [*found, *of_digits(results), *of_plateaus(results), *of_layers(results), *missing()]
    return [*found, *of_digits(results), *of_table(results, "digits"), *of_table(results, EASY), *of_plateaus(results),
            *of_layers(results), in_turn(results, "digits", "digits, ", texts(__file__)("reason: digits")),
            alike(results, "digits", "digits, "), *missing()]


def over_mean(values: Series, reference: Series) -> Series:
    """Each as a multiple of the mean of the reference, so that their mean is the ratio of the means."""
    return values / reference.mean if reference else Series({})


def of_digits(results: Results) -> list[Claim]:
    """Networks of 64-5×100-10 units, each activation at one learning rate."""
    ours: tuple[Origin, str] = ("project", "")
    last = results.scale.choose(1000, 4000)
    after, times = f" after {last} steps of SGD", " the error of normalized"

    def error(activation: str, init: str, step: int = last) -> Series:
        return of_net(results, error_at(step), (activation, init), "digits")

    found = []
    for f, least, most in (("tanh", 3, 0.045), ("softsign", 4, 0.05)):
        normalized, standard = (error(f, init, 500) for init in ("Glorot", "Standard"))
        found += [
            claim(f"{f}-normalized-learns", f"{f}, normalized: learns the digits", *ours, error(f, "Glorot"),
                  at_most(most, "%").of("error").noting(after), unit="%"),
            claim(f"{f}-standard-behind", f"{f}: after 500 steps standard is far behind", *EARLY,
                  over_mean(standard, normalized), at_least(least, "times").noting(times), unit="times"),
            every(f"{f}-normalized-ahead", f"{f}: normalized is ahead of standard after 500 steps", *EARLY,
                  standard - normalized, above(0).of("difference of errors"), unit="points")]
    found.append(difference("tanh-normalized-ends-ahead", "tanh: normalized is better than standard at the end too", "paper",
                            "table 1", error("tanh", "Glorot"), error("tanh", "Standard"), unit="%"))
    sigmoid: tuple[Origin, str] = ("project", "near sec. 3.1; table 1: 2.21 % on MNIST, 4 layers, more steps")
    found += [claim(f"{f}-{id}-chance", f"{f}, {label_of(init)}: stays at chance", *whose, error(f, init),
                    at_least(0.85, "%").of("error").noting(f"{after} at learning rate {rate:g}"), unit="%")
              for f, id, init, rate, whose in (("tanh", "small", "N(0, 0.01)", 0.03, ours),
                                               *(("sigmoid", LABELS[init], init, 0.1, sigmoid) for init in LABELS))]
    lost = of_net(results, lambda result: float(result["diverged"] is not None), ("relu", "N(0, 1)"), "digits")
    return [*found,
            claim("tanh-large-learns-badly", "tanh, N(0, 1): saturated from the start, learns badly", *ours, over_mean(
                error("tanh", "N(0, 1)"), error("tanh", "Glorot")), at_least(5, "times").noting(times), unit="times"),
            claim("relu-he-learns", "ReLU, He: learns the digits", *ours, error("relu", "He"),
                  at_most(0.045, "%").of("error").noting(after), unit="%"),
            every("relu-large-overflows", "ReLU, N(0, 1): the cost overflows even at a learning rate of 0.001", *ours, lost,
                  exactly(1).of("diverged (1) or not (0):"))]


def table(results: Results, data: str) -> dict[str, Series]:
    """Table 1: final test errors by network: on easy Shapeset at one learning rate, elsewhere each at its best."""
    return {name: of_net(results, error_at(), net, EASY) if data == EASY else tuned(results, net)[1]
            for name, net in NETS.items()}


def of_table(results: Results, data: str) -> list[Claim]:
    """Table 1's comparisons, on one set of data."""
    found, short, k = table(results, data), SHORT.get(data, "the files"), 0 if data in (EASY, "shapeset") else 1
    where, id = f"table 1, {PRINTED_DATA[k]}", short.rpartition("the ")[2].replace(" ", "-").lower()

    def printed(*names: str) -> str:
        return " / ".join(f"{PRINTED[name][k]} %" for name in names)

    gains = {name: found[name] - found[f"{name} N"] for name in ("softsign", "tanh")}
    claims = [
        difference(f"{id}-tanh-n-better", f"{short}: tanh N is better than tanh", "paper", where, found["tanh N"],
                   found["tanh"], paper=printed("tanh N", "tanh"), unit="%"),
        difference(f"{id}-softsign-better", f"{short}: softsign is better than tanh, both from standard", "paper",
                   where, found["softsign"], found["tanh"], paper=printed("softsign", "tanh"), unit="%",
                   reason=texts(__file__)("reason: slow") if data == EASY else ""),
        difference(f"{id}-normalization-helps-tanh", f"{short}: normalization helps tanh more than softsign", "paper",
                   where, gains["softsign"], gains["tanh"], "a smaller mean gain of softsign than of tanh", unit="%",
                   paper=" / ".join(f"{PRINTED[name][k] - PRINTED[f'{name} N'][k]:.2f} points" for name in gains)),
        every(f"{id}-sigmoid-worst", f"{short}: sigmoid is the worst of the five", "paper", where,
              found["sigmoid"] - largest(*(found[name] for name in NETS if name != "sigmoid")),
              above(0).of("difference from the second worst"), paper=printed("sigmoid"), unit="points")]
    if data == EASY:
        standard, normalized, sigmoid = (of_net(results, error_at(8000), net, EASY) for net in list(NETS.values())[2:])
        claims += [difference(f"{id}-tanh-n-ahead", f"{short}: tanh N is ahead of tanh after 8000 steps", *TRAINED,
                              normalized, standard, "a smaller mean (each image is new)", unit="%"),
                   claim(f"{id}-sigmoid-chance", f"{short}: the sigmoid network does not learn in 8000 steps of SGD", "paper",
                         where, sigmoid, at_least(0.6, "%").of("error").noting(" (chance: 67 %)"), paper=printed("sigmoid"),
                         unit="%")]
    elif data != "digits":
        claims += [claim(f"{id}-{name.replace(' ', '-').lower()}", f"{name}: the test error is the paper's", "paper", where,
                         found[name], near(PRINTED[name][k] / 100, 0.003 if k else 0.02, "%").noting(
                             " (on other files than MNIST's this says nothing)"), paper=printed(name), unit="%")
                   for name in NETS]
    return claims


def missing() -> list[Claim]:
    """What the paper measured and nothing here does."""
    return [not_run(id, f"{net} on 100,000 fixed examples of Shapeset-3x2: test error", "sec. 5", printed, why)
            for id, net, printed, why in (
                ("svm", "SVM with RBF kernel", "59.47 %", "the library has no support vector machines"),
                ("fixed-examples", "5-layer Tanh N", "50.47 %", "Shapeset is made without end here, as in table 1"))]


def column(row: str, reduce: Callable[[Any], float]) -> Callable[[Numbers], float]:
    """A number of a run, computed from an array (readings, layers) of one quantity."""
    return lambda result: float(reduce(np.array([reading[row] for reading in result["readings"]], float)))


lowest = column("mean", lambda mean: mean[:, -1].min())             # of the top layer's mean activation
end = column("mean", lambda mean: mean[-1, -1])
rise = column("mean", lambda mean: mean[-1, -1] - mean[:, -1].min())
in_order = column("high", lambda high: np.diff(-high[:, :3], axis=1).min())
uneven = column("high", lambda high: np.ptp(high[-1]))
spread = column("weight_gradient", lambda g: np.exp(np.log(g[1:].max(1) / g[1:].min(1)).mean()))
spread_first = column("weight_gradient", lambda g: g[0].max() / g[0].min())
spread_last = column("weight_gradient", lambda g: g[-1].max() / g[-1].min())
first_to_last = column("gradient", lambda g: g[0, 0] / g[0, -1])
on_the_way = column("error", lambda error: error[1:].mean())


def mean_at(result: Numbers, step: int, layer: int = -1) -> float:
    """The mean activation of a hidden layer after so many steps; NaN for a run that did not come so far."""
    return next((float(row["mean"][layer]) for row in result["readings"] if row["step"] == step), math.nan)


def share(result: Numbers, layers: Sequence[int], low: float, high: float) -> float:
    """The share of the final activations of these layers, whose magnitude is between two numbers."""
    counts = np.array([result["histograms"][k] for k in layers], float)
    inside = counts[:, (np.abs(CENTRES) >= low) & (np.abs(CENTRES) < high)]
    return float((inside.sum(1) / counts.sum(1)).mean()) if counts.sum() else math.nan


def of_sigmoid(results: Results, pick: Pick, depth: int, init: str) -> Series:
    return results.series(pick, trained, data="digits", activation="sigmoid", depth=depth, init=init)


def of_plateaus(results: Results) -> list[Claim]:
    """Figure 2: sigmoid networks, whose top layer is driven to 0."""
    mean, after = "mean activation", f" after {results.scale.choose('1000', '12,000')} steps of SGD at learning rate 0.1"
    small = below(0.1).of(mean).noting(after), at_least(0.85, "%").of("error").noting(after)
    lower, higher = f"lowest {mean}", f"{mean}, less the lowest,"
    rows = [row for init, label in LABELS.items() for row in (
        [(5, init, "sinks", "the top layer sinks", partial(mean_at, step=1000), below(0.35).of(mean).noting(after), "", "")]
        if results.scale.name == "quick" else
        [(5, init, "falls", "the top layer falls to 0 and stays", end, small[0], "never leaves 0", ""),
         (5, init, "chance", "nothing is learned", error_at(), small[1], "", "%")])]
    rows += [] if results.scale.name == "quick" else [
        (3, "Glorot", "falls", "the top layer falls", lowest, below(0.35).of(lower), "", ""),
        (3, "Glorot", "recovers", "the top layer recovers", rise, above(0.1).of(higher).noting(after), "", ""),
        (3, "Glorot", "learns", "learns at last", error_at(), below(0.08, "%").of("error").noting(after), "", "%"),
        (4, "Glorot", "falls", "the top layer falls to 0", lowest, below(0.12).of(lower), "0 at once", ""),
        (4, "Glorot", "leaves", "the top layer leaves 0 late", end, above(0.2).of(mean).noting(after), "near epoch 100", "")]
    found = [claim(f"sigmoid{depth}-{LABELS[init]}-{id}", f"sigmoid, {depth} layers, {LABELS[init]}: {what}",
                   *(THREE_LAYERS if depth == 3 else FIGURE_2), of_sigmoid(results, pick, depth, init), bound, paper=paper,
                   unit=unit)
             for depth, init, id, what, pick, bound, paper, unit in rows]
    return found + (of_first_layers(results) if results.scale.name == "small" else [])


def of_first_layers(results: Results) -> list[Claim]:
    """Figure 2, what is not driven to 0: layer 1 of the networks of 3 to 5 layers, at all readings."""
    runs = results.of(trained, data="digits", activation="sigmoid")
    readings = list(product([net for net in SIGMOIDS if net[0] >= 3], runs[0].trial.settings["at"] if runs else [0]))
    means = paired(*(of_sigmoid(results, partial(mean_at, step=step, layer=0), *net) for net, step in readings))
    furthest = max(means, key=lambda one: abs(one.mean - MIDDLE))
    away = [(abs(value - MIDDLE), net, seed, value) for (net, _), one in zip(readings, means, strict=True)
            for (seed, _), value in one.numbers.items()]
    reason = ""
    if away:
        _, (depth, init), seed, value = max(away)
        reason = f"It is furthest in the network of {depth} layers, {LABELS[init]}, seed {seed}: {value:.2f}."
    what, where = "sigmoid, 3 to 5 layers: layer 1 stays in its middle", " at all readings of all six networks"
    return [claim("sigmoid-layer1-stays", f"{what}, on the mean over the seeds", *FIGURE_2, furthest, between(0.4, 0.55).of(
                "its mean activation").noting(f"{where} (measured: where it is furthest from {MIDDLE})")),
            every("sigmoid-layer1-stays-each", f"{what}, seed by seed", *FIGURE_2,
                  largest(*(abs(one - MIDDLE) for one in means)), at_most(0.075).of(
                      f"distance of its mean activation from {MIDDLE},").noting(f"{where},"), reason=reason)]


def of_four_layers(results: Results) -> list[Claim]:
    """Figure 2 at the paper's size."""
    mean, five = "mean activation", {"activation": "sigmoid", "depth": 5, "init": "Standard", "lr": 0.1}
    four = five | {"depth": 4}
    return [claim(id, f"sigmoid, {which['depth']} layers: the top layer {what}", *FIGURE_2,
                  results.series(pick, trained, **which), bound, paper=paper)
            for id, what, which, pick, bound, paper in (
                ("sigmoid5-stays", "never leaves 0", five, end, below(0.1).of(mean).noting(" at the end"), "never leaves 0"),
                ("sigmoid4-falls", "falls to 0", four, lowest, below(0.12).of(f"lowest {mean}"), "0 at once"),
                ("sigmoid4-leaves", "leaves 0 again", four, rise, above(0.1).of(f"{mean} at the end, less the lowest,"),
                 "near epoch 100"))]


def of_layers(results: Results) -> list[Claim]:
    """Figures 3, 4, 7, 9 and 11: layers during training."""
    def of(pick: Pick, name: str) -> Series:
        return of_net(results, pick, NETS[name])

    data, small = main_data(results.scale), results.scale.name == "small"
    found = [
        difference("tanh-gradient-shrinks", "tanh, at the start: dC/ds shrinks more on its way down from standard than from "
                   "normalized", "paper", "figure 7", of(first_to_last, "tanh"), of(first_to_last, "tanh N"),
                   "a smaller std of dC/ds, layer 1 / layer 5"),
        difference("tanh-weight-gradients-apart", "tanh, standard: weight gradients, alike in all layers at the start, come "
                   "apart", *WEIGHTS, of(spread_first, "tanh"), of(spread_last, "tanh"),
                   "largest / smallest std: start < end"),
        alike(results, data),
        difference("tanh-error-on-the-way", "tanh: the error during training is lower from normalized", *TRAINED,
                   of(on_the_way, "tanh N"), of(on_the_way, "tanh"), "a smaller mean of the readings", unit="%")]
    if data == "digits":
        return found
    reasons = {id: texts(__file__)(f"reason: {id}") if small else "" for id in ("together", "knees")}      # of small's runs
    found += [in_turn(results, data),
              difference("softsign-saturates-together", "softsign: layers saturate together, unlike those of tanh", "paper",
                         "figure 3", of(uneven, "softsign"), of(uneven, "tanh"),
                         "a smaller range of the 98th percentiles, at the end", reason=reasons["together"])]
    ends, zero, knees = (0.9, 1.1, 0.2, 0.1), (0, 0.1, 0.12, 0.1), (0.6, 0.8, 0.25, 0.2)
    found += [claim(id, what, "paper", "figure 4", of(partial(share, layers=layers, low=low, high=high), net),
                    above(most).of(f"share of |z| between {low} and {min(high, 1)}").noting(f" (uniform: {uniform})"),
                    paper=paper, reason=reason)
              for id, what, net, layers, (low, high, most, uniform), paper, reason in (
                  ("tanh-layer1-at-ends", "tanh, standard: layer 1 ends piled up at −1 and 1", "tanh", [0], ends, "", ""),
                  ("tanh-upper-at-zero", "tanh, standard: layers 3 to 5 end piled up at 0", "tanh", [2, 3, 4], zero, "", ""),
                  ("softsign-layer1-at-knees", "softsign: layer 1 ends at the knees", "softsign", [0], knees, "0.6 to 0.8", ""),
                  ("softsign-upper-at-knees", "softsign: layers 2 to 5 end at the knees too", "softsign", [1, 2, 3, 4], knees,
                   "0.6 to 0.8", reasons["knees"]))]
    return found


def in_turn(results: Results, data: str, where: str = "", reason: str = "") -> Claim:
    return every(f"{where}tanh-saturates-in-turn".replace(", ", "-"),
                 f"{where}tanh, standard: layer 1 saturates first, then layers 2 and 3", "paper",
                 "figure 3", of_net(results, in_order, NETS["tanh"], data), above(0).of(
                     "smallest fall of the 98th percentile of |z| from layer 1 to 2 and from 2 to 3, of all readings,"),
                 reason=reason)


def alike(results: Results, data: str, where: str = "") -> Claim:
    """Whether the weight gradients of the layers are more alike from normalized; if not, how far they come apart."""
    ends = {f"{name} {when}".replace(" ", "_"): of_net(results, pick, NETS[name], data).mean for name in ("tanh", "tanh N")
            for when, pick in (("first", spread_first), ("last", spread_last))}
    return difference(f"{where}tanh-weight-gradients-alike".replace(", ", "-"),
                      f"{where}tanh, in training: normalized keeps the weight gradients of the layers more alike",
                      *WEIGHTS, of_net(results, spread, NETS["tanh N"], data),
                      of_net(results, spread, NETS["tanh"], data), "a smaller largest / smallest std, over all readings",
                      reason="" if any(map(math.isnan, ends.values())) else texts(__file__)("reason: alike", **ends))
