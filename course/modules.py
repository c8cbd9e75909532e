"""What a student's module must do: compute what the library's module computes, and keep the laws of the contract.

Sizes and numbers are drawn, so that no answer can be fitted to those that a notebook shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from .. import modules
from ..arguments import Array, in_a_line
from ..errors import CheckError
from ..inspection import CHECKS
from ..inspection.contract import phases, values
from ..inspection.contract.assertions import Results, equal_within, require
from ..inspection.contract.sample import Samples, title
from ..modules import Module
from ..printing import in_one_line

BACKWARD = (values.backward_has_the_shape_of_x, values.backward_is_the_transposed_jacobian)
UPDATE = (values.update_is_the_gradient_of_each_parameter, phases.update_overwrites_and_accumulate_adds,
          phases.update_is_of_the_last_backward)
PHASES = ("forward", "backward", "update")
OF_LAWS = {base for kind in (modules.Sequential, modules.Graph, modules.Identity) for base in kind.__mro__}
GAP = "nothing is written here yet"
EQUAL = 1e-8 / np.finfo(float).eps                                  # in eps: formulas may be written in another order


class Trial(NamedTuple):
    """A student's module in one size, the library's with the same parameters, and an input."""

    build: Callable[[], Any]
    theirs: Callable[[], Module]
    x: Array


Test = Callable[[Trial, int], None]


# How each module is built, in drawn sizes


def sizes(rng: np.random.Generator) -> list[int]:
    """Draw a batch size and two numbers of features, all unequal: a wrong transpose must not fit."""
    return [int(size) for size in rng.permutation(np.arange(3, 8))[:3]]


def linear(kind: Any, rng: np.random.Generator) -> Trial:
    batch, n_in, n_out = sizes(rng)
    seed = int(rng.integers(1000))
    return Trial(lambda: stirred(kind(n_in, n_out, rng=seed), seed), lambda: modules.Linear(n_in, n_out),
                 rng.normal(0, 1.5, (batch, n_in)))


def batchnorm(kind: Any, rng: np.random.Generator) -> Trial:
    batch, features, seed = sizes(rng)
    return Trial(lambda: stirred(kind(features), seed), lambda: modules.BatchNorm(features, unbiased=False),
                 rng.normal(0.5, 1.5, (batch, features)))


def sigmoid(kind: Any, rng: np.random.Generator) -> Trial:
    batch, features, _ = sizes(rng)
    return Trial(kind, modules.Sigmoid, rng.normal(0, 1.5, (batch, features)))


def dropout(kind: Any, rng: np.random.Generator) -> Trial:
    batch, features, seed = sizes(rng)
    p = float(rng.choice([0.2, 0.3, 0.4]))
    return Trial(lambda: kind(p, rng=seed), lambda: modules.Dropout(p), rng.normal(0, 1.5, (batch, features)))


TRIALS: dict[str, Callable[[Any, np.random.Generator], Trial]] = {
    "sigmoid": sigmoid, "linear": linear, "batchnorm": batchnorm, "dropout": dropout}


def stirred(module: Any, seed: int) -> Any:
    """Move all parameters away from 0 and 1, which hide a missing term or factor."""
    rng = np.random.default_rng(seed)
    for parameter in module.parameters():
        parameter.data[...] += rng.uniform(0.2, 0.9, parameter.shape)
    return module


def of_the_student(kind: Any) -> None:
    """Demand a class that derives from Module and from no other class of the library."""
    others = not isinstance(kind, type) or kind is Module or not issubclass(kind, Module) or any(
        base.__module__.startswith(f"{modules.__name__}.") for base in set(kind.__mro__) - set(Module.__mro__))
    if others:
        raise CheckError(f"a class of your own that derives from rp.Module is expected, got {in_a_line(kind)}")


@contextmanager
def alone() -> Iterator[None]:
    """Let the phases of the library's modules raise: a student's class must compute by itself.

    Containers and Identity compute nothing, and laws put modules into them: they run.
    """
    written = [(kind, name, vars(kind)[name]) for kind in of_the_library(Module) if kind not in OF_LAWS
               for name in PHASES if name in vars(kind)]

    def refusing(kind: type, name: str) -> Callable[..., None]:
        def refuse(*arguments: Any, **options: Any) -> None:
            raise CheckError(f"the class must compute by itself, and calls {name} of the library's {kind.__name__}")

        @wraps(refuse)                                              # containers run what is wrapped
        def phase(*arguments: Any, **options: Any) -> None:
            refuse()

        return phase

    try:
        for kind, name, _ in written:
            setattr(kind, name, refusing(kind, name))
        yield
    finally:
        for kind, name, phase in written:
            setattr(kind, name, phase)


def of_the_library(kind: type) -> Iterator[type]:
    """Yield the library's modules that derive from a class."""
    below: list[type] = kind.__subclasses__()
    for each in below:
        if each.__module__.startswith(f"{modules.__name__}."):
            yield each
            yield from of_the_library(each)


