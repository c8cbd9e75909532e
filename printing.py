"""Tables for printing."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] | None = None) -> str:
    """Rows of cells as lines, a rule under the first, which has the heads of the columns.

    Columns with a head among ``right`` (None: all but the first) end at one place, the others begin at one.
    """
    columns = []
    for k, cells in enumerate(zip(*rows, strict=True)):
        width, ends = max(map(len, cells)), k > 0 if right is None else cells[0] in right
        columns.append([cell.rjust(width) if ends else cell.ljust(width) for cell in cells])
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
