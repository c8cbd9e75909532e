"""Readings: what a run measures of its network at each evaluation step, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

import numpy as np

from ...arguments import Array
from ...errors import DataError, NonFiniteError
from ...inspection.diagnosis.layers import hidden_activations, layer_statistics, preactivations
from ...losses import CrossEntropy
from ...modules import BatchNorm, Module, Sequential
from ...training import accuracy
from ...training.metrics import largest_column
from .data import Source, spread
from .networks import ACTIVATIONS

MONITORED = 300                                                     # test examples that layers are monitored on
BINS = 80                                                           # of a histogram of activations, over [-1, 1]
PERCENTILES = (15, 50, 85)
SETTLED = 100                                                       # the first step from which movements are measured
SEEN = 1000                                                         # test examples that percentiles are taken over
NETS = 100                                                          # sampled networks that are averaged
ORDERS = 10                                                         # in which they are averaged
COSTED = 1000                                                       # training examples that the cost is taken over
MANY = 2000                                                         # test examples that they are averaged on


class Readings(Protocol):
    """Measurements of one network on one source of data."""

    def read(self) -> dict[str, Any]:
        """The numbers of one evaluation step."""
        ...

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        """The result of the run, made of all readings, once training has ended."""
        ...


class Errors:
    """The share of test examples that are wrong, ``error``, and of validation examples, if there are any."""

    def __init__(self, net: Sequential, data: Source, *, batch_size: int, seed: int) -> None:
        self.net, self.data, self.batch_size, self.seed = net, data, batch_size, seed

    def read(self) -> dict[str, Any]:
        parts = {"error": "test"} | ({} if self.data.validation is None else {"validation": "validation"})
        return {name: wrong(self.net, *self.data.part(part)) for name, part in parts.items()}

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        return {"readings": readings}


class Layers(Errors):
    """Errors, statistics of each hidden layer, and at the end histograms of their activations (Glorot & Bengio, section 3).

    Each reading has, for each hidden layer, the mean and std of z, the 98th percentile of |z|, the share that is saturated,
    and the stds of dC/ds and dC/dW.
    """

    def __init__(self, net: Sequential, data: Source, *, batch_size: int, seed: int) -> None:
        super().__init__(net, data, batch_size=batch_size, seed=seed)
        self.x, self.y = (part[:MONITORED] for part in data.part())

    def read(self) -> dict[str, Any]:
        records = layer_statistics(self.net, self.x, CrossEntropy(), self.y)
        hidden, linear = hidden_activations(records), preactivations(records)
        activations = [np.asarray(record.activation) for record in hidden]
        gradients = [np.asarray(record.gradient) for record in linear]
        weights = [np.std(g.T @ z, dtype=float) for g, z in zip(gradients, [self.x, *activations], strict=False)]
        return super().read() | {
            "mean": [record.mean for record in hidden], "std": [record.std for record in hidden],
            "high": [float(np.quantile(np.abs(z), 0.98)) for z in activations],
            "saturated": [float(record.saturated or 0.0) for record in hidden],
            "gradient": [float(np.std(g, dtype=float)) for g in gradients],
            "weight_gradient": [float(value) for value in weights]}

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        hidden = hidden_activations(layer_statistics(self.net, self.x))
        return {"readings": readings, "histograms": [histogram(record.activation) for record in hidden]}


class Costs(Errors):
    """Errors, and ``cost``, the cross-entropy of training examples."""

    def read(self) -> dict[str, Any]:
        assert self.data.train is not None
        x, y = (spread(part, COSTED) for part in self.data.train)
        return super().read() | {"cost": float(CrossEntropy().forward(self.net.predict(self.data.prepared(x)), y))}


class Drifts(Errors):
    """Errors, and how far the inputs of the activation functions of each hidden layer drift, in training mode.

    ``moved`` holds, for each layer, the median over its units of how far the unit's mean over the examples moves: its standard
    deviation over the readings after the first quarter of training. ``drift`` is the same relative to the unit's spread: the
    mean over these readings of its standard deviation over the examples. Each reading keeps the ``mean`` and the ``spread`` of
    one unit of each layer: that whose drift is the median.
    """

    def __init__(self, net: Sequential, data: Source, *, batch_size: int, seed: int) -> None:
        super().__init__(net, data, batch_size=batch_size, seed=seed)
        self.x = data.part()[0][:MONITORED]

    def read(self) -> dict[str, Any]:
        inputs, x = [], self.x
        for module in deepcopy(self.net).train():
            if isinstance(module, tuple(ACTIVATIONS.values())):     # type: ignore[arg-type]
                inputs.append(x)
            x = module.forward(x)
        return super().read() | {"mean": [z.mean(0).tolist() for z in inputs], "spread": [z.std(0).tolist() for z in inputs]}

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        settled = [row for row in readings if 4 * row["step"] >= readings[-1]["step"]]
        means, spreads = (np.array([row[key] for row in settled]) for key in ("mean", "spread"))    # reading, layer, unit
        moved = means.std(0)
        drift = moved / spreads.mean(0)
        units = np.argsort(drift, axis=1, kind="stable")[:, drift.shape[1] // 2]
        kept = [row | {key: [row[key][layer][unit] for layer, unit in enumerate(units)] for key in ("mean", "spread")}
                for row in readings]
        return {"readings": kept, "moved": np.median(moved, axis=1).tolist(), "drift": np.median(drift, axis=1).tolist()}


class BatchStatistics:
    """Ioffe & Szegedy, figure 1: errors with running and with batch statistics, and percentiles of a sigmoid's inputs.

    The sigmoid is the typical one of the last hidden layer: that whose percentiles move by the median of all, ``moved``.
    With BatchNorm, ``moved_of_batch`` is the same with the statistics of the examples themselves, as in training; the typical
    sigmoid is then that of these movements, and ``inputs_of_batch`` are its percentiles. ``moved_normalized`` is the movement
    before γ and β, and ``gamma`` the median of γ in the last BatchNorm at each reading.
    """

    def __init__(self, net: Sequential, data: Source, *, batch_size: int, seed: int) -> None:
        self.net, self.batch_size = net, batch_size
        self.x, self.y = data.part()
        normalized = any(isinstance(module, BatchNorm) for module in net)
        self.inner = {"moved_of_batch": "inputs_of_batch", "moved_normalized": "normalized"} if normalized else {}

    def read(self) -> dict[str, Any]:
        return {"error": wrong(self.net, self.x, self.y),
                "of_batch": error_of_batches(self.net, self.x, self.y, self.batch_size),
                "inputs": percentiles(last_inputs(self.net, self.x[:SEEN])),
                **(in_training(self.net, self.x[:SEEN]) if self.inner else {})}

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        shown = ["inputs", *(["inputs_of_batch"] if self.inner else [])]
        _, unit = movements(readings, shown[-1])
        kept = [{key: value for key, value in row.items() if key != "normalized"} | {key: row[key][unit] for key in shown}
                for row in readings]
        return {"readings": kept} | {key: float(np.median(movements(readings, of)[0]))
                                     for key, of in ({"moved": "inputs"} | self.inner).items()}


class SampledAverages(Errors):
    """Errors, and at the end those of averages over sampled networks, on at most ``MANY`` test examples.

    ``scaled`` is the error of weight scaling, which is evaluation mode, on the same examples.
    """

    def result(self, readings: list[dict[str, Any]], diverged: bool) -> dict[str, Any]:
        if diverged:
            return {"readings": readings}
        x, y = (part[:MANY] for part in self.data.part())
        return {"readings": readings, "scaled": wrong(self.net, x, y), "averages": averages(self.net, x, y, self.seed)}


def averages(net: Module, x: Array, y: Array, seed: int) -> dict[str, Any]:
    """Test errors of the mean prediction of 1, 2, ..., ``NETS`` networks, each with dropout masks of its own.

    ``errors`` are means over random orders of twice as many networks. ``stds`` are the standard deviations between draws
    of k networks: that between the orders is too small by sqrt(1 - k/N), as for means of k of N numbers that are drawn
    without replacement, since the orders have networks in common.
    """
    probabilities = []
    net.train()
    for _ in range(2 * NETS):
        logits = net.forward(x)
        e = np.exp(logits - logits.max(1, keepdims=True))
        probabilities.append(e / e.sum(1, keepdims=True))
    net.eval()
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(ORDERS):
        total, row = np.zeros_like(probabilities[0]), []
        for k in rng.permutation(2 * NETS)[:NETS]:
            total += probabilities[k]
            row.append(float((largest_column(total) != y).mean()))
        errors.append(row)
    common = np.sqrt(1 - np.arange(1, NETS + 1) / (2 * NETS))
    return {"errors": np.mean(errors, 0).tolist(), "stds": (np.std(errors, 0, ddof=1) / common).tolist()}


def wrong(net: Module, x: Array, y: Array) -> float:
    """The share of the examples that a network errs on, in evaluation mode; NonFiniteError if it has diverged."""
    return error(net.predict(x, 1000), y)


def error(prediction: Array, y: Array, threshold: float = 0.5) -> float:
    """The share of wrong predictions. NonFiniteError if they are not finite: training has diverged, as if the cost were NaN."""
    try:
        return 1 - accuracy(prediction, y, threshold)
    except DataError as not_finite:
        if np.isfinite(prediction).all():
            raise
        raise NonFiniteError(f"training has diverged: {not_finite}") from not_finite


def histogram(z: Array | None) -> list[int]:
    """How many activations are in each of ``BINS`` equal bins of [-1, 1]."""
    return [int(count) for count in np.histogram(np.asarray(z), np.linspace(-1, 1, BINS + 1))[0]]


def error_of_batches(net: Sequential, x: Array, y: Array, batch_size: int) -> float:
    """The error of a copy in training mode: BatchNorm takes the statistics of each batch of these examples."""
    copy = deepcopy(net).train()
    parts = np.array_split(np.arange(len(y)), max(1, len(y) // batch_size))
    return error(np.concatenate([copy.forward(x[part]) for part in parts]), y)


def last_inputs(net: Sequential, x: Array) -> Array:
    """The inputs of the last hidden activation function, in evaluation mode: (examples, units)."""
    for module in list(net)[:-2]:
        x = module.predict(x)
    return x


def in_training(net: Sequential, x: Array) -> dict[str, Any]:
    """Percentiles of the same inputs in training mode, x being the batch: after γ and β, before them; and the median of γ."""
    modules = list(deepcopy(net).train())[:-2]
    for module in modules:
        x = module.forward(x)
    last = modules[-1]
    assert isinstance(last, BatchNorm)
    return {"inputs_of_batch": percentiles(x), "normalized": percentiles(last.point.centred * last.point.scale),
            "gamma": float(np.median(last.weight.data))}


def percentiles(a: Array) -> list[list[float]]:
    """Percentiles over the examples, for each unit."""
    found: list[list[float]] = np.percentile(a, PERCENTILES, axis=0).T.tolist()
    return found


def movements(readings: Sequence[dict[str, Any]], of: str = "inputs") -> tuple[Array, int]:
    """For each unit, the range of the percentile that moves most; and the unit whose range is the median."""
    table = np.array([row[of] for row in readings if row["step"] >= SETTLED] or [readings[-1][of]])
    moves = np.ptp(table, axis=0).max(1)
    return moves, int(np.argsort(moves, kind="stable")[len(moves) // 2])


def rms(a: Array) -> float:
    """The root of the mean square, in float64."""
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


READINGS: Mapping[str, Callable[..., Readings]] = {
    "errors": Errors, "costs": Costs, "layers": Layers, "drifts": Drifts, "batch statistics": BatchStatistics,
    "sampled averages": SampledAverages}
