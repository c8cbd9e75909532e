"""What Santurkar et al. 2018 claim about noise after BatchNorm, judged by the runs."""

from __future__ import annotations

import numpy as np

from ...lab.trained import error_at, trained
from ...reproduce.bounds import less_apart, near
from ...reproduce.claims import Claim, Origin, claim, difference
from ...reproduce.paper import Pick, Results, texts
from ...reproduce.series import Series
from ...sweeps.trials import Numbers
from .plan import LAYERS, NETWORKS, setting

PLAIN, NORMALIZED, NOISY = NETWORKS
WHERE: tuple[Origin, str] = ("paper", "sec. 2.1, figure 2")
TRIAL = {PLAIN: (0.89, 0.39), NORMALIZED: (0.019, 0.0), NOISY: (0.025, 0.51)}     # error, and drift of the middle layer
CLOSE = {PLAIN: (0.05, 0.15), NORMALIZED: (0.015, 0.02), NOISY: (0.015, 0.1)}    # tolerances of the same
IDS = {PLAIN: "plain", NORMALIZED: "bn", NOISY: "noisy"}
MIDDLE = (LAYERS + 1) // 2
STEADY = "after the first quarter of training"


def claims(results: Results) -> list[Claim]:
    return [*of_learning(results), *of_drifts(results)]


def late_error(result: Numbers) -> float:
    """The mean test error over the readings of the last tenth of training: from one step to the next it moves by points."""
    rows = [row for row in result["readings"] if row["step"] >= 0.9 * result["readings"][-1]["step"]]
    return float(np.mean([row["error"] for row in rows])) if result["diverged"] is None else error_at()(result)


def of(results: Results, network: str, pick: Pick) -> Series:
    return results.series(pick, trained, **setting(results.scale, network))


def of_layer(results: Results, network: str, layer: int, key: str = "moved") -> Series:
    """A number of a hidden layer, counted from 1."""
    return of(results, network, lambda result: float(result[key][layer - 1]))


def of_learning(results: Results) -> list[Claim]:
    plain, normalized, noisy = (of(results, network, late_error) for network in NETWORKS)
    steps = setting(results.scale, PLAIN)["steps"]
    numbers = [] if results.scale.name == "paper" else [
        claim(f"{IDS[network]}-error", f"{network}: test error, steps {9 * steps // 10} to {steps}", "independent", "", found,
              near(TRIAL[network][0], CLOSE[network][0], "%"), unit="%", reason=texts(__file__)("reason: errors"))
        for network, found in zip(NETWORKS, (plain, normalized, noisy), strict=True)]
    return [*numbers,
            claim("noisy-as-good", "noisy BatchNorm learns as well as BatchNorm: its test error less that of BatchNorm", *WHERE,
                  noisy - normalized, less_apart(0.02, "points"), paper="almost alike", unit="points"),
            difference("noisy-beats-plain", "noisy BatchNorm learns better than the plain network: test error", *WHERE, noisy,
                       plain, paper="much better", unit="%")]


def of_drifts(results: Results) -> list[Claim]:
    layers = range(1, LAYERS + 1)
    numbers = [] if results.scale.name == "paper" else [
        claim(f"{IDS[network]}-drift", f"{network}: drift of a unit's mean, over the unit's spread, in hidden layer {MIDDLE}, "
              f"{STEADY}", "independent", "", of_layer(results, network, MIDDLE, "drift"),
              near(TRIAL[network][1], CLOSE[network][1])) for network in NETWORKS]
    noisy, plain = (of_layer(results, network, LAYERS, "drift") for network in (NOISY, PLAIN))
    return [*numbers,
            *(difference(f"noisy-moves-more-{layer}", "the mean of a unit's input moves further with noisy BatchNorm than in "
                         f"the plain network, hidden layer {layer}, {STEADY}", *WHERE, of_layer(results, PLAIN, layer),
                         of_layer(results, NOISY, layer), "a larger mean", paper="less stable than without BatchNorm")
              for layer in layers),
            *(difference(f"bn-moves-less-{layer}", "the mean of a unit's input moves less with BatchNorm than in the plain "
                         f"network, hidden layer {layer}, {STEADY}", "project", "after figure 2",
                         of_layer(results, NORMALIZED, layer), of_layer(results, PLAIN, layer),
                         reason=texts(__file__)("reason: moves")) for layer in layers[1:]),
            difference("last-drifts-less", "relative to the spread between images, a unit of the last hidden layer drifts less "
                       "with noisy BatchNorm than in the plain network", "project", "", noisy, plain)]
