"""The laws of values: shapes, dtypes, the two gradients against finite differences, and forward mode against backward."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from ...arguments import Array
from ...modules import Module
from ...modules.core.values import Value, copied, each, overlap, parts, product, shape_of
from ..derivatives.differences import numerical_gradient, one_sided
from ..per_example.gradients import gradients_of_examples, holders, norms_of_examples
from .case import Subject, close, float64, gradients, law, named, require, same

SAMPLE = 200                                                        # entries of an array that are differentiated by


@law
def output_shape_is_that_of_forward(s: Subject) -> None:
    expected, y = s.module.output_shape(shape_of(s.x)), s.forward(s.new(), s.x)
    require(shape_of(y) == expected, f"output_shape says {expected}, forward returned {shape_of(y)}")


@law
def backward_has_the_shape_of_x(s: Subject) -> None:
    module = s.new()
    s.forward(module, s.x)
    gx = module.backward(s.g)
    require(shape_of(gx) == shape_of(s.x), f"expected {shape_of(s.x)}, got {shape_of(gx)}")


@law
def float32_and_float64_stay(s: Subject) -> None:
    """No upcast, no downcast: a module with parameters has their dtype, all others that of x."""
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
    """Demand arrays of this dtype (or the float that is a loss's cost)."""
    for array in parts(value):
        if type(array) is not float:
            found = getattr(array, "dtype", type(array).__name__)
            require(found == dtype, f"{what}: expected an array of {dtype}, got {found}")


@law
def backward_is_the_transposed_jacobian(s: Subject) -> None:
    """``backward(g)`` against central differences of <g, forward(x)>, in float64."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    ran = deepcopy(module)
    scale = size_of_product(g, s.forward(ran, x))
    for (name, computed), a in zip(named("dC/dx", ran.backward(g)).items(), parts(x), strict=True):
        agree(s, name, computed, lambda _: product(g, s.forward(deepcopy(module), x)), a, scale)


@law
def update_is_the_gradient_of_each_parameter(s: Subject) -> None:
    """Each ``parameter.grad`` against central differences of <g, forward(x)>, in float64."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    ran = deepcopy(module)
    scale = size_of_product(g, s.forward(ran, x))
    ran.backward(g)
    ran.update()
    computed = gradients(ran)
    for name, parameter in module.named_parameters():
        agree(s, f"dC/d{name}", computed[f"dC/d{name}"], lambda _: product(g, s.forward(deepcopy(module), x)),
              parameter.data, scale)


@law
def jvp_is_the_transpose_of_backward(s: Subject) -> None:
    """<jvp(t), g> = <t, backward(g)> for a random t: the dot product test, in float64, to round-off."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    t = float64(s.random(shape_of(x)))
    s.forward(module, x)
    y = module.jvp(copied(t))
    require(shape_of(y) == shape_of(g), f"expected J t of shape {shape_of(g)}, got {shape_of(y)}")
    gx = module.backward(g)
    given = np.sqrt(product(t, t) * product(g, g))                  # a saturated unit rounds in the size of what it is given
    margin = 100 * np.finfo(float).eps * (size_of_product(y, g) + size_of_product(t, gx) + given)
    apart = product(y, g) - product(t, gx)
    require(abs(apart) <= margin, f"<jvp(t), g> is {product(y, g):.9g}, <t, backward(g)> is {product(t, gx):.9g}, "
                                  f"{abs(apart):.2g} apart, where round-off is up to {margin:.2g}")


@law
def jvp_changes_nothing(s: Subject) -> None:
    """Behind forward and behind backward: neither points, gradients and t, nor what the phases compute."""
    module, twin, t = s.new(), s.new(), s.random(shape_of(s.x))
    given, expected = copied(t), s.run(twin)
    y = s.forward(module, s.x)
    first = copied(module.jvp(t))
    gx = module.backward(s.g)
    kept = [(inner, inner.point, inner.gradient) for _, inner in module.named_modules()]
    before = gradients(module)
    again = copied(module.jvp(t))
    require(all(inner.point is point and inner.gradient is g for inner, point, g in kept), "point or gradient is another")
    require(not overlap(module.jvp(t), t), "J t shares memory with t")
    same("after jvp", {"t": t, "J t": again} | gradients(module), {"t": given, "J t": first} | before)
    module.update()
    same("with jvp between the phases", {"y": y, "dC/dx": gx} | gradients(module), expected)
    same("the next step after jvp", s.run(module) | module.state_dict(), s.run(twin) | twin.state_dict())


def size_of_product(a: Value, b: Value) -> float:
    """The sum of the sizes of its terms: what round-off is measured by."""
    return product(each(np.abs, a), each(np.abs, b))


@law
def examples_stay_apart_unless_couples_examples(s: Subject) -> None:
    """Where only one example's g is not 0, only its gradient is not."""
    if coupled(s.module):
        return
    module = s.new()
    s.forward(module, s.x)
    for name, gx in named("dC/dx", module.backward(alone(s.g, 0))).items():
        others = np.abs(gx[1:]).max(initial=0)
        require(others <= 100 * np.finfo(gx.dtype).eps * np.abs(gx).max(),
                f"expected {name} = 0 but for example 0, whose g alone is not 0, got up to {others:.3g}: say "
                "batch_dependent = True if the output for one example depends on the others (axis 0 of x is that of the "
                "examples)")


@law
def example_gradients_are_those_of_update(s: Subject) -> None:
    """What ``update`` computes of one example's g alone; ``example_squared_norms`` are their squared norms."""
    g, size = float64(s.g), len(parts(s.x)[0])
    defined = all(by_example(module) for _, module in s.module.named_modules())
    if not defined or coupled(s.module) or len(parts(g)[0]) != size:          # or it folds axes into that of the examples
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
    """Whether it is defined what each example adds to the gradients of its own parameters."""
    return not module.own_parameters() or type(module).example_gradients is not Module.example_gradients


def alone(g: Value, k: int) -> Value:
    """g of one example, 0 for all others."""
    return each(lambda a: np.where(np.arange(len(a)).reshape(-1, *[1] * (a.ndim - 1)) == k, a, a.dtype.type(0)), g)


def agree(s: Subject, name: str, computed: Array, cost: Callable[[Array], float], a: Array, scale: float) -> None:
    """Demand that the gradient of ``cost`` at ``a``, or a sample of its entries, is what was computed."""
    entries = np.arange(a.size) if a.size <= SAMPLE else s.rng.choice(a.size, SAMPLE, replace=False)
    expected, got = numerical_gradient(cost, a, entries=entries), computed.reshape(-1)[entries]
    margin = 1e-6 * np.abs(expected).max() + 1e-9 * scale
    wrong = np.flatnonzero(~(np.abs(got - expected) <= margin))     # NaN too
    if wrong.size:
        i = wrong[0]
        at = [int(k) for k in np.unravel_index(entries[i], a.shape)]
        left, right = one_sided(cost, a, entries[i])
        kink = abs(left - right) > 1e-3 * max(abs(left), abs(right))
        raise AssertionError(f"{name}{at}: finite differences give {expected[i]:.9g}, the module {got[i]:.9g}" + (
            f"; the slope is {left:.4g} from the left and {right:.4g} from the right: give an x that is not at a kink"
            if kink else ""))
