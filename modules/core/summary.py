"""The sizes of a network: the table that ``print(net.summary(shape))`` prints, and how many examples ``predict`` takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...printing import aligned, html_table
from .evaluation import Evaluated
from .values import Shape, parts, several

WORKSPACE = 2 * 1000 * 1000                                         # bytes between the modules that predict uses in any case
KEPT = WORKSPACE // 4                                                # bytes between them for which a workspace is kept
NUMBERS = ("parameters", "memory")                                  # columns of the table
LEAST = 8                                                           # examples that it takes at a time in any case


class Summary(str):
    """The text of a table, which notebooks show as one."""

    rows: tuple[tuple[str, ...], ...]

    def _repr_html_(self) -> str:
        return html_table(self.rows, NUMBERS)


def summarize(module: Evaluated[Any], input_shape: Shape) -> Summary:
    """Return a table with one row per module that is no container, in the order in which data pass, and the totals."""
    if not isinstance(input_shape, (tuple, list)):
        raise ArgumentError(f"input_shape must be a tuple such as (1, 64), got {input_shape!r}")
    shapes = []

    def step(part: Evaluated[Any], shape: Shape) -> Shape:
        shapes.append(part.output_shape(shape))
        return shapes[-1]

    module.output_shape(tuple(input_shape))                         # may refuse more than its parts
    module.flow(tuple(input_shape), step)
    cells = rows(module, list(map(str, shapes)))
    head, rule, *lines = aligned(cells, NUMBERS).splitlines()
    table = Summary("\n".join([head, rule, *lines[:-1], rule, lines[-1]]))
    table.rows = tuple(cells)
    return table


def rows(module: Evaluated[Any], shapes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the cells of the table, with its headings; ``shapes`` are those of the outputs of the modules."""
    parts = [(f"{path} {part!r}" if path else repr(part), part) for path, part in module.leaves()]
    return [("module", "output shape", "parameters", "memory"),
            *((name, shape, f"{count(part):,}", size(part)) for (name, part), shape in zip(parts, shapes, strict=True)),
            ("total", "", f"{count(module):,}", size(module))]


def in_notebooks(module: Evaluated[Any]) -> str:
    """Return what notebooks show of a network: its summary for the shape of the last forward; before it, without shapes."""
    if module._input is not None:
        return summarize(module, module._input[0])._repr_html_()
    cells = rows(module, [""] * len(module.leaves()))
    return html_table([(name, *numbers) for name, _, *numbers in cells], NUMBERS)


def count(module: Evaluated[Any]) -> int:
    """Return the number of elements of all parameters."""
    return sum(parameter.data.size for parameter in module.parameters())


def size(module: Evaluated[Any]) -> str:
    """Return the memory of the parameters as text, three digits and a unit."""
    amount = float(sum(parameter.data.nbytes for parameter in module.parameters()))
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"


def examples_at_once(net: Evaluated[Any], shape: Shape, dtype: np.dtype[Any]) -> int:
    """Return how many of the examples of this shape ``predict`` gives a network at a time: see there."""
    n = parts(shape)[0][0]
    if n <= LEAST or any(module.batch_dependent for _, module in net.named_modules()):
        return n
    numbers = numbers_between(net, shape)
    if numbers is None or (needed := numbers * dtype.itemsize) <= WORKSPACE:
        return n                                                    # if the shape does not fit, forward says what is wrong
    allowed = WORKSPACE + sum(parameter.data.nbytes for parameter in net.parameters()) // 2
    most = max(LEAST, n * allowed // needed)
    return math.ceil(n / math.ceil(n / most))


def numbers_between(net: Evaluated[Any], shape: Shape) -> int | None:
    """Return how many numbers the modules read and write for an input of this shape; None if it does not fit."""
    numbers = 0

    def step(module: Evaluated[Any], read: Shape) -> Shape:
        nonlocal numbers
        output = module.output_shape(read)
        for one in (read, output):
            numbers += sum(map(math.prod, one)) if several(one) else math.prod(one)
        return output

    try:
        net.flow(shape, step)
    except Exception:
        return None
    return numbers
