"""The laws of values: shapes, dtypes, the two gradients against finite differences, and forward mode against backward."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from ..initializers.base import Array
from .differences import numerical_gradient, one_sided
from .subject import Subject, gradients, law, require, same

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
            has_type(module.jvp(s.x.astype(dtype)), dtype, f"jvp of {dtype}")
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
def jvp_is_the_transpose_of_backward(s: Subject) -> None:
    """<jvp(t), g> = <t, backward(g)> for a random t: the dot product test, in float64, to round-off."""
    module, x, g, t = s.double(), s.x.astype(float), s.g.astype(float), s.random(s.x.shape).astype(float)
    s.forward(module, x)
    y = np.asarray(module.jvp(t.copy()))
    require(y.shape == g.shape, f"expected J t of shape {g.shape}, got {y.shape}")
    forward, backward = y * g, t * module.backward(g)
    margin = 100 * np.finfo(float).eps * (np.abs(forward).sum() + np.abs(backward).sum())
    require(abs(forward.sum() - backward.sum()) <= margin,
            f"<jvp(t), g> is {forward.sum():.9g}, <t, backward(g)> is {backward.sum():.9g}")


@law
def jvp_changes_nothing(s: Subject) -> None:
    """Behind forward and behind backward: neither points, gradients and t, nor what the phases compute."""
    module, twin, t = s.new(), s.new(), s.random(s.x.shape)
    given, expected = t.copy(), s.run(twin)
    y = s.forward(module, s.x)
    first = np.copy(module.jvp(t))
    gx = module.backward(s.g)
    kept = [(inner, inner.point, inner.gradient) for _, inner in module.named_modules()]
    before = gradients(module)
    again = np.asarray(module.jvp(t))
    require(all(inner.point is point and inner.gradient is g for inner, point, g in kept), "point or gradient is another")
    require(not np.may_share_memory(again, t), "J t shares memory with t")
    same("after jvp", {"t": t, "J t": again} | gradients(module), {"t": given, "J t": first} | before)
    module.update()
    same("with jvp between the phases", {"y": y, "dC/dx": gx} | gradients(module), expected)
    same("the next step after jvp", s.run(module) | module.state_dict(), s.run(twin) | twin.state_dict())


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
