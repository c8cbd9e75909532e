"""Networks and optimizers in safetensors files, which hold numbers and cannot execute code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import in_a_line
from ...errors import ArgumentError, FileFormatError, StateError
from ...files import write
from ...modules import Module
from ...modules.core.rewinding import rewound
from ...optim import Optimizer
from ...printing import in_one_line
from ...restoring import Restored, alike, at_once, filling, setting
from .foreign import BRAIN, advice, of_bfloat16
from .renaming import renamed
from .sealed import STATE, safetensors, unsealed

PREFIX = "optimizer:"                                               # before the names of an optimizer's arrays
TYPES = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")     # real numbers of NumPy
LIMITS = {"pos": 624, "buffer_pos": 4, "has_uint32": 1}             # the largest values in the states of NumPy's generators


def save(net: Module, path: str | Path, optimizer: Optimizer | None = None) -> None:
    """Write parameters and buffers to a safetensors file, under PyTorch's names (``"0.weight"``).

    The file also holds the states of the modules' generators (Dropout's), the names that ``fit`` has remembered
    (``net.feature_names``, ``net.class_labels``) and, if ``optimizer`` is given, the optimizer's state, so that a step from it
    gives the same bits as a step without the interruption, on the same batch.

    The file is written whole or not at all, even if the process is killed: under a temporary name, and then renamed. A
    symbolic link at ``path`` is followed, an existing file keeps its permissions, and a read-only one is refused. A network
    that has diverged can be saved, but ``load`` refuses numbers that are not finite.

    Raises
    ------
    OSError
        The file is read-only (PermissionError), its folder does not exist (FileNotFoundError), the disk is full, ...; an
        existing file is then as it was.

    Notes
    -----
    To resume training with the bits of a run without the interruption, use Checkpoint, whose file also holds the order of the
    examples, the history and the states of callbacks. ``fit(..., rng=0)`` on a network that ``load`` has read shuffles the
    examples as in the first epochs of a run with ``rng=0``, and not as in those that would have come next.
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"save: net must be a Module, got {in_a_line(net)}")
    arrays, notes = as_saved(net, optimizer)
    text = json.dumps(notes, default=lambda array: array.tolist())
    write(path, safetensors("safetensors.numpy").save(arrays, {"retroprop": text}))


def load(net: Module, path: str | Path, optimizer: Optimizer | None = None, *,
         names: Mapping[str, str] | str | None = None) -> None:
    """Read a file of ``save``, or the state of a PyTorch network, into ``net`` (and ``optimizer``).

    ``net.feature_names`` and ``net.class_labels`` become those of the network that was saved, and None if the file has none, as
    PyTorch's: other weights have other classes. If any part does not fit, nothing is changed. Numbers of another type, bfloat16
    and float16 among them, become those of the network.

    Parameters
    ----------
    net : Module
    path : str or Path
        A safetensors file, as ``save`` and ``safetensors.torch.save_file(model.state_dict(), path)`` write it.
    optimizer : Optimizer, optional
        To have its state read too, which the file must hold.
    names : dict, "order" or None, default None
        Which array of the file is which of the network's. None: their names are equal. A dict has the network's names as keys
        and those in the file as values; the name of a module stands for all names that begin with it, as in
        ``names={"0": "encoder.fc", "2.weight": "decoder.weight"}``, and names that are not in it are equal. "order": modules
        of the same shapes follow each other as the numbers in the names of the file do (``"fc1"``, ``"fc2"``), which is
        refused where these names have no numbers.

    Raises
    ------
    FileFormatError
        The file is truncated, is not a safetensors file (the message for a file of ``torch.save`` has the line that converts
        it), or has arrays of a type that NumPy lacks (float8).
    ArgumentError
        ``names`` is neither, or has keys that the network has not.
    StateError
        Names, shapes or values do not fit the network; the message lists them all. Values must be finite.
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"load: net must be a Module, got {in_a_line(net)}")
    arrays, notes = read(Path(path))
    if "sha256" in notes:                                           # a file of Checkpoint
        arrays, notes = unsealed(path)
    before = as_before(net)
    notes = {"columns": None, "labels": None} | notes
    try:
        put_network(net, arrays, notes, path, names)
        if optimizer is not None:
            put_optimizer(optimizer, arrays, notes, path)
    except BaseException:
        before.restore()                                            # as they were, even if they were not finite
        raise


def as_saved(net: Module, optimizer: Optimizer | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the notes that ``save`` writes: the states of the network, of its generators, of the optimizer."""
    arrays, notes = net.state_dict(), {
        "generators": {name: rng.bit_generator.state for name, rng in generators(net).items()},
        "columns": net.feature_names, "labels": in_json(net.class_labels)}
    if optimizer is not None:
        state = optimizer.state_dict()
        arrays |= {PREFIX + name: array for name, array in state["state"].items()}
        notes["groups"] = state["groups"]
    return arrays, notes


def as_before(net: Module) -> Restored:
    """Return what puts back the parameters, the buffers, the generators and the names of a network."""
    names = alike([net], feature_names=net.feature_names, class_labels=net.class_labels)
    return rewound(net) & Restored([filling([(each.data, each.data.copy()) for each in net.parameters()]), setting(names)])


def in_json(labels: tuple[Any, ...] | None) -> list[Any] | None:
    """Return labels as JSON holds them: those of bytes as lists of numbers."""
    return None if labels is None else [list(label) if isinstance(label, bytes) else label for label in labels]


