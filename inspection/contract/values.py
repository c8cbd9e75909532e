"""The laws of values: shapes, dtypes, gradients against finite differences, forward mode, gradients of examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from ...arguments import Array
from ...modules import Module
from ...modules.core.values import Value, copied, each, overlap, parts, product, shape_of
from ..derivatives.batch_cost import flows
from ..derivatives.gradient_rows import ROUNDING, GradientRow, compare_gradients
from ..per_example.gradients import gradients_of_examples, holders, norms_of_examples
from .assertions import ROUND_OFF, close, named, require, same
from .sample import Sample, float64, gradients, law

ENTRIES = 200                                                       # of each array that a law compares; a random sample of more


@law
def output_shape_is_that_of_forward(s: Sample) -> None:
    expected, y = s.module.output_shape(shape_of(s.x)), s.forward(s.new(), s.x)
    require(shape_of(y) == expected, f"output_shape returned {expected}, but forward an output of shape {shape_of(y)}")


@law
def backward_has_the_shape_of_x(s: Sample) -> None:
    module = s.new()
    s.forward(module, s.x)
    gx = module.backward(s.g)
    require(shape_of(gx) == shape_of(s.x), f"expected {shape_of(s.x)}, got {shape_of(gx)}")


@law
def float32_and_float64_stay(s: Sample) -> None:
    """Results have the dtype of the parameters; without parameters, that of x."""
    for dtype in (np.dtype("float32"), np.dtype("float64")):
        module = s.new().astype(dtype)
        for _ in range(2):                                          # a first forward may replace a buffer
            x, g = (each(lambda a: a.astype(dtype), value) for value in (s.x, s.g))  # noqa: B023
            has_type(module.forward(x, *s.target), dtype, f"forward of {dtype}")
            has_type(module.backward(g), dtype, f"backward of {dtype}")
            has_type(module.jvp(x), dtype, f"jvp of {dtype}")
            module.update()
        for name, array in module.state_dict().items():
            require(array.dtype == dtype, f"{name} of {dtype} became {array.dtype}")
    y = s.new().forward(each(lambda a: np.rint(a).astype(int), s.x), *s.target)
    has_type(y, s.module.dtype or np.dtype("float32"), "forward of integers")


def has_type(value: Any, dtype: np.dtype[Any], what: str) -> None:
    """Demand arrays of this dtype, or a float: the cost of a loss."""
    for array in parts(value):
        if type(array) is not float:
            got = getattr(array, "dtype", type(array).__name__)
            require(got == dtype, f"{what}: expected an array of {dtype}, got {got}")


@law
def backward_is_the_transposed_jacobian(s: Sample) -> None:
    """``backward(g)`` against central differences of <g, forward(x)>, in float64."""
    agree(compared(s, ENTRIES)[0])


@law
def update_is_the_gradient_of_each_parameter(s: Sample) -> None:
    """Each ``parameter.grad`` against central differences of <g, forward(x)>, in float64."""
    agree(compared(s, ENTRIES)[1])


@law
def jvp_is_the_transpose_of_backward(s: Sample) -> None:
    """<jvp(t), g> = <t, backward(g)> for a random t: the dot product test, in float64, to round-off."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    t = float64(s.random(shape_of(x)))
    s.forward(module, x)
    y = module.jvp(copied(t))
    require(shape_of(y) == shape_of(g), f"expected J t of shape {shape_of(g)}, got {shape_of(y)}")
    gx = module.backward(g)
    given = np.sqrt(product(t, t) * product(g, g))                  # a saturated unit has the round-off of its input
    margin = ROUND_OFF * np.finfo(float).eps * (size_of_product(y, g) + size_of_product(t, gx) + given)
    difference = abs(product(y, g) - product(t, gx))
    require(difference <= margin, f"<jvp(t), g> is {product(y, g):.9g}, <t, backward(g)> is {product(t, gx):.9g}; they differ "
                                  f"by {difference:.2g}, where round-off is at most {margin:.2g}")


