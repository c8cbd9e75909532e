"""What Srivastava et al. 2014 claim, judged by what came out here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..claims import Claim, claim, difference, every
from ..statistics import estimate, number
from ..sweep import Result, Settings
from .dropout2014_mnist import mnist_claims
from .dropout2014_plan import (
    CLEAN,
    FULL,
    NOISE,
    PLAIN,
    SLOW,
    autoencoder,
    counts,
    fixed,
    network,
    penalties,
    rates,
    sparse,
    width,
)
from .dropout2014_runs import autoencoded, exact, learned
from .paper import Results, Scale

TABLE_9 = "table 9"


def error(result: Result) -> float:
    return float(result["error"])


def training(result: Result) -> float:
    return float(result["training"])


def of(results: Results, settings: Settings, pick: Callable[[Result], float] = error) -> list[float]:
    """A number of each run of ``learned``, by seed."""
    return results.values(pick, learned, **settings)


def both(results: Results, *settings: Settings, pick: Callable[[Result], float] = error) -> list[list[float]]:
    """The numbers of several settings, of those seeds that ended in all of them."""
    runs = [{one.trial.settings["seed"]: pick(one.result) for one in results.of(learned, **each)} for each in settings]
    seeds = sorted(set.intersection(*map(set, runs)))
    return [[values[seed] for seed in seeds] for values in runs]


def mean(values: Sequence[float]) -> float:
    return estimate(values).mean


def percent(values: Sequence[float]) -> str:
    return f"{number(100 * mean(values))} %"


def ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Seed by seed; a denominator of 0 counts as a hundredth of a percent."""
    return [x / max(y, 1e-4) for x, y in zip(a, b, strict=True)]


def chosen(results: Results, choices: Sequence[Settings]) -> Settings:
    """Of the choices the one whose validation error is smallest in the mean; runs that are missing are not chosen."""
    def validation(changes: Settings) -> float:
        found = mean(of(results, network(results.scale, **changes), lambda result: float(result["validation"])))
        return math.inf if math.isnan(found) else found
    return min(choices, key=validation)


def needed(result: Result) -> float:
    """How many sampled networks it takes for their average to err as little as weight scaling does; inf if none."""
    return next((k for k, e in enumerate(result["averages"]["errors"], 1) if e <= result["error"]), math.inf)


def best_rate(results: Results, changes: Settings) -> float:
    """The learning rate of the smallest validation error; NaN if runs are missing."""
    found = [{"lr": lr} | dict(changes) for lr in rates(results.scale)]
    if not all(of(results, network(results.scale, **each)) for each in found):
        return math.nan
    return float(chosen(results, found)["lr"])


def claims(results: Results) -> list[Claim]:
    facts = exact_claims(results)
    if results.scale.name == "paper":
        return [*facts, *mnist_claims(results)]
    return [one for part in (main, activity, keeping, sizes, averaging, table_9, thumb) for one in part(results)] + facts


def main(results: Results) -> list[Claim]:
    """Tables 2 and 10, figure 4, and what is memorized."""
    net = partial(network, results.scale)
    plain, dropped = both(results, net(**PLAIN), net())
    learned_by_heart, not_learned = both(results, net(**PLAIN), net(), pick=training)
    half = width(results.scale) // 2
    return [
        difference("Dropout lowers the test error", "table 2", dropped, plain, paper="1.60 → 1.35 (logistic), 1.25 % (ReLU)", unit="%"),
        claim("by a factor (without / with)", "table 2", ratios(plain, dropped), lambda r: r >= 2, "at least 2 on labels of which 30 % "
              "are wrong", paper="1.2 to 1.3"),
        difference("So it does with half as many units", "figure 4",
                   *both(results, net(width=half), net(width=half, **PLAIN)), paper="at every size", unit="%"),
        claim("Without dropout the network learns the wrong labels by heart: training error", "section 1", learned_by_heart,
              lambda e: e <= 0.02, "at most 2 %", unit="%"),
        claim("With dropout it does not: training error", "section 1", not_learned, lambda e: abs(e - NOISE) <= 0.05,
              "30 ± 5 %, the share of wrong labels", unit="%"),
        max_norm(results),
        difference("Gaussian noise of the same variance does not do worse than dropout", "table 10",
                   *both(results, net(kind="Gaussian"), net()), paper="0.95 against 1.08 %", unit="%"),
    ]


