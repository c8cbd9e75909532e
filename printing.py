"""Tables of text, and text in one line."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] | None = None) -> str:
    """Return rows of cells as lines of text; the first row holds the headings, and a rule follows it.

    The columns whose headings are in ``right`` (None: all but the first) are aligned right, the others left.
    """
    columns = []
    for k, cells in enumerate(zip(*rows, strict=True)):
        width, ends = max(map(len, cells)), k > 0 if right is None else cells[0] in right
        columns.append([cell.rjust(width) if ends else cell.ljust(width) for cell in cells])
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def in_one_line(text: object) -> str:
    """Return a text, such as the message of another library's error, in one line of characters that can be printed."""
    try:
        letters = str(text)
    except Exception:                                               # an error of the user's may have no text
        return f"{type(text).__name__} without a text"
    return " ".join("".join(letter if letter.isprintable() else " " for letter in letters).split())
