"""The state of a run: all that its next steps depend on, taken out of living objects and put back into them."""

from __future__ import annotations

import platform
import re
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import partial
from inspect import signature
from itertools import starmap, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...arguments import in_a_line
from ...errors import ArgumentError, FileFormatError, StateError
from ...modules import Module
from ...modules.core.evaluation import in_modes
from ...modules.core.parameter import FlatParameters, placing
from ...optim import Optimizer
from ...restoring import Restored, at_once, calling, setting
from ...threads import blas_of_numpy
from .sealed import packed, unpacked, unsealed
from .states import as_before, as_saved, put_network, put_optimizer, set_state

# What the notes of a checkpoint have beside those of save.
NOTES = {"version": str, "run": str, "step": int, "modules": list, "modes": list, "frozen": list, "initial_lr": list,
         "others": dict, "optional": list, "surroundings": dict}
LIBRARY = __name__.partition(".")[0] + "."
OPTIMIZER = ("segments", "stored", "seen_changes", "constants_current")     # attributes that load_state_dict sets


class Parts(NamedTuple):
    """The objects that a run is made of.

    Attributes
    ----------
    net : Module
    optimizer : Optimizer or None
    others : dict
        By name: generators, and objects with the methods ``state_dict`` and ``load_state_dict``.
    optional : tuple of str
        Names of others whose state may be missing in a file, or not be asked for.
    """

    net: Module
    optimizer: Optimizer | None
    others: Mapping[str, Any]
    optional: tuple[str, ...] = ()

    def checked(self, who: str) -> Parts:
        """Return these parts; ArgumentError for what is none."""
        if not isinstance(self.net, Module):
            raise ArgumentError(f"{who}: net must be a Module, got {in_a_line(self.net)}")
        if not isinstance(self.optimizer, (Optimizer, type(None))):
            raise ArgumentError(f"{who}: optimizer must be an Optimizer or None, got {in_a_line(self.optimizer)}")
        if not isinstance(self.others, Mapping):
            raise ArgumentError(f"{who}: also must be a dict of generators and objects by name, got {in_a_line(self.others)}")
        for name, part in self.others.items():
            if not isinstance(name, str) or not (isinstance(part, np.random.Generator) or has_state(part)):
                raise ArgumentError(f"{who}: also must hold, by name, generators and objects with state_dict and "
                                    f"load_state_dict, got {name!r}: {in_a_line(part)}")
        return self

    def saved(self, who: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the arrays and the notes of a file with the state of all parts."""
        arrays, notes = as_saved(self.net, self.optimizer)
        return arrays, notes | {
            "modules": [[path, type(module).__name__, named(module)] for path, module in self.net.named_modules()],
            "modes": [module.training for _, module in self.net.named_modules()],
            "frozen": [name for name, parameter in self.net.named_parameters() if parameter.frozen],
            "optimizer": None if self.optimizer is None else type(self.optimizer).__name__,
            "initial_lr": [group.initial_lr for group in self.groups()],
            "optional": list(self.optional),
            "others": {name: packed(state_of(part), arrays, f"{who}: the state of {name}")
                       for name, part in self.others.items()}}

    def groups(self) -> list[Any]:
        return [] if self.optimizer is None else self.optimizer.groups

    def check(self, arrays: dict[str, Any], notes: dict[str, Any], path: Any) -> None:
        """Raise StateError unless a file has the state of such parts."""
        modules = [(where or "the top", type(module).__name__) for where, module in self.net.named_modules()]
        saved = [(where or "the top", kind) for where, kind, _ in notes["modules"]]
        for mine, theirs in zip_longest(modules, saved, fillvalue=("the end", "nothing")):
            if mine != theirs:
                raise StateError(f"{path}: net must be the network that was saved, with {theirs[1]} at {theirs[0]}, got "
                                 f"{mine[1]} at {mine[0]}")
        for name, array in self.net.state_dict().items():
            if name in arrays and arrays[name].dtype != array.dtype:
                raise StateError(f"{path}: net must have the dtype of the network that was saved, where {name!r} is "
                                 f"{arrays[name].dtype}, got {array.dtype}")
        kind = None if self.optimizer is None else type(self.optimizer).__name__
        if kind is not None and kind != notes["optimizer"]:
            raise StateError(f"{path}: optimizer must be the one that was saved, {notes['optimizer']}, got {kind}")
        asked, held = ({*names} - {*self.optional, *notes["optional"]} for names in (self.others, notes["others"]))
        if asked != held:
            raise StateError(f"{path}: the run must have the parts that were saved, {spoken(held)}, got {spoken(asked)}")

    def put(self, arrays: dict[str, Any], notes: dict[str, Any], path: Any) -> None:
        """Put the state of a file into all parts; StateError, and nothing has changed, if it does not fit."""
        self.check(arrays, notes, path)
        before = self.before()
        try:
            self.put_each(arrays, notes, path)
        except BaseException:
            before.restore()
            raise

    def try_out(self, arrays: dict[str, Any], notes: dict[str, Any], path: Any) -> None:
        """Raise what ``put`` would raise, and change nothing."""
        self.check(arrays, notes, path)
        with self.before() as kept, kept:
            self.put_each(arrays, notes, path)

    def put_each(self, arrays: dict[str, Any], notes: dict[str, Any], path: Any) -> None:
        put_network(self.net, arrays, notes, path)
        at_once(in_modes([(module, bool(mode)) for (_, module), mode in
                          zip(self.net.named_modules(), notes["modes"], strict=True)]))
        for name, parameter in self.net.named_parameters():
            if parameter.frozen != (name in notes["frozen"]):
                parameter.frozen = not parameter.frozen
        for name, part in self.others.items():
            if name in notes["others"]:
                put_state(part, unpacked(notes["others"][name], arrays), f"{path}: {name}")
        if self.optimizer is not None:                              # after the schedules, which set rates
            put_optimizer(self.optimizer, arrays, notes, path)
            at_once(setting([(group, "initial_lr", lr) for group, lr in
                             zip(self.groups(), notes["initial_lr"], strict=True)]))

    def before(self) -> Restored:
        """Return what puts all parts back as they are now. Enter it twice to try something: see Restored."""
        frozen = [(parameter, "_frozen", parameter.frozen) for parameter in self.net.parameters()]
        states = [(part, deepcopy(state_of(part)), "as before") for part in self.others.values()]

        def frozen_as_before() -> Iterator[None]:
            FlatParameters.changes += 1
            return placing(frozen)()

        modes = in_modes([(module, module.training) for _, module in self.net.named_modules()])
        return Restored([partial(starmap, put_state, states), frozen_as_before, modes, *as_now(self.optimizer)]) & as_before(
            self.net)

    def changed(self, notes: dict[str, Any]) -> list[str]:
        """Return what is not as it was when a file was saved, and may change the bits of the next steps."""
        pairs = zip(self.net.named_modules(), notes["modules"], strict=True)
        found = [f"{theirs[2]} (now {named(module)})" for (_, module), theirs in pairs if named(module) != theirs[2]]
        now = surroundings()
        return found + [f"{name} {value} (now {now.get(name)})" for name, value in notes["surroundings"].items()
                        if now.get(name) != value]


def has_state(part: Any) -> bool:
    """Return whether an object has a state that can be taken and put back."""
    return not isinstance(part, type) and callable(getattr(part, "state_dict", None)) and callable(
        getattr(part, "load_state_dict", None))


def state_of(part: Any) -> Any:
    return part.bit_generator.state if isinstance(part, np.random.Generator) else part.state_dict()


def put_state(part: Any, state: Any, who: str) -> None:
    if isinstance(part, np.random.Generator):
        set_state(part, state, who)
    else:
        part.load_state_dict(state)


def as_now(optimizer: Optimizer | None) -> list[Any]:
    """Return the acts that put back an optimizer's options and states."""
    if optimizer is None:
        return []
    return [calling(dict.update, [(group, dict(group)) for group in optimizer.groups]), setting([
        *((group, "initial_lr", group.initial_lr) for group in optimizer.groups),
        *((optimizer, name, getattr(optimizer, name)) for name in OPTIMIZER)])]


def named(module: Any) -> str:
    """Return the text form of a module that holds no others: it says its options. The address of a function is left out."""
    inner = isinstance(module, Module) and module.children()
    return type(module).__name__ if inner else re.sub(r" at 0x[0-9A-Fa-f]+", "", in_a_line(module))


def settings_of(part: Any) -> str:
    """Return the text form of an object, with the arguments of the library's constructors that it has as attributes.

    Networks and optimizers are left out.
    """
    kinds = [kind for kind in type(part).__mro__ if kind.__module__.startswith(LIBRARY) and "__init__" in vars(kind)]
    names = dict.fromkeys(name for kind in kinds for name in signature(vars(kind)["__init__"]).parameters)
    values = {name: getattr(part, name) for name in names if hasattr(part, name)}
    said = [f"{name}={spelled(value)}" for name, value in values.items() if not isinstance(value, (Module, Optimizer))]
    return f"{type(part).__name__}({', '.join(said)})"


def settings_among(parts: Parts) -> dict[str, str]:
    """Return the settings of the objects beside the network that must be as they were, by name."""
    return {name: settings_of(part) for name, part in parts.others.items() if name not in parts.optional}


def spelled(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(spelled, value))}]"
    return settings_of(value) if has_state(value) else named(value)


def surroundings() -> dict[str, Any]:
    """Return what the bits of a matrix product depend on, beside the numbers: NumPy's version, BLAS, and its kernel."""
    library = blas_of_numpy()
    return {"NumPy": np.__version__, "processor": platform.machine(),
            "BLAS": "" if library is None else f"{library.internal_api} {library.version}",
            "BLAS kernel": "" if library is None else str(library.info().get("architecture"))}


def spoken(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the notes of a checkpoint that this version wrote."""
    from ... import __version__
    arrays, notes = unsealed(path)
    if not all(isinstance(notes.get(name), kind) for name, kind in NOTES.items()):
        raise FileFormatError(f"{path}: not a file of retroprop.Checkpoint")
    if notes["version"] != __version__:
        raise StateError(f"{path}: a run must be resumed by the version of retroprop that saved it, {notes['version']}, got "
                         f"{__version__}; retroprop.load reads the network")
    return arrays, notes


def warn_of_changes(path: str | Path, changes: list[str]) -> None:
    if changes:
        warnings.warn(f"{path}: the run was saved with {', '.join(changes)}; resumed, it may differ from an uninterrupted one",
                      stacklevel=4)
