"""Forward mode from the backward phase, for modules that do not write their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ...arguments import Array
from .phases import unchecked
from .values import Value, basis_vectors, from_numbers, parts, product

if TYPE_CHECKING:
    from .base import Module


def by_backward(module: Module, t: Value) -> Value:
    """J t: backward itself where J is its own transpose, else the product of each row of J, a backward each, with t."""
    backward = unchecked(module, "backward")
    with spared(module):
        module.gradient = t                                         # a bare backward may count on it
        if module.symmetric:
            return backward(t)
        numbers = []
        for g in basis_vectors(*module._output):
            module.gradient = g
            numbers.append(product(backward(g), t))
        return from_numbers(numbers, *module._output)


@contextmanager
def spared(module: Module) -> Iterator[None]:
    """Bare backwards that run inside leave nothing behind: what the last one before them left is there for ``update``."""
    tree = [inner for _, inner in module.named_modules()]
    needed = any(inner.gradient is not None for inner in tree)      # else a backward comes before the next update
    kept = [(inner, inner.gradient, inner._taped, dict(vars(inner)), [(a, a.copy()) for a in arrays(inner)] if needed else [])
            for inner in tree]
    for inner in tree:
        inner._taped = ()                                           # nor on a tape
    try:
        yield
    finally:
        for inner, gradient, taped, attributes, contents in kept:
            inner.gradient, inner._taped = gradient, taped
            vars(inner).clear()
            vars(inner).update(attributes)
            for array, content in contents:
                array[...] = content


def arrays(module: Module) -> Iterator[Array]:
    """What a backward may write into: a container's gradients are arrays that its next backward uses again."""
    scratch = module.scratch if isinstance(module.scratch, tuple) else (module.scratch,)
    for value in (*parts(module.gradient), *scratch, *vars(module).values()):
        if isinstance(value, np.ndarray) and value.flags.writeable:
            yield value
