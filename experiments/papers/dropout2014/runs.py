"""The runs of Srivastava et al. 2014 besides ``trained``: digits with wrong labels, autoencoders, exact facts.

``keep`` is the paper's p, the probability of keeping a unit; ``Dropout(p)`` takes the probability of dropping it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from ....arguments import Array, Seed
from ....errors import NonFiniteError
from ....initializers import HeNormal, Normal
from ....inspection.diagnosis.layers import hidden_activations, layer_statistics
from ....losses import MSE, CrossEntropy
from ....modules import Dropout, Module, Sequential
from ....training import Run, fit
from ...lab.data import relabelled, source
from ...lab.networks import dropping, noisy
from ...lab.readings import averages, wrong
from ...lab.trained import descent, penalties, weights

SILENT = 1e-3                                                       # activations below are silent
HIGHEST, BINS = 2.0, 40                                             # of the histograms of activations
PIXELS, CLASSES, BATCH = 64, 10, 50
READINGS = 10                                                       # of a run, on the way
SHOWN = 64                                                          # units whose weights are kept
SAMPLES = 20000                                                     # masks of which dropout's mean is taken


class GaussianNoise(Module):
    """In training, multiply each number by one drawn from N(1, (1 - p) / p), where p is ``keep``.

    Dropout's masks have the same mean and variance.
    """

    symmetric = True

    def __init__(self, keep: float, rng: Seed = None) -> None:
        self.std, self.rng = math.sqrt((1 - keep) / keep), np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        self.point = self.rng.normal(1, self.std, x.shape).astype(x.dtype) if self.training else np.ones_like(x)
        return x * self.point

    def backward(self, g: Array) -> Array:
        return g * self.point


KINDS: Mapping[str, Callable[[float, np.random.Generator], Module]] = {"Bernoulli": dropping, "Gaussian": GaussianNoise}


def noisy_digits(examples: int, noise: float, seed: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Training examples, of which the share ``noise`` has a wrong label, any of the nine; and all others, with right ones."""
    train = source("digits", seed).train
    assert train is not None
    x, y = train
    rng = np.random.default_rng([seed, examples])
    order = rng.permutation(len(y))
    chosen, others = order[:examples], order[examples:]
    return (x[chosen], relabelled(y[chosen], noise, CLASSES, rng)), (x[others], y[others])


