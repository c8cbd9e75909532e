"""The laws of parameters: where they are found, when they are read, and what changes if some of them are frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from ...modules import Module, Parameter
from .assertions import close, require, same
from .sample import Sample, gradients, law, threes


@law
def every_parameter_and_module_is_found(s: Sample) -> None:
    """Each is an attribute: one in a list, a dict, another object or a class would not be trained, saved or copied."""
    copies: dict[int, Any] = {}                                     # of all objects that the module holds, at any depth
    module = deepcopy(s.module, copies)
    known = {id(one) for one in (*module.parameters(), *(inner for _, inner in module.named_modules()))}
    of_classes = (value for _, inner in module.named_modules() for kind in type(inner).__mro__ for value in vars(kind).values())
    for value in (*copies.values(), *of_classes):
        if isinstance(value, (Parameter, Module)):
            require(id(value) in known, f"parameters() and named_modules() do not find {value!r}: it must be an attribute of "
                                        "its own, self.name = ..., not in a list, another object or the class")


@law
def parameters_are_read_at_every_forward(s: Sample) -> None:
    """Whatever a module derives from its parameters is derived again after they have changed, in all ways that there are."""
    if not s.module.parameters():
        return
    module, loaded = s.new(), s.jitter(s.new()).state_dict()
    s.run(module)
    other = "float64" if module.dtype == np.float32 else "float32"
    ways: dict[str, Callable[[], object]] = {
        "written in place": lambda: s.jitter(module), "loaded": lambda: module.load_state_dict(loaded),
        "replaced": lambda: s.jitter(replaced(module)), "moved by astype": lambda: module.astype(other)}
    for how, change in ways.items():
        change()
        twin = s.follower(module)
        close(f"after parameters were {how}", s.run(module), s.run(twin))       # BLAS rounds by the place in memory, too


@law
def frozen_parameters_change_no_other_gradient(s: Sample) -> None:
    """With some parameters frozen, or all, y, dC/dx and the gradients of the others are the same."""
    names = [name for name, _ in s.module.named_parameters()]
    expected = s.run(s.new()) if names else {}
    for frozen in subsets(names):
        module = threes(s.new())
        for name, parameter in module.named_parameters():
            parameter.frozen = name in frozen
        left = {f"dC/d{name}" for name in frozen}
        results = {name: value for name, value in s.run(module).items() if name not in left}
        same(f"with {', '.join(frozen)} frozen", results, {name: expected[name] for name in results})
        module.backward(s.g, input_gradient=False)
        module.update()
        results = {name: value for name, value in gradients(module).items() if name not in left}
        same(f"with {', '.join(frozen)} frozen, without input gradient", results, {name: expected[name] for name in results})


@law
def a_frozen_module_keeps_its_gradients(s: Sample) -> None:
    module = threes(s.new())
    for parameter in module.parameters():
        parameter.frozen = True
    before = gradients(module)
    s.run(module)
    same("update with all parameters frozen", gradients(module), before)


def subsets(names: list[str]) -> Iterator[list[str]]:
    """Yield all names, and each name alone; of many names the first, the middle and the last."""
    if names:
        yield names
    if len(names) > 1:
        yield from ([names[k]] for k in sorted({0, len(names) // 2, len(names) - 1}))


def replaced(module: Any) -> Any:
    """Put new Parameters in the places of all, unless some are in two places, and return the module."""
    owners = [inner for _, inner in module.named_modules()]
    if sum(len(owner.own_parameters()) for owner in owners) == len(module.parameters()):
        for owner in owners:
            for name, parameter in owner.own_parameters().items():
                setattr(owner, name, Parameter(np.array(parameter.data), parameter.name, parameter.dtype))
    return module
