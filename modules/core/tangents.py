"""Forward mode computed with the backward phase, for modules that do not write jvp."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...arguments import Array
from .evaluation import Evaluated
from .phases import unchecked
from .values import Value, basis_vectors, from_numbers, parts, product


def by_backward(module: Evaluated[Any], t: Value) -> Value:
    """Return J t. If J is symmetric this is backward of t; else each backward gives a row of J, which is multiplied with t."""
    backward = unchecked(module, "backward")
    with preserved_backward(module):
        module.gradient = t                                         # the checked backward would set it
        if module.symmetric:
            return backward(t)
        numbers = []
        for g in basis_vectors(*module._output):
            module.gradient = g
            numbers.append(product(backward(g), t))
        return from_numbers(numbers, *module._output)


@contextmanager
def preserved_backward(module: Evaluated[Any]) -> Iterator[None]:
    """Undo what unchecked backwards change inside the ``with`` block, so that ``update`` finds what the last backward left."""
    tree = [inner for _, inner in module.named_modules()]
    needed = any(inner.gradient is not None for inner in tree)      # else update cannot be the next phase
    states = [(inner, inner.gradient, inner._taped, dict(vars(inner)), [(a, a.copy()) for a in arrays(inner)] if needed else [])
              for inner in tree]
    for inner in tree:
        inner._taped = ()                                           # a tape does not record them
    try:
        yield
    finally:
        for inner, gradient, taped, attributes, contents in states:
            inner.gradient, inner._taped = gradient, taped
            vars(inner).clear()
            vars(inner).update(attributes)
            for array, content in contents:
                array[...] = content


def arrays(module: Evaluated[Any]) -> Iterator[Array]:
    """Yield the arrays that a backward may overwrite: its workspace, and the gradient, if that is a buffer of a container."""
    scratch = module.scratch if isinstance(module.scratch, tuple) else (module.scratch,)
    for value in (*parts(module.gradient), *scratch, *vars(module).values()):
        if isinstance(value, np.ndarray) and value.flags.writeable:
            yield value
