"""Glorot & Bengio 2010, training: the claims about layers, of figures 2 to 4, 7, 9 and 11."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...lab.dense import error_at
from ...sweeps.trials import Numbers
from ..claims import Claim, claim, difference, every
from ..paper import Results
from .training_plan import PLATEAUS, Runs, column, main_data, pair, runs, watched_net
from .training_runs import BINS, watched

CENTRES = (np.arange(BINS) + 0.5) * 2 / BINS - 1
STARTS = (("Standard", "standard"), ("Glorot", "normalized"))
# What was found by looking, shown at scale small alone; what a page's own runs tell is computed from them.
TOGETHER = ("Here layer 1 leads with softsign too. It starts ahead (98th percentile 0.5, of layer 5 0.05; measured at scale "
            "small), and 12,000 steps are short: the paper's networks make 5 million. At a learning rate of 0.1 the upper "
            "layers follow further, still not together (measured apart from this page, 12,000 steps, 5 seeds: 0.95, 0.76, "
            "0.68, 0.65, 0.59).")
KNEES = ("12,000 steps at a learning rate of 0.03 are short: the upper layers still grow when the run ends, see figure 3. It "
         "goes the paper's way (measured apart from this page, one run of 24,000 steps at 0.1: 98th percentiles of layers 2 to "
         "5 0.82, 0.78, 0.77, 0.70, and 40 % of layer 2, 24 % of layer 3 at the knees).")
DIGITS = ("It begins in this order, and turns round in training: see figure 3. The pixels are from 0 to 1, with an rms of 0.48 "
          "against 0.81 in Shapeset, so that layer 1 gets little. With the same pixels from −1 to 1, rms 0.85, layer 1 ends "
          "above layers 2 and 3, but layers 4 and 5 above it (measured apart from this page, 4000 steps, 5 seeds: 0.93, 0.87, "
          "0.90, 0.96, 0.99).")


def top(step: int | None = None) -> Any:
    """Mean activation of the last hidden layer after a number of steps."""
    def pick(result: Numbers) -> float:
        rows = [row for row in result["readings"] if step is None or row["step"] == step]
        return float(rows[-1]["mean"][-1])
    return pick


def of_plateaus(results: Results) -> list[Claim]:
    """Figure 2: sigmoid networks, whose top layer is driven to 0."""
    where, lowest = "figure 2", column("mean", lambda mean: mean[:, -1].min())

    def of(pick: Any, depth: int, init: str) -> list[float]:
        return list(runs(results, pick, data="digits", activation="sigmoid", depth=depth, init=init).values())

    if results.scale.name == "quick":
        return [claim(f"sigmoid, 5 layers, {label}: the top layer sinks", where, of(top(1000), 5, init),
                      lambda mean: mean < 0.35, "mean activation below 0.35 after 1000 steps")
                for init, label in STARTS]
    found = []
    for init, label in STARTS:
        found += [claim(f"sigmoid, 5 layers, {label}: the top layer falls to 0 and stays", where, of(top(), 5, init),
                        lambda mean: mean < 0.1, "mean activation below 0.1 after 12,000 steps", paper="never leaves 0"),
                  claim(f"sigmoid, 5 layers, {label}: nothing is learned", where, of(error_at(), 5, init),
                        lambda mean: mean >= 0.85, "error at least 85 % after 12,000 steps", unit="%")]
    return [*found,
            claim("sigmoid, 3 layers, normalized: the top layer falls", where, of(lowest, 3, "Glorot"),
                  lambda mean: mean < 0.35, "lowest mean activation below 0.35"),
            claim("sigmoid, 3 layers, normalized: the top layer recovers", where,
                  [a - b for a, b in zip(of(top(), 3, "Glorot"), of(lowest, 3, "Glorot"), strict=True)],
                  lambda mean: mean > 0.1, "more than 0.1 above its lowest at the end"),
            claim("sigmoid, 3 layers, normalized: learns at last", where, of(error_at(), 3, "Glorot"), lambda mean: mean < 0.08,
                  "error below 0.08 after 12,000 steps", unit="%"),
            claim("sigmoid, 4 layers, normalized: the top layer falls to 0", where, of(lowest, 4, "Glorot"),
                  lambda mean: mean < 0.12, "lowest mean activation below 0.12", paper="0 at once"),
            claim("sigmoid, 4 layers, normalized: the top layer leaves 0 late", where, of(top(), 4, "Glorot"),
                  lambda mean: mean > 0.2, "mean activation above 0.2 after 12,000 steps", paper="near epoch 100"),
            *of_first_layers(results)]


def of_first_layers(results: Results) -> list[Claim]:
    """Figure 2, what is not driven to 0: layer 1 of the networks of 3 to 5 layers, at all readings."""
    nets = [(depth, init) for depth, init in PLATEAUS if depth >= 3]
    found = [{one.trial.settings["seed"]: one.result["readings"] for one in results.of(
        watched, data="digits", activation="sigmoid", depth=depth, init=init) if one.result["diverged"] is None}
        for depth, init in nets]
    seeds = sorted(set.intersection(*map(set, found)))
    means = np.array([[row["mean"][0] for net in found for row in net[seed]] for seed in seeds])        # seeds, readings
    furthest, far, reason = [], [], ""
    if seeds:
        off = np.abs(means - 0.475)
        furthest, far = means[:, np.abs(means.mean(0) - 0.475).argmax()].tolist(), off.max(1).tolist()
        row, place = divmod(int(off.argmax()), off.shape[1])
        depth, init = nets[place // (off.shape[1] // len(nets))]
        reason = (f"It is furthest in the network of {depth} layers, {dict(STARTS)[init]}, seed {seeds[row]}: "
                  f"{means[row, place]:.2f}.")
    return [claim("sigmoid, 3 to 5 layers: layer 1 stays in its middle, on the mean over the seeds", "figure 2", furthest,
                  lambda mean: 0.4 <= mean <= 0.55, "its mean activation between 0.4 and 0.55 at all readings of all six "
                  "networks (here: where it is furthest from 0.475)"),
            every("sigmoid, 3 to 5 layers: layer 1 stays in its middle, seed by seed", "figure 2", far,
                  lambda off: off <= 0.075, "its mean activation within 0.075 of 0.475 at all readings of all "
                  "six networks, in every seed", reason=reason)]


def of_four_sigmoids(results: Results) -> list[Claim]:
    """Figure 2 at the paper's size."""
    lowest = runs(results, column("mean", lambda mean: mean[:, -1].min()), depth=4)
    rise = runs(results, column("mean", lambda mean: mean[-1, -1] - mean[:, -1].min()), depth=4)
    five = runs(results, top(), activation="sigmoid", depth=5, init="Standard", lr=0.1)
    return [claim("sigmoid, 5 layers: the top layer never leaves 0", "figure 2", list(five.values()), lambda mean: mean < 0.1,
                  "mean activation below 0.1 at the end", paper="never leaves 0"),
            claim("sigmoid, 4 layers: the top layer falls to 0", "figure 2", list(lowest.values()), lambda mean: mean < 0.12,
                  "lowest mean activation below 0.12", paper="0 at once"),
            claim("sigmoid, 4 layers: the top layer leaves 0 again", "figure 2", list(rise.values()), lambda mean: mean > 0.1,
                  "more than 0.1 above its lowest at the end", paper="near epoch 100")]


