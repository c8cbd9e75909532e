"""Augmentation of the batches of ``fit``: random changes of the examples, drawn by fit's generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...arguments import in_a_line
from ...errors import ArgumentError, ShapeError
from ...modules import Module
from ...modules.core.values import Value, as_values, dtype_of, parts, several, shape_of
from .sources import Batch

Augmentation = Callable[[Any, np.random.Generator], Any]


def as_augmentations(augment: Augmentation | Iterable[Augmentation] | None) -> list[Augmentation]:
    """Return the functions of ``augment``; ArgumentError for what is none."""
    functions = [] if augment is None else list(augment) if isinstance(augment, (list, tuple)) else [augment]
    for one in functions:
        if not callable(one) or isinstance(one, (Module, type)):
            raise ArgumentError(f"augment must be a function (x, rng) -> x, or a list of them, got {in_a_line(one)}")
    return functions                                                # type: ignore[return-value]


def augmented(batches: Iterator[Batch], functions: list[Augmentation], rng: np.random.Generator) -> Iterator[Batch]:
    """Yield the batches with examples that were changed when the turn of their batch came."""
    for x, y, weight in batches:
        for function in functions:
            x = same_form(function, function(x, rng), x)
        yield x, y, weight


def same_form(function: Augmentation, x: Any, like: Value) -> Value:
    """Return what a function of augmentation returned, in the dtype of the examples; ShapeError if the shape has changed."""
    name = f"augment: {getattr(function, '__name__', repr(function))}(x, rng)"
    if several(like) and not (isinstance(x, tuple) and len(x) == len(like)):
        raise ShapeError(f"{name} must be a tuple of {len(like)} arrays, as x, got {type(x).__name__}")
    found = as_values(x, dtype_of(like), name, None, len(parts(like)) if several(like) else 1)
    if shape_of(found) != shape_of(like):
        raise ShapeError(f"{name} must have the shape of x, {shape_of(like)}, got {shape_of(found)}")
    return found
