"""What Schoenholz et al. 2017 and Pennington et al. 2017 claim, judged by the runs."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ...lab.trained import trained
from ...reports.statistics import rank_correlation
from ...reproduce.bounds import above, at_least, at_most, near, within_factor
from ...reproduce.claims import Claim, claim, computed, difference, every, not_run
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, at_best, largest
from ...sweeps.trials import Numbers
from .plan import ARRIVED, BIASES, CRITICAL, INITS, SIZES, isometric
from .runs import deepest, propagated, spectra
from .theory import correlations, critical, depth_scale, growth, length

TRIAL = {1: 20, 1.25: 40, 1.5: 80, CRITICAL: 60, 2: 60, 2.5: 60, 3: 50, 4: 30}  # layers: the deepest, of an independent program
ARRIVALS = {"Orthogonal": {10: 20, 30: 10, 100: 10}, "Gaussian": {10: 40, 30: 60}}  # its steps to ARRIVED, by depth
RATE = 0.03                                                         # at this learning rate


def claims(results: Results) -> list[Claim]:
    return [*of_theory(results), *of_depths(results), *of_spectra(results), *of_arrivals(results), dropout()]


def of_theory(results: Results) -> list[Claim]:
    """The critical point, and random networks beside what the integrals say."""
    found = [claim("critical-variance", f"σ_w² at which χ = 1, for σ_b² = {BIASES:g}, less 1.761", "exact", "χ of sec. 3",
                   Series.single(critical(BIASES) - 1.761) if results.outcomes else Series({}), near(0, 0.0005), paper="χ = 1")]
    variances = SIZES[results.scale.name].variances
    where = f"in random networks, the largest for σ_w² of {variances[0]:g} to {variances[-1]:g}"
    for id, what, source, pick, bound in (
            ("length", "Variance of the preactivations over q*: distance from 1", "sec. 3", kept_length, at_most(0.1)),
            ("gradient", "Factor of squared gradients per layer over χ: distance from 1", "sec. 5", per_layer, at_most(0.1)),
            ("correlation", "Correlation of two examples: rms distance from the integral's", "sec. 3", distance, at_most(0.2))):
        apart = [abs(results.series(partial(pick, variance=variance), propagated, weight_variance=variance)
                     - (0 if pick is distance else 1)) for variance in variances]
        found.append(claim(id, f"{what}, {where}", "exact", source, largest(*apart), bound, paper="0, for infinite width"))
    return found


def kept_length(result: Numbers, variance: float) -> float:
    """The mean square of the preactivations, over all layers, divided by q*."""
    return float(np.mean(result["length"])) / length(variance, BIASES)


def per_layer(result: Numbers, variance: float) -> float:
    """By what squared gradients grow from each layer to the one below it, divided by χ."""
    gradients = np.log(result["gradient"])
    return math.exp(-np.polyfit(range(len(gradients)), gradients, 1)[0]) / growth(variance, BIASES)


def distance(result: Numbers, variance: float) -> float:
    """rms over the layers, of the correlation from that of the theory."""
    measured = result["correlation"]
    expected = correlations(variance, BIASES, measured[0], len(measured))
    return float(np.sqrt(np.mean(np.square(np.subtract(measured, expected)))))


def depths(results: Results) -> dict[float, Series]:
    """The deepest network that learns, by σ_w²."""
    return {variance: results.series("deepest", deepest, weight_variance=variance)
            for variance in SIZES[results.scale.name].variances}


def scales(variances: tuple[float, ...]) -> list[float]:
    return [depth_scale(variance, BIASES) for variance in variances]


def of_depths(results: Results) -> list[Claim]:
    sizes, found, reached = SIZES[results.scale.name], list[Claim](), depths(results)
    first, *_, last = sizes.variances
    if len(sizes.variances) > 3:
        predicted = scales(sizes.variances)
        found.append(computed("depths-follow-scale", "Deepest network that learns, mean over seeds, for each σ_w²: rank "
                              "correlation with ξ_c", "paper", "figure 5",
                              lambda *each: rank_correlation([one.mean for one in each], predicted) if all(each) else None,
                              list(reached.values()), above(0.7), paper="depth scales bound how deep a network can be trained"))
    for variance, name in ((first, "order"), (last, "chaos")):
        found.append(difference(f"deeper-than-{name}", f"The deepest network that learns: in {name}, σ_w² = {variance:g}, less "
                                "deep than at the critical point", "paper", "figure 5", reached[variance], reached[CRITICAL],
                                "fewer layers", unit="layers", paper="arbitrarily deep only close to criticality"))
    if results.scale.name == "small":
        found += [claim(f"deepest-{variance:g}", f"σ_w² = {variance:g}: deepest network that learns", "independent",
                        "the same setting without this library", reached[variance], within_factor(1.5, layers), unit="layers",
                        reason=texts(__file__)("reason: deepest")) for variance, layers in TRIAL.items()]
    return found


def share(result: Numbers, depth: int) -> float:
    """Of the singular values, how many are above a tenth of the largest."""
    values = np.asarray(result["values"][str(depth)])
    return float(np.mean(values > 0.1 * values[0]))


def of_spectra(results: Results) -> list[Claim]:
    depth = SIZES[results.scale.name].deep[-1]
    found = []
    for init, bound, trial in (("Orthogonal", at_least(0.9, "%"), "95 %"), ("Gaussian", at_most(0.15, "%"), "5 %")):
        found.append(every(f"spectrum-{init.lower()}", f"{init} weights, depth {depth}: share of the Jacobian's singular "
                           "values above a tenth of the largest", "independent", f"{trial} at depth 100",
                           results.series(lambda r: share(r, depth), spectra, init=INITS[init]), bound, unit="%",
                           paper="orthogonal weights concentrate them near 1, Gaussian ones cannot"))
    return found


def steps_to(result: Numbers, part: str) -> float:
    """The first evaluation step at which the part's error has fallen to `ARRIVED`; infinite if there is none."""
    rows = result["readings"]
    return float(next((row["step"] for row in rows if row[part] <= ARRIVED), math.inf))


