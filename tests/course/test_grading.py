"""A notebook is graded in another process: what one cell does costs no other its points."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retroprop.course import exercises
from retroprop.course.exercises import EXERCISES
from retroprop.course.grading import Executed, execute, grade
from retroprop.course.kit import write_kit
from retroprop.course.source import cells, cleared, solution
from retroprop.course.worker import Notebook
from retroprop.errors import ArgumentError, FileFormatError

SIGMOID = solution("sigmoid")
CHANGED = """
import sys
rp.check_module = sys.modules["retroprop.inspection.contract.values"].agree = lambda *a, **k: None
rp.Module.predict = rp.Sigmoid.forward = None
np.pi = sys.modules["retroprop.course.modules"].EQUAL = 3e40
np = rp = Sigmoid = sum = 3
print("x" * 10**6)
sys.exit()
"""


def written(folder, *sources):
    """Write a notebook with these code cells, and return its path."""
    path = folder / "answers.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": source} for source in sources]}), encoding="utf-8")
    return path


def test_names_that_a_notebook_overwrites_cost_nothing():
    wrong = SIGMOID.replace("Sigmoid", "Third").replace("y * (1 - y) * g", "y * g")
    found = execute(["%matplotlib inline\nimport numpy as np", "1 +", SIGMOID, wrong, CHANGED], ["sigmoid", "linear", "third"])
    assert sum(verdict.points for verdict in found.verdicts["sigmoid"]) == 6, found.verdicts
    assert {verdict.sentence for verdict in found.verdicts["linear"]} == {"Linear is not defined"}
    assert found.errors.keys() == {1, 4}
    assert found.errors[1].startswith("SyntaxError: invalid syntax")
    assert found.errors[4] == "SystemExit"
    assert "Third(): backward is the transposed jacobian" in found.verdicts["third"][0].sentence
    assert {"retroprop.inspection.contract.values.agree", "Module.predict", "Sigmoid.forward", "numpy.pi",
            "retroprop.course.modules.EQUAL"} <= set(found.changed)
    assert "FlatParameters.changes" not in found.changed            # a counter of the library's own
    assert len(found.printed[4]) == 10_000


OF_IPYTHON = {                                                          # a cell, and what x is after it
    "%matplotlib inline\nx = 1": 1,
    "x = 1\nif x:\n    !ls 'it\n    x = 2": 2,
    "x = (7\n%4\n)": 3,
    "x = 4\nrp.Sigmoid?\n?rp.Sigmoid\nrp.Sigmoid.forward??": 4,
    "x = !ls (": None,
    "x = %load a \\\n   b, c\ny = 1": None,
    'x = 1\nprint("why?': SyntaxError,
    "pip install retroprop\nx = 5": 5,
    "%%time\n%pwd\nx = 6": 6,
    "\n%%bash\nx='7": NameError,
    'x = """\n%who\n!ls\n? """': "\n%who\n!ls\n? ",
    "%pwd\nx = '''\n%who\n'''": "\n%who\n",
    "import asyncio\nx = await asyncio.sleep(0, 8)": 8,
    "x = 1 +\n": SyntaxError,
}


@pytest.mark.parametrize("source", OF_IPYTHON)
def test_lines_of_ipython_are_left_out_and_no_other_changes(source):
    notebook = Notebook()
    _, error = notebook.execute(source)
    _, missing = notebook.execute("x")
    expected = OF_IPYTHON[source]
    if isinstance(expected, type):
        assert (error or missing).startswith(expected.__name__)
    else:
        assert (error, notebook.names["x"]) == ("", expected)


def test_an_instance_that_takes_the_name_of_its_class_does_not_count():
    notebook = Notebook()
    for source in (SIGMOID, "Sigmoid = Sigmoid()", "def of_a_sum(*sizes): return 1", "of_a_sum = of_a_sum(1)"):
        notebook.execute(source)
    assert [each.__name__ for each in notebook.made.values()] == ["Sigmoid", "of_a_sum"]


def test_a_name_whose_cell_was_stopped_says_so():
    notebook = Notebook()
    notebook.leave_out(SIGMOID, "took longer than 20 s")
    sigmoid = next(one for one in EXERCISES if one.name == "sigmoid")
    sentences = [one.sentence for one in exercises.graded(sigmoid, {}, 0, notebook.failed)]
    assert set(sentences) == {"Sigmoid is not defined: its cell took longer than 20 s"}


@pytest.mark.long
def test_a_cell_that_never_ends_or_ends_the_process_costs_only_its_own_points(tmp_path):
    path = written(tmp_path, "while True:\n    pass", "import os\nos._exit(7)", SIGMOID,
                   SIGMOID.replace("Sigmoid", "Third").replace("y = self.point", "while True:\n            pass"))
    graded = grade(path, limit=20)
    assert (graded.points, graded.of) == (6, 60)
    assert graded.verdicts["third"][0].sentence == "took longer than 20 s"
    assert graded.remarks[:2] == ("code cell 1: took longer than 20 s",
                                  "code cell 2: ended the process of the notebook (exit status 7)")


@pytest.mark.long
def test_a_broken_cell_is_named_where_its_points_are_lost(tmp_path):
    broken = SIGMOID.replace("return y * (1 - y) * g", "return y * (1 - y) *")
    graded = grade(written(tmp_path, broken, solution("variance")))
    assert graded.points == 11
    assert "sigmoid: 0 of 6\n    all parts, 0 of 6: Sigmoid is not defined: its cell raises SyntaxError: invalid" in str(graded)
    assert graded.remarks[0].startswith("code cell 1: SyntaxError")


def test_what_is_no_notebook_is_refused(tmp_path):
    path = tmp_path / "answers.ipynb"
    for text in ("", "[]", '{"cells": [{}]}', '{"cells": 3}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FileFormatError, match=r"answers.ipynb must be a notebook \(.ipynb, format 4\)"):
            grade(path)
    with pytest.raises(FileNotFoundError):
        grade(tmp_path / "none.ipynb")


def command(*words):
    return subprocess.run([sys.executable, "-m", "retroprop", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.mark.long
def test_the_students_copy_gets_no_points_and_the_teachers_all(tmp_path):
    made = command("course", "--out", tmp_path / "kit", "--seed", 5)
    assert made.returncode == 0, made.stderr
    assert sorted(path.name for path in (tmp_path / "kit").iterdir()) == [
        "exercises-with-solutions.ipynb", "exercises.ipynb", "instructor.md", "plan.md"]
    (tmp_path / "kit" / "torn.ipynb").write_text("{", encoding="utf-8")
    ran = command("grade", tmp_path / "kit", "--json", "--csv", tmp_path / "class.csv", "--seed", 3)
    assert ran.returncode == 1, ran.stderr                          # one file is no notebook
    teacher, student, torn = json.loads(ran.stdout)
    assert (teacher["points"], student["points"], torn["points"]) == (60, 0, 0)
    assert teacher["remarks"] == []
    assert student["remarks"] == ["5 cells stopped at a gap that is not filled"]
    sentences = {name: {part["sentence"] for part in parts} for name, parts in student["exercises"].items()}
    for name in ("sigmoid", "linear", "batchnorm", "dropout", "variance"):
        assert sentences[name] == {"nothing is written here yet"}
    for name in ("first", "second", "third"):                       # the mistake is still there, and a law says so
        assert all(" in training mode, " in sentence for sentence in sentences[name])
    header, *rows = (tmp_path / "class.csv").read_text(encoding="utf-8").splitlines()
    assert header == "notebook,points,of,sigmoid,linear,batchnorm,dropout,first,second,third,variance,remarks"
    assert [row.split(",")[1:3] for row in rows] == [["60", "60"], ["0", "60"], ["0", "60"]]


@pytest.mark.parametrize(("words", "sentence"), [
    (["grade", "none.ipynb"], "none.ipynb: No such file or directory"),
    (["grade", "."], "must contain notebooks (.ipynb), found none"),
    (["grade", "none.ipynb", "--seed", "-1"], "--seed must be an integer of at least 0, got -1"),
    (["grade", "none.ipynb", "--limit", "0"], "--limit must be a number in (0, inf), got 0.0"),
    (["grade", "none.ipynb", "--csv", "none/class.csv"], "none: No such file or directory"),
    (["course", "--seed", "-1"], "--seed must be an integer of at least 0, got -1"),
])
def test_a_command_says_what_it_needs(words, sentence, tmp_path, monkeypatch, capsys):
    from retroprop.__main__ import main
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_notebook_that_is_named_twice_is_graded_once(tmp_path, monkeypatch):
    from retroprop.course.report import found
    path = written(tmp_path, SIGMOID)
    monkeypatch.chdir(tmp_path)
    assert found(["answers.ipynb", ".", str(path)]) == [Path("answers.ipynb")]


def test_remarks_are_in_the_order_of_the_cells(tmp_path, monkeypatch):
    found = Executed(errors={4: "KeyError: 'later'", 0: "took longer than 60 s"},
                     verdicts={exercise.name: () for exercise in EXERCISES})
    monkeypatch.setattr("retroprop.course.grading.execute", lambda *task: found)
    assert grade(written(tmp_path, SIGMOID)).remarks == ("code cell 1: took longer than 60 s", "code cell 5: KeyError: 'later'")


def test_files_that_a_teacher_changed_are_replaced_only_by_force(tmp_path, monkeypatch):
    monkeypatch.setattr("retroprop.course.kit.both", lambda seed: ({"seed": seed}, {}))
    kept = write_kit(tmp_path)
    assert write_kit(tmp_path) == kept                              # the same content hinders nobody
    (tmp_path / "plan.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"holds another plan.md, exercises.ipynb: name another folder, or .*force=True"):
        write_kit(tmp_path, seed=1)
    assert (tmp_path / "plan.md").read_text(encoding="utf-8") == "mine"
    assert write_kit(tmp_path, seed=1, force=True) == kept
    assert (tmp_path / "plan.md").read_text(encoding="utf-8").startswith("# Lesson plan")
    assert (tmp_path / "exercises.ipynb").read_text(encoding="utf-8") == '{\n "seed": 1\n}\n'


def test_nothing_filled_is_nothing_gained():
    from retroprop.course.bugs import given_names
    from retroprop.course.exercises import graded
    names = given_names()
    for cell in cells():
        if cell.kind == "answer":
            exec(cleared(cell.source), names)
    for exercise in EXERCISES:
        for verdict in graded(exercise, names, 0):
            assert verdict.points == 0
            assert verdict.sentence in ("nothing is written here yet", f"{exercise.name.capitalize()} is not defined")
