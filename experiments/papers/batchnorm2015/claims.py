"""What Ioffe & Szegedy 2015 claim, asked of the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from ...lab.dense import error_at, errors
from ...reports.statistics import number
from ...sweeps.trials import Done, Numbers, Settings
from ..claims import Claim, claim, difference, every
from ..paper import Results
from .plan import BATCH, MOMENTA, RATES, STARTS, bias_setting, momentum_setting, rates, setting, shown, swept
from .runs import SETTLED, exact, followed, redundant

LEARNED = 0.1                                                       # a network whose error is below it has learned
EARLY = 10                                                          # steps, of the reading that momentum decides about
ROUNDING = 1e-9


def claims(results: Results) -> list[Claim]:
    found = figure_claims(results)
    if results.scale.name != "paper":
        found += [*start_claims(results), *rate_claims(results), *momentum_claims(results), *bias_claims(results)]
    return [*found, *exact_claims(results)]


def less(what: str, source: str, pair: list[list[float]], **options: Any) -> Claim:
    """A claim that of two the first is smaller."""
    low, high = pair
    return difference(what, source, low, high, **options)


def steps_to_learn(result: Numbers) -> float:
    """The first step at which the error was read as below 10 %; the last step where it never was."""
    return float(next((row["step"] for row in result["readings"] if row["error"] < LEARNED), result["readings"][-1]["step"]))


def moved(result: Numbers) -> float:
    return float(result["moved"])


def figure_claims(results: Results) -> list[Claim]:
    """Figure 1, at the rate that it is drawn for."""
    normalized, plain = shown(results.scale, True), shown(results.scale, False)
    rate = f"learning rate {normalized['lr']:g}"
    faster = results.paired(steps_to_learn, followed, normalized, plain)
    ends = results.paired(error_at(), followed, normalized, plain)
    moves = results.paired(moved, followed, normalized, plain)
    found = [less(f"With BN fewer steps to 10 % error, {rate} (the last step, if never)", "figure 1 a", faster,
                        asked="fewer steps"),
             less(f"With BN the error is lower at the end, {rate}", "figure 1 a", ends, unit="%")]
    if results.scale.name == "paper":
        return [*found, less("The percentiles of a typical sigmoid's input move less with BN", "figure 1 b, c", moves)]
    in_training = results.values(itemgetter("moved_of_batch"), followed, **normalized)
    return [*found,
            claim(f"With BN a typical sigmoid's percentiles stay, from step {SETTLED}, {rate}, evaluation: moved by",
                  "figure 1 c", moves[0], lambda m: m < 0.7, "< 0.7", paper="stable",
                  reason=why_moved(results, normalized)),
            claim("With BN a typical sigmoid's percentiles stay, statistics of the examples, as in training: moved by",
                  "figure 1 c", in_training, lambda m: m < 0.7, "< 0.7", paper="stable"),
            claim(f"Without BN a typical sigmoid's percentiles drift, {rate}: moved by", "figure 1 b", moves[1],
                  lambda m: m > 1, "> 1", paper="drift"),
            less("The percentiles of a typical sigmoid's input move less with BN", "figure 1 b, c", moves)]


def why_moved(results: Results, normalized: Settings) -> str:
    """Two parts, each measured on the same runs: the noise of the running statistics, and γ, which grows."""
    runs = [one.result for one in results.of(followed, **normalized)]
    if not runs:
        return ""
    evaluated, trained, inner = (float(np.mean([run[key] for run in runs]))
                                 for key in ("moved", "moved_of_batch", "moved_normalized"))
    first, last = (float(np.mean([row["gamma"] for run in runs for row in run["readings"] if row["step"] == step]))
                   for step in (SETTLED, normalized["steps"]))
    return (f"In evaluation the running statistics, averages over some ten batches of {BATCH}, follow with noise. With the "
            "statistics of the test examples themselves, as in training, the same percentiles of the same networks move by "
            f"{number(trained)} instead of {number(evaluated)}; and that is mostly γ, which is learned: its median grows from "
            f"{number(first)} to {number(last)}. Before γ and β they move by {number(inner)}. The paper does not say in which "
            "mode its figure was drawn.")


def start_claims(results: Results) -> list[Claim]:
    """The replica's table."""
    scale, found = results.scale, []
    for batch_norm, holds, asked in ((True, lambda e: e <= 0.10, "≤ 10 %"), (False, lambda e: e >= 0.6, "≥ 60 %")):
        values = results.values(error_at(200), followed, **setting(scale, batch_norm, RATES[0]))
        found.append(every(f"Error after 200 steps with{'' if batch_norm else 'out'} BN, learning rate {RATES[0]:g}",
                           "figure 1 a", values, holds, asked + " in each seed", unit="%"))
    for lr in RATES:
        how = setting(scale, True, lr)
        found.append(claim(f"Error with BN after {how['steps']} steps, learning rate {lr:g}", "figure 1 a",
                           results.values(error_at(), followed, **how), lambda e: e <= 0.03, "≤ 3 %", unit="%"))
    steps = setting(scale, True, RATES[0])["steps"]
    small = [results.values(error_at(), followed, **setting(scale, batch_norm, RATES[0], STARTS[1]))
             for batch_norm in (True, False)]
    return [*found,
            claim(f"From N(0, 0.01²), with BN: error after {steps} steps, learning rate {RATES[0]:g}", "ours", small[0],
                  lambda e: e <= 0.05, "≤ 5 %", unit="%"),
            claim("From N(0, 0.01²), without BN: it does not learn", "ours", small[1], lambda e: e >= 0.85, "≥ 85 %", unit="%")]


