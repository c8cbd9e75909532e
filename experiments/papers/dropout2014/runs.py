"""The runs of Srivastava et al. 2014: networks of rectified linear units that over-fit, with and without dropout.

``keep`` is the paper's p, the probability of keeping a unit; ``Dropout(p)`` takes the probability of dropping it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array, Seed
from ....errors import NonFiniteError
from ....initializers import HeNormal, Initializer, Normal
from ....inspection import hidden_activations, layer_statistics
from ....losses import MSE, CrossEntropy
from ....modules import Dropout, Linear, Module, Parameter, Sequential
from ....optim import SGD
from ....training import Callback, MaxNorm, accuracy, fit
from ....training.callbacks import Run
from ...lab.data import source
from ...lab.dense import error_of
from ...lab.loop import train
from ...lab.networks import ACTIVATIONS

SILENT = 1e-3                                                       # under which an activation counts as none
HIGHEST, BINS = 2.0, 40                                             # of the histograms of activations
CLASSES, BATCH = 10, 50
READINGS = 10                                                       # of a run, on the way
ORDERS = 10                                                         # in which sampled networks are averaged
SHOWN = 64                                                          # units whose weights are kept
SAMPLES = 20000                                                     # of dropout's mean
MANY = 2000                                                         # test examples on which sampled networks are averaged
FIRST = 0.5                                                         # momentum of the first step on MNIST


class GaussianNoise(Module):
    """In training, multiply each number by one drawn from N(1, (1 - p) / p), p being ``keep``: the mean and the variance that
    dropout's masks have."""

    symmetric = True

    def __init__(self, keep: float, rng: Seed = None) -> None:
        self.std, self.rng = math.sqrt((1 - keep) / keep), np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        self.point = self.rng.normal(1, self.std, x.shape).astype(x.dtype) if self.training else np.ones_like(x)
        return x * self.point

    def backward(self, g: Array) -> Array:
        return g * self.point


class Shrink(Callback):
    """After each step, take ``by`` off the size of each weight, down to 0: the step of an L1 penalty."""

    def __init__(self, by: float) -> None:
        self.by = by

    def after_step(self, run: Run) -> None:
        self.project(run.net)

    def project(self, net: Module) -> None:
        for parameter in weights(net):
            parameter.data -= np.clip(parameter.data, -self.by, self.by)


def weights(net: Module) -> list[Parameter]:
    return [parameter for parameter in net.parameters() if parameter.data.ndim > 1]


def dense(sizes: Sequence[int], keep: float, keep_input: float, *, kind: str = "Bernoulli", activation: str = "relu",
          initializer: Initializer | None = None, seed: int) -> Sequential:
    """Linear layers of these sizes, with noise before each. Equal seeds, equal first weights."""
    generators = np.random.default_rng(seed).spawn(2 * len(sizes))
    modules: list[Module] = []
    for k, (size, following) in enumerate(pairwise(sizes)):
        modules += [ACTIVATIONS[activation]()] if k else []
        kept, masks = keep if k else keep_input, generators[2 * k + 1]
        if kept < 1:
            modules += [Dropout(1 - kept, rng=masks) if kind == "Bernoulli" else GaussianNoise(kept, masks)]
        modules += [Linear(size, following, weight_init=initializer or HeNormal(), rng=generators[2 * k])]
    return Sequential(*modules)


def descent(net: Module, lr: float, momentum: float, l2: float = 0.0) -> SGD:
    """SGD, whose weight decay spares the biases."""
    biases = [parameter for parameter in net.parameters() if parameter.data.ndim == 1]
    groups: list[dict[str, Any]] = [{"params": weights(net), "weight_decay": l2}, {"params": biases}]
    return SGD(groups, lr=lr, momentum=momentum)


