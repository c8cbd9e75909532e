"""Files of other libraries: numbers of bfloat16, and what to do with files that are not safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from ...arguments import Array

BRAIN = "BF16"                                                      # bfloat16: the upper half of the bits of a float32
CONVERT = ("import torch; from safetensors.torch import save_file; save_file({{name: array.contiguous().clone() for name, "
           "array in torch.load({path!r}, weights_only=True).items()}}, {target!r})")


def of_bfloat16(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """Return arrays of a safetensors file, which safetensors has found to be whole, as float32: exactly the same numbers."""
    arrays = {}
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        for name in names:
            first, last = header[name]["data_offsets"]
            file.seek(start + first)
            halves = np.frombuffer(file.read(last - first), "<u2").astype(np.uint32)
            arrays[name] = (halves << 16).view(np.float32).reshape(header[name]["shape"])
    return arrays


def advice(path: Path) -> str:
    """Return what to do with a file of another library, as the end of an error message; an empty text if it is no such file."""
    with path.open("rb") as file:
        start = file.read(8)
    pickled = start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"
    if start.startswith(b"PK"):
        try:
            with ZipFile(path) as archive:
                inner = archive.namelist()
        except (BadZipFile, NotImplementedError, ValueError):
            return ""
        pickled = any(name.endswith("data.pkl") for name in inner)
        if "model.weights.h5" in inner:
            return "it is a file of Keras: read it with retroprop.interop.from_keras(net, path)"
    if start.startswith(b"\x89HDF"):
        return "it is an HDF5 file: read weights of Keras with retroprop.interop.from_keras(net, path)"
    if not pickled:
        return ""
    target = str(path.with_suffix(".safetensors"))
    return ("it is a pickle, as torch.save writes, which can execute code when it is read: convert it where PyTorch is, with: "
            + CONVERT.format(path=str(path), target=target))
