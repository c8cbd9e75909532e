"""Reader: the modules of a network, made from the nodes of an ONNX file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...errors import FileFormatError, RetropropError
from ...modules import Flatten, Graph, Identity, Module, Reshape, Sequential
from ...modules.core.parameter import Parameter
from ...printing import in_one_line
from .constants import folded, keeps_sizes, open_sizes
from .file import ANY, File, Node

Maker = Callable[["Reader", Node, list[Any]], Any]                  # (reader, node, what it reads) -> what it writes
OPEN = "computes with the size of an axis that may be any, which only shapes can hold"
Table = Mapping[tuple[str, str], Maker]                             # by domain and operator


class Value(NamedTuple):
    """A tensor and its shape, which may be another than that of the module's output: reshaping waits until it is needed."""

    tensor: str
    shape: tuple[int, ...]


class Step(NamedTuple):
    """A module, and the tensors that it reads."""

    module: Module
    sources: tuple[str, ...]


class Reader:
    """Makes modules from nodes, one after the other.

    Attributes
    ----------
    known : dict of Value, array, Affine or Incomplete by name
        What each tensor is: the output of a module, a constant, or part of an expression that may become a module.
    steps : dict of Step by name
        The modules, by the tensors that they write.
    shapes : dict of tuple by name
        The shapes of the inputs and of the outputs of modules.
    readers, uses : Counter
        How many nodes, or outputs, read each tensor of the file; and each output of a module, under all its names.
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self.outputs = self.chosen()
        self.nodes, self.readers = self.needed()
        self.uses: Counter[str] = Counter()
        kinds = file.onnx.TensorProto
        kind = file.outputs[self.outputs[0]]
        if kind not in (kinds.FLOAT, kinds.DOUBLE, 0, -1):
            raise FileFormatError(f"{file.path}: output {in_one_line(self.outputs[0])!r} must be FLOAT or DOUBLE, "
                                  f"got {file.called(kind)}")
        self.dtype = np.dtype("float64" if kind == kinds.DOUBLE else "float32")
        self.known: dict[str, Any] = {}
        self.open: set[str] = set()                                 # the constants that hold sizes that may be any
        self.steps: dict[str, Step] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.parameters: dict[Any, Parameter] = {}
        self.bare: dict[str, str] = {}                              # outputs of LayerNorms: the next parameter that may come
        self.filling: list[tuple[Parameter, Array]] = []            # the numbers of parameters, which start at 0

    def chosen(self) -> list[str]:
        """Return the outputs that hold floats."""
        kinds, outputs = self.file.onnx.TensorProto, self.file.outputs
        real = (kinds.FLOAT, kinds.DOUBLE, kinds.FLOAT16, kinds.BFLOAT16, 0)
        zipped = {name for node in self.file.nodes if node.operator == "ZipMap" for name in node.outputs}
        floats = [name for name, kind in outputs.items() if kind in real or (kind == -1 and name in zipped)]
        if not floats:
            name, kind = next(iter(outputs.items()))
            raise FileFormatError(f"{self.file.path}: an output must hold floats, but {in_one_line(name)!r} is of type "
                                  f"{self.file.called(kind)}")
        return floats

    def needed(self) -> tuple[list[Node], Counter[str]]:
        """Return the nodes that lead to the outputs, in order, and how often each tensor is read by them."""
        names, nodes, readers = set(self.outputs), [], Counter(self.outputs)
        for node in reversed(self.file.nodes):
            if not names.isdisjoint(node.outputs):
                nodes.append(node)
                readers.update(node.inputs)
                names.update(node.inputs)
        return nodes[::-1], readers

    def network(self, table: Table) -> Sequential | Graph:
        """Return the network; ``table`` has the function that makes the module of each operator."""
        inputs = [name for name in self.file.inputs if self.readers[name]]
        for k, name in enumerate(inputs):
            sizes = self.file.inputs[name][1]
            if not sizes:
                raise FileFormatError(f"{self.file.path}: input {in_one_line(name)!r} must have a known number of axes, the "
                                      "first of them that of the batch")
            shape = tuple(ANY + (0 if axis == 0 else 1000 * (k + 1) + axis) if size is None else size
                          for axis, size in enumerate(sizes))
            self.shapes[name], self.known[name], self.uses[name] = shape, Value(name, shape), self.readers[name]
        if not inputs:
            raise FileFormatError(f"{self.file.path}: no output depends on an input")
        for node in self.nodes:
            self.run(node, table)
        return self.built(inputs)

    def run(self, node: Node, table: Table) -> None:
        """Find out what a node's output is."""
        for name in filter(None, node.inputs):
            if name not in self.known:
                node.demand(name in self.file.stored, f"reads {in_one_line(name)!r}, which no node before it writes")
                self.known[name] = self.file.array(name)
        read: list[Any] = [self.known[name] if name else None for name in node.inputs]
        held = [k for k, name in enumerate(node.inputs) if name in self.open]
        try:
            constants = all(isinstance(value, np.ndarray) for value in read)
            node.demand(set(held) <= open_sizes(node, constants), OPEN)
            if constants:
                result: Any = folded(node, read)
                node.demand(not held or keeps_sizes(node, read, result), OPEN)
            else:
                node.demand((node.domain, node.operator) in table, "has no module here")
                result = table[node.domain, node.operator](self, node, read)
        except FileFormatError:
            raise
        except (RetropropError, ValueError, TypeError, IndexError, OverflowError) as error:
            raise node.refused(f"has no module here: {error}") from error
        node.finish()
        node.demand(bool(node.outputs) and node.outputs[0] not in self.known, "writes a tensor that is known already")
        unread = [name for name in node.outputs[1:] if name and self.readers[name]]
        node.demand(not unread, f"has a second output, {', '.join(map(in_one_line, unread))}, which no module has")
        self.known[node.outputs[0]] = result
        if isinstance(result, np.ndarray) and (held or node.operator == "Shape") and bool((np.abs(result) >= ANY).any()):
            self.open.add(node.outputs[0])
        tensor = getattr(getattr(result, "x", result), "tensor", None)
        if tensor is not None:                                      # one of a new module, or one that has another name now
            self.uses[tensor] += self.readers[node.outputs[0]] - (tensor in self.uses)

    # ------------------------------------------------------------------ for the functions that make modules

    def lazy(self, node: Node, value: Any) -> Value:
        """Return what a node reads as a Value; expressions that are not complete are refused."""
        while not isinstance(value, Value):
            node.demand(value is not None and not isinstance(value, np.ndarray), "reads a constant in the place of a tensor")
            value = value.settled(self, node)
        return value

    def value(self, node: Node, value: Any) -> Value:
        """Return what a node reads, reshaped if it must be."""
        found = self.lazy(node, value)
        if found.shape == self.shapes[found.tensor]:
            return found
        module: Module = Flatten()
        if module.output_shape(self.shapes[found.tensor]) != found.shape:
            inner = found.shape[1:]
            open_ = [k for k, size in enumerate(inner) if size >= ANY]
            node.demand(len(open_) <= 1, "reshapes several sizes that may be any")
            module = Reshape(*(-1 if k in open_ else size for k, size in enumerate(inner)))
        return self.add(f"{found.tensor}_reshaped", module, found)

    def constant(self, node: Node, value: Any, what: str) -> Array:
        """Return what a node reads as an array."""
        node.demand(isinstance(value, np.ndarray), f"computes its {what}, which must be a constant")
        return value

    def add(self, name: str, module: Module, *sources: Value) -> Value:
        """Add a module that reads these values, and return its output."""
        while name in self.steps or name in self.shapes:
            name += "_"
        shapes = tuple(self.shapes[source.tensor] for source in sources)
        self.steps[name] = Step(module, tuple(source.tensor for source in sources))
        self.shapes[name] = module.output_shape(shapes if len(shapes) > 1 else shapes[0])
        return Value(name, self.shapes[name])

    def apply(self, node: Node, module: Module, value: Any) -> Value:
        """Add a function of each element, which need not wait for reshaping."""
        found = self.lazy(node, value)
        return self.add(node.outputs[0], module, found)._replace(shape=found.shape)

    def made(self, value: Any, kind: type[Module]) -> Module | None:
        """Return the module that made a value, if it is of this kind and nobody else reads its output."""
        if not isinstance(value, Value) or value.tensor not in self.steps or self.uses[value.tensor] != 1:
            return None
        module = self.steps[value.tensor].module
        return module if type(module) is kind and value.shape == self.shapes[value.tensor] else None

    def replace(self, node: Node, value: Value, module: Module) -> Value:
        """Put a module in the place of the one that made a value."""
        sources = self.steps.pop(value.tensor).sources
        del self.shapes[value.tensor]
        return self.add(node.outputs[0], module, *(Value(name, self.shapes[name]) for name in sources))

    def parameter(self, node: Node, array: Array, name: str) -> Parameter:
        """Return a Parameter that will hold these numbers, the one of another module if that holds the same array."""
        node.demand(array.dtype.kind == "f" and bool(np.isfinite(array).all()) and array.size > 0,
                    f"must have finite floats as its {name}")
        key = (array.__array_interface__["data"][0], array.shape, array.strides)
        if key not in self.parameters or array.min() == array.max():
            self.file.spend(2 * array.size * self.dtype.itemsize)
            self.parameters[key] = Parameter(np.zeros(array.shape), name, self.dtype)
            self.filling.append((self.parameters[key], array))
        return self.parameters[key]

    # ------------------------------------------------------------------ the network

    def built(self, inputs: Sequence[str]) -> Sequential | Graph:
        """Return the network of all steps that lead to an output."""
        end = self.nodes[-1]
        outputs = []
        for name in self.outputs:
            value = self.value(end, self.known[name])
            if value.tensor in inputs or value.tensor in outputs:
                value = self.add(name, Identity(), value)
            outputs.append(value.tensor)
        wanted = set(outputs)
        for name, step in reversed(self.steps.items()):
            wanted.update(step.sources if name in wanted else ())
        steps = {name: step for name, step in self.steps.items() if name in wanted}
        inputs = [name for name in inputs if name in wanted]
        chain = [*inputs, *steps]
        if len(inputs) == 1 and outputs == chain[-1:] and all(step.sources == (before,) for before, step
                                                               in zip(chain, steps.values(), strict=False)):
            net: Sequential | Graph = Sequential(*(step.module for step in steps.values()))
        else:
            names = plain(chain)
            nodes = {names[name]: (step.module, *(names[source] for source in step.sources)) for name, step in steps.items()}
            net = Graph(nodes, inputs=[names[name] for name in inputs], outputs=[names[name] for name in outputs])
        for parameter, array in self.filling:                       # a container warns of equal weights that it is given
            parameter.data = array
        return net.eval()


def plain(names: Sequence[str]) -> dict[str, str]:
    """Return names that a Graph can have: printable, without dots, each another."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        new = "".join(letter if letter.isprintable() and letter != "." else "_" for letter in name) or "_"
        while new in taken:
            new += "_"
        found[name] = new
        taken.add(new)
    return found


def given(read: Sequence[Any], k: int) -> Any:
    """Return an input, None if it is left out."""
    return read[k] if k < len(read) else None
