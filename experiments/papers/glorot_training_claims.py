"""Glorot & Bengio 2010, training: its claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..claims import Claim, claim, difference, every
from ..sweep import Result
from .dense import error_at, errors
from .glorot_training import EASY, NAIVE, NETS, Runs, column, main_data, matched, runs, table, watched_net
from .glorot_training_runs import BINS
from .paper import Results

CHANCE = 0.85
PRINTED = {"softsign": (16.27, 1.64, 55.78, 69.14), "softsign N": (16.06, 1.72, 53.8, 68.13), "tanh": (27.15, 1.76, 55.9, 70.58),
           "tanh N": (15.60, 1.64, 52.92, 68.57), "sigmoid": (82.61, 2.21, 57.28, 70.66)}      # table 1, %
PRINTED_DATA = ("Shapeset-3x2", "MNIST", "CIFAR-10", "Small-ImageNet")
CENTRES = (np.arange(BINS) + 0.5) * 2 / BINS - 1


def claims(results: Results) -> list[Claim]:
    scale = results.scale
    if scale.name == "paper":
        return [*of_table(results, str(scale.data)), *of_layers(results), *of_four_sigmoids(results)]
    found = of_digits(results)
    if scale.name == "small":
        found += [*of_table(results, "digits"), *of_table(results, EASY)]
    return [*found, *of_plateaus(results), *of_layers(results), *(of_digits_saturation(results) if scale.name == "small" else [])]


def digits_error(results: Results, activation: str, init: str, step: int | None = None) -> Runs:
    """Errors on digits at the rates of the first table, by seed."""
    for cell in NAIVE:
        if cell[:2] == (activation, init):
            return runs(results, error_at(step), errors, data="digits", activation=activation, init=init)
    return runs(results, error_at(step), data="digits", depth=5, activation=activation, init=init)


def over_mean(values: Runs, reference: Runs) -> list[float]:
    """Each as a multiple of the mean of the reference: their mean is the ratio of the means."""
    return [value / float(np.mean(list(reference.values()))) for value in values.values()] if reference else []


def of_digits(results: Results) -> list[Claim]:
    """Replica of the training of 64-5×100-10 networks, each at its rate of the first table."""
    steps, pick = results.scale.choose(1000, 4000), results.scale.choose
    found = []
    for activation, least, most in (("tanh", 3, pick(0.06, 0.045)), ("softsign", 4, pick(0.09, 0.05))):
        normal, standard = (digits_error(results, activation, init, 500) for init in ("Glorot", "Standard"))
        a, b = matched(normal, standard)
        found += [
            claim(f"{activation}, normalized: learns the digits", "replica", list(digits_error(results, activation, "Glorot", steps).values()),
                  lambda mean, most=most: mean <= most, f"error at most {most} after {steps} steps", unit="%"),
            claim(f"{activation}: after 500 steps the standard start is far behind", "figure 12", over_mean(standard, normal),
                  lambda mean, least=least: mean >= least, f"at least {least} times the error of normalized", unit="times"),
            every(f"{activation}: normalized is ahead of standard after 500 steps", "figure 12", [y - x for x, y in zip(a, b, strict=True)],
                  lambda gap: gap > 0, "in every seed", unit="%")]
    low, high = matched(*(digits_error(results, "tanh", init, steps) for init in ("Glorot", "Standard")))
    found += [difference("tanh: normalized is better than standard at the end too", "table 1", low, high, unit="%")]
    chance = [("tanh", "N(0, 0.01)", "N(0, 0.01²)"), ("sigmoid", "Standard", "standard"), ("sigmoid", "Glorot", "normalized")]
    found += [claim(f"{activation}, {label}: stays at chance", "replica", list(digits_error(results, activation, init, steps).values()),
                    lambda mean: mean >= CHANCE, f"error at least {CHANCE} after {steps} steps", unit="%")
              for activation, init, label in chance]
    wild = over_mean(digits_error(results, "tanh", "N(0, 1)", steps), digits_error(results, "tanh", "Glorot", steps))
    most = pick(0.08, 0.045)
    return [*found,
            claim("tanh, N(0, 1): saturated from the start, learns badly", "replica", wild, lambda mean: mean >= 5,
                  "at least 5 times the error of normalized", unit="times"),
            claim("ReLU, He: learns the digits", "replica", list(digits_error(results, "relu", "He", steps).values()),
                  lambda mean: mean <= most, f"error at most {most}", unit="%"),
            every("ReLU, N(0, 1): the cost overflows even at a learning rate of 0.001", "replica",
                  results.values(lambda result: float(result["diverged"] is not None), errors, activation="relu", init="N(0, 1)"),
                  lambda lost: lost == 1, "diverged, in every seed")]


def of_table(results: Results, data: str) -> list[Claim]:
    """Table 1's comparisons, on one set of data."""
    found, short = table(results, data), {EASY: "easy Shapeset"}.get(data, data)
    printed = PRINTED_DATA.index("Shapeset-3x2" if data in (EASY, "shapeset") else "MNIST")
    where = f"table 1, {PRINTED_DATA[printed]}"

    def numbers(*names: str) -> str:
        return " / ".join(f"{PRINTED[name][printed]} %" for name in names)

    others = matched(*found.values())
    gaps = matched(*(found[name] for name in ("tanh", "tanh N", "softsign", "softsign N")))
    worst = [sigmoid - max(rest) for *rest, sigmoid in zip(*others, strict=True)]
    more = [(t - tn) - (s - sn) for t, tn, s, sn in zip(*gaps, strict=True)]
    said = [
        difference(f"{short}: tanh N is better than tanh", where, *matched(found["tanh N"], found["tanh"]),
                   paper=numbers("tanh N", "tanh"), unit="%", reason=REASONS.get((data, "tanh"), "")),
        difference(f"{short}: softsign is better than tanh, both with the standard start", where,
                   *matched(found["softsign"], found["tanh"]), paper=numbers("softsign", "tanh"), unit="%",
                   reason=REASONS.get((data, "softsign"), "")),
        claim(f"{short}: normalization helps tanh more than softsign", where, more, lambda mean: mean > 0,
              "a larger gain in error, on the mean", paper=" / ".join(
                  f"{PRINTED[name][printed] - PRINTED[name + ' N'][printed]:.2f} points" for name in ("tanh", "softsign")),
              unit="%", reason=REASONS.get((data, "more"), "")),
        every(f"{short}: sigmoid is the worst of the five", where, worst, lambda gap: gap > 0, "in every seed",
              paper=numbers("sigmoid"), unit="%", reason=REASONS.get((data, "sigmoid"), ""))]
    if data == EASY:
        at = {name: list(watched_net(results, error_at(8000), name, EASY).values()) for name in NETS}
        low, high = matched(*(watched_net(results, error_at(8000), name, EASY) for name in ("tanh N", "tanh")))
        said += [difference(f"{short}: tanh N is ahead of tanh after 8000 steps", "figure 11", low, high, unit="%"),
                 claim(f"{short}: the sigmoid network does not learn at all", where, at["sigmoid"], lambda mean: mean >= 0.6,
                       "error at least 0.6 after 8000 steps (chance: 0.67)", paper=numbers("sigmoid"), unit="%")]
    if data not in (EASY, "digits"):
        limit = 2.0 if printed == 0 else 0.3
        said += [claim(f"{name}: the test error is the paper's", where, [100 * value for value in found[name].values()],
                       lambda mean, name=name: abs(mean - PRINTED[name][printed]) <= limit,
                       f"within {limit} points (for files other than MNIST's this says nothing)", paper=numbers(name), unit="%")
                 for name in NETS]
    return said


