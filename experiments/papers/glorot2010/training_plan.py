"""Glorot & Bengio 2010, training: which networks are run at each scale, and how their errors are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...lab.dense import error_at, errors
from ...sweeps.trials import Numbers, Trial
from ..paper import Results, Scale, evaluation_steps
from .training_runs import held_out, watched

NETS = {"softsign": ("softsign", "Standard"), "softsign N": ("softsign", "Glorot"), "tanh": ("tanh", "Standard"),
        "tanh N": ("tanh", "Glorot"), "sigmoid": ("sigmoid", "Standard")}     # table 1; N is the normalized initialization
NAIVE = (("tanh", "N(0, 0.01)", 0.03), ("tanh", "N(0, 1)", 0.03), ("relu", "He", 0.03), ("relu", "N(0, 1)", 0.001))
SIGMOID = ("sigmoid", "Glorot")
EASY = "easy-shapeset"
RATES = (0.01, 0.03, 0.1, 0.3)                                      # on digits, for each network the best of them
PAPER_RATES = (0.01, 0.03, 0.1)
UPDATES = 5_000_000
READINGS = 50                                                       # at the paper's scale
PLATEAUS = tuple((depth, init) for depth in range(1, 6) for init in ("Standard", "Glorot"))
Runs = dict[int, float]                                             # a number a seed


def plan(scale: Scale) -> list[Trial]:
    """The runs, networks in the order of the tables."""
    if scale.name == "paper":
        every = [settings | {"seed": seed} for settings in paper_settings(scale) for seed in range(scale.seeds)]
        return [Trial(watched, settings, resumable=True) for settings in every]
    trials = [Trial(watched, on_digits(scale, *NETS[name], 0.03)) for name in NETS if name != "sigmoid"]
    trials += [Trial(errors, on_digits(scale, *cell)) for cell in NAIVE]
    trials += [Trial(watched, plateau(scale, depth, init)) for depth, init in scale.choose(PLATEAUS[-2:], PLATEAUS)]
    if scale.name == "small":
        trials += [Trial(held_out, on_digits(scale, *net, lr, at=False)) for net in tuned() for lr in RATES]
        trials += [Trial(watched, on_shapeset(*net)) for net in NETS.values()]
    return [trial._replace(settings=dict(trial.settings) | {"seed": seed}) for trial in trials for seed in range(scale.seeds)]


def tuned() -> list[tuple[str, str]]:
    """Activation and start of each network that is given its own best learning rate."""
    return [*NETS.values(), SIGMOID, *((activation, init) for activation, init, _ in NAIVE)]


def on_digits(scale: Scale, activation: str, init: str, lr: float, at: bool = True) -> dict[str, Any]:
    found = {"activation": activation, "init": init, "depth": 5, "width": 100, "lr": lr, "batch_size": 10,
             "steps": scale.choose(1000, 4000)}
    marks = scale.choose([0, 100, 250, 500, 750, 1000],
                         [0, 50, 100, 200, 350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000])
    return found | ({"data": "digits", "at": marks} if at else {})


def on_shapeset(activation: str, init: str) -> dict[str, Any]:
    return {"data": EASY, "activation": activation, "init": init, "depth": 5, "width": 100, "lr": 0.03, "batch_size": 10,
            "steps": 12000, "at": [0, 100, 250, 500, *range(1000, 12001, 1000)]}


def plateau(scale: Scale, depth: int, init: str) -> dict[str, Any]:
    """Of figure 2, and, with 5 layers, the sigmoid networks of the tables."""
    marks = scale.choose([0, 100, 250, 500, 750, 1000], [0, 50, 100, 200, 350, 500, 750, *range(1000, 12001, 500)])
    return {"data": "digits", "activation": "sigmoid", "init": init, "depth": depth, "width": 100, "lr": 0.1,
            "batch_size": 10, "steps": marks[-1], "at": marks}


def paper_settings(scale: Scale) -> list[dict[str, Any]]:
    """Table 1's networks at each learning rate, and the sigmoid network of figure 2 with 4 layers."""
    steps = UPDATES if scale.steps is None else scale.steps
    at = evaluation_steps(steps, READINGS)
    common = {"data": scale.data, "width": 1000, "batch_size": 10, "steps": steps, "at": at, "digest": scale.digest}
    nets = [(5, activation, init, lr) for activation, init in NETS.values() for lr in PAPER_RATES]
    return [common | {"depth": depth, "activation": activation, "init": init, "lr": lr}
            for depth, activation, init, lr in [*nets, (4, "sigmoid", "Standard", 0.1)]]


def main_data(scale: Scale) -> str:
    """What figures of layers during training are of: images of shapes, as in the paper, where they are learned."""
    return scale.data or str(scale.choose("digits", EASY))


def runs(results: Results, pick: Callable[[Numbers], float], task: Callable[..., Numbers] = watched, **settings: Any) -> Runs:
    """A number of each run, by its seed."""
    return {one.trial.settings["seed"]: float(pick(one.result)) for one in results.of(task, **settings)}


def watched_net(results: Results, pick: Callable[[Numbers], float], name: str, data: str | None = None) -> Runs:
    """A number of each run of a network of table 1 on ``data``, at the rate that the figures show."""
    where = main_data(results.scale) if data is None else data
    activation, init = NETS[name]
    return runs(results, pick, data=where, depth=5, activation=activation, init=init, lr=shown_rate(results, name, where))


def shown_rate(results: Results, name: str, data: str) -> float:
    if results.scale.name == "paper":
        return chosen(results, *NETS[name])[0] or PAPER_RATES[0]
    return 0.1 if name == "sigmoid" and data == "digits" else 0.03


def matched(*groups: Runs) -> list[list[float]]:
    """The numbers of those seeds that ended in all groups."""
    seeds = sorted(set.intersection(*map(set, groups)))
    return [[group[seed] for seed in seeds] for group in groups]


def pair(low: Runs, high: Runs) -> tuple[list[float], list[float]]:
    """The numbers of those seeds that ended in both."""
    first, second = matched(low, high)
    return first, second


def chosen(results: Results, activation: str, init: str) -> tuple[float | None, Runs]:
    """The learning rate with the smallest mean error on validation examples, and its test errors; (None, {}) without runs."""
    paper = results.scale.name == "paper"
    task: Callable[..., Numbers] = watched if paper else held_out
    where = {"activation": activation, "init": init, "depth": 5}
    by_rate = {lr: runs(results, validation_error, task, lr=lr, **where) for lr in (PAPER_RATES if paper else RATES)}
    means = {lr: float(np.mean(list(values.values()))) for lr, values in by_rate.items() if values}
    if not means:
        return None, {}
    best = min(means, key=lambda lr: means[lr])
    return best, runs(results, final_error, task, lr=best, **where)


def validation_error(result: Numbers) -> float:
    return float(result["validation"]) if "validation" in result else error_at()(
        result | {"readings": [{"error": row["validation"]} for row in result["readings"]]})


def final_error(result: Numbers) -> float:
    return float(result["error"]) if "error" in result else error_at()(result)


def table(results: Results, data: str) -> dict[str, Runs]:
    """Table 1: the test error at the end of each network's runs. On digits and at the paper's scale at the best rate."""
    if data == EASY:
        return {name: watched_net(results, final_error, name, EASY) for name in NETS}
    return {name: chosen(results, *net)[1] for name, net in NETS.items()}


def column(row: str, reduce: Callable[[Any], float]) -> Callable[[Numbers], float]:
    """A number of a run made of an array (readings, layers) of one quantity."""
    return lambda result: float(reduce(np.array([reading[row] for reading in result["readings"]], float)))
