"""The exercises: what each asks for, its parts, and their points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import one_of, positive_int
from ..errors import CheckError
from . import modules as tests
from . import variance
from .modules import TRIALS, of_the_student, said


class Part(NamedTuple):
    """A part of an exercise: ``test(made, seed)`` raises what is wrong with what the student made under ``name``."""

    title: str
    points: int
    name: str
    test: Callable[[Any, int], None]


class Exercise(NamedTuple):
    """An exercise, its parts, and the names that a notebook must define for it."""

    name: str
    title: str
    parts: tuple[Part, ...]

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.name for part in self.parts))


class Verdict(NamedTuple):
    """The points of a part, out of how many, and what is wrong (empty if nothing is)."""

    part: str
    points: int
    of: int
    sentence: str = ""


def on(trial: str, test: tests.Test, kind: Any, seed: int) -> None:
    """Try a test on a student's class in sizes and numbers drawn for the seed."""
    of_the_student(kind)
    test(TRIALS[trial](kind, np.random.default_rng(seed)), seed)


def of_module(module: str, name: str, parts: Mapping[str, tuple[int, tests.Test]], title: str) -> Exercise:
    return Exercise(name.lower(), title, tuple(Part(part, points, name, partial(on, module, test))
                                               for part, (points, test) in parts.items()))


def mended(trial: tests.Trial, seed: int) -> None:
    """A class whose bug was mended computes what the library's does, and keeps every law."""
    FORWARD(trial, seed)
    tests.every_law(trial, seed)


FORWARD = tests.like_the_library(tests.forward, "forward computes what is computed by")
STATISTICS = tests.like_the_library(tests.statistics, "the running statistics and predict are those of")

EXERCISES = (
    of_module("sigmoid", "Sigmoid", {
        "forward": (2, FORWARD), "backward": (3, tests.backward), "other laws": (1, tests.other_laws)}, "Sigmoid"),
    of_module("linear", "Linear", {
        "forward": (3, FORWARD), "backward": (3, tests.backward), "update": (3, tests.update),
        "other laws": (1, tests.other_laws)}, "Linear"),
    of_module("batchnorm", "BatchNorm", {
        "forward": (3, FORWARD), "running statistics": (2, STATISTICS), "backward": (4, tests.backward),
        "update": (3, tests.update), "other laws": (1, tests.other_laws)}, "BatchNorm"),
    of_module("dropout", "Dropout", {
        "forward": (3, tests.drops), "evaluation": (1, tests.predicts), "backward": (3, tests.backward),
        "other laws": (1, tests.other_laws)}, "Dropout"),
    *(of_module(module, name, {"mended": (4, mended)}, f"Bug in {module}")
      for module, name in (("linear", "First"), ("batchnorm", "Second"), ("sigmoid", "Third"))),
    Exercise("variance", "Variance", (
        Part("a sum", 3, "of_a_sum", variance.against(variance.a_sum, 0.1)),
        Part("a gradient", 3, "of_a_gradient", variance.against(variance.a_gradient, 0.1)),
        Part("through layers", 3, "through_layers", variance.against(variance.layers, 0.3)),
        Part("ReLU", 2, "std_for_relu", variance.rectified))),
)


def graded(exercise: Exercise, made: Mapping[str, Any], seed: int, failed: Mapping[str, str] | None = None) -> list[Verdict]:
    """Try the parts of an exercise on what a student made, by name. Whatever it raises costs only the points of its part.

    ``failed`` says what the cells did that should have defined a name.
    """
    found = []
    for part in exercise.parts:
        try:
            if part.name not in made:
                why = (failed or {}).get(part.name)
                raise CheckError(f"{part.name} is not defined" + (f": its cell {why}" if why else ""))
            part.test(made[part.name], seed)
            found.append(Verdict(part.title, part.points, part.points))
        except (Exception, SystemExit) as error:                    # a student's code may raise anything
            found.append(Verdict(part.title, 0, part.points, said(error)))
    return found


def points(exercise: str, made: Mapping[str, Any], seed: int = 0) -> int:
    """Return the points of an exercise; print what is wrong with each part that gets none.

    Parameters
    ----------
    exercise : str
        Its name: ``"sigmoid"``, ``"linear"``, ``"batchnorm"``, ``"dropout"``, ``"first"``, ``"second"``, ``"third"`` or
        ``"variance"``.
    made : mapping of str to object
        What the student defined, by name: ``globals()`` in a notebook.
    seed : int of at least 0, default 0
        Sizes and numbers are drawn for it.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> class Sigmoid(rp.Module):
    ...     def forward(self, x):
    ...         self.point = 1 / (1 + np.exp(-x))
    ...         return self.point
    ...     def backward(self, g):
    ...         return self.point * g
    >>> points("sigmoid", {"Sigmoid": Sigmoid})
    backward, 0 of 3 points: Sigmoid(): backward is the transposed jacobian: in training mode, dC/dx[3, 0]: finite \
differences give 0.222716053, the module 1.08631021
    other laws, 0 of 1 points: Sigmoid(): gradients are right for every batch size: in training mode, in a batch of 1, \
dC/dx in direction 0: finite differences give 0.044167901, the module 0.362892529
    2
    """
    chosen = {one.name: one for one in EXERCISES}[one_of("exercise", exercise, [one.name for one in EXERCISES])]
    verdicts = graded(chosen, made, positive_int("seed", seed, 0))
    for verdict in verdicts:
        if verdict.sentence:
            print(f"{verdict.part}, 0 of {verdict.of} points: {verdict.sentence}")
    return sum(verdict.points for verdict in verdicts)
