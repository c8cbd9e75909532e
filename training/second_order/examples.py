"""The terms of single examples in the gradients of a network, module by module."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, ShapeError
from ...modules import Module, Parameter

Held = list[tuple[Module, dict[str, Parameter]]]                    # modules, each with its own parameters that are not frozen


def holders(who: str, root: Module) -> Held:
    """Return all modules with parameters that are not frozen; ArgumentError if a module is batch-dependent."""
    held = []
    for path, module in root.named_modules():
        if module.batch_dependent:
            place = f" at {path!r}" if path else ""
            raise ArgumentError(f"{who}: examples must be independent, got the batch-dependent {module!r}{place}; BatchNorm "
                                "is batch-dependent only in training mode: call net.eval() first")
        mine: dict[str, Parameter] = {}
        for name, parameter in module.own_parameters().items():
            if not parameter.frozen and parameter not in mine.values():     # a parameter with two names counts once
                mine[name] = parameter
        if mine:
            held.append((module, mine))
    return held


def gradients_of_examples(held: Held, size: int) -> dict[Parameter, Array]:
    """Return, after backward, the terms of each parameter; those of a shared one are added up."""
    summed: dict[Parameter, Array] = {}
    for module, mine in held:
        terms = module.example_gradients()
        for name, parameter in mine.items():
            term = fitting(module, "example_gradients", terms, name, (size, *parameter.shape))
            if parameter in summed:
                summed[parameter] = summed[parameter] + term
            else:                                                   # the term of a bias may be g itself, which is overwritten
                summed[parameter] = term.copy() if np.may_share_memory(term, module.gradient) else term
    return summed


def fitting(module: Module, method: str, returned: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Return the array that a module returned for one of its parameters; ShapeError if it is missing or has a wrong shape."""
    array = returned.get(name) if isinstance(returned, dict) else None
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ShapeError(f"{module!r}: {method} must return a dict with an array of shape {shape} for {name!r}, got "
                         f"{'none' if array is None else f'one of shape {np.shape(array)}'}")
    return array
