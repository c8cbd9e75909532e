"""What the claims and the figures of dropout2014 take from its runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...reports.statistics import estimate, number
from ...sweeps.trials import Numbers, Settings
from ..claims import Claim, difference
from ..paper import Results
from .plan import PLAIN, RATES, autoencoder, network
from .runs import autoencoded, learned

Pick = Callable[[Numbers], float]


def error(result: Numbers) -> float:
    return float(result["error"])


def training(result: Numbers) -> float:
    return float(result["training"])


def silent(result: Numbers) -> float:
    return float(result["silent"])


def early(result: Numbers) -> float:
    return float(result["curve"][1]["error"])


def averaged(result: Numbers) -> float:
    """The error of the average of the most sampled networks."""
    return float(result["averages"]["errors"][-1])


def needed(result: Numbers) -> float:
    """How many sampled networks it takes for their average to err as little as weight scaling does; inf if none is enough."""
    scaled = result.get("scaled", result.get("error"))              # on files, of the test examples that are averaged on
    return next((k for k, e in enumerate(result["averages"]["errors"], 1) if e <= scaled), math.inf)


def medians(values: Sequence[float]) -> list[float]:
    """Their median, if any: that some are inf does not spoil it."""
    return [float(np.median(values))] if values else []


def of(results: Results, settings: Settings, pick: Pick = error) -> list[float]:
    """A number of each run of ``learned``, by seed."""
    return results.values(pick, learned, **settings)


def smaller(what: str, source: str, values: Sequence[Sequence[float]], **options: Any) -> Claim:
    """A claim that of two the first is smaller."""
    low, high = values
    return difference(what, source, low, high, **options)


def sure(one: Claim, limit: float) -> Claim:
    """A claim about a mean; inconclusive if the limit is within the 95 % interval, or if there is none."""
    found = estimate(one.values)
    return one if abs(found.mean - limit) > found.half else replace(one, holds=None)


def mean(values: Sequence[float]) -> float:
    return estimate(values).mean


def percent(values: Sequence[float]) -> str:
    return f"{number(100 * mean(values))} %"


def ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Seed by seed; a denominator of 0 counts as a hundredth of a percent."""
    return [x / max(y, 1e-4) for x, y in zip(a, b, strict=True)]


def gains(results: Results, count: int) -> list[float]:
    """The share of the error that dropout takes away, by seed; on examples with wrong labels among them."""
    plain, dropped = results.paired(error, learned, *(network(results.scale, examples=count, **changes)
                                                     for changes in (PLAIN, {})))
    return [1 - ratio for ratio in ratios(dropped, plain)]


def chosen(results: Results, choices: Sequence[Settings]) -> Settings:
    """Of the choices the one whose validation error is smallest in the mean; one without runs is not chosen."""
    def validation(changes: Settings) -> float:
        found = mean(of(results, network(results.scale, **changes), lambda result: float(result["validation"])))
        return math.inf if math.isnan(found) else found
    return min(choices, key=validation)


def best_rate(results: Results, changes: Settings) -> float:
    """The learning rate of the smallest validation error; NaN if runs are missing."""
    choices = [{"lr": lr} | dict(changes) for lr in RATES]
    if not all(of(results, network(results.scale, **each)) for each in choices):
        return math.nan
    return float(chosen(results, choices)["lr"])


def autoencoders(results: Results, name: str) -> list[tuple[float, float]]:
    """A number of the autoencoders with and without dropout, by seed."""
    a, b = ({one.trial.settings["seed"]: one.result[name] for one in
             results.of(autoencoded, **autoencoder(results.scale, keep))} for keep in (0.5, 1.0))
    return [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]


def words(changes: Settings) -> str:
    """Strengths of penalties."""
    return ", ".join(f"{'c' if name == 'norm' else name} = {value:g}" for name, value in changes.items() if name not in PLAIN)
