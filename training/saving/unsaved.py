"""What a checkpoint cannot hold: what callbacks remember that no ``state_dict`` returns, and that changes in training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ...losses import Loss
from ...modules import Module
from ...optim import Optimizer
from ..callbacks import AfterEpoch, Callback, Run
from ..history import History
from .run_state import LIBRARY, has_state

MOST = 100                                                          # numbers or items that are compared: the first and the last
HELD = (Module, Optimizer, Loss, Run, History, ModuleType, type)    # are in the checkpoint, or do not change
FUNCTIONS = (FunctionType, MethodType, partial)


class Unsaved:
    """Finds what callbacks remember that is no longer as it was when training began, and that no checkpoint holds.

    That is: attributes of callbacks without ``state_dict`` that are not of the library; and of functions, also of those that
    are attributes of any callback, the variables around them, the defaults, and the global variables, also of the functions of
    the same file that they call. ``held`` are objects that the checkpoint has, or that are looked into by themselves.
    """

    def __init__(self, callbacks: Iterable[Callback], held: Iterable[Any]) -> None:
        self.callbacks, self.held = list(callbacks), {id(each) for each in held}
        self.before = self.marks()

    def found(self) -> list[str]:
        """Return the names of what has changed."""
        return [name for name, mark in self.marks().items() if self.before.get(name) != mark]

    def marks(self) -> dict[str, Any]:
        seen = set[int]()
        return {name: self.mark(value) for callback in self.callbacks for name, value in remembered(callback, seen)}

    def mark(self, value: Any, depth: int = 3) -> Any:
        """Return what tells whether a value has changed: a part of its numbers, if it is large."""
        if id(value) in self.held or isinstance(value, HELD):
            return None
        if isinstance(value, np.random.Generator):
            return repr(value.bit_generator.state)
        if isinstance(value, np.ndarray):
            step = max(1, value.size // MOST)
            return value.shape, b"" if value.dtype.hasobject else value.flat[::step].tobytes() + value.flat[-1:].tobytes()
        if isinstance(value, (list, tuple, set, deque, dict)):
            items = list(value.items() if isinstance(value, dict) else value)
            some = items if len(items) <= MOST else items[:MOST // 2] + items[-MOST // 2:]
            return len(items), [self.mark(item, depth - 1) for item in some] if depth else None
        if isinstance(value, (bool, int, float, str, bytes, np.generic, type(None))):
            return type(value), repr(value)
        return [self.mark(item, depth - 1) for item in vars(value).values()] if depth and hasattr(value, "__dict__") else None


def remembered(found: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield what a callback or a function remembers and no ``state_dict`` returns, with names; nothing for those ``seen``."""
    found = found.function if isinstance(found, AfterEpoch) else found
    if id(found) in seen:
        return
    if not isinstance(found, MethodType):                           # which is a new object each time
        seen.add(id(found))
    if isinstance(found, partial):
        yield from ((f"an argument of {named(found.func)}", value) for value in (*found.args, *found.keywords.values()))
        yield from remembered(found.func, seen)
    elif isinstance(found, FunctionType):
        if not (found.__module__ or "").startswith(LIBRARY):
            yield from variables(found, seen)
    elif isinstance(found, MethodType):
        yield from remembered(found.__func__, seen)
        yield from remembered(found.__self__, seen)
    else:
        attributes = getattr(found, "__dict__", {})
        if not has_state(found) and not type(found).__module__.startswith(LIBRARY):
            yield from ((f"the attribute {name} of {type(found).__name__}", value) for name, value in attributes.items())
        methods = vars(type(found)).values() if isinstance(found, Callback) else ()
        for function in (*attributes.values(), *methods):
            if isinstance(function, FUNCTIONS):
                yield from remembered(function, seen)


def variables(function: FunctionType, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the variables of a function, its defaults, and the same of the functions of the same file that it calls."""
    cells = zip(function.__code__.co_freevars, map(contents, function.__closure__ or ()), strict=True)
    scope = function.__globals__
    around = [*cells, *((name, scope[name]) for name in global_names(function.__code__) if name in scope)]
    yield from ((f"the variable {name} of {named(function)}", value) for name, value in around)
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield f"a default of {named(function)}", value
    for _, value in around:
        if isinstance(value, FunctionType) and value.__globals__ is scope:
            yield from remembered(value, seen)


@lru_cache(1000)
def global_names(code: CodeType) -> tuple[str, ...]:
    """Return the names of the global variables that a function uses, also in functions and lambdas inside of it."""
    from dis import get_instructions
    own = [str(each.argval) for each in get_instructions(code) if each.opname.endswith("_GLOBAL")]
    inner = [name for part in code.co_consts if isinstance(part, CodeType) for name in global_names(part)]
    return tuple(dict.fromkeys([*own, *inner]))


def contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:                                              # the variable has no value yet
        return None


def named(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "a lambda" if name == "<lambda>" else f"the function {name}"
