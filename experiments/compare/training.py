"""One run of a comparison: the training of the network from one initialization, at one learning rate, with one seed."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any

from numpy.typing import NDArray

from ...errors import NonFiniteError
from ...inspection.diagnosis.layers import layer_statistics, saturated_shares
from ...losses import CrossEntropy
from ...modules import Module
from ...training import Callback, Run, fit
from ..lab.data import spread
from ..lab.networks import OPTIMIZERS, dense, initialization
from ..lab.readings import error
from .config import Config
from .results import TrainingRun

Split = tuple[NDArray[Any], NDArray[Any]]
WATCHED = 300                                                       # test examples on which the layers are measured


class Watch(Callback):
    """Records after each epoch the cost, the test error, and the share of saturated units in each hidden layer.

    The layers are measured on a fixed set of test examples, as in Glorot & Bengio 2010.
    """

    def __init__(self, test: Split) -> None:
        self.test, self.watched = test, (test[0][:WATCHED], test[1][:WATCHED])
        self.costs: list[float] = []
        self.errors: list[float] = []
        self.saturation: list[list[float]] = []

    def before_training(self, run: Run) -> None:
        self.measure(run)

    def after_epoch(self, run: Run) -> None:
        self.errors.append(error(run.net.predict(self.test[0]), self.test[1]))
        self.costs.append(run.history["cost"][-1])
        self.measure(run)

    def measure(self, run: Run) -> None:
        self.saturation.append(saturated_shares(layer_statistics(run.net, self.watched[0], arrays=False)))


def train_one(config: Config, label: str, seed: int, train: Split, test: Split, classes: int) -> TrainingRun:
    """Train the network from one initialization and one seed."""
    net = initialization(label).network(lambda initializer: dense(
        train[0].shape[1], classes, initializer, activation=config.activation, depth=config.depth,
        width=config.width, batch_norm=config.batch_norm, dropout=config.dropout, seed=seed), partial(spread, train[0]))
    loss, optimizer, watch = CrossEntropy(), OPTIMIZERS[config.optimizer](net.parameters(), lr=config.lr), Watch(test)
    arrays = seed == 0                                              # the figures of the layers show one seed
    start, before = digest(net), layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    diverged = None
    try:
        fit(net, loss, optimizer, train, epochs=config.epochs, batch_size=config.batch_size, rng=seed, callbacks=[watch],
            progress=False).raise_if_interrupted()
    except NonFiniteError as error:
        diverged = str(error)
    after = layer_statistics(net, watch.watched[0], loss, watch.watched[1], arrays=arrays)
    return TrainingRun(label, seed, watch.costs, watch.errors, watch.saturation, before, after, diverged,
                       rate=float(config.lr or 0), digest=start)


def digest(net: Module) -> str:
    """Hash of all parameters."""
    found = sha256()
    for parameter in net.parameters():
        found.update(parameter.data.tobytes())
    return found.hexdigest()[:16]