def finals(results: Results, batch_norm: bool) -> dict[float, list[float]]:
    """Errors at the end, by learning rate, of each seed."""
    return {lr: results.values(error_at(), errors, **swept(results.scale, batch_norm, lr)) for lr in rates(results.scale)}


def span(runs: Sequence[Done]) -> float:
    """The largest over the smallest rate at which one seed learned; 1 where it learned at one rate, or at none."""
    learned = [one.trial.settings["lr"] for one in runs if error_at()(one.result) < LEARNED]
    return max(learned) / min(learned) if learned else 1.0


def spans(results: Results, batch_norm: bool) -> list[float]:
    """Of each seed all of whose rates ended."""
    seeds: dict[int, list[Done]] = {}
    for lr in rates(results.scale):
        for one in results.of(errors, **swept(results.scale, batch_norm, lr)):
            seeds.setdefault(one.trial.settings["seed"], []).append(one)
    return [span(runs) for _, runs in sorted(seeds.items()) if len(runs) == len(rates(results.scale))]


def best(by_rate: dict[float, list[float]]) -> float | None:
    """The rate of the lowest mean error."""
    means = {lr: float(np.mean(values)) for lr, values in by_rate.items() if values}
    return min(means, key=means.__getitem__) if means else None


def rate_claims(results: Results) -> list[Claim]:
    """Normalization allows higher learning rates."""
    scale = results.scale
    wide, narrow = spans(results, True), spans(results, False)
    ratios = [a / b for a, b in zip(wide, narrow, strict=False)]
    found = [claim("Largest over smallest rate that ends below 10 % error: with BN, times that without", "the paper", ratios,
                   lambda r: r >= 10, "≥ 10")]
    for lr, what in ((10.0, "A high rate"), (0.03, "A low rate")):
        [with_bn, without] = [finals(results, batch_norm).get(lr, []) for batch_norm in (True, False)]
        found += [claim(f"{what} that only BN survives, {lr:g}: with BN", "the paper", with_bn, lambda e: e < LEARNED,
                        "< 10 %", unit="%"),
                  claim(f"{what} that only BN survives, {lr:g}: without", "the paper", without, lambda e: e > 0.5,
                        "> 50 %", unit="%")]
    chosen = [best(finals(results, batch_norm)) for batch_norm in (True, False)]
    judged: list[list[float]] = [[], []]
    known = ""
    if chosen[0] is not None and chosen[1] is not None:
        judged = results.paired(error_at(), errors, swept(scale, True, chosen[0]), swept(scale, False, chosen[1]))
        known = f"; rates {chosen[0]:g} with, {chosen[1]:g} without"
    lower = less("Each at its best rate, chosen on the same test examples: BN ends lower", "figure 1 a", judged,
                 unit="%")
    return [*found, replace(lower, here=lower.here + known)]


def gap(step: int) -> Callable[[Numbers], float]:
    """How much larger the error with the running statistics is than with those of batches."""
    def pick(result: Numbers) -> float:
        row = next(row for row in result["readings"] if row["step"] == step)
        return float(row["error"] - row["of_batch"])
    return pick


def momentum_claims(results: Results) -> list[Claim]:
    """Running statistics begin at 0 and 1 and lag: what early readings in test mode say."""
    low, usual, high = (momentum_setting(results.scale, momentum) for momentum in MOMENTA)
    late = results.values(gap(200), followed, **usual)
    names = "running statistics' error over that of batch statistics, step"
    return [every(f"Momentum 0.1: {names} {EARLY}", "ours", results.values(gap(EARLY), followed, **usual),
                  lambda e: e > 0.1, "> 10 points in each seed", unit="%"),
            less(f"Momentum 0.5 instead of 0.1: {names} {EARLY}", "ours",
                       results.paired(gap(EARLY), followed, high, usual), unit="%"),
            claim(f"Momentum 0.1: {names} 200", "ours", late,
                  lambda e: abs(e) < 0.02, "within 2 points", unit="%"),
            less(f"Momentum 0.1 instead of 0.01: {names} 100", "ours",
                       results.paired(gap(100), followed, usual, low), unit="%")]


def bias_claims(results: Results) -> list[Claim]:
    """The bias before a normalization does nothing."""
    how = bias_setting(results.scale)

    def unequal(result: Numbers) -> float:
        return float(max(abs(a["error"] - b["error"]) for a, b in zip(result["with_bias"], result["without"], strict=True)))
    return [every("Biases N(0, 1) before BN, or none, batch statistics: largest difference of the error curves", "the paper",
                  results.values(unequal, redundant, **how), lambda e: e == 0, "0 in each seed", paper="redundant"),
            every(f"Biases N(0, 1) before BN, or none: largest difference of the outputs after {how['steps']} steps, float64",
                  "the paper",
                  results.values(itemgetter("apart"), redundant, **how), lambda a: a < ROUNDING, "< 1e-09"),
            every("Largest derivative by such a bias, relative to the largest by a weight", "the paper",
                  results.values(itemgetter("bias_gradient"), redundant, **how), lambda a: a < ROUNDING, "< 1e-09", paper="0")]


def exact_claims(results: Results) -> list[Claim]:
    """The gradients, and the two modes."""
    found = []
    for mode in ("training", "evaluation"):
        for name, symbol in (("x", "x"), ("gamma", "γ"), ("beta", "β")):
            values = [float(one.result[mode][name]) for one in results.of(exact)]
            found.append(every(f"Backward of BN by {symbol} in {mode}: relative error against finite differences", "the paper",
                               values,
                               lambda e: e < 1e-7, "< 1e-07", paper="exact"))
    return [*found, every("One batch in training and in evaluation: largest difference of BN's outputs", "the paper",
                          results.values(itemgetter("modes_apart"), exact), lambda d: d > 0.1, "> 0.1")]
