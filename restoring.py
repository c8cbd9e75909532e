"""Changes that an interrupt cannot leave half done.

Ctrl-C raises KeyboardInterrupt between two instructions of Python code, wherever that is, but never inside a call of a C
function. So a change of several attributes or arrays is prepared aside, then made by one such call: an interrupt comes before
all of it, or after. What is changed only for a while is remembered before, and put back by one such call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, starmap
from operator import setitem
from threading import get_ident
from typing import Any, Self
from weakref import ref

from .arguments import Array

BLOCKS: dict[int, ref[Restored]] = {}                               # by id, those that have something for themselves
Act = Callable[[], Iterator[Any]]                                   # makes an iterator that calls a C function again and again
Attributes = list[tuple[Any, str, Any]]                             # (object, name, value)


def at_once(*acts: Act) -> None:
    """Make all calls of the acts, or none of them."""
    calls = [act() for act in acts]
    deque(chain.from_iterable(calls), 0)                            # makes them all, without a step of Python in between


def calling(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Act:
    """Return the act that calls a C function with each of the tuples of arguments."""
    return partial(starmap, function, arguments)


def setting(attributes: Attributes) -> Act:
    """Return the act that sets attributes, of objects whose class has no ``__setattr__``: that would be Python code."""
    return partial(starmap, setattr, attributes)


def alike(objects: Iterable[Any], **values: Any) -> Attributes:
    """Return attributes, for ``setting``, that have these values in all the objects."""
    return [(each, name, value) for each in objects for name, value in values.items()]


def filling(arrays: Iterable[tuple[Array, Array]]) -> Act:
    """Return the act that writes numbers into arrays, from pairs (array, numbers) of the same shape."""
    return calling(setitem, [(array, ..., numbers) for array, numbers in arrays])


class Restored:
    """A context manager that makes a change on entry, and undoes it on exit, whatever interrupts the block.

    Enter it twice: ``with Restored(undo, change) as kept, kept: ...``. If an interrupt comes where the inner exit begins, the
    outer one restores. Undoing twice does no more than undoing once.

    Parameters
    ----------
    undo, change : lists of Act
    of : tuple
        What the block has for itself; see ``Evaluated.check_alone``.
    """

    def __init__(self, undo: list[Act], change: list[Act] | None = None, of: tuple[Any, ...] = ()) -> None:
        self.undo, self.change, self.of, self.undone = undo, change or [], of, True
        self.ended, self.thread = False, get_ident()
        if of:
            BLOCKS[id(self)] = ref(self)

    def __enter__(self) -> Self:
        try:
            if self.undone:
                self.undone = False
                at_once(*self.change)
            return self
        except BaseException:
            at_once(*self.undo)
            raise

    def __exit__(self, *error: object) -> None:
        if not self.undone:
            self.restore()
            self.undone = self.ended = True
            BLOCKS.pop(id(self), None)

    def restore(self) -> None:
        """Undo the change now, inside a block or without one."""
        at_once(*self.undo)

    def __and__(self, other: Restored) -> Restored:
        """Return the context manager that does what both do."""
        both = Restored(self.undo + other.undo, self.change + other.change, self.of + other.of)
        for part in (self, other):
            BLOCKS.pop(id(part), None)
        return both
