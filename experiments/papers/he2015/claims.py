"""What He et al. 2015 claim, judged by the runs."""

from __future__ import annotations

from typing import Any

from ...lab.trained import error_at, trained
from ...reports.statistics import number
from ...reproduce.bounds import above, at_least, below, between, less_apart, within_factor
from ...reproduce.claims import Claim, Origin, claim, difference, every, not_run
from ...reproduce.paper import Results, texts
from ...reproduce.series import Series, largest
from ...sweeps.trials import Numbers
from .plan import DEPTH, UNEVEN, WIDTHS, networks
from .runs import signals

SHRINKS = 2 ** (-(DEPTH - 1) / 2)                                   # 1/sqrt(2) for each layer after the first
LEARNED, STALLED = 0.12, 0.5                                        # test errors


def forward(result: Numbers) -> float:
    """rms of the last layer's output over that of the first's."""
    return float(result["signal"][-1] / result["signal"][0])


def backward(result: Numbers) -> float:
    """rms of the gradient at the first layer over that at the last."""
    return float(result["gradient"][0] / result["gradient"][-1])


def claims(results: Results) -> list[Claim]:
    return [*of_signals(results), *(of_convolutions if results.scale.name == "paper" else of_dense)(results), prelu()]


def of_signals(results: Results) -> list[Claim]:
    found = []
    for id, what, source, pick in (("signal", "signal, layer 30 / layer 1", "eq. 10", forward),
                                   ("gradient", "gradient, layer 1 / layer 30", "eq. 14", backward)):
        passed = {init: results.series(pick, signals, init=init, sizes=WIDTHS) for init in ("He", "Glorot", "Orthogonal")}
        found.append(every(f"{id}-he", f"He: rms of the {what}", "exact", source, passed["He"], between(0.2, 2),
                           paper="1: kept"))
        found += [every(f"{id}-{init.lower()}", f"{init}: rms of the {what}", "exact", source, passed[init],
                        within_factor(4, SHRINKS), paper=f"(1/√2)²⁹ = {number(SHRINKS)}") for init in ("Glorot", "Orthogonal")]
    for init, name in (("He in", "fan-in"), ("He out", "fan-out")):
        changes = results.series(lambda r: min(min(ratio, 1 / ratio) for ratio in (forward(r), backward(r))), signals,
                                 init=init, sizes=[100, *UNEVEN])
        found.append(every(f"{name}-suffices", f"{name} alone suffices: 20 layers of 40 and 120 units, smallest of both rms "
                           "ratios and 1/ratios", "exact", "eqs. 10 and 14", changes, at_least(0.2),
                           paper="no exponential in the depth"))
    return found


def errors(results: Results) -> dict[str, Series]:
    """Final test errors, by network."""
    return {name: results.series(error_at(), trained, **each) for name, each in networks(results.scale).items()}


def of_dense(results: Results) -> list[Claim]:
    error, found = errors(results), list[Claim]()
    learns, stalls = below(LEARNED, "%").of("test error"), above(STALLED, "%").of("test error")
    for depth in results.scale.choose((30,), (10, 20, 30)):
        he, glorot = error[f"He {depth}"], error[f"Glorot {depth}"]
        thirty: tuple[Origin, str] = ("paper", "figure 3") if depth == 30 else ("project", "after figure 3, with 30 layers")
        paper = "He converges, Xavier stalls" if depth == 30 else ""
        found.append(claim(f"relu{depth}-he-learns", f"{depth} ReLU layers, He: learns", *thirty, he, learns, paper=paper,
                           unit="%"))
        found.append(difference("relu10-he-ahead", "10 ReLU layers: He below Glorot, at equal steps", "project", "", he, glorot,
                                unit="%") if depth == 10 else
                     claim(f"relu{depth}-glorot-stalls", f"{depth} ReLU layers, Glorot: stalls", *thirty, glorot, stalls,
                           paper=paper, unit="%"))
    if results.scale.name == "small":
        found.append(claim("relu10-glorot-large-rate", "10 ReLU layers, Glorot with ten times the step size: learns, the "
                           "defect hides", "project", "", error["Glorot 10, lr 0.1"], below(0.06, "%").of("test error"),
                           unit="%"))
    found += [claim(f"tanh30-{init.lower()}-learns", f"30 tanh layers, {init}: learns, for the defect is ReLU's",
                    "project", "after eqs. 10 and 14", error[f"{init} tanh"], learns, unit="%")
              for init in ("Glorot", "Orthogonal")]
    found += [claim(f"uneven-{fan}-learns", f"20 ReLU layers of 40 and 120 units learn with fan-{fan} alone", "paper",
                    "eqs. 10 and 14", error[f"He {fan}"], below(0.2, "%").of("test error"), unit="%")
              for fan in ("in", "out") if f"He {fan}" in error]
    return [*found, *(of_depths(results, 0.2, "He 14, lr 0.01") if results.scale.name == "small" else [])]