def top(step: int | None = None) -> Any:
    """Mean activation of the last hidden layer after a number of steps."""
    def pick(result: Result) -> float:
        rows = [row for row in result["readings"] if step is None or row["step"] == step]
        return float(rows[-1]["mean"][-1])
    return pick


def of_plateaus(results: Results) -> list[Claim]:
    """Figure 2: sigmoid networks, whose top layer is driven to 0."""
    where, lowest = "figure 2", column("mean", lambda mean: mean[:, -1].min())

    def of(pick: Any, depth: int, init: str) -> list[float]:
        return list(runs(results, pick, data="digits", activation="sigmoid", depth=depth, init=init).values())

    if results.scale.name == "quick":
        return [claim(f"sigmoid, 5 layers, {label}: the top layer sinks", where, of(top(1000), 5, init), lambda mean: mean < 0.35,
                      "mean activation of the top layer below 0.35 after 1000 steps (0.5 at the start)")
                for init, label in (("Standard", "standard"), ("Glorot", "normalized"))]
    found = []
    for init, label in (("Standard", "standard"), ("Glorot", "normalized")):
        found += [claim(f"sigmoid, 5 layers, {label}: the top layer falls to 0 and stays", where, of(top(), 5, init),
                        lambda mean: mean < 0.1, "mean activation below 0.1 after 12,000 steps", paper="never leaves 0"),
                  claim(f"sigmoid, 5 layers, {label}: nothing is learned", where, of(error_at(), 5, init),
                        lambda mean: mean >= CHANCE, f"error at least {CHANCE} after 12,000 steps", unit="%")]
    layer_1 = column("mean", lambda mean: np.abs(mean[:, 0] - 0.475).max())
    far = [value for depth, init in ((3, "Glorot"), (4, "Glorot"), (5, "Standard"), (5, "Glorot")) for value in of(layer_1, depth, init)]
    return [*found,
            claim("sigmoid, 3 layers, normalized: the top layer falls", where, of(lowest, 3, "Glorot"), lambda mean: mean < 0.35,
                  "lowest mean activation below 0.35"),
            claim("sigmoid, 3 layers, normalized: and recovers", where,
                  [a - b for a, b in zip(of(top(), 3, "Glorot"), of(lowest, 3, "Glorot"), strict=True)], lambda mean: mean > 0.1,
                  "more than 0.1 above its lowest at the end"),
            claim("sigmoid, 3 layers, normalized: learns then", where, of(error_at(), 3, "Glorot"), lambda mean: mean < 0.08,
                  "error below 0.08 after 12,000 steps", unit="%"),
            claim("sigmoid, 4 layers, normalized: the top layer falls to 0", where, of(lowest, 4, "Glorot"), lambda mean: mean < 0.12,
                  "lowest mean activation below 0.12", paper="0 at once"),
            claim("sigmoid, 4 layers, normalized: and leaves it late", where, of(top(), 4, "Glorot"), lambda mean: mean > 0.2,
                  "mean activation above 0.2 after 12,000 steps", paper="near epoch 100", reason=REASONS.get("late", "")),
            every("sigmoid: layer 1 stays in its middle", where, far, lambda off: off <= 0.075,
                  "its mean between 0.4 and 0.55 at every reading (here: the largest distance from 0.475)")]


