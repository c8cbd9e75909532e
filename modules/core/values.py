"""Values, which pass between modules: an array, or a tuple of arrays where a module has several inputs or outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from ...arguments import as_floating, as_numbers
from ...conversion import Named, check_columns
from ...errors import ArgumentError, DtypeError, ShapeError
from ...threads import OneThread
from .arrays import empty

Value = Any                                                         # an array, or a tuple of arrays
Shape = tuple[Any, ...]                                             # of an array, or a tuple of such shapes
Signature = tuple[Shape, np.dtype[Any]]                             # a shape and a dtype


class Reader(Protocol):
    """A module, as far as this file needs it: base.py, which imports this file, has the class."""

    @property
    def arity(self) -> int | None: ...

    @property
    def dtype(self) -> np.dtype[Any] | None: ...

    @property
    def feature_names(self) -> tuple[str, ...] | None: ...


def several(value: Value | Shape) -> bool:
    """Whether the value is a tuple of arrays, or the shape a tuple of shapes."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], (tuple, np.ndarray))


def each(function: Callable[..., Any], *values: Any) -> Any:
    """Return ``function(array)``, or the tuple of its results for each array (or shape); several values go in side by side."""
    return tuple(map(function, *values)) if several(values[0]) else function(*values)


def parts(value: Any) -> tuple[Any, ...]:
    """Return the arrays of a value, or the shapes of a shape, as a tuple, also if there is only one."""
    return value if several(value) else (value,)


def shape_of(value: Value) -> Shape:
    return each(np.shape, value)


def size_of(shape: Shape) -> int:
    """Return the number of elements of all arrays together."""
    return sum(int(np.prod(part)) for part in parts(shape))


def empty_buffers(shape: Shape, dtype: np.dtype[Any], batch_last: bool = False) -> Value:
    """Return new arrays of that shape; with ``batch_last``, images have the batch as the contiguous axis."""
    return each(lambda part: empty(part, dtype, batch_last), shape)


def reads(arity: int | None, count: int) -> bool:
    """Whether a module of this arity reads ``count`` arrays."""
    return count == arity or (arity is None and count > 1)


def as_values(x: Any, dtype: np.dtype[Any] | None, name: str, of: object, arity: int | None) -> Value:
    """Return ``x`` as an array of ``dtype``, or as a tuple of ``arity`` arrays (None: two or more).

    ``dtype=None`` means what it means in ``as_floating``; the arrays of a tuple must then have one dtype. Error messages name
    the argument ``name`` of the module ``of``.
    """
    if arity == 1:
        return as_floating(x, dtype, name, of)
    if not isinstance(x, (tuple, list)) or not reads(arity, len(x)):
        count = "two or more" if arity is None else arity
        got = f"{len(x)}" if isinstance(x, (tuple, list)) else f"one {type(x).__name__}"
        raise ShapeError(f"{of!r}: {name} must be a tuple of {count} arrays, got {got}")
    arrays = tuple(as_numbers(array, f"{name}[{k}]", of) for k, array in enumerate(x))
    if dtype is None:                                               # integers take the dtype of the floating arrays
        found = {as_floating(array, None, name).dtype: k for k, array in enumerate(arrays) if array.dtype.kind == "f"}
        if len(found) > 1:
            listed = " and ".join(f"{kind} ({name}[{k}])" for kind, k in found.items())
            raise DtypeError(f"{of!r}: the arrays of {name} must have one dtype, got {listed}")
        dtype = next(iter(found), np.dtype("float32"))
    return tuple(as_floating(array, dtype, f"{name}[{k}]", of) for k, array in enumerate(arrays))


def counted(x: Any, of: Reader) -> tuple[Value, int]:
    """Return the examples that the module ``of`` is given, in its dtype, and their number, which is at least 1."""
    check_columns(x, of.feature_names, Named("x", of))
    examples = as_values(x, of.dtype, "x", of, of.arity)
    lengths = {len(array) if array.ndim else 0 for array in parts(examples)}
    if len(lengths) > 1 or 0 in lengths:
        what = "equally many examples in each array" if len(lengths) > 1 else "at least one example"
        shapes = " and ".join(str(array.shape) for array in parts(examples))
        raise ShapeError(f"{of!r}: x must hold {what}, got shape {shapes}")
    return examples, lengths.pop()