def max_norm(results: Results) -> Claim:
    net = partial(network, results.scale)
    constrained, dropped = both(results, net(norm=2.0), net())
    few = results.scale.choose(100, 400)
    smaller, larger = both(results, net(examples=few, norm=2.0), net(examples=few))
    reason = ("the difference is smaller than the spread between seeds; with fewer examples, "
              f"{few}, it is {percent(smaller)} against {percent(larger)}.")
    return difference("Max-norm (c = 2) lowers the error further", "table 2", constrained, dropped, paper="1.25 → 1.06 %", unit="%",
                      reason=reason)


def activity(results: Results) -> list[Claim]:
    """Figures 7 and 8: sparsity."""
    def pairs(name: str) -> list[tuple[float, float]]:
        a, b = ({one.trial.settings["seed"]: one.result[name] for one in
                 results.of(autoencoded, **autoencoder(results.scale, keep))} for keep in (0.5, 1.0))
        return [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]

    def ratio(name: str) -> list[float]:
        return [a / b for a, b in pairs(name)]

    def gap(name: str) -> list[float]:
        return [a - b for a, b in pairs(name)]

    without, within = both(results, *sparse(results.scale).values(), pick=lambda result: float(result["silent"]))
    return [
        every("An autoencoder's units are less active with dropout: mean activation, with / without", "figure 8", ratio("mean"),
              lambda r: r <= 0.5, "at most 0.5", paper="0.7 / 2.0 = 0.35"),
        every("and more of them are silent (under 0.001), with / without", "figure 8", ratio("silent"), lambda r: r > 1, "above 1",
              paper="a sharp peak at 0"),
        every("and they become features: correlation of neighbouring pixels' weights, with less without", "figure 7", gap("neighbours"),
              lambda d: d > 0, "above 0", paper="edges, strokes, spots"),
        every("A classifier's second layer is sparser: silent share, with less without", "section 7.2",
              [b - a for a, b in zip(without, within, strict=True)], lambda gap: gap >= 0.15, "at least 15 points", unit="%"),
    ]


def keeping(results: Results) -> list[Claim]:
    """Figure 9: the effect of p."""
    scale, net = results.scale, partial(network, results.scale)
    flat = [keep for keep in (0.4, 0.5, 0.6, 0.7, 0.8) if of(results, net(keep=keep))]
    table = both(results, *(net(keep=keep) for keep in flat)) if flat else []
    spread = [max(row) - min(row) for row in [[mean(values) for values in table]] if row]
    low = 0.2
    starved, fed = both(results, net(keep=low), net(), pick=training)
    few, many = fixed(scale)[low]
    return [
        claim("The error is flat for p of 0.4 to 0.8: largest less smallest mean", "figure 9a", spread, lambda gap: gap <= 0.04,
              "at most 4 points", unit="%", paper="flat"),
        difference("p = 0.5 is better than keeping all hidden units", "figure 9a", *both(results, net(), net(keep=1.0)), unit="%"),
        claim("A small p (0.2) under-fits: training error, above that of p = 0.5 by", "figure 9a",
              [a - b for a, b in zip(starved, fed, strict=True)], lambda gap: gap >= 0.05, "at least 5 points", unit="%",
              paper="it rises"),
        difference(f"With pn fixed, a small p (0.2) is less harmful: {many['width']} units against {few['width']}, lr {SLOW:g}",
                   "figure 9b", *both(results, many, few), paper="much lower", unit="%"),
    ]


def gains(results: Results, count: int, noise: float) -> list[float]:
    """The share of the error that dropout takes away."""
    plain, dropped = both(results, *(network(results.scale, examples=count, noise=noise, **changes) for changes in (PLAIN, {})))
    return [1 - ratio for ratio in ratios(dropped, plain)]