@law
def jvp_changes_nothing(s: Sample) -> None:
    """After forward and after backward it changes no point, no gradient, not t, and not what later phases compute."""
    module, twin, t = s.new(), s.new(), s.random(shape_of(s.x))
    given, expected = copied(t), s.run(twin)
    y = s.forward(module, s.x)
    first = copied(module.jvp(t))
    gx = module.backward(s.g)
    kept = [(inner, inner.point, inner.gradient) for _, inner in module.named_modules()]
    before = gradients(module)
    again = copied(module.jvp(t))
    require(all(inner.point is point and inner.gradient is g for inner, point, g in kept), "jvp replaced a point or a gradient")
    require(not overlap(module.jvp(t), t), "J t shares memory with t")
    same("after jvp", {"t": t, "J t": again} | gradients(module), {"t": given, "J t": first} | before)
    module.update()
    same("with jvp between the phases", {"y": y, "dC/dx": gx} | gradients(module), expected)
    same("the next step after jvp", s.run(module) | module.state_dict(), s.run(twin) | twin.state_dict())


def size_of_product(a: Value, b: Value) -> float:
    """Return the sum of the sizes of its terms, to which round-off is proportional."""
    return product(each(np.abs, a), each(np.abs, b))


@law
def examples_are_independent_unless_batch_dependent(s: Sample) -> None:
    """If g is 0 except for one example, the gradient is 0 except for that example."""
    if coupled(s.module):
        return
    module = s.new()
    s.forward(module, s.x)
    for name, gx in named("dC/dx", module.backward(alone(s.g, 0))).items():
        others = np.abs(gx[1:]).max(initial=0)
        require(others <= ROUND_OFF * np.finfo(gx.dtype).eps * np.abs(gx).max(),
                f"expected {name} = 0 except for example 0, since g is 0 for all others, got up to {others:.3g}; set "
                "batch_dependent = True if the output of one example depends on the others (axis 0 of x is the batch)")


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
        module.backward(alone(g, k))
        module.update()
        close(f"example {k}", {name: term[k] for name, term in terms.items()}, gradients(module))


def coupled(module: Module) -> bool:
    return any(inner.batch_dependent for _, inner in module.named_modules())


def by_example(module: Module) -> bool:
    """Return whether the gradients of single examples are defined for the own parameters of the module."""
    return not module.own_parameters() or type(module).example_gradients is not Module.example_gradients


def alone(g: Value, k: int) -> Value:
    """Return g for one example, and 0 for all others."""
    return each(lambda a: np.where(np.arange(len(a)).reshape(-1, *[1] * (a.ndim - 1)) == k, a, a.dtype.type(0)), g)


def compared(s: Sample, entries: int | None = None) -> tuple[Iterator[GradientRow], Iterator[GradientRow]]:
    """Compare dC/dx and the parameter gradients with central differences of C = <g, forward(x)>, in float64.

    Returns the rows of the arrays of x, and those of the parameters, each computed when it is asked for. ``entries`` is the
    size of a random sample of larger arrays; None: all entries.
    """
    module, x, g = s.double(), float64(s.x), float64(s.g)
    ran = deepcopy(module)
    rounding = ROUNDING * size_of_product(g, s.forward(ran, x))
    gx = ran.backward(g)

    def cost(_: object) -> float:
        return product(g, s.forward(deepcopy(module), x))

    def row(name: str, computed: Array, a: Array, flow: float = 0) -> GradientRow:
        chosen = s.rng.choice(a.size, entries, replace=False) if entries and a.size > entries else None
        return compare_gradients(name, cost, a, computed, rounding, flow=flow, entries=chosen)

    def of_parameters() -> Iterator[GradientRow]:
        ran.update()
        parameters = zip(gradients(ran).items(), module.named_parameters(), flows(ran).values(), strict=True)
        for (name, computed), (_, parameter), flow in parameters:
            yield row(name, computed, parameter.data, flow)

    inputs = zip(named("dC/dx", gx).items(), parts(x), strict=True)
    return (row(name, computed, a) for (name, computed), a in inputs), of_parameters()


def agree(rows: Iterable[GradientRow]) -> None:
    """Demand that no computed gradient differs from finite differences, and that no place is at a kink."""
    for row in rows:
        if row.kinks:
            raise AssertionError(f"{row.kink('the module')}; give an x that is not at a kink")
        require(row.outcome != "differs", row.disagreement("the module"))
