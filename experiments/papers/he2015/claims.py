"""What He et al. 2015 claim, judged by what came out here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...lab.dense import error_at, errors
from ...reports.statistics import number
from ...sweeps.trials import Numbers
from ..claims import Claim, claim, difference, every
from ..paper import Results
from .plan import DEPTH, UNEVEN, WIDTHS, convolutional, fans, trained
from .runs import images, signals, uneven

SHRINKS = 2 ** (-(DEPTH - 1) / 2)                                   # 1/sqrt(2) for each layer after the first
LEARNED, STALLED = 0.12, 0.5                                        # test errors
FACTOR = 4
LAST = error_at()


def forward(result: Numbers) -> float:
    """rms of the last layer's output over that of the first's."""
    return float(result["signal"][-1] / result["signal"][0])


def backward(result: Numbers) -> float:
    """rms of the gradient at the first layer over that at the last."""
    return float(result["gradient"][0] / result["gradient"][-1])


def claims(results: Results) -> list[Claim]:
    trainings = at_paper_scale(results) if results.scale.name == "paper" else at_small_scale(results)
    return [*of_signals(results), *trainings, not_run()]


def of_signals(results: Results) -> list[Claim]:
    found = []
    ways: tuple[tuple[str, str, Callable[[Numbers], float]], ...] = (
        ("signal, layer 30 / layer 1", "eq. 10", forward), ("gradient, layer 1 / layer 30", "eq. 14", backward))
    for what, source, pick in ways:
        found.append(every(f"He: rms of the {what}", source, results.values(pick, signals, init="He", sizes=WIDTHS),
                           lambda r: 0.2 <= r <= 2, "0.2 to 2 in each seed", paper="1: kept"))
        for init in ("Glorot", "Orthogonal"):
            found.append(every(f"{init}: rms of the {what}", source, results.values(pick, signals, init=init, sizes=WIDTHS),
                               lambda r: SHRINKS / FACTOR <= r <= SHRINKS * FACTOR,
                               f"{number(SHRINKS)} within a factor of {FACTOR}, in each seed",
                               paper=f"(1/√2)²⁹ = {number(SHRINKS)}"))
    for init, name in (("He in", "fan-in"), ("He out", "fan-out")):
        values = results.values(lambda result: min(spread(forward(result)), spread(backward(result))), signals,
                                init=init, sizes=[100, *UNEVEN])
        found.append(every(f"{name} alone suffices: 20 layers of 40 and 120 units, smallest of both rms ratios and 1/ratios",
                           "eq. 10 and 14", values, lambda r: r >= 0.2, "at least 0.2 in each seed",
                           paper="no exponential in the depth"))
    return found


def spread(ratio: float) -> float:
    """1 for what is kept, less for what shrinks or grows."""
    return min(ratio, 1 / ratio)


def at_small_scale(results: Results) -> list[Claim]:
    made = trained(results.scale)
    found = []
    for depth in results.scale.choose((30,), (10, 20, 30)):
        both = results.paired(LAST, errors, made[f"He {depth}"], made[f"Glorot {depth}"])
        paper = "He converges, Xavier stalls" if depth == 30 else ""
        found.append(claim(f"{depth} ReLU layers, He: learns", "its 30 layers", both[0], lambda e: e < LEARNED,
                           f"test error below {LEARNED:.0%}", paper=paper, unit="%"))
        if depth == 10:
            found.append(difference("10 ReLU layers: He below Glorot, at equal steps", "ours", both[0], both[1], unit="%"))
        else:
            found.append(claim(f"{depth} ReLU layers, Glorot: stalls", "its 30 layers", both[1], lambda e: e > STALLED,
                               f"test error above {STALLED:.0%}", paper=paper, unit="%"))
    if results.scale.name == "small":
        hidden = results.values(LAST, errors, **made["Glorot 10, lr 0.1"])
        found.append(claim("10 ReLU layers, Glorot with ten times the step size: learns, the defect hides", "ours", hidden,
                           lambda e: e < 0.06, "test error below 6 %", unit="%"))
    for init in ("Glorot", "Orthogonal"):
        found.append(claim(f"30 tanh layers, {init}: learns, for the defect is ReLU's", "eq. 10 and 14",
                           results.values(LAST, errors, **made[f"{init} tanh"]), lambda e: e < LEARNED,
                           f"test error below {LEARNED:.0%}", unit="%"))
    for init, settings in fans(results.scale).items():
        found.append(claim(f"20 ReLU layers of 40 and 120 units learn with {init.replace('He ', 'fan-')} alone",
                           "eq. 10 and 14", results.values(LAST, uneven, **settings), lambda e: e < 0.2,
                           "test error below 20 %", unit="%"))
    if results.scale.name == "small":
        found += trained_alike(results, errors, made, 0.2, "He 14, lr 0.01")
    return found


def said(settings: dict[str, Any]) -> str:
    """Step size, momentum and steps of a run, for a claim's text."""
    momentum = f", momentum {settings['momentum']:g}" if settings["momentum"] else ""
    return f"lr {settings['lr']:g}{momentum}, {settings['steps']} steps"


