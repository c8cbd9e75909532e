"""The doors that the base class puts before an author's bare phases: dtype, shape, order of the phases.

An author writes what a phase computes, a few lines of NumPy; what every phase has to check is written once, here.
``phase.__wrapped__`` is the bare phase, which a container runs directly: it has checked at its own door.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from itertools import combinations
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...errors import ArgumentError, DtypeError, PhaseError, ShapeError
from .parameter import Home
from .values import Shape, Signature, Value, as_values, copied, dtype_of, fitting, overlap, parts, several, shape_of

if TYPE_CHECKING:
    from .base import Module

Phase = Callable[..., Any]


def checked_forward(written: Phase) -> Phase:
    """``forward(x, out=None)``: x is an array (or a tuple of arrays) of the module's dtype and of a shape that fits."""
    phase = with_out(written)

    @wraps(written)
    def forward(self: Module, x: Any, out: Value | None = None) -> Any:
        if type(self).forward is not forward and passed("forward", self):
            return phase(self, x, out)
        new = type(x) is not ndarray or (x.shape, x.dtype) != self._signature
        if new:
            x, new = meet(self, x, out)
        elif out is not None:
            check_room(self, x, out, self._output)
        self.disturb()
        try:
            y = phase(self, x, out)
        except BaseException:                                       # half of the point may be of this x
            self.forget()
            raise
        if new and not fits(y, self._output[0]):
            self.forget()
            got = f"shape {shape_of(y)}" if isinstance(y, (ndarray, tuple)) else repr(y)
            raise ShapeError(f"{self!r}: forward returned {got}, where output_shape({shape_of(x)}) says "
                             f"{self.output_shape(shape_of(x))}")
        return y

    forward.__wrapped__ = phase
    return forward


def checked_backward(written: Phase) -> Phase:
    """``backward(g, out=None)``: a forward has run, and g has the shape of its output; keeps g in ``gradient``.

    With ``input_gradient=False`` None comes back, and an author who takes that argument may compute less.
    """
    phase, skips = with_out(written), takes(written, "input_gradient")

    @wraps(written)
    def backward(self: Module, g: Any, out: Value | None = None, *, input_gradient: bool = True) -> Any:
        if out is not None and not input_gradient:
            raise ArgumentError(f"{self!r}: out is for the input gradient, which input_gradient=False leaves out")
        if type(self).backward is backward or not passed("backward", self):
            if self._output is None:
                raise too_early(self)
            if type(g) is not ndarray or (g.shape, g.dtype) != self._output:
                shape, dtype = self._output
                g = as_values(g, dtype, "g", self, len(shape) if several(shape) else 1)
                if shape_of(g) != shape:
                    raise ShapeError(f"{self!r}: g must have the shape of the output, {shape}, got {shape_of(g)}")
            if out is not None:
                check_out(self, out, self._input)
                if overlap(out, g):
                    raise ArgumentError(f"{self!r}: out must not overlap g, which update still reads")
            if self._owner is not None:
                self.disturb_owner("gradient")
        self.gradient = g                                           # in super().backward(g): what an inherited update takes
        try:
            if input_gradient:
                return phase(self, g, out)
            if skips:
                phase(self, g, None, input_gradient=False)
            else:
                phase(self, g, None)
            return None
        except BaseException as error:
            self.gradient = None
            explain(self, error)
            raise

    backward.__wrapped__ = phase
    return backward


def checked_update(phase: Phase) -> Phase:
    """``update()``: a backward has run; a module whose parameters are all frozen has nothing to do."""

    @wraps(phase)
    def update(self: Module) -> None:
        if self.gradient is None:
            raise too_early(self)
        if type(self).update is not update and passed("update", self):
            phase(self)
            return
        changed = self._seen != Home.changes
        if changed:
            self.review()
        if self._trains:
            phase(self)
            if changed:
                for parameter in self.parameters():
                    parameter.home.updated = True

    return update


def checked_jvp(phase: Phase) -> Phase:
    """``jvp(t)``: a forward has run, and t has the shape of its input; what comes back is not t's memory."""

    @wraps(phase)
    def jvp(self: Module, t: Any) -> Any:
        if type(self).jvp is not jvp and passed("jvp", self):
            return phase(self, t)
        if self._output is None:
            raise too_early(self)
        t = as_tangent(self, t)
        try:
            y = phase(self, t)
        except BaseException as error:
            explain(self, error)
            raise
        return copied(y) if overlap(y, t) else y

    return jvp


def as_tangent(module: Module, t: Any) -> Value:
    """``t`` in the dtype and the shape of the last x."""
    shape, dtype = module._input
    t = as_values(t, dtype, "t", module, len(shape) if several(shape) else 1)
    if shape_of(t) != shape:
        raise ShapeError(f"{module!r}: t must have the shape of x, {shape}, got {shape_of(t)}")
    return t