def share(layers: Sequence[int], low: float, high: float) -> Any:
    """The share of the final activations of these layers, whose magnitude is between two numbers."""
    inside = (np.abs(CENTRES) >= low) & (np.abs(CENTRES) < high)

    def pick(result: Numbers) -> float:
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
    def of(pick: Any, name: str) -> Runs:
        return watched_net(results, pick, name)

    def both(pick: Any, low: str, high: str) -> tuple[list[float], list[float]]:
        return pair(of(pick, low), of(pick, high))

    found = [
        difference("tanh, at the start: dC/ds shrinks more on its way down from standard than from normalized", "figure 7",
                   *both(first_to_last, "tanh", "tanh N"), "a smaller std of dC/ds, layer 1 / layer 5"),
        difference("tanh, standard: weight gradients, alike in all layers at the start, come apart", "figure 9 (from memory)",
                   *pair(of(spread_first, "tanh"), of(spread_last, "tanh")), "largest / smallest std: start < end"),
        alike(*both(spread, "tanh N", "tanh"), "tanh", coming_apart(results, main_data(results.scale))),
        difference("tanh: the error during training is lower from the normalized start", "figure 11 (from memory)",
                   *both(on_the_way, "tanh N", "tanh"), "a smaller mean of the readings", unit="%")]
    if main_data(results.scale) == "digits":
        return found
    small = results.scale.name == "small"                           # the reasons are of its runs
    knees = share([0], 0.6, 0.8), share([1, 2, 3, 4], 0.6, 0.8)
    return [
        *found,
        in_turn(of(in_order, "tanh"), "tanh, standard"),
        difference("softsign: layers saturate together, unlike those of tanh", "figure 3", *both(uneven, "softsign", "tanh"),
                   "a smaller range of the 98th percentiles, at the end", reason=TOGETHER if small else ""),
        claim("tanh, standard: layer 1 ends piled up at −1 and 1", "figure 4", list(of(share([0], 0.9, 1.1), "tanh").values()),
              lambda mean: mean > 0.2, "over 0.2 have |z| > 0.9 (uniform: 0.1)"),
        claim("tanh, standard: layers 3 to 5 end piled up at 0", "figure 4",
              list(of(share([2, 3, 4], 0, 0.1), "tanh").values()), lambda mean: mean > 0.12,
              "over 0.12 have |z| < 0.1 (uniform: 0.1)"),
        claim("softsign: layer 1 ends at the knees", "figure 4", list(of(knees[0], "softsign").values()),
              lambda mean: mean > 0.25, "over 0.25 have |z| in 0.6 to 0.8 (uniform: 0.2)", paper="0.6 to 0.8"),
        claim("softsign: layers 2 to 5 end at the knees too", "figure 4", list(of(knees[1], "softsign").values()),
              lambda mean: mean > 0.25, "over 0.25 have |z| in 0.6 to 0.8 (uniform: 0.2)", paper="0.6 to 0.8",
              reason=KNEES if small else "")]


