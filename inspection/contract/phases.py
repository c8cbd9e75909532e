"""The laws of the phases: their order, their repetition, and the point at which derivatives are evaluated."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from ...errors import DtypeError, PhaseError, ShapeError
from ...modules.core.values import each
from .assertions import refuses, same
from .sample import Sample, gradients, law


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
    twin = deepcopy(module)
    same("after a forward of another x", s.run(module), s.run(twin))


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
def a_frozen_module_keeps_its_gradients(s: Sample) -> None:
    module = threes(s.new())
    for parameter in module.parameters():
        parameter.frozen = True
    before = gradients(module)
    s.run(module)
    same("update with all parameters frozen", gradients(module), before)


@law
def another_batch_size_leaves_nothing_behind(s: Sample) -> None:
    """A workspace for one shape is not used for another. A copy has no workspace: it computes the expected numbers."""
    module, larger = s.new(), s.twice()
    for size, of in (("first", s), ("second", larger), ("first", s)):
        twin = deepcopy(module)
        same(f"a batch of the {size} size", of.run(module), of.run(twin))


def threes(module: Any) -> Any:
    """Set all parameter gradients to 3, and return the module."""
    for parameter in module.parameters():
        parameter.grad = np.full(parameter.shape, 3.0)
    return module
