"""ONNX files as they are read: inputs, outputs, constants and nodes, in memory that is bounded by the size of the file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...arguments import Array
from ...errors import FileFormatError
from ...printing import in_one_line
from ..extras import needs

OPSETS = (7, 28)                                                    # the oldest and the newest that are read
ML = "ai.onnx.ml"                                                   # the operators of scikit-learn's exports
ANY = 10**9 + 7                                                     # stands for a size that may be any; further ones follow it
FACTOR, ROOM = 8, 2**18                                             # all arrays take at most 8 times the file, and 256 kB


class Node:
    """A node: an operator with its attributes, and the names of the tensors that it reads and writes."""

    def __init__(self, file: File, proto: Any, name: str) -> None:
        self.file, self.operator, self.name = file, proto.op_type, name
        self.domain = "" if proto.domain == "ai.onnx" else proto.domain
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.attributes = {attribute.name: attribute for attribute in proto.attribute}
        self.opset = file.opsets.get(self.domain, 0)

    def refused(self, why: str) -> FileFormatError:
        """Return the error that says why there is no module for this node."""
        operator = f"{self.domain}.{self.operator}" if self.domain else self.operator
        text = in_one_line(f"node {self.name!r}, {operator} of opset {self.opset}, {why}")
        return FileFormatError(f"{self.file.path}: {text}")

    def attribute(self, name: str, kind: type, default: Any) -> Any:
        """Return the value of an attribute and take it off the list; the default if there is none."""
        proto = self.attributes.pop(name, None)
        if proto is None:
            return default
        try:
            value = self.file.onnx.helper.get_attribute_value(proto)
        except ValueError:
            value = None
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        found = list(value) if kind is list and isinstance(value, Sequence) and not isinstance(value, str) else value
        if not isinstance(found, kind):
            raise self.refused(f"has an attribute {name} of the wrong type")
        return found

    def integer(self, name: str, default: int) -> int:
        return self.attribute(name, int, default)

    def real(self, name: str, default: float) -> float:
        """Return a float32 attribute as the shortest decimal number that it may stand for."""
        value = self.attribute(name, float, default)
        return float(str(np.float32(value)))

    def text(self, name: str, default: str) -> str:
        return self.attribute(name, str, default)

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int] | None:
        found = self.attribute(name, list, None if default is None else list(default))
        if found is not None and not all(isinstance(one, int) for one in found):
            raise self.refused(f"has an attribute {name} of the wrong type")
        return found

    def reals(self, name: str) -> Array | None:
        found = self.attribute(name, list, None)
        if found is not None and not all(isinstance(one, float) for one in found):
            raise self.refused(f"has an attribute {name} of the wrong type")
        return None if found is None else np.array(found, np.float32)

    def demand(self, good: bool, why: str) -> None:
        """Refuse the node unless ``good``."""
        if not good:
            raise self.refused(why)

    def finish(self) -> None:
        """Refuse the node if it has attributes that nobody has read."""
        if self.attributes:
            raise self.refused(f"has the attribute {in_one_line(next(iter(self.attributes)))}, which has no meaning here")


class File:
    """An ONNX file.

    Attributes
    ----------
    inputs : dict of (type, sizes) by name
        The sizes are None where they may be any; all are None if the number of axes is open.
    outputs : dict of type by name
        Types are numbers of ``onnx.TensorProto``, 0 if there is none.
    nodes : list of Node
    """

    def __init__(self, path: Path) -> None:
        with needs("onnx", "load_onnx"):
            import onnx
            from google.protobuf.message import DecodeError
        self.onnx: ModuleType = onnx
        self.path, content = path, path.read_bytes()
        self.size, self.spent = len(content), 0
        try:
            model = self.onnx.load_model_from_string(content)
        except DecodeError as error:
            raise FileFormatError(f"{path}: not a whole ONNX file ({in_one_line(error)})") from None
        graph = model.graph
        if not graph.node or not graph.output:
            raise FileFormatError(f"{path}: not an ONNX file with a graph of nodes")
        self.opsets = {"" if each.domain == "ai.onnx" else each.domain: each.version for each in model.opset_import}
        oldest, newest = OPSETS
        if not oldest <= self.opsets.get("", 0) <= newest:
            raise FileFormatError(f"{path}: its operators must be of one of the opsets {oldest} to {newest}, "
                                  f"got {self.opsets.get('', 'none')}")
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.arrays: dict[str, Array] = {}
        self.others: set[str] = set()                               # files beside it that have been read
        self.inputs = {each.name: typed(each) for each in graph.input if each.name not in self.stored}
        self.outputs = {each.name: typed(each)[0] for each in graph.output}
        self.nodes = [Node(self, proto, in_one_line(proto.name or next(iter(proto.output), ""))) for proto in graph.node]

    def spend(self, size: int) -> None:
        """Count bytes that are about to be allocated; FileFormatError if they are too many for this file."""
        self.spent += size
        if self.spent > FACTOR * self.size + ROOM:
            raise FileFormatError(f"{self.path}: its arrays need more than {FACTOR} times the memory of the file")

    def array(self, name: str) -> Array:
        """Return an initializer."""
        if name not in self.arrays:
            self.arrays[name] = self.numbers(self.stored[name], f"initializer {in_one_line(name)!r}")
        return self.arrays[name]

    def numbers(self, tensor: Any, what: str) -> Array:
        """Return a stored tensor; only real numbers of NumPy's types are read."""
        kinds = self.onnx.TensorProto
        allowed = {kinds.FLOAT: 4, kinds.DOUBLE: 8, kinds.INT64: 8, kinds.INT32: 4, kinds.BOOL: 1}
        shape = tuple(tensor.dims)
        if tensor.data_type not in allowed:
            raise FileFormatError(f"{self.path}: {what} must be FLOAT, DOUBLE, INT64, INT32 or BOOL, "
                                  f"got {self.called(tensor.data_type)}")
        if any(size < 0 for size in shape):
            raise FileFormatError(f"{self.path}: {what} has the shape {shape}")
        size = math.prod(shape) * allowed[tensor.data_type]
        self.spend(0 if tensor.data_location == kinds.EXTERNAL else size)
        try:
            if tensor.data_location == kinds.EXTERNAL:
                tensor = self.beside(tensor, what, size)
            return self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, OverflowError) as error:
            raise FileFormatError(f"{self.path}: {what} does not have the numbers of an array of shape {shape} "
                                  f"({in_one_line(error)})") from None

    def called(self, kind: int) -> str:
        """Return the name of a type."""
        kinds = self.onnx.TensorProto.DataType
        return kinds.Name(kind) if kind in kinds.values() else "SEQUENCE" if kind == -1 else str(kind)

    def beside(self, tensor: Any, what: str, size: int) -> Any:
        """Return a tensor with the data that are in another file of the same folder."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        name, offset = entries.get("location", ""), entries.get("offset", "0")
        other = self.path.parent / name
        if not name.isprintable() or Path(name).name != name or set(name) & set("\\:") or other.is_symlink():
            raise FileFormatError(f"{self.path}: {what} is in another file, which must be in the same folder, got {name!r}")
        if not other.is_file():
            raise FileFormatError(f"{self.path}: {what} is in {name}, which is not beside it")
        length, valid = other.stat().st_size, offset.isdecimal() and len(offset) < 19
        if not valid or int(offset) + size > length or entries.get("length", str(size)) != str(size):
            raise FileFormatError(f"{self.path}: {what} has no valid place in {name}")
        if name not in self.others:
            self.others.add(name)
            self.size += length
        self.spend(size)
        with other.open("rb") as file:
            file.seek(int(offset))
            raw = file.read(size)
        return self.onnx.TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=raw)


def typed(value: Any) -> tuple[int, list[int | None] | None]:
    """Return the type of an input or output, and its sizes."""
    if not value.type.HasField("tensor_type"):
        return -1 if value.type.WhichOneof("value") else 0, None
    kind = value.type.tensor_type
    sizes = [size.dim_value if size.dim_value > 0 else None for size in kind.shape.dim] if kind.HasField("shape") else None
    return kind.elem_type, sizes


def shown(shape: Sequence[int]) -> str:
    """Return a shape as text; N is the size of the batch, ? another that may be any."""
    sizes = [str(size) if size < ANY else "?" if size % ANY else f"{size // ANY}N".removeprefix("1") for size in shape]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
