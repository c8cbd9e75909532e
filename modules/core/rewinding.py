"""Running a network without changing it.

``predict`` and ``evaluate`` run in evaluation mode, and leave modes, points, gradients and workspaces as they are. A block of
``preserved_evaluation`` puts them back, and must prepare every module twice: for small inputs this takes as long as dozens of
forwards. So a network of small inputs has twins: modules with the same attributes, hence the same parameters, in evaluation
mode, with points and workspaces of their own. Nothing of the network has to be put back, and the next input of that shape
finds a workspace that is prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy import ndarray

from ...restoring import Restored, filling, setting
from .evaluation import Evaluated
from .parameter import FlatParameters
from .summary import KEPT, examples_at_once, numbers_between
from .values import Signature, Value, each, parts

LIBRARY = __name__.partition(".")[0]
SHAPES = 4                                                          # of inputs for which a network keeps a twin
Net = Evaluated[Any]                                                # Module: base.py imports this file
T = TypeVar("T")


def unchanged(*nets: Net) -> Restored:
    """Return a context manager that puts back networks: as ``preserved_evaluation`` does, and their buffers and generators.

    Enter it twice: ``with unchanged(net) as kept, kept: ...``; see Restored.
    """
    kept = rewound(*nets)
    for net in dict.fromkeys(nets):
        kept &= net.preserved_evaluation()
    return kept


def rewound(*nets: Net) -> Restored:
    """Return a context manager that puts back generators and buffers, so that the next draws are the same again.

    Enter it twice: see Restored.
    """
    streams = [generator.bit_generator for net in nets for _, generator in net.named_generators()]
    buffers = [(module, name, getattr(module, name)) for net in nets for _, module in net.named_modules()
               for name in module.buffers]
    return Restored([setting([(stream, "state", stream.state) for stream in streams]),
                     filling([(array, np.copy(array)) for _, _, array in buffers]),
                     setting(buffers)])                             # a forward may have assigned a new array


@contextmanager
def reused_workspaces(root: Net) -> Iterator[None]:
    """Inside a block of ``preserved_evaluation``, use the workspaces that the last such block left, if they fit and are small.

    In a small network, new workspaces take longer than a step. On a tape they are always new, since plans contain the
    recorders of the tape.
    """
    modules = [module for _, module in root.named_modules()]
    modes, attributes = [module.training for module in modules], Attributes.of(modules)
    on_tape = any(module._taped for module in modules)
    spare, root._spare = root._spare, None                          # a nested block makes its own
    if spare is not None and spare[0] == modes and spare[1].current() and not on_tape:
        for module, values in zip(modules, spare[2], strict=True):
            for name, value in zip(module._workspace, values, strict=True):
                setattr(module, name, value)
    signature = root._signature
    yield
    if root._signature is not None and not on_tape and (root._signature == signature or small(root, root._signature)):
        root._spare = modes, attributes, [[getattr(module, name) for name in module._workspace] for module in modules]


class Attributes(NamedTuple):
    """The attributes of modules at some time: what workspaces that are used again were made for."""

    held: list[dict[str, Any]]                                      # the modules' own dicts
    copies: list[dict[str, Any]]
    changes: int                                                    # FlatParameters.changes

    @classmethod
    def of(cls, modules: list[Net]) -> Attributes:
        held, changes = [vars(module) for module in modules], FlatParameters.changes
        return cls(held, [*map(dict, held)], changes)

    def current(self) -> bool:
        """Whether no attribute of any module has been assigned since, and no Parameter has moved or been replaced."""
        try:
            return self.changes == FlatParameters.changes and self.held == self.copies
        except Exception:                                           # other arrays, say, have no single truth value
            return False


class Twin(NamedTuple):
    """A twin of a network, and the attributes of the network for which it was made."""

    net: Net
    attributes: Attributes

    @classmethod
    def of(cls, net: Net, signature: Signature) -> Twin | None:
        """Return a new twin; None if the network can have none, or the workspace for such inputs would be large.

        On a tape a network has none: the twin's phases would not be recorded.
        """
        modules = [module for _, module in net.named_modules()]
        if any(module._taped for module in modules) or not small(net, signature):
            return None
        attributes, twin = Attributes.of(modules), twin_of(net, {})
        return None if twin is None else cls(twin, attributes)


def small(net: Net, signature: Signature) -> bool:
    """Whether the workspace for inputs of this shape and dtype may be kept."""
    numbers = numbers_between(net, signature[0])
    return numbers is not None and numbers * signature[1].itemsize <= KEPT


def twin_of(module: Net, twins: dict[int, Net]) -> Net | None:
    """Return a module of the same attributes, in evaluation mode, that shares nothing else; its modules inside are twins too.

    It is added to ``twins``, by the id of the module. None if a class with phases of its own is a user's: such phases may reach
    the module itself, whose mode and point are others, by a way that is not seen here.
    """
    kind, attributes, children = type(module), vars(module), module.children()
    phases_of_its_own = any(leaf is module for _, leaf in module.leaves())
    further_slots = kind.__basicsize__ != next(filter(of_library, kind.__mro__)).__basicsize__
    if (phases_of_its_own and (children or not of_library(kind))) or further_slots:
        return None
    if None in [twin_of(child, twins) for child in children.values()]:
        return None
    twins[id(module)] = twin = Evaluated.__new__(kind)
    twin.training = False
    twin.__dict__ = {name: exchanged(value, twins) for name, value in attributes.items()} if children else attributes
    return twin


def of_library(kind: type) -> bool:
    """Whether a class is the library's own."""
    return kind.__module__.partition(".")[0] == LIBRARY


