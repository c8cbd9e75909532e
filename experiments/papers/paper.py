"""What every paper is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..reports.page import Figures, Page
from ..sweeps.trials import Done, Failed, Numbers, Settings, Trial
from .claims import Claim

SCALES = ("quick", "small", "paper")
SEEDS = 5                                                           # that claims are judged by, at least


@dataclass(frozen=True)
class Scale:
    """How large: ``quick`` is the smallest that shows the effects, ``small`` the default, ``paper`` the paper's own sizes.

    ``data`` is what the paper's scale learns from: a folder in MNIST's format, or ``shapeset``; ``steps``, where given,
    is the number of steps of each of its runs instead of the paper's; ``digest`` that of the folder's files.
    """

    name: str = "small"
    seeds: int = SEEDS
    data: str | None = None
    steps: int | None = None
    digest: str | None = None

    def choose(self, quick: Any, small: Any) -> Any:
        """One of two values; the paper's scale has plans of its own."""
        return quick if self.name == "quick" else small

    @property
    def judged(self) -> bool:
        """Whether claims are judged: of too few seeds, or too few steps, nothing is said."""
        return self.seeds >= SEEDS and self.steps is None


@dataclass(frozen=True)
class Results:
    """What came of the runs of one paper."""

    scale: Scale
    outcomes: Sequence[Done | Failed] = field(repr=False)

    def of(self, task: Callable[..., Numbers], **settings: Any) -> list[Done]:
        """The runs of a task that have these settings and ended, by seed."""
        found = [one for one in self.outcomes if isinstance(one, Done) and one.trial.task is task
                 and all(one.trial.settings.get(name) == value for name, value in settings.items())]
        return sorted(found, key=lambda one: one.trial.settings.get("seed", 0))

    def values(self, pick: Callable[[Numbers], float], task: Callable[..., Numbers], **settings: Any) -> list[float]:
        """A number of each run, by seed."""
        return [float(pick(one.result)) for one in self.of(task, **settings)]

    def paired(self, pick: Callable[[Numbers], float], task: Callable[..., Numbers], *settings: Settings) -> list[list[float]]:
        """For each of the settings a number of each run, of those seeds that ended under all of them."""
        found = [{one.trial.settings["seed"]: float(pick(one.result)) for one in self.of(task, **each)} for each in settings]
        seeds = sorted(set.intersection(*map(set, found)))
        return [[values[seed] for seed in seeds] for values in found]

    @property
    def failed(self) -> list[Failed]:
        return [one for one in self.outcomes if isinstance(one, Failed)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """All numbers, a row each, in the order of the plan: nothing here depends on who ran them, or how fast."""
        import json
        for one in self.outcomes:
            if isinstance(one, Done):
                run = {"run": one.trial.name, "settings": json.dumps(one.trial.settings, ensure_ascii=False)}
                yield from (run | {"quantity": name, "value": value} for name, value in leaves(one.result))


@dataclass(frozen=True)
class Paper:
    """A paper, and how it is repeated.

    Attributes
    ----------
    name, title, citation : str
        ``glorot2010``; what the page is called; authors, year, title, where.
    plan : function of a Scale
        Its trials.
    claims : function of Results
        Each claim of the paper, judged or not.
    draw : function of Results, a Page and its Figures
        Puts figures, and the words around them, on the page.
    asks : str
        What the page begins with: the question, the setting of the paper, and ours, in a few sentences.
    """

    name: str
    title: str
    citation: str
    asks: str
    plan: Callable[[Scale], list[Trial]]
    claims: Callable[[Results], list[Claim]]
    draw: Callable[[Results, Page, Figures], None]


def evaluation_steps(steps: int, count: int) -> list[int]:
    """About ``count`` numbers of steps, from 0 to the last."""
    return sorted({round(k * steps / count) for k in range(count + 1)})


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers in nested dicts and lists, with their places: ``readings.3.error``."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
