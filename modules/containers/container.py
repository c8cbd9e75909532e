"""Container: what Sequential and Graph share, modules inside modules that run from a plan."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, DtypeError
from ..core.base import Module
from ..core.diagram import Node, Wiring, graphviz, mermaid
from ..core.parameter import Home
from ..core.phases import Phase, explain, planned, unchecked
from ..core.tree import Step, below
from ..core.values import Shape, Value, fitting, several, size_of


class Container(Module):
    """Modules by name, the nodes, each of which reads inputs of the container or the outputs of nodes before it.

    What a container makes of them is a plan: ``prepare`` writes down the nodes' bare phases beside the arrays that they
    write into, once for each new shape of input.

    Attributes
    ----------
    nodes : dict of Module by name
        In an order in which data can pass.
    sources : dict of tuple of str by name
        What each node reads: names of inputs and of nodes.
    inputs, outputs : tuple of str
        Names of the container's inputs, and of the nodes whose outputs are its own.
    inside : list of Module
        All modules of the tree below.
    """

    nodes: dict[str, Module]
    sources: dict[str, tuple[str, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def adopt(self, nodes: Mapping[str, Module]) -> None:
        """Take the modules in: from here on their parameters and gradients live in one flat vector each."""
        kind = type(self).__name__
        seen: dict[int, str] = {}
        for name, module in nodes.items():
            for path, inner in module.named_modules(name):
                if id(inner) in seen:
                    raise ArgumentError(f"{kind}: {inner!r} stands in two places, {seen[id(inner)]} and {path}; "
                                        "make a second module and share the Parameter (b.weight = a.weight)")
                seen[id(inner)] = path
            if module._owner is not None and module._owner() is not None:
                raise ArgumentError(f"{kind}: {self.called(name)}, {module!r}, is already inside another container; copy it "
                                    "(copy.deepcopy), or make a second module and share the Parameter")
        self.nodes = dict(nodes)
        check_one_dtype(self)
        self.inside = [module for _, module in self.named_modules()[1:]]
        for module in self.inside:
            module.forget()                                         # their parameters move
        for module in nodes.values():
            module._owner = weakref.ref(self)
        Home.gather(self.parameters())

    def called(self, name: str) -> str:
        """What an error calls the node at construction."""
        return f"node {name!r}"

    def located(self, name: str) -> str:
        """Where the node stands, for the notes of errors."""
        return f"in {type(self).__name__}[{name!r}]"

    def children(self) -> dict[str, Module]:
        return self.nodes

    @property
    def opened(self) -> bool:
        """Whether looking may go inside: a subclass that writes forward or backward itself is more than its nodes."""
        writers = [next(kind for kind in type(self).__mro__ if phase in vars(kind)) for phase in ("forward", "backward")]
        return all(kind.__base__ is Container for kind in writers)

    def leaves(self, prefix: str = "") -> list[tuple[str, Module]]:
        if not self.opened:
            return super().leaves(prefix)
        return [leaf for name, child in self.nodes.items() for leaf in child.leaves(below(prefix, name))]

    def __len__(self) -> int:
        return len(self.nodes)

    # ------------------------------------------------------------------ values that pass from node to node

    def flow(self, value: Any, step: Step) -> Any:
        if not self.opened:
            return step(self, value)
        return self.across(value, lambda module, read: module.flow(read, step))

    def across(self, value: Any, step: Step) -> Any:
        """What comes out if ``step(node, what it reads)`` is what each node makes of it."""
        several_read = len(self.inputs) > 1 and not isinstance(value, str)      # a name stands for all outputs of a leaf
        known = dict(zip(self.inputs, value if several_read else (value,) * len(self.inputs), strict=True))
        for name, module in self.nodes.items():
            with noted(self.located(name)):
                known[name] = step(module, joined([known[source] for source in self.sources[name]]))
        return joined([known[name] for name in self.outputs])

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.across(fitting(input_shape, self), lambda module, shape: module.output_shape(fitting(shape, module)))

    def admit(self, shape: Shape) -> Shape:
        return self.across(fitting(shape, self), lambda module, shape: module.admit(fitting(shape, module)))

    def output_batch_last(self, given: bool) -> bool:
        def step(module: Module, read: Any) -> bool:
            return module.output_batch_last(any(read) if isinstance(read, tuple) else read)

        last = self.across((given,) * len(self.inputs) if len(self.inputs) > 1 else given, step)
        return all(last) if isinstance(last, tuple) else last

    def gradient_batch_last(self, given: bool) -> bool:
        return all(module.gradient_batch_last(given) for name, module in self.nodes.items()
                   if not set(self.inputs).isdisjoint(self.sources[name]))

    def wiring(self) -> Wiring:
        if not self.opened:
            return super().wiring()
        paths = {id(module): path for path, module in self.leaves()}
        nodes: list[Node] = []

        def step(module: Module, read: Any) -> Any:
            path = paths[id(module)]
            nodes.append(Node(path, module, tuple(named(read))))
            return path

        outputs = self.flow(joined(list(self.inputs)), step)
        return Wiring(self.inputs, nodes, tuple(named(outputs)))

    def graphviz(self) -> str:
        """Source of a drawing, for Graphviz's ``dot``."""
        return graphviz(self.wiring())

    def mermaid(self) -> str:
        """Source of a drawing, for Mermaid: forges draw it where it stands in a Markdown page."""
        return mermaid(self.wiring())

    # ------------------------------------------------------------------ the phases, as far as they are the same

    def update(self) -> None:
        """Gradients of all parameters of the modules inside."""
        for update in self.updates:
            update()

    def pushed(self, t: Value) -> Value:
        """Tangent of the input -> tangent of the output, node by node."""
        return self.across(t, lambda module, t: unchecked(module, "jvp")(t))

    def review(self) -> None:
        super().review()
        self.updates: list[Phase] = []
        for module, again in self.tied():
            module.review()
            if module._trains and module.parameters():
                self.updates.append(partial(module.accumulate, again) if again else planned(module, "update"))

    def disturb(self) -> None:
        for module in self.inside:
            module.gradient = None
        Module.disturb(self)                                        # super() takes longer

    def forward_failed(self, module: Module, error: BaseException) -> None:
        """A forward failed at a node: half of the points are of this x, and none may serve."""
        for inner in self.inside:
            inner.forget()
        error.add_note(self.located(self.name_of(module)))

    def backward_failed(self, module: Module, error: BaseException) -> None:
        """A backward failed at a node: half of the gradients are of this g."""
        self.gradient = None
        explain(module, error)
        error.add_note(self.located(self.name_of(module)))

    def name_of(self, node: Module) -> str:
        return next(name for name, module in self.nodes.items() if module is node)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("inside", "updates")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.adopt(self.nodes)


