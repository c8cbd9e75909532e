"""What a tape writes down: one record a phase, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import Array
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import several

WIDTH = 24                                                          # of a module's repr in a table or a figure


@dataclass(frozen=True, eq=False)
class Tensor:
    """An array that went through a phase.

    Attributes
    ----------
    name : str
    shape : tuple of int
    numbers : array or None
        A copy; None where there are more than the tape's limit.
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
        How many phases were under way around this one: 0 for a phase that the user called.
    root : int
        Which of the tape's modules it is in, from 0: paths are unique within one. Tables name it where several are nets.
    path, module : str
        Its place, as in ``named_modules`` (``""``, ``"0"``, ``"1.inner"``), and its repr.
    phase : {"forward", "backward", "update"}
    training : bool
        The module's mode: False within ``predict``.
    inputs, outputs : tuple of Tensor
        What came in: ``x`` (of a loss ``prediction`` and ``target``) or ``g``; and what was returned: ``y`` or ``gx``.
    stored : tuple of Tensor
        What the phase left for the next ones: forward the point, backward the gradient, update the gradients of the module's
        own parameters. A NamedTuple goes by its fields; an array that is also an input or an output by that name.
    nbytes : int
        Of the arrays that were returned or stored, but not of memory that came in, and each memory once. Added up over the
        forwards of the innermost modules: what a step keeps for its backward.
    start, seconds : float
        When it began, since the tape was made, and how long it took. The clock stands while the tape itself works.
    raised : str or None
        The kind of error that ended the phase.
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
        """Path and repr, short enough for a table."""
        return f"{self.path} {shortened(self.module)}".lstrip()

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, of types that JSON has."""
        return {name: [tensor.as_dict() for tensor in value] if isinstance(value, tuple) else value
                for name, value in vars(self).items()}

    def row(self, label: str) -> dict[str, str]:
        """What a table shows, by the heads of its columns."""
        shown = self.stored if self.phase == "update" else self.outputs
        return {"#": str(self.number), "phase": self.phase, "module": "  " * self.depth + label,
                "in": shapes(self.inputs), "out": f"raised {self.raised}" if self.raised else shapes(self.outputs),
                "stored": ", ".join(f"{tensor.name} {tensor.shape}" for tensor in self.stored),
                "bytes": f"{self.nbytes:,}", "µs": f"{1e6 * self.seconds:,.1f}",
                "numbers": "; ".join(" ".join(f"{number:.4g}" for number in tensor.numbers.flat)
                                     for tensor in shown if tensor.numbers is not None)}


def shapes(tensors: Sequence[Tensor]) -> str:
    return ", ".join(str(tensor.shape) for tensor in tensors)


def shortened(module: str) -> str:
    """A module's repr, cut after an argument, or after the class's name if that would cut through a module inside."""
    if len(module) <= WIDTH:
        return module
    kind, _, arguments = module.partition("(")
    kept = arguments[:WIDTH - len(kind)].rpartition(", ")[0]
    return f"{kind}({kept}, …)" if kept and "(" not in kept else f"{kind}(…)"


def inputs(module: Module, phase: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Array]:
    """What a phase was given, by name."""
    first = ("prediction", "target") if isinstance(module, Loss) else ("x",)
    names = {"forward": first, "backward": ("g",), "update": ()}[phase]
    given = dict(zip(names, args, strict=False)) | {name: options[name] for name in names if name in options}
    if module.arity != 1 if phase == "forward" else module._output is not None and several(module._output[0]):
        given = {f"{name}[{k}]": one for name, value in given.items() if isinstance(value, (tuple, list))
                 for k, one in enumerate(value)}
    return {name: array for name, value in given.items() if (array := one_array(value)) is not None}


def stored(module: Module, phase: str) -> dict[str, Array]:
    """What a phase left for the next ones, by name."""
    if phase == "update":
        return {f"{name}.grad": parameter.grad for name, parameter in module.own_parameters().items() if not parameter.frozen}
    return named_arrays("point", module.point) if phase == "forward" else named_arrays("gradient", module.gradient)


def named_arrays(name: str, value: Any) -> dict[str, Array]:
    """The arrays that ``value`` is or holds, by name: of a NamedTuple by field, of another tuple by index."""
    if value is None:
        return {}
    if is_nest(value):
        names = getattr(value, "_fields", [f"{name}[{k}]" for k in range(len(value))])
        return {inner: array for field, part in zip(names, value, strict=True)
                for inner, array in named_arrays(field, part).items()}
    array = one_array(value)
    return {} if array is None else {name: array}


def one_array(value: Any) -> Array | None:
    """The array that ``value`` stands for, if it is one of numbers."""
    try:
        array = np.asarray(value)
    except ValueError:                                              # ragged: the phase will refuse it
        return None
    return array if array.dtype.kind in "fiub" else None


def is_nest(value: Any) -> bool:
    """Whether ``value`` is a tuple with arrays in it, at any depth, not one of rows or numbers that stands for one array."""
    return isinstance(value, tuple) and (hasattr(value, "_fields")
                                         or any(isinstance(part, np.ndarray) or is_nest(part) for part in value))


def tensors(names: Iterable[str], arrays: Iterable[Array], limit: int) -> tuple[Tensor, ...]:
    return tuple(Tensor(name, array.shape, array.copy() if array.size <= limit else None)
                 for name, array in zip(names, arrays, strict=True))


def titles(stored: Mapping[str, Array], known: Mapping[str, Array]) -> list[str]:
    """Names for what is stored: those under which it came in or went out, where it did."""
    return [next((title for title, other in known.items() if array.shape == other.shape and np.may_share_memory(array, other)),
                 name) for name, array in stored.items()]


def added(made: Sequence[Array], given: Sequence[Array]) -> int:
    """Bytes of what was made, each memory once, without memory that was given."""
    seen, total = list(given), 0
    for array in made:
        if not any(np.may_share_memory(array, other) for other in seen):
            total += array.nbytes
            seen.append(array)
    return total
