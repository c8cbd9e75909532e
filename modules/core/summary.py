"""The table that ``print(net.summary(shape))`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ArgumentError
from ...printing import aligned
from .values import Shape

if TYPE_CHECKING:
    from .base import Module


def summarize(module: Module, input_shape: Shape) -> str:
    """One row a module that is not a container, in the order in which data pass; the totals last."""
    if not isinstance(input_shape, (tuple, list)):
        raise ArgumentError(f"input_shape must be a tuple such as (1, 64), got {input_shape!r}")
    rows, shapes = [("module", "output shape", "parameters", "memory")], []

    def step(part: Module, shape: Shape) -> Shape:
        shapes.append(part.output_shape(shape))
        return shapes[-1]

    module.output_shape(tuple(input_shape))                         # may say more than its parts
    module.flow(tuple(input_shape), step)
    for (path, part), shape in zip(module.leaves(), shapes, strict=True):
        rows.append((f"{path} {part!r}" if path else repr(part), str(shape), f"{count(part):,}", size(part)))
    rows.append(("total", "", f"{count(module):,}", size(module)))
    head, rule, *lines = aligned(rows, ("parameters", "memory")).splitlines()
    return "\n".join([head, rule, *lines[:-1], rule, lines[-1]])


def count(module: Module) -> int:
    return sum(parameter.data.size for parameter in module.parameters())


def size(module: Module) -> str:
    """Bytes of the parameters, in a unit that leaves one to four digits."""
    amount = float(sum(parameter.data.nbytes for parameter in module.parameters()))
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
