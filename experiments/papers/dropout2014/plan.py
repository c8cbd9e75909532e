"""Which runs answer the questions of Srivastava et al. 2014."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ...sweeps.trials import Settings, Trial
from ..paper import Scale, evaluation_steps
from .runs import autoencoded, classified, exact, learned

NOISE = 0.3                                                         # share of the training examples with a wrong class
NETS = 100                                                          # sampled networks that are averaged
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)             # learning rates
MNIST_STEPS = 100_000                                               # 200 passes in batches of 100; the paper says none
PLAIN = {"keep": 1.0, "keep_input": 1.0}
FULL = 1297                                                         # training examples of the digits
SLOW = 0.01                                                         # a learning rate that small keeps can bear
PIXELS = {"keep_input": 1.0}                                        # dropout of hidden units alone
CLEAN = PIXELS | {"examples": FULL, "noise": 0.0}                   # and right classes alone
TABLE_9 = (1024, 1024, 2048)


def network(scale: Scale, **changes: Any) -> Settings:
    """Settings of ``learned``: those of the main comparison, with dropout, but for ``changes``."""
    settings = {"examples": scale.choose(400, 800), "noise": NOISE, "keep": 0.5, "keep_input": 0.8, "width": width(scale),
                "updates": scale.choose(640, 1280), "kind": "Bernoulli", "norm": None, "l2": 0.0, "l1": 0.0, "lr": 0.05,
                "momentum": 0.9}
    changed = settings | changes
    averaged = changed in (settings, settings | PIXELS, settings | CLEAN)
    return changed | {"nets": NETS if averaged else 0}


def width(scale: Scale) -> int:
    return int(scale.choose(128, 256))


def keeps(scale: Scale) -> tuple[float, ...]:
    """Of the hidden units, for figure 9."""
    return tuple(scale.choose((0.2, 0.5, 0.8, 1.0), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)))


def fixed(scale: Scale) -> dict[float, tuple[Settings, Settings]]:
    """For each keep, for figure 9b: always as many units, and as many as keep the same number of units."""
    half = width(scale) // 2
    return {keep: (network(scale, keep=keep, lr=SLOW, width=half),
                   network(scale, keep=keep, lr=SLOW, width=round(0.5 * half / keep)))
            for keep in scale.choose((0.2, 0.5), (0.2, 0.3, 0.5, 0.8, 1.0))}


def counts(scale: Scale) -> tuple[int, ...]:
    """Of training examples, for figure 10."""
    return tuple(scale.choose((100, 400, 1297), (100, 200, 400, 500, 800, 1297)))


def clean_counts(scale: Scale) -> tuple[int, ...]:
    """The same, of examples with right labels alone."""
    return tuple(scale.choose((400, FULL), (100, 400, FULL)))




class Penalty(NamedTuple):
    """A row of table 9: its error in the paper, in %, and the settings among which the validation examples choose."""

    paper: float
    choices: Sequence[Settings]


def penalties(scale: Scale) -> dict[str, Penalty]:
    if scale.name == "quick":
        return {"L2": Penalty(1.62, [PLAIN | {"l2": 0.01}]), "max-norm": Penalty(1.35, [PLAIN | {"norm": 0.5}]),
                "dropout + L2": Penalty(1.25, [{"l2": 0.001}])}
    return {
        "L2": Penalty(1.62, [PLAIN | {"l2": l2} for l2 in (0.003, 0.01, 0.03)]),
        "L2 + L1": Penalty(1.60, [PLAIN | {"l2": l2, "l1": l1} for l2, l1 in ((0.01, 0.0003), (0.01, 0.001))]),
        "max-norm": Penalty(1.35, [PLAIN | {"norm": c} for c in (0.25, 0.5, 1.0, 2.0)]),
        "dropout + L2": Penalty(1.25, [{"l2": l2} for l2 in (0.0003, 0.001, 0.003)]),
        "dropout + max-norm": Penalty(1.05, [{"norm": c} for c in (1.0, 2.0, 3.0)]),
    }


def sparse(scale: Scale) -> dict[str, Settings]:
    """Right classes alone, with and without dropout: how much of the second layer is silent."""
    clean = {"examples": 200, "noise": 0.0}
    return {"without": network(scale, **clean, **PLAIN), "with": network(scale, **clean, norm=3.0)}


def autoencoder(scale: Scale, keep: float) -> Settings:
    return {"keep": keep, "width": width(scale) // 2, "updates": scale.choose(1000, 3000), "lr": 0.5, "momentum": 0.9}


class Mnist(NamedTuple):
    """A network of the paper's scale, and its test error there in %, or None."""

    sizes: tuple[int, ...]
    paper: float | None
    activation: str = "relu"
    keep: float = 0.5
    keep_input: float = 0.8
    norm: float | None = None
    l2: float = 0.0
    l1: float = 0.0
    lr: float = 0.01
    momentum: float = 0.95
    nets: int = 0