# Tests


def both(trial: Trial) -> tuple[Any, Any]:
    """Return the student's module in float64, and the library's with the same parameters."""
    mine, theirs = trial.build(), trial.theirs()
    theirs.astype("float64")
    for own, other in zip(mine.astype("float64").parameters(), theirs.parameters(), strict=True):
        other.data[...] = own.data
    return mine, theirs


def like_the_library(run: Callable[[Any, Trial], Results], what: str) -> Test:
    """Return a test that the student's module and the library's give the same results in ``run``."""

    def test(trial: Trial, seed: int) -> None:
        mine, theirs = deepcopy(trial.build()), trial.theirs()
        sentence = f"{title(mine)}: {what} the library's {type(theirs).__name__}"
        try:
            mine, theirs = both(trial)
            with alone():
                found = run(mine, trial)
            equal_within(EQUAL, f"for x of shape {trial.x.shape}", found, run(theirs, trial))
        except Exception as error:
            raise CheckError(f"{sentence}: {said(error)}") from error

    return test


def forward(module: Any, trial: Trial) -> Results:
    return {"y": np.asarray(module.forward(trial.x))}


def statistics(module: Any, trial: Trial) -> Results:
    """Run three training steps on other batches, and predict."""
    for step in range(3):
        module.forward(trial.x * (1 + step) + step)
    return {"running_mean": module.running_mean, "running_var": module.running_var, "y of predict": module.predict(trial.x)}


def laws(*checks: Any) -> Test:
    """Return a test of some laws of the contract; the first that is broken raises."""

    def test(trial: Trial, seed: int) -> None:
        samples: Samples = {}
        module = trial.build()
        with alone():
            for check in checks:
                check(module, trial.x, rng=seed, samples=samples)

    return test


every_law = laws(*BACKWARD, *UPDATE, *CHECKS)                        # the most telling first
backward, update = laws(*BACKWARD), laws(*UPDATE)
other_laws = laws(*(check for check in CHECKS if check not in (*BACKWARD, *UPDATE)))


def drops(trial: Trial, seed: int) -> None:
    """In training, numbers are 0 with probability p, each on its own, and the others are divided by 1 - p."""
    module, x = trial.build(), np.random.default_rng(seed).uniform(1, 2, (300, 300))
    sentence, p = f"{title(module)}: forward drops numbers in training: ", module.p
    try:
        with alone():
            y, again = np.asarray(module.forward(x)), np.asarray(module.forward(x))
    except Exception as error:
        raise CheckError(sentence + said(error)) from error
    require(y.shape == x.shape, f"{sentence}expected y of shape {x.shape}, got {y.shape}")
    kept, share = y != 0, float((y == 0).mean())
    require(abs(share - p) < 0.02, f"{sentence}expected a share of {p:g} to be 0, got {share:.3f}")
    wrong = kept & ~np.isclose(y, x / (1 - p), rtol=1e-5)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise CheckError(f"{sentence}expected x / (1 - p), so that the mean of y is x: for x = {x[at]:.4f}, expected "
                         f"{x[at] / (1 - p):.4f}, got {y[at]:.4f}")
    apart = all(kept.mean(axis).min() > 0 and kept.mean(axis).max() < 1 for axis in (0, 1))
    require(apart, f"{sentence}each number must be dropped on its own, but a whole row or column is kept or dropped")
    require((kept != (again != 0)).any(), f"{sentence}each forward must draw another mask, got the same twice")


def predicts(trial: Trial, seed: int) -> None:
    """In evaluation, the output is x."""
    module = trial.build()
    try:
        with alone():
            y = np.asarray(module.predict(trial.x))
        equal_within(1, "predict", {"y": y}, {"y": np.asarray(trial.x, module.dtype)})
    except Exception as error:
        raise CheckError(f"{title(module)}: in evaluation mode the output is x: {said(error)}") from error


def said(error: BaseException) -> str:
    """Return what is wrong, in one line: the sentence of a law, or the kind and the text of another error."""
    if is_gap(error):
        return GAP
    text = in_one_line(error)
    return text if isinstance(error, AssertionError) else f"{type(error).__name__}: {text}".removesuffix(": ")


def is_gap(error: BaseException | None) -> bool:
    """Whether an error comes from a gap that a student has not filled."""
    return error is not None and (isinstance(error, NotImplementedError) or is_gap(error.__cause__))
