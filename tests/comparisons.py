"""Comparisons with made-up results, which cover each case without any training."""

import math

import numpy as np

import retroprop as rp
from retroprop.experiments.compare.comparison import Comparison
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.metric import Metric
from retroprop.experiments.compare.results import Sizes, TrainingRun

X, Y = rp.datasets.digits()
LAYERS = {}


def layers(activation=rp.Tanh, arrays=False):
    """The statistics of the layers of a small network."""
    if (activation, arrays) not in LAYERS:
        net = rp.Sequential(rp.Linear(64, 20, rng=0), activation(), rp.Linear(20, 20, rng=1), activation(),
                            rp.Linear(20, 10, rng=2))
        LAYERS[activation, arrays] = rp.layer_statistics(net, X[:50], rp.CrossEntropy(), Y[:50], arrays=arrays)
    return LAYERS[activation, arrays]


def run(init, seed, errors, rate=0.03, *, saturated=0.0, validation=math.nan, **statistics):
    """One run with these test errors by epoch; a last one of None is where it diverged."""
    ended = [error for error in errors if error is not None]
    diverged = "fit: the cost is nan" if len(ended) < len(errors) else None
    found = layers(arrays=seed == 0, **statistics)
    return TrainingRun(init, seed, [0.5 + error for error in ended], ended, [[saturated, saturated]] * (len(ended) + 1),
                       found, found, diverged, rate=rate, validation=validation,
                       digest=f"{init} {seed}", sampling=0.0063)


def comparison(errors, *, kind="classes", unit="%", chance=0.9, remarks=(), unfit=(), names=(), saturated=0.0,
               activation=rp.Tanh, **settings):
    """A comparison from the test errors of each initialization: a list of errors by epoch for each seed."""
    runs = [run(init, seed, by_epoch, saturated=saturated, activation=activation)
            for init, group in errors.items() for seed, by_epoch in enumerate(group)]
    return of_runs(runs, kind, unit, chance, remarks, names, unfit, **settings)


def at_rates(errors, *, kind="classes", unit="%", chance=0.9, **settings):
    """A comparison from the last errors of each initialization at each rate, by seed; None is a run that diverged."""
    runs = [run(init, seed, [error if error is None else (error + chance) / 2, error][error is None:], rate,
                validation=math.nan if error is None else error)
            for init, rates in errors.items() for rate, group in rates.items() for seed, error in enumerate(group)]
    rates = sorted({one.rate for one in runs})
    return of_runs(runs, kind, unit, chance, lr=rates, **settings)


def of_runs(runs, kind="classes", unit="%", chance=0.9, remarks=(), names=(), unfit=(), **settings):
    inits = tuple(dict.fromkeys(one.init for one in runs))
    epochs = max(len(one.errors) for one in runs)
    config = vars(Config()) | {"init": inits, "seeds": len({one.seed for one in runs}), "epochs": epochs} | settings
    validation = 259 * (len({one.rate for one in runs}) > 1)
    metric = Metric(kind, unit, chance, chance if validation else math.nan)
    return Comparison(config, runs, metric, Sizes(1297 - validation, validation, 500), 64, 10, names, remarks=remarks,
                      unfit=unfit)


def spread(mean, seeds=5, width=0.002):
    """Errors of several seeds about a mean, in an order of their own for each mean."""
    return mean + width * np.random.default_rng(round(1e6 * mean)).permutation(np.linspace(-1, 1, seeds))


def falling(*means, seeds=5, width=0.002):
    """For each seed, errors by epoch."""
    return np.array([spread(mean, seeds, width) for mean in means]).T.tolist()


def many(count, epochs=20, seeds=3):
    """``count`` initializations: a third learn in 1 epoch, a third later, a third not; they are called U(-1, 1), ..."""
    first = {k: falling(*np.geomspace(0.09, 0.02 + k / 1000, epochs), seeds=seeds) for k in range(count // 3)}
    later = {k: falling(*np.geomspace(0.8, 0.03 + k / 1000, epochs), seeds=seeds) for k in range(count // 3, 2 * count // 3)}
    never = {k: falling(*[0.92] * epochs, seeds=seeds) for k in range(2 * count // 3, count)}
    return comparison({f"U(-{k + 1}, {k + 1})": errors for k, errors in (first | later | never).items()})
