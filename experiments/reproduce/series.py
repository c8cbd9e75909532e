"""Series: a number by seed, with arithmetic that pairs seeds; and choices among several series."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from ..reports.statistics import Estimate, estimate

Key = tuple[int, int]                                               # a seed, and which of its runs
K = TypeVar("K")


@dataclass(frozen=True)
class Series:
    """A number for each run, by the run's seed.

    ``a - b``, ``a / b``, ... take the runs that both have: what two settings give is compared seed by seed. A number stands
    for the same number in each run.

    >>> Series.by_seed({1: 6.0, 2: 8.0}) / Series.by_seed({2: 2.0, 3: 1.0})
    Series(4.0)

    Attributes
    ----------
    numbers : mapping
        By the run's seed, and its place among the runs of the seed.
    resampled : float
        As `estimate` takes it: not 0 if each seed divided the same examples anew.
    diverged : set of keys
        The runs that diverged; their errors are those of chance.
    one_test : bool
        Whether the seeds share a test part that files bring: then the interval does not cover other test examples.
    anew : function of a seed, or None
        Of numbers that a choice of all seeds gave, see `chosen`: the series without the seed, for which the others choose.
    """

    numbers: Mapping[Key, float]
    resampled: float = 0.0
    diverged: frozenset[Key] = frozenset()
    one_test: bool = False
    anew: Callable[[int], Series] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, float]]) -> Series:
        """From pairs of a seed and a number. A seed may come several times, if its runs differ in another setting: series pair
        the first with the first, the second with the second, so all of these runs must have ended."""
        found: dict[Key, float] = {}
        for seed, value in pairs:
            found[seed, sum(key[0] == seed for key in found)] = float(value)
        return cls(dict(sorted(found.items())))

    @classmethod
    def by_seed(cls, numbers: Mapping[int, float]) -> Series:
        return cls.of(numbers.items())

    @classmethod
    def single(cls, value: float | None) -> Series:
        """A single number that belongs to no seed; empty for None or NaN."""
        return cls({} if value is None or math.isnan(value) else {(0, 0): float(value)})

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(self.numbers.values())

    @property
    def estimate(self) -> Estimate:
        """Mean and half of the 95 % interval."""
        return estimate(self.values, self.resampled)

    @property
    def mean(self) -> float:
        """NaN where there is no run."""
        return self.estimate.mean

    @property
    def median(self) -> float:
        """NaN where there is no number; runs whose number is NaN do not count."""
        known = [value for value in self.values if not math.isnan(value)]
        return float(np.median(known)) if known else math.nan

    def map(self, function: Callable[[float], Any]) -> Series:
        return combined(function, self)

    def without(self, seed: int) -> Series:
        """The same without the runs of a seed, which then takes no part in a choice either."""
        return self.only(key for key in self.numbers if key[0] != seed) if self.anew is None else self.anew(seed)

    def only(self, keys: Iterable[Key]) -> Series:
        """The same with these runs alone."""
        numbers, anew = {key: self.numbers[key] for key in keys}, self.anew

        def fewer(seed: int) -> Series:
            assert anew is not None
            found = anew(seed)
            return found.only(key for key in found.numbers if key in numbers)

        return replace(self, numbers=numbers, diverged=self.diverged & numbers.keys(), anew=anew and fewer)

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for seed, _ in self.numbers})

    def worst(self) -> Series:
        """The largest number of each seed."""
        largest: dict[int, float] = {}
        for (seed, _), value in self.numbers.items():
            largest[seed] = max(value, largest.get(seed, -math.inf))
        lost = frozenset((seed, 0) for seed, _ in self.diverged)
        anew = self.anew
        return replace(self, numbers=Series.by_seed(largest).numbers, diverged=lost,
                       anew=anew and (lambda seed: anew(seed).worst()))

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def __repr__(self) -> str:
        return f"Series({', '.join(f'{value!r}' for value in self)})"

    def __abs__(self) -> Series:
        return self.map(abs)

    def __add__(self, other: Series | float) -> Series:
        return combined(operator.add, self, other)

    def __sub__(self, other: Series | float) -> Series:
        return combined(operator.sub, self, other)

    def __mul__(self, other: Series | float) -> Series:
        return combined(operator.mul, self, other)

    def __truediv__(self, other: Series | float) -> Series:
        return combined(operator.truediv, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> Series:
        return self.map(lambda value: other - value)

    def __rtruediv__(self, other: float) -> Series:
        return self.map(lambda value: other / value)


def combined(function: Callable[..., Any], *series: Series | float) -> Series:
    """``function`` of the numbers of each run that all the series have; a plain number is the same in each run."""
    known = [one for one in series if isinstance(one, Series)]
    keys = sorted(set.intersection(*(set(one.numbers) for one in known)))
    numbers = {key: float(function(*(one.numbers[key] if isinstance(one, Series) else one for one in series))) for key in keys}

    def anew(seed: int) -> Series:
        return combined(function, *(one.without(seed) if isinstance(one, Series) else one for one in series))

    return Series(numbers, max(one.resampled for one in known),
                  frozenset().union(*(one.diverged for one in known)) & numbers.keys(), any(one.one_test for one in known),
                  anew if any(one.anew for one in known) else None)


def paired(*series: Series) -> list[Series]:
    """The same series with those runs alone that all of them have."""
    common = sorted(set.intersection(*(set(one.numbers) for one in series)))
    return [one.only(common) for one in series]


def rows(*series: Series) -> list[tuple[float, ...]]:
    """For each run that all the series have, a row of its numbers."""
    return list(zip(*paired(*series), strict=True)) if series else []


def largest(*series: Series) -> Series:
    """The largest of the numbers of each run."""
    return combined(max, *series)


def smallest(*series: Series) -> Series:
    """The smallest of the numbers of each run."""
    return combined(min, *series)


def best(choices: Mapping[K, Series]) -> K | None:
    """The choice of the smallest mean, such as a learning rate by its validation errors; None where no run ended.

    A choice without runs, or whose mean is not a number, is not chosen; of equal ones the first is.
    """
    means = {choice: one.mean for choice, one in choices.items() if not math.isnan(one.mean)}
    return min(means, key=means.__getitem__) if means else None


def best_by_seed(choices: Mapping[float, Series]) -> Series:
    """For each seed the choice of its smallest number; of equal ones the first. Only seeds that have all choices count."""
    numbers = list(choices)
    return combined(lambda *values: numbers[int(np.argmin(values))], *choices.values()) if choices else Series({})


def chosen(choose: Callable[..., Series], *sources: Series) -> Series:
    """``choose(*sources)``, where all seeds take part in the choice; left out, a seed takes no part, and it is made again."""
    return replace(choose(*sources), anew=lambda seed: chosen(choose, *(one.without(seed) for one in sources)))


def at_best(choices: Mapping[K, Series], ends: Mapping[K, Series]) -> Series:
    """The series of ``ends`` at the `best` of the choices, such as test errors at the rate of the least validation error."""
    def choose(*series: Series) -> Series:
        key = best(dict(zip(choices, series, strict=False)))
        return Series({}) if key is None or key not in ends else series[len(choices) + list(ends).index(key)]

    return chosen(choose, *choices.values(), *ends.values())


def at_others_best(choices: Mapping[K, Series]) -> Series:
    """For each seed its number at the choice that is `best` for the other seeds: so no seed is judged by what it chose."""
    def choose(*series: Series) -> Series:
        found, numbers, lost = paired(*series), dict[Key, float](), set[Key]()
        for seed in found[0].seeds:
            key = best({k: one.without(seed) for k, one in enumerate(found)})
            if key is not None:
                own = [one for one in found[key].numbers if one[0] == seed]
                numbers |= {one: found[key].numbers[one] for one in own}
                lost |= found[key].diverged.intersection(own)
        return replace(found[0], numbers=numbers, diverged=frozenset(lost))

    return chosen(choose, *choices.values()) if choices else Series({})
