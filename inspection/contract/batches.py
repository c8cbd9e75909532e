"""The laws of batches: examples apart, and batches of every size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...arguments import Array
from ...errors import RetropropError
from ...modules import Module
from ...modules.core.values import Value, each, parts, shape_of
from ...training.second_order.examples import gradients_of_examples, holders
from ..per_example.gradients import norms_of_examples
from .assertions import ROUND_OFF, close, equal_within, named, relative, require, same
from .differences import agree_beside_kinks, along_directions, transposed
from .sample import Sample, coupled, draws, float64, gradients, law


@law
def examples_are_independent_unless_batch_dependent(s: Sample) -> None:
    """If g is 0 for some examples, so is the gradient; and an example alone has the output that it has in the batch."""
    if coupled(s.module):
        return
    module, size, rows = s.new(), len(parts(s.x)[0]), len(parts(s.g)[0])
    s.forward(module, s.x)
    numbers = np.arange(size)
    advice = "set batch_dependent = True if the output of one example depends on the others (axis 0 of x is the batch)"
    for chosen in separating(size) if rows == size else [numbers == 0]:
        for name, gx in named("dC/dx", module.backward(only(s.g, chosen))).items():
            others = np.abs(gx[~chosen]).max(initial=0)
            require(others <= ROUND_OFF * np.finfo(gx.dtype).eps * np.abs(gx).max(),
                    f"expected {name} = 0 except for examples {listed(chosen)}, since g is 0 for all others, got up to "
                    f"{others:.3g}; {advice}")
    module = s.double()
    if rows != size or draws(s, module):
        return
    y = module.forward(float64(s.x))
    floor = max(relative(ROUND_OFF, array) for array in parts(y))   # one number may have little left of large terms
    for chosen in (numbers[:1], numbers[-1:], numbers[:-1], np.tile(numbers, 2), np.tile(numbers, 2)[:-1]):
        try:
            got = module.forward(each(lambda a: a[chosen], float64(s.x)))  # noqa: B023
        except RetropropError:                                      # it may refuse a batch of one
            continue
        equal_within(ROUND_OFF, f"in a batch of {len(chosen)} of the examples ({advice})", {"y": got},
                     {"y": each(lambda a: a[chosen], y)}, floor)    # noqa: B023


@law
def example_gradients_are_those_of_update(s: Sample) -> None:
    """They are what ``update`` computes from one example alone; ``example_squared_norms`` are their squared norms."""
    g, size = float64(s.g), len(parts(s.x)[0])
    defined = all(by_example(module) for _, module in s.module.named_modules())
    if not defined or coupled(s.module) or len(parts(g)[0]) != size:          # or axis 0 of y is not the batch
        return
    module = s.double()
    s.forward(module, float64(s.x))
    module.backward(g)
    held, names = holders("", module), {parameter: name for name, parameter in module.named_parameters()}
    terms = {f"dC/d{names[parameter]}": term for parameter, term in gradients_of_examples(held, size).items()}
    if terms:
        flat = np.concatenate([term.reshape(size, -1) for term in terms.values()], 1)
        close("from example_squared_norms", {"norms": norms_of_examples(held, size)}, {"norms": np.sqrt((flat**2).sum(1))})
    for k in range(size):
        module.backward(only(g, np.arange(size) == k))
        module.update()
        close(f"example {k}", {name: term[k] for name, term in terms.items()}, gradients(module))


@law
def another_batch_size_leaves_nothing_behind(s: Sample) -> None:
    """A workspace for one shape is not used for another."""
    module, larger = s.new(), s.twice()
    for size, of in (("first", s), ("second", larger), ("first", s)):
        twin = s.follower(module)
        same(f"a batch of the {size} size", of.run(module), of.run(twin))


@law
def gradients_are_right_for_every_batch_size(s: Sample) -> None:
    """All gradients along random directions against central differences of <g, forward(x)>, and jvp, in float64."""
    size = len(parts(s.x)[0])
    for count in sorted({1, size - 1, 2 * size + 1} - {0, size}):
        try:
            of = s.of_examples(np.arange(count) % size)
            agree_beside_kinks(f"in a batch of {count}", along_directions(of))
            transposed(of, of.double(), float64(of.x), float64(of.random(shape_of(of.x))), f"in a batch of {count}, ")
        except RetropropError:
            if count > size:
                raise                                               # it may refuse a batch of one


def by_example(module: Module) -> bool:
    """Return whether the gradients of single examples are defined for the own parameters of the module."""
    return not module.own_parameters() or type(module).example_gradients is not Module.example_gradients


def separating(size: int) -> Iterator[Array]:
    """Yield sets of examples, as masks, such that for any two examples a set has the first and not the second."""
    numbers = np.arange(size)
    for bit in range((size - 1).bit_length()):
        for value in (0, 1):
            yield numbers >> bit & 1 == value


def listed(chosen: Array) -> str:
    """Return the numbers of the chosen examples, the first of many."""
    numbers = np.flatnonzero(chosen)
    return ", ".join(map(str, numbers[:8])) + ", ..." * (len(numbers) > 8)


def only(g: Value, chosen: Array) -> Value:
    """Return g for the chosen examples, and 0 for all others."""
    def of(a: Array) -> Array:
        kept = np.zeros_like(a)
        kept[:len(chosen)][chosen[:len(a)]] = a[:len(chosen)][chosen[:len(a)]]
        return kept

    return each(of, g)
