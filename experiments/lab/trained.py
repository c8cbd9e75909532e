"""The one task of training: a named network, from a named initialization, on named data, with named readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import one_of
from ...modules import Module, Parameter
from ...optim import SGD, Optimizer
from ...training import Callback, MaxNorm, Run, mup
from .data import source
from .loop import train
from .networks import NETWORKS, OPTIMIZERS, initialization
from .readings import READINGS

FIRST = 0.5                                                         # momentum of the first step, where it rises


def trained(*, data: str, init: str, lr: float, batch_size: int, steps: int, at: Sequence[int], seed: int,
            network: str = "dense", readings: str = "errors", optimizer: str = "sgd", base_width: int | None = None,
            momentum: float = 0.0, rising: bool = False, l2: float = 0.0, l1: float = 0.0, norm: float | None = None,
            examples: int | None = None, binary: bool = False, centred: bool = False, until: float | None = None,
            digest: str | None = None, checkpoint: Path | None = None, **architecture: Any) -> dict[str, Any]:
    """Train a network on cross-entropy and measure it at the evaluation steps ``at``.

    Parameters
    ----------
    data : str
        A name that `source` knows; ``binary`` makes its images black and white, ``examples`` limits its training part,
        ``centred`` subtracts the mean training image from all images.
    init : str
        A name that `initialization` knows.
    network : {"dense", "rectifiers", "convolutions", "maxouts", "noisy", "shaken"}
        A function of ``NETWORKS``, called with ``architecture``.
    readings : {"errors", "costs", "layers", "drifts", "batch statistics", "sampled averages"}
        A class of ``READINGS``: what is measured.
    optimizer : str, default "sgd"
        A name of ``OPTIMIZERS``; the settings that follow, but for ``base_width``, are of SGD.
    base_width : int or None
        For μP: ``lr`` is that of a network of this width, and `mup` gives the start and the groups of parameters.
    momentum, rising
        Momentum of SGD; with ``rising`` it grows evenly from 0.5, in the first tenth of the steps.
    l2, l1, norm
        Penalties on weights, not on biases: weight decay, an L1 penalty, and the largest norm of a unit's weights.
    until
        An error: training ends at the first evaluation step at which no error is larger.
    digest
        Hash of the data files. Not used here: it gives runs on different files of the same name different keys.
    checkpoint : Path or None
        Folder in which the run is saved on its way and taken up again.

    Returns
    -------
    dict
        ``readings``, a list of dicts; ``diverged``, as in `train`; ``chance`` and ``resampled`` of the `Source`; and what
        the readings add at the end.
    """
    found = source(data, seed)._replace(binary=binary)
    if examples is not None:
        found = found.limited(examples)
    if centred:
        found = found.centred()
    build = NETWORKS[one_of("network", network, NETWORKS)]
    net = initialization(init).network(
        lambda initializer: build(found.features, found.classes, initializer, seed=seed, **architecture), found.some, seed)
    measured = READINGS[one_of("readings", readings, READINGS)](net, found, batch_size=batch_size, seed=seed)
    groups = None if base_width is None else groups_of(net, base_width, optimizer, lr, seed)
    method = (descent(net, lr, min(FIRST, momentum) if rising else momentum, l2, groups) if optimizer == "sgd" else
              OPTIMIZERS[one_of("optimizer", optimizer, OPTIMIZERS)](groups or net.parameters(), lr=lr))
    constraints = [penalty.project for penalty in penalties(lr, l1, norm)]

    def after_step() -> None:
        if rising:
            rise(method, momentum, 10 * (momentum - FIRST) / steps)
        for constrain in constraints:
            constrain(net)

    ended = train(net, method, found.stream(batch_size, seed), steps, at=at, read=lambda step: measured.read(),
                  after_step=after_step if rising or constraints else None, checkpoint=checkpoint,
                  until=None if until is None else lambda row: max(errors(row)) <= until)
    about = {"diverged": ended.diverged, "chance": found.chance, "resampled": found.resampled}
    return about | measured.result(ended.readings, ended.diverged is not None)


def errors(row: dict[str, Any]) -> list[float]:
    """The errors of a reading: on test examples, and on validation examples if there are any."""
    return [row[part] for part in ("error", "validation") if part in row]


def weights(net: Module) -> list[Parameter]:
    """The parameters that are no biases."""
    return [parameter for parameter in net.parameters() if parameter.data.ndim > 1]


def descent(net: Module, lr: float, momentum: float, l2: float = 0.0, groups: Any = None) -> SGD:
    """SGD, of all parameters or of groups of them; its weight decay spares the biases."""
    return SGD(net.parameters() if groups is None else groups, lr=lr, momentum=momentum, weight_decay=l2, decay_biases=False)


def groups_of(net: Module, base_width: int, optimizer: str, lr: float, seed: int) -> list[dict[str, Any]]:
    """Start a network in μP; return its groups of parameters, each with its learning rate."""
    scales = mup(net, base_width, rng=seed)
    return scales.sgd(lr) if optimizer == "sgd" else scales.adam(lr)


def rise(optimizer: Optimizer, momentum: float, by: float) -> None:
    """Raise the momentum of each group towards its last value; the optimizer's state holds the present one."""
    for group in optimizer.groups:
        if group["momentum"] < momentum:
            group["momentum"] = min(momentum, group["momentum"] + by)


class Shrink(Callback):
    """After each step, take ``by`` off the size of each weight, down to 0: the step of an L1 penalty."""

    def __init__(self, by: float) -> None:
        self.by = by

    def after_step(self, run: Run) -> None:
        self.project(run.net)

    def project(self, net: Module) -> None:
        for parameter in weights(net):
            parameter.data -= np.clip(parameter.data, -self.by, self.by)


def penalties(lr: float, l1: float, norm: float | None) -> list[Any]:
    """The callbacks of an L1 penalty and of a largest norm."""
    return [*([] if norm is None else [MaxNorm(norm)]), *([Shrink(lr * l1)] if l1 else [])]


def error_at(step: int | None = None, part: str = "error") -> Callable[[dict[str, Any]], float]:
    """A function of a result: the error after ``step`` steps, by default at the last reading; chance if it had diverged."""
    return partial(read_error, step=step, part=part)


def read_error(result: dict[str, Any], step: int | None, part: str) -> float:
    rows = result["readings"] if step is None else [row for row in result["readings"] if row["step"] == step]
    if result["diverged"] is not None and (step is None or step > result["diverged"] or not rows):
        return float(result["chance"])
    return float(rows[-1][part])