def of_convolutions(results: Results) -> list[Claim]:
    error, what = errors(results), "27 convolutions and 3 fully connected layers"
    return [claim("convolutions30-he-learns", f"{what}, He: converges", "paper", "figure 3", error["He 30"],
                  below(0.05, "%").of("test error"), paper="converges, to 38.56 / 16.59 % on ImageNet", unit="%"),
            claim("convolutions30-glorot-stalls", f"{what}, Glorot: stalls", "paper", "figure 3", error["Glorot 30"],
                  above(STALLED, "%").of("test error"), paper="stalls completely", unit="%"),
            *of_depths(results, 0.05, "He 14")]


def of_depths(results: Results, level: float, short: str) -> list[Claim]:
    """14 layers end alike; 22 layers converge from both, from He's earlier; 30 end worse than 14, run as ``short``."""
    made, error = networks(results.scale), errors(results)
    ends = largest(error["He 22"], error["Glorot 22"])
    steps = {init: results.series(lambda r: arrives(r, level), trained, **made[f"{init} 22"]) for init in ("He", "Glorot")}
    reached = sum(value < level for value in error["Glorot 22"])
    return [
        every("layers14-alike", f"14 layers ({spoken(made['He 14'])}): Glorot ends like He: difference of test errors",
              "paper", "sec. 2.2, the model of table 2", error["Glorot 14"] - error["He 14"], less_apart(0.08, "points"),
              unit="points", paper="Xavier 33.90 / 13.44 %, He 33.82 / 13.34 % (top-1 / top-5)"),
        every("layers22-converge", f"22 layers ({spoken(made['He 22'])}): both initializations converge: the larger of the two "
              "final test errors", "paper", "figure 2", ends, below(level, "%"), paper="both converge", unit="%",
              reason=texts(__file__)("reason: layers22", level=f"{level:.0%}", reached=reached, seeds=len(error["Glorot 22"]))),
        difference("layers22-he-earlier", f"22 layers ({spoken(made['He 22'])}): steps until the test error is below "
                   f"{level:.0%} (twice all steps if never), He and Glorot", "paper", "figure 2", steps["He"], steps["Glorot"],
                   "He earlier", unit="steps", paper="He earlier"),
        difference("layers30-worse-than-14", f"He ({spoken(made['He 30'])}): 30 layers end worse than 14 (test errors of "
                   "14 and of 30)", "paper", "figure 3, sec. 2.2", error[short], error["He 30"], "14 layers lower", unit="%",
                   paper="33.82 / 13.34 % with 14, 38.56 / 16.59 % with 30")]


def spoken(settings: dict[str, Any]) -> str:
    """Step size, momentum and steps of a run, for a claim's text."""
    momentum = f", momentum {settings['momentum']:g}" if settings["momentum"] else ""
    return f"lr {settings['lr']:g}{momentum}, {settings['steps']} steps"


def arrives(result: Numbers, level: float) -> float:
    """The first reading at which the test error is below ``level``; twice the steps where there is none."""
    return float(next((row["step"] for row in result["readings"] if row["error"] < level), 2 * result["readings"][-1]["step"]))


def prelu() -> Claim:
    return not_run("prelu", "PReLU (its slope starts at 0.25) on ImageNet", "abstract", "4.94 % top-5",
                   "the library has no PReLU, and is not made to train on ImageNet")
