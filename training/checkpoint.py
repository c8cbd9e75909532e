"""Checkpoints: networks in safetensors files, which hold numbers and cannot execute code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, FileFormatError, StateError
from ..modules import Module
from ..optim import Optimizer

PREFIX = "optimizer:"                                               # before the names of an optimizer's arrays


def save(net: Module, path: str | Path, optimizer: Optimizer | None = None) -> None:
    """Write parameters and buffers to a safetensors file, under PyTorch's names (``"0.weight"``).

    The file also holds the states of the modules' generators (Dropout's) and, if ``optimizer`` is given, the optimizer's
    state, so that a step from it gives the same bits as a step without the interruption, on the same batch. The file is
    written under a temporary name and then renamed, so a crash leaves no partial file at ``path``.

    Notes
    -----
    The order of the examples is not in the file. ``fit(..., rng=0)`` on a loaded network shuffles them as in the first epochs
    of a run with ``rng=0``, and not as in those that would have come next. For the bits of an uninterrupted run, give ``fit``
    a Generator, and keep its state beside the file: ``json.dumps(rng.bit_generator.state)``; to resume, set
    ``rng.bit_generator.state = json.loads(...)``. A callback may save both after each epoch.
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
    """Read a file of ``save``, or a PyTorch network's state with the same names, into ``net`` (and ``optimizer``).

    If any part does not fit, nothing is changed.

    Raises
    ------
    FileFormatError
        The file is truncated or is not a safetensors file.
    StateError
        Names or shapes do not fit the network; the message lists them all.
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
                set_state(rng, notes["generators"][name], f"{path}: generator of module {name}")
        if optimizer is not None:
            if "groups" not in notes:
                raise StateError(f"{path}: no optimizer was saved in this file")
            saved = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
            optimizer.load_state_dict({"state": saved, "groups": notes["groups"]})
    except BaseException:
        net.load_state_dict(before[0])
        for (_, rng), state_before in zip(net.named_generators(), before[1], strict=True):
            rng.bit_generator.state = state_before
        raise


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the notes (metadata) of a safetensors file."""
    from safetensors import SafetensorError, safe_open
    path.stat()                                                     # raises FileNotFoundError
    try:
        with safe_open(path, framework="numpy") as file:
            notes = json.loads((file.metadata() or {}).get("retroprop", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError) as error:       # TypeError: a dtype that NumPy does not have
        raise FileFormatError(f"{path}: not a whole safetensors file of NumPy's types ({error}); write one with "
                              "retroprop.save, or from PyTorch with safetensors.torch.save_file") from None
    kinds = {"generators": dict, "groups": list}
    if not isinstance(notes, dict) or not all(isinstance(notes[name], kinds[name]) for name in kinds.keys() & notes.keys()):
        raise FileFormatError(f"{path}: its notes must be those that retroprop.save writes")
    return arrays, notes


def set_state(rng: np.random.Generator, state: Any, who: str) -> None:
    """Set the state of a generator; StateError if the state was saved from another kind of generator."""
    try:
        rng.bit_generator.state = with_arrays(state)
    except (KeyError, TypeError, ValueError):
        raise StateError(f"{who}: the saved state is not one of a {type(rng.bit_generator).__name__}") from None


def with_arrays(state: Any) -> Any:
    """Return a generator's state, read from JSON, in NumPy's form: lists become uint64 arrays."""
    if isinstance(state, dict):
        return {name: with_arrays(value) for name, value in state.items()}
    return np.array(state, np.uint64) if isinstance(state, list) else state
