"""Paper: what every paper is made of: a plan of runs, claims about their results, figures, and the texts of its page."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ..reports.page import Figures, Page
from ..reports.text import Filler
from ..sweeps.trials import Done, Failed, Numbers, Trial
from .claims import Claim
from .series import Series

SCALES = ("quick", "small", "paper")
SEEDS = 5                                                           # that claims are judged by, at least
Pick = Callable[[Numbers], float] | str                             # a number of a run: a function of its result, or a key


@dataclass(frozen=True)
class Scale:
    """The size of the experiments: ``quick`` is the smallest that shows the effects, ``small`` the default, ``paper`` has the
    paper's own sizes.

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

    def files(self) -> dict[str, Any]:
        """The settings of a run that learns from the files of the paper's scale."""
        return {"data": self.data, "digest": self.digest}

    @property
    def judged(self) -> bool:
        """Whether claims are judged: not with fewer than 5 seeds, nor with a number of steps other than the paper's."""
        return self.seeds >= SEEDS and self.steps is None


def trials(scale: Scale, task: Callable[..., Numbers], *settings: dict[str, Any], resumable: bool = False) -> list[Trial]:
    """One trial for each of the settings and each seed; settings that come twice are run once."""
    distinct = {json.dumps(each, sort_keys=True): each for each in settings}
    return [Trial(task, each | {"seed": seed}, resumable) for each in distinct.values() for seed in range(scale.seeds)]


@dataclass(frozen=True)
class Results:
    """The results of the runs of one paper."""

    scale: Scale
    outcomes: Sequence[Done | Failed] = field(repr=False)

    def of(self, task: Callable[..., Numbers], **settings: Any) -> list[Done]:
        """The finished runs of a task with these settings, given or by default; sorted by seed."""
        defaults = {name: parameter.default for name, parameter in inspect.signature(task).parameters.items()}
        found = [one for one in self.outcomes if isinstance(one, Done) and one.trial.task is task
                 and all((defaults | dict(one.trial.settings)).get(name) == value for name, value in settings.items())]
        return sorted(found, key=lambda one: one.trial.settings.get("seed", 0))

    def series(self, pick: Pick, task: Callable[..., Numbers], **settings: Any) -> Series:
        """A number of each of these runs."""
        def number(result: Numbers) -> float:
            return float(result[pick] if isinstance(pick, str) else pick(result))

        runs = self.of(task, **settings)
        found = Series.of((one.trial.settings.get("seed", 0), number(one.result)) for one in runs)
        shares = [one.result.get("resampled", 0.0) for one in runs]
        lost = frozenset(key for key, one in zip(found.numbers, runs, strict=True)
                         if one.result.get("diverged") is not None and one.result["diverged"] is not False)
        return replace(found, resampled=max((share or 0.0 for share in shares), default=0.0), diverged=lost,
                       one_test=None in shares)

    @property
    def failed(self) -> list[Failed]:
        return [one for one in self.outcomes if isinstance(one, Failed)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row per number, in the order of the plan; independent of workers and timing."""
        for one in self.outcomes:
            if isinstance(one, Done):
                run = {"run": one.trial.name, "settings": json.dumps(one.trial.settings, ensure_ascii=False)}
                yield from (run | {"quantity": name, "value": value} for name, value in leaves(one.result))


class Texts:
    """The texts of a paper's page, from the file ``page.md`` beside its code.

    The file begins with ``# title``, the citation, and the question with the setting. Each section ``## name`` belongs to
    a figure, or to a place on the page: an optional heading ``### ...``, then the caption, then what the paper's own figure
    shows. Words in braces are filled in. A paragraph may have several lines.
    """

    def __init__(self, file: Path) -> None:
        head, *sections = file.read_text(encoding="utf-8").split("\n## ")
        title, self.citation, self.question = paragraphs(head)
        self.title = title.removeprefix("# ")
        self.sections = {name.strip(): paragraphs(text) for name, _, text in (one.partition("\n") for one in sections)}

    def __call__(self, name: str, **facts: Any) -> str:
        """The text of a section that is one paragraph."""
        [text] = self.sections[name]
        return Filler().format(text, **facts)


def filled(module: str, **facts: Series | str) -> str:
    """The section "finding" of a paper's texts, filled in; "" if there is no mean of one of the series."""
    means = {name: one.mean for name, one in facts.items() if isinstance(one, Series)}
    if any(map(math.isnan, means.values())):
        return ""
    return texts(module)("finding", **facts | means)


@cache
def texts(module: str) -> Texts:
    """The texts of the paper that a module's ``__file__`` belongs to."""
    return Texts(Path(module).with_name("page.md"))


def paragraphs(text: str) -> list[str]:
    return [" ".join(part.split("\n")) for part in text.strip().split("\n\n")]


class Report:
    """A paper's page while it is drawn: its sections are added by name, with or without a figure."""

    def __init__(self, page: Page, figures: Figures, texts: Texts, findings: Mapping[str, str] | None = None) -> None:
        self.page, self.figures, self.texts = page, figures, texts
        self.findings = findings or {}                              # alternative texts of figures, by name
        self.starts: dict[str, int] = {}                            # of the sections, among the parts of the page

    def take(self, name: str) -> list[str]:
        """Remove the section ``name`` from the page, and return its parts; nothing for a section that was not added."""
        start = self.starts.get(name)
        if start is None:
            return []
        end = min((other for other in self.starts.values() if other > start), default=len(self.page.parts))
        taken, self.page.parts[start:end] = self.page.parts[start:end], []
        self.starts = {other: at - (at > start) * len(taken) for other, at in self.starts.items() if other != name}
        return taken

    def add(self, name: str, figure: Any = None, **facts: Any) -> None:
        """The section ``name`` of ``page.md``: its heading, if it has one, its figure, if given, and its paragraphs.

        Beside a figure, the second paragraph says what the paper shows.
        """
        self.starts[name] = len(self.page.parts)
        parts = [Filler().format(part, **facts) for part in self.texts.sections[name]]
        if parts[0].startswith("### "):
            self.page.heading(parts.pop(0).removeprefix("### "))
        if figure is not None:
            self.figures.add(figure, name, *parts, alt=self.findings.get(name))
            return
        for part in parts:
            self.page.text(part)


@dataclass(frozen=True)
class Paper:
    """A paper, and how it is reproduced.

    Attributes
    ----------
    name : str
        ``glorot2010``: the name of its folder.
    texts : Texts
        Title, citation, question, and the texts of its page.
    plan : function of a Scale
        Its trials.
    claims : function of Results
        Each claim of the paper, judged or not.
    draw : function of Results and a Report
        Puts figures, and the words around them, on the page.
    finding : function of Results
        The main finding with its numbers, for the title of the page; "" without the runs that it needs.
    first : str
        The section whose figure stands before the claims.
    """

    name: str
    texts: Texts
    plan: Callable[[Scale], list[Trial]]
    claims: Callable[[Results], list[Claim]]
    draw: Callable[[Results, Report], None]
    finding: Callable[[Results], str] = lambda results: ""
    first: str = ""


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
