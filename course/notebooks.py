"""The student's and the teacher's copy of the exercises, as notebooks with nbgrader's metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .bugs import bug, renamed
from .exercises import EXERCISES
from .grading import execute
from .source import Cell, cells, cleared, solution, solved

HIDDEN = """\
# This cell gives the points; leave it as it is.
### BEGIN HIDDEN TESTS
from retroprop.course import points
points({name!r}, globals(), seed={seed})
### END HIDDEN TESTS"""


def both(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the student's and the teacher's notebook, with bugs drawn for the seed.

    The teacher's is executed: what its cells print is the expected output in both.
    """
    written = with_bugs(cells(), np.random.default_rng(seed))
    code = [cell for cell in written if cell.kind in ("given", "answer", "bug")]
    ran = execute([solved(cell.source) for cell in code])
    assert not ran.errors, ran.errors
    printed = {id(cell): ran.printed[k] for k, cell in enumerate(code)}
    return notebook(written, printed, seed, teacher=False), notebook(written, printed, seed, teacher=True)


def with_bugs(given: Sequence[Cell], rng: np.random.Generator) -> list[Cell]:
    """Put a class with a mistake, and its mended form as the solution, into each cell of a bug."""
    found = []
    for cell in given:
        if cell.kind == "bug":
            module, name = cell.words
            drawn = bug(module, name.capitalize(), rng)
            mended = renamed(solution(module), name.capitalize())
            found.append(Cell("bug", f"{drawn.source}\n\n\n### BEGIN SOLUTION\n# The mistake was: {drawn.line}\n{mended}\n"
                                     "### END SOLUTION", (name,)))
        else:
            found.append(cell)
    return found


def notebook(written: Sequence[Cell], printed: dict[int, str], seed: int, *, teacher: bool) -> dict[str, Any]:
    made = []
    for cell in written:
        if cell.kind == "text":
            made.append(text(cell.source))
        elif cell.kind == "grade":
            source = HIDDEN.format(name=cell.words[0], seed=seed)
            points = next(exercise.points for exercise in EXERCISES if exercise.name == cell.words[0])
            made.append(code(source if teacher else source.splitlines()[0], f"{cell.words[0]}-points", points=points))
        elif cell.kind == "given":
            output = printed[id(cell)]
            made.append(code(cell.source, f"given-{len(made)}", output if teacher else ""))
            if output:
                made.append(text(f"*Expected output:*\n\n```text\n{output.rstrip()}\n```"))
        else:
            student = cleared(cell.source) if cell.kind == "answer" else cell.source.partition("\n\n\n### BEGIN SOLUTION")[0]
            made.append(code(cell.source if teacher else student, cell.words[0], answer=True))
    return {"cells": [cell | {"id": f"cell-{k}"} for k, cell in enumerate(made)], "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str, name: str, printed: str = "", *, answer: bool = False, points: int | None = None) -> dict[str, Any]:
    """A code cell with nbgrader's metadata: an answer, a cell that gives points, or a given cell that must not change."""
    grader = {"grade": points is not None, "grade_id": name, "locked": not answer, "schema_version": 3, "solution": answer,
              "task": False} | ({} if points is None else {"points": points})
    outputs = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
    return {"cell_type": "code", "metadata": {"nbgrader": grader}, "source": source, "execution_count": None,
            "outputs": outputs}


def as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
