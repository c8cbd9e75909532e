"""Attributes of modules that hold Parameters: what may be assigned to them, and that none is overlooked."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import getattr_static
from typing import Any

from ...errors import ArgumentError, DtypeError, ShapeError
from ...restoring import at_once, calling
from .parameter import FlatParameters, Parameter, placing


class ParameterAttribute:
    """A descriptor that refuses the assignment of a Parameter of another shape or dtype than the one that it replaces.

    It also refuses arrays, which belong into the Parameter's ``data``.

    It has no ``__get__``, so that reading the attribute needs no call. It suits an attribute that each instance has: a class
    of the library declares it by ``weight: Parameter = parameter_attribute()``.
    """

    __slots__ = ("name",)
    always = True                                                   # whether each instance has it, so that nothing else can

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, module: Any, value: Any) -> None:
        held, replaced = vars(module).get(self.name), list[tuple[Any, str, Any]]()
        array = isinstance(value, (list, tuple, memoryview)) or hasattr(value, "__array__")
        if isinstance(held, Parameter) and not isinstance(value, (Parameter, type(None))) and (array or self.always):
            raise ArgumentError(f"{module!r}: {self.name} must be a Parameter or None, got {type(value).__name__}; to change "
                                f"its numbers, write {self.name}.data = ...")
        if isinstance(held, Parameter) and isinstance(value, Parameter):
            if value.shape != held.shape:
                raise ShapeError(f"{module!r}: {self.name} must be replaced by a Parameter of shape {held.shape}, got "
                                 f"{value.shape}")
            if value.dtype != held.dtype:
                raise DtypeError(f"{module!r}: {self.name} must be replaced by a Parameter of dtype {held.dtype}, got "
                                 f"{value.dtype}; use astype")
            replaced = [(held, "replaced_by", value), (value, "replaced_by", None)]     # in this order: held may be value
        FlatParameters.changes += 1                                 # first, so that no interrupt can hide the change
        at_once(placing(replaced), calling(dict.__setitem__, [(vars(module), self.name, value)]))

    def __delete__(self, module: Any) -> None:
        FlatParameters.changes += 1
        if vars(module).pop(self.name, self) is self:
            raise AttributeError(f"{type(module).__name__!r} object has no attribute {self.name!r}")


def parameter_attribute() -> Any:
    """Return a ParameterAttribute, as a value that type checkers let stand for any declared type."""
    return ParameterAttribute()


MISSING = object()


class OptionalParameterAttribute(ParameterAttribute):
    """The same for an attribute that some instances lack: they have the value of the class, if there was one."""

    __slots__ = ("default",)
    always = False

    def __init__(self, name: str, default: Any = MISSING) -> None:
        super().__init__(name)
        self.default = default

    def __get__(self, module: Any, kind: Any = None) -> Any:
        found = self.default if module is None else vars(module).get(self.name, self.default)
        if found is not MISSING:
            return found
        if module is None:
            return self
        raise AttributeError(f"{type(module).__name__!r} object has no attribute {self.name!r}")


def watch_parameters(module: Any) -> None:
    """Watch the attributes of a module that hold Parameters, unless its class has a descriptor of that name."""
    kind = type(module)
    for name, value in vars(module).items():
        if isinstance(value, Parameter):
            default = getattr_static(kind, name, MISSING)
            if not isinstance(default, ParameterAttribute) and not hasattr(type(default), "__get__"):
                setattr(kind, name, OptionalParameterAttribute(name, default))


def watching(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that ends with ``watch_parameters``, and checks that all modules and Parameters are found."""

    @wraps(init)
    def constructor(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        watch_parameters(self)
        if type(self).__init__ is constructor:                      # not one that was called by super()
            self.refuse_hidden()

    return constructor
