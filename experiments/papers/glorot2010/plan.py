"""Our runs of the experiments of Glorot & Bengio 2010, and which of them belong to a network of its table 1."""

from __future__ import annotations

from typing import Any

from ...lab.networks import INITIALIZERS, initialization
from ...lab.trained import error_at, trained
from ...reproduce.paper import Pick, Results, Scale, evaluation_steps, trials
from ...reproduce.series import Series, at_best, best
from ...sweeps.trials import Trial
from .runs import histograms, layers, signals, surface

LABELS = {"Standard": "standard", "Glorot": "normalized"}           # the paper's two initializations, in its words
NAIVE = ("N(0, 0.01)", "N(0, 1)")
DEPTH, OF_SIGMOID = 5, 4                                            # hidden layers; the paper's best depths in table 1
FUNCTIONS = ("tanh", "softsign", "sigmoid")                         # of networks before training
EVERY_INIT = (*INITIALIZERS, *NAIVE, "U(-1, 1)")                    # that signals pass
NETS = {"softsign": ("softsign", "Standard"), "softsign N": ("softsign", "Glorot"), "tanh": ("tanh", "Standard"),
        "tanh N": ("tanh", "Glorot"), "sigmoid": ("sigmoid", "Standard")}     # table 1; N is the normalized initialization
OTHERS = {("tanh", "N(0, 0.01)"): 0.03, ("tanh", "N(0, 1)"): 0.03, ("relu", "He"): 0.03, ("relu", "N(0, 1)"): 0.001}
TUNED = (*NETS.values(), ("sigmoid", "Glorot"), *OTHERS)            # networks with a best learning rate each
RATES, PAPER_RATES = (0.01, 0.03, 0.1, 0.3), (0.01, 0.03, 0.1)
SIGMOIDS = tuple((depth, init) for depth in range(1, 6) for init in LABELS)   # figure 2: hidden layers and initialization
EASY = "easy-shapeset"
UPDATES, READINGS = 5_000_000, 50                                   # of a run at the paper's scale
Net = tuple[str, str]                                               # activation and initialization


def plan(scale: Scale) -> list[Trial]:
    return [*before_training(scale), *in_training(scale)]


def before_training(scale: Scale) -> list[Trial]:
    """Runs without a training step, so that the paper's own width, 1000, is part of the small scale too."""
    nets = [(f, init) for f in FUNCTIONS for init in LABELS] + [("tanh", init) for init in NAIVE]
    widths: dict[int, list[Net]] = {100: nets} | scale.choose({300: nets[:2]}, {300: nets, 1000: nets})
    read = [untrained(*net, width) for width, some in widths.items() for net in some]
    if scale.name == "paper" and scale.data not in (None, "shapeset"):
        read += [untrained("tanh", init, 1000) | scale.files() for init in LABELS]
    drawn = [Trial(histograms, untrained("tanh", init, max(widths)) | {"bins": 150, "seed": 0}) for init in LABELS]
    passed = [{"init": init, "width": width, "depth": depth} for width, depth in sizes(scale) for init in EVERY_INIT]
    surfaces = [{"reach": reach, "points": scale.choose(25, 41)} for reach in (3.0, 6.0)]
    return [*trials(scale, layers, *read), *drawn, *trials(scale, signals, *passed), *trials(scale, surface, *surfaces)]


def untrained(activation: str, init: str, width: int) -> dict[str, Any]:
    return {"data": "shapeset", "activation": activation, "init": init, "width": width, "depth": DEPTH}


def sizes(scale: Scale) -> tuple[tuple[int, int], ...]:
    """Width and depth of the networks that signals pass, the narrowest first."""
    small = ((10, 50), (30, 50), (100, 50), (300, 50), (1000, 5), (2000, 3))
    return ((10, 50), (100, 50), (300, 5)) if scale.name == "quick" else small


def in_training(scale: Scale) -> list[Trial]:
    if scale.name == "paper":
        steps = scale.steps or UPDATES
        more = scale.files() | {"width": 1000, "steps": steps, "at": evaluation_steps(steps, READINGS)}
        found = [network(*net, depth=in_table(net), lr=lr, **more) for net in NETS.values() for lr in PAPER_RATES]
        return trials(scale, trained, *found, network(*NETS["sigmoid"], lr=0.1, **more), resumable=True)
    at = scale.choose([0, 100, 250, 500, 750, 1000],
                      [0, 50, 100, 200, 350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000])
    longer = scale.choose(at, [*at[:7], *range(1000, 12001, 500)])
    found = [network(*net, lr=0.03, at=at) for name, net in NETS.items() if name != "sigmoid"]
    found += [network(*net, lr=lr, at=at, readings="errors") for net, lr in OTHERS.items()]
    found += [network("sigmoid", init, depth=depth, lr=0.1, at=longer)
              for depth, init in scale.choose(SIGMOIDS[-2:], SIGMOIDS)]
    if scale.name == "small":
        found += [network(*net, data="validated-digits", depth=in_table(net), lr=lr, at=at[-1:], readings="errors")
                  for net in TUNED for lr in RATES]
        found += [network(*net, data=EASY, depth=in_table(net), lr=0.03, at=[0, 100, 250, 500, *range(1000, 12001, 1000)])
                  for net in NETS.values()]
    return trials(scale, trained, *found)


def in_table(net: Net) -> int:
    """The hidden layers of a network of table 1."""
    return OF_SIGMOID if net[0] == "sigmoid" else DEPTH


def network(activation: str, init: str, *, at: list[int], **settings: Any) -> dict[str, Any]:
    """Settings of a run of `trained`, by default with 5 hidden layers of 100 units on digits."""
    return {"data": "digits", "activation": activation, "init": init, "depth": DEPTH, "width": 100, "batch_size": 10,
            "steps": at[-1], "at": at, "readings": "layers"} | settings


def label_of(init: str) -> str:
    """The paper's word for an initialization, or its name."""
    return LABELS.get(init, initialization(init).label)


def main_data(scale: Scale) -> str:
    """The data that figures of layers in training show: images of shapes, as in the paper, where networks learn them."""
    return scale.data or str(scale.choose("digits", EASY))


def selected(results: Results, net: Net, data: str | None = None) -> dict[str, Any]:
    """Settings that select the runs of a network on ``data``, by default on the main data.

    At the paper's scale they are those at the network's best learning rate.
    """
    rate = {"lr": tuned(results, net)[0]} if results.scale.name == "paper" else {}
    chosen = data or main_data(results.scale)
    depth = DEPTH if chosen == "digits" else in_table(net)
    return {"data": chosen, "depth": depth, "activation": net[0], "init": net[1]} | rate


def of_net(results: Results, pick: Pick, net: Net, data: str | None = None) -> Series:
    """A number of each of the runs that `selected` selects."""
    return results.series(pick, trained, **selected(results, net, data))


def tuned(results: Results, net: Net) -> tuple[float | None, Series]:
    """The learning rate with the smallest mean error on validation examples, and its test errors; None without runs.

    The errors without a seed are those at the rate that the others choose; readings that `selected` selects keep the rate.
    """
    data, rates = (results.scale.data, PAPER_RATES) if results.scale.name == "paper" else ("validated-digits", RATES)
    settings = {"data": data, "depth": in_table(net), "activation": net[0], "init": net[1]}
    validated, tested = ({lr: results.series(error_at(part=part), trained, lr=lr, **settings) for lr in rates}
                         for part in ("validation", "error"))
    return best(validated), at_best(validated, tested)
