"""What Srivastava et al. 2014 claim, judged by the runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise

from ...lab.readings import NETS
from ...reports.statistics import number
from ...reports.statistics import paired as p_value
from ...reproduce.bounds import above, at_least, at_most, between, exactly, near, spoken
from ...reproduce.claims import Claim, Origin, claim, computed, difference, every, not_run
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, best, paired
from .measured import (
    at_chosen,
    autoencoders,
    average,
    chosen,
    floored,
    gain,
    measured,
    needed,
    of_figure_9,
    on_files,
    percent,
    words,
)
from .plan import CLEAN, COUNTED, FULL, MNIST, MNIST_COUNTS, NOISE, PIXELS, PLAIN, RATES, SIZES, SLOW, SPARSE, TABLE_9
from .runs import exact

MISSING = {                                                         # rows of table 2: the paper's error in %, and why
    "ReLU, 2x4096, dropout, max-norm": (1.01, "larger than the networks that are trained here"),
    "ReLU, 2x8192, dropout, max-norm": (0.95, "has over 65 million weights"),
    "maxout, 2x(5x240), dropout": (0.94, "there are no maxout units here"),
    "support vector machine": (1.40, "not a neural network"),
    "deep belief network, fine-tuned with dropout": (0.92, "there is no training of belief networks here"),
    "deep Boltzmann machine, fine-tuned with dropout": (0.79, "there is no training of Boltzmann machines here"),
}
NEEDED = between(20, 100)                                           # sampled networks
reason = texts(__file__)


def slug(name: str) -> str:
    """A name as a part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def claims(results: Results) -> list[Claim]:
    if results.scale.name == "paper":
        return [*of_facts(results), *of_mnist(results), *missing()]
    fine = results.scale.name != "quick"                            # quick's runs are too small for the finer differences
    parts = [of_errors, *([of_variants] if fine else []), of_activity, of_keeping, of_sizes, of_averages, of_table_9,
             *([of_thumb] if fine else []), of_facts]
    return [*(one for part in parts for one in part(results)), *missing()]


def of_errors(results: Results) -> list[Claim]:
    """Table 2, figure 4, and what is learned by heart."""
    of, half = partial(measured, results), SIZES[results.scale.name].width // 2
    return [
        difference("error-lower", "Dropout lowers the test error", "paper", "table 2", of(), of(**PLAIN),
                   paper="1.60 → 1.25 %", unit="%"),
        claim("error-divided", "Dropout divides the test error by", "paper", "table 2", of(**PLAIN) / floored(of()),
              at_least(2).noting(" (30 % are wrong)"), paper="1.28"),
        difference("half-width-error-lower", "Dropout lowers the test error with half as many units", "paper", "figure 4",
                   of(width=half), of(width=half, **PLAIN), paper="at every size", unit="%"),
        claim("by-heart-without", "Without dropout wrong labels are learned by heart: training error", "project", "",
              of("training", **PLAIN), at_most(0.02, "%"), unit="%"),
        claim("not-by-heart-with", "With dropout wrong labels are not learned by heart: training error", "project", "",
              of("training"), near(NOISE, 0.05, "%"), unit="%")]


def of_variants(results: Results) -> list[Claim]:
    """What else tables 2 and 10 compare."""
    of, further = partial(measured, results), "lowers the error further"
    of_chosen = partial(at_chosen, results, SIZES[results.scale.name].strengths["dropout + max-norm"])
    return [
        *(difference(id, what, "paper", "table 2", low, high, paper="1.25 → 1.06 %", unit="%")
          for id, what, low, high in (
              ("max-norm-lower", f"Max-norm (c = 2) {further}", of(norm=2.0), of(norm=None)),
              ("max-norm-chosen-lower", f"Max-norm with a c that validation examples choose {further}", of_chosen(),
               of_chosen(norm=None)),
              ("max-norm-400-lower", f"Max-norm (c = 2) {further} with 400 examples", of(examples=400, norm=2.0),
               of(examples=400, norm=None)))),
        difference("gaussian-no-worse", "Gaussian noise of the same variance does not do worse", "paper", "table 10",
                   of(kind="Gaussian"), of(), paper="0.95, 1.08 %", unit="%")]


