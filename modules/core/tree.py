"""Tree: modules inside modules, and what the whole of them holds: parameters, buffers, generators, state."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from .diagram import Node, Wiring
from .parameter import Parameter
from .state import load_arrays

if TYPE_CHECKING:
    from .base import Module

Step = Callable[["Module", Any], Any]                               # a module and what it reads -> what it makes of it


class Tree:
    """What a module knows of the modules inside it."""

    __slots__ = ()

    buffers: ClassVar[tuple[str, ...]] = ()
    _owner: weakref.ref[Module] | None                               # the container that runs this module

    def children(self) -> dict[str, Module]:
        """The modules that this one is made of, by name."""
        return {name: cast("Module", value) for name, value in vars(self).items() if isinstance(value, Tree)}

    def named_modules(self, prefix: str = "") -> list[tuple[str, Module]]:
        """This module and all below it, parents first, with their paths (``""``, ``"0"``, ``"1.inner"``)."""
        found = [(prefix, cast("Module", self))]
        for name, child in self.children().items():
            found += child.named_modules(below(prefix, name))
        return found

    def leaves(self, prefix: str = "") -> list[tuple[str, Module]]:
        """The modules in the order in which data pass, with their paths; containers are opened, others stand for themselves."""
        return [(prefix, cast("Module", self))]

    def flow(self, value: Any, step: Step) -> Any:
        """What comes out if ``step(leaf, what it reads)`` is what each of ``leaves()``, in their order, makes of it."""
        return step(cast("Module", self), value)

    def wiring(self) -> Wiring:
        """What reads what, by the paths of ``leaves()`` and the names of inputs, x or x0, x1, ..."""
        module = cast("Module", self)
        inputs = ("x",) if module.arity in (1, None) else tuple(f"x{k}" for k in range(module.arity))
        return Wiring(inputs, [Node("", module, inputs)], ("",))

    def own_parameters(self) -> dict[str, Parameter]:
        """Parameters of this module itself, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Parameter)}

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """All parameters of the tree by path (``"0.weight"``); a shared one is listed once, where it first stands."""
        found: dict[int, tuple[str, Parameter]] = {}
        for name, parameter in self._places():
            found.setdefault(id(parameter), (name, parameter))
        return list(found.values())

    def parameters(self) -> list[Parameter]:
        """All parameters of the tree, each once: what an optimizer is given."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> list[tuple[str, Array]]:
        """All buffers of the tree by path (``"1.running_mean"``)."""
        return [(below(path, name), getattr(module, name))
                for path, module in self.named_modules() for name in module.buffers]

    def named_generators(self) -> list[tuple[str, np.random.Generator]]:
        """The generators that modules of the tree draw from, by the module's path (``"3"``)."""
        return [(path, value) for path, module in self.named_modules() for value in vars(module).values()
                if isinstance(value, np.random.Generator)]

    def tied(self) -> list[tuple[Module, list[Parameter]]]:
        """The modules inside, each with those of its parameters that one before it has too: their gradients add up."""
        found, seen = [], set[Parameter]()
        for module in self.children().values():
            mine = module.parameters()
            found.append((module, [parameter for parameter in mine if parameter in seen]))
            seen.update(mine)
        return found

    def _places(self) -> list[tuple[str, Parameter]]:
        """Every place in the tree that holds a parameter; a shared one has several."""
        return [(below(path, name), parameter) for path, module in self.named_modules()
                for name, parameter in module.own_parameters().items()]

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Type of the parameters, which inputs are converted to; None without parameters: inputs keep theirs."""
        for module in (self, *self.children().values()):
            for parameter in module.own_parameters().values():
                return parameter.dtype
            if module is not self and module.dtype is not None:
                return module.dtype
        return None

    def owners(self) -> Iterator[Module]:
        """The containers that run this module, from the inside."""
        owner = None if self._owner is None else self._owner()
        if owner is not None:
            yield owner
            yield from owner.owners()

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and buffers by path, as in PyTorch (a shared parameter under each of its names)."""
        arrays = [(name, parameter.data) for name, parameter in self._places()] + self.named_buffers()
        return {name: np.array(array, order="C") for name, array in arrays}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Copy a state in. All names and shapes are checked before the first number is written.

        With ``strict=False`` missing and unexpected names are passed over. BatchNorm's ``num_batches_tracked``, which
        PyTorch writes, is ignored. Raises StateError, which lists all that does not fit.
        """
        targets = {name: parameter.data for name, parameter in self._places()} | dict(self.named_buffers())
        load_arrays(repr(self), targets, state, strict)


def below(path: str, name: str) -> str:
    """The path of what is called ``name`` in the module at ``path``."""
    return f"{path}.{name}" if path else name