def joined(values: list[Any]) -> Any:
    """The one value, or the tuple of them."""
    return values[0] if len(values) == 1 else tuple(values)


def named(read: Any) -> list[str]:
    """The paths in a nest of tuples of them, from left to right."""
    return [read] if isinstance(read, str) else [path for part in read for path in named(part)]


def in_place(before: Module, after: Module, shape: Shape, output: Shape) -> bool:
    """Whether ``after``, from ``shape`` to ``output``, may write its output over its input, which ``before`` made.

    Not while a tape looks.
    """
    return (before.saved in ("input", "neither") and after.saved in ("output", "neither")
            and not before._taped and not after._taped and not several(shape) and not several(output)
            and size_of(shape) == size_of(output))


def as_shape(buffer: Array, shape: tuple[int, ...]) -> Array | None:
    """The buffer in another shape; the same object where it is that shape's, with which NumPy is faster.

    None where its layout does not allow that.
    """
    if buffer.shape == shape:
        return buffer
    view = buffer.reshape(shape)
    return view if np.may_share_memory(view, buffer) else None


@contextmanager
def noted(where: str) -> Iterator[None]:
    """Errors from inside say in which module of the container they rose."""
    try:
        yield
    except Exception as error:
        error.add_note(where)
        raise


def check_one_dtype(net: Container) -> None:
    found = {parameter.dtype: name for name, parameter in net.named_parameters()}
    if len(found) > 1:
        listed = " and ".join(f"{dtype} ({path})" for dtype, path in found.items())
        raise DtypeError(f"{type(net).__name__}: all parameters must have one dtype, got {listed}; use astype")


def warn_of_equal_weights(net: Container) -> None:
    """Two layers that start equal were most likely given the same seed."""
    weights = [(name, parameter.data) for name, parameter in net.named_parameters() if parameter.data.ndim > 1]
    for (a, first), (b, second) in combinations(weights, 2):
        if first.shape == second.shape and np.array_equal(first, second):
            warnings.warn(f"{type(net).__name__}: {a} and {b} start with the same numbers; give each layer an rng of its own",
                          stacklevel=3)