def sizes(results: Results) -> list[Claim]:
    """Figure 10: the effect of the number of examples; and right labels."""
    scale = results.scale
    few, *between, most = counts(scale)
    largest = max(between, key=lambda count: mean(gains(results, count, NOISE)))
    net = partial(network, scale, noise=0.0, examples=FULL)
    clean, dropped, hidden = (of(results, net(**changes)) for changes in (PLAIN, {}, {"keep_input": 1.0}))
    middle = scale.choose(400, 400)
    fewer = [percent(of(results, network(scale, noise=0.0, examples=middle, **changes))) for changes in (PLAIN, {"keep_input": 1.0})]
    shared = both(results, net(), net(**PLAIN))
    reason_clean = (f"the network does not over-fit these easy data, and to drop a fifth of only 64 pixels costs more than dropout "
                    f"gains: with all pixels kept, and half the hidden units, it errs on {percent(hidden)}, as without dropout "
                    f"({percent(clean)}; with both {percent(dropped)}). With {middle} examples and all pixels kept it helps: "
                    f"{fewer[0]} without, {fewer[1]} with.")
    return [
        claim(f"With very few examples ({few}) dropout gains nothing: share of the error that it removes", "figure 10",
              gains(results, few, NOISE), lambda gain: gain <= 0.1, "at most 10 %", paper="no gain at 100 and 500", unit="%",
              reason="with wrong labels there is something to gain even there, though less than with more examples: see the next claim."),
        difference(f"The gain grows with the data: at {few} less than at {largest} examples", "figure 10",
                   *together(gains(results, few, NOISE), gains(results, largest, NOISE)), paper="grows up to a point", unit="%"),
        difference(f"and then falls: at {most} less than at {largest} examples", "figure 10",
                   *together(gains(results, most, NOISE), gains(results, largest, NOISE)), paper="falls towards 50,000", unit="%",
                   reason=f"with all {most} examples the network still learns wrong labels by heart without dropout (training error "
                          f"{percent(of(results, network(scale, examples=most, **PLAIN), training))}): there are too few of them to "
                          "reach the point where it no longer over-fits."),
        difference(f"On right labels, {FULL} examples, dropout lowers the error too", "table 2", *shared, paper="1.60 → 1.25 %",
                   unit="%", reason=reason_clean),
    ]


def together(*lists: list[float]) -> list[list[float]]:
    """Of equal lengths: where runs are missing, seeds no longer correspond, and nothing is compared."""
    return list(lists) if len(set(map(len, lists))) == 1 else [[] for _ in lists]


def averaging(results: Results) -> list[Claim]:
    """Figure 11: Monte-Carlo averaging against weight scaling."""
    net = partial(network, results.scale)
    noisy, clean = net(), net(**CLEAN)

    def gap(result: Result) -> float:
        return abs(float(result["error"]) - result["averages"]["errors"][-1])

    def gap_in_stds(result: Result) -> float:
        return gap(result) / max(result["averages"]["stds"][-1], 1e-4)

    counts_noisy, counts_clean = of(results, noisy, needed), of(results, clean, needed)
    median = float(np.median(counts_clean)) if counts_clean else math.nan
    wanted = [float(np.median(counts_noisy))] if counts_noisy else []
    return [
        claim("Networks that must be averaged to do as well as weight scaling (median of the seeds)", "figure 11", wanted,
              lambda k: 20 <= k <= 100, "20 to 100", paper="about 50",
              reason=f"weight scaling is a poorer approximation where a third of the labels is wrong: its error is "
                     f"{percent(of(results, noisy))}, that of {len_of(results, noisy)} averaged networks "
                     f"{percent(of(results, noisy, last))}. On right labels, where the two agree ({percent(of(results, clean))} and "
                     f"{percent(of(results, clean, last))}), it takes {number(median)} in the median."),
        claim("Averaging many does not do worse than weight scaling: error of the average less that of weight scaling", "figure 11",
              of(results, noisy, lambda result: last(result) - error(result)), lambda d: d <= 0.002, "at most 0.2 points",
              paper="slightly better", unit="%"),
        claim("and weight scaling is a good approximation: the two differ, in standard deviations of the average's error between draws",
              "figure 11", of(results, noisy, gap_in_stds), lambda d: d <= 1, "at most 1", paper="within one",
              reason=f"see the first claim of figure 11; on right labels it is {number(mean(of(results, clean, gap_in_stds)))}."),
        every("On right labels they differ by", "figure 11", of(results, clean, gap), lambda d: d <= 0.01, "at most 1 point",
              paper="0.1 or less", unit="%"),
    ]


def last(result: Result) -> float:
    return float(result["averages"]["errors"][-1])


def len_of(results: Results, settings: Settings) -> int:
    found = results.of(learned, **settings)
    return len(found[0].result["averages"]["errors"]) if found else 0


