"""The table that ``print(net.summary(shape))`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Module


def summarize(module: Module, input_shape: tuple[int, ...]) -> str:
    """One row a module that is not a container, in the order in which data pass; the totals last."""
    rows = [("module", "output shape", "parameters", "memory")]
    rows += [(f"{path} {m!r}" if path else repr(m), str(shape), f"{count(m):,}", size(m))
             for path, m, shape in walk(module, tuple(input_shape))]
    rows.append(("total", "", f"{count(module):,}", size(module)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def walk(module: Module, shape: tuple[int, ...], path: str = "") -> list[tuple[str, Module, tuple[int, ...]]]:
    """(path, module, output shape) of each module that a container runs, containers opened."""
    from .sequential import Sequential
    if not isinstance(module, Sequential):
        return [(path, module, module.output_shape(shape))]
    rows = []
    for name, child in module.children().items():
        rows += walk(child, shape, f"{path}.{name}" if path else name)
        shape = child.output_shape(shape)
    return rows


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
