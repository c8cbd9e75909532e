"""The kit: bugs are drawn for a seed, both notebooks come from one source, and the slides show the notebooks' figures."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import retroprop.course
from retroprop.course.bugs import broken_law, bug, made, mutants, renamed
from retroprop.course.notebooks import notebook, with_bugs
from retroprop.course.slides import FIGURE, figures, slides, titled
from retroprop.course.source import TEXTS, cells, solution
from retroprop.errors import ArgumentError, FileFormatError

NOTEBOOKS = Path(retroprop.course.__file__).parent.parent / "notebooks"
STORED = pytest.mark.skipif(not NOTEBOOKS.exists(), reason="the notebooks are not beside the package")


def test_the_mutants_of_batchnorm_forget_a_path_a_factor_or_a_sign():
    lines = {line.strip() for code in mutants(solution("batchnorm")) for line in code.splitlines()}
    for wrong in ("return factor * (g - g.mean(axis=0))", "return factor * (g - normal * (g * normal).mean(axis=0))",
                  "return factor * (g - g.sum(axis=0) - normal * (g * normal).mean(axis=0))",
                  "return g - g.mean(axis=0) - normal * (g * normal).mean(axis=0)",
                  "self.weight.grad += (self.gradient * normal).sum(axis=0)", "self.bias.grad = self.gradient.mean(axis=0)"):
        assert wrong in lines
    assert len(set(mutants(solution("batchnorm")))) > 15


@pytest.mark.parametrize("module", [
    "sigmoid", *(pytest.param(name, marks=pytest.mark.long) for name in ("linear", "batchnorm"))])
def test_a_bug_is_one_line_that_a_law_catches_and_another_seed_draws_another(module):
    drawn = [bug(module, "Suspect", np.random.default_rng(seed)) for seed in (0, 2, 3)]
    assert drawn[0] == bug(module, "Suspect", np.random.default_rng(0))
    assert len({each.source for each in drawn}) > 1
    right = renamed(solution(module), "Suspect").splitlines()
    for each in drawn:
        lines = zip(each.source.splitlines(), right, strict=True)
        assert [line.strip() for line, other in lines if line != other] == [each.line]
        assert each.sentence.startswith("Suspect(")
        assert made(each.source, "Suspect").__name__ == "Suspect"


def test_the_solutions_themselves_break_no_law():
    assert broken_law(solution("sigmoid"), "Sigmoid", "sigmoid") is None


def test_both_notebooks_come_from_one_source_and_carry_nbgraders_metadata():
    written = with_bugs(cells(), np.random.default_rng(0))
    printed = {id(cell): "all laws hold\n" for cell in written if cell.kind == "given"}
    student, teacher = (notebook(written, printed, 0, teacher=teacher) for teacher in (False, True))
    assert [cell["cell_type"] for cell in student["cells"]] == [cell["cell_type"] for cell in teacher["cells"]]
    text = json.dumps(student)
    for hidden in ("SOLUTION", "HIDDEN", "y * (1 - y) * g", "course import", "mistake was"):
        assert hidden not in text
        assert hidden in json.dumps(teacher)
    assert text.count("*Expected output:*") == 9
    assert not any(cell.get("outputs") for cell in student["cells"])
    marks = [cell["metadata"]["nbgrader"] for cell in student["cells"] if cell["cell_type"] == "code"]
    assert len({mark["grade_id"] for mark in marks}) == len(marks)
    assert sum(mark.get("points", 0) for mark in marks) == 60
    assert {mark["grade_id"] for mark in marks if mark["solution"]} == {
        "sigmoid", "linear", "batchnorm", "dropout", "first", "second", "third", "variance"}
    assert all(mark["locked"] != mark["solution"] for mark in marks)


@pytest.mark.long
def test_the_notebooks_are_valid():
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
    from retroprop.course.notebooks import both
    for each in both(1):
        nbformat.validate(nbformat.from_dict(each))


@STORED
def test_every_figure_of_the_slides_is_stored_once_in_the_notebooks():
    among, shown = figures(NOTEBOOKS), FIGURE.findall((TEXTS / "slides.md").read_text(encoding="utf-8"))
    assert len({titled(title, among).png for _, title in shown}) == len(shown) > 10
    with pytest.raises(FileFormatError, match=r"a slide shows the figure with the title 'gone'.* found none"):
        titled("gone", among)
    with pytest.raises(FileFormatError, match=r"must have it, found .*\.ipynb, "):
        titled("title", among)


def test_every_slide_says_something_beside_its_title_and_its_figure():
    for slide in (TEXTS / "slides.md").read_text(encoding="utf-8").split("\n---\n"):
        said = re.sub(r"^#.*$", "", FIGURE.sub("", slide), flags=re.MULTILINE).strip()
        assert said, slide


@STORED
@pytest.mark.long
def test_the_slides_are_one_page_that_loads_nothing(tmp_path):
    pytest.importorskip("markdown_it", reason="needs the extra course")
    pytest.importorskip("math_core", reason="needs the extra course")
    page = slides(NOTEBOOKS)
    count = (TEXTS / "slides.md").read_text(encoding="utf-8").count("\n---\n") + 1
    assert page.count("<section ") == count
    assert not re.search(r"""(?:src|href)=["'](?!data:)|@import|url\(""", page)
    assert "$" not in re.sub(r"<script>.*?</script>|base64,[^\"]+", "", page, flags=re.DOTALL)
    assert all(alt for alt in re.findall(r'<img alt="([^"]*)"', page))
    with pytest.raises(ArgumentError, match="notebooks must be a folder with notebooks"):
        slides(tmp_path)


def test_the_plan_takes_three_hours_and_names_every_slide():
    plan = (TEXTS / "plan.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) \|.*$", plan, re.MULTILINE)
    clock = 0
    for hour, minute, length in rows:
        assert 60 * int(hour) + int(minute) == clock
        clock += int(length)
    assert clock == 180
    named = [range(int(first), int(last or first) + 1)
             for first, last in re.findall(r"^\| \d:\d\d .*\| slides? (\d+)(?:-(\d+))?", plan, re.MULTILINE)]
    count = (TEXTS / "slides.md").read_text(encoding="utf-8").count("\n---\n") + 1
    assert [number for numbers in named for number in numbers] == list(range(1, count + 1))