def trained_alike(results: Results, task: Callable[..., Numbers], made: dict[str, dict[str, Any]], level: float, short: str
                  ) -> list[Claim]:
    """14 layers end alike; 22 layers converge from both starts, from He's earlier; 30 end worse than 14, run as ``short``."""
    both = made["He 14"], made["Glorot 14"]
    a, b = results.paired(LAST, task, *both)
    alike = every(f"14 layers ({said(both[0])}): Glorot ends like He: difference of test errors", "its 14 layers",
                  [y - x for x, y in zip(a, b, strict=True)], lambda gap: abs(gap) < 0.08,
                  "less than 8 points apart, in each seed",
                  paper="Xavier 33.90 / 13.44 %, He 33.82 / 13.34 % (top-1 / top-5)", unit="%")
    both = made["He 22"], made["Glorot 22"]
    ends, steps = results.paired(LAST, task, *both), results.paired(lambda result: arrives(result, level), task, *both)
    reached, setting = sum(error < level for error in ends[1]), said(both[0])
    short_, deep = results.paired(LAST, task, made[short], made["He 30"])
    return [
        alike,
        every(f"22 layers ({setting}): both starts converge: the larger of the two final test errors", "its 22 layers",
              [max(pair) for pair in zip(*ends, strict=True)], lambda e: e < level, f"below {level:.0%} in each seed",
              paper="both converge", unit="%",
              reason=f"Glorot came below {level:.0%} in {reached} of {len(ends[1])} seeds. In 22 layers its signal shrinks by "
                     "a factor of 2^10.5, which is 1448, and so does the gradient: the steps made here did not suffice to "
                     "leave that plateau."),
        difference(f"22 layers ({setting}): steps until the test error is below {level:.0%} (twice all steps if never), He and "
                   "Glorot", "its 22 layers", steps[0], steps[1], "He earlier", paper="He earlier"),
        difference(f"He ({said(made['He 30'])}): 30 layers end worse than 14 (test errors of 14 and of 30)",
                   "its 14 and 30 layers", short_, deep, "14 layers lower", unit="%",
                   paper="33.82 / 13.34 % with 14, 38.56 / 16.59 % with 30")]


def arrives(result: Numbers, level: float = 0.2) -> float:
    """The first reading at which the test error is below ``level``; twice the steps where there is none."""
    return float(next((row["step"] for row in result["readings"] if row["error"] < level), 2 * result["readings"][-1]["step"]))


def at_paper_scale(results: Results) -> list[Claim]:
    made = convolutional(results.scale)
    he, glorot = results.paired(LAST, images, made["He 30"], made["Glorot 30"])
    return [claim("27 convolutions and 3 fully connected layers, He: converges", "its 30 layers", he, lambda e: e < 0.05,
                  "test error below 5 %", paper="converges, to 38.56 / 16.59 % on ImageNet", unit="%"),
            claim("27 convolutions and 3 fully connected layers, Glorot: stalls", "its 30 layers", glorot,
                  lambda e: e > STALLED, f"test error above {STALLED:.0%}", paper="stalls completely", unit="%"),
            *trained_alike(results, images, made, 0.05, "He 14")]


def not_run() -> Claim:
    return Claim("PReLU (its slope starts at 0.25) on ImageNet", "the paper", "4.94 % top-5",
                 "not run: the library has no PReLU, and is not made to train on ImageNet", "–", None)