def arrivals(results: Results, init: str, depth: int, lr: float, part: str = "error") -> Series:
    """The steps at a learning rate; a run that does not arrive counts with all its steps."""
    settings = isometric(results.scale, init, depth, lr)
    return results.series(lambda r: min(steps_to(r, part), settings["steps"]), trained, **settings)


def best_arrivals(results: Results, init: str, depth: int) -> Series:
    """The steps at the learning rate with which the networks arrive first on validation data."""
    validated, tested = ({lr: arrivals(results, init, depth, lr, part) for lr in SIZES[results.scale.name].rates}
                         for part in ("validation", "error"))
    return at_best(validated, tested)


def of_arrivals(results: Results) -> list[Claim]:
    sizes, found = SIZES[results.scale.name], list[Claim]()
    what = f"steps to a test error of {100 * ARRIVED:g} %"
    note = f"; a run that does not arrive counts with all {sizes.budget} steps"
    source = "the same setting without this library"
    for depth in sizes.deep:
        orthogonal, gaussian = (best_arrivals(results, init, depth) for init in INITS)
        found.append(difference(f"orthogonal-{depth}-faster", f"Depth {depth}: orthogonal weights learn faster than Gaussian "
                                f"ones ({what}{note})", "paper", "Pennington et al., abstract", orthogonal, gaussian,
                                "fewer steps", unit="steps", paper="orders of magnitude faster"))
    if results.scale.name == "small":
        bounds = {init: {depth: within_factor(1.5, steps) for depth, steps in ARRIVALS[init].items()} for init in INITS}
        bounds["Gaussian"][100] = at_least(200, "steps").noting(note)
        found += [claim(f"arrival-{init.lower()}-{depth}", f"{init} weights, depth {depth}, lr {RATE:g}: {what}", "independent",
                        source, arrivals(results, init, depth, RATE), bound, unit="steps",
                        reason=texts(__file__)("reason: arrivals")) for init in INITS for depth, bound in bounds[init].items()]
    return found


def dropout() -> Claim:
    return not_run("dropout-destroys", "Any dropout removes the critical point and bounds the depth that can be trained",
                   "sec. 4", "ξ_c stays finite", "the question here is the depth scale without dropout")
