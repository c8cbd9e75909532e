"""The laws of values: shapes, gradients against finite differences, forward mode."""

from __future__ import annotations

from ...modules.core.values import copied, overlap, shape_of
from .assertions import require, same
from .differences import agree, compared, transposed
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
    module, t = s.double(), float64(s.random(shape_of(s.x)))
    transposed(s, module, float64(s.x), t)
    s.jitter(module)
    transposed(s, module, float64(s.other), t, "at a second x, ")


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