def learned(*, examples: int, noise: float, keep: float, keep_input: float, width: int, depth: int, updates: int, kind: str,
            norm: float | None, l2: float, l1: float, lr: float, momentum: float, averaged: bool, seed: int) -> dict[str, Any]:
    """Train a network of ``depth`` hidden layers of ``width`` units on digits, some of which have wrong labels.

    Returns
    -------
    dict
        ``error``: of the 500 test examples; ``training``: of the training examples, by the labels that were given;
        ``validation``: of the training part's other examples, by their own labels, or None; ``silent``: the share of the
        last hidden layer's activations on the test examples that are silent; ``curve``: errors during training. Errors are
        those of chance where the run diverged, and ``silent`` is NaN. If ``averaged``: the errors of averages over sampled
        networks, and ``scaled``, that of weight scaling. ``resampled`` is the `Source`'s.
    """
    data, others = noisy_digits(examples, noise, seed)
    digits = source("digits", seed)
    x, y = digits.part()
    net = noisy(PIXELS, CLASSES, HeNormal(), sizes=[width] * depth, keep=keep, keep_input=keep_input, noise=KINDS[kind],
                seed=seed)
    batches = -(-examples // BATCH)
    epochs = max(1, round(updates / batches))
    curve: list[dict[str, float]] = []

    def read(run: Run) -> None:
        if run.epoch % max(1, epochs // READINGS) == 0 or run.epoch == epochs:
            curve.append({"update": run.epoch * batches, "error": wrong(net, x, y), "training": wrong(net, *data)})

    try:
        fit(net, CrossEntropy(), descent(net, lr, momentum, l2), data, epochs=epochs, batch_size=BATCH, rng=seed,
            callbacks=[*penalties(lr, l1, norm), read], progress=False).raise_if_interrupted()
    except NonFiniteError:
        lost = dict.fromkeys(("error", "training", "validation"), digits.chance)
        return {"diverged": True, "resampled": digits.resampled, "curve": curve, "silent": math.nan} | lost
    error, last = curve[-1]["error"], activations(net, x)[-1]
    result = {"diverged": False, "resampled": digits.resampled, "curve": curve, "error": error,
              "training": curve[-1]["training"], "validation": wrong(net, *others) if len(others[1]) else None,
              "silent": float((last < SILENT).mean())}
    return result | ({"scaled": error, "averages": averages(net, x, y, seed)} if averaged else {})


def activations(net: Sequential, x: Array) -> list[Array]:
    """The outputs of each hidden layer, in evaluation mode."""
    return [np.asarray(record.activation) for record in hidden_activations(layer_statistics(net, x))]


def autoencoded(*, keep: float, width: int, updates: int, lr: float, momentum: float, seed: int) -> dict[str, Any]:
    """Train a 64-width-64 network to give back digits, from small weights, with dropout in the hidden layer.

    Returns
    -------
    dict
        ``neighbours``: the correlation of the weights of neighbouring pixels, about 0 where the weights show nothing;
        ``features``: the weights into the units with the largest ones; ``mean``, ``silent``, and histograms between the
        ``edges``: of the ``activations`` on the test examples, and of their means by unit, ``units``.
    """
    digits = source("digits", seed)
    assert digits.train is not None
    data, (x, _) = digits.train[0], digits.part()
    net = noisy(PIXELS, PIXELS, Normal(0.01), sizes=[width], keep=keep, keep_input=1.0, seed=seed)
    fit(net, MSE(), descent(net, lr, momentum), (data, data), epochs=round(updates * BATCH / len(data)), batch_size=BATCH,
        rng=seed, progress=False).raise_if_interrupted()
    [hidden] = activations(net, x)
    images = weights(net)[0].data.reshape(width, 8, 8).astype(float)
    below, right = (images[:, 1:], images[:, :-1]), (images[..., 1:], images[..., :-1])
    pairs = [np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(below, right, strict=True)]
    strongest = np.argsort(-(images ** 2).sum((1, 2)))[:SHOWN]
    counts, edges = np.histogram(hidden, BINS, (0.0, HIGHEST))
    units, _ = np.histogram(hidden.mean(0, dtype=float), BINS, (0.0, HIGHEST))
    return {"resampled": digits.resampled, "mean": float(hidden.mean()), "silent": float((hidden < SILENT).mean()),
            "neighbours": float(np.corrcoef(pairs)[0, 1]), "edges": edges.tolist(),
            "activations": (counts / hidden.size).tolist(), "units": (units / width).tolist(),
            "features": np.round(images[strongest].reshape(len(strongest), -1), 4).tolist()}


def exact(*, keep: float, seed: int) -> dict[str, float]:
    """How far facts that need no training are from being exact, in float64.

    Returns
    -------
    dict
        ``ridge``: the weights of least squares under dropout of the inputs, averaged over all masks, against those of the
        paper's ridge regression; ``cost``: the two costs at other weights; ``mean``: the mean of many masked vectors, in
        standard errors from the vector; ``test``: what evaluation mode changes; ``mask``: the largest difference between
        the masks of backward and forward.
    """
    rng = np.random.default_rng(seed)
    x, y, w = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    masks = np.array(list(product((0.0, 1.0), repeat=x.size))).reshape(-1, *x.shape)
    chances = keep ** masks.sum((1, 2)) * (1 - keep) ** (x.size - masks.sum((1, 2)))
    masked = masks * x
    gram, moment = np.einsum("m,mij,mik->jk", chances, masked, masked), np.einsum("m,mij,i->j", chances, masked, y)
    penalty = (1 - keep) / keep * np.diag((x * x).sum(0))
    ridge = np.linalg.solve(x.T @ x + penalty, x.T @ y)             # w~ = p w
    average = float(chances @ ((y - masked @ (w / keep)) ** 2).sum(1))
    dropout = Dropout(1 - keep, rng=seed)
    ones, many = np.ones(SAMPLES), rng.normal(size=20)
    sampled = np.array([dropout.forward(ones) for _ in many])       # a row for each number of the vector
    deviations = (sampled.mean(1) * many - many) / (np.abs(many) * math.sqrt((1 - keep) / keep / SAMPLES))
    output = dropout.forward(x)
    same = dropout.backward(np.ones_like(x)) * x
    dropout.eval()
    return {"ridge": float(np.abs(keep * np.linalg.solve(gram, moment) - ridge).max()),
            "cost": float(abs(average - ((y - x @ w) ** 2).sum() - w @ penalty @ w)),
            "mean": float(np.abs(deviations).max()), "test": float(np.abs(dropout.forward(x) - x).max()),
            "mask": float(np.abs(output - same).max())}
