"""The page and the figure on the starts of libraries say what their runs say, and the runs are what ``compare`` gives."""

import importlib.util
from pathlib import Path
from statistics import median_low

import pytest
from library_facts import EPOCHS

from retroprop.initializers import starts

DOCS = Path(__file__).parents[2] / "docs"
if not (DOCS / "libraries.csv").exists():
    pytest.skip("the pages are not beside these tests", allow_module_level=True)


def load():
    found = importlib.util.spec_from_file_location("libraries_page", DOCS / "libraries.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


PAGE = load()
RUNS = PAGE.read()


def test_there_are_all_libraries_with_all_seeds():
    assert [(one.library, one.seed) for one in sorted(RUNS, key=lambda one: one.seed)] == [
        (start.name, seed) for seed in range(PAGE.SEEDS) for start in starts()]


def test_the_page_is_that_of_the_runs():
    assert (DOCS / "libraries.md").read_text(encoding="utf-8") == PAGE.page(RUNS)


def test_the_readme_says_what_the_runs_say():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    alt = PAGE.finding(PAGE.by_library(RUNS))
    assert readme.count("docs/images/libraries.png") == readme.count(f"[{alt}](docs/images/libraries.png)")


def test_the_libraries_learn_when_the_measured_packages_did():
    """Their loops and splits were others: up to twice as many epochs, or half, or one more or less, are alike."""
    for library, epochs in EPOCHS.items():
        median = median_low([one.epoch or PAGE.EPOCHS + 1 for one in RUNS if one.library == library])
        if epochs is None:
            assert median > PAGE.EPOCHS, library
        else:
            fewest, most = epochs
            assert min(fewest - 1, fewest / 2) <= median <= max(most + 1, 2 * most), (library, median)


def test_a_run_has_the_errors_of_the_file():
    """After one epoch; runs that do not amplify the rounding of another processor."""
    libraries = ["Keras", "PyTorch", "Haiku", "mlxtend"]
    noted = {(one.library, one.seed): one.first for one in RUNS}
    for one in PAGE.trained(libraries, epochs=1, seeds=1, jobs=1, progress=False):
        assert one.first == pytest.approx(noted[one.library, one.seed], abs=0.01)
