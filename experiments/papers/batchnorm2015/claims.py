"""What Ioffe & Szegedy 2015 claim, judged by the runs."""

from __future__ import annotations

from dataclasses import replace

from ...lab.readings import SETTLED
from ...lab.trained import error_at, trained
from ...reports.statistics import number
from ...reproduce.bounds import above, at_least, at_most, below, exactly, less_apart
from ...reproduce.claims import Claim, Origin, claim, difference, every
from ...reproduce.paper import Pick, Results, texts
from ...reproduce.series import Series, at_best, best, combined
from ...sweeps.trials import Numbers
from .plan import BATCH, INITS, MOMENTA, RATES, biases, rates, setting, shown, swept, with_momentum
from .runs import exact, redundant

LEARNED = 0.1                                                       # a network whose error is below it has learned
EARLY = 10                                                          # steps, at which the momentum decides the error
ROUNDING = 1e-9
MOVED = 0.7                                                         # percentiles that move by less stay


def claims(results: Results) -> list[Claim]:
    parts = [of_figure_one, of_exact] if results.scale.name == "paper" else [
        of_figure_one, of_initializations, of_rates, of_momentum, of_biases, of_exact]
    return [one for part in parts for one in part(results)]


def steps_to_learn(result: Numbers) -> float:
    """The first step at which the error was read as below 10 %; the last step where it never was."""
    return float(next((row["step"] for row in result["readings"] if row["error"] < LEARNED), result["readings"][-1]["step"]))


def both(results: Results, pick: Pick) -> tuple[Series, Series]:
    """A number of the runs that figure 1 is drawn from, with BN and without."""
    with_bn, without = (results.series(pick, trained, **shown(results.scale, batch_norm)) for batch_norm in (True, False))
    return with_bn, without


def of_figure_one(results: Results) -> list[Claim]:
    """Figure 1, at the rate that it is drawn for."""
    rate = f"learning rate {shown(results.scale, True)['lr']:g}"
    faster, ends, moved = (both(results, pick) for pick in (steps_to_learn, error_at(), "moved"))
    in_training = results.series("moved_of_batch", trained, **shown(results.scale, True))
    stay = "With BN a typical sigmoid's percentiles stay"
    judged = [] if results.scale.name == "paper" else [
        claim("bn-stays-in-training", f"{stay} in training mode, from step {SETTLED}, {rate}: moved by", "paper",
              "figure 1 c, sec. 4.1", in_training, below(MOVED), paper="stable"),
        claim("bn-stays", f"{stay} in evaluation mode too: moved by", "project", "after figure 1 c, in training mode", moved[0],
              below(MOVED), reason=why_moved(results)),
        claim("plain-drifts", f"Without BN a typical sigmoid's percentiles drift, {rate}: moved by", "paper", "figure 1 b",
              moved[1], above(1), paper="drift")]
    return [difference("bn-learns-sooner", f"With BN fewer steps to 10 % error, {rate} (the last step, if never)", "paper",
                       "figure 1 a", *faster, "fewer steps", unit="steps"),
            difference("bn-ends-lower", f"With BN the error is lower at the end, {rate}", "paper", "figure 1 a", *ends,
                       unit="%"),
            *judged,
            difference("bn-moves-less", "The percentiles of a typical sigmoid's input move less with BN, in training mode",
                       "paper", "figure 1 b, c, sec. 4.1", in_training, moved[1])]


def why_moved(results: Results) -> str:
    """Two parts, each measured on the same runs: the noise of the running statistics, and γ, which grows."""
    normalized = shown(results.scale, True)
    means = {key: number(results.series(key, trained, **normalized).mean)
             for key in ("moved", "moved_of_batch", "moved_normalized")}
    first, last = (number(results.series(error_at(step, "gamma"), trained, **normalized).mean)
                   for step in (SETTLED, normalized["steps"]))
    return texts(__file__)("reason: moved", batch=BATCH, first=first, last=last, **means)


def of_initializations(results: Results) -> list[Claim]:
    """The table of test errors by initialization and learning rate."""
    def error(batch_norm: bool, lr: float, init: str = INITS[0], step: int | None = None) -> Series:
        return results.series(error_at(step), trained, **setting(results.scale, batch_norm, lr, init))

    low, steps = RATES[0], setting(results.scale, True)["steps"]
    return [*(every(f"{'bn' if batch_norm else 'plain'}-200-steps",
                    f"Error after 200 steps with{'' if batch_norm else 'out'} BN, learning rate {low:g}", "paper",
                    "figure 1 a", error(batch_norm, low, step=200), bound, unit="%")
              for batch_norm, bound in ((True, at_most(0.1, "%")), (False, at_least(0.6, "%")))),
            *(claim(f"bn-end-{rate}-rate", f"Error with BN after {setting(results.scale, True, lr)['steps']} steps, learning "
                    f"rate {lr:g}", "paper", "figure 1 a", error(True, lr), at_most(0.03, "%"), unit="%")
              for rate, lr in zip(("low", "high"), RATES, strict=True)),
            claim("bn-small-weights", f"From N(0, 0.01²), with BN: error after {steps} steps, learning rate {low:g}", "project",
                  "", error(True, low, INITS[1]), at_most(0.05, "%"), unit="%"),
            claim("plain-small-weights", f"From N(0, 0.01²), without BN: it does not learn in {steps} steps of SGD, learning "
                  f"rate {low:g}", "project", "", error(False, low, INITS[1]), at_least(0.85, "%").of("test error"), unit="%")]