def of_activity(results: Results) -> list[Claim]:
    """Figures 7 and 8: features and sparsity."""
    (unseen, seen), (active, less_active), (silent, more_silent) = (
        autoencoders(results, name) for name in ("neighbours", "mean", "silent"))
    without, dropout = (measured(results, "silent", **changes) for changes in SPARSE)
    return [
        every("autoencoder-features", "An autoencoder's weights become features: correlation between neighbouring pixels, with "
              "less without dropout", "paper", "figure 7", seen - unseen, above(0), paper="strokes, spots"),
        every("autoencoder-less-active", "An autoencoder's units are less active: mean activation, with / without dropout",
              "paper", "figure 8, sec. 7.2", less_active / active, at_most(0.5), paper="0.7 / 2.0"),
        every("autoencoder-silent", "An autoencoder's units are more often silent (under 0.001): with dropout less without",
              "project", "after figure 8; a peak at 0 stands in a summary", more_silent - silent, above(0), unit="points"),
        every("classifier-silent", "A classifier's second layer is silent more often, with dropout less without", "project",
              "", dropout - without, at_least(0.15, "points"), unit="points")]


def of_keeping(results: Results) -> list[Claim]:
    """Figure 9: the effect of p; its network has three hidden layers, and no dropout of the inputs."""
    of, fixed = partial(of_figure_9, results), SIZES[results.scale.name].fixed()
    small = results.scale.choose(0.2, 0.3)
    (few, many), by_keep = fixed[small], [measured(results, **many) for _, many in fixed.values()]
    found = [
        difference("keep-half-better", "p = 0.5 does better than p = 1", "paper", "figure 9a", of(keep=0.5), of(keep=1.0),
                   unit="%"),
        claim("keep-small-under-fits", "p = 0.2 under-fits: training error, less that of p = 0.5", "paper", "figure 9a",
              of("training", keep=0.2) - of("training", keep=0.5), at_least(0.05, "points"), unit="points", paper="rises"),
        difference("keep-units-fixed", f"pn fixed, p = {small:g} harms less: {many['width']} units a layer against "
                   f"{few['width']}", "paper", "figure 9b", measured(results, **many), measured(results, **few),
                   paper="p = 0.1: 2.7 → 1.7 %", unit="%")]
    return found if results.scale.name == "quick" else [
        flat(results), *found,
        computed("keep-units-fixed-best", f"pn fixed: the best p of {', '.join(map(str, fixed))}, by mean test error", "paper",
                 "figure 9b", lambda *series: best(dict(zip(fixed, series, strict=True))), by_keep, between(0.4, 0.8),
                 paper="about 0.6")]


def flat(results: Results) -> Claim:
    """Figure 9a: between 0.4 and 0.8 the error hardly depends on p."""
    errors = {keep: of_figure_9(results, keep=keep) for keep in SIZES[results.scale.name].keeps if 0.4 <= keep <= 0.8}

    def ratio(*series: Series) -> float:
        means = [one.mean for one in series]
        return max(means) / max(min(means), 1e-4)

    return computed("keep-flat", f"The error is flat for p of {', '.join(map(str, errors))}: largest mean over smallest",
                    "paper", "figure 9a", ratio, list(errors.values()), at_most(1.25), paper="flat",
                    reason=reason("reason: flat", means=", ".join(map(percent, errors.values())), wrong=spoken(NOISE, "%")))


def of_sizes(results: Results) -> list[Claim]:
    """Figure 10: the effect of the number of examples, on wrong and on right labels."""
    of, gains = partial(measured, results), {n: gain(results, n) for n in SIZES[results.scale.name].counts}
    few, *between_, most = gains
    largest = max(between_, key=lambda n: gains[n].mean)
    clean, dropped, hidden = (of(**CLEAN | changes) for changes in (PLAIN, {}, PIXELS))
    clean_400, hidden_400 = paired(*(of(**CLEAN | {"examples": 400} | changes) for changes in (PLAIN, PIXELS)))
    what = "The gain of dropout {} examples, the best number of them"
    found = [
        difference("gain-grows", what.format(f"grows with the data: {few}"), "paper", "figure 10", gains[few],
                   gains[largest], paper="grows", unit="%"),
        difference("clean-error-lower", f"On {FULL} examples with right labels dropout helps too", "paper", "table 2", dropped,
                   clean, paper="1.60 → 1.25 %", unit="%", reason=reason(
                       "reason: clean", clean=percent(clean), dropped=percent(dropped), hidden=percent(hidden),
                       clean_400=percent(clean_400), hidden_400=percent(hidden_400),
                       gap=(hidden_400 - clean_400).estimate.text("points"),
                       p=number(p_value(hidden_400.values, clean_400.values, clean_400.resampled))))]
    if results.scale.name == "quick":
        return found
    return [
        *(claim(f"{n}-examples-no-gain", f"With {n} examples dropout gains nothing: share of the error removed", "paper",
                "figure 10", gains[n], at_most(0.1, "%"), paper="no gain", unit="%", reason=reason("reason: no gain"))
          for n in (few, 500)),
        *found,
        difference("gain-falls", what.format(f"falls in the end: {most}"), "paper", "figure 10", gains[most],
                   gains[largest], paper="falls", unit="%", reason=reason(
                       "reason: gain falls", most=most, wrong=spoken(NOISE, "%"),
                       by_heart=percent(of("training", examples=most, **PLAIN))))]


