"""How a correct module is made wrong: the pieces of the mutants in test_mutants.py, and the tests of tables of modules.

A mutant changes the class itself, behind its checked phases, so that copies, pickles and containers run it too.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from itertools import product
from typing import Any, NamedTuple
from unittest.mock import patch
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from cases import numbers
from facts import Facts, jacobian

import retroprop as rp
from retroprop import Loss
from retroprop.errors import CheckError
from retroprop.modules.core.base import CHECKED
from retroprop.modules.core.values import each


class Mutant(NamedTuple):
    """``changes(kind)`` are attributes that spoil a class; ``equivalent(facts)`` says why a module stays correct."""

    name: str
    changes: Callable[[type], dict[str, Any]]
    equivalent: Callable[[Facts], str | None] = lambda facts: None

    def applied(self, kind):
        return patch.multiple(kind, create=True, **self.changes(kind))


# Tables of wrong modules


def breaking():
    """Return a list for ``parametrize``, and the decorator ``breaks(law, x=None)`` that puts a wrong module into it."""
    wrong = []

    def breaks(law, x=None):
        def register(kind):
            wrong.append(pytest.param(kind, law, numbers(5, 3) if x is None else x, id=kind.__name__))
            return kind

        return register

    return wrong, breaks


def refused_by(kind, law, x, target=None):
    """Demand that ``check_module`` names the law, in words, for both dtypes of x and some seeds."""
    for dtype, seed in (("float32", 0), ("float64", 1)):
        with pytest.raises(CheckError, match=f"{re.escape(repr(kind()))}: {law.replace('_', ' ')}"):
            rp.check_module(kind(), np.asarray(x, dtype), target, rng=seed)


# Tables of right modules


def accepting():
    """Return a list for ``parametrize``, and the decorator ``right(what, x=None, arguments=())`` that puts a module into it."""
    modules = []

    def right(what, x=None, arguments=()):
        def register(kind):
            modules.append(pytest.param(partial(kind, *arguments), numbers(5, 3) if x is None else x, id=what))
            return kind

        return register

    return modules, right


ONE = [(0, "float32")]
SEEDS = [pytest.param(ONE, id="one seed"),
         pytest.param(list(product(range(1, 20), ("float32", "float64"))), id="many seeds", marks=pytest.mark.long)]


def accepted(build, x, target=None, seeds=ONE):
    """Demand that ``check_module`` passes at these seeds, for x in these dtypes."""
    for seed, dtype in seeds:
        rp.check_module(build(), each(lambda a: a.astype(dtype), x), target, rng=seed)  # noqa: B023


# When a mutant is equivalent


def needs(fact, reason):
    return lambda facts: None if getattr(facts, fact) else reason


def spared(fact, reason):
    return lambda facts: reason if getattr(facts, fact) else None


def either(*rules):
    return lambda facts: next(filter(None, (rule(facts) for rule in rules)), None)


def only(kind):
    return lambda facts: None if type(facts.module) is kind else f"speaks of {kind.__name__}"


# Whole phases


def attributes(**changes):
    return lambda kind: changes


def behind_checks(phase, spoil):
    """Replace the unchecked phase by ``spoil(unchecked, kind)``."""

    def changes(kind):
        written = getattr(kind, phase)
        unchecked = getattr(written, "__wrapped__", None)           # None: a loss has no checked phases
        return {phase: spoil(written, kind) if unchecked is None else CHECKED[phase](spoil(unchecked, kind))}

    return changes


def before_checks(phase, spoil):
    """Replace the checked phase by ``spoil(whole, kind)``; containers still run the unchecked phase."""

    def changes(kind):
        whole = getattr(kind, phase)
        spoilt = spoil(whole, kind)
        spoilt.__wrapped__ = getattr(whole, "__wrapped__", whole)
        return {phase: spoilt}

    return changes


def forward(change):
    """Spoil what forward returns: ``change(self, x, y, out)``. (The second argument of a loss is its target, not ``out``.)"""

    def spoil(unchecked, kind):
        def spoilt(self, x, out=None):
            return change(self, x, unchecked(self, x, out), None if isinstance(self, Loss) else out)
        return spoilt

    return behind_checks("forward", spoil)


def backward(change):
    """Spoil what backward returns: ``change(self, g, gx, out)``."""

    def spoil(unchecked, kind):
        def spoilt(self, g, out=None, **options):
            gx = unchecked(self, g, out, **options)
            return gx if gx is None else change(self, g, gx, out)
        return spoilt

    return behind_checks("backward", spoil)


def jvp(change):
    """Spoil what jvp returns: ``change(self, t, y, out)``."""
    return behind_checks("jvp", lambda unchecked, kind: lambda self, t: change(self, t, unchecked(self, t), None))


def jvp_of(choose):
    """Run forward mode with another tangent: ``choose(self, t)``."""
    return behind_checks("jvp", lambda unchecked, kind: lambda self, t: unchecked(self, choose(self, t.copy())))


def update(change):
    """Spoil what update computes: ``change(self, before)``, with copies of the previous gradients."""

    def spoil(unchecked, kind):
        def spoilt(self):
            before = [parameter.grad.copy() for parameter in self.parameters()]
            unchecked(self)
            change(self, before)
        return spoilt

    return behind_checks("update", spoil)


def update_with(choose):
    """Update with another gradient than the last: ``choose(self, g)``."""

    def spoil(unchecked, kind):
        def spoilt(self):
            kept = self.gradient
            self.gradient = choose(self, kept.copy())
            unchecked(self)
            self.gradient = kept
        return spoilt

    return behind_checks("update", spoil)


# Points of another x, and wrong derivatives at the right point


def at_the_first_point(kind):
    """Make forward save the point of the first x of this shape."""
    first, original = WeakKeyDictionary(), kind.forward

    def spoil(unchecked, kind):
        def spoilt(self, x, out=None):
            twin, x0, second = first.setdefault(self, (deepcopy(self), x.copy(), out))
            y = unchecked(self, x, out)
            if (x0.shape, x0.dtype) == (x.shape, x.dtype):
                twin = deepcopy(twin).train(self.training)
                original(twin, x0, *((second,) if isinstance(self, Loss) else ()))
                for (_, mine), (_, other) in zip(self.named_modules(), twin.named_modules(), strict=True):
                    mine.point = other.point
            return y
        return spoilt

    return behind_checks("forward", spoil)(kind)


def derivative(compute):
    """Make backward return ``compute(twin, forward, backward, x, g, training)``; ``twin`` is a copy that has not seen x."""

    def changes(kind):
        past, whole = WeakKeyDictionary(), (kind.forward, kind.backward)

        def saving(unchecked, kind):
            def spoilt(self, x, out=None):
                past[self] = deepcopy(self), x.copy(), (out,) if isinstance(self, Loss) else ()
                return unchecked(self, x, out)
            return spoilt

        def change(self, g, gx, out):
            twin, x, target = past[self]
            gx[...] = compute(deepcopy(twin), lambda m, x: np.asarray(whole[0](m, x, *target)), whole[1], x, g, self.training)
            return gx

        return behind_checks("forward", saving)(kind) | backward(change)(kind)

    return changes


def of_the_jacobian(twin, forward, backward, x, g, training):
    return (jacobian(forward, twin, x) @ g.ravel()).reshape(x.shape)


def of_its_diagonal(twin, forward, backward, x, g, training):
    return np.diag(jacobian(forward, twin, x)).reshape(x.shape) * g


def of_the_mode_now(twin, forward, backward, x, g, training):
    forward(twin.train(training), x)
    return backward(twin, g)
