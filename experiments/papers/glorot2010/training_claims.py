"""Glorot & Bengio 2010, training: its claims."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...lab.dense import error_at, errors
from ..claims import Claim, claim, difference, every
from ..paper import Results
from .training_layers import of_digits_saturation, of_four_sigmoids, of_layers, of_plateaus
from .training_plan import EASY, NAIVE, NETS, Runs, matched, pair, runs, table, watched_net

CHANCE = 0.85
PRINTED = {"softsign": (16.27, 1.64, 55.78, 69.14), "softsign N": (16.06, 1.72, 53.8, 68.13),     # table 1, in %
           "tanh": (27.15, 1.76, 55.9, 70.58), "tanh N": (15.60, 1.64, 52.92, 68.57), "sigmoid": (82.61, 2.21, 57.28, 70.66)}
PRINTED_DATA = ("Shapeset-3x2", "MNIST", "CIFAR-10", "Small-ImageNet")
SLOW = ("At a learning rate of 0.03 softsign from the standard start has not come as far: it shrinks the signal more than tanh "
        "does, and starts later. At 0.1 the order is the paper's (measured apart from this page, 12,000 steps, 5 seeds: "
        "softsign 18.0 %, tanh 22.2 %). The paper chose each network's rate, and made 5 million steps.")


def claims(results: Results) -> list[Claim]:
    scale = results.scale
    if scale.name == "paper":
        return [*of_table(results, str(scale.data)), *of_layers(results), *of_four_sigmoids(results), *not_run()]
    found = of_digits(results)
    if scale.name == "small":
        found += [*of_table(results, "digits"), *of_table(results, EASY)]
    found += [*of_plateaus(results), *of_layers(results)]
    return [*found, *(of_digits_saturation(results) if scale.name == "small" else []), *not_run()]


def not_run() -> list[Claim]:
    """What the paper measured and nothing here does."""
    return [Claim(f"{net} on 100,000 fixed examples of Shapeset-3x2: test error", "the paper", printed, f"not run: {why}", "–",
                  None)
            for net, printed, why in (("SVM with RBF kernel", "59.47 %", "the library has no support vector machines"),
                                      ("5-layer Tanh N", "50.47 %", "Shapeset is made without end here, as in table 1"))]


def digits_error(results: Results, activation: str, init: str, step: int | None = None) -> Runs:
    """Errors on digits at the rates of the first table, by seed."""
    for cell in NAIVE:
        if cell[:2] == (activation, init):
            return runs(results, error_at(step), errors, data="digits", activation=activation, init=init)
    return runs(results, error_at(step), data="digits", depth=5, activation=activation, init=init)


def at_most(limit: float) -> Callable[[float], bool]:
    return lambda mean: mean <= limit


def at_least(limit: float) -> Callable[[float], bool]:
    return lambda mean: mean >= limit


def within(printed: float, limit: float) -> Callable[[float], bool]:
    """An error, a share, within ``limit`` points of a printed one, in percent."""
    return lambda mean: abs(100 * mean - printed) <= limit


def over_mean(values: Runs, reference: Runs) -> list[float]:
    """Each as a multiple of the mean of the reference: their mean is the ratio of the means."""
    return [value / float(np.mean(list(reference.values()))) for value in values.values()] if reference else []


def of_digits(results: Results) -> list[Claim]:
    """Replica of the training of 64-5×100-10 networks, each at its rate of the first table."""
    steps = results.scale.choose(1000, 4000)
    found = []

    def final(activation: str, init: str) -> list[float]:
        return list(digits_error(results, activation, init, steps).values())

    for activation, least, most in (("tanh", 3, 0.045), ("softsign", 4, 0.05)):
        normal, standard = (digits_error(results, activation, init, 500) for init in ("Glorot", "Standard"))
        gaps = [b - a for a, b in zip(*pair(normal, standard), strict=True)]
        found += [
            claim(f"{activation}, normalized: learns the digits", "ours", final(activation, "Glorot"),
                  at_most(most), f"error at most {most:.1%} after {steps} steps", unit="%"),
            claim(f"{activation}: after 500 steps the standard start is far behind", "figure 12 (from memory)",
                  over_mean(standard, normal), at_least(least),
                  f"at least {least} times the error of normalized", unit="times"),
            every(f"{activation}: normalized is ahead of standard after 500 steps", "figure 12 (from memory)", gaps,
                  lambda gap: gap > 0, "in every seed", unit="%")]
    found += [difference("tanh: normalized is better than standard at the end too", "table 1",
                         *pair(*(digits_error(results, "tanh", init, steps) for init in ("Glorot", "Standard"))), unit="%")]
    chance = [("tanh", "N(0, 0.01)", "N(0, 0.01²)"), ("sigmoid", "Standard", "standard"), ("sigmoid", "Glorot", "normalized")]
    found += [claim(f"{activation}, {label}: stays at chance", "ours", final(activation, init), lambda mean: mean >= CHANCE,
                    f"error at least {CHANCE:.0%} after {steps} steps", unit="%") for activation, init, label in chance]
    wild = over_mean(digits_error(results, "tanh", "N(0, 1)", steps), digits_error(results, "tanh", "Glorot", steps))
    lost = results.values(lambda result: float(result["diverged"] is not None), errors, activation="relu", init="N(0, 1)")
    return [*found,
            claim("tanh, N(0, 1): saturated from the start, learns badly", "ours", wild, lambda mean: mean >= 5,
                  "at least 5 times the error of normalized", unit="times"),
            claim("ReLU, He: learns the digits", "ours", final("relu", "He"), at_most(0.045),
                  f"error at most 4.5% after {steps} steps", unit="%"),
            every("ReLU, N(0, 1): the cost overflows even at a learning rate of 0.001", "ours", lost,
                  lambda diverged: diverged == 1, "diverged (1), in every seed")]


def spoken(data: str) -> str:
    return {EASY: "easy Shapeset", "shapeset": "Shapeset-3x2", "digits": "digits"}.get(data, "the files")


def of_table(results: Results, data: str) -> list[Claim]:
    """Table 1's comparisons, on one set of data."""
    found, short = table(results, data), spoken(data)
    printed = PRINTED_DATA.index("Shapeset-3x2" if data in (EASY, "shapeset") else "MNIST")
    where = f"table 1, {PRINTED_DATA[printed]}"

    def numbers(*names: str) -> str:
        return " / ".join(f"{PRINTED[name][printed]} %" for name in names)

    others = matched(*found.values())
    gaps = matched(*(found[name] for name in ("tanh", "tanh N", "softsign", "softsign N")))
    worst = [sigmoid - max(rest) for *rest, sigmoid in zip(*others, strict=True)]
    of_tanh, of_softsign = ([a - b for a, b in zip(*both, strict=True)] for both in (gaps[:2], gaps[2:]))
    said = [
        difference(f"{short}: tanh N is better than tanh", where, *pair(found["tanh N"], found["tanh"]),
                   paper=numbers("tanh N", "tanh"), unit="%"),
        difference(f"{short}: softsign is better than tanh, both with the standard start", where,
                   *pair(found["softsign"], found["tanh"]), paper=numbers("softsign", "tanh"), unit="%",
                   reason=SLOW if data == EASY else ""),
        difference(f"{short}: normalization helps tanh more than softsign", where, of_softsign, of_tanh,
                   "a smaller mean gain of softsign than of tanh", paper=" / ".join(
                       f"{PRINTED[name][printed] - PRINTED[name + ' N'][printed]:.2f} points" for name in ("softsign", "tanh")),
                   unit="%"),
        every(f"{short}: sigmoid is the worst of the five", where, worst, lambda gap: gap > 0, "in every seed",
              paper=numbers("sigmoid"), unit="%")]
    if data == EASY:
        at = {name: watched_net(results, error_at(8000), name, EASY) for name in NETS}
        said += [difference(f"{short}: tanh N is ahead of tanh after 8000 steps", "figure 11 (from memory)",
                            *pair(at["tanh N"], at["tanh"]), "a smaller mean (each image is new)", unit="%"),
                 claim(f"{short}: the sigmoid network does not learn at all", where, list(at["sigmoid"].values()),
                       lambda mean: mean >= 0.6, "error at least 60 % after 8000 steps (chance: 67 %)",
                       paper=numbers("sigmoid"), unit="%")]
    elif data != "digits":
        limit = 2.0 if printed == 0 else 0.3
        said += [claim(f"{name}: the test error is the paper's", where, list(found[name].values()),
                       within(PRINTED[name][printed], limit),
                       f"within {limit} points (on other files than MNIST's this says nothing)", paper=numbers(name), unit="%")
                 for name in NETS]
    return said
