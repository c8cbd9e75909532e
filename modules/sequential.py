"""Sequential: modules one after another, run from a plan."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DtypeError
from ..initializers.base import Array
from .base import Module, below
from .doors import Phase, bare, explain, inward, settle
from .parameter import Home


class Plan(NamedTuple):
    """Bare phases bound to their modules and to the buffers that they write into, for one shape of input."""

    forwards: list[tuple[Phase, Array]]                             # all but the last
    last: Phase
    backwards: list[tuple[Module, Phase, Array]]                    # from the last module to the second
    first: Phase
    training: list[tuple[Module, Phase, Array]]                     # from the last module to the one after `root`
    root: Module                                                    # the first module that has parameters
    inward: Phase                                                   # its backward, without the input gradient


class Sequential(Module):
    r"""Modules one after another: :math:`y = f_n(\dots f_2(f_1(x)))`.

    Parameters
    ----------
    *modules : Module
        At least one; containers too. Each instance once: to use the same weights twice, share the Parameter
        (``b.weight = a.weight``, before the optimizer is built).

    Notes
    -----
    ``backward`` is the chain rule from the last module to the first (lecture, slides 8 and 49-63). The first input of
    a new shape makes a plan: the modules' bare phases and the arrays between them, which the next steps use again. An
    array is shared by the two sides of a module where no point remembers it. What comes back is always fresh. All
    parameters live in one flat vector, and all gradients in another.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 16, rng=1), rp.Tanh(), rp.Linear(16, 1, rng=2))
    >>> net.forward(np.zeros((5, 2))).shape, len(net), net[1]
    ((5, 1), 3, Tanh())
    """

    def __init__(self, *modules: Module) -> None:
        if not modules:
            raise ArgumentError("Sequential needs at least one module")
        for k, module in enumerate(modules):
            if not isinstance(module, Module):
                hint = "; unpack a list: Sequential(*modules)" if isinstance(module, (list, tuple)) else ""
                raise ArgumentError(f"Sequential: argument {k} must be a Module, got {module!r}{hint}")
        self._adopt(modules)
        warn_of_equal_weights(self)

    def _adopt(self, modules: tuple[Module, ...]) -> None:
        seen: dict[int, str] = {}
        for k, module in enumerate(modules):
            for path, inner in module.named_modules(str(k)):
                if id(inner) in seen:
                    raise ArgumentError(f"Sequential: {inner!r} stands in two places, {seen[id(inner)]} and {path}; "
                                        "make a second module and share the Parameter (b.weight = a.weight)")
                seen[id(inner)] = path
            if module._owner is not None and module._owner() is not None:
                raise ArgumentError(f"Sequential: argument {k}, {module!r}, is already inside another container; copy it "
                                    "(copy.deepcopy), or make a second module and share the Parameter")
        check_one_dtype(modules)
        self.modules = modules
        self.inside = [module for _, module in self.named_modules()[1:]]
        for module in self.inside:
            module.forget()                                         # their parameters move
        for module in modules:
            module._owner = weakref.ref(self)
        Home.gather(self.parameters())

    def children(self) -> dict[str, Module]:
        return {str(k): module for k, module in enumerate(self.modules)}

    def leaves(self, prefix: str = "") -> list[tuple[str, Module]]:
        return [leaf for name, child in self.children().items() for leaf in child.leaves(below(prefix, name))]

    def __len__(self) -> int:
        return len(self.modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def __getitem__(self, index: int) -> Module:
        return self.modules[index]

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        for k, module in enumerate(self.modules):
            with located(k):
                input_shape = module.output_shape(input_shape)
        return input_shape

    def admit(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        for k, module in enumerate(self.modules):
            with located(k):
                shape = module.admit(shape)
        return shape

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Plan:
        check_one_dtype(self.modules)
        shapes, gradients = [shape], []
        buffers: list[Array] = []
        before: Module | None = None
        for k, module in enumerate(self.modules):
            with located(k):
                shapes.append(settle(module, shapes[-1], dtype))
            gradients.append(np.empty(shapes[k] if k else 0, dtype))      # the first module's leaves the container
            if before is not None and in_place(before, module) and np.prod(shapes[k]) == np.prod(shapes[k + 1]):
                before_it = buffers[-1]                             # the same object where the shape is: NumPy is faster then
                buffers.append(before_it if shapes[k + 1] == shapes[k] else before_it.reshape(shapes[k + 1]))
            else:
                buffers.append(np.empty(shapes[k + 1], dtype))
            before = module
        forwards, backwards = ([bare(module, phase) for module in self.modules] for phase in ("forward", "backward"))
        steps = list(zip(self.modules, backwards, gradients, strict=True))
        first = next((k for k, module in enumerate(self.modules) if module.parameters()), len(self) - 1)
        root = self.modules[first]
        return Plan(list(zip(forwards[:-1], buffers[:-1], strict=True)), forwards[-1], steps[:0:-1], backwards[0],
                    steps[:first:-1], root, inward(root))

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Input of the first module -> output of the last."""
        plan: Plan = self.scratch
        self.point = x
        try:
            for phase, buffer in plan.forwards:
                x = phase(x, buffer)
            phase = plan.last
            return phase(x, out)
        except BaseException as error:                              # half of the points are of this x: none may serve
            for module in self.inside:
                module.forget()
            error.add_note(f"in Sequential[{self.modules.index(phase.__self__)}]")  # type: ignore[attr-defined]
            raise

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """Gradient of the output -> gradient of the input.

        With ``input_gradient=False`` it ends at the first module that has parameters, before the product that only the
        input's gradient needs, and returns None: enough for training, and up to a third less work.
        """
        plan: Plan = self.scratch
        module = self.modules[-1]
        try:
            for module, phase, buffer in plan.backwards if input_gradient else plan.training:
                module.gradient = g
                g = phase(g, buffer)
            module = self.modules[0] if input_gradient else plan.root
            module.gradient = g
            if input_gradient:
                return plan.first(g, out)
            plan.inward(g)
            return None
        except BaseException as error:                              # half of the gradients are of this g
            self.gradient = None
            explain(module, error)
            error.add_note(f"in Sequential[{self.modules.index(module)}]")
            raise

    def jvp(self, t: Array) -> Array:
        """Tangent of the input -> tangent of the output, from the first module to the last."""
        for k, module in enumerate(self.modules):
            with located(k):
                t = bare(module, "jvp")(t)
        return t

    def update(self) -> None:
        """Gradients of all parameters of the modules inside."""
        for update in self.updates:
            update()

    def review(self) -> None:
        super().review()
        self.updates: list[Phase] = []
        for module, again in self.tied():
            module.review()
            if module._trains and module.parameters():
                self.updates.append(partial(module.accumulate, again) if again else bare(module, "update"))

    def disturb(self) -> None:
        for module in self.inside:
            module.gradient = None
        Module.disturb(self)                                        # super() takes longer

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("inside", "updates")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._adopt(self.modules)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.modules))})"


def in_place(before: Module, after: Module) -> bool:
    """Whether ``after`` may write its output over its input, which ``before`` made."""
    return before.remembers in ("input", "neither") and after.remembers in ("output", "neither")


@contextmanager
def located(index: int) -> Iterator[None]:
    """Errors from inside say in which module of the container they rose."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in Sequential[{index}]")
        raise


def check_one_dtype(modules: Sequence[Module]) -> None:
    found = {parameter.dtype: path for k, module in enumerate(modules)
             for path, parameter in ((f"{k}.{name}", p) for name, p in module.named_parameters())}
    if len(found) > 1:
        listed = " and ".join(f"{dtype} ({path})" for dtype, path in found.items())
        raise DtypeError(f"Sequential: all parameters must have one dtype, got {listed}; use astype")


def warn_of_equal_weights(net: Sequential) -> None:
    """Two layers that start equal were most likely given the same seed."""
    weights = [(name, parameter.data) for name, parameter in net.named_parameters() if parameter.data.ndim > 1]
    for (a, first), (b, second) in combinations(weights, 2):
        if first.shape == second.shape and np.array_equal(first, second):
            warnings.warn(f"Sequential: {a} and {b} start with the same numbers; give each layer an rng of its own",
                          stacklevel=3)