def of_digits_saturation(results: Results) -> list[Claim]:
    spreads = pair(*(watched_net(results, spread, name, "digits") for name in ("tanh N", "tanh")))
    return [in_turn(watched_net(results, in_order, "tanh", "digits"), "digits, tanh, standard", DIGITS),
            alike(*spreads, "digits, tanh", coming_apart(results, "digits"))]


def coming_apart(results: Results, data: str) -> str:
    """How far apart the weight gradients of the layers are before and after training, in words; "" without runs."""
    said = []
    for name, start in (("tanh", "standard"), ("tanh N", "normalized")):
        ends = [list(watched_net(results, pick, name, data).values()) for pick in (spread_first, spread_last)]
        if not all(ends):
            return ""
        said += [f"from {np.mean(ends[0]):.1f} to {np.mean(ends[1]):.1f} ({start})"]
    return (f"From the start of training to its end largest / smallest goes {' and '.join(said)}, on the mean: it grows from "
            "either start as a network learns, and the normalized one learns earlier (see figures 11 and 12).")


def alike(normalized: list[float], standard: list[float], what: str, reason: str) -> Claim:
    return difference(f"{what}, in training: normalized keeps the weight gradients of the layers more alike",
                      "figure 9 (from memory)", normalized, standard, "a smaller largest / smallest std, over all readings",
                      reason=reason)


def in_turn(gaps: Runs, what: str, reason: str = "") -> Claim:
    return every(f"{what}: layer 1 saturates first, then layers 2 and 3", "figure 3", list(gaps.values()), lambda gap: gap > 0,
                 "98th percentiles of |z|, at every reading: layer 1 > 2 > 3", reason=reason)
