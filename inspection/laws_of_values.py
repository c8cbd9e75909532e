"""The laws of values: shapes, dtypes, and the two gradients, against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from ..initializers.base import Array
from ..modules import Module
from .differences import numerical_gradient, one_sided
from .examples import gradients_of_examples, norms_of_examples, trained
from .subject import Subject, close, gradients, law, require

SAMPLE = 200                                                        # entries of an array that are differentiated by


@law
def output_shape_is_that_of_forward(s: Subject) -> None:
    expected, y = s.module.output_shape(s.x.shape), s.forward(s.new(), s.x)
    require(y.shape == expected, f"output_shape says {expected}, forward returned {y.shape}")


@law
def backward_has_the_shape_of_x(s: Subject) -> None:
    module = s.new()
    s.forward(module, s.x)
    gx = module.backward(s.g)
    require(gx.shape == s.x.shape, f"expected {s.x.shape}, got {gx.shape}")


@law
def float32_and_float64_stay(s: Subject) -> None:
    """No upcast, no downcast: a module with parameters has their dtype, all others that of x."""
    for dtype in (np.dtype("float32"), np.dtype("float64")):
        module = s.new().astype(dtype)
        for _ in range(2):                                          # a first forward may replace a buffer
            has_type(module.forward(s.x.astype(dtype), *s.target), dtype, f"forward of {dtype}")
            has_type(module.backward(s.g.astype(dtype)), dtype, f"backward of {dtype}")
            module.update()
        for name, array in module.state_dict().items():
            require(array.dtype == dtype, f"{name} of {dtype} became {array.dtype}")
    y = s.new().forward(np.rint(s.x).astype(int), *s.target)
    has_type(y, s.module.dtype or np.dtype("float32"), "forward of integers")


def has_type(array: Any, dtype: np.dtype[Any], what: str) -> None:
    """Demand an array of this dtype (or the float that is a loss's cost)."""
    if type(array) is not float:
        found = getattr(array, "dtype", type(array).__name__)
        require(found == dtype, f"{what}: expected an array of {dtype}, got {found}")


@law
def backward_is_the_transposed_jacobian(s: Subject) -> None:
    """``backward(g)`` against central differences of <g, forward(x)>, in float64."""
    module, x, g = s.double(), s.x.astype(float), s.g.astype(float)
    ran = deepcopy(module)
    scale = np.abs(g * s.forward(ran, x)).sum()
    agree(s, "dC/dx", ran.backward(g), lambda x: np.vdot(g, s.forward(deepcopy(module), x)), x, scale)


@law
def update_is_the_gradient_of_each_parameter(s: Subject) -> None:
    """Each ``parameter.grad`` against central differences of <g, forward(x)>, in float64."""
    module, x, g = s.double(), s.x.astype(float), s.g.astype(float)
    ran = deepcopy(module)
    scale = np.abs(g * s.forward(ran, x)).sum()
    ran.backward(g)
    ran.update()
    computed = gradients(ran)
    for name, parameter in module.named_parameters():
        agree(s, f"dC/d{name}", computed[f"dC/d{name}"], lambda _: np.vdot(g, s.forward(deepcopy(module), x)),
              parameter.data, scale)


@law
def examples_stay_apart_unless_couples_examples(s: Subject) -> None:
    """Where only one example's g is not 0, only its gradient is not."""
    if coupled(s.module):
        return
    module = s.new()
    s.forward(module, s.x)
    gx = module.backward(alone(s.g, 0))
    others = np.abs(gx[1:]).max(initial=0)
    require(others <= 100 * np.finfo(gx.dtype).eps * np.abs(gx).max(),
            f"expected dC/dx = 0 but for example 0, whose g alone is not 0, got up to {others:.3g}: say couples_examples = "
            "True if the output for one example depends on the others")


@law
def example_gradients_are_those_of_update(s: Subject) -> None:
    """What ``update`` computes of one example's g alone; ``example_squares`` are their squared norms."""
    g, size = s.g.astype(float), len(s.x)
    defined = all(by_example(module) for _, module in s.module.named_modules())
    if not defined or coupled(s.module) or len(g) != size:          # or it folds axes into that of the examples
        return
    module = s.double()
    s.forward(module, s.x.astype(float))
    module.backward(g)
    held, names = trained("", module), {parameter: name for name, parameter in module.named_parameters()}
    terms = {f"dC/d{names[parameter]}": term for parameter, term in gradients_of_examples(held, size).items()}
    if terms:
        flat = np.concatenate([term.reshape(size, -1) for term in terms.values()], 1)
        close("from example_squares", {"norms": norms_of_examples(held, size)}, {"norms": np.sqrt((flat**2).sum(1))})
    for k in range(size):
        module.backward(alone(g, k))
        module.update()
        close(f"example {k}", {name: term[k] for name, term in terms.items()}, gradients(module))


def coupled(module: Module) -> bool:
    return any(inner.couples_examples for _, inner in module.named_modules())


def by_example(module: Module) -> bool:
    """Whether it is defined what each example adds to the gradients of its own parameters."""
    return not module.own_parameters() or type(module).example_gradients is not Module.example_gradients


def alone(g: Array, k: int) -> Array:
    """g of one example, 0 for all others."""
    other = np.zeros_like(g)
    other[k] = g[k]
    return other


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
