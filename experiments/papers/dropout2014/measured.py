"""What the claims and the figures of dropout2014 take from its runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...lab.trained import error_at, trained
from ...reproduce.bounds import spoken
from ...reproduce.paper import Pick, Results
from ...reproduce.series import Series, at_best, best
from ...sweeps.trials import Numbers
from .plan import FIGURE_9, PLAIN, Changes, autoencoder, mnist, network
from .runs import autoencoded, learned

LAST = error_at()


def measured(results: Results, pick: Pick = "error", **changes: object) -> Series:
    """A number of each run of ``learned`` that differs from the main run by ``changes``."""
    return results.series(pick, learned, **network(results.scale, **changes))


def of_figure_9(results: Results, pick: Pick = "error", **changes: object) -> Series:
    """The same of the networks of figure 9."""
    return measured(results, pick, **FIGURE_9 | changes)


def runs(results: Results, **changes: object) -> list[Numbers]:
    """The whole results of these runs."""
    return [one.result for one in results.of(learned, **network(results.scale, **changes))]


def gain(results: Results, examples: int) -> Series:
    """The share of the error that dropout takes away, with wrong labels among so many examples."""
    return 1 - measured(results, examples=examples) / floored(measured(results, examples=examples, **PLAIN))


def autoencoders(results: Results, pick: Pick) -> tuple[Series, Series]:
    """A number of each autoencoder, without and with dropout."""
    plain, dropout = (results.series(pick, autoencoded, **autoencoder(results.scale, keep)) for keep in (1.0, 0.5))
    return plain, dropout


def on_files(results: Results, name: str, pick: Pick = LAST, examples: int | None = None) -> Series:
    """A number of each run of a network of ``MNIST``, by default the last test error; ``examples`` None: it learns from all."""
    return results.series(pick, trained, **mnist(results.scale, name, examples=examples))


def floored(series: Series) -> Series:
    """The series as a denominator: numbers below a hundredth of a percent become that."""
    return series.map(lambda value: max(value, 1e-4))


def average(result: Numbers) -> float:
    """The error of the average of the most sampled networks."""
    return float(result["averages"]["errors"][-1])


def needed(result: Numbers) -> float:
    """The smallest number of sampled networks whose average errs as little as weight scaling does; inf if there is none.

    NaN for a run that diverged: it has no averages.
    """
    if "averages" not in result:
        return math.nan
    return next((k for k, error in enumerate(result["averages"]["errors"], 1) if error <= result["scaled"]), math.inf)


def chosen(results: Results, choices: Sequence[Changes]) -> Changes:
    """The choice with the smallest validation error; the first choice if no run ended."""
    return choices[best({k: measured(results, "validation", **each) for k, each in enumerate(choices)}) or 0]


def at_chosen(results: Results, choices: Sequence[Changes], **changes: object) -> Series:
    """Test errors at the choice with the smallest validation error, differing from it by ``changes``."""
    return at_best({k: measured(results, "validation", **each) for k, each in enumerate(choices)},
                   {k: measured(results, **each | changes) for k, each in enumerate(choices)})


def words(changes: Changes) -> str:
    """The strengths of penalties, in words."""
    return ", ".join(f"{'c' if name == 'norm' else name} = {value:g}" for name, value in changes.items() if name not in PLAIN)


def percent(series: Series) -> str:
    return spoken(series.mean, "%")
