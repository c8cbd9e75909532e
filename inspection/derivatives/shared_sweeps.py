"""The Jacobian of independent examples: one sweep takes a row or a column of each of them, on many copies of the examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arguments import Array
from ...modules import Function, Module
from ...modules.core.rewinding import of_library
from ...modules.core.summary import examples_at_once
from ...modules.core.values import Shape, Value, dtype_of, each, parts, shape_of


def independent(module: Module, inputs: Shape, outputs: Shape) -> bool:
    """Return whether the examples are the same ones in all inputs and outputs, and none may depend on another."""
    return (len({shape[:1] for shape in (*parts(inputs), *parts(outputs))}) == 1
            and all(len(shape) > 1 for shape in parts(inputs))      # of a vector, axis 0 may be that of the features
            and not any(inner.batch_dependent or silent(inner) for _, inner in module.named_modules()))


def silent(module: Module) -> bool:
    """Return whether a user wrote what the module computes, and its class does not say itself whether it is batch-dependent.

    Then the default, False, is nobody's word: examples may be mixed, reversed or divided by their number. A subclass may do so
    where the class that it derives from does not.
    """
    kind = type(module)
    if (of_library(kind) and kind is not Function) or "batch_dependent" in vars(kind):
        return False
    return any(leaf is module for _, leaf in module.leaves())       # a container only runs its nodes, which are asked too


def of_examples(module: Module, x: Value, outputs: Shape, mode: str) -> Value:
    """Return the Jacobian for independent examples, in sweeps that take a row or a column of each example in their batch."""
    inputs = shape_of(x)
    seeds, sweep = (outputs, module.backward) if mode == "backward" else (inputs, module.jvp)
    copies = copies_at_once(module, x, max(math.prod(shape[1:]) for shape in parts(seeds)))
    module.forward(each(lambda array: np.concatenate([array] * copies), x))
    swept = [examples_swept(sweep, seeds, part, copies, dtype_of(x)) for part in range(len(parts(seeds)))]
    if mode == "backward":
        found = iter(block for of_output in swept for block in of_output)
    else:
        found = iter(block.transpose(2, 3, 0, 1) for of_output in zip(*swept, strict=True) for block in of_output)
    return each(lambda output: each(lambda one: next(found).reshape(output + one), inputs), outputs)


def copies_at_once(module: Module, x: Value, most: int) -> int:
    """Return of how many copies of x, at most ``most``, one batch shall consist: one where each would have its own masks."""
    if module.named_generators():
        return 1
    n = len(parts(x)[0])
    return max(1, examples_at_once(module, each(lambda array: (n * most, *array.shape[1:]), x), dtype_of(x)) // n)


def examples_swept(sweep: Callable[[Value], Value], seeds: Shape, part: int, copies: int, dtype: np.dtype[Any]) -> list[Array]:
    """Return, for each array of results, an array (n, seeds, n, results) with the Jacobian of each example on its diagonal.

    The seeds are the basis vectors of one array of the shape ``seeds``; each copy of the examples is given another one.
    """
    n, width = parts(seeds)[part][0], math.prod(parts(seeds)[part][1:])
    found: list[Array] = []
    for start in range(0, width, copies):
        places = np.arange(start, min(start + copies, width))
        seed = each(lambda shape: np.zeros((copies * n, *shape[1:]), dtype), seeds)
        parts(seed)[part].reshape(copies, n, width)[np.arange(len(places)), :, places] = 1
        results = [result.reshape(copies, n, -1)[:len(places)].swapaxes(0, 1) for result in parts(sweep(seed))]
        found = found or [np.zeros((n, width, n, result.shape[2]), dtype) for result in results]
        for block, result in zip(found, results, strict=True):
            block[np.arange(n), places[0]:places[-1] + 1, np.arange(n)] = result
    return found
