"""Which array of a file is meant for which array of a network, if the file has names of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...arguments import in_a_line
from ...errors import ArgumentError, StateError
from ...modules.core.state import IGNORED
from ...names import suggestion

ORDER = "order"
HINT = "give names={name of the network: name in the file}"


class Unit(NamedTuple):
    """Arrays whose names differ in the last part only, those of one module: its name, and the shape of each by that part."""

    name: str
    shapes: dict[str, tuple[int, ...]]

    @property
    def kind(self) -> frozenset[tuple[str, tuple[int, ...]]]:
        return frozenset(self.shapes.items())

    def __str__(self) -> str:
        return f"{self.name!r} ({', '.join(f'{name} {shape}' for name, shape in self.shapes.items())})"


def renamed(who: str, arrays: Mapping[str, Any], ours: Mapping[str, Any], names: Mapping[str, str] | str) -> dict[str, Any]:
    """Return the arrays of a file under the names that the network has for them.

    Parameters
    ----------
    who : str
        Begins the messages.
    arrays, ours : mappings from names to arrays
        Of the file and of the network.
    names : mapping from names of the network to names in the file, of arrays or of modules; or "order"

    Raises
    ------
    ArgumentError
        ``names`` is neither, or has names that the network has not.
    StateError
        The file lacks arrays of the network, or has others; or the order does not say which is which.
    """
    found = {name: array for name, array in arrays.items() if name.rpartition(".")[2] != IGNORED}
    if isinstance(names, Mapping):
        pairs = mapped(ours, names)
    elif isinstance(names, str) and names == ORDER:
        pairs = in_order(who, units(found), units(ours))
    else:
        raise ArgumentError("names must be a dict from names of the network to names in the file, or 'order', got "
                            f"{in_a_line(names)}")
    missing = [f"{theirs!r} for {name!r}" for name, theirs in pairs.items() if theirs not in found]
    others = [repr(theirs) for theirs in found if theirs not in set(pairs.values())]
    if missing or others:
        raise StateError(f"{who}: the names do not fit: the file lacks {', '.join(missing) or 'nothing'}, and has, for no "
                         f"array of the network, {', '.join(others) or 'nothing'}")
    return {name: found[theirs] for name, theirs in pairs.items()}


def mapped(ours: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the name in the file for each of ours: that of the longest entry which is our name, or the module before a dot."""
    used: set[str] = set()
    pairs = {}
    for name in ours:
        parts = name.split(".")
        starts = [start for start in (".".join(parts[:k]) for k in range(len(parts), 0, -1)) if start in names]
        pairs[name] = name
        if starts:
            if not isinstance(names[starts[0]], str):
                raise ArgumentError(f"names[{starts[0]!r}] must be a name in the file, got {in_a_line(names[starts[0]])}")
            pairs[name] = names[starts[0]] + name.removeprefix(starts[0])
            used.update(starts)
    for name in names:
        if name not in used:
            known = [*pairs, *(unit.name for unit in units(dict.fromkeys(pairs, np.empty(0))))]
            hint = "; turn the dict around" if names[name] in known else suggestion(name, known)
            raise ArgumentError("names must be a dict from names of the network to names in the file, but the network has "
                                f"nothing of the name {in_a_line(name)}{hint}")
    return pairs


def units(arrays: Mapping[str, Any]) -> list[Unit]:
    """The arrays by module."""
    found: dict[str, Unit] = {}
    for name, array in arrays.items():
        module, _, last = name.rpartition(".")
        found.setdefault(module, Unit(module, {})).shapes[last] = np.shape(array)
    return list(found.values())


def in_order(who: str, theirs: list[Unit], ours: list[Unit], hint: str = HINT) -> dict[str, str]:
    """Return the name in the file for each of ours, from the shapes and, among modules of the same shapes, from the order.

    The order in a safetensors file is not that of the network. So modules of the same shapes must have names that differ by
    numbers only, and follow these: ``"fc1"``, ``"fc2"``, ``"fc10"``.
    """
    pairs: dict[str, str] = {}
    for kind in dict.fromkeys(unit.kind for unit in (*ours, *theirs)):
        mine, others = ([unit for unit in side if unit.kind == kind] for side in (ours, theirs))
        numbered = {re.sub(r"\d+", "#", unit.name) for unit in others}
        if len(mine) != len(others) or len(numbered) > 1:
            why = "not as many" if len(mine) != len(others) else "names that give no order"
            here, there = (", ".join(map(str, side)) or "none" for side in (mine, others))
            raise StateError(f"{who}: the order does not tell which arrays are meant: {why} of the same shapes; the network "
                             f"has {here}, the file {there}; {hint}")
        others.sort(key=lambda unit: [int(number) for number in re.findall(r"\d+", unit.name)])
        for one, other in zip(mine, others, strict=True):
            pairs |= {joined(one.name, last): joined(other.name, last) for last in one.shapes}
    return pairs


def joined(module: str, last: str) -> str:
    return f"{module}.{last}" if module else last
