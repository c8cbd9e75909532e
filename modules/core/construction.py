"""The arguments of a module's constructor, read from the module as it is now: for its text, and for files of models."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import numpy as np

Arguments = tuple[list[Any], dict[str, Any]]                        # by position, and by name


def arguments_of(module: Any) -> Arguments:
    """Return the arguments that have an attribute of their name, without ``rng``; those without a default by position.

    A dtype is given as text, an array as a list, and an argument that is annotated as a bool as one: ``bias`` of a Linear
    holds a Parameter or None.
    """
    args: list[Any] = []
    options: dict[str, Any] = {}
    for name, parameter in parameters_of(type(module)).items():
        if name == "rng" or (name not in vars(module) and not hasattr(type(module), name)):
            continue
        value = getattr(module, name)
        if name == "dtype":
            value = str(value)
        elif parameter.annotation in ("bool", bool):
            value = value is not None and value is not False
        elif isinstance(value, np.ndarray):
            value = value.tolist()
        if parameter.kind is Parameter.VAR_POSITIONAL:
            args += value
        elif parameter.kind is Parameter.VAR_KEYWORD:
            options |= value
        elif parameter.default is Parameter.empty and parameter.kind is not Parameter.KEYWORD_ONLY:
            args.append(value)
        else:
            options[name] = value
    return args, options


def as_text(module: Any) -> str:
    """Return the call that makes the module, without arguments that have their default."""
    (args, options), parameters = module.arguments(), parameters_of(type(module))
    shown = [f"{name}={value!r}" for name, value in options.items()
             if name not in parameters or value != parameters[name].default]
    return f"{type(module).__name__}({', '.join([*map(repr, args), *shown])})"


def parameters_of(kind: type) -> dict[str, Parameter]:
    """Return the parameters of a class's constructor by name, without ``self``."""
    init = kind.__init__                                            # type: ignore[misc]
    return {} if init is object.__init__ else dict(list(signature(init).parameters.items())[1:])
