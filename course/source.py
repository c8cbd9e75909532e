"""The exercises' single source: Markdown with blocks of Python, read as the cells of a notebook.

A block's first line says what the cell is: ``python`` is given, ``python answer NAME`` has gaps that a student fills,
``python grade NAME`` is where a grader gives points, and ``python bug MODULE NAME`` is a module with a mistake, which a
student mends. The solutions stand between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, as in nbgrader.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import FileFormatError

TEXTS = Path(__file__).parent / "texts"
BLOCK = re.compile(r"^```python *(.*)\n((?:.*\n)*?)```\n", re.MULTILINE)
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n((?:.*\n)*?) *### END SOLUTION$", re.MULTILINE)
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


class Cell(NamedTuple):
    """A cell: its kind is ``text``, ``given``, ``answer``, ``grade`` or ``bug``; ``words`` are the others of its first line."""

    kind: str
    source: str
    words: tuple[str, ...] = ()


def cells() -> list[Cell]:
    """Return the cells of the exercises, in their order."""
    text, found, end = (TEXTS / "exercises.md").read_text(encoding="utf-8"), list[Cell](), 0
    for block in BLOCK.finditer(text):
        found.append(Cell("text", text[end:block.start()].strip()))
        kind, *words = block[1].split() or ["given"]
        found.append(Cell(kind, block[2].rstrip("\n"), tuple(words)))
        end = block.end()
    return [cell for cell in (*found, Cell("text", text[end:].strip())) if cell.kind != "text" or cell.source]


def solved(source: str) -> str:
    """Return the code with its solutions, without the marks around them."""
    return REGION.sub(lambda region: region[2].rstrip("\n"), source)


def cleared(source: str) -> str:
    """Return the code with a gap in place of each solution."""
    return REGION.sub(lambda region: "\n".join(region[1] + line for line in STUB.splitlines()), source)


def solution(name: str) -> str:
    """Return the solved cell of an exercise."""
    return next(solved(cell.source) for cell in cells() if cell.kind == "answer" and cell.words == (name,))


def stored_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, with their sources as one text.

    Raises
    ------
    OSError
        The file cannot be read.
    FileFormatError
        It is no notebook of format 4.
    """
    try:
        found = json.loads(path.read_bytes())["cells"]
        return [cell | {"source": "".join(cell["source"]), "cell_type": str(cell["cell_type"])} for cell in found]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FileFormatError(f"{path} must be a notebook (.ipynb, format 4), and cannot be read as one: "
                              f"{type(error).__name__}: {error}") from None
