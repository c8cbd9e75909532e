"""Forward mode computed with the backward phase, for modules that do not write jvp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...arguments import Array
from ...restoring import Restored, alike, calling, filling, setting
from .evaluation import Evaluated, as_now
from .phases import Phase, unchecked
from .values import Value, basis_vectors, from_numbers, parts, product


def gradient_kept(module: Evaluated[Any], backward: Phase, t: Value) -> Value:
    """Return ``backward(t)``, with t as the gradient, and put back the gradient, and nothing else.

    For a symmetric module without update it is J t: no later phase reads what else backward leaves.
    """
    before = module.gradient
    try:
        module.gradient = t
        y = backward(t)
        module.gradient = before
    except BaseException:
        module.gradient = before
        raise
    return y


def by_backward(module: Evaluated[Any], t: Value) -> Value:
    """Return J t. If J is symmetric this is backward of t; else each backward gives a row of J, which is multiplied with t."""
    backward = unchecked(module, "backward")
    kept = preserved_backward(module)
    with kept, kept:
        module.gradient = t                                         # the checked backward would set it
        if module.symmetric:
            return backward(t)
        numbers = []
        for g in basis_vectors(*module._output):
            module.gradient = g
            numbers.append(product(backward(g), t))
        return from_numbers(numbers, *module._output)


def preserved_backward(module: Evaluated[Any]) -> Restored:
    """Undo what unchecked backwards change inside the ``with`` block, so that ``update`` finds what the last backward left.

    A tape does not record them. Enter it twice: see Restored.
    """
    tree = [inner for _, inner in module.named_modules()]
    needed = any(inner.gradient is not None for inner in tree)      # else update cannot be the next phase
    left = [as_now(inner, ("gradient", "_taped")) for inner in tree]
    own = [(vars(inner), dict(vars(inner))) for inner in tree]
    contents = [(array, array.copy()) for inner in tree for array in arrays(inner)] if needed else []
    return Restored([*left, calling(dict.clear, [(now,) for now, _ in own]), calling(dict.update, own), filling(contents)],
                    [setting(alike(tree, _taped=()))])


def arrays(module: Evaluated[Any]) -> Iterator[Array]:
    """Yield the arrays that a backward may overwrite: its workspace, and the gradient, if that is a buffer of a container."""
    scratch = module.scratch if isinstance(module.scratch, tuple) else (module.scratch,)
    for value in (*parts(module.gradient), *scratch, *vars(module).values()):
        if isinstance(value, np.ndarray) and value.flags.writeable:
            yield value