def table_9(results: Results) -> list[Claim]:
    """Table 9, row by row: each errs less than the one before it."""
    rows = penalties(results.scale)
    best = {name: network(results.scale, **chosen(results, row.choices)) for name, row in rows.items()}
    order = list(rows)
    found = [difference(f"{b[0].upper()}{b[1:]} does better than {a}", TABLE_9, *both(results, best[b], best[a]),
                        paper=f"{rows[b].paper:.2f} against {rows[a].paper:.2f} %", unit="%", reason=told(results, b, a))
             for a, b in zip(order, order[1:], strict=False)]
    kept, dropped = ([best[name] for name in order if name.startswith("dropout") is way] for way in (False, True))
    best_kept = min(kept, key=lambda each: mean(of(results, each)) if of(results, each) else math.inf)
    best_dropped = min(dropped, key=lambda each: mean(of(results, each)) if of(results, each) else math.inf)
    return [*found, difference("The best with dropout does better than the best without", TABLE_9,
                               *both(results, best_dropped, best_kept), paper="1.05 against 1.35 %", unit="%")]


def told(results: Results, name: str, other: str) -> str:
    """What was chosen for two rows of table 9, and between how many."""
    rows = penalties(results.scale)
    def words(which: str) -> str:
        settings = {key: value for key, value in chosen(results, rows[which].choices).items() if key not in PLAIN}
        said = ", ".join(f"{'c' if key == 'norm' else key} = {value:g}" for key, value in settings.items())
        return f"{which} with {said} (of {len(rows[which].choices)} choices)"
    return f"compared were {words(name)} and {words(other)}, as the validation examples chose; the gap is within the spread of the seeds " \
           "or the data are not the paper's. "


def thumb(results: Results) -> list[Claim]:
    """Appendix A: rules of thumb for learning rate, momentum and width."""
    scale, net = results.scale, partial(network, results.scale)
    rate = best_rate(results, {}) / best_rate(results, PLAIN)
    early = both(results, *(net(lr=SLOW, momentum=m) for m in (0.95, 0.0)), pick=lambda result: float(result["curve"][1]["error"]))
    small, large = (width(scale) // 4, width(scale) // 2)
    most = [percent(of(results, net(width=n))) for n in (large, 2 * large)]
    return [
        claim("The best learning rate with dropout, as a multiple of the best without", "appendix A.2", [] if math.isnan(rate) else [rate],
              lambda r: 10 <= r <= 100, "10 to 100", paper="10 to 100",
              reason=f"it is {best_rate(results, {}):g} with and {best_rate(results, PLAIN):g} without, by the validation examples and after "
                     "equally many updates. Both are small for the same reason: a network that learns slowly stops before it learns the "
                     "wrong labels by heart."),
        difference("Momentum 0.95 speeds learning with dropout: error after a fifth of the updates, against momentum 0", "appendix A.3", *early,
                   paper="0.95 to 0.99", unit="%"),
        difference(f"n/p = {large} units do better with dropout than n = {small}", "appendix A.1",
                   *both(results, net(width=large), net(width=small)), paper="at least n/p", unit="%",
                   reason=f"{large} units are {most[0]}, {2 * large} are {most[1]}."),
    ]


def exact_claims(results: Results) -> list[Claim]:
    """Statements that hold exactly, or in expectation."""
    def values(name: str) -> list[float]:
        return results.values(lambda result: float(result[name]), exact)
    tiny: dict[str, Any] = {"holds": lambda gap: gap <= 1e-8, "asked": "at most 1e-8"}
    return [
        every("Linear regression with dropout of the inputs is ridge regression: weights, over all 4096 masks", "section 9.1",
              values("ridge"), paper="equal", **tiny),
        every("and so is its cost, at other weights", "section 9.1", values("cost"), paper="equal", **tiny),
        every("E[dropout(x)] = x: largest deviation of a mean over 20,000 masks, in standard errors", "section 4", values("mean"),
              lambda z: z <= 4, "at most 4"),
        every("Evaluation mode changes nothing", "section 4", values("test"), lambda gap: gap == 0, "exactly 0"),
        every("Backward multiplies by forward's mask", "section 5.1", values("mask"), lambda gap: gap <= 1e-12, "at most 1e-12"),
    ]
