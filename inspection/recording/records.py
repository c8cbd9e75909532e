"""The records of a tape, one per phase, and the rows that they have in its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import Array
from ...losses import Loss
from ...modules import Module
from ...modules.core.diagram import shortened
from ...modules.core.values import several

NUMBERS = ("#", "bytes", "µs")                                      # columns of a table that are aligned right


@dataclass(frozen=True, eq=False)
class Tensor:
    """An array that a phase read, returned or stored.

    Attributes
    ----------
    name : str
    shape : tuple of int
    numbers : array or None
        A copy; None if the array is larger than the limit of the tape.
    """

    name: str
    shape: tuple[int, ...]
    numbers: Array | None

    def as_dict(self) -> dict[str, Any]:
        numbers = None if self.numbers is None else self.numbers.tolist()
        return {"name": self.name, "shape": list(self.shape), "numbers": numbers}


@dataclass(frozen=True, eq=False)
class Record:
    """One phase of one module.

    Attributes
    ----------
    number : int
        From 1, in the order in which the phases began.
    depth : int
        How many other phases this one ran inside: 0 for a phase that the user called.
    root : int
        Index, among the modules given to the tape, of the one that contains the module. Paths are unique within one root.
        Tables show it if several roots are containers.
    path, module : str
        Path of the module, as in ``named_modules`` (``""``, ``"0"``, ``"1.inner"``), and its repr.
    phase : {"forward", "backward", "update"}
    training : bool
        The mode of the module: False within ``predict``.
    inputs, outputs : tuple of Tensor
        The arguments: ``x`` (``prediction`` and ``target`` for a loss) or ``g``; and the result: ``y`` or ``gx``.
    stored : tuple of Tensor
        The arrays that the phase stored for later phases: the point by forward, the gradient by backward, the gradients of
        the module's own parameters by update. Fields of a NamedTuple have their field names; an array that is also an
        argument or a result has that name.
    nbytes : int
        Size of the returned and stored arrays, without memory of the arguments; shared memory counts once. The sum over the
        forwards of the innermost modules is the memory that a step keeps for its backward.
    start, seconds : float
        When the phase began, counted from the creation of the tape, and how long it took. The tape's own work takes no time
        on this clock.
    raised : str or None
        The class of the error that ended the phase.
    """

    number: int
    depth: int
    root: int
    path: str
    module: str
    phase: str
    training: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    stored: tuple[Tensor, ...]
    nbytes: int
    start: float
    seconds: float
    raised: str | None

    @property
    def label(self) -> str:
        """Path and shortened repr, for a table."""
        return f"{self.path} {shortened(self.module)}".lstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, with types that JSON supports."""
        return {name: [tensor.as_dict() for tensor in value] if isinstance(value, tuple) else value
                for name, value in vars(self).items()}

    def row(self, label: str) -> dict[str, str]:
        """Return the cells of a table, by column."""
        shown = self.stored if self.phase == "update" else self.outputs
        return {"#": str(self.number), "phase": self.phase, "module": "  " * self.depth + label,
                "in": shapes(self.inputs), "out": f"raised {self.raised}" if self.raised else shapes(self.outputs),
                "stored": ", ".join(f"{tensor.name} {tensor.shape}" for tensor in self.stored),
                "bytes": f"{self.nbytes:,}", "µs": f"{1e6 * self.seconds:,.1f}",
                "numbers": "; ".join(" ".join(f"{number:.4g}" for number in tensor.numbers.flat)
                                     for tensor in shown if tensor.numbers is not None)}


def rows(records: Sequence[Record], label: Callable[[Record], str], times: bool = True) -> list[list[str]]:
    """Return the cells of a table of the records, with its headings."""
    made = [record.row(label(record)) for record in records]
    heads = [head for head in made[0] if times or head != "µs"] if made else []
    return [heads, *([row[head] for head in heads] for row in made)]


def shapes(tensors: Sequence[Tensor]) -> str:
    return ", ".join(str(tensor.shape) for tensor in tensors)


def inputs(module: Module, phase: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Array]:
    """Return the arguments of a phase, by name."""
    first = ("prediction", "target", "weight") if isinstance(module, Loss) else ("x",)
    names = {"forward": first, "backward": ("g",), "update": ()}[phase]
    given = dict(zip(names, args, strict=False)) | {name: options[name] for name in names if name in options}
    if module.arity != 1 if phase == "forward" else module._output is not None and several(module._output[0]):
        given = {f"{name}[{k}]": one for name, value in given.items() if isinstance(value, (tuple, list))
                 for k, one in enumerate(value)}
    return {name: array for name, value in given.items() if (array := one_array(value)) is not None}


def stored(module: Module, phase: str) -> dict[str, Array]:
    """Return the arrays that a phase stored for later phases, by name."""
    if phase == "update":
        return {f"{name}.grad": parameter.grad for name, parameter in module.own_parameters().items() if not parameter.frozen}
    return named_arrays("point", module.point) if phase == "forward" else named_arrays("gradient", module.gradient)


def named_arrays(name: str, value: Any) -> dict[str, Array]:
    """Return the arrays in ``value`` by name: ``name`` itself, fields of a NamedTuple, or indices of another tuple."""
    if value is None:
        return {}
    if is_nest(value):
        names = getattr(value, "_fields", [f"{name}[{k}]" for k in range(len(value))])
        return {inner: array for field, part in zip(names, value, strict=True)
                for inner, array in named_arrays(field, part).items()}
    array = one_array(value)
    return {} if array is None else {name: array}


def one_array(value: Any) -> Array | None:
    """Return ``value`` as an array of numbers; None if it is not one."""
    try:
        array = np.asarray(value)
    except ValueError:                                              # ragged: the phase raises an error
        return None
    return array if array.dtype.kind in "fiub" else None


def is_nest(value: Any) -> bool:
    """Return whether ``value`` is a tuple of arrays, at any depth, and not a tuple of rows or numbers (one array)."""
    return isinstance(value, tuple) and (hasattr(value, "_fields")
                                         or any(isinstance(part, np.ndarray) or is_nest(part) for part in value))


def tensors(names: Iterable[str], arrays: Iterable[Array], limit: int) -> tuple[Tensor, ...]:
    return tuple(Tensor(name, array.shape, array.copy() if array.size <= limit else None)
                 for name, array in zip(names, arrays, strict=True))


def titles(stored: Mapping[str, Array], known: Mapping[str, Array]) -> list[str]:
    """Return names for the stored arrays: the name of the argument or result whose memory it is, else its own."""
    return [next((title for title, other in known.items() if array.shape == other.shape and np.may_share_memory(array, other)),
                 name) for name, array in stored.items()]


def added(made: Sequence[Array], given: Sequence[Array]) -> int:
    """Return the bytes of the arrays made, shared memory once, without memory of the arrays given."""
    seen, total = list(given), 0
    for array in made:
        if not any(np.may_share_memory(array, other) for other in seen):
            total += array.nbytes
            seen.append(array)
    return total