def of_averages(results: Results) -> list[Claim]:
    """Figure 11: Monte-Carlo averaging against weight scaling."""
    of, right = partial(measured, results), PIXELS | CLEAN
    scaled, averaged, deviation = of("scaled"), of(average), of(lambda result: result["averages"]["stds"][-1])
    what = "sampled networks whose average does as well as weight scaling, median"
    found = [
        computed("nets-needed", what.capitalize(), "paper", "figure 11", median, [of(needed)], NEEDED,
                 paper="about 50", reason=reason("reason: nets", nets=NETS, scaled=percent(scaled), averaged=percent(averaged),
                            scaled_hidden=percent(of("scaled", **PIXELS)), averaged_hidden=percent(of(average, **PIXELS)),
                            needed_hidden=number(of(needed, **PIXELS).median))),
        claim("scaling-near-average", "Weight scaling approximates the average: how far apart, in its standard deviations",
              "paper", "figure 11", abs(scaled - averaged) / floored(deviation), at_most(1), paper="within 1",
              reason=reason("reason: scaling")),
        claim("clean-scaling-near-average", "Right labels, all pixels kept: the two are apart by", "paper",
              "figure 11", abs(of("scaled", **right) - of(average, **right)), at_most(0.005, "points"), unit="points"),
        claim("averages-no-worse", "Averages do not do worse than weight scaling: error less that of weight scaling",
              "paper", "figure 11", averaged - scaled, at_most(0.002, "points"), paper="slightly less", unit="points")]
    return found if results.scale.name == "quick" else [
        *found, computed("clean-nets-needed", f"Right labels, all pixels kept: {what}", "paper",
                         "figure 11", median, [of(needed, **right)], NEEDED, paper="about 50",
                         reason=reason("reason: clean nets", needed=", ".join(map(number, of(needed, **right))), nets=NETS))]


def of_table_9(results: Results) -> list[Claim]:
    """Table 9, row by row: each errs less than the one before it."""
    strengths = SIZES[results.scale.name].strengths
    picked = {name: chosen(results, choices) for name, choices in strengths.items()}
    against = [("L2", "dropout + L2"), *(() if results.scale.name == "quick" else pairwise(picked))]
    return [difference(f"{slug(low)}-below-{slug(high)}", f"{low[0].upper()}{low[1:]} does better than {high}", "paper",
                       "table 9", at_chosen(results, strengths[low]), at_chosen(results, strengths[high]),
                       paper=f"{TABLE_9[low]:.2f}, {TABLE_9[high]:.2f} %", unit="%",
                       reason=reason("reason: table 9", low=low, high=high, low_strength=words(picked[low]),
                                     high_strength=words(picked[high]))) for high, low in against]


