"""The laws of memory: whose an array is, who may write into it, and when."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from ..errors import DtypeError, ShapeError
from ..initializers.base import Array
from .subject import Subject, close, gradients, law, refuses, require, same


@law
def the_phases_write_into_no_array_of_the_caller(s: Subject) -> None:
    """Neither into x, target, g and the parameters, nor into what they returned before."""
    module = s.new()
    given = {"x": s.x, "g": s.g} | {f"target {k}": target for k, target in enumerate(s.target)}
    given |= {name: parameter.data for name, parameter in module.named_parameters()}
    for phase, result, call in (("forward", "y", lambda: s.forward(module, s.x)),
                                ("backward", "dC/dx", lambda: module.backward(s.g)),
                                ("update", "", module.update)):
        before = {name: array.copy() for name, array in given.items()}
        returned = call()
        same(f"{phase} wrote into its surroundings", given, before)
        if result:
            given[result] = returned


@law
def returned_arrays_are_fresh_and_never_written_again(s: Subject) -> None:
    module = s.new()
    y = s.forward(module, s.x)
    gx = module.backward(s.g)
    kept = {"y": y.copy(), "dC/dx": gx.copy()}
    module.update()
    later = {"the next y": s.forward(module, s.other), "the next dC/dx": module.backward(s.h)}
    module.update()
    same("what an earlier step returned, after the next step", {"y": y, "dC/dx": gx}, kept)
    others = {"x": s.x, "g": s.g} | later | dict(module.named_buffers())
    for name, parameter in module.named_parameters():
        others |= {name: parameter.data, f"dC/d{name}": parameter.grad}
    for name, array in others.items():
        require(not np.may_share_memory(y, array), f"y shares memory with {name}")
        require(not np.may_share_memory(gx, array), f"dC/dx shares memory with {name}")
    require(not np.may_share_memory(y, gx), "y shares memory with dC/dx")


@law
def the_gradient_that_was_returned_may_be_written(s: Subject) -> None:
    module, expected = s.new(), s.run(s.new())
    y = s.forward(module, s.x)
    gx = module.backward(s.g)
    computed = gx.copy()
    gx[...] = garbage(gx)
    module.update()
    same("after dC/dx was overwritten before update", {"y": y, "dC/dx": computed} | gradients(module), expected)


@law
def out_receives_the_result(s: Subject) -> None:
    """``forward(x, out)`` and ``backward(g, out)`` return ``out``, with the numbers of a fresh array."""
    module, expected = s.new(), s.run(s.new())
    y, gx = np.full_like(s.g, 7), np.full_like(s.x, 7)
    if not s.target:                                                # the cost that a loss returns is no array
        require(module.forward(s.x, out=y) is y, "forward(x, out=out) must return out")
    else:
        y = s.forward(module, s.x)
    require(module.backward(s.g, out=gx) is gx, "backward(g, out=out) must return out")
    module.update()
    same("with out", {"y": y, "dC/dx": gx} | gradients(module), expected)


@law
def an_out_that_does_not_fit_is_refused(s: Subject) -> None:
    module = s.new()
    s.forward(module, s.x)
    refuses(ShapeError, "an out of backward of another shape than x", module.backward, s.g, out=np.empty_like(s.x[1:]))
    refuses(DtypeError, "an out of backward of integers", module.backward, s.g, out=np.zeros(s.x.shape, int))
    if not s.target:
        wrong = np.empty_like(s.g[1:])
        refuses(ShapeError, "an out of forward of another shape than y", module.forward, s.x, out=wrong)
        refuses(DtypeError, "an out of forward of integers", module.forward, s.x, out=np.zeros(s.g.shape, int))


@law
def the_point_holds_no_more_than_remembers_says(s: Subject) -> None:
    """What the point does not hold may be overwritten after forward, as containers do."""
    remembers, expected = s.module.remembers, s.run(s.new())
    require(remembers in ("both", "input", "output", "neither"), f"remembers must not be {remembers!r}")
    module = s.new()
    x = s.x.copy()
    y = s.forward(module, x)
    forward = y.copy()
    if remembers in ("output", "neither"):
        x[...] = garbage(x)
    if remembers in ("input", "neither"):
        y[...] = garbage(y)
    same(f'remembers is "{remembers}": after what it does not name was overwritten',
         {"y": forward} | s.retrace(module, s.g), expected)


@law
def forward_may_write_over_an_input_that_is_not_remembered(s: Subject) -> None:
    if s.module.remembers in ("output", "neither") and s.x.shape == s.g.shape and not s.target:
        module, expected = s.new(), s.run(s.new())
        x = s.x.copy()
        y = module.forward(x, out=x).copy()
        same("forward(x, out=x)", {"y": y} | s.retrace(module, s.g), expected)


@law
def memory_order_does_not_matter(s: Subject) -> None:
    """x and g may be column-major or strided."""
    module, x, g = s.double(), s.x.astype(float), s.g.astype(float)
    expected = s.run(deepcopy(module), x, g)
    for order, view in (("column-major", column_major), ("strided", strided)):
        close(f"{order} x and g", s.run(deepcopy(module), view(x), view(g)), expected)


def garbage(a: Array) -> Array:
    """Other numbers, most of the other sign."""
    return 1 - 3 * a


def column_major(a: Array) -> Array:
    return np.array(a, order="F")


def strided(a: Array) -> Array:
    """The same numbers, with gaps between them in memory."""
    return np.repeat(a[..., None], 2, -1)[..., 0]
