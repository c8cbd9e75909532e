"""The laws of memory: who owns an array, and who may write into it when."""

from __future__ import annotations

from copy import deepcopy
from itertools import combinations

import numpy as np

from ...arguments import Array
from ...errors import DtypeError, ShapeError
from ...modules import Identity, Module, Sequential
from ...modules.core.phases import unchecked
from ...modules.core.values import Value, copied, dtype_of, each, overlap, parts, shape_of
from .assertions import close, refuses, require, same
from .sample import Sample, float64, gradients, law


@law
def the_phases_write_into_no_array_of_the_caller(s: Sample) -> None:
    """These are x, target, g, the parameters, and arrays that a phase returned before."""
    module = s.jitter(s.new())                                      # a factor of 1 would change nothing
    given = {"x": s.x, "g": s.g} | {f"target {k}": target for k, target in enumerate(s.target)}
    given |= {name: parameter.data for name, parameter in module.named_parameters()}
    for phase, result, call in (("forward", "y", lambda: s.forward(module, s.x)),
                                ("backward", "dC/dx", lambda: module.backward(s.g)),
                                ("update", "", module.update)):
        before = {name: copied(value) for name, value in given.items()}
        returned = call()
        same(f"{phase} wrote into an array that is not its own", given, before)
        if result:
            given[result] = returned


@law
def returned_arrays_are_fresh_and_never_written_again(s: Sample) -> None:
    module = s.new()
    y = s.forward(module, s.x)
    gx = module.backward(s.g)
    kept = {"y": copied(y), "dC/dx": copied(gx)}
    module.update()
    later = {"the next y": s.forward(module, s.other), "the next dC/dx": module.backward(s.h)}
    module.update()
    same("what an earlier step returned, after the next step", {"y": y, "dC/dx": gx}, kept)
    others = {"x": s.x, "g": s.g} | later | dict(module.named_buffers())
    for name, parameter in module.named_parameters():
        others |= {name: parameter.data, f"dC/d{name}": parameter.grad}
    for name, value in others.items():
        require(not overlap(y, value), f"y shares memory with {name}")
        require(not overlap(gx, value), f"dC/dx shares memory with {name}")
    require(not overlap(y, gx), "y shares memory with dC/dx")
    for what, value in (("y", y), ("dC/dx", gx)):
        require(not any(np.may_share_memory(a, b) for a, b in combinations(parts(value), 2)),
                f"the arrays of {what} share memory with each other")


@law
def the_gradient_that_was_returned_may_be_written(s: Sample) -> None:
    module, expected = s.new(), s.run(s.new())
    y = s.forward(module, s.x)
    gx = module.backward(s.g)
    computed = copied(gx)
    copied(garbage(gx), gx)
    module.update()
    same("after dC/dx was overwritten before update", {"y": y, "dC/dx": computed} | gradients(module), expected)


@law
def out_receives_the_result(s: Sample) -> None:
    """``forward(x, out)`` and ``backward(g, out)`` return ``out`` with the numbers of a fresh array, and write nothing else."""
    module, expected = s.new(), s.run(s.new())
    y, gx = (each(lambda a: np.full_like(a, 7), value) for value in (s.g, s.x))
    if not s.target and module.keeps_output:                        # the checked forward copies into out, containers do not
        inside = s.new()
        given, before = arrays_of(inside, s)
        inside.prepare_for(shape_of(s.x), dtype_of(s.x))
        unchecked(inside, "forward")(s.x, y)
        same("forward(x, out=out) wrote into an array that is not its own", given, before)
    given, before = arrays_of(module, s)
    if not s.target:                                                # a loss returns a float
        require(identical(module.forward(s.x, out=y), y), "forward(x, out=out) must return out")
    else:
        y = s.forward(module, s.x)
    same("forward(x, out=out) wrote into an array that is not its own", given, before)
    require(identical(module.backward(s.g, out=gx), gx), "backward(g, out=out) must return out")
    same("backward(g, out=out) wrote into an array that is not its own", given, before)
    module.update()
    same("with out", {"y": y, "dC/dx": gx} | gradients(module), expected)


def arrays_of(module: Module, s: Sample) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return what the phases read and must not write: x, g and the parameters; and copies."""
    given = {"x": s.x, "g": s.g} | {name: parameter.data for name, parameter in module.named_parameters()}
    return given, {name: copied(value) for name, value in given.items()}


@law
def an_out_that_does_not_fit_is_refused(s: Sample) -> None:
    module = s.new()
    s.forward(module, s.x)
    refuses(ShapeError, "an out of backward of another shape than x", module.backward, s.g, out=shorter(s.x))
    refuses(DtypeError, "an out of backward of integers", module.backward, s.g, out=integers(s.x))
    if not s.target:
        refuses(ShapeError, "an out of forward of another shape than y", module.forward, s.x, out=shorter(s.g))
        refuses(DtypeError, "an out of forward of integers", module.forward, s.x, out=integers(s.g))


@law
def the_point_holds_no_more_than_saved_says(s: Sample) -> None:
    """Arrays that ``saved`` does not name may be overwritten after forward, as containers do."""
    saved, expected = s.module.saved, s.run(s.new())
    require(saved in ("both", "input", "output", "neither"), f"saved must not be {saved!r}")
    module = s.new()
    x = copied(s.x)
    if s.target:
        y = s.forward(module, x)
    else:                                                           # the checked forward may return a copy
        module.prepare_for(shape_of(x), dtype_of(x))
        y = unchecked(module, "forward")(x, None)
    forward = copied(y)
    if saved in ("output", "neither"):
        copied(garbage(x), x)
    if saved in ("input", "neither"):
        copied(garbage(y, 5), y)                                    # another factor: equal numbers of x and y become unequal
    same(f'saved is "{saved}": after the arrays that it does not name were overwritten',
         {"y": forward} | s.go_back(module, s.g), expected)


@law
def forward_may_write_over_an_input_that_is_not_saved(s: Sample) -> None:
    if s.module.saved in ("output", "neither") and shape_of(s.x) == shape_of(s.g) and not s.target:
        module, expected = s.new(), s.run(s.new())
        same("forward(x, out=x), as a container calls it", run_in_place(module, s), expected)


@law
def memory_order_does_not_matter(s: Sample) -> None:
    """x and g may be column-major or strided."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    expected = s.run(deepcopy(module), x, g)
    for order, view in (("column-major", column_major), ("strided", strided)):
        close(f"{order} x and g", s.run(deepcopy(module), each(view, x), each(view, g)), expected)


def run_in_place(module: Module, s: Sample) -> dict[str, Value]:
    """Run the phases of a module that writes over what the module before has written."""
    net = Sequential(Identity(), module, Identity())
    results = {"y": net.forward(s.x), "dC/dx": net.backward(s.g)}
    net.update()
    return results | gradients(module)


def identical(value: Value, other: Value) -> bool:
    """Return whether these are the same array objects."""
    return len(parts(value)) == len(parts(other)) and all(a is b for a, b in zip(parts(value), parts(other), strict=True))


def shorter(value: Value) -> Value:
    return each(lambda a: np.empty_like(a[1:]), value)


def integers(value: Value) -> Value:
    return each(lambda a: np.zeros(a.shape, int), value)


def garbage(value: Value, factor: int = 3) -> Value:
    """Return other numbers, most of them of the other sign."""
    return each(lambda a: 1 - factor * a, value)


def column_major(a: Array) -> Array:
    return np.array(a, order="F")


def strided(a: Array) -> Array:
    """Return the same numbers with gaps between them in memory."""
    return np.repeat(a[..., None], 2, -1)[..., 0]
