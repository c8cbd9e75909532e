"""What Tensor Programs V (Yang, Hu et al. 2021) claims about learning rates and width, judged by the runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...lab.trained import trained
from ...reproduce.bounds import above, at_most, near
from ...reproduce.claims import Claim, Origin, claim, corrected, difference
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, at_best, at_others_best, best, best_by_seed, combined
from ...sweeps.trials import Numbers
from .plan import BASE, CHECKED, OPTIMIZERS, PARAMETRIZATIONS, powers, setting, widths
from .runs import coordinates

STANDARD, MUP = PARAMETRIZATIONS
IDS = {STANDARD: "standard", MUP: "mup"}
TRIAL = {(STANDARD, 32): -6, (STANDARD, 128): -7, (STANDARD, 512): -9, (MUP, 128): -6, (MUP, 512): -6}  # powers of two
LAYERS = ("first hidden layer", "second hidden layer", "output")
FIGURE_1: tuple[Origin, str] = ("paper", "figure 1")
FIGURE_5: tuple[Origin, str] = ("paper", "sec. 5, figure 5")
GROWING = (1, 2)                                                    # layers whose changes grow in the standard parametrization
LEVEL = 0.25                                                        # power of the width up to which a change counts as none


def claims(results: Results) -> list[Claim]:
    return [*([] if results.scale.name == "paper" else of_coordinates(results)), *of_rates(results), *of_transfer(results)]


def cost(result: Numbers) -> float:
    """The mean cost of the last readings; infinity if the run diverged."""
    return math.inf if result["diverged"] is not None else float(np.mean([row["cost"] for row in result["readings"]]))


def costs(results: Results, width: int, parametrization: str) -> dict[int, Series]:
    """Training costs by learning rate, of which the keys are the powers of two."""
    found = {power: results.series(cost, trained, **setting(results.scale, width, parametrization, power))
             for power in powers(results.scale)}
    return {power: one for power, one in found.items() if len(one)}


def best_powers(results: Results, width: int, parametrization: str) -> Series:
    """For each seed, the power of two of the learning rate of the smallest training cost."""
    return best_by_seed(costs(results, width, parametrization))     # type: ignore[arg-type]


def moves(results: Results) -> dict[str, Series]:
    """By how many powers of two the best learning rate of each seed moves from the first width to the last."""
    first, *_, last = widths(results.scale)
    return {one: best_powers(results, last, one) - best_powers(results, first, one) for one in PARAMETRIZATIONS}


def of_rates(results: Results) -> list[Claim]:
    first, *_, last = widths(results.scale)
    reason = texts(__file__)("reason: rates")
    numbers = [
        claim(f"best-rate-{IDS[parametrization]}-{width}", f"{name(parametrization, width)}: best learning rate of each seed, "
              "as a power of 2", "independent", "", best_powers(results, width, parametrization), near(power, 1), reason=reason)
        for (parametrization, width), power in TRIAL.items() if width in widths(results.scale)]
    what = f"from width {first} to {last} the best learning rate of each seed moves, in powers of 2, by"
    moved = moves(results)
    return [*numbers,
            claim("standard-rate-falls", f"standard parametrization: {what}", *FIGURE_1, moved[STANDARD], at_most(-2),
                  paper="falls with the width", reason=reason),
            claim("mup-rate-stays", f"μP: {what}", *FIGURE_1, moved[MUP], near(0, 1), paper="stays", reason=reason),
            difference("standard-moves-more", "each seed's best learning rate falls further in the standard parametrization "
                       "than in μP; in powers of 2, it moves by", *FIGURE_1, moved[STANDARD], moved[MUP], "a smaller mean")]


def told_apart(results: Results) -> bool:
    """Whether the page finds that the best rate falls further in the standard parametrization than in μP."""
    return any(one.id == "standard-moves-more" and one.holds is True for one in corrected(claims(results)))


def name(parametrization: str, width: int) -> str:
    """A network in words; at the base width the parametrizations are one."""
    which = {STANDARD: "standard parametrization, ", MUP: "μP, "}[parametrization]
    return f"{which if width != BASE else ''}width {width}"


def of_transfer(results: Results) -> list[Claim]:
    """What the narrow network's best rate is worth in the widest one."""
    first, *_, last = widths(results.scale)
    narrow = costs(results, first, MUP)
    chosen = best(narrow)
    found = {(width, one): at_best(narrow, costs(results, width, one)) for width in (first, last) for one in PARAMETRIZATIONS}
    known = "" if chosen is None else f"; at 2^{chosen}"
    pairs = [difference("transferred-rate", f"training cost of width {last} at the best learning rate of width {first}: in μP "
                        "lower than in the standard parametrization", "paper", "sec. 4", found[last, MUP],
                        found[last, STANDARD], paper="the narrow network's rate is near the wide one's best"),
             difference("wider-is-better", f"at the best learning rate of width {first}, in μP: training cost of width {last} "
                        f"lower than of width {first}", "paper", "sec. 8", found[last, MUP], found[first, MUP],
                        paper="wider is better", reason=texts(__file__)("reason: wider"))]
    anew = difference("standard-tuned-anew", f"standard parametrization, width {last}, at a rate tuned for it: training cost "
                      f"lower than in μP at the best learning rate of width {first}", "project", "",
                      at_others_best(costs(results, last, STANDARD)), found[last, MUP])
    return [*(replace(one, measured=one.measured + known) for one in pairs), anew]


def of_check(results: Results, optimizer: str, standard: bool, key: str, layer: int) -> list[Series]:
    """An rms of the coordinate check, of each width."""
    return [results.series(lambda r: r[key][layer], coordinates, optimizer=optimizer, width=width,
                           base_width=width if standard else CHECKED[0]) for width in CHECKED]


def growth(results: Results, optimizer: str, standard: bool, key: str, layer: int) -> Series:
    """The power of the width with which an rms grows, by seed."""
    def power(*sizes: float) -> float:
        return float(np.polyfit(np.log(CHECKED), np.log(sizes), 1)[0])

    return combined(power, *of_check(results, optimizer, standard, key, layer))


def of_coordinates(results: Results) -> list[Claim]:
    found = []
    for optimizer in OPTIMIZERS:
        what = f"{'Adam' if optimizer == 'adam' else 'SGD'}: the first step's change of the"
        grows = "as a power of the width"
        found += [claim(f"{optimizer}-mup-change-{layer}", f"{what} {LAYERS[layer]}, {grows}, in μP", *FIGURE_5,
                        growth(results, optimizer, False, "change", layer), near(0, LEVEL), paper="does not grow",
                        reason=texts(__file__)("reason: errors"))
                  for layer in range(len(LAYERS))]
        found += [claim(f"{optimizer}-standard-change-{layer}", f"{what} {LAYERS[layer]}, {grows}, in the standard "
                        "parametrization", *FIGURE_5, growth(results, optimizer, True, "change", layer),
                        above(LEVEL), paper="grows", reason=texts(__file__)("reason: hidden")) for layer in GROWING]
    start = [growth(results, "adam", False, "size", layer) for layer in range(len(LAYERS))]
    return [*found,
            *(claim(f"start-size-{layer}", f"start in μP: rms of the {LAYERS[layer]}, as a power of the width", "exact",
                    "table 3", start[layer], near(power, 0.25), paper=paper)
              for layer, power, paper in ((0, 0.0, "0"), (1, 0.0, "0"), (2, -0.5, "-1/2")))]
