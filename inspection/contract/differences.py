"""The gradients of a sample against central differences of C = <g, forward(x)>, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...modules.core.rewinding import rewound
from ...modules.core.values import Value, copied, each, parts, product, shape_of
from ..derivatives.batch_cost import flows
from ..derivatives.differences import STEP
from ..derivatives.gradient_rows import ROUNDING, GradientRow, compare_gradients
from .assertions import ROUND_OFF, named, require
from .sample import Sample, float64, gradients, size_of_product

SHAKES = 4                                                          # how often the round-off of the cost is measured
SUMMED = 1e-6                                                       # of the terms that a derivative along a direction adds up
EPS = np.finfo(float).eps


class AtKink(AssertionError):
    """The given x is at a place where no derivative exists: this says nothing about the module."""


class Differentiable(NamedTuple):
    """The cost of a sample, and a module that has run backward.

    ``cost`` reads ``x`` and the parameters of ``module``, in place, and always draws the same random numbers.
    """

    module: Any
    x: Value
    cost: Callable[[object], float]
    ran: Any
    gx: Value
    rounding: float                                                 # the effect of round-off on a difference


def differentiable(s: Sample) -> Differentiable:
    module, x, g = s.double(), float64(s.x), float64(s.g)
    ran, rewind = deepcopy(module), rewound(module)
    y = s.forward(ran, x)
    gx = ran.backward(g)
    for (name, computed), integers in zip(named("dC/dx", gx).items(), s.integers, strict=True):
        require(not integers or not computed.any(),
                f"expected {name} = 0, since x holds integers, got {np.abs(computed).max():.3g}")

    def cost(_: object) -> float:
        y = s.forward(module, x)
        rewind.restore()
        return product(g, y)

    here, largest = cost(None), 0.0
    given = each(np.copy, x)
    for _ in range(SHAKES):                                         # inside the module numbers may be larger than y
        copied(s.shaken(given, EPS), x)
        largest = max(largest, abs(cost(None) - here - product(gx, each(np.subtract, x, given))))
    each(np.copyto, x, given)
    return Differentiable(module, x, cost, ran, gx, max(ROUNDING * size_of_product(g, y), 2 * largest / STEP))


def compared(s: Sample, entries: int | None = None) -> tuple[Iterator[GradientRow], Iterator[GradientRow]]:
    """Compare dC/dx and the gradients of the parameters entry by entry.

    Returns the rows of the arrays of x, and those of the parameters, each computed when it is asked for. ``entries`` is the
    size of a random sample of larger arrays; None: all entries.
    """
    module, x, cost, ran, gx, rounding = differentiable(s)

    def row(name: str, computed: Array, a: Array, flow: float = 0) -> GradientRow:
        chosen = s.rng.choice(a.size, entries, replace=False) if entries and a.size > entries else None
        return compare_gradients(name, cost, a, computed, rounding, flow=flow, entries=chosen)

    def of_parameters() -> Iterator[GradientRow]:
        ran.update()
        parameters = zip(gradients(ran).items(), module.named_parameters(), flows(ran).values(), strict=True)
        for (name, computed), (_, parameter), flow in parameters:
            yield row(name, computed, parameter.data, flow)

    inputs = zip(named("dC/dx", gx).items(), parts(x), s.integers, strict=True)
    return (row(name, computed, a) for (name, computed), a, integers in inputs if not integers), of_parameters()


def along_directions(s: Sample) -> Iterator[GradientRow]:
    """Compare the gradient of each array along one random direction in it."""
    module, x, cost, ran, gx, rounding = differentiable(s)
    ran.update()
    arrays = [*parts(x), *(parameter.data for _, parameter in module.named_parameters())]
    fixed = [*s.integers, *(False for _ in module.parameters())]
    for (name, computed), array, integers in zip((named("dC/dx", gx) | gradients(ran)).items(), arrays, fixed, strict=True):
        if integers:
            continue
        kept = array.copy()
        direction = s.rng.standard_normal(kept.shape) * np.maximum(1, np.abs(kept))

        def along(moved: Array) -> float:
            array[...] = kept + moved[0] * direction                # noqa: B023
            value = cost(None)
            array[...] = kept                                       # noqa: B023
            return value

        terms = direction * computed                                # their sum may be far smaller than they are
        yield compare_gradients(name, along, np.zeros(1), np.array([terms.sum()]), rounding + SUMMED * np.abs(terms).sum(),
                                directions_in=kept.size)


def agree(rows: Iterable[GradientRow]) -> None:
    """Demand that no computed gradient differs from finite differences, and that no place is at a kink."""
    for row in rows:
        if row.kinks:
            raise AtKink(f"{row.kink('the module')}; give an x that is not at a kink")
        require(row.outcome != "differs", row.disagreement("the module"))


def agree_beside_kinks(when: str, rows: Iterable[GradientRow]) -> None:
    """Demand that no computed gradient differs, where no kink of another x than the given one says nothing."""
    for row in rows:
        require(row.kinks or row.outcome != "differs", f"{when}, {row.disagreement('the module')}")


def transposed(s: Sample, module: Any, x: Value, t: Value, when: str = "") -> None:
    """Demand that <J t, g> = <t, backward(g)> at x, to round-off."""
    g = float64(s.g)
    s.forward(module, x)
    y = module.jvp(copied(t))
    require(shape_of(y) == shape_of(g), f"{when}expected J t of shape {shape_of(g)}, got {shape_of(y)}")
    gx = module.backward(g)
    given = np.sqrt(product(t, t) * product(g, g))                  # a saturated unit has the round-off of its input
    given *= max(1, *(np.abs(a).max() for a in parts(x)))           # as has one that subtracts the mean
    margin = ROUND_OFF * EPS * (size_of_product(y, g) + size_of_product(t, gx) + given)
    difference = abs(product(y, g) - product(t, gx))
    require(difference <= margin, f"{when}<jvp(t), g> is {product(y, g):.9g}, <t, backward(g)> is {product(t, gx):.9g}; they "
                                  f"differ by {difference:.2g}, where round-off is at most {margin:.2g}")
