"""Parameters, and the flat vectors in which the parameters of a network live side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, Seed, as_numbers, floating_dtype
from ...errors import ArgumentError, ShapeError
from ...initializers.base import Initializer

CACHE_LINE = 64                                                     # bytes


def aligned_zeros(size: int, dtype: DTypeLike) -> Array:
    """Zeros that begin with a cache line: where two cores read parameters, writing them is then twice as fast."""
    dtype = np.dtype(dtype)
    room = np.zeros(size + CACHE_LINE // dtype.itemsize, dtype)
    start = -room.ctypes.data % CACHE_LINE // dtype.itemsize
    return room[start:start + size]


class Home:
    """One flat vector of numbers and one of gradients; parameters hold views of them.

    Neighbours can then be updated in one call: on small networks, most of an optimizer's time is calls.

    Attributes
    ----------
    data, grad : arrays of shape (size,)
    updated : bool
        Whether gradients have ever been computed.
    changes : int
        Of the class: how often any parameter has moved, frozen or thawed. Whoever keeps views or a list of what
        trains compares it with the number it saw.
    """

    __slots__ = ("data", "grad", "updated")
    changes: ClassVar[int] = 0

    def __init__(self, size: int, dtype: DTypeLike, updated: bool = False) -> None:
        self.data, self.grad = aligned_zeros(size, dtype), aligned_zeros(size, dtype)
        self.updated = updated

    @classmethod
    def gather(cls, parameters: Iterable[Parameter], dtype: DTypeLike | None = None) -> None:
        """Move distinct parameters, in this order, into one new home (with ``dtype``, converted to it)."""
        moving = list(parameters)
        if not moving:
            return
        home = cls(sum(p.data.size for p in moving), dtype or moving[0].dtype, any(p.home.updated for p in moving))
        offset = 0
        for parameter in moving:
            data, grad = parameter.data, parameter.grad
            parameter._live(home, offset, data.shape)
            parameter.data[...] = data
            parameter.grad[...] = grad
            offset += data.size
        cls.changes += 1


class Parameter:
    """An array that training changes, beside the gradient of the cost with respect to it.

    Parameters
    ----------
    data : array_like
        Where it starts; copied.
    name : str
        What messages call it; in a network its name is that of the attribute that holds it.
    dtype : {"float32", "float64"}, default "float32"

    Attributes
    ----------
    data, grad : arrays of the same shape and dtype
        Plain arrays. Assigning to them copies the numbers in. A container that takes the module in, and ``astype``,
        move them: read the attribute again then. Several axes are stored column-major, so that the transpose of a
        Linear's weight, which the forward product takes, is contiguous.
    T, grad_T : arrays
        The transposes, C-contiguous views.
    frozen : bool
        A frozen parameter is left out of ``step``; a module whose parameters are all frozen, of ``update`` too.
    home, offset
        The flat vectors that ``data`` and ``grad`` are views of, and where in them.
    """

    __slots__ = ("T", "_frozen", "data", "grad", "grad_T", "home", "name", "offset")

    data: Array
    grad: Array
    T: Array
    grad_T: Array
    home: Home
    offset: int
    name: str

    def __init__(self, data: ArrayLike, name: str, dtype: DTypeLike = "float32") -> None:
        start = as_numbers(data, f"Parameter {name!r}: data")
        self.name = name
        self._frozen = False
        self._live(Home(start.size, floating_dtype(dtype)), 0, start.shape)
        self.data[...] = start

    @classmethod
    def drawn(cls, initializer: Initializer, shape: tuple[int, ...], rng: Seed, name: str, dtype: DTypeLike) -> Self:
        """A parameter that starts where ``initializer(shape, rng, dtype)`` says."""
        if isinstance(initializer, type) or not callable(initializer):
            raise ArgumentError(f"{name}_init must be an initializer, such as GlorotUniform(), got {initializer!r}")
        start = initializer(shape, rng, dtype)
        if np.shape(start) != shape:
            raise ShapeError(f"{name}_init must return an array of shape {shape}, got {np.shape(start)} from {initializer!r}")
        return cls(start, name, dtype)

    def _live(self, home: Home, offset: int, shape: tuple[int, ...]) -> None:
        views = [flat[offset:][:int(np.prod(shape))].reshape(shape[::-1]) for flat in (home.data, home.grad)]
        for slot, value in zip(("T", "grad_T", "data", "grad", "home", "offset"),
                               (*views, views[0].T, views[1].T, home, offset), strict=True):
            object.__setattr__(self, slot, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("data", "grad"):
            object.__setattr__(self, name, value)
            return
        array = getattr(self, name)
        if value is not array:
            value = as_numbers(value, name, self)
            if value.shape != array.shape:
                raise ShapeError(f"{self!r}: {name} must have shape {array.shape}, got {value.shape}")
            array[...] = value
        if name == "grad":
            self.home.updated = True

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    @property
    def frozen(self) -> bool:
        return self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._frozen = bool(value)
        Home.changes += 1

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, shape={self.shape}, dtype={self.dtype.name!r})"

    def __getstate__(self) -> dict[str, Any]:                       # a copy gets a home of its own
        return {"name": self.name, "frozen": self._frozen, "data": self.data, "grad": self.grad,
                "updated": self.home.updated}

    def __setstate__(self, state: dict[str, Any]) -> None:
        data = state["data"]
        self.name, self._frozen = state["name"], state["frozen"]
        self._live(Home(data.size, data.dtype, state["updated"]), 0, data.shape)
        self.data[...] = data
        self.grad[...] = state["grad"]
