"""The exercises of the notebooks refuse answers that only look right; `.ci/notebooks.py` tries their solutions."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp

FOLDER = Path(__file__).parent.parent / "notebooks"
if not FOLDER.exists():
    pytest.skip("the notebooks are not beside these tests", allow_module_level=True)


def code_of(number):
    """The code cells of a notebook."""
    cells = json.loads(next(FOLDER.glob(f"{number}-*.ipynb")).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def verdict(number, exercise, answer, names, capsys):
    """Run the cell of an exercise with an answer in place of None; return what it prints."""
    cell = next(cell for cell in code_of(number) if f'"Exercise {exercise}: no answer yet"' in cell)
    exec(re.sub(r"\A(.+?) = None.*\n", lambda found: f"{found[1]} = {answer}\n", cell), names)
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def first():
    """The names of notebook 00 after it has looked at its networks."""
    pytest.importorskip("matplotlib", reason="the notebook draws")
    names = {}
    for cell in code_of("00")[:2]:
        exec(cell, names)
    return names


@pytest.mark.parametrize("answer", ["0.15", "0.08"])
def test_twice_the_variance_of_glorot_is_not_glorots(first, answer, capsys):
    assert "not yet" in verdict("00", 1, answer, first, capsys)


@pytest.mark.parametrize("answer", ["0", "1.5", "-1"])
def test_a_depth_that_no_network_has_is_refused_in_a_sentence(first, answer, capsys):
    assert "not yet: give a whole number" in verdict("00", 2, answer, first, capsys)


DRIFTS = {"right": "np.median(means.std(axis=0) / spreads.mean(axis=0))",
          "spread of all units": "np.median(means.std(axis=0) / spreads.mean())",
          "median spread": "np.median(means.std(axis=0) / np.median(spreads, axis=0))",
          "mean of the units": "np.mean(means.std(axis=0) / spreads.mean(axis=0))",
          "two medians": "np.median(means.std(axis=0)) / np.median(spreads.mean(axis=0))"}


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_drift_is_of_each_unit_over_its_own_mean_spread(kind, capsys):
    steps = np.arange(100)[:, np.newaxis] % 2 * 2 - 1.0                                         # -1, 1, -1, ...
    runs = {name: (0, drift * steps * np.ones(3), np.ones((100, 3)))
            for name, drift in (("BatchNorm", 0), ("plain", 0.4), ("noisy BatchNorm", 0.5))}
    printed = verdict("09", 3, f"lambda means, spreads: {DRIFTS[kind]}", {"np": np, "runs": runs}, capsys)
    assert ("not yet" not in printed) == (kind == "right")


def test_a_constant_is_not_the_change_that_a_step_of_adam_makes(capsys):
    names = {"np": np, "rp": rp}
    assert "not yet" in verdict("09", 4, "lambda n, lr: 0.5, lambda n, base, lr: lr * base / n", names, capsys)
    assert "not yet" not in verdict("09", 4, "lambda n, lr: n * lr, lambda n, base, lr: lr * base / n", names, capsys)