def exchanged(value: Any, twins: dict[int, Any]) -> Any:
    """Return the twin in the place of each module, also in a dict or a list."""
    if isinstance(value, dict):
        return {key: exchanged(item, twins) for key, item in value.items()}
    return [exchanged(item, twins) for item in value] if isinstance(value, list) else twins.get(id(value), value)


def known_signature(net: Net, x: Any) -> Signature | None:
    """Return shape and dtype of an array, if the network has a twin for such arrays, and so has accepted one before."""
    signature = (x.shape, x.dtype) if type(x) is ndarray else None
    return signature if signature in net._twins else None


def taken(net: Net, signature: Signature) -> Twin | None:
    """Return the twin for inputs of this shape and dtype, which is new if there is none; no other thread finds it then."""
    twin = net._twins.pop(signature, None)
    if twin is None or not twin.attributes.current():
        if len(net._twins) >= SHAPES:
            net._twins.clear()
        twin = Twin.of(net, signature)
    return twin


def in_evaluation(self: Net, x: Value, signature: Signature, size: int | None, run: Callable[[Net, Value, int | None], T]) -> T:
    """Return ``run(net, x, step)`` where net is ``self``, or its twin, in evaluation mode; nothing of ``self`` changes.

    ``signature`` is that of the examples x. ``step`` is how many of them the network is to be given at a time, None: all;
    it is ``size``, if that is not None.
    """
    if self._owner is None and (size is None or size >= len(parts(x)[0])):
        busy = self._busy
        if busy:
            self.check_alone()
        twin = taken(self, signature)
        if twin is not None:
            try:
                self._busy = busy or True
                result = run(twin.net, x if type(x) is ndarray and x.base is None else each(own, x), None)
            finally:
                self._busy = busy
            self._twins[signature] = twin                           # not after an error or an interrupt
            return result
    with self.preserved_evaluation() as kept, kept:
        self.eval()
        return run(self, x, size or examples_at_once(self, *signature))


def own(array: Any) -> Any:
    """Return an array that a twin may hold until its next forward: not a view, which would hold all of another array."""
    return array if array.base is None else array.copy("K")


def outputs(net: Net, x: Value, step: int | None) -> Value:
    """Return the outputs for examples that are given ``step`` at a time, None: all."""
    if step is None or step >= (n := len(parts(x)[0])):
        return net.forward(x)
    found = [net.forward(each(lambda array: array[i:i + step], x)) for i in range(0, n, step)]  # noqa: B023
    return each(lambda *arrays: np.concatenate(arrays), *found)