def of_four_sigmoids(results: Results) -> list[Claim]:
    """Figure 2 at the paper's size."""
    lowest = runs(results, column("mean", lambda mean: mean[:, -1].min()), depth=4)
    rise = runs(results, column("mean", lambda mean: mean[-1, -1] - mean[:, -1].min()), depth=4)
    return [claim("sigmoid, 4 layers: the top layer falls to 0", "figure 2", list(lowest.values()), lambda mean: mean < 0.12,
                  "lowest mean activation below 0.12", paper="0 at once"),
            claim("sigmoid, 4 layers: and leaves it", "figure 2", list(rise.values()), lambda mean: mean > 0.1,
                  "more than 0.1 above its lowest at the end", paper="near epoch 100")]


def share(layers: Sequence[int], low: float, high: float) -> Any:
    """The share of the final activations of these layers, whose magnitude is between two numbers."""
    inside = (np.abs(CENTRES) >= low) & (np.abs(CENTRES) < high)

    def pick(result: Result) -> float:
        counts = np.array([result["histograms"][k] for k in layers], float)
        return float((counts[:, inside].sum(1) / counts.sum(1)).mean()) if counts.sum() else float("nan")
    return pick


in_order = column("high", lambda high: np.diff(-high[:, :3], axis=1).min())
uneven = column("high", lambda high: np.ptp(high[-1]))
spread = column("weight_gradient", lambda g: np.exp(np.log(g[1:].max(1) / g[1:].min(1)).mean()))
spread_first = column("weight_gradient", lambda g: g[0].max() / g[0].min())
spread_last = column("weight_gradient", lambda g: g[-1].max() / g[-1].min())
first_to_last = column("gradient", lambda g: g[0, 0] / g[0, -1])
on_the_way = column("error", lambda error: error[1:].mean())


