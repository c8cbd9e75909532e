"""The checked phases: what the base class puts before the phases that an author writes.

An author writes what a phase computes, in a few lines of NumPy. What every phase must check is written once, here: the dtype,
the shape, and that the phases run in order. The functions ``checked_...`` turn the written phase into the checked one;
``phase.__wrapped__`` is the written one, without checks. A container checks its own input and runs the phases of its modules
unchecked. A phase that is called by ``super()`` does not check again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any

import numpy as np
from numpy import ndarray

from ...errors import ArgumentError, PhaseError, ShapeError
from ...threads import OneThread
from ...underflow import STATE, unreported
from .evaluation import Evaluated
from .parameter import FlatParameters
from .values import Signature, Value, as_values, check_out, copied, dtype_of, overlap, parts, several, shape_of

Phase = Callable[..., Any]
Checked = Evaluated[Any]                                            # Module: base.py imports this file


def checked_forward(written: Phase) -> Phase:
    """Return ``forward(x, out=None)``, which converts x to the module's dtype and refuses a shape that does not fit.

    Where the point holds the output, it returns a copy: the caller may write into it (``p -= y``) before backward reads the
    point. In a container this is at most its own output, as a rule a small array, and nothing if the last module is a Linear.
    """
    phase = with_out(written)

    @wraps(written)
    def forward(self: Checked, x: Any, out: Value | None = None) -> Any:
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return forward(self, x, out)
        if type(self).forward is not forward and called_by_super("forward", self):
            return copied(phase(self, x, None), out) if writes_output(type(self), forward) else phase(self, x, out)
        busy = self._busy
        if busy or self._owner is not None:
            self.check_alone()
        try:
            self._busy = busy or True
            new = type(x) is not ndarray or (x.shape, x.dtype) != self._signature
            if new:
                x, new = accepted_input(self, x, out)
            elif out is not None:
                check_forward_out(self, x, out, self._output)
            self.begin_forward()
            if self._views_seen != FlatParameters.changes:
                self.drop_stale_views()
            try:
                y = phase(self, x, None if self._keeps_output else out)
            except BaseException:                                   # the point may mix arrays of this x and of the last
                self.clear_evaluation()
                raise
            if new and not has_shape(y, self._output[0]):
                self.clear_evaluation()
                got = f"shape {shape_of(y)}" if isinstance(y, (ndarray, tuple)) else repr(y)
                raise ShapeError(f"{self!r}: forward returned {got}, where output_shape({shape_of(x)}) says "
                                 f"{self.output_shape(shape_of(x))}")
            if not self._keeps_output:
                return y
            return y.copy() if out is None and type(y) is ndarray else copied(y, out)
        finally:
            self._busy = busy

    forward.__wrapped__ = phase
    return forward


def checked_backward(written: Phase) -> Phase:
    """Return ``backward(g, out=None)``, which requires a forward and a g of its output's shape, and stores g in ``gradient``.

    With ``input_gradient=False`` it returns None; a written phase that takes this argument may compute less.
    """
    phase, skips = with_out(written), takes(written, "input_gradient")

    @wraps(written)
    def backward(self: Checked, g: Any, out: Value | None = None, *, input_gradient: bool = True) -> Any:
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return backward(self, g, out, input_gradient=input_gradient)
        if out is not None and not input_gradient:
            raise ArgumentError(f"{self!r}: out is for the input gradient, which input_gradient=False leaves out")
        busy = self._busy
        if type(self).backward is backward or not called_by_super("backward", self):
            if busy or self._owner is not None:
                self.check_alone()
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
                self.invalidate_owners(gradient_only=True)
        try:
            self._busy = busy or True
            self.gradient = g                                       # also in super().backward(g): an inherited update reads it
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
        finally:
            self._busy = busy

    backward.__wrapped__ = phase
    return backward


def checked_update(phase: Phase) -> Phase:
    """Return ``update()``, which requires a backward, and does nothing in a module whose parameters are all frozen."""

    @wraps(phase)
    def update(self: Checked) -> None:
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                update(self)
            return
        if type(self).update is not update and called_by_super("update", self):
            phase(self)
            return
        busy = self._busy
        if busy or self._owner is not None:
            self.check_alone()
        if self.gradient is None:
            raise too_early(self)
        changed = self._changes_seen != FlatParameters.changes
        try:
            self._busy = busy or True
            if changed:
                self.plan_updates()
                self.drop_stale_views()
            if self._trains:
                phase(self)
                if changed:
                    for parameter in self.parameters():
                        parameter.flat.updated = True
        except BaseException:                                       # the next update does again what belongs to a change
            self._changes_seen = -1
            raise
        finally:
            self._busy = busy

    return update


def checked_jvp(phase: Phase) -> Phase:
    """Return ``jvp(t)``, which requires a forward and a t of its input's shape, and whose result never shares memory with t."""

    @wraps(phase)
    def jvp(self: Checked, t: Any) -> Any:
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                return jvp(self, t)
        if type(self).jvp is not jvp and called_by_super("jvp", self):
            return phase(self, t)
        if self._busy or self._owner is not None:
            self.check_alone()
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


