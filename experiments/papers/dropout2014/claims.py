"""What Srivastava et al. 2014 claim, judged by what came out here."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from ...reports.statistics import number, paired
from ...sweeps.trials import Numbers, Settings
from ..claims import Claim, claim, every
from ..paper import Results
from .mnist import mnist_claims, not_run
from .numbers import (
    autoencoders,
    averaged,
    best_rate,
    chosen,
    early,
    error,
    gains,
    mean,
    medians,
    needed,
    of,
    percent,
    ratios,
    silent,
    smaller,
    sure,
    training,
    words,
)
from .plan import CLEAN, FULL, NETS, NOISE, PIXELS, PLAIN, RATES, SLOW, counts, fixed, keeps, network, penalties, sparse, width
from .runs import exact, learned


def claims(results: Results) -> list[Claim]:
    facts = exact_claims(results)
    if results.scale.name == "paper":
        return [*facts, *mnist_claims(results), *not_run()]
    parts = [main, variants, activity, keeping, sizes, averaging, table_9, thumb]
    if results.scale.name == "quick":                               # too small for differences as fine as those of the others
        parts = [main, activity, keeping, sizes, averaging, table_9]
    return [one for part in parts for one in part(results)] + facts + not_run()


def main(results: Results) -> list[Claim]:
    """Table 2, figure 4, and what is memorized."""
    net = partial(network, results.scale)
    plain, dropped = results.paired(error, learned, net(**PLAIN), net())
    by_heart, not_learned = results.paired(training, learned, net(**PLAIN), net())
    half = width(results.scale) // 2
    return [
        smaller("Dropout lowers the test error", "table 2", results.paired(error, learned, net(), net(**PLAIN)),
                paper="1.60 → 1.25 %", unit="%"),
        claim("Dropout divides the test error by", "table 2", ratios(plain, dropped), lambda r: r >= 2,
              "at least 2 (30 % are wrong)", paper="1.28"),
        smaller("Dropout lowers the test error with half as many units", "figure 4",
                results.paired(error, learned, net(width=half), net(width=half, **PLAIN)), paper="at every size", unit="%"),
        claim("Without dropout wrong labels are learned by heart: training error", "ours", by_heart, lambda e: e <= 0.02,
              "at most 2 %", unit="%"),
        claim("With dropout wrong labels are not learned by heart: training error", "ours", not_learned,
              lambda e: abs(e - NOISE) <= 0.05, "30 ± 5 %", unit="%"),
    ]


def variants(results: Results) -> list[Claim]:
    """What else tables 2 and 10 compare."""
    net = partial(network, results.scale)
    best = chosen(results, penalties(results.scale)["dropout + max-norm"].choices)
    return [
        smaller("Max-norm (c = 2) lowers the error further", "table 2",
                results.paired(error, learned, net(norm=2.0), net()), paper="1.25 → 1.06 %", unit="%"),
        smaller("Max-norm with a c that validation examples choose lowers the error further", "table 2",
                results.paired(error, learned, net(**best), net()), paper="1.25 → 1.06 %", unit="%"),
        smaller("Max-norm (c = 2) lowers the error further with 400 examples", "table 2",
                results.paired(error, learned, net(examples=400, norm=2.0), net(examples=400)), paper="1.25 → 1.06 %",
                unit="%"),
        smaller("Gaussian noise of the same variance does not do worse", "table 10",
                results.paired(error, learned, net(kind="Gaussian"), net()), paper="0.95, 1.08 %", unit="%"),
    ]


def activity(results: Results) -> list[Claim]:
    """Figures 7 and 8: features and sparsity."""
    without, within = results.paired(silent, learned, *sparse(results.scale).values())
    return [
        every("An autoencoder's weights become features: correlation between neighbouring pixels, with less without dropout",
              "figure 7", [a - b for a, b in autoencoders(results, "neighbours")], lambda gap: gap > 0, "above 0",
              paper="strokes, spots"),
        every("An autoencoder's units are less active: mean activation, with / without dropout", "figure 8",
              [a / b for a, b in autoencoders(results, "mean")], lambda r: r <= 0.5, "at most 0.5", paper="0.7 / 2.0"),
        every("An autoencoder's units are more often silent (under 0.001): with dropout less without", "figure 8",
              [a - b for a, b in autoencoders(results, "silent")], lambda gap: gap > 0, "above 0", unit="%",
              paper="a peak at 0 (from memory)"),
        every("A classifier's second layer is silent more often, with dropout less without", "ours",
              [b - a for a, b in zip(without, within, strict=True)], lambda gap: gap >= 0.15, "at least 15 points", unit="%"),
    ]


def keeping(results: Results) -> list[Claim]:
    """Figure 9: the effect of p."""
    scale, net, low = results.scale, partial(network, results.scale), 0.2
    starved, fed = results.paired(training, learned, net(keep=low), net())
    small = scale.choose(0.2, 0.3)
    few, many = fixed(scale)[small]
    return [
        *([] if scale.name == "quick" else [flat(results)]),
        smaller("p = 0.5 does better than p = 1", "figure 9a", results.paired(error, learned, net(), net(keep=1.0)), unit="%"),
        claim("p = 0.2 under-fits: training error, less that of p = 0.5", "figure 9a",
              [a - b for a, b in zip(starved, fed, strict=True)], lambda gap: gap >= 0.05, "at least 5 points", unit="%",
              paper="rises"),
        smaller(f"pn fixed, p = {small:g} harms less: {many['width']} units against {few['width']}", "figure 9b",
                results.paired(error, learned, many, few), paper="much lower", unit="%"),
    ]


def flat(results: Results) -> Claim:
    """Figure 9a: between 0.4 and 0.8 the error hardly depends on p."""
    errors = {keep: mean(of(results, network(results.scale, keep=keep))) for keep in keeps(results.scale) if 0.4 <= keep <= 0.8}
    least, most = min(errors.values()), max(errors.values())
    return claim(f"The error is flat for p of {', '.join(map(str, errors))}: largest mean over smallest", "figure 9a",
                 [] if math.isnan(sum(errors.values())) else [most / max(least, 1e-4)], lambda r: r <= 1.25, "at most 1.25",
                 paper="flat", reason="the means are " + ", ".join(f"{100 * e:.1f} %" for e in errors.values()) + ".")


def sizes(results: Results) -> list[Claim]:
    """Figure 10: the effect of the number of examples, on wrong and on right labels."""
    scale, net = results.scale, partial(network, results.scale)
    few, *between, most = counts(scale)
    largest = max(between, key=lambda count: mean(gains(results, count)))
    clean, dropped, hidden = (percent(of(results, net(examples=FULL, noise=0.0, **changes)))
                              for changes in (PLAIN, {}, PIXELS))
    p = paired(*results.paired(error, learned, *(net(examples=400, noise=0.0, **changes) for changes in (PIXELS, PLAIN))))
    middle, helped = (percent(of(results, net(examples=400, noise=0.0, **changes))) for changes in (PLAIN, PIXELS))
    by_heart = percent(of(results, net(examples=most, **PLAIN), training))

    def grow(what: str, low: int, high: int, **options: Any) -> Claim:
        pair = gains(results, low), gains(results, high)
        return smaller(what, "figure 10", pair if len(pair[0]) == len(pair[1]) else ([], []), unit="%", **options)

    found = [
        grow(f"The gain of dropout grows with the data: {few} examples, the best number of them", few, largest, paper="grows"),
        smaller(f"On {FULL} examples with right labels dropout helps too", "table 2",
                results.paired(error, learned, net(examples=FULL, noise=0.0), net(examples=FULL, noise=0.0, **PLAIN)),
                paper="1.60 → 1.25 %", unit="%",
                reason="to drop a fifth of only 64 pixels costs more than dropout gains on these easy data. "
                       f"With all pixels kept and half of the hidden units dropped it errs on {hidden}, without "
                       f"dropout on {clean}, with both on {dropped}. With 400 examples and all pixels kept it errs on "
                       f"{helped}, without dropout on {middle} (p = {number(p)})."),
    ]
    nothing_gained = [
        sure(claim(f"With {count} examples dropout gains nothing: share of the error removed", "figure 10",
                   gains(results, count), lambda gain: gain <= 0.1, "at most 10 %, the interval too", paper="no gain", unit="%",
                   reason="with wrong labels there is something to gain even there."), 0.1) for count in (few, 500)]
    return found if scale.name == "quick" else [
        *nothing_gained, *found,
        grow(f"The gain of dropout falls in the end: {most} examples, the best number of them", most, largest, paper="falls",
             reason=f"with all {most} examples the training error without dropout is {by_heart}, and {100 * NOISE:g} % of the "
                    "labels are wrong: the network still learns wrong ones."),
    ]


def averaging(results: Results) -> list[Claim]:
    """Figure 11: Monte-Carlo averaging against weight scaling."""
    noisy, clean = network(results.scale), network(results.scale, **CLEAN)

    def apart(result: Numbers) -> float:
        return abs(error(result) - averaged(result))

    def in_deviations(result: Numbers) -> float:
        return apart(result) / max(result["averages"]["stds"][-1], 1e-4)

    def median(settings: Settings) -> list[float]:
        return medians(of(results, settings, needed))

    pixels = network(results.scale, **PIXELS)
    found = [
        claim("Sampled networks whose average does as well as weight scaling, median", "figure 11", median(noisy),
              lambda k: 20 <= k <= 100, "20 to 100", paper="about 50",
              reason="for noise on the input, a fifth of only 64 pixels, weight scaling is a poor approximation: its error is "
                     f"{percent(of(results, noisy))}, that of {NETS} averaged networks "
                     f"{percent(of(results, noisy, averaged))}, so that few do as well. With all pixels kept it is "
                     f"{percent(of(results, pixels))} against {percent(of(results, pixels, averaged))}, and it takes "
                     f"{', '.join(map(number, median(pixels)))} networks; with right labels there is a claim of its own."),
        claim("Weight scaling approximates the average: how far apart, in its standard deviations", "figure 11",
              of(results, noisy, in_deviations), lambda d: d <= 1, "at most 1", paper="within 1",
              reason="for noise on the input weight scaling is a poor approximation: averaging does better."),
        claim("Right labels, all pixels kept: the two are apart by", "figure 11", of(results, clean, apart),
              lambda d: d <= 0.005, "at most 0.5 points", unit="%"),
        sure(claim("Averages do not do worse than weight scaling: error less that of weight scaling", "figure 11",
                   of(results, noisy, lambda result: averaged(result) - error(result)), lambda d: d <= 0.002,
                   "at most 0.2 points", paper="slightly less", unit="%"), 0.002),
    ]
    return found if results.scale.name == "quick" else [
        *found,
        claim("Right labels, all pixels kept: sampled networks needed, median", "figure 11", median(clean),
              lambda k: 20 <= k <= 100, "20 to 100", paper="about 50",
              reason=f"by seed it takes {', '.join(map(number, of(results, clean, needed)))} "
              f"(inf: more than {NETS}); a step of the error is one of 500 examples, so that the number says little."),
    ]


def table_9(results: Results) -> list[Claim]:
    """Table 9, row by row: each errs less than the one before it."""
    rows = penalties(results.scale)
    changes = {name: chosen(results, row.choices) for name, row in rows.items()}
    best = {name: network(results.scale, **each) for name, each in changes.items()}
    against = [("L2", "dropout + L2"), *(() if results.scale.name == "quick" else pairwise(rows))]
    return [smaller(f"{b[0].upper()}{b[1:]} does better than {a}", "table 9", results.paired(error, learned, best[b], best[a]),
                    paper=f"{rows[b].paper:.2f}, {rows[a].paper:.2f} %", unit="%",
                    reason=f"compared are {b} with {words(changes[b])} and {a} with {words(changes[a])}, chosen by validation "
                           "examples; the difference is within the spread of the seeds.") for a, b in against]


def thumb(results: Results) -> list[Claim]:
    """Rules of thumb for learning rate, momentum and width."""
    scale, net = results.scale, partial(network, results.scale)
    large = width(scale) // 2
    wider = [percent(of(results, net(width=n))) for n in (large, 2 * large)]
    return [
        rate_claim(best_rate(results, {}), best_rate(results, PLAIN)),
        smaller(f"Momentum 0.95 speeds it: early error at lr {SLOW:g}, against momentum 0", "the paper",
                results.paired(early, learned, *(net(lr=SLOW, momentum=m) for m in (0.95, 0.0))),
                paper="0.95 to 0.99", unit="%"),
        smaller(f"With dropout n/p = {large} units do better than n = {large // 2}", "the paper",
                results.paired(error, learned, net(width=large), net(width=large // 2)), paper="n/p", unit="%",
                reason=f"{large} units err on {wider[0]}, {2 * large} on {wider[1]}."),
    ]


def rate_claim(with_: float, without: float) -> Claim:
    """The ratio of the best learning rates; inconclusive if one is at an end of those tried: the best may lie beyond."""
    found = claim("The best learning rate with dropout / without", "the paper",
                  [] if math.isnan(with_ / without) else [with_ / without], lambda r: 10 <= round(r, 6) <= 100, "10 to 100",
                  paper="10 to 100", reason="they are those of the smallest validation error, after equally many updates.")
    if not found.values:
        return found
    ends = {min(RATES), max(RATES)} & {with_, without}
    here = f"{found.here}: {with_:g} with, {without:g} without" + (", an end of the rates tried" if ends else "")
    return replace(found, here=here, holds=None if ends else found.holds)


def exact_claims(results: Results) -> list[Claim]:
    """Statements that hold exactly, or in expectation."""
    def fact(what: str, source: str, name: str, most: float, asked: str, **options: Any) -> Claim:
        values = results.values(lambda result: float(result[name]), exact)
        return every(what, source, values, lambda gap: gap <= most, asked, **options)

    return [
        fact("Linear regression with dropout of the inputs is ridge regression: weights, 4096 masks", "the paper", "ridge",
             1e-8, "at most 1e-8", paper="equal"),
        fact("The cost of linear regression with dropout of the inputs is that of ridge regression, at other weights",
             "the paper", "cost", 1e-8, "at most 1e-8", paper="equal"),
        fact("E[dropout(x)] = x: largest of 20 deviations of means of 20,000 masks, in standard errors", "the paper", "mean", 4,
             "at most 4"),
        fact("Evaluation mode changes nothing", "the paper", "test", 0, "exactly 0"),
        fact("Backward multiplies by forward's mask", "the paper", "mask", 1e-12, "at most 1e-12"),
    ]