def of_thumb(results: Results) -> list[Claim]:
    """Rules of thumb for learning rate, momentum and width."""
    of, large = partial(measured, results), SIZES[results.scale.name].width // 2
    rates = [{lr: of("validation", lr=lr, **changes) for lr in RATES} for changes in ({}, PLAIN)]
    early = partial(of, lambda result: result["curve"][1]["error"], lr=SLOW)
    return [
        rate_claim(*rates),
        difference("momentum-faster", f"Momentum 0.95 speeds it: early error at lr {SLOW:g}, against momentum 0", "paper",
                   "appendix A", early(momentum=0.95), early(momentum=0.0), paper="0.95 to 0.99", unit="%"),
        difference("width-over-p", f"With dropout n/p = {large} units do better than n = {large // 2}", "paper",
                   "appendix A", of(width=large), of(width=large // 2), paper="n/p", unit="%",
                   reason=f"{large} units err on {percent(of(width=large))}, {2 * large} on {percent(of())}.")]


def rate_claim(dropout: Mapping[float, Series], plain: Mapping[float, Series]) -> Claim:
    """The ratio of the best learning rates; inconclusive if one is an end of those tried, since the best may lie beyond."""
    def ratio(*series: Series) -> float | None:
        with_, without = (best(dict(zip(RATES, part, strict=True)))
                          for part in (series[:len(RATES)], series[len(RATES):]))
        return None if with_ is None or without is None else with_ / without

    found = computed("rate-ratio", "The best learning rate with dropout / without", "paper", "appendix A", ratio,
                     [*dropout.values(), *plain.values()], between(10, 100), unit="times", paper="10 to 100",
                     reason=reason("reason: rates"))
    chosen = best(dropout), best(plain)
    if None in chosen:
        return found
    at_end = not {min(RATES), max(RATES)}.isdisjoint(chosen)
    text = f"{found.measured}: {chosen[0]:g} with, {chosen[1]:g} without{', an end of the rates tried' if at_end else ''}"
    return replace(found, measured=text, holds=None if at_end else found.holds)


def of_facts(results: Results) -> list[Claim]:
    """Statements that hold exactly, or in expectation."""
    regression = "linear regression with dropout of the inputs"
    theirs: tuple[Origin, str] = ("exact", "sec. 9.1")
    module: tuple[Origin, str] = ("exact", "the module Dropout")
    return [every(id, what, *whose, results.series(key, exact), bound, paper="equal" if whose is theirs else "")
            for id, what, whose, key, bound in (
                ("ridge-weights", f"L{regression[1:]} is ridge regression: weights, 4096 masks", theirs, "ridge",
                 at_most(1e-8)),
                ("ridge-cost", f"The cost of {regression} is that of ridge regression, at other weights", theirs, "cost",
                 at_most(1e-8)),
                ("mean-kept", "E[dropout(x)] = x: largest of 20 deviations of means of 20,000 masks, in standard errors",
                 module, "mean", at_most(4)),
                ("evaluation-unchanged", "Evaluation mode changes nothing", module, "test", exactly(0)),
                ("backward-mask", "Backward multiplies by forward's mask", module, "mask", at_most(1e-12)))]


def of_mnist(results: Results) -> list[Claim]:
    """Tables 2 and 9 row by row, and figures 10 and 11, on the files."""
    nets, errors = "ReLU, 3x1024, dropout, max-norm", {name: on_files(results, name) for name in MNIST}
    gains = {n: on_files(results, COUNTED["without dropout"], examples=n) - on_files(results, COUNTED["dropout"], examples=n)
             for n in MNIST_COUNTS}
    few, *_, many, _ = MNIST_COUNTS
    return [
        *(claim(f"mnist-{slug(name)}", f"Test error: {name}", "paper", "table 9" if name.startswith("table 9") else "table 2",
                errors[name], near(paper / 100, 0.002, "%"), paper=f"{paper:.2f} %", unit="%")
          for name, (paper, _) in MNIST.items() if paper is not None),
        *(difference(f"mnist-{slug(low)}-below-{slug(high)}", f"{low}, errs less than {high}", "paper", "tables 2 and 9",
                     errors[low], errors[high], unit="%") for low, high in (
            ("ReLU, 3x1024, dropout", "ReLU, 3x1024, no dropout"), (nets, "ReLU, 3x1024, dropout"),
            ("logistic, 3x1024, dropout", "logistic, 2x800, no dropout"), ("table 9: max-norm", "table 9: L2"),
            ("table 9: dropout + L2", "table 9: max-norm"), ("table 9: dropout + max-norm", "table 9: dropout + L2"))),
        *(claim(f"mnist-{n}-examples-no-gain", f"Dropout gains nothing at {n} examples: error without less error with",
                "paper", "figure 10", gains[n], at_most(0.01, "%"), paper="no gain", unit="points")
          for n in (few, 500)),
        *(claim(f"mnist-{n or 'all'}-examples-gain", f"Dropout gains with {n or 'all'} examples: error without less error with",
                "paper", "figure 10", gains[n], above(0), unit="points") for n in (many, None)),
        computed("mnist-nets-needed", "Sampled networks whose average does as well as weight scaling, median", "paper",
                 "figure 11", median, [on_files(results, nets, needed)], NEEDED, paper="about 50")]


def median(series: Series) -> float:
    return series.median


def missing() -> list[Claim]:
    """The rows of table 2 that nothing here repeats, with the reason."""
    return [not_run(f"mnist-{slug(name)}", f"Test error: {name}", "table 2", f"{paper:.2f} %", why)
            for name, (paper, why) in MISSING.items()]
