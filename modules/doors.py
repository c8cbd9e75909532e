"""The doors that the base class puts before an author's bare phases: dtype, shape, order of the phases.

An author writes what a phase computes, a few lines of NumPy; what every phase has to check is written once, here.
``phase.__wrapped__`` is the bare phase, which a container runs directly: it has checked at its own door.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..errors import ArgumentError, DtypeError, PhaseError, ShapeError
from ..initializers.base import Array
from .parameter import Home, as_floating

if TYPE_CHECKING:
    from .base import Module

Phase = Callable[..., Any]


def forward_door(written: Phase) -> Phase:
    """``forward(x, out=None)``: x is an array of the module's dtype and of a shape that fits."""
    bare = with_out(written)

    @wraps(written)
    def forward(self: Module, x: Any, out: Array | None = None) -> Any:
        if type(self).forward is not forward and passed("forward", self):
            return bare(self, x, out)
        new = type(x) is not ndarray or (x.shape, x.dtype) != self._met
        if new:
            x, new = meet(self, x, out)
        elif out is not None:
            check_room(self, x, out, self._output)
        self.disturb()
        try:
            y = bare(self, x, out)
        except BaseException:                                       # half of the point may be of this x
            self.forget()
            raise
        if new and (type(y) is not ndarray or y.shape != self._output[0]):
            self.forget()
            got = f"shape {y.shape}" if isinstance(y, ndarray) else repr(y)
            raise ShapeError(f"{self!r}: forward returned {got}, where output_shape({x.shape}) says "
                             f"{self.output_shape(x.shape)}")
        return y

    forward.__wrapped__ = bare
    return forward


def backward_door(written: Phase) -> Phase:
    """``backward(g, out=None)``: a forward has run, and g has the shape of its output; keeps g in ``gradient``.

    With ``input_gradient=False`` None comes back, and an author who takes that argument may compute less.
    """
    bare, skips = with_out(written), takes(written, "input_gradient")

    @wraps(written)
    def backward(self: Module, g: Any, out: Array | None = None, *, input_gradient: bool = True) -> Any:
        if out is not None and not input_gradient:
            raise ArgumentError(f"{self!r}: out is for the input gradient, which input_gradient=False leaves out")
        if type(self).backward is backward or not passed("backward", self):
            if self._output is None:
                raise too_early(self)
            if type(g) is not ndarray or (g.shape, g.dtype) != self._output:
                g = as_floating(g, self._output[1], "g", self)
                if g.shape != self._output[0]:
                    raise ShapeError(f"{self!r}: g must have the shape of the output, {self._output[0]}, got {g.shape}")
            if out is not None:
                check_out(self, out, self._input)
                if np.may_share_memory(out, g):
                    raise ArgumentError(f"{self!r}: out must not overlap g, which update still reads")
            if self._owner is not None:
                self.disturb_owner("gradient")
        self.gradient = g                                           # in super().backward(g): what an inherited update takes
        try:
            if input_gradient:
                return bare(self, g, out)
            if skips:
                bare(self, g, None, input_gradient=False)
            else:
                bare(self, g, None)
            return None
        except BaseException as error:
            self.gradient = None
            explain(self, error)
            raise

    backward.__wrapped__ = bare
    return backward


def update_door(bare: Phase) -> Phase:
    """``update()``: a backward has run; a module whose parameters are all frozen has nothing to do."""

    @wraps(bare)
    def update(self: Module) -> None:
        if self.gradient is None:
            raise too_early(self)
        if type(self).update is not update and passed("update", self):
            bare(self)
            return
        changed = self._seen != Home.changes
        if changed:
            self.review()
        if self._trains:
            bare(self)
            if changed:
                for parameter in self.parameters():
                    parameter.home.updated = True

    return update


def examples_door(written: Phase) -> Phase:
    """``example_gradients()`` and ``example_squares()``: a backward has run."""

    @wraps(written)
    def by_example(self: Module) -> Any:
        if self.gradient is None:
            raise too_early(self)
        return written(self)

    return by_example


