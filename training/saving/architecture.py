"""The architecture of a network as JSON: which modules it is made of, with which arguments, and what they share."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from inspect import signature
from typing import Any

import numpy as np

from ... import initializers, modules
from ...arguments import Array, in_a_line
from ...errors import ArgumentError, FileFormatError, RetropropError
from ...initializers import Initializer
from ...losses import Loss
from ...modules import Module
from ...modules.core.attributes import ParameterAttribute
from ...modules.core.construction import arguments_of, parameters_of
from ...modules.core.parameter import FlatParameters, Parameter
from ...modules.core.tree import below
from ...printing import in_one_line

Kinds = Mapping[str, type[Module]]
PLAIN = (bool, int, float, str, type(None))                         # which JSON holds exactly
ROOM = 1000                                                         # to which an argument may be larger than the file's arrays


def table(public: Any, kind: type) -> dict[str, Any]:
    """Return the classes of this kind that a part of the library exports, by name."""
    found = {name: getattr(public, name) for name in public.__all__ if name[0].isupper()}
    return {name: one for name, one in found.items() if isinstance(one, type) and issubclass(one, kind) and one is not kind}


MODULES, INITIALIZERS = table(modules, Module), table(initializers, Initializer)


def described(net: Module) -> dict[str, Any]:
    """Return the architecture of a network, for ``built``; ArgumentError if a file cannot hold it."""
    if isinstance(net, Loss):
        raise ArgumentError(f"save_model: net must be a network, got a loss, {net!r}")
    paths = {id(module): path for path, module in net.named_modules()}
    return {"root": Description(paths).of(net), "shared": shared(net), "dtype": None if net.dtype is None else net.dtype.name}


def shared(net: Module) -> list[list[str]]:
    """Return the paths of each Parameter that has several."""
    found: dict[int, list[str]] = {}
    for path, parameter in places(net).items():
        found.setdefault(id(parameter), []).append(path)
    return [paths for paths in found.values() if len(paths) > 1]


def places(net: Module) -> dict[str, Parameter]:
    """Return the parameters by every path that they have."""
    return {below(path, name): parameter for path, module in net.named_modules()
            for name, parameter in module.own_parameters().items()}


class Description:
    """Turns modules and their arguments into what JSON holds."""

    def __init__(self, paths: Mapping[int, str]) -> None:
        self.paths = paths
        self.own: dict[str, type] = {}                              # classes of the user's, by name

    def of(self, module: Module) -> dict[str, Any]:
        kind, who = type(module), f"save_model: module {self.paths.get(id(module)) or 'net'}, {in_a_line(module)},"
        own = MODULES.get(kind.__name__) is not kind
        if own and self.own.setdefault(kind.__name__, kind) is not kind:
            raise ArgumentError(f"{who} must have a class with a name of its own, got two that are called {kind.__name__}")
        parameters = parameters_of(kind)
        args, options = module.arguments()
        if by_attributes(kind):
            lacking = [name for name in parameters if name != "rng" and not hasattr(module, name)]
            if lacking:
                raise ArgumentError(f"{who} must keep the argument {lacking[0]} of its constructor as an attribute of that "
                                    "name, or have a method arguments()")
            args, options = arguments_of(module)
        kept = {name: value for name, value in options.items() if not unknown_start(value, getattr(parameters.get(name),
                                                                                                   "default", None))}
        names = [*parameters, *("" for _ in args)]
        return {"own" if own else "module": kind.__name__,
                "args": [self.value(value, f"{who} argument {name}") for name, value in zip(names, args, strict=False)],
                "options": {name: self.value(value, f"{who} argument {name}") for name, value in kept.items()}}

    def value(self, value: Any, who: str) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in PLAIN:
            return value
        if isinstance(value, Module):
            return self.of(value)
        if type(value) is list:
            return [self.value(item, who) for item in value]
        if type(value) is tuple:
            return {"tuple": [self.value(item, who) for item in value]}
        if type(value) is dict and all(type(name) is str for name in value):
            return {"dict": [[name, self.value(item, who)] for name, item in value.items()]}
        if INITIALIZERS.get(type(value).__name__) is type(value):
            options = {field.name: self.value(getattr(value, field.name), who) for field in fields(value) if field.init}
            return {"initializer": type(value).__name__, "options": options}
        raise ArgumentError(f"{who} must be None, a number, a text, a module, an initializer of the library, or a list, tuple "
                            f"or dict of these, to be in a file, got a {type(value).__name__}")


def by_attributes(kind: type[Module]) -> bool:
    """Return whether the arguments are attributes: no class that wrote the constructor, or derives from it, says otherwise."""
    constructor, says = (next(one for one in kind.__mro__ if name in vars(one)) for name in ("__init__", "arguments"))
    return says is Module or (constructor is not says and issubclass(constructor, says))


def unknown_start(value: Any, default: Any) -> bool:
    """Return whether an argument is an initializer of the user's, which loading does without."""
    return isinstance(default, Initializer) and INITIALIZERS.get(type(value).__name__) is not type(value)