MNIST = {
    "logistic, 2x800, no dropout": Mnist((800,) * 2, 1.60, "sigmoid", 1.0, 1.0, lr=0.1, momentum=0.9),
    "logistic, 3x1024, dropout": Mnist((1024,) * 3, 1.35, "sigmoid", lr=0.05),
    "ReLU, 3x1024, no dropout": Mnist((1024,) * 3, None, keep=1.0, keep_input=1.0, momentum=0.9),
    "ReLU, 3x1024, dropout": Mnist((1024,) * 3, 1.25),
    "ReLU, 3x1024, dropout, max-norm": Mnist((1024,) * 3, 1.06, norm=2.0, nets=NETS),
    "ReLU, 2x2048, dropout, max-norm": Mnist((2048,) * 2, None, norm=2.0),
    "table 9: L2": Mnist(TABLE_9, 1.62, keep=1.0, keep_input=1.0, l2=1e-4, momentum=0.9),
    "table 9: L2 + L1": Mnist(TABLE_9, 1.60, keep=1.0, keep_input=1.0, l2=1e-4, l1=1e-6, momentum=0.9),
    "table 9: max-norm": Mnist(TABLE_9, 1.35, keep=1.0, keep_input=1.0, norm=2.0, momentum=0.9),
    "table 9: dropout + L2": Mnist(TABLE_9, 1.25, l2=1e-5),
    "table 9: dropout + max-norm": Mnist(TABLE_9, 1.05, norm=2.0),
}
MNIST_COUNTS = (100, 500, 1000, 5000, 10_000)                       # figure 10; the last, 50,000, is among those above


def mnist(scale: Scale, name: str, **changes: Any) -> Settings:
    """Settings of ``classified``."""
    found = MNIST[name]._asdict()
    del found["paper"]
    steps = scale.steps or MNIST_STEPS
    at = evaluation_steps(steps, 50)
    return found | {"sizes": list(found["sizes"]), "data": scale.data, "digest": scale.digest, "steps": steps, "at": at,
                    "examples": None} | changes


def counted(scale: Scale, dropout: bool, examples: int | None) -> Settings:
    """A run of figure 10 at the paper's scale: table 9's network, without and with dropout."""
    if dropout:
        return mnist(scale, "table 9: dropout + max-norm", examples=examples)
    return mnist(scale, "table 9: dropout + max-norm", examples=examples, **PLAIN, norm=None, momentum=0.9)


def settings(scale: Scale) -> Iterator[Settings]:
    """Those of ``learned``, some of them more than once."""
    yield from (network(scale, **PLAIN), network(scale), network(scale, **PIXELS), network(scale, norm=2.0))
    for keep in keeps(scale):
        yield network(scale, keep=keep)
    for pair in fixed(scale).values():
        yield from pair
    for count in counts(scale):
        yield from (network(scale, examples=count, **PLAIN), network(scale, examples=count))
    for count in clean_counts(scale):
        yield from (network(scale, examples=count, noise=0.0, **changes) for changes in (PLAIN, {}, PIXELS))
    for row in penalties(scale).values():
        for changes in row.choices:
            yield network(scale, **changes)
    yield from sparse(scale).values()
    yield from (network(scale, width=width(scale) // 2), network(scale, width=width(scale) // 2, **PLAIN))
    if scale.name != "quick":
        yield from fine(scale)


def fine(scale: Scale) -> Iterator[Settings]:
    """More of the same, for what the quick scale leaves out."""
    yield from (network(scale, kind="Gaussian"), network(scale, examples=400, norm=2.0))
    for lr in RATES:
        yield from (network(scale, lr=lr, **PLAIN), network(scale, lr=lr))
    for momentum in (0.0, 0.95):
        yield network(scale, lr=SLOW, momentum=momentum)
    yield from (network(scale, width=width(scale) // 4), network(scale, width=width(scale) // 4, **PLAIN))


def plan(scale: Scale) -> list[Trial]:
    seeds = range(scale.seeds)
    facts = [Trial(exact, {"keep": keep, "seed": seed}) for keep in (0.5, 0.8) for seed in seeds]
    if scale.name == "paper":
        runs = [mnist(scale, name) for name in MNIST]
        runs += [counted(scale, dropout, examples) for examples in MNIST_COUNTS for dropout in (False, True)]
        runs += [counted(scale, False, None)]
        return [*facts, *(Trial(classified, dict(run) | {"seed": seed}, True) for run in runs for seed in seeds)]
    runs = list({str(run): run for run in settings(scale)}.values())
    return [*facts, *(Trial(learned, dict(run) | {"seed": seed}) for run in runs for seed in seeds),
            *(Trial(autoencoded, dict(autoencoder(scale, keep)) | {"seed": seed}) for keep in (1.0, 0.5) for seed in seeds)]