def noisy_digits(examples: int, noise: float, seed: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Examples of the training part, of which a share ``noise`` has a wrong class, any of the nine; and the others, intact."""
    train_part = source("digits").train
    assert train_part is not None
    x, y = train_part
    rng = np.random.default_rng([seed, examples])
    order = rng.permutation(len(y))
    chosen, others = order[:examples], order[examples:]
    given = y[chosen]
    wrong = rng.permutation(examples)[:round(noise * examples)]
    given[wrong] = (given[wrong] + rng.integers(1, CLASSES, len(wrong))) % CLASSES
    return (x[chosen], given), (x[others], y[others])


def learned(*, examples: int, noise: float, keep: float, keep_input: float, width: int, updates: int, seed: int,
            kind: str = "Bernoulli", norm: float | None = None, l2: float = 0.0, l1: float = 0.0, lr: float = 0.05,
            momentum: float = 0.9, nets: int = 0) -> dict[str, Any]:
    """A 64-width-width-10 network, trained on digits with wrong classes among them: errors on the way and at the end.

    ``error`` is that of the 500 test examples, ``training`` that of the training examples with the classes that were given,
    ``validation`` that of the training part's other examples, with their own classes; ``silent`` is the share of
    the second layer's activations on the test examples that are none. With ``nets`` there are also the errors of averages
    over so many sampled networks. A run that diverges errs on everything.
    """
    data, held_out = noisy_digits(examples, noise, seed)
    x, y = source("digits").part()
    net = dense([x.shape[1], width, width, CLASSES], keep, keep_input, kind=kind, seed=seed)
    batches = -(-examples // BATCH)
    epochs = max(1, round(updates / batches))
    curve: list[dict[str, float]] = []

    def read(run: Run) -> None:
        if run.epoch % max(1, epochs // READINGS) == 0 or run.epoch == epochs:
            curve.append({"update": run.epoch * batches, "error": wrong(net, (x, y)), "training": wrong(net, data)})

    callbacks: list[Any] = [*([] if norm is None else [MaxNorm(norm)]), *([Shrink(lr * l1)] if l1 else []), read]
    try:
        fit(net, CrossEntropy(), descent(net, lr, momentum, l2), data, epochs=epochs, batch_size=BATCH, rng=seed,
            callbacks=callbacks, progress=False)
    except NonFiniteError:
        return {"diverged": True, "curve": curve, "error": 1.0, "training": 1.0, "validation": 1.0}
    [_, second] = activations(net, x)
    result = {"diverged": False, "curve": curve, "error": curve[-1]["error"], "training": curve[-1]["training"],
              "validation": wrong(net, held_out) if len(held_out[1]) else None,
              "silent": float((second < SILENT).mean())}
    return result | ({"averages": averages(net, x, y, nets, seed)} if nets else {})


def wrong(net: Module, data: tuple[Array, Array]) -> float:
    return 1 - accuracy(net.predict(data[0]), data[1])


def activations(net: Sequential, x: Array) -> list[Array]:
    """Of each hidden layer, in evaluation mode."""
    return [np.asarray(record.activation) for record in hidden_activations(layer_statistics(net, x))]


def averages(net: Module, x: Array, y: Array, nets: int, seed: int) -> dict[str, Any]:
    """Test errors of the mean prediction of 1, 2, ... networks, each with masks of its own: a mean over random orders of
    twice as many, and the standard deviation between draws of k networks. That between the orders is too small for it, since
    they have networks in common: by sqrt(1 - k/N), as for means of k of N numbers, drawn without replacement."""
    probabilities = []
    net.train()
    for _ in range(2 * nets):
        logits = net.forward(x)
        e = np.exp(logits - logits.max(1, keepdims=True))
        probabilities.append(e / e.sum(1, keepdims=True))
    net.eval()
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(ORDERS):
        total, row = np.zeros_like(probabilities[0]), []
        for k in rng.permutation(2 * nets)[:nets]:
            total += probabilities[k]
            row.append(float((total.argmax(1) != y).mean()))
        errors.append(row)
    common = np.sqrt(1 - np.arange(1, nets + 1) / (2 * nets))
    return {"errors": np.mean(errors, 0).tolist(), "stds": (np.std(errors, 0, ddof=1) / common).tolist()}


def autoencoded(*, keep: float, width: int, updates: int, lr: float, momentum: float, seed: int) -> dict[str, Any]:
    """A 64-width-64 network that learns to give back digits, from small weights, with dropout in the hidden layer.

    ``neighbours`` is the correlation of the weights of neighbouring pixels, about 0 for weights in which nothing can be seen;
    ``features`` are the weights into the units that have the largest; the rest tells of the activations on the test examples.
    """
    train_part = source("digits").train
    assert train_part is not None
    data, (x, _) = train_part[0], source("digits").part()
    net = dense([x.shape[1], width, x.shape[1]], keep, 1.0, initializer=Normal(0.01), seed=seed)
    fit(net, MSE(), SGD(net.parameters(), lr=lr, momentum=momentum), (data, data), epochs=round(updates * BATCH / len(data)),
        batch_size=BATCH, rng=seed, progress=False)
    [hidden] = activations(net, x)
    images = weights(net)[0].data.reshape(width, 8, 8).astype(float)
    below, right = (images[:, 1:], images[:, :-1]), (images[..., 1:], images[..., :-1])
    pairs = [np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(below, right, strict=True)]
    strongest = np.argsort(-(images ** 2).sum((1, 2)))[:SHOWN]
    counts, edges = np.histogram(hidden, BINS, (0.0, HIGHEST))
    units, _ = np.histogram(hidden.mean(0), BINS, (0.0, HIGHEST))
    return {"mean": float(hidden.mean()),
            "silent": float((hidden < SILENT).mean()), "neighbours": float(np.corrcoef(pairs)[0, 1]), "edges": edges.tolist(),
            "activations": (counts / hidden.size).tolist(), "units": (units / width).tolist(),
            "features": np.round(images[strongest].reshape(len(strongest), -1), 4).tolist()}


def exact(*, keep: float, seed: int) -> dict[str, float]:
    """Facts without training, in float64: how far each is from being exact.

    ``ridge``: weights of least squares under dropout of the inputs, averaged over all masks, against those of the paper's
    ridge regression; ``cost``: the two costs at other weights; ``mean``: the mean of many masked vectors, in standard errors
    from the vector; ``test``: what evaluation mode changes; ``mask``: where backward's mask is not forward's.
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


def classified(*, data: str, activation: str, sizes: Sequence[int], keep: float, keep_input: float, norm: float | None,
               l2: float, l1: float, lr: float, momentum: float, nets: int, examples: int | None, steps: int, at: Sequence[int],
               seed: int, digest: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """Errors of a dense network on files in MNIST's format, of whose training part ``examples`` are used, or all.

    The momentum rises evenly from 0.5, in the first tenth of the steps. ``digest`` decides nothing here.
    """
    found = source(data)
    if examples is not None and found.train is not None:
        found = found._replace(train=(found.train[0][:examples], found.train[1][:examples]))
    net = dense([found.features, *sizes, found.classes], keep, keep_input, activation=activation, seed=seed)
    sgd = descent(net, lr, min(FIRST, momentum), l2)
    constraints = [*([] if norm is None else [MaxNorm(norm).project]), *([Shrink(lr * l1).project] if l1 else [])]
    rise = 10 * (momentum - FIRST) / steps

    def after_step() -> None:
        for group in sgd.groups:                                    # what it is now is saved with the optimizer
            if group["momentum"] < momentum:
                group["momentum"] = min(momentum, group["momentum"] + rise)
        for constraint in constraints:
            constraint(net)

    trained = train(net, sgd, found.stream(100, seed), steps, at=at, kept=kept, after_step=after_step,
                    read=lambda step: error_of(net, found))
    result: dict[str, Any] = {"readings": trained.readings, "diverged": trained.diverged}
    if nets and trained.diverged is None:
        x, y = (part[:MANY] for part in found.part())
        result |= {"scaled": wrong(net, (x, y)), "averages": averages(net, x, y, nets, seed)}
    return result
