"""What a checkpoint cannot hold: what callbacks without a ``state_dict`` remember, and change in training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from ...losses import Loss
from ...modules import Module
from ...optim import Optimizer
from ..callbacks import AfterEpoch, Callback, Run
from ..history import History
from .run_state import has_state

MOST = 100                                                          # numbers or items that are compared: the first and the last
LIBRARY = __name__.partition(".")[0] + "."
HELD = (Module, Optimizer, Loss, Run, History)                      # are in the checkpoint, or do not change


class Unsaved:
    """Finds what callbacks remember that is no longer as it was when training began, and that no checkpoint holds.

    That is: attributes of callbacks without ``state_dict`` that are not of the library, and variables of functions. ``held``
    are objects that the checkpoint has.
    """

    def __init__(self, callbacks: Iterable[Callback], held: Iterable[Any]) -> None:
        self.callbacks, self.held = list(callbacks), {id(each) for each in held}
        self.before = self.marks()

    def found(self) -> list[str]:
        """Return the names of what has changed."""
        return [name for name, mark in self.marks().items() if self.before.get(name) != mark]

    def marks(self) -> dict[str, Any]:
        return {name: self.mark(value) for callback in self.callbacks for name, value in remembered(callback)}

    def mark(self, value: Any, depth: int = 3) -> Any:
        """Return what tells whether a value has changed: a part of its numbers, if it is large."""
        if id(value) in self.held or isinstance(value, (*HELD, type)):
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


def remembered(callback: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a callback remembers without a ``state_dict``: attributes, or the variables of its function."""
    found = callback.function if isinstance(callback, AfterEpoch) else callback
    while isinstance(found, partial):
        yield from ((f"an argument of {named(found.func)}", value) for value in (*found.args, *found.keywords.values()))
        found = found.func
    if isinstance(found, FunctionType):
        cells = zip(found.__code__.co_freevars, found.__closure__ or (), strict=True)
        yield from ((f"the variable {name} of {named(found)}", contents(cell)) for name, cell in cells)
        yield from ((f"a default of {named(found)}", value) for value in found.__defaults__ or ())
        return
    found = found.__self__ if isinstance(found, MethodType) else found
    if not has_state(found) and not type(found).__module__.startswith(LIBRARY):
        attributes = getattr(found, "__dict__", {})
        yield from ((f"the attribute {name} of {type(found).__name__}", value) for name, value in attributes.items())


def contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:                                              # the variable has no value yet
        return None


def named(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "a lambda" if name == "<lambda>" else f"the function {name}"