def of_layers(results: Results) -> list[Claim]:
    """Figures 3, 4, 7, 9 and 11: layers during training."""
    found = [
        difference("tanh, at the start: standard lets back-propagated gradients shrink more than normalized does", "figure 7",
                   *matched(*(watched_net(results, first_to_last, name) for name in ("tanh", "tanh N"))),
                   "a smaller std(dC/ds) of layer 1 / layer 5"),
        difference("tanh, standard: weight gradients of the layers, alike at the start, come apart in training", "figure 9",
                   *matched(*(watched_net(results, pick, "tanh") for pick in (spread_first, spread_last))),
                   "largest / smallest std over the layers: start < end"),
        difference("tanh, in training: normalized keeps the weight gradients of the layers more alike", "figure 9",
                   *matched(*(watched_net(results, spread, name) for name in ("tanh N", "tanh"))),
                   "largest / smallest std over the layers, geometric mean of all readings"),
        difference("tanh: the error during training is lower from the normalized start", "figure 11",
                   *matched(*(watched_net(results, on_the_way, name) for name in ("tanh N", "tanh"))),
                   "a smaller mean of the readings", unit="%")]
    if main_data(results.scale) == "digits":
        return found
    return found + [
        every("tanh, standard: layer 1 saturates first, then layers 2 and 3", "figure 3",
              list(watched_net(results, in_order, "tanh").values()), lambda gap: gap > 0,
              "98th percentile of |z|, at every reading: layer 1 > 2 > 3 (here: the smallest gap)"),
        difference("softsign: layers saturate together, unlike those of tanh", "figure 3",
                   *matched(*(watched_net(results, uneven, name) for name in ("softsign", "tanh"))),
                   "98th percentiles of |z| at the end: a smaller range over the layers", reason=REASONS["together"]),
        claim("tanh, standard: layer 1 ends piled up at −1 and 1", "figure 4",
              list(watched_net(results, share([0], 0.9, 1.1), "tanh").values()), lambda mean: mean > 0.2,
              "more than 0.2 of |z| above 0.9 (if z were uniform: 0.1)"),
        claim("tanh, standard: layers 3 to 5 end piled up at 0", "figure 4",
              list(watched_net(results, share([2, 3, 4], 0, 0.1), "tanh").values()), lambda mean: mean > 0.12,
              "more than 0.12 of |z| below 0.1 (uniform: 0.1)"),
        claim("softsign: layer 1 ends at the knees", "figure 4", list(watched_net(results, share([0], 0.6, 0.8), "softsign").values()),
              lambda mean: mean > 0.25, "more than 0.25 of |z| in 0.6 to 0.8 (uniform: 0.2)", paper="0.6 to 0.8"),
        claim("softsign: layers 2 to 5 end at the knees too", "figure 4",
              list(watched_net(results, share([1, 2, 3, 4], 0.6, 0.8), "softsign").values()), lambda mean: mean > 0.25,
              "more than 0.25 of |z| in 0.6 to 0.8 (uniform: 0.2)", paper="0.6 to 0.8", reason=REASONS["knees"])]


def of_digits_saturation(results: Results) -> list[Claim]:
    return [every("digits, tanh, standard: layer 1 saturates first, then layers 2 and 3", "figure 3",
                  list(watched_net(results, in_order, "tanh", "digits").values()), lambda gap: gap > 0,
                  "98th percentile of |z|, at every reading: layer 1 > 2 > 3 (here: the smallest gap)", reason=REASONS["digits"])]


REASONS: dict[Any, str] = {"together": "", "knees": "", "digits": ""}