def finals(results: Results, batch_norm: bool, part: str = "error") -> dict[float, Series]:
    """Errors at the end, by learning rate; ``part`` is "error", of the test examples, or "validation"."""
    return {lr: results.series(error_at(part=part), trained, **swept(results.scale, batch_norm, lr))
            for lr in rates(results.scale)}


def spans(by_rate: dict[float, Series]) -> Series:
    """The largest over the smallest rate at which each seed learned; 1 where it learned at one rate, or at none."""
    def span(*errors: float) -> float:
        learned = [lr for lr, error in zip(by_rate, errors, strict=True) if error < LEARNED]
        return max(learned) / min(learned) if learned else 1.0

    return combined(span, *by_rate.values())


def of_rates(results: Results) -> list[Claim]:
    """Normalization allows higher learning rates."""
    with_bn, without = finals(results, True), finals(results, False)
    found = [claim("bn-wider-rates", "Largest over smallest rate that ends below 10 % error: with BN, times that without",
                   "paper", "sec. 3.3", spans(with_bn) / spans(without), at_least(10))]
    extremes: tuple[tuple[str, float, Origin, str], ...] = (("high", 10.0, "paper", "sec. 3.3"), ("low", 0.03, "project", ""))
    for rate, lr, origin, source in extremes:
        what = f"A {rate} rate that only BN survives, here {lr:g}, in {swept(results.scale, True, lr)['steps']} steps of SGD"
        found += [claim(f"bn-{rate}-rate-learns", f"{what}: with BN", origin, source, with_bn[lr],
                        below(LEARNED, "%").of("test error"), unit="%"),
                  claim(f"plain-{rate}-rate-fails", f"{what}: without", origin, source, without[lr],
                        above(0.5, "%").of("test error"), unit="%")]
    validated = [finals(results, batch_norm, "validation") for batch_norm in (True, False)]
    chosen = [best(one) for one in validated]
    ends = [at_best(by_rate, errors) for by_rate, errors in zip(validated, (with_bn, without), strict=True)]
    lower = difference("bn-lower-at-best-rates", "Each at its best rate, chosen on validation examples: BN ends lower",
                       "paper", "figure 1 a", ends[0], ends[1], unit="%")
    known = f"; rates {chosen[0]:g} with, {chosen[1]:g} without" if None not in chosen else ""
    return [*found, replace(lower, measured=lower.measured + known)]


def of_momentum(results: Results) -> list[Claim]:
    """The running statistics begin at 0 and 1 and lag: until they have settled, errors in evaluation mode are too high."""
    def gap(momentum: float, step: int) -> Series:
        running, batch = (results.series(error_at(step, part), trained, **with_momentum(results.scale, momentum))
                          for part in ("error", "of_batch"))
        return running - batch

    low, usual, high = MOMENTA
    what = "running statistics' error over that of batch statistics, step"
    return [every("momentum-lags", f"Momentum 0.1: {what} {EARLY}", "project", "", gap(usual, EARLY), above(0.1, "points"),
                  unit="points"),
            difference("momentum-high-lags-less", f"Momentum 0.5 instead of 0.1: {what} {EARLY}", "project", "",
                       gap(high, EARLY), gap(usual, EARLY), unit="%"),
            claim("momentum-settles", f"Momentum 0.1: {what} 200", "project", "", gap(usual, 200),
                  less_apart(0.02, "points"), unit="points"),
            difference("momentum-low-lags-longer", f"Momentum 0.1 instead of 0.01: {what} 100", "project", "",
                       gap(usual, 100), gap(low, 100), unit="%")]


def unequal(result: Numbers) -> float:
    """The largest difference of the two error curves."""
    return float(max(abs(a["error"] - b["error"]) for a, b in zip(result["with_bias"], result["without"], strict=True)))


def of_biases(results: Results) -> list[Claim]:
    """A bias before a normalization does nothing."""
    how, what = biases(results.scale), "Biases N(0, 1) before BN, or none"
    return [every(id, text, "exact", "sec. 3.2", results.series(pick, redundant, **how), bound, paper=paper)
            for id, text, pick, bound, paper in (
                ("bias-same-errors", f"{what}, batch statistics: largest difference of the error curves", unequal, exactly(0),
                 "redundant"),
                ("bias-same-outputs", f"{what}: largest difference of the outputs after {how['steps']} steps, float64", "apart",
                 below(ROUNDING), ""),
                ("bias-no-gradient", "Largest derivative by such a bias, relative to the largest by a weight", "bias_gradient",
                 below(ROUNDING), "0"))]


def of_exact(results: Results) -> list[Claim]:
    """The gradients, and the two modes."""
    def error(mode: str, name: str) -> Series:
        return results.series(lambda r: r[mode][name], exact)

    return [*(every(f"gradient-{name}-{mode}", f"Backward of BN by {symbol} in {mode}: relative error against finite "
                    "differences", "exact", "algorithm 1", error(mode, name), below(1e-7), paper="exact")
              for mode in ("training", "evaluation") for name, symbol in (("x", "x"), ("gamma", "γ"), ("beta", "β"))),
            every("modes-differ", "One batch in training and in evaluation: largest difference of BN's outputs", "exact",
                  "algorithms 1 and 2", results.series("modes_apart", exact), above(0.1))]
