"""Graph: modules as the nodes of a computational graph, run from a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from ..core.base import Module
from ..core.construction import Arguments
from ..core.diagram import table
from ..core.phases import Phase
from ..core.values import Shape, Value, copied, each, empty_buffers
from .container import Container, check_one_dtype, joined, noted
from .planning import as_shape, in_place, planned, planned_jvp, without_input_gradient
from .wiring import as_names, check_node, check_wiring, in_order, listed

Pick = Callable[[list[Value]], Value]                               # selects from a list of values what a node reads
Step = tuple[Module, Phase, Pick, int]


class Layout(NamedTuple):
    """Shape, dtype and memory layout of a value."""

    shape: Shape
    dtype: np.dtype[Any]
    batch_last: bool

    def gradient_buffer(self, reader: Module) -> Value:
        """Return a buffer for the gradient that a node which reads this value writes."""
        return empty_buffers(self.shape, self.dtype, reader.gradient_batch_last(self.batch_last))


class Reader(NamedTuple):
    """A node that reads a value."""

    place: int                                                      # in the order of the nodes
    part: int | None                                                # which of its sources the value is; None: it has one source


class Plan(NamedTuple):
    """Unchecked phases, bound to their modules, with what they read and where they write, for one shape of input.

    The plan works on two lists. Forward fills the list of values: the inputs, then the output of each node. Backward fills the
    list of gradients: what each node returns for its sources, then the given gradients of the outputs. Where a buffer is
    None, the array leaves the graph, and is a new one or the caller's.
    """

    value_buffers: list[Value]                                      # one for each of the values
    forwards: list[tuple[Phase, Pick, int]]
    outputs: tuple[int, ...]                                        # their places in the list of values
    result: Pick
    gradient_buffers: list[Value]                                   # one for each node's entry in the list of gradients
    backwards: list[Step]                                           # in reverse order
    training: list[Step]                                            # those of them that the parameters' gradients need
    entries: tuple[int, ...]                                        # see Graph.entries
    inputs: list[Pick]                                              # the gradient of each input
    tangents: list[tuple[str, Phase, Pick]]                         # jvp of each node, which reads as its forward does


class Graph(Container):
    r"""A computational graph: named nodes, each a module that reads inputs of the graph or outputs of other nodes.

    Parameters
    ----------
    nodes : dict of name to (Module, source, ...)
        ``{"h": (rp.Linear(2, 3), "x"), "z": (rp.Add(), "h", "x2")}``: each module is followed by the names of the inputs or
        nodes that it reads, one for each of the module's inputs (several for ``Add``, ``Multiply``, ``Concat`` and
        ``Function``). The nodes may stand in any order. No instance may appear twice: to use the same weights twice, share
        the Parameter (``b.weight = a.weight``).
    inputs, outputs : str or sequence of str
        The names of the graph's inputs, and of the nodes that are its outputs. With several of them, ``forward`` and
        ``backward`` take and return tuples of arrays.

    Raises
    ------
    ArgumentError
        If there is a cycle, if a node reads a name that does not exist, or if a node or an input leads to no output.

    Notes
    -----
    ``forward`` runs the nodes in topological order, ``backward`` in the reverse order. If several nodes read a value
    (fan-out), its gradient is the sum of the gradients that they return. Each node runs once, however many paths lead
    through it (lecture, slides 10-31). As in Sequential, the next step uses the arrays between the nodes again, and the
    returned arrays are new, also those of outputs that other nodes read too.

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

    def __getitem__(self, name: str) -> Module:
        if name not in self.nodes:
            raise KeyError(f"{name!r} is none of the nodes {listed(self.nodes)}")
        return self.nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    @property
    def keeps_output(self) -> bool:
        nodes, every = list(self.nodes.values()), self.nodes
        return not self.opened or any(
            every[name].keeps_output or any(nodes[reader.place].saved in ("input", "both") for reader in self.readers[name])
            for name in self.outputs)

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> Plan:
        check_one_dtype(self)
        values = {name: Layout(part, dtype, self.batch_last)
                  for name, part in zip(self.inputs, shape if len(self.inputs) > 1 else (shape,), strict=True)}
        for name, module in self.nodes.items():
            read = [values[source] for source in self.sources[name]]
            batch_last = any(value.batch_last for value in read)
            with noted(self.located(name)):
                output = module.prepare_for(joined([value.shape for value in read]), dtype, batch_last)
            values[name] = Layout(output, dtype, module.output_batch_last(batch_last))
        slots = {name: k for k, name in enumerate(values)}
        forwards: list[tuple[Phase, Pick, int]] = [
            (planned(module, "forward"), itemgetter(*(slots[source] for source in self.sources[name])), slots[name])
            for name, module in self.nodes.items()]
        outputs = tuple(slots[name] for name in self.outputs)
        entries = self.entries()
        back = [joined([values[source].gradient_buffer(self.nodes[name]) for source in sources]) if k not in entries else None
                for k, (name, sources) in enumerate(self.sources.items())]
        return Plan(self.buffers_for(values), forwards, outputs, itemgetter(*outputs), back, *self.way_back(values), entries,
                    [self.gradient_of(name, values[name]) for name in self.inputs],
                    [(name, planned_jvp(module), read)
                     for (name, module), (_, read, _) in zip(self.nodes.items(), forwards, strict=True)])

    def entries(self) -> tuple[int, ...]:
        """Return for each input the place of its reader, or () unless each has just one reader, which reads nothing else.

        Then the gradients that these nodes return are those of the inputs.
        """
        readers = [self.readers[name] for name in self.inputs]
        alone = all(len(read) == 1 and read[0].part is None for read in readers)
        return tuple(read[0].place for read in readers) if alone else ()

    def buffers_for(self, values: Mapping[str, Layout]) -> list[Value]:
        """Return the buffer for each node's output: its input's buffer, if no other node reads that and no point holds it."""
        buffers: dict[str, Value] = dict.fromkeys(values)
        for name, module in self.nodes.items():
            before = self.sources[name][0]
            if name in self.outputs:
                continue                                            # a new array, or the caller's
            shape, shared = values[name].shape, None
            if (before in self.nodes and before not in self.outputs and len(self.readers[before]) == 1
                    and values[before].batch_last == values[name].batch_last
                    and in_place(self.nodes[before], module, values[before].shape, shape)):
                shared = as_shape(buffers[before], shape)
            buffers[name] = empty_buffers(*values[name]) if shared is None else shared
        return list(buffers.values())

    def way_back(self, values: Mapping[str, Layout]) -> tuple[list[Step], list[Step]]:
        """Return the steps of backward, and those that remain if nobody needs the gradients of the inputs."""
        backwards: list[Step] = []
        training: list[Step] = []
        trained: set[str] = set()                                   # nodes that have parameters, or read from such nodes
        for k, (name, module) in enumerate(self.nodes.items()):
            step = (module, planned(module, "backward"), self.gradient_of(name, values[name]), k)
            backwards.append(step)
            if not trained.isdisjoint(self.sources[name]):
                training.append(step)
                trained.add(name)
            elif module.parameters():
                training.append((module, without_input_gradient(module), *step[2:]))
                trained.add(name)
        return backwards[::-1], training[::-1]

    def gradient_of(self, name: str, layout: Layout) -> Pick:
        """Return what computes a value's gradient: the sum of what its readers return, and of what is given for an output."""
        found = [returned(*reader) for reader in self.readers[name]]
        found += [returned(len(self.nodes) + k) for k, output in enumerate(self.outputs) if output == name]
        return found[0] if len(found) == 1 else total(found, empty_buffers(*layout))

    def forward(self, x: Value, out: Value | None = None) -> Value:
        """Inputs -> outputs: an array, or a tuple of arrays."""
        plan: Plan = self.scratch
        self.point = x
        buffers = plan.value_buffers if out is None else placed(plan.value_buffers, plan.outputs, out)
        values = [x] if self.arity == 1 else list(x)
        phase = None                                                # an interrupt may come before the first
        try:
            for phase, read, slot in plan.forwards:
                values.append(phase(read(values), buffers[slot]))
        except BaseException as error:
            self.forward_failed(getattr(phase, "__self__", None), error)
            raise
        return plan.result(values)

    def backward(self, g: Value, out: Value | None = None, *, input_gradient: bool = True) -> Value | None:
        """Gradients of the outputs -> gradients of the inputs.

        With ``input_gradient=False`` it runs only the nodes that the gradients of parameters depend on, and returns None.
        """
        plan: Plan = self.scratch
        buffers = plan.gradient_buffers
        gradients: list[Value] = [None] * len(buffers) + ([g] if len(plan.outputs) == 1 else list(g))
        if out is not None and plan.entries:
            buffers = placed(buffers, plan.entries, out)
        module = None
        try:
            for module, phase, collect, k in plan.backwards if input_gradient else plan.training:
                module.gradient = g = collect(gradients)
                gradients[k] = phase(g, buffers[k])
        except BaseException as error:
            self.backward_failed(module, error)
            raise
        if not input_gradient:
            return None
        gx = joined([collect(gradients) for collect in plan.inputs])
        return gx if plan.entries else copied(gx, out)

    def jvp(self, t: Value) -> Value:
        """Tangents of the inputs -> tangents of the outputs, node by node."""
        plan: Plan = self.scratch
        tangents = [t] if self.arity == 1 else list(t)
        name = ""
        try:
            for name, phase, read in plan.tangents:                 # noqa: B007 (the note below names it)
                tangents.append(phase(read(tangents)))
        except Exception as error:
            error.add_note(self.located(name))
            raise
        return plan.result(tangents)

    def __str__(self) -> str:
        return table(self.wiring())

    def _repr_html_(self) -> str:
        from .drawing import as_html
        return as_html(self.wiring())

    def arguments(self) -> Arguments:
        inputs, outputs = (names[0] if len(names) == 1 else names for names in (self.inputs, self.outputs))
        nodes = {name: (module, *self.sources[name]) for name, module in self.nodes.items()}
        return [nodes], {"inputs": inputs, "outputs": outputs}


def placed(buffers: list[Value], places: tuple[int, ...], out: Value) -> list[Value]:
    """Return a copy of the list of buffers with the caller's arrays at those places."""
    buffers = buffers.copy()
    for place, array in zip(places, out if len(places) > 1 else (out,), strict=True):
        buffers[place] = array
    return buffers


def returned(slot: int, part: int | None = None) -> Pick:
    """Return what selects the gradient that a node returned: all of it, or the part for one of its sources."""
    return itemgetter(slot) if part is None else lambda gradients: gradients[slot][part]


def total(picks: Sequence[Pick], buffer: Value) -> Pick:
    """Return what selects the sum of several gradients, which is computed in ``buffer``."""
    first, second, *others = picks

    def collect(gradients: list[Value]) -> Value:
        each(np.add, first(gradients), second(gradients), buffer)
        for pick in others:
            each(np.add, buffer, pick(gradients), buffer)
        return buffer

    return collect
