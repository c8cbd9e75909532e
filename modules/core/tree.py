"""Tree: the modules inside a module, and what all of them hold: parameters, buffers, generators and state."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from ...errors import ArgumentError
from .diagram import Node, Wiring
from .parameter import Parameter
from .state import load_arrays
from .values import Value, parts

M = TypeVar("M", bound="Tree[Any]")                                 # Module, which base.py derives from Tree
Step: TypeAlias = Callable[[M, Any], Any]                           # (module, what it reads) -> what it returns


class Tree(Generic[M]):
    """What a module knows of the modules inside it."""

    __slots__ = ()

    arity: int | None = 1
    takes_integers: ClassVar[bool] = False
    feature_names: tuple[str, ...] | None = None
    class_labels: tuple[Any, ...] | None = None
    buffers: ClassVar[tuple[str, ...]] = ()
    nonnegative_buffers: ClassVar[tuple[str, ...]] = ()
    _owner: weakref.ref[M] | None                                   # the container that runs this module

    def children(self) -> dict[str, M]:
        """Return the modules directly inside this one, by name."""
        return {name: cast("M", value) for name, value in vars(self).items() if isinstance(value, Tree)}

    def named_modules(self, prefix: str = "") -> list[tuple[str, M]]:
        """Return this module and all modules inside it, parents first, with their paths (``""``, ``"0"``, ``"1.inner"``)."""
        found = [(prefix, cast("M", self))]
        for name, child in self.children().items():
            found += child.named_modules(below(prefix, name))
        return found

    def leaves(self, prefix: str = "") -> list[tuple[str, M]]:
        """Return the modules that are no containers, with their paths, in the order in which data pass through them."""
        return [(prefix, cast("M", self))]

    def flow(self, value: Any, step: Step[M]) -> Any:
        """Pass ``value`` through the ``leaves()``, each of which returns ``step(leaf, what it reads)``; return the outputs."""
        return step(cast("M", self), value)

    def wiring(self) -> Wiring[M]:
        """Return what each of the ``leaves()`` reads, by path; the inputs are called x, or x0, x1, ..."""
        inputs = ("x",) if self.arity in (1, None) else tuple(f"x{k}" for k in range(self.arity))
        return Wiring(inputs, [Node("", cast("M", self), inputs)], ("",))

    def holds_integers(self, x: Value) -> tuple[bool, ...]:
        """Return, for each array of x, whether it holds integers: whether it leads to a module that takes integers."""
        wiring = self.wiring()
        integers = set[str]()                                       # names of values
        for node in reversed(wiring.nodes):
            if node.module.takes_integers or node.path in integers:
                integers.update(node.sources)
        found = tuple(name in integers for name in wiring.inputs)
        return found * len(parts(x)) if self.arity is None else found

    def own_parameters(self) -> dict[str, Parameter]:
        """Return the parameters of this module itself, by name, without those of inner modules."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Parameter)}

    def refuse_hidden(self) -> None:
        """Raise ArgumentError for a module or a Parameter in a list, tuple, set or dict, unless it is an attribute too."""
        hidden = [(name, item) for name, value in vars(self).items() for item in collected(value)]
        if not hidden:
            return
        found = {id(item) for _, module in self.named_modules() for item in (module, *module.own_parameters().values())}
        for name, item in hidden:
            if id(item) not in found:
                raise ArgumentError(f"{self!r}: {name} must hold no modules or Parameters, got {item!r}: there they are "
                                    "neither trained nor saved; assign each to an attribute of its own, or use a Sequential")

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return all parameters with their paths (``"0.weight"``); a shared one is listed once, under its first path."""
        found: dict[int, tuple[str, Parameter]] = {}
        for name, parameter in self._places():
            found.setdefault(id(parameter), (name, parameter))
        return list(found.values())

    def parameters(self) -> list[Parameter]:
        """Return all parameters, each once: the argument of an optimizer."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> list[tuple[str, Array]]:
        """Return all buffers with their paths (``"1.running_mean"``)."""
        return [(below(path, name), getattr(module, name))
                for path, module in self.named_modules() for name in module.buffers]

    def named_generators(self) -> list[tuple[str, np.random.Generator]]:
        """Return the random generators that the modules draw from, with the path of the module (``"3"``)."""
        return [(path, value) for path, module in self.named_modules() for value in vars(module).values()
                if isinstance(value, np.random.Generator)]

    def tied(self) -> list[tuple[M, list[Parameter]]]:
        """Return each inner module with those of its parameters that an earlier one has too: their gradients are added."""
        found, seen = [], set[Parameter]()
        for module in self.children().values():
            mine = module.parameters()
            found.append((module, [parameter for parameter in mine if parameter in seen]))
            seen.update(mine)
        return found

    def _places(self) -> list[tuple[str, Parameter]]:
        """Return the parameters by every path that they have; a shared one has several."""
        return [(below(path, name), parameter) for path, module in self.named_modules()
                for name, parameter in module.own_parameters().items()]

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The dtype of the parameters, to which inputs are converted; None without parameters: inputs keep theirs."""
        modules: list[Tree[Any]] = [self, *self.children().values()]
        for module in modules:
            for parameter in module.own_parameters().values():
                return parameter.dtype
            if module is not self and module.dtype is not None:
                return module.dtype
        return None

    def owners(self) -> Iterator[M]:
        """Yield the containers around this module, the innermost first."""
        owner = None if self._owner is None else self._owner()
        if owner is not None:
            yield owner
            yield from owner.owners()

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers by path, as PyTorch does (a shared parameter under each of its paths)."""
        arrays = [(name, parameter.data) for name, parameter in self._places()] + self.named_buffers()
        return {name: np.array(array, order="C") for name, array in arrays}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Copy a state into the parameters and buffers, after all names, shapes and values have been checked.

        ``strict=False`` ignores missing and unexpected names. ``num_batches_tracked``, which PyTorch's BatchNorm writes, is
        always ignored. Raises StateError, whose message lists everything that does not fit. Values must be finite in the
        module's dtype (unless a buffer or a frozen Parameter holds NaN or infinity already, as a mask may), variances at
        least 0, and those of a Parameter that two modules share equal under both names.
        """
        buffers = dict(self.named_buffers())
        targets = {name: parameter.data for name, parameter in self._places()} | buffers
        fixed = buffers | {name: parameter.data for name, parameter in self._places() if parameter.frozen}
        nonnegative = {below(path, name) for path, module in self.named_modules() for name in module.nonnegative_buffers}
        nonfinite = {name for name, array in fixed.items() if not np.isfinite(array).all()}
        load_arrays(repr(self), targets, state, strict, nonnegative=nonnegative, nonfinite=nonfinite)


def collected(value: Any, depth: int = 3) -> Iterator[Tree[Any] | Parameter]:
    """Yield the modules and Parameters in a list, tuple, set or dict, and in such collections inside."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set, frozenset)) else ()
    for item in items:
        if isinstance(item, (Tree, Parameter)):
            yield item
        elif depth:
            yield from collected(item, depth - 1)


def below(path: str, name: str) -> str:
    """Return the path of the attribute ``name`` of the module at ``path``."""
    return f"{path}.{name}" if path else name
