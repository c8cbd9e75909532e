"""What Mishkin & Matas 2016 claim, judged by the runs."""

from __future__ import annotations

from ...lab.trained import error_at, trained
from ...reproduce.bounds import above, below, exactly
from ...reproduce.claims import Claim, Origin, claim, difference, every
from ...reproduce.paper import Results
from ...reproduce.series import Series
from ...sweeps.trials import Numbers
from .plan import DEEP, INITS, RATES, networks
from .runs import OTHERS, convolutional, fitted

EARLY = 150                                                         # steps
ALGORITHM: tuple[Origin, str] = ("paper", "its algorithm")
EXACT: tuple[Origin, str] = ("exact", "its algorithm")
EXPERIMENTS: tuple[Origin, str] = ("paper", "its experiments")
SUMMARIES: tuple[Origin, str] = ("project", "after a summary of its tables; the authors' log: 0.40 %, one run")


def claims(results: Results) -> list[Claim]:
    return of_images(results) if results.scale.name == "paper" else [*of_fits(results), *of_training(results)]


def farthest(result: Numbers) -> float:
    """The largest distance from 1 of a layer's variance after LSUV."""
    return float(max(abs(variance - 1) for variance in result["after"]))


def of_fits(results: Results) -> list[Claim]:
    found, what = [], f"largest distance of a layer's variance from 1, on {OTHERS} other images"
    for name in RATES:
        others = results.series(lambda r: sum(tries != 1 for tries in r["tries"]), fitted, activation=name)
        found += [every(f"{name}-one-rescaling", f"{name}: one rescaling is enough, since the output of a dense layer is "
                        "proportional to its weight: layers of 11 with another number", *EXACT, others, exactly(0)),
                  every(f"{name}-variance-1", f"{name}: {what}", *ALGORITHM,
                        results.series(farthest, fitted, activation=name), below(0.1))]
    kept = Series.of((one.trial.settings["seed"], one.result["biases"])
                     for task in (fitted, convolutional) for one in results.of(task))
    return [*found,
            every("convolutions-variance-1", f"convolutions: {what}", *ALGORITHM, results.series(farthest, convolutional),
                  below(0.15)),
            every("biases-kept", "biases are not touched", *EXACT, kept, exactly(1).noting(" (equal to the bit)"))]


def errors(results: Results, network: str, init: str, step: int | None = None) -> Series:
    return results.series(error_at(step), trained, init=init, **networks(results.scale)[network])


def against(results: Results, network: str, init: str, step: int | None = None) -> tuple[Series, Series]:
    """Errors from LSUV and from another initialization."""
    return errors(results, network, "LSUV", step), errors(results, network, init, step)


def of_training(results: Results) -> list[Claim]:
    deep, chance = f"relu, {DEEP} layers", above(0.85, "%").of("test error")
    end = results.scale.choose(0.6, 0.12)
    between = results.series(lambda r: r["between"][-1], fitted, activation="sigmoid")
    return [*(difference(f"{name}10-ahead", f"{name}, 10 layers: after {EARLY} steps, ahead of plain orthogonal weights",
                         "project", "", *against(results, f"{name}, 10 layers", "Orthogonal", EARLY), unit="%")
              for name in ("tanh", "relu")),
            claim("relu30-learns", f"{deep}: learns", *EXPERIMENTS, errors(results, deep, "LSUV"),
                  below(end, "%").of("test error"), unit="%"),
            claim("relu30-orthogonal-stalls", f"{deep}: plain orthogonal weights do not learn", *EXPERIMENTS,
                  errors(results, deep, "Orthogonal"), chance, unit="%"),
            difference("relu30-as-good-as-he", f"{deep}: as good as He's initialization or better", "project", "",
                       *against(results, deep, "He", EARLY), f"a smaller mean after {EARLY} steps", unit="%"),
            claim("sigmoid10-chance", "sigmoid, 10 layers: LSUV does not help, a network stays at chance", "project", "",
                  errors(results, "sigmoid, 10 layers", "LSUV"), chance, unit="%"),
            every("sigmoid-images-alike", "sigmoid: hardly any of the variance that is 1 is between images: share in the last "
                  "layer", "project", "", between, below(1e-4).noting(" (with ReLU and tanh over 0.05: see the figure)"))]


def of_images(results: Results) -> list[Claim]:
    [network] = networks(results.scale)
    return [claim("convolutions-learn", f"{network} learns MNIST", *SUMMARIES, errors(results, network, "LSUV"),
                  below(0.01, "%").of("test error"), paper="about 0.5 %", unit="%"),
            *(difference(f"convolutions-better-than-{init.lower()}", f"better than {init}", *SUMMARIES,
                         *against(results, network, init), unit="%") for init in INITS[1:])]