def names_in(notes: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """Return the names of columns and labels of a file; FileFormatError for what is none."""
    columns, labels = notes["columns"], notes.get("labels")
    try:
        for found, kinds in ((columns, (str,)), (labels, (str, int, float, bool, list))):
            if found is not None and not (type(found) is list and all(type(name) in kinds for name in found)):
                raise TypeError(f"got the names {in_a_line(found)}")
        known = None if labels is None else tuple(bytes(name) if isinstance(name, list) else name for name in labels)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: its notes must be those that retroprop.save writes ({error})") from error
    return {"feature_names": None if columns is None else tuple(columns), "class_labels": known}


def generators(net: Module) -> dict[str, np.random.Generator]:
    """Return the generators of a network by the path of their module, followed by a number for its second, third, ..."""
    found: dict[str, np.random.Generator] = {}
    for path, rng in net.named_generators():
        numbers = (path, *(f"{path}#{k}" for k in range(2, len(found) + 2)))
        found[next(name for name in numbers if name not in found)] = rng
    return found


def put_network(net: Module, arrays: dict[str, Any], notes: dict[str, Any], path: str | Path,
                names: Mapping[str, str] | str | None = None) -> None:
    """Put the parameters, the buffers, the generators and the names of a file into a network."""
    state = {name: array for name, array in arrays.items() if not name.startswith((PREFIX, STATE))}
    net.load_state_dict(state if names is None else renamed(str(path), state, net.state_dict(), names))
    for name, rng in generators(net).items():
        if name in notes.get("generators", {}):
            set_state(rng, notes["generators"][name], f"{path}: generator of module {name}")
    if "columns" in notes:                                          # not so in files of Checkpoint from before
        at_once(setting(alike([net], **names_in(notes, path))))


def put_optimizer(optimizer: Optimizer, arrays: dict[str, Any], notes: dict[str, Any], path: str | Path) -> None:
    """Put the options and the states of a file into an optimizer."""
    if "groups" not in notes:
        raise StateError(f"{path}: no optimizer was saved in this file")
    saved = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
    optimizer.load_state_dict({"state": saved, "groups": notes["groups"]})


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the notes (metadata) of a safetensors file."""
    SafetensorError, safe_open = safetensors().SafetensorError, safetensors().safe_open
    path.open("rb").close()                                         # OSError: there is no such file, ...
    try:
        with safe_open(path, framework="numpy") as file:
            notes = json.loads((file.metadata() or {}).get("retroprop", "{}"))
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}    # noqa: SIM118
            foreign = [f"{name!r} is {kind}" for name, kind in types.items() if kind not in (*TYPES, BRAIN)]
            arrays = {} if foreign else {name: file.get_tensor(name) for name, kind in types.items() if kind in TYPES}
            arrays |= {} if foreign else of_bfloat16(path, [name for name, kind in types.items() if kind == BRAIN])
    except (SafetensorError, ValueError, RecursionError) as error:  # ValueError, RecursionError: of json
        hint = advice(path) or "write one with retroprop.save, or from PyTorch with safetensors.torch.save_file"
        raise FileFormatError(f"{path}: not a whole safetensors file with notes of retroprop.save ({in_one_line(error)}); "
                              f"{hint}") from None
    if foreign:
        raise FileFormatError(f"{path}: arrays must have one of the types {', '.join((*TYPES, BRAIN))}, but "
                              f"{', '.join(foreign)}; convert the network before you save it, in PyTorch with model.float()")
    kinds = {"generators": dict, "groups": list}
    if not isinstance(notes, dict) or not all(isinstance(notes[name], kinds[name]) for name in kinds.keys() & notes.keys()):
        raise FileFormatError(f"{path}: its notes must be those that retroprop.save writes")
    return arrays, notes


def set_state(rng: np.random.Generator, state: Any, who: str) -> None:
    """Set the state of a generator; StateError if it is damaged, or the state of another kind of generator."""
    try:
        given, twin = with_arrays(state), deepcopy(rng.bit_generator)
        fits = same_kinds(given, twin.state) and all(0 <= number <= LIMITS[name] for name, number in places(given))
        if fits:
            twin.state = given                                      # NumPy rounds numbers
            fits = equal(given, twin.state)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        fits = False
    if not fits:
        raise StateError(f"{who}: the saved state is not one of a {type(rng.bit_generator).__name__}")
    rng.bit_generator.state = given


def same_kinds(a: Any, b: Any) -> bool:
    """Return whether two states of generators have arrays and numbers at the same places."""
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(same_kinds(a[name], b[name]) for name in b)
    return isinstance(a, np.ndarray if isinstance(b, np.ndarray) else type(b)) and np.shape(a) == np.shape(b)


def equal(a: Any, b: Any) -> bool:
    """Return whether two states of generators, dicts of dicts, arrays and numbers, are the same."""
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(equal(a[name], b[name]) for name in b)
    return np.array_equal(a, b)


def places(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the numbers of a generator's state that are places in its arrays, by name."""
    for name, value in state.items():
        if isinstance(value, dict):
            yield from places(value)
        elif name in LIMITS:
            yield name, value


def with_arrays(state: Any) -> Any:
    """Return a generator's state, read from JSON, in NumPy's form: lists become uint64 arrays."""
    if isinstance(state, dict):
        return {name: with_arrays(value) for name, value in state.items()}
    return np.array(state, np.uint64) if isinstance(state, list) else state
