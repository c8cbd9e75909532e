"""Parameters, and the flat vectors in which the parameters of a network stand side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, Seed, as_floating, floating_dtype
from ...errors import ArgumentError, ShapeError
from ...initializers.base import Initializer
from ...restoring import Act, Attributes, at_once, calling
from .arrays import Factors, aligned


class FlatParameters:
    """One flat vector with the numbers of many parameters, and one with their gradients; the parameters hold views of them.

    An optimizer can then update neighbouring parameters in one call: on small networks, most of its time goes into calls.

    Attributes
    ----------
    data, grad : arrays of shape (size,)
    updated : bool
        Whether gradients have ever been computed.
    changes : int
        How often any parameter has moved, been replaced, frozen or thawed; a counter of the class. Code that
        caches views of parameters, or a list of trainable ones, compares this counter with the value it saw when it built
        the cache.
    """

    __slots__ = ("data", "grad", "updated")
    changes: ClassVar[int] = 0

    def __init__(self, size: int, dtype: DTypeLike, updated: bool = False) -> None:
        self.data, self.grad = (aligned(size, dtype, zeroed=True) for _ in range(2))
        self.updated = updated

    @classmethod
    def gather(cls, parameters: Iterable[Parameter], dtype: DTypeLike | None = None) -> None:
        """Move distinct parameters, in this order, into one new pair of vectors, converted to ``dtype`` if it is given."""
        at_once(cls.moves(parameters, dtype))

    @classmethod
    def moves(cls, parameters: Iterable[Parameter], dtype: DTypeLike | None = None) -> Act:
        """Return the act that moves parameters as ``gather`` does; the new vectors are filled already."""
        moving, offset = list(parameters), 0
        attributes: Attributes = []
        if not moving:
            return placing(attributes)
        flat = cls(sum(p.data.size for p in moving), dtype or moving[0].dtype, any(p.flat.updated for p in moving))
        for parameter in moving:
            views = Views.of(flat, offset, parameter.shape)
            views.data[...] = as_floating(parameter.data, flat.data.dtype, "data", parameter)
            with np.errstate(over="ignore", under="ignore"):
                views.grad[...] = parameter.computed()
            attributes += views.held_by(parameter)
            offset += parameter.data.size
        cls.changes += 1                                            # before the move, so that no interrupt can hide it
        return placing(attributes)


def placing(attributes: Attributes) -> Act:
    """Return the act that sets attributes of Parameters, whose ``__setattr__`` would copy arrays."""
    return calling(object.__setattr__, attributes)


class Views(NamedTuple):
    """What a Parameter holds of the flat vectors that it stands in."""

    flat: FlatParameters
    offset: int
    T: Array
    grad_T: Array
    data: Array
    grad: Array

    @classmethod
    def of(cls, flat: FlatParameters, offset: int, shape: tuple[int, ...]) -> Views:
        """Return the views of ``flat`` from ``offset`` on, for a Parameter of this shape."""
        turned = [vector[offset:][:int(np.prod(shape))].reshape(shape[::-1]) for vector in (flat.data, flat.grad)]
        return cls(flat, offset, *turned, *(view.T for view in turned))

    def held_by(self, parameter: Parameter) -> Attributes:
        """Return the attributes of the Parameter, for ``placing``."""
        values = dict(zip(("flat", "offset", "T", "_grad_T", "data", "_grad"), self, strict=True))
        values |= {"factors": None, "grad_seen": False}
        return [(parameter, name, value) for name, value in values.items()]


class Parameter:
    """An array that training changes, and the gradient of the cost with respect to it.

    Parameters
    ----------
    data : array_like
        The initial numbers, which are copied.
    name : str
        The name in error messages. In a network its name is that of the attribute that holds it.
    dtype : {"float32", "float64"}, default "float32"

    Attributes
    ----------
    data, grad : arrays of the same shape and dtype
        Plain arrays. Assignment copies numbers into them. A container that takes the module in, and ``astype``, move them
        to other memory: read the attribute again after that. They are stored column-major, so that the transpose of a
        Linear's weight, which forward multiplies with, is contiguous.
    T, grad_T : arrays
        The transposes of data and grad, C-contiguous views.
    frozen : bool
        ``step`` does not change a frozen parameter. ``update`` does nothing in a module whose parameters are all frozen.
    factors : Factors or None
        The gradient, if ``update`` has not written it: the first to read ``grad`` writes it.
    grad_seen : bool
        Whether anybody has read ``grad``, and may have kept the array: from then on ``update`` writes into it.
    flat, offset : FlatParameters and int
        The flat vectors that ``data`` and ``grad`` are views of, and the place in them where the views begin.
    replaced_by : Parameter or None
        The Parameter that was last assigned in the place of this one, until this one is assigned again.
    """

    __slots__ = ("T", "_frozen", "_grad", "_grad_T", "data", "factors", "flat", "grad_seen", "name", "offset", "replaced_by")

    data: Array
    T: Array
    _grad: Array
    _grad_T: Array
    factors: Factors | None
    grad_seen: bool
    flat: FlatParameters
    offset: int
    name: str
    replaced_by: Parameter | None

    def __init__(self, data: ArrayLike, name: str, dtype: DTypeLike = "float32") -> None:
        initial = as_floating(data, floating_dtype(dtype), f"Parameter {name!r}: data")
        self.name, self._frozen, self.replaced_by = name, False, None
        views = Views.of(FlatParameters(initial.size, initial.dtype), 0, initial.shape)
        views.data[...] = initial
        at_once(placing(views.held_by(self)))

    @classmethod
    def drawn(cls, initializer: Initializer, shape: tuple[int, ...], rng: Seed, name: str, dtype: DTypeLike) -> Self:
        """Return a parameter with the initial numbers ``initializer(shape, rng, dtype)``."""
        if isinstance(initializer, type) or not callable(initializer):
            raise ArgumentError(f"{name}_init must be an initializer, such as GlorotUniform(), got {initializer!r}")
        initial = as_floating(initializer(shape, rng, dtype), floating_dtype(dtype), f"{name}_init", initializer)
        if initial.shape != shape:
            raise ShapeError(f"{name}_init must return an array of shape {shape}, got {initial.shape} from {initializer!r}")
        return cls(initial, name, dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "data":
            self.fill("data", self.data, value)
        else:
            object.__setattr__(self, name, value)

    def fill(self, name: str, array: Array, value: ArrayLike) -> None:
        """Copy numbers into one of the arrays, unless they are that array itself, as after ``parameter.grad *= 2``."""
        if value is not array:
            numbers = as_floating(value, array.dtype, name, self)
            if numbers.shape != array.shape:
                raise ShapeError(f"{self!r}: {name} must have shape {array.shape}, got {numbers.shape}")
            array[...] = numbers

    @property
    def grad(self) -> Array:
        if not self.grad_seen:
            self.grad_seen = True
        return self.computed()

    @grad.setter
    def grad(self, value: ArrayLike) -> None:
        self.fill("grad", self.grad, value)
        self.flat.updated = True

    @property
    def grad_T(self) -> Array:
        return self.grad.T

    def computed(self) -> Array:
        """Return the gradient, for code that does not keep the array; ``grad`` is for all other code."""
        if self.factors is not None:
            self.factors.write(self._grad_T)
            self.factors = None
        return self._grad

    def grad_T_to_write(self) -> Array:
        """Return the transpose of ``grad``, all of which the caller writes."""
        if self.factors is not None:                                # an assignment is a call: see __setattr__
            self.factors = None
        return self._grad_T

    def keep_factors(self, factors: Factors) -> None:
        """Take the gradient as factors, which ``grad`` multiplies; at once if somebody may have kept the array."""
        self.factors = factors
        if self.grad_seen:
            self.computed()

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
        FlatParameters.changes += 1                                 # first, so that no interrupt can hide the change
        self._frozen = bool(value)

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, shape={self.shape}, dtype={self.dtype.name!r})"

    def __getstate__(self) -> dict[str, Any]:                       # a copy gets vectors of its own
        return {"name": self.name, "frozen": self._frozen, "data": self.data, "grad": self.computed(),
                "updated": self.flat.updated}

    def __setstate__(self, state: dict[str, Any]) -> None:
        data = state["data"]
        self.name, self._frozen, self.replaced_by = state["name"], state["frozen"], None
        views = Views.of(FlatParameters(data.size, data.dtype, state["updated"]), 0, data.shape)
        views.data[...], views.grad[...] = data, state["grad"]
        at_once(placing(views.held_by(self)))
