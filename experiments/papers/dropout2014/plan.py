"""The runs that stand for those of Srivastava et al. 2014.

The small scales compare runs of ``learned``. The main run has dropout; a dict of changes says how another run differs from it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...lab.trained import trained
from ...reproduce.paper import Scale, evaluation_steps, trials
from ...sweeps.trials import Trial
from .runs import autoencoded, exact, learned

Changes = dict[str, Any]

NOISE = 0.3                                                         # share of the training examples with a wrong label
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)             # learning rates
SLOW = 0.01                                                         # a learning rate at which small p's learn
FULL = 1297                                                         # training examples of the digits
PLAIN: Changes = {"keep": 1.0, "keep_input": 1.0}                   # no dropout
PIXELS: Changes = {"keep_input": 1.0}                               # dropout of hidden units alone
FIGURE_9: Changes = PIXELS | {"depth": 3}                           # its network: 784-2048-2048-2048-10
CLEAN: Changes = {"examples": FULL, "noise": 0.0}                   # all examples, with right labels
SPARSE: tuple[Changes, Changes] = ({"examples": 200, "noise": 0.0} | PLAIN, {"examples": 200, "noise": 0.0, "norm": 3.0})
TABLE_9 = {"L2": 1.62, "L2 + L1": 1.60, "max-norm": 1.35, "dropout + L2": 1.25, "dropout + max-norm": 1.05}    # errors in %

MNIST_STEPS = 100_000                                               # 200 passes in batches of 100; the paper says none
MNIST_COUNTS = (100, 500, 1000, 5000, 10_000, None)                 # of training examples, for figure 10; None: all
LARGE: Changes = {"sizes": [1024, 1024, 2048]}                      # table 9's network
DEEP: Changes = {"sizes": [1024] * 3}
ALONE: Changes = PLAIN | {"momentum": 0.9}                          # without dropout, on MNIST
MNIST: dict[str, tuple[float | None, Changes]] = {                  # networks of MNIST, and their errors in the paper, in %
    "logistic, 2x800, no dropout": (1.60, ALONE | {"sizes": [800] * 2, "activation": "sigmoid", "lr": 0.1}),
    "logistic, 3x1024, dropout": (1.35, DEEP | {"activation": "sigmoid", "lr": 0.05}),
    "ReLU, 3x1024, no dropout": (None, DEEP | ALONE),
    "ReLU, 3x1024, dropout": (1.25, DEEP),
    "ReLU, 3x1024, dropout, max-norm": (1.06, DEEP | {"norm": 2.0, "readings": "sampled averages"}),
    "ReLU, 2x2048, dropout, max-norm": (None, {"sizes": [2048] * 2, "norm": 2.0}),
} | {f"table 9: {name}": (TABLE_9.get(name), LARGE | changes) for name, changes in {
    "no dropout": ALONE,
    "L2": ALONE | {"l2": 1e-4},
    "L2 + L1": ALONE | {"l2": 1e-4, "l1": 1e-6},
    "max-norm": ALONE | {"norm": 2.0},
    "dropout + L2": {"l2": 1e-5},
    "dropout + max-norm": {"norm": 2.0},
}.items()}
COUNTED = {"without dropout": "table 9: no dropout", "dropout": "table 9: dropout + max-norm"}  # figure 10 on MNIST



class Sizes(NamedTuple):
    """What one of the small scales compares."""

    examples: int
    updates: int
    width: int                                                      # units in each hidden layer
    keeps: tuple[float, ...]                                        # p of the hidden units, for figure 9a
    fixed_keeps: tuple[float, ...]                                  # the same for figure 9b, where n or pn is fixed
    counts: tuple[int, ...]                                         # of examples, some with wrong labels, for figure 10
    clean_counts: tuple[int, ...]                                   # of examples that all have right labels
    strengths: dict[str, list[Changes]]                             # by row of table 9; the validation examples choose one

    def fixed(self) -> dict[float, tuple[Changes, Changes]]:
        """For each p of figure 9b: the changes with n units, and those with n/p units, of which as many are kept on average."""
        half = self.width // 2
        return {keep: (FIGURE_9 | {"keep": keep, "lr": SLOW, "width": half},
                       FIGURE_9 | {"keep": keep, "lr": SLOW, "width": round(0.5 * half / keep)}) for keep in self.fixed_keeps}


SIZES = {
    "quick": Sizes(400, 640, 128, (0.2, 0.5, 0.8, 1.0), (0.2, 0.5), (100, 400, FULL), (400, FULL), {
        "L2": [PLAIN | {"l2": 0.01}], "max-norm": [PLAIN | {"norm": 0.5}], "dropout + L2": [{"l2": 0.001}]}),
    "small": Sizes(800, 1280, 256, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0), (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
                   (100, 200, 400, 500, 800, FULL), (100, 400, FULL), {
        "L2": [PLAIN | {"l2": l2} for l2 in (0.003, 0.01, 0.03)],
        "L2 + L1": [PLAIN | {"l2": 0.01, "l1": l1} for l1 in (0.0003, 0.001)],
        "max-norm": [PLAIN | {"norm": c} for c in (0.25, 0.5, 1.0, 2.0)],
        "dropout + L2": [{"l2": l2} for l2 in (0.0003, 0.001, 0.003)],
        "dropout + max-norm": [{"norm": c} for c in (1.0, 2.0, 3.0)]})}


def network(scale: Scale, **changes: Any) -> dict[str, Any]:
    """Settings of ``learned``: those of the main run, with dropout, but for ``changes``."""
    sizes = SIZES[scale.name]
    main = {"examples": sizes.examples, "noise": NOISE, "keep": 0.5, "keep_input": 0.8, "width": sizes.width, "depth": 2,
            "updates": sizes.updates, "kind": "Bernoulli", "norm": None, "l2": 0.0, "l1": 0.0, "lr": 0.05, "momentum": 0.9}
    changed = main | changes
    return changed | {"averaged": changed in (main, main | PIXELS, main | PIXELS | CLEAN)}


def compared(scale: Scale) -> list[Changes]:
    """The changes of all runs of ``learned``, some of them more than once."""
    sizes = SIZES[scale.name]
    half = sizes.width // 2
    found: list[Changes] = [PIXELS, {"norm": 2.0}, *(FIGURE_9 | {"keep": keep} for keep in sizes.keeps), *SPARSE]
    found += [each for pair in sizes.fixed().values() for each in pair]
    found += [each for choices in sizes.strengths.values() for each in choices]
    found += [CLEAN | {"examples": n} | each for n in sizes.clean_counts for each in (PLAIN, {}, PIXELS)]
    both: list[Changes] = [{}, {"width": half}, *({"examples": n} for n in sizes.counts)]
    if scale.name != "quick":
        found += [{"kind": "Gaussian"}, {"examples": 400, "norm": 2.0}, *({"lr": SLOW, "momentum": m} for m in (0.0, 0.95))]
        both += [{"width": half // 2}, *({"lr": lr} for lr in RATES)]
    return [*found, *both, *(each | PLAIN for each in both)]


def autoencoder(scale: Scale, keep: float) -> dict[str, Any]:
    """Settings of ``autoencoded``."""
    return {"keep": keep, "width": SIZES[scale.name].width // 2, "updates": scale.choose(1000, 3000), "lr": 0.5,
            "momentum": 0.9}


def mnist(scale: Scale, name: str, **changes: Any) -> dict[str, Any]:
    """Settings of ``trained`` for a network of ``MNIST``."""
    steps = scale.steps or MNIST_STEPS
    return scale.files() | {
        "network": "noisy", "activation": "relu", "keep": 0.5, "keep_input": 0.8, "init": "He", "norm": None, "l2": 0.0,
        "l1": 0.0, "lr": 0.01, "momentum": 0.95, "rising": True, "batch_size": 100, "steps": steps, "examples": None,
        "at": evaluation_steps(steps, 50), "readings": "errors"} | MNIST[name][1] | changes


def plan(scale: Scale) -> list[Trial]:
    facts = trials(scale, exact, *({"keep": keep} for keep in (0.5, 0.8)))
    if scale.name == "paper":
        sizes = [mnist(scale, name, examples=n) for n in MNIST_COUNTS for name in COUNTED.values()]
        return [*facts, *trials(scale, trained, *(mnist(scale, name) for name in MNIST), *sizes, resumable=True)]
    return [*facts, *trials(scale, learned, *(network(scale, **changes) for changes in compared(scale))),
            *trials(scale, autoencoded, *(autoencoder(scale, keep) for keep in (1.0, 0.5)))]
