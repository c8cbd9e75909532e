"""load_onnx: the network of an ONNX file."""

from __future__ import annotations

from pathlib import Path

from ...errors import ArgumentError, FileFormatError
from ...modules import Graph, Sequential
from .file import File
from .operators import MODULES
from .reader import Reader


def load_onnx(path: str | Path) -> Sequential | Graph:
    """Return the network of an ONNX file, in evaluation mode: a Sequential if it is a chain of modules, otherwise a Graph.

    Read are files of ``save_onnx`` and those that PyTorch, scikit-learn and other tools write of plain networks, with opsets 7
    to 28: the operators for which this library has a module, and what is computed from constants alone.
    ``docs/how-to/onnx.md`` lists them.

    Parameters
    ----------
    path : str or Path
        Also a file whose arrays are in another file of the same folder, as PyTorch writes it.

    Raises
    ------
    FileFormatError
        The file is damaged, or no ONNX file; or a node has no module here. The message names the node, its operator and the
        opset.
    ArgumentError
        The package onnx is not installed (extra ``onnx``).
    OSError
        There is no such file.

    Notes
    -----
    Nodes of a Graph have the names of the tensors that they write; "_" replaces dots. Arrays that several nodes read become
    one shared Parameter, unless all their numbers are equal: exporters store equal biases once, too. Outputs that are no
    floats, such as the labels beside a classifier's probabilities, are left out. Operators that PyTorch writes for one module,
    such as Sigmoid and Mul for SiLU, become that module.

    The network has the dtype of the file's output, float32 or float64. Reading takes little more memory than the arrays of
    the network, and executes no code.
    """
    if not isinstance(path, (str, Path)):
        raise ArgumentError(f"load_onnx: path must be a str or a Path, got {type(path).__name__}")
    file = File(Path(path))
    try:
        return Reader(file).network(MODULES)
    except (RecursionError, MemoryError):
        raise FileFormatError(f"{path}: not a network that fits into memory") from None