def product(a: Value, b: Value) -> float:
    """Return the scalar product <a, b>."""
    with OneThread():
        return float(sum(np.vdot(left, right) for left, right in zip(parts(a), parts(b), strict=True)))


def basis_vectors(shape: Shape, dtype: np.dtype[Any]) -> Iterator[Value]:
    """Yield the standard basis vectors of this shape: a single 1, at each place in row-major order."""
    for k, part in enumerate(parts(shape)):
        for i in range(int(np.prod(part))):
            vector = each(lambda size: np.zeros(size, dtype), shape)
            parts(vector)[k].flat[i] = 1
            yield vector


def from_numbers(numbers: Sequence[float], shape: Shape, dtype: np.dtype[Any]) -> Value:
    """Return the value of this shape with these elements, in the order of ``basis_vectors``."""
    ends = np.cumsum([int(np.prod(part)) for part in parts(shape)])
    pieces = iter(np.split(np.asarray(numbers, dtype), ends[:-1]))
    return each(lambda part: next(pieces).reshape(part), shape)


def dtype_of(value: Value) -> np.dtype[Any]:
    """Return the dtype, which all arrays of a value share."""
    return parts(value)[0].dtype


def overlap(a: Value, b: Value) -> bool:
    """Whether an array of ``a`` may share memory with an array of ``b``."""
    if type(a) is type(b) is np.ndarray:
        return np.may_share_memory(a, b)
    return any(np.may_share_memory(left, right) for left in parts(a) for right in parts(b))


def copied(value: Value, out: Value | None = None) -> Value:
    """Return a copy of ``value``, in ``out`` or in new arrays."""
    if out is None:
        return each(lambda array: np.array(array, order="C"), value)
    each(np.copyto, out, value)
    return out


def fitting(shape: Shape, of: Reader) -> Shape:
    """Return ``shape`` if it describes as many arrays as the module ``of`` reads; ShapeError otherwise."""
    count = len(shape) if several(shape) else 1
    if not reads(of.arity, count) or any(map(several, parts(shape))):
        expected = {1: "one array", None: "a tuple of two or more arrays"}.get(of.arity, f"a tuple of {of.arity} arrays")
        raise ShapeError(f"{of!r}: x must be {expected}, got {'shapes' if count > 1 else 'shape'} {shape}")
    return shape


def same_shapes(shapes: Shape, of: Reader) -> tuple[int, ...]:
    """Return the shape that all inputs of the module ``of`` have; ShapeError if they differ."""
    fitting(shapes, of)
    first = parts(shapes)[0]
    if any(shape != first for shape in parts(shapes)):
        raise ShapeError(f"{of!r}: the arrays of x must have one shape, got {' and '.join(map(str, shapes))}")
    return first


def check_out(module: object, out: Any, expected: Signature) -> None:
    """Raise an error unless ``out`` is an array, or a tuple of arrays, of the expected shape and dtype."""
    shape, dtype = expected
    if several(shape) and (not isinstance(out, tuple) or len(out) != len(shape)):
        raise ShapeError(f"{module!r}: out must be a tuple of {len(shape)} arrays, got {type(out).__name__}")
    for array, size in zip(parts(out) if several(shape) else (out,), parts(shape), strict=True):
        if type(array) is not np.ndarray or array.dtype != dtype:
            raise DtypeError(f"{module!r}: out must be a {dtype} array, got {getattr(array, 'dtype', type(array).__name__)}")
        if array.shape != size or not array.flags.c_contiguous:
            raise ShapeError(f"{module!r}: out must be C-contiguous and of shape {size}, got {array.shape}")
    if several(shape) and any(np.may_share_memory(a, b) for a, b in combinations(out, 2)):
        raise ArgumentError(f"{module!r}: the arrays of out must not overlap each other")
