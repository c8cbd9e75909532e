"""The form of the notebooks: what each begins and ends with, short cells, figures between texts, and descriptions of figures.

They are read, not executed: `.ci/notebooks.py` executes them, with the solutions too.
"""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
if not FOLDER.exists():
    pytest.skip("the notebooks are not beside these tests", allow_module_level=True)
PATHS = sorted(FOLDER.glob("*.ipynb"))
NUMBER = r"\d\d[a-z]?"
FIRST = re.compile(rf"# ({NUMBER}) · .+\n\n"
                   r"\*\*Question\.\*\* .+\n\n"
                   r"(?:Lecture|Papers): .+\n\n"
                   r"\*\*You need\*\* .+\n\n"
                   r"\*\*Time\.\*\* About \d+ minutes to read, \d+ seconds to run\.", re.DOTALL)
EXERCISE = re.compile(r'"Exercise (\d+): no answer yet"')
SOLUTION = re.compile(r"<details><summary>Exercise (\d+)</summary>\n\n```python\n(.+?)```\n\n.+?\n\n</details>", re.DOTALL)


class Cell:
    """A cell: its text, whether it is code, how many figures it has drawn, and the description of them."""

    def __init__(self, cell):
        self.text, self.is_code, self.metadata = "".join(cell["source"]), cell["cell_type"] == "code", cell["metadata"]
        self.outputs = cell.get("outputs", [])
        self.figures = sum("image/png" in output.get("data", {}) for output in self.outputs)
        self.alt = self.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


@cache
def cells_of(path):
    return [Cell(cell) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


every_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


def test_there_are_notebooks():
    assert len(PATHS) >= 12


@every_notebook
def test_the_first_cell_says_what_is_asked_what_is_needed_and_how_long_it_takes(path):
    found = FIRST.fullmatch(cells_of(path)[0].text)
    assert found, cells_of(path)[0].text
    assert path.name.startswith(f"{found[1]}-")


@every_notebook
def test_what_a_lesson_needs_comes_before_it(path):
    needs = re.search(r"\*\*You need\*\*.+?(?=\n\n)", cells_of(path)[0].text, re.DOTALL)[0]
    lists = re.findall(rf"notebooks? ({NUMBER}(?:(?:, | and ){NUMBER})*)", needs)
    earlier = {number for one in lists for number in re.findall(NUMBER, one)}
    assert earlier or "no earlier lesson" in needs
    assert earlier <= {re.match(NUMBER, other.name)[0] for other in PATHS if other.name < path.name}


@every_notebook
def test_it_goes_from_a_prediction_to_exercises_and_ends_with_the_solutions(path):
    cells = cells_of(path)
    headings = [line for cell in cells if not cell.is_code for line in re.findall(r"^## .+", cell.text, re.MULTILINE)]
    assert headings[0] == "## Predict before you run"
    assert headings[-3:] == ["## Exercises", "## What to remember", "## Solutions"]
    assert "**References.**" in cells[-2].text
    assert cells[-1].text.startswith("## Solutions\n")


@every_notebook
def test_each_exercise_checks_an_answer_and_has_its_solution_at_the_end(path):
    *cells, last = cells_of(path)
    assert not any("<summary>Solution" in cell.text or "<summary>Exercise" in cell.text for cell in cells)
    solutions = dict(SOLUTION.findall(last.text))
    exercises = {EXERCISE.search(cell.text)[1]: cell for cell in cells if cell.is_code and EXERCISE.search(cell.text)}
    assert len(exercises) >= 3
    assert list(solutions) == list(exercises) == [str(k) for k in range(1, len(exercises) + 1)]
    for number, cell in exercises.items():
        names = re.match(r"(.+) = None", cell.text)[1].split(", ")
        code = compile(solutions[number], path.name, "exec")
        assert set(names) <= set(code.co_names), f"the solution of exercise {number} must set {names}"


@every_notebook
def test_each_figure_has_a_description_of_its_own(path):
    drawn = [cell for cell in cells_of(path) if cell.figures]
    assert all(cell.figures == 1 for cell in drawn), "one figure per cell, since a cell has one description"
    for cell in drawn:
        assert len(cell.alt) >= 60, f"describe the figure of {cell.text!r}"
        assert cell.alt.endswith(".")
    assert len({cell.alt for cell in drawn}) == len(drawn)
    assert not any(cell.alt for cell in cells_of(path) if not cell.figures)


@every_notebook
def test_each_figure_is_introduced_and_then_interpreted(path):
    for before, (cell, after) in zip(cells_of(path), pairwise(cells_of(path)[1:]), strict=False):
        if cell.figures:
            assert not before.is_code, f"introduce the figure of {cell.text!r}"
            assert not before.text.rsplit("\n\n", 1)[-1].startswith("#"), f"introduce the figure of {cell.text!r}"
            assert not after.is_code, f"interpret the figure of {cell.text!r}"
            assert not after.text.startswith("#"), f"interpret the figure of {cell.text!r}"


@every_notebook
def test_cells_are_short(path):
    for cell in cells_of(path):
        if cell.is_code:
            assert len(cell.text.splitlines()) <= 24, cell.text


@every_notebook
def test_what_is_stored_depends_on_the_notebook_alone(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert [cell["id"] for cell in notebook["cells"]] == [f"cell-{k:02d}" for k in range(len(notebook["cells"]))]
    for cell in cells_of(path):
        assert set(cell.metadata) <= {"mystnb"}
        kinds = [output["output_type"] for output in cell.outputs]
        assert "error" not in kinds
        assert not any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in cell.outputs)


@every_notebook
def test_every_code_cell_was_executed_in_order(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_links_lead_to_notebooks_that_exist(path):
    for cell in cells_of(path):
        if not cell.is_code:
            for target in re.findall(r"\]\(([^)]+\.ipynb)\)", cell.text):
                assert (FOLDER / target).exists(), target
            for number in re.findall(rf"(?:notebook|lesson) ({NUMBER})", cell.text):
                assert any(other.name.startswith(f"{number}-") for other in PATHS), number
