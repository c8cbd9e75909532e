"""Networks on disk: safetensors files, which hold numbers and cannot execute anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, FileFormatError, StateError
from ..modules import Module
from ..optim import Optimizer

PREFIX = "optimizer:"                                               # of the names of an optimizer's arrays


def save(net: Module, path: str | Path, optimizer: Optimizer | None = None) -> None:
    """Write parameters and buffers to a safetensors file, by PyTorch's names (``"0.weight"``).

    The generators of the modules (Dropout's) go with them, and with ``optimizer`` its state: training that is resumed
    from the file goes on bit for bit. The file appears whole or not at all: it is written beside and then moved.
    """
    from safetensors.numpy import save as to_bytes
    if not isinstance(net, Module):
        raise ArgumentError(f"save: net must be a Module, got {net!r}")
    arrays, notes = net.state_dict(), {"generators": {name: rng.bit_generator.state for name, rng in net.named_generators()}}
    if optimizer is not None:
        state = optimizer.state_dict()
        arrays |= {PREFIX + name: array for name, array in state["state"].items()}
        notes["groups"] = state["groups"]
    content = to_bytes(arrays, {"retroprop": json.dumps(notes, default=lambda array: array.tolist())})
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
    part = path.with_name(f"{path.name}.{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def load(net: Module, path: str | Path, optimizer: Optimizer | None = None) -> None:
    """Read what ``save`` wrote, or PyTorch's state of a network of the same names, into ``net`` (and ``optimizer``).

    All of it fits, or nothing is changed.

    Raises
    ------
    FileFormatError
        The file is truncated or no safetensors file.
    StateError
        Names or shapes do not fit; the message lists them all.
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"load: net must be a Module, got {net!r}")
    arrays, notes = read(Path(path))
    state = {name: array for name, array in arrays.items() if not name.startswith(PREFIX)}
    before = net.state_dict(), [rng.bit_generator.state for _, rng in net.named_generators()]
    try:
        net.load_state_dict(state)
        for name, rng in net.named_generators():
            if name in notes.get("generators", {}):
                seed_again(rng, notes["generators"][name], f"{path}: generator of module {name}")
        if optimizer is not None:
            if "groups" not in notes:
                raise StateError(f"{path}: no optimizer was saved in this file")
            kept = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
            optimizer.load_state_dict({"state": kept, "groups": notes["groups"]})
    except BaseException:
        net.load_state_dict(before[0])
        for (_, rng), kept_state in zip(net.named_generators(), before[1], strict=True):
            rng.bit_generator.state = kept_state
        raise


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and notes of a safetensors file."""
    from safetensors import SafetensorError, safe_open
    path.stat()                                                     # FileNotFoundError, before anything else is said
    try:
        with safe_open(path, framework="numpy") as file:
            notes = json.loads((file.metadata() or {}).get("retroprop", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError) as error:       # TypeError: a dtype that NumPy does not have
        raise FileFormatError(f"{path}: not a whole safetensors file of NumPy's types ({error}); write one with "
                              "retroprop.save, or from PyTorch with safetensors.torch.save_file") from None
    kinds = {"generators": dict, "groups": list}
    if not isinstance(notes, dict) or not all(isinstance(notes[name], kinds[name]) for name in kinds.keys() & notes.keys()):
        raise FileFormatError(f"{path}: its notes are not what retroprop.save writes")
    return arrays, notes


def seed_again(rng: np.random.Generator, state: Any, who: str) -> None:
    """Give a generator the state that was saved of one of its kind; StateError for any other."""
    try:
        rng.bit_generator.state = with_arrays(state)
    except (KeyError, TypeError, ValueError):
        raise StateError(f"{who}: the saved state is not one of a {type(rng.bit_generator).__name__}") from None


def with_arrays(state: Any) -> Any:
    """A generator's state as NumPy wants it, from JSON: its lists are arrays of words."""
    if isinstance(state, dict):
        return {name: with_arrays(value) for name, value in state.items()}
    return np.array(state, np.uint64) if isinstance(state, list) else state
