"""Sequential: a chain of modules, run from a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import get_annotations
from keyword import iskeyword
from typing import Any, NamedTuple

import numpy as np

from ...arguments import in_a_line
from ...errors import ArgumentError
from ..core.base import Module
from ..core.construction import Arguments
from ..core.phases import Phase
from ..core.summary import in_notebooks
from ..core.values import Shape, Value, empty_buffers
from .container import Container, check_one_dtype, noted
from .planning import as_shape, in_place, planned, planned_jvp, without_input_gradient
from .wiring import listed


class Plan(NamedTuple):
    """Unchecked phases, bound to their modules, with the buffers that they write into, for one shape of input."""

    forwards: list[tuple[Phase, Value]]                             # of all modules but the last
    last_forward: Phase
    backwards: list[tuple[Module, Phase, Value]]                    # from the last module to the second
    entry: Module                                                   # the first module
    entry_backward: Phase
    training: list[tuple[Module, Phase, Value]]                     # from the last module to the one after `root`
    root: Module                                                    # the first module that has parameters
    root_backward: Phase                                            # without the input gradient
    tangents: list[tuple[str, Phase]]                               # jvp of each module, with its name


class Sequential(Container):
    r"""Modules one after another: :math:`y = f_n(\dots f_2(f_1(x)))`.

    Parameters
    ----------
    *modules : Module
        At least one; they may be containers. No instance may appear twice: to use the same weights twice, share the
        Parameter (``b.weight = a.weight``).
    **named : Module
        The same with names, instead of ``*modules``: ``Sequential(fc1=Linear(2, 3), relu=ReLU())``. The names are attributes
        (``net.fc1``, also ``net["fc1"]``), and begin the names of the parameters (``"fc1.weight"``), as in a PyTorch
        Sequential that is made of an OrderedDict.

    Notes
    -----
    ``backward`` applies the chain rule from the last module to the first (lecture, slides 8 and 49-63). For the first input
    of a new shape the container makes a plan: the unchecked phases of its modules, and the arrays between them, which all
    later steps use again. A module writes its output over its input if no point saves either. The arrays that forward and
    backward return are always new. All parameters are views of one flat vector, and all gradients of another.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 16, rng=1), rp.Tanh(), rp.Linear(16, 1, rng=2))
    >>> net.forward(np.zeros((5, 2))).shape, len(net), net[1]
    ((5, 1), 3, Tanh())
    >>> net = rp.Sequential(fc1=rp.Linear(2, 16, rng=1), tanh=rp.Tanh(), fc2=rp.Linear(16, 1, rng=2))
    >>> net.tanh is net[1] is net["tanh"], [name for name, _ in net.named_parameters()]
    (True, ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias'])
    """

    def __init__(self, *modules: Module, **named: Module) -> None:
        given = named or {str(k): module for k, module in enumerate(modules)}
        if not given:
            raise ArgumentError("Sequential needs at least one module")
        if modules and named:
            raise ArgumentError(f"Sequential: either all modules must have names or none, got {len(modules)} without, and "
                                f"{listed(named)}")
        for name, module in given.items():
            if not isinstance(module, Module):
                hint = ("; unpack a list: Sequential(*modules)" if isinstance(module, (list, tuple)) else
                        "; unpack a dict: Sequential(**modules)" if isinstance(module, Mapping) else "")
                raise ArgumentError(f"Sequential: {self.called(name)} must be a Module, got {module!r}{hint}")
        names, first = list(given), next(iter(given.values()))
        self.arity = first.arity
        self.inputs = tuple(f"x{k}" for k in range(self.arity)) if self.arity and self.arity > 1 else ("x",)
        self.outputs = (names[-1],)
        self.sources = dict(zip(names, [self.inputs, *((name,) for name in names)], strict=False))
        for name in named:
            check_attribute(self, name)
        self.adopt(given)
        vars(self).update(named)

    def arguments(self) -> Arguments:
        return ([], dict(self.nodes)) if self.named else (list(self.modules), {})

    def children(self) -> dict[str, Module]:
        for name, module in self.nodes.items() if self.named else ():
            if vars(self).get(name, module) is not module:
                raise ArgumentError(f"Sequential: {name} must stay {module!r}, got {in_a_line(vars(self)[name])}: make a new "
                                    "Sequential with the other module")
        return self.nodes

    def called(self, name: str) -> str:
        return f"argument {name}"

    def located(self, name: str) -> str:
        return super().located(name) if self.named else f"in Sequential[{name}]"

    @property
    def named(self) -> bool:
        """Whether the modules have names, which are attributes too."""
        return not self.outputs[0].isdigit()

    @property
    def modules(self) -> tuple[Module, ...]:
        return tuple(self.nodes.values())

    def _repr_html_(self) -> str:
        return in_notebooks(self)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def __getitem__(self, index: int | str) -> Module:
        if isinstance(index, slice):
            way = "**dict(list(copy.deepcopy(net.nodes).items())[:2])" if self.named else "*copy.deepcopy(net.modules[:2])"
            raise ArgumentError("Sequential: index must be an integer or a name, got a slice, since a module is in one "
                                f"container only; slice net.modules, or make a network of copies: Sequential({way})")
        if not isinstance(index, str):
            return self.modules[index]
        if index not in self.nodes:
            raise KeyError(f"{index!r} is none of the modules {listed(self.nodes)}")
        return self.nodes[index]

    @property
    def keeps_output(self) -> bool:
        return self.modules[-1].keeps_output or not self.opened

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> Plan:
        check_one_dtype(self)
        modules, shapes = self.modules, [shape]
        gradients: list[Value] = []
        buffers: list[Value] = []
        before: Module | None = None
        batch_last = self.batch_last
        for name, module in self.nodes.items():
            with noted(self.located(name)):
                output = module.prepare_for(shapes[-1], dtype, batch_last)
            # The gradient of the container's input is a new array, not a buffer.
            gradients.append(None if before is None else
                             empty_buffers(shapes[-1], dtype, module.gradient_batch_last(batch_last)))
            given, batch_last = batch_last, module.output_batch_last(batch_last)
            same_buffer = before is not None and given == batch_last and in_place(before, module, shapes[-1], output)
            shared = as_shape(buffers[-1], output) if same_buffer else None
            buffers.append(empty_buffers(output, dtype, batch_last) if shared is None else shared)
            shapes.append(output)
            before = module
        forwards, backwards = ([planned(module, phase) for module in modules] for phase in ("forward", "backward"))
        steps = list(zip(modules, backwards, gradients, strict=True))
        first = next((k for k, module in enumerate(modules) if module.parameters()), len(self) - 1)
        root = modules[first]
        return Plan(list(zip(forwards[:-1], buffers[:-1], strict=True)), forwards[-1], steps[:0:-1], modules[0],
                    backwards[0], steps[:first:-1], root, without_input_gradient(root),
                    [(name, planned_jvp(module)) for name, module in self.nodes.items()])

    def forward(self, x: Value, out: Value | None = None) -> Value:
        """Input of the first module -> output of the last module."""
        plan: Plan = self.scratch
        self.point = x
        phase = None                                                # an interrupt may come before the first
        try:
            for phase, buffer in plan.forwards:
                x = phase(x, buffer)
            phase = plan.last_forward
            return phase(x, out)
        except BaseException as error:
            self.forward_failed(getattr(phase, "__self__", None), error)
            raise

    def backward(self, g: Value, out: Value | None = None, *, input_gradient: bool = True) -> Value | None:
        """Gradient of the output -> gradient of the input.

        With ``input_gradient=False`` it stops at the first module that has parameters and returns None. Training needs no
        more, and up to a third of the work is saved.
        """
        plan: Plan = self.scratch
        module = None
        try:
            for module, phase, buffer in plan.backwards if input_gradient else plan.training:
                module.gradient = g
                g = phase(g, buffer)
            module = plan.entry if input_gradient else plan.root
            module.gradient = g
            if input_gradient:
                return plan.entry_backward(g, out)
            plan.root_backward(g)
            return None
        except BaseException as error:
            self.backward_failed(module, error)
            raise

    def jvp(self, t: Value) -> Value:
        """Tangent of the input -> tangent of the output, module by module."""
        plan: Plan = self.scratch
        name = ""
        try:
            for name, phase in plan.tangents:                       # noqa: B007 (the note below names it)
                t = phase(t)
            return t
        except Exception as error:
            error.add_note(self.located(name))
            raise


def check_attribute(net: Sequential, name: str) -> None:
    """Raise ArgumentError unless the name can be that of an attribute, and of no other one of the container."""
    if not name.isidentifier() or iskeyword(name):
        raise ArgumentError(f"Sequential: a name must be one that Python takes for an attribute, got {name!r}")
    taken = {*dir(net), *net.inputs, *(declared for kind in type(net).__mro__ for declared in get_annotations(kind))}
    if name in taken:
        what = "its input" if name in net.inputs else "an attribute of every Sequential"
        raise ArgumentError(f"Sequential: {name!r} must be another name, since {what} has it")