# ------------------------------------------------------------------ and back


def built(description: Any, arrays: Collection[Array], own: Kinds, path: str) -> Module:
    """Return the network of a description, with numbers that are to be replaced by those of ``arrays``.

    FileFormatError if the description is none, or of a network with more numbers than the arrays have. ArgumentError for a
    module that is neither the library's nor among ``own``.
    """
    try:
        lacking = [name for name in names_of_own(description["root"]) if name not in own]
        if not lacking:
            net = Construction(sum(array.size for array in arrays), own, description["dtype"]).module(description["root"])
            share(net, description["shared"])
            return net
    except (RetropropError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{path}: the network that it describes cannot be made ({type(error).__name__}: "
                              f"{in_one_line(error)[:300]})") from error
    raise ArgumentError(f"load_model: modules must have the class {lacking[0]}, which {path} needs and which is not the "
                        f"library's: load_model(..., modules={{{lacking[0]!r}: {lacking[0]}}})")


def names_of_own(value: Any) -> Iterator[str]:
    """Yield the names of the classes that are not the library's."""
    if isinstance(value, dict) and "own" in value:
        yield text(value["own"])
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names_of_own(item)


def text(name: Any) -> str:
    """Return a text; TypeError for anything else."""
    if type(name) is not str or not name.isprintable():
        raise TypeError(f"a name must be a printable text, got {in_a_line(name)[:100]}")
    return name


def share(net: Module, groups: list[list[str]]) -> None:
    """Let a network share Parameters as the saved one did."""
    owners, moved = dict(net.named_modules()), False
    for first, *others in groups:
        known = places(net)
        for other in others:
            if known[other] is not known[first]:
                owner, _, name = other.rpartition(".")
                setattr(owners[owner], name, known[first])
                moved = True
    if moved:                                                       # the flat vector of a new network has no gaps
        FlatParameters.gather(net.parameters())


class Construction:
    """Makes the modules of a description, with at most ``left`` numbers in those of the library."""

    def __init__(self, left: int, own: Kinds, dtype: str | None) -> None:
        self.left, self.own, self.dtype = left, own, dtype

    def of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "tuple" in value:
            return tuple(self.of(item) for item in value["tuple"])
        if "dict" in value:
            return {name: self.of(item) for name, item in value["dict"]}
        if "initializer" in value:
            return INITIALIZERS[value["initializer"]](**self.options(value))
        return self.module(value)

    def options(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: self.of(item) for name, item in value["options"].items()}

    def module(self, value: dict[str, Any]) -> Module:
        args, options = [self.of(item) for item in value["args"]], self.options(value)
        own = self.own[value["own"]] if "own" in value else None
        made = self.of_library(MODULES[value["module"]], args, options) if own is None else own(*args, **options)
        if self.dtype is not None and made.dtype is not None and made.dtype != self.dtype:
            made.astype(self.dtype)                                 # a module of the user's may have no argument for it
        return made

    def of_library(self, kind: type[Module], args: list[Any], options: dict[str, Any]) -> Module:
        parameters = parameters_of(kind)
        signature(kind).bind(*args, **options)                      # TypeError for other arguments
        given = {name: options.get(name, parameter.default) for name, parameter in parameters.items()}
        starts = {name: start for name, start in given.items() if isinstance(start, Initializer)}
        holds = any(isinstance(value, ParameterAttribute) for base in kind.__mro__ for value in vars(base).values())
        if holds and any(abs(number) > self.left + ROOM for number in integers([*args, *options.values()])):
            raise ValueError(f"{kind.__name__} asks for more numbers than there are")
        made = kind(*args, **options | dict.fromkeys(starts, self.blank))
        for name, start in starts.items():
            setattr(made, name, start)
        if holds:
            self.left -= sum(array.size for array in made.state_dict().values())
            if self.left < 0:
                raise ValueError("there are fewer numbers than the modules have")
        return made

    def blank(self, shape: tuple[int, ...], rng: Any, dtype: Any) -> Array:
        """Return zeros in the place of initial numbers, if there are as many numbers in the file."""
        if math.prod(shape) > self.left:
            raise ValueError(f"an array of shape {shape} has more numbers than there are")
        return np.zeros(shape, dtype)


def integers(value: Any) -> Iterator[int]:
    """Yield the integers in a value, also those in lists and tuples."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from integers(item)
