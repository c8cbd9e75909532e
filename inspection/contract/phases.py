"""The laws of the phases: their order, their repetition, and the point at which derivatives are evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, PhaseError, ShapeError
from ...modules.core.values import Value, copied, each, parts, shape_of
from .assertions import ROUND_OFF, Results, equal_within, refuses, same
from .sample import Sample, float64, gradients, law, threes

SUMS = 1e-7 / np.finfo(float).eps                                   # in eps: how far backward of a sum may be from the sum
FACTORS = (-1, 2.0**20, 2.0**-20)                                   # exact in floating point

@law
def a_phase_that_comes_too_early_is_refused(s: Sample) -> None:
    module = s.new()
    refuses(PhaseError, "backward before forward", module.backward, s.g)
    refuses(PhaseError, "update before forward", module.update)
    refuses(PhaseError, "jvp before forward", module.jvp, s.x)
    s.forward(module, s.x)
    refuses(PhaseError, "update before backward", module.update)
    s.go_back(module, s.g)
    s.forward(module, s.x)
    refuses(PhaseError, "update after a new forward, before its backward", module.update)


@law
def bad_input_is_refused_before_anything_changes(s: Sample) -> None:
    module, twin = s.new(), s.new()
    s.forward(module, s.x)
    s.forward(twin, s.x)
    refuses(ShapeError, "an empty batch", s.forward, module, each(lambda a: a[:0], s.x))
    refuses(DtypeError, "complex numbers", s.forward, module, each(lambda a: a * 1j, s.x))
    refuses(ShapeError, "a gradient of another shape than the output's", module.backward,
            each(lambda a: a[..., None], s.g))
    refuses(ShapeError, "a tangent of another shape than x's", module.jvp, each(lambda a: a[..., None], s.x))
    same("after refused calls", s.go_back(module, s.g), s.go_back(twin, s.g))


@law
def backward_and_update_can_be_repeated(s: Sample) -> None:
    module = s.new()
    s.forward(module, s.x)
    once = s.go_back(module, s.g)
    module.update()
    same("update twice", {"dC/dx": once["dC/dx"]} | gradients(module), once)
    same("backward and update twice", s.go_back(module, s.g), once)


@law
def backward_and_update_are_at_the_last_forward(s: Sample) -> None:
    module = s.new()
    s.run(module, s.other)
    twin = s.follower(module)
    same("after a forward of another x", s.run(module), s.run(twin))
    s.forward(module.train(not s.module.training), s.other)
    twin = s.follower(module).train(s.module.training)
    same("after a forward in the other mode", s.run(module.train(s.module.training)), s.run(twin))


@law
def an_array_may_be_filled_with_other_numbers(s: Sample) -> None:
    """x, t, g and target are read again in each phase, also if they are the arrays of the last step, as in a container."""
    t, u = s.random(shape_of(s.x)), s.random(shape_of(s.x))
    filled, right = s.new(), s.new()
    for module in (filled, right):
        one_step(s, module, s.x, t, s.g)
    twin = s.follower(right)
    for array, numbers in ((s.x, s.other), (s.g, s.h), (t, u), *((a, a[::-1].copy()) for a in s.target)):
        copied(numbers, array)
    expected = one_step(s, twin, *map(copied, (s.x, t, s.g)))
    try:
        same("", one_step(s, right, *map(copied, (s.x, t, s.g))), expected)
    except AssertionError:                                          # wrong in new arrays too: other laws say why
        return
    same("after x, t and g were filled with other numbers", one_step(s, filled, s.x, t, s.g), expected)


def one_step(s: Sample, module: Any, x: Value, t: Value, g: Value) -> Results:
    """Run all phases and forward mode."""
    y = copied(s.forward(module, x))
    return {"y": y, "J t": copied(s.jvp(module, t))} | s.go_back(module, g)


@law
def update_is_of_the_last_backward(s: Sample) -> None:
    module, twin = s.new(), s.new()
    s.run(module)
    s.forward(twin, s.x)
    same("after a backward of another g", s.go_back(module, s.h), s.go_back(twin, s.h))


@law
def backward_leaves_the_parameter_gradients_alone(s: Sample) -> None:
    module = threes(s.new())
    s.forward(module, s.x)
    before = gradients(module)
    module.backward(s.g)
    same("backward", gradients(module), before)


@law
def update_overwrites_and_accumulate_adds(s: Sample) -> None:
    module, expected = threes(s.new()), s.run(s.new())
    same("update over old gradients", s.run(module), expected)
    threes(module).accumulate()
    del expected["y"], expected["dC/dx"]
    same("accumulate onto gradients of 3", gradients(module), {name: 3 + grad for name, grad in expected.items()})


@law
def backward_update_and_jvp_are_linear(s: Sample) -> None:
    """Of a multiple or a sum of g (or t), they compute the multiple or the sum."""
    t, u = s.random(shape_of(s.x)), s.random(shape_of(s.x))
    module = s.new()
    s.forward(module, s.x)
    once = linear_results(s, module, s.g, t)
    for factor in FACTORS:
        with np.errstate(over="ignore"):
            expected = times(factor, once)
        if all(np.isfinite(a).all() for value in expected.values() for a in parts(value)):
            got = linear_results(s, module, times(factor, s.g), times(factor, t))
            equal_within(ROUND_OFF, f"for {factor:g} times g and t", got, expected)
    module = s.double()
    s.forward(module, float64(s.x))
    g, h, t, u = map(float64, (s.g, s.h, t, u))
    first, second = linear_results(s, module, g, t), linear_results(s, module, h, u)
    total = linear_results(s, module, each(np.add, g, h), each(np.add, t, u))
    size = max(1, *(float(np.abs(a).max()) for a in parts(s.x))) * sum(float(np.abs(a).sum()) for a in (*parts(g), *parts(t)))
    equal_within(SUMS, "for the sum of two g and of two t", total,
                 {name: each(np.add, first[name], second[name]) for name in total}, ROUND_OFF * np.finfo(float).eps * size)


def linear_results(s: Sample, module: Any, g: Value, t: Value) -> Results:
    """Run the phases that are linear, after forward."""
    return s.go_back(module, g) | {"J t": copied(s.jvp(module, t))}


def times(factor: float, value: Any) -> Any:
    """Return the value, or a dict of values, times a number, in its own dtype."""
    if isinstance(value, dict):
        return {name: times(factor, one) for name, one in value.items()}
    return each(lambda a: a * a.dtype.type(factor), value)
