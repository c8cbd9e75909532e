"""save_onnx: a network as an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import __version__
from ...arguments import Array, as_floating, floating_dtype, in_a_line, positive_int
from ...errors import ArgumentError
from ...files import write
from ...modules import Embedding, Graph, Module
from ...modules.core.diagram import Wiring
from ...modules.core.parameter import Parameter
from ...modules.core.values import Shape, fitting, parts, several
from ...training.saving.models import Model as Saved
from ..extras import needs
from .forms import FORMS, Place

OLDEST = 17                                                         # the first opset with LayerNormalization
LARGEST = 2**31 - 2**20                                             # bytes; a protobuf message is shorter than 2 GiB


def save_onnx(net: Module, path: str | Path, input_shape: Shape, *, opset: int = OLDEST,
              dtype: DTypeLike = "float32") -> None:
    """Write a network as an ONNX file, which computes what ``predict`` does: the network in evaluation.

    Parameters
    ----------
    net : Module
        A Sequential, a Graph or a single module, made of modules of this library; all have a form in ONNX but ``Function``.
    path : str or Path
        The file is written whole or not at all. An existing one is replaced.
    input_shape : tuple of int, or tuple of such tuples
        The shape of an input, or of each input; the first size is that of a batch, as in ``summary``. The file takes
        batches of any size; all other sizes are fixed.
    opset : int, default 17
        The version of ONNX's operators. The version of the file format (IR) is the oldest that allows it: 8 for opset 17.
        Old runtimes refuse new versions; the nodes are the same for all.
    dtype : {"float32", "float64"}, default "float32"
        The type of parameters, inputs and outputs in the file, whatever that of the network: many runtimes have no
        operators for float64.

    Raises
    ------
    ArgumentError
        The package onnx is not installed (extra ``onnx``); a module has no form in ONNX, such as one of your own; or an
        argument is wrong.
    ShapeError
        ``input_shape`` does not fit the network.
    DataError
        A parameter of a float64 network is too large for float32.

    Notes
    -----
    Parameters and buffers have the names of ``state_dict()``; one that modules share is stored once. Inputs are named ``"x"``
    (``"x0"``, ``"x1"``) and outputs ``"y"`` (``"y0"``, ``"y1"``); those of a Graph keep their names. Dropout becomes Identity.
    ``docs/how-to/onnx.md`` has the table of modules and operators.
    """
    with needs("onnx", "save_onnx"):
        import onnx
    if not isinstance(net, Module):
        raise ArgumentError(f"save_onnx: net must be a Module, got {without_net(net)}")
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= positive_int("opset", opset) <= newest:
        raise ArgumentError(f"opset must be an integer from {OLDEST} to {newest}, the newest that onnx {onnx.__version__} has, "
                            f"got {opset}")
    model = Model(onnx, floating_dtype(dtype))
    model.add(net, checked_shape(net, input_shape))
    content = model.to_bytes(type(net).__name__, opset)
    write(path, content)


def without_net(value: Any) -> str:
    """Return the end of the error for what is no network, with its part that is one: of a Model, or an estimator."""
    steps = getattr(value, "steps", None)                           # of a pipeline of scikit-learn, which is not imported here
    last = steps[-1][-1] if isinstance(steps, list) and steps else value
    if isinstance(value, Saved):
        return "a Model: give model.net; the scaler and the labels are not written"
    if isinstance(getattr(last, "net_", None), Module):
        which, before = ("model", "") if last is value else ("model[-1]", "the steps before it and ")
        return f"a {type(value).__name__}: give {which}.net_; {before}the labels are not written"
    return in_a_line(value)


def checked_shape(net: Module, input_shape: Any) -> Shape:
    """Return the shape as tuples of ints; ArgumentError or ShapeError if it cannot be that of the network's input."""
    if not isinstance(input_shape, (tuple, list)) or not input_shape:
        raise ArgumentError(f"input_shape must be a tuple such as (1, 64), got {in_a_line(input_shape)}")
    inner = [isinstance(part, (tuple, list)) for part in input_shape]
    given = input_shape if all(inner) else [input_shape]
    shapes = tuple(tuple(positive_int("each size in input_shape", size) for size in part) for part in given)
    return fitting(shapes if all(inner) else shapes[0], net)