def too_early(module: Module) -> PhaseError:
    """A phase was called before the one that it needs."""
    alone = " (a module inside that runs alone takes it away)" if module.children() else ""
    if module._output is None:
        return PhaseError(f"{module!r}: no forward has run: call forward(x) first{alone}")
    return PhaseError(f"{module!r}: no backward has run since the last forward: call backward(g) first{alone}")


def explain(module: Module, error: BaseException) -> None:
    """A backward failed: most often for want of what forward should have remembered."""
    if module.point is None and isinstance(error, (AttributeError, TypeError)):
        error.add_note(f"{module!r}: self.point is None; did forward set it?")


def bare(module: Module, phase: str) -> Phase:
    """The phase as its author wrote it, bound to the module, without the door."""
    method = getattr(type(module), phase)
    return MethodType(getattr(method, "__wrapped__", method), module)


def inward(module: Module) -> Phase:
    """The module's bare backward where nobody asks for the input gradient."""
    phase = bare(module, "backward")
    return partial(phase, input_gradient=False) if takes(phase, "input_gradient") else phase


def passed(phase: str, module: Module) -> bool:
    """Whether a phase that is not the class's own was called from it, by ``super()``: that one's door has checked."""
    return hasattr(getattr(type(module), phase), "__wrapped__")


def takes(phase: Phase, name: str) -> bool:
    """Whether a phase has an argument of that name."""
    return name in inspect.signature(phase).parameters


def with_out(written: Phase) -> Phase:
    """The phase itself where its author takes ``out``, else a phase that copies its result there."""
    if takes(written, "out"):
        return written

    def copying(self: Module, array: Array, out: Array | None = None) -> Any:
        result = written(self, array)
        if out is None:                                             # what comes back must not be the caller's, or a buffer
            return result.copy() if np.may_share_memory(result, array) else result
        if result.shape != out.shape:
            raise ShapeError(f"{self!r}: {written.__name__} returned shape {result.shape}, where {out.shape} is "
                             "expected; does output_shape say what this module does?")
        out[...] = result
        return out

    return copying


def meet(module: Module, x: Any, out: Array | None) -> tuple[Array, bool]:
    """``x`` in the module's dtype, and whether its shape or dtype is another than the last one's.

    If so, the module gets its workspace for it. What does not fit, ``out`` too, is refused before anything changes.
    """
    x = as_floating(x, module.dtype, "x", module)
    new = (x.shape, x.dtype) != module._met
    if new and 0 in x.shape:
        raise ShapeError(f"{module!r}: x must hold at least one number, got shape {x.shape}")
    if out is not None:
        check_room(module, x, out, (module.admit(x.shape), x.dtype) if new else module._output)
    if new:
        settle(module, x.shape, x.dtype)
    return x, new


def settle(module: Module, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Prepare ``module`` for inputs of this shape and dtype; returns the shape of its output."""
    output = module.admit(shape)
    if not shape:
        raise ShapeError(f"{module!r}: x must have at least one axis, got shape ()")
    module.forget()                                                 # a container's modules are prepared one after another
    scratch = module.prepare(shape, dtype)
    module.scratch, module._met, module._output = scratch, (shape, dtype), (output, dtype)
    module._input = module._met
    return output


def check_room(module: Module, x: Array, out: Any, expected: Any) -> None:
    """``out`` of a forward."""
    check_out(module, out, expected)
    if np.may_share_memory(out, x) and not (out is x and module.remembers in ("output", "neither")):
        raise ArgumentError(f"{module!r}: out must not overlap x, which this module still reads")


def check_out(module: Module, out: Any, expected: Any) -> None:
    shape, dtype = expected
    if type(out) is not ndarray or out.dtype != dtype:
        raise DtypeError(f"{module!r}: out must be a {dtype} array, got {getattr(out, 'dtype', type(out).__name__)}")
    if out.shape != shape or not out.flags.c_contiguous:
        raise ShapeError(f"{module!r}: out must be C-contiguous and of shape {shape}, got {out.shape}")
