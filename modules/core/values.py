"""What passes between modules: an array, or a tuple of arrays where a module has several inputs or outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import as_floating, as_numbers
from ...errors import DtypeError, ShapeError
from .arrays import empty

if TYPE_CHECKING:
    from .base import Module

Value = Any                                                         # an array, or a tuple of arrays
Shape = tuple[Any, ...]                                             # of an array, or a tuple of such shapes
Signature = tuple[Shape, np.dtype[Any]]                             # a shape and a dtype


def several(value: Value | Shape) -> bool:
    """Whether this is a tuple of arrays, or of their shapes."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], (tuple, np.ndarray))


def each(function: Callable[..., Any], *values: Any) -> Any:
    """``function`` of the array, or of each array of the tuple (or shape); of several values, array by array."""
    return tuple(map(function, *values)) if several(values[0]) else function(*values)


def parts(value: Any) -> tuple[Any, ...]:
    """The arrays of a value, or the shapes of a shape: a tuple also where there is one."""
    return value if several(value) else (value,)


def shape_of(value: Value) -> Shape:
    return each(np.shape, value)


def size_of(shape: Shape) -> int:
    """How many numbers there are in all."""
    return sum(int(np.prod(one)) for one in parts(shape))


def empty_buffers(shape: Shape, dtype: np.dtype[Any], batch_last: bool = False) -> Value:
    """New arrays of that shape; images batch last in memory, if asked."""
    return each(lambda one: empty(one, dtype, batch_last), shape)


def reads(arity: int | None, count: int) -> bool:
    """Whether a module of this arity reads so many arrays."""
    return count == arity or (arity is None and count > 1)


def as_values(x: Any, dtype: np.dtype[Any] | None, name: str, of: Module, arity: int | None) -> Value:
    """``x`` as an array of ``dtype``, or as the tuple of ``arity`` arrays (None: two or more) that ``of`` takes.

    With ``dtype=None`` as in ``as_floating``; the arrays of a tuple must then have one dtype.
    """
    if arity == 1:
        return as_floating(x, dtype, name, of)
    if not isinstance(x, (tuple, list)) or not reads(arity, len(x)):
        count = "two or more" if arity is None else arity
        got = f"{len(x)}" if isinstance(x, (tuple, list)) else f"one {type(x).__name__}"
        raise ShapeError(f"{of!r}: {name} must be a tuple of {count} arrays, got {got}")
    arrays = tuple(as_numbers(one, f"{name}[{k}]", of) for k, one in enumerate(x))
    if dtype is None:                                               # integers follow what is floating
        found = {as_floating(array, None, name).dtype: k for k, array in enumerate(arrays) if array.dtype.kind == "f"}
        if len(found) > 1:
            listed = " and ".join(f"{kind} ({name}[{k}])" for kind, k in found.items())
            raise DtypeError(f"{of!r}: the arrays of {name} must have one dtype, got {listed}")
        dtype = next(iter(found), np.dtype("float32"))
    return tuple(array.astype(dtype, copy=False) for array in arrays)


def product(a: Value, b: Value) -> float:
    """The scalar product <a, b>."""
    return float(sum(np.vdot(one, other) for one, other in zip(parts(a), parts(b), strict=True)))


def basis_vectors(shape: Shape, dtype: np.dtype[Any]) -> Iterator[Value]:
    """The unit vectors of this shape, number by number, row by row."""
    for k, one in enumerate(parts(shape)):
        for i in range(int(np.prod(one))):
            unit = each(lambda size: np.zeros(size, dtype), shape)
            parts(unit)[k].flat[i] = 1
            yield unit


def from_numbers(numbers: Sequence[float], shape: Shape, dtype: np.dtype[Any]) -> Value:
    """The value of this shape that has these numbers, in the order of ``basis_vectors``."""
    ends = np.cumsum([int(np.prod(one)) for one in parts(shape)])
    pieces = iter(np.split(np.asarray(numbers, dtype), ends[:-1]))
    return each(lambda one: next(pieces).reshape(one), shape)


def dtype_of(value: Value) -> np.dtype[Any]:
    """The one dtype of all its arrays."""
    return parts(value)[0].dtype


def overlap(a: Value, b: Value) -> bool:
    """Whether an array of one may share memory with an array of the other."""
    return any(np.may_share_memory(one, other) for one in parts(a) for other in parts(b))


def copied(value: Value, out: Value | None = None) -> Value:
    """The numbers of ``value`` in ``out``, or in fresh arrays."""
    if out is None:
        return each(lambda array: np.array(array, order="C"), value)
    each(np.copyto, out, value)
    return out


def fitting(shape: Shape, of: Module) -> Shape:
    """``shape`` if it is that of as many arrays as the module reads; ShapeError otherwise."""
    count = len(shape) if several(shape) else 1
    if not reads(of.arity, count) or any(map(several, parts(shape))):
        wanted = {1: "one array", None: "a tuple of two or more arrays"}.get(of.arity, f"a tuple of {of.arity} arrays")
        raise ShapeError(f"{of!r}: x must be {wanted}, got {'shapes' if count > 1 else 'shape'} {shape}")
    return shape


def same_shapes(shapes: Shape, of: Module) -> tuple[int, ...]:
    """The one shape that all inputs have."""
    fitting(shapes, of)
    first = parts(shapes)[0]
    if any(shape != first for shape in parts(shapes)):
        raise ShapeError(f"{of!r}: the arrays of x must have one shape, got {' and '.join(map(str, shapes))}")
    return first


