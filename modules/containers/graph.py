"""Graph: modules as the nodes of a computational graph, run from a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from ..core.base import Module
from ..core.diagram import table
from ..core.phases import Phase, inward, planned, settle
from ..core.values import Shape, Value, copied, each, empty_buffers
from .container import Container, as_shape, check_one_dtype, in_place, joined, noted, warn_of_equal_weights
from .wiring import as_names, check_node, check_wiring, in_order, listed

Pick = Callable[[list[Value]], Value]                               # what a node takes from a list of values
Step = tuple[Module, Phase, Pick, int]


class Laid(NamedTuple):
    """What is known of a value before it is there."""

    shape: Shape
    dtype: np.dtype[Any]
    batch_last: bool

    def gradient_room(self, reader: Module) -> Value:
        """Where a node that reads it writes its gradient."""
        return empty_buffers(self.shape, self.dtype, reader.gradient_batch_last(self.batch_last))


class Reader(NamedTuple):
    """A node that reads a value."""

    place: int                                                      # in the order of the nodes
    part: int | None                                                # which of its sources this is; None where it has one


class Plan(NamedTuple):
    """Bare phases bound to their modules, what they take and where they write, for one shape of input.

    Two lists pass through it. Forward, the values: the inputs, then the output of each node. Back, the gradients: what each
    node gives to its sources, then those of the outputs, as they were given. Where a buffer is None the array leaves the
    graph: it is fresh, or the caller's.
    """

    buffers: list[Value]                                            # beside values
    forwards: list[tuple[Phase, Pick, int]]
    outputs: tuple[int, ...]                                        # their places in values
    result: Pick
    spaces: list[Value]                                             # beside gradients
    backwards: list[Step]                                           # in reverse order
    training: list[Step]                                            # the same, as far as parameters need them
    entries: tuple[int, ...]                                        # of nodes that alone read one input alone, if all do
    inputs: list[Pick]                                              # the gradient of each input


class Graph(Container):
    r"""A computational graph: named nodes, each a module that reads inputs of the graph or outputs of other nodes.

    Parameters
    ----------
    nodes : dict of (Module, *sources) by name
        ``{"h": (rp.Linear(2, 3), "x"), "z": (rp.Add(), "h", "x2")}``: the names of what a node reads, in any order of
        nodes. A module of several inputs (``Add``, ``Multiply``, ``Concat``, ``Function``) reads that many. Each
        instance once: to use the same weights twice, share the Parameter (``b.weight = a.weight``, before the
        optimizer is built).
    inputs, outputs : str or sequence of str
        Names of the graph's inputs, and of the nodes that are its outputs. With several, ``forward`` takes or returns
        a tuple of arrays, and so ``backward``.

    Raises
    ------
    ArgumentError
        For a cycle, for a source that is not there, and for a node or an input that leads to no output.

    Notes
    -----
    ``forward`` runs the nodes in topological order, ``backward`` in the reverse one. Where a value is read by several
    nodes (fan-out), its gradient is the sum of what they give back: each node is passed once, however many paths lead
    through it (lecture, slides 10-31). Arrays between nodes are used again at the next step, as in Sequential, and what
    comes back is fresh. An output that other nodes read too must not be written into before ``update``.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Graph({
    ...     "h": (rp.Linear(2, 3, rng=0), "x"),
    ...     "s": (rp.Sigmoid(), "h"),
    ...     "z": (rp.Multiply(), "h", "s"),                     # SiLU, with two paths from h to z
    ... }, inputs="x", outputs="z")
    >>> net.forward(np.ones((5, 2))).shape, net.backward(np.ones((5, 3))).shape, net["s"]
    ((5, 3), (5, 2), Sigmoid())
    """

    def __init__(self, nodes: Mapping[str, Sequence[Any]], *, inputs: str | Sequence[str],
                 outputs: str | Sequence[str]) -> None:
        if not isinstance(nodes, Mapping) or not nodes:
            raise ArgumentError(f"Graph: nodes must be a dict of (module, *sources) by name, got {nodes!r}")
        for name, node in nodes.items():
            check_node(name, node)
        self.inputs, self.outputs = as_names("inputs", inputs), as_names("outputs", outputs)
        check_wiring(nodes, self.inputs, self.outputs)
        order = in_order({name: node[1:] for name, node in nodes.items()})
        self.sources = {name: tuple(nodes[name][1:]) for name in order}
        self.readers: dict[str, list[Reader]] = {name: [] for name in (*self.inputs, *order)}
        for place, sources in enumerate(self.sources.values()):
            for k, source in enumerate(sources):
                self.readers[source].append(Reader(place, k if len(sources) > 1 else None))
        self.arity = len(self.inputs)
        self.adopt({name: nodes[name][0] for name in order})
        warn_of_equal_weights(self)

    def __getitem__(self, name: str) -> Module:
        if name not in self.nodes:
            raise KeyError(f"{name!r} is none of the nodes {listed(self.nodes)}")
        return self.nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> Plan:
        check_one_dtype(self)
        values = {name: Laid(one, dtype, self.batch_last)
                  for name, one in zip(self.inputs, shape if len(self.inputs) > 1 else (shape,), strict=True)}
        for name, module in self.nodes.items():
            read = [values[source] for source in self.sources[name]]
            batch_last = any(one.batch_last for one in read)
            with noted(self.located(name)):
                output = settle(module, joined([one.shape for one in read]), dtype, batch_last)
            values[name] = Laid(output, dtype, module.output_batch_last(batch_last))
        slots = {name: k for k, name in enumerate(values)}
        forwards: list[tuple[Phase, Pick, int]] = [
            (planned(module, "forward"), itemgetter(*(slots[source] for source in self.sources[name])), slots[name])
            for name, module in self.nodes.items()]
        outputs = tuple(slots[name] for name in self.outputs)
        entries = self.entries()
        back = [joined([values[source].gradient_room(self.nodes[name]) for source in sources]) if k not in entries else None
                for k, (name, sources) in enumerate(self.sources.items())]
        return Plan(self.buffers_for(values), forwards, outputs, itemgetter(*outputs), back, *self.way_back(values), entries,
                    [self.gradient_of(name, values[name]) for name in self.inputs])

    def entries(self) -> tuple[int, ...]:
        """Places of the nodes that alone read one input alone, if every input has one: what they give back is final."""
        readers = [self.readers[name] for name in self.inputs]
        alone = all(len(read) == 1 and read[0].part is None for read in readers)
        return tuple(read[0].place for read in readers) if alone else ()

    def buffers_for(self, values: Mapping[str, Laid]) -> list[Value]:
        """Where each node writes its output: over its input, where nobody else reads that and no point holds it."""
        buffers: dict[str, Value] = dict.fromkeys(values)
        for name, module in self.nodes.items():
            before = self.sources[name][0]
            if name in self.outputs:
                continue                                            # a fresh array, or the caller's
            shape, over = values[name].shape, None
            if (before in self.nodes and before not in self.outputs and len(self.readers[before]) == 1
                    and values[before].batch_last == values[name].batch_last
                    and in_place(self.nodes[before], module, values[before].shape, shape)):
                over = as_shape(buffers[before], shape)
            buffers[name] = empty_buffers(*values[name]) if over is None else over
        return list(buffers.values())

    def way_back(self, values: Mapping[str, Laid]) -> tuple[list[Step], list[Step]]:
        """The steps of backward, and what is left of them where nobody asks for the gradients of the inputs."""
        backwards: list[Step] = []
        training: list[Step] = []
        trained: set[str] = set()                                   # nodes with parameters in them or before them
        for k, (name, module) in enumerate(self.nodes.items()):
            step = (module, planned(module, "backward"), self.gradient_of(name, values[name]), k)
            backwards.append(step)
            if not trained.isdisjoint(self.sources[name]):
                training.append(step)
                trained.add(name)
            elif module.parameters():
                training.append((module, inward(module), *step[2:]))
                trained.add(name)
        return backwards[::-1], training[::-1]

    def gradient_of(self, name: str, laid: Laid) -> Pick:
        """The gradient of a value: what its readers give back, and what is given from outside if it is an output."""
        found = [given_back(*reader) for reader in self.readers[name]]
        found += [given_back(len(self.nodes) + k) for k, output in enumerate(self.outputs) if output == name]
        return found[0] if len(found) == 1 else total(found, empty_buffers(*laid))

    def forward(self, x: Value, out: Value | None = None) -> Value:
        """Inputs -> outputs: of each an array, or a tuple of arrays."""
        plan: Plan = self.scratch
        self.point = x
        buffers = plan.buffers if out is None else placed(plan.buffers, plan.outputs, out)
        values = [x] if self.arity == 1 else list(x)
        try:
            for phase, read, slot in plan.forwards:
                values.append(phase(read(values), buffers[slot]))
        except BaseException as error:
            self.forward_failed(phase.__self__, error)              # type: ignore[attr-defined]
            raise
        return plan.result(values)

    def backward(self, g: Value, out: Value | None = None, *, input_gradient: bool = True) -> Value | None:
        """Gradients of the outputs -> gradients of the inputs.

        With ``input_gradient=False`` the nodes at which no parameter's gradient depends are left out; returns None.
        """
        plan: Plan = self.scratch
        room = plan.spaces
        gradients: list[Value] = [None] * len(room) + ([g] if len(plan.outputs) == 1 else list(g))
        if out is not None and plan.entries:
            room = placed(room, plan.entries, out)
        try:
            for module, phase, collect, k in plan.backwards if input_gradient else plan.training:
                module.gradient = g = collect(gradients)
                gradients[k] = phase(g, room[k])
        except BaseException as error:
            self.backward_failed(module, error)
            raise
        if not input_gradient:
            return None
        gx = joined([collect(gradients) for collect in plan.inputs])
        return gx if plan.entries else copied(gx, out)

    def jvp(self, t: Value) -> Value:
        """Tangent of the input -> tangent of the output, in the order in which data pass."""
        return self.pushed(t)

    def __str__(self) -> str:
        return table(self.wiring())

    def __repr__(self) -> str:
        nodes = ", ".join(f"{name!r}: ({', '.join(map(repr, (module, *self.sources[name])))})"
                          for name, module in self.nodes.items())
        inputs, outputs = (names[0] if len(names) == 1 else names for names in (self.inputs, self.outputs))
        return f"{type(self).__name__}({{{nodes}}}, inputs={inputs!r}, outputs={outputs!r})"


def placed(buffers: list[Value], places: tuple[int, ...], out: Value) -> list[Value]:
    """The buffers with the caller's arrays at those places."""
    buffers = buffers.copy()
    for place, room in zip(places, out if len(places) > 1 else (out,), strict=True):
        buffers[place] = room
    return buffers


def given_back(slot: int, part: int | None = None) -> Pick:
    """Picks what a node gave back: all of it, or the part for one of its sources."""
    return itemgetter(slot) if part is None else lambda gradients: gradients[slot][part]


def total(found: Sequence[Pick], room: Value) -> Pick:
    """Adds up what is found, in an array of its own: paths meet."""
    first, second, *rest = found

    def collect(gradients: list[Value]) -> Value:
        each(np.add, first(gradients), second(gradients), room)
        for more in rest:
            each(np.add, room, more(gradients), room)
        return room

    return collect