class Model:
    """An ONNX model in the making."""

    def __init__(self, onnx: ModuleType, dtype: np.dtype[Any]) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.arrays: dict[str, Array] = {}
        self.integers: set[str] = set()
        self.names: dict[Parameter, str] = {}
        self.turned: dict[Parameter, str] = {}                      # the names of transposes
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def add(self, net: Module, shape: Shape) -> None:
        """Add the inputs, the nodes and the outputs of a network."""
        wiring, shapes = net.wiring(), parts(shape) if several(shape) else (shape,)
        self.names = {parameter: name for name, parameter in net.named_parameters()}
        inputs = wiring.inputs if net.arity is not None else tuple(f"x{k}" for k in range(len(shapes)))
        known = dict(zip(inputs, shapes, strict=True))
        names = tensor_names(net, wiring)
        read = {name: [node.module for node in wiring.nodes if name in node.sources] for name in inputs}
        self.integers = {name for name in inputs if read[name] and all(type(module) is Embedding for module in read[name])}
        if any(len(part) < 2 and name not in self.integers for name, part in known.items()):
            raise ArgumentError(f"input_shape must begin with the size of a batch, such as (1, 64), got {shape}")
        self.inputs = [self.value(name, part) for name, part in known.items()]
        for path, module, sources in wiring.nodes:
            names_read = sources if net.arity is not None or sources != wiring.inputs else inputs
            if type(module) not in FORMS:
                place = f"{path}, {module!r}," if path else repr(module)
                raise ArgumentError(f"save_onnx: net must be made of modules that have a form in ONNX, but {place} has none")
            at = Place(module, path, tuple(names.get(one, one) for one in names_read), tuple(known[one] for one in names_read),
                       names.get(path, path))
            known[path] = module.output_shape(at.shapes if len(names_read) > 1 else at.shapes[0])
            FORMS[type(module)](self, at)
        self.outputs = [self.value(names[path], known[path]) for path in wiring.outputs]

    def value(self, name: str, shape: tuple[int, ...]) -> Any:
        """Describe an input or output; its first size is that of the batch."""
        dtype = np.dtype(np.int64) if name in self.integers else self.dtype
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(dtype)
        return self.onnx.helper.make_tensor_value_info(name, kind, ["batch", *shape[1:]])

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def parameter(self, parameter: Parameter) -> str:
        return self.buffer(parameter.data, self.names[parameter])

    def transposed(self, parameter: Parameter) -> str:
        if parameter not in self.turned:
            name = self.parameter(parameter)
            self.turned[parameter] = self.node("Transpose", (name,), f"{name}..T", perm=[1, 0])
        return self.turned[parameter]

    def buffer(self, array: Array, name: str) -> str:
        return name if name in self.arrays else self.constant(as_floating(array, self.dtype, name), name)

    def constant(self, array: Array, name: str) -> str:
        self.arrays[name] = array
        return name

    def factor(self, value: float) -> str:
        return self.constant(np.array(value, self.dtype), f"..{value:.6g}")

    def to_bytes(self, name: str, opset: int) -> bytes:
        """Return the content of the file."""
        helper = self.onnx.helper
        if sum(array.nbytes for array in self.arrays.values()) > LARGEST:
            raise ArgumentError("save_onnx: net must have less than 2 GB of parameters, the limit of an ONNX file")
        arrays = [self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), stored)
                  for stored, array in self.arrays.items()]
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, arrays)
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports),
                                  producer_name="retroprop", producer_version=__version__)
        return model.SerializeToString()


def tensor_names(net: Module, wiring: Wiring[Module]) -> dict[str, str]:
    """Return the names of the tensors by the paths of the modules that write them: those paths, but for the outputs.

    A module inside that has the name of an output gives way: no path of a module has two dots in a row.
    """
    outputs = wiring.outputs
    if isinstance(net, Graph) and len(net.outputs) == len(outputs):
        plain = list(net.outputs)
    else:
        plain = [f"y{k}" for k in range(len(outputs))] if len(outputs) > 1 else ["y"]
    inside = {node.path: f"{node.path}.." if node.path in plain else node.path for node in wiring.nodes}
    return inside | dict(zip(outputs, plain, strict=True))
