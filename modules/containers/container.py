"""Container: what Sequential and Graph share: modules inside a module, and a plan that runs them."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, DtypeError
from ...restoring import alike, at_once, setting
from ..core.base import Module
from ..core.diagram import Node, Wiring, graphviz, mermaid
from ..core.evaluation import cleared
from ..core.parameter import FlatParameters
from ..core.phases import Phase, explain
from ..core.tree import Step, below
from ..core.values import Shape, fitting
from .planning import planned


class Container(Module):
    """A module made of modules by name, its nodes; each reads inputs of the container or outputs of earlier nodes.

    For each new shape of input, ``prepare`` makes a plan: the nodes' unchecked phases, with the arrays that they write into.

    Attributes
    ----------
    nodes : dict of Module by name
        In topological order: each node after those that it reads.
    sources : dict of tuple of str by name
        The names of the inputs and nodes that each node reads.
    inputs, outputs : tuple of str
        The names of the container's inputs, and of the nodes whose outputs are the container's outputs.
    inside : list of Module
        All modules inside this one, at any depth.
    """

    nodes: dict[str, Module]
    sources: dict[str, tuple[str, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    inside: list[Module]
    updates: list[Phase]

    def adopt(self, nodes: Mapping[str, Module], warn: bool = True) -> None:
        """Make these modules the nodes, and move their parameters into one flat vector and their gradients into another.

        All checks and the warning come first: after an error or an interrupt the modules belong to no container. With ``warn``,
        warn if two layers have equal initial weights.
        """
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
        if warn:
            warn_of_equal_weights(self)
        self.inside = [module for _, module in self.named_modules()[1:]]
        owner = weakref.ref(self)
        moves = FlatParameters.moves(self.parameters())
        at_once(moves, setting([*cleared(self.inside), *alike(nodes.values(), _owner=owner)]))

    def called(self, name: str) -> str:
        """Return the name of a node for errors of the constructor."""
        return f"node {name!r}"

    def located(self, name: str) -> str:
        """Return the place of a node for notes that are added to errors."""
        return f"in {type(self).__name__}[{name!r}]"

    def children(self) -> dict[str, Module]:
        return self.nodes

    @property
    def opened(self) -> bool:
        """Whether the container only runs its nodes: False in a subclass that writes its own forward or backward."""
        writers = [next(kind for kind in type(self).__mro__ if phase in vars(kind)) for phase in ("forward", "backward")]
        return all(kind.__base__ is Container for kind in writers)

    def leaves(self, prefix: str = "") -> list[tuple[str, Module]]:
        if not self.opened:
            return super().leaves(prefix)
        return [leaf for name, child in self.nodes.items() for leaf in child.leaves(below(prefix, name))]

    def __len__(self) -> int:
        return len(self.nodes)

    # ------------------------------------------------------------------ values that pass from node to node

    def flow(self, value: Any, step: Step[Module]) -> Any:
        if not self.opened:
            return step(self, value)
        return self.across(value, lambda module, read: module.flow(read, step))

    def across(self, value: Any, step: Step[Module]) -> Any:
        """Pass ``value`` through the nodes, each of which returns ``step(node, what it reads)``; return the outputs."""
        several_read = len(self.inputs) > 1 and not isinstance(value, str)      # one name stands for all outputs of a leaf
        known = dict(zip(self.inputs, value if several_read else (value,) * len(self.inputs), strict=True))
        for name, module in self.nodes.items():
            try:                                                    # ``noted`` takes as long as the steps of small networks
                known[name] = step(module, joined([known[source] for source in self.sources[name]]))
            except Exception as error:
                error.add_note(self.located(name))
                raise
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

    def wiring(self) -> Wiring[Module]:
        if not self.opened:
            return super().wiring()
        paths = {id(module): path for path, module in self.leaves()}
        nodes: list[Node[Module]] = []

        def step(module: Module, read: Any) -> Any:
            path = paths[id(module)]
            nodes.append(Node(path, module, tuple(named(read))))
            return path

        outputs = self.flow(joined(list(self.inputs)), step)
        return Wiring(self.inputs, nodes, tuple(named(outputs)))

    def graphviz(self) -> str:
        """Return the graph in the language of Graphviz, for ``dot``."""
        return graphviz(self.wiring())

    def mermaid(self) -> str:
        """Return the graph in the language of Mermaid, which GitHub and GitLab draw in Markdown pages."""
        return mermaid(self.wiring())

    # ------------------------------------------------------------------ what all containers do in the phases

    def update(self) -> None:
        """Gradients of all parameters of the modules inside."""
        for update in self.updates:
            update()

    def plan_updates(self) -> None:
        """Also list the updates of the nodes that have something to do."""
        updates = []
        for module, again in self.tied():
            module.plan_updates()
            if module._trains and module.parameters():
                updates.append(partial(module.accumulate, again) if again else planned(module, "update"))
        self.updates = updates
        super().plan_updates()                                      # last: it says that the plan is current

    def begin_forward(self) -> None:
        """Also clear the gradients of all modules inside."""
        self.gradient = None                                        # first: it admits update. As Module.begin_forward, without
        if self._owner is not None:                                 # a call
            self.invalidate_owners()
        for module in self.inside:
            module.gradient = None

    def forward_failed(self, module: Module | None, error: BaseException) -> None:
        """Clear all points after a forward that failed at ``module``: some belong to this x, some to the last one."""
        at_once(setting(cleared([self, *self.inside])))
        if module is not None:
            error.add_note(self.located(self.name_of(module)))

    def backward_failed(self, module: Module | None, error: BaseException) -> None:
        """Clear the gradient after a backward that failed at ``module``: gradients inside are of different calls."""
        self.gradient = None
        if module is not None:
            explain(module, error)
            error.add_note(self.located(self.name_of(module)))

    def name_of(self, node: Module) -> str:
        """Return the name of a node."""
        return next(name for name, module in self.nodes.items() if module is node)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("inside", "updates")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.adopt(self.nodes, warn=False)


def joined(values: list[Any]) -> Any:
    """Return the value if there is one, else the tuple of values."""
    return values[0] if len(values) == 1 else tuple(values)


def named(read: Any) -> list[str]:
    """Return the paths in nested tuples of paths, from left to right."""
    return [read] if isinstance(read, str) else [path for part in read for path in named(part)]


@contextmanager
def noted(where: str) -> Iterator[None]:
    """Add a note to errors inside the ``with`` block: the module of the container in which they occurred."""
    try:
        yield
    except Exception as error:
        error.add_note(where)
        raise


def check_one_dtype(net: Container) -> None:
    """Raise DtypeError unless all parameters have one dtype."""
    found = {parameter.dtype: name for name, parameter in net.named_parameters()}
    if len(found) > 1:
        listed = " and ".join(f"{dtype} ({path})" for dtype, path in found.items())
        raise DtypeError(f"{type(net).__name__}: all parameters must have one dtype, got {listed}; use astype")


def warn_of_equal_weights(net: Container) -> None:
    """Warn, once, if layers have equal initial weights: most likely they were given the same seed.

    Constant weights are no mistake: blocks that start at 0, say. Layers inside one inner container have had their warning.
    """
    groups: dict[tuple[tuple[int, ...], bytes], list[tuple[str, Array]]] = {}
    for name, parameter in net.named_parameters():
        if parameter.data.ndim > 1:                                 # numbers at both ends stand for all: equal ones are rare
            ends = (parameter.data.T.reshape(-1)[[0, 1, -2, -1]] if parameter.data.size > 1 else parameter.data).tobytes()
            groups.setdefault((parameter.shape, ends), []).append((name, parameter.data))
    found = []
    for group in groups.values():
        while len(group) > 1:
            (first, data), *others = group
            equal = [first] + [name for name, other in others if np.array_equal(data, other)]
            group = [(name, other) for name, other in others if name not in equal]
            places = {name.partition(".")[0] for name in equal}
            inside = len(places) == 1 and isinstance(net.nodes.get(*places), Container)
            if len(equal) > 1 and not inside and data.min() != data.max():
                found.append(equal)
    if found:
        shown = "; ".join(f"{', '.join(names[:-1])} and {names[-1]}" for names in map(shortened, found[:3]))
        more = f" (and {len(found) - 3} other groups of layers)" if len(found) > 3 else ""
        warnings.warn(f"{type(net).__name__}: {shown}{more} start with the same numbers; give each layer an rng of its own",
                      stacklevel=5)


def shortened(names: list[str]) -> list[str]:
    """Return at most four names; if there are more, the last says how many are left out."""
    return names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} others"]
