"""Forward mode from the backward phase, for modules that do not write their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..initializers.base import Array
from .doors import bare

if TYPE_CHECKING:
    from .base import Module


def by_backward(module: Module, t: Array) -> Array:
    """J t: backward itself where J is its own transpose, else the product of each row of J, a backward each, with t."""
    backward = bare(module, "backward")
    with spared(module):
        module.gradient = t                                         # a bare backward may count on it
        if module.symmetric:
            return backward(t)
        y = np.empty(*module._output)
        flat = y.reshape(-1)
        for i, g in enumerate(basis(*module._output)):
            module.gradient = g
            flat[i] = np.vdot(backward(g), t)
        return y


def basis(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Array]:
    """The unit vectors of this shape, row by row."""
    for i in range(int(np.prod(shape))):
        e = np.zeros(shape, dtype)
        e.flat[i] = 1
        yield e


@contextmanager
def spared(module: Module) -> Iterator[None]:
    """Bare backwards that run inside take nothing from a later ``update``: the last one that counts runs again."""
    kept = [(inner, inner.gradient) for _, inner in module.named_modules()]
    g = module.gradient
    try:
        yield
        if g is not None:
            module.gradient = g
            bare(module, "backward")(g)
    finally:
        for inner, gradient in kept:
            inner.gradient = gradient
