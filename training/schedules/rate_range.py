"""The learning-rate range test: the cost while the learning rate rises from step to step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ...arguments import Array, Seed, generator, positive_int, real
from ...errors import ArgumentError, NonFiniteError
from ...losses import Loss
from ...modules import Module
from ...optim import Optimizer
from ..inputs.labels import class_labels, with_codes
from ..inputs.sources import Batch, Data, Source, Stream, as_source
from ..metrics import check_reduces
from ..steps import Step, check_trainable

KEPT = 0.9                                                          # the share of the running mean that each step keeps
ENOUGH = 4                                                          # the test ends at this multiple of the lowest mean


@dataclass(frozen=True)
class RateRange:
    """What a range test has seen, step by step. ``plots.rate_range`` draws it.

    Attributes
    ----------
    rates, costs, smoothed : float64 arrays of shape (steps,)
        The learning rates, the cost of the batch before the step with that rate, and the running mean of the costs. The steps
        end early where the cost explodes.
    """

    rates: Array
    costs: Array
    smoothed: Array

    @property
    def suggestion(self) -> float:
        """The rate at which the running mean falls most steeply with the logarithm of the rate; NaN if it never falls."""
        if len(self.rates) < 3:
            return math.nan
        slopes = np.gradient(self.smoothed, np.log(self.rates))
        return float(self.rates[slopes.argmin()]) if slopes.min() < 0 else math.nan

    def __str__(self) -> str:
        return (f"{len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g}: the cost falls most steeply at "
                f"{self.suggestion:.3g} and is lowest at {self.rates[self.smoothed.argmin()]:.3g}")


def lr_range_test(net: Module, loss: Loss, optimizer: Optimizer, data: Data | Stream, *, lowest: float = 1e-5,
                  highest: float = 10.0, steps: int = 100, batch_size: int = 32, rng: Seed = None) -> RateRange:
    """Train a copy of a network while the learning rate rises from ``lowest`` to ``highest``, by the same factor at each step.

    A good rate lies where the cost falls steeply, below that at which it is lowest. The network, the loss and the optimizer
    stay as they are.

    Parameters
    ----------
    net, loss, optimizer, data, batch_size
        As for ``fit``; a stream that has one pass only must have a batch for each step. The optimizer's settings and state
        are kept but for the rates: the largest is the one that is tested, and those of other groups keep their ratios to it.
    lowest, highest : float > 0, default 1e-5 and 10
    steps : int, at least 3, default 100
        As many batches; the examples are gone through as often as needed. The test ends early when the running mean of the
        costs is four times its lowest value, or not finite.
    rng : None, int or numpy.random.Generator
        Source of the order of the examples.

    Returns
    -------
    RateRange
        Rates and costs; ``suggestion`` is the rate at which the cost falls most steeply.

    Raises
    ------
    NonFiniteError
        The cost of the first batch is not finite.
    DataError, ShapeError, DtypeError, ArgumentError
        As for ``fit``; or ``lowest`` is not below ``highest``.

    References
    ----------
    Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(64, 30, rng=0), rp.Tanh(), rp.Linear(30, 10, rng=1))
    >>> sgd = rp.SGD(net.parameters(), lr=0.1)
    >>> found = rp.lr_range_test(net, rp.CrossEntropy(), sgd, rp.datasets.digits(), rng=0)
    >>> 0.1 < found.suggestion < 5, sgd.lr
    (True, 0.1)
    """
    low, high = real("lowest", lowest, 0, above=True), real("highest", highest, 0, above=True)
    if low >= high:
        raise ArgumentError(f"lowest must be below highest, got lowest={low:g} and highest={high:g}")
    steps, batch_size = positive_int("steps", steps, 3), positive_int("batch_size", batch_size)
    check_reduces(net, loss)
    check_trainable(net, optimizer)
    data = with_codes(data, class_labels(net, loss, data, name="data[1]"), "data")
    rng = generator(rng)
    source = as_source(net, loss, data, batch_size, 1, None, None, rng)
    net, optimizer, loss = *copies(net, optimizer), deepcopy(loss)
    if not net.training:                                            # as in ``fit``: modules put into eval mode stay in it
        net.train()
    largest = max(group["lr"] for group in optimizer.groups)
    ratios = [group["lr"] / largest if largest else 1.0 for group in optimizer.groups]
    costs, smoothed, mean = list[float](), list[float](), 0.0
    rates, step = np.geomspace(low, high, steps), Step(net, loss, optimizer)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for k, (rate, batch) in enumerate(zip(rates, islice(endless(source, rng), steps), strict=True), 1):
            for group, ratio in zip(optimizer.groups, ratios, strict=True):
                group["lr"] = rate * ratio
            cost = step(*batch)
            mean = KEPT * mean + (1 - KEPT) * cost
            if not costs and not math.isfinite(cost):
                raise NonFiniteError(f"lr_range_test: the cost of the first batch is {cost}, before any step")
            if not math.isfinite(cost) or mean / (1 - KEPT**k) > ENOUGH * min(smoothed, default=math.inf):
                break
            costs.append(cost)
            smoothed.append(mean / (1 - KEPT**k))
    return RateRange(rates[:len(costs)], np.array(costs), np.array(smoothed))


def copies(net: Module, optimizer: Optimizer) -> tuple[Module, Optimizer]:
    """Return copies of a network and of its optimizer, which moves the parameters of the copied network."""
    twin = deepcopy(net)
    own = dict(zip(net.parameters(), twin.parameters(), strict=True))
    groups = [{**group, "params": [own.get(one) or deepcopy(one) for one in group["params"]]} for group in optimizer.groups]
    new = type(optimizer)(groups, **optimizer.options)
    new.load_state_dict(optimizer.state_dict())
    return twin, new


def endless(source: Source, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches, epoch after epoch."""
    while True:
        yield from source.batches(rng)