def checked_per_example(written: Phase) -> Phase:
    """``example_gradients()`` and ``example_squared_norms()``: a backward has run."""

    @wraps(written)
    def by_example(self: Module) -> Any:
        if self.gradient is None:
            raise too_early(self)
        return written(self)

    return by_example


def too_early(module: Module) -> PhaseError:
    """A phase was called before the one that it needs."""
    alone = " (also after a forward that failed, and after a module inside ran alone)" if module.children() else ""
    if module._output is None:
        return PhaseError(f"{module!r}: no forward has run: call forward(x) first{alone}")
    return PhaseError(f"{module!r}: no backward has run since the last forward: call backward(g) first{alone}")


def explain(module: Module, error: BaseException) -> None:
    """A backward or a jvp failed: most often for want of what forward should have saved."""
    if module.point is None and isinstance(error, (AttributeError, TypeError)):
        error.add_note(f"{module!r}: self.point is None; did forward set it?")


def unchecked(module: Module, phase: str) -> Phase:
    """The phase as its author wrote it, bound to the module, without the door."""
    return without_checks(getattr(type(module), phase), module)


def planned(module: Module, phase: str) -> Phase:
    """What a container's plan runs: the bare phase, on a tape with the recorder around it."""
    return without_checks(vars(module)[phase], module) if module._taped else unchecked(module, phase)


def without_checks(method: Phase, module: Module) -> Phase:
    return MethodType(getattr(method, "__wrapped__", method), module)


def inward(module: Module) -> Phase:
    """The module's planned backward where nobody asks for the input gradient."""
    phase = planned(module, "backward")
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

    def copying(self: Module, value: Value, out: Value | None = None) -> Any:
        result = written(self, value)
        if out is None:                                             # what comes back must not be the caller's, or a buffer
            return copied(result) if overlap(result, value) else result
        if shape_of(result) != shape_of(out):
            raise ShapeError(f"{self!r}: {written.__name__} returned shape {shape_of(result)}, where {shape_of(out)} is "
                             "expected; does output_shape say what this module does?")
        return copied(result, out)

    return copying


def meet(module: Module, x: Any, out: Value | None) -> tuple[Value, bool]:
    """``x`` in the module's dtype, and whether its shape or dtype is another than the last one's.

    If so, the module gets its workspace for it. What does not fit, ``out`` too, is refused before anything changes.
    """
    x = as_values(x, module.dtype, "x", module, module.arity)
    signature = shape_of(x), dtype_of(x)
    new = signature != module._signature
    if new and any(0 in shape for shape in parts(signature[0])):
        raise ShapeError(f"{module!r}: x must hold at least one number, got shape {signature[0]}")
    if out is not None:
        check_room(module, x, out, (module.admit(signature[0]), signature[1]) if new else module._output)
    if new:
        settle(module, *signature)
    return x, new


def settle(module: Module, shape: Shape, dtype: np.dtype[Any], batch_last: bool = False) -> Shape:
    """Prepare ``module`` for inputs of this shape and dtype, and layout; returns the shape of its output."""
    output = module.admit(fitting(shape, module))
    if any(not one for one in parts(shape)):
        raise ShapeError(f"{module!r}: x must have at least one axis, got shape {shape}")
    module.forget()                                                 # a container's modules are prepared one after another
    module.batch_last = batch_last
    scratch = module.prepare(shape, dtype)
    module.scratch, module._signature, module._output = scratch, (shape, dtype), (output, dtype)
    module._input = module._signature
    return output


def fits(y: Value, shape: Shape) -> bool:
    """Whether this is an array, or a tuple of arrays, of that shape."""
    return all(type(one) is ndarray for one in parts(y)) and several(y) == several(shape) and shape_of(y) == shape


def check_room(module: Module, x: Value, out: Any, expected: Signature) -> None:
    """``out`` of a forward."""
    check_out(module, out, expected)
    if overlap(out, x) and not (out is x and module.saved in ("output", "neither")):
        raise ArgumentError(f"{module!r}: out must not overlap x, which this module still reads")


def check_out(module: Module, out: Any, expected: Signature) -> None:
    """``out`` is an array, or a tuple of arrays, of the shape and dtype that are written there."""
    shape, dtype = expected
    if several(shape) and isinstance(out, list):
        out = tuple(out)
    if several(shape) and len(parts(out)) != len(shape):
        raise ShapeError(f"{module!r}: out must be a tuple of {len(shape)} arrays, got {type(out).__name__}")
    for one, size in zip(parts(out) if several(shape) else (out,), parts(shape), strict=True):
        if type(one) is not ndarray or one.dtype != dtype:
            raise DtypeError(f"{module!r}: out must be a {dtype} array, got {getattr(one, 'dtype', type(one).__name__)}")
        if one.shape != size or not one.flags.c_contiguous:
            raise ShapeError(f"{module!r}: out must be C-contiguous and of shape {size}, got {one.shape}")
    if several(shape) and any(np.may_share_memory(a, b) for a, b in combinations(out, 2)):
        raise ArgumentError(f"{module!r}: the arrays of out must not overlap each other")