def as_tangent(module: Checked, t: Any) -> Value:
    """Return ``t`` in the dtype of the last x; ShapeError if its shape is another."""
    if type(t) is ndarray and (t.shape, t.dtype) == module._input:
        return t
    shape, dtype = module._input
    t = as_values(t, dtype, "t", module, len(shape) if several(shape) else 1)
    if shape_of(t) != shape:
        raise ShapeError(f"{module!r}: t must have the shape of x, {shape}, got {shape_of(t)}")
    return t


def checked_per_example(written: Phase) -> Phase:
    """Return ``example_gradients()`` or ``example_squared_norms()``, which require a backward."""

    @wraps(written)
    @unreported
    def per_example(self: Checked) -> Any:
        if self.gradient is None:
            raise too_early(self)
        with OneThread():                                           # several threads of BLAS would change the last bits
            return written(self)

    return per_example


def too_early(module: Checked) -> PhaseError:
    """Return the error for a phase that is called before the phase that it needs."""
    alone = " (also after a forward that failed, and after a module inside ran alone)" if module.children() else ""
    if module._output is None:
        return PhaseError(f"{module!r}: no forward has run: call forward(x) first{alone}")
    return PhaseError(f"{module!r}: no backward has run since the last forward: call backward(g) first{alone}")


def explain(module: Checked, error: BaseException) -> None:
    """Add a note to the error of a backward or a jvp whose forward has not set the point: the most frequent mistake."""
    if module.point is None and isinstance(error, (AttributeError, TypeError)):
        error.add_note(f"{module!r}: self.point is None; did forward set it?")


def unchecked(module: Checked, phase: str) -> Phase:
    """Return the phase as its author wrote it, bound to the module."""
    return without_checks(getattr(type(module), phase), module)


def without_checks(method: Phase, module: Checked) -> Phase:
    return MethodType(getattr(method, "__wrapped__", method), module)


def called_by_super(phase: str, module: Checked) -> bool:
    """Whether a phase that is not the class's own was called from it, by ``super()``, and so has been checked already."""
    return hasattr(getattr(type(module), phase), "__wrapped__")


def writes_output(kind: type[Checked], forward: Phase) -> bool:
    """Whether the class that wrote this forward, a base class of ``kind``, says that its point holds the output."""
    writer: Any = next((base for base in kind.__mro__ if vars(base).get("forward") is forward), kind)
    return writer.saved in ("output", "both")


def takes(phase: Phase, name: str) -> bool:
    """Whether a phase has an argument of that name."""
    return name in inspect.signature(phase).parameters


def with_out(written: Phase) -> Phase:
    """Return the phase itself if its author takes ``out``, else a phase that copies the result into ``out``."""
    if takes(written, "out"):
        return written

    def copying(self: Checked, value: Value, out: Value | None = None) -> Any:
        result = written(self, value)
        if out is None:                                             # the result must not be the caller's array, or a buffer
            return copied(result) if overlap(result, value) else result
        if shape_of(result) != shape_of(out):
            raise ShapeError(f"{self!r}: {written.__name__} returned shape {shape_of(result)}, where {shape_of(out)} is "
                             "expected; does output_shape say what this module does?")
        return copied(result, out)

    return copying


def accepted_input(module: Checked, x: Any, out: Value | None) -> tuple[Value, bool]:
    """Return ``x`` in the module's dtype, and whether the module had to be prepared for its shape and dtype.

    If x or ``out`` does not fit, an error is raised before anything has changed.
    """
    x = as_values(x, module.dtype, "x", module, module.arity)
    signature = shape_of(x), dtype_of(x)
    new = signature != module._signature
    if new and any(0 in shape for shape in parts(signature[0])):
        raise ShapeError(f"{module!r}: x must hold at least one number, got shape {signature[0]}")
    if out is not None:
        check_forward_out(module, x, out, (module.admit(signature[0]), signature[1]) if new else module._output)
    if new:
        module.prepare_for(*signature)
    return x, new


def has_shape(y: Value, shape: Any) -> bool:
    """Whether ``y`` is an array, or a tuple of arrays, of that shape."""
    return all(type(array) is ndarray for array in parts(y)) and several(y) == several(shape) and shape_of(y) == shape


def check_forward_out(module: Checked, x: Value, out: Any, expected: Signature) -> None:
    """Raise an error unless forward may write into ``out``."""
    check_out(module, out, expected)
    if overlap(out, x) and not (out is x and module.saved in ("output", "neither")):
        raise ArgumentError(f"{module!r}: out must not overlap x, which this module still reads")
