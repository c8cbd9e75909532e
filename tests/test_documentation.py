"""The documentation has every public name and every figure, and its builder executes the pages."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import retroprop as rp
from retroprop.course.exercises import EXERCISES

DOCS = Path(__file__).parent.parent / "docs"
if not (DOCS / "builder").exists():
    pytest.skip("the documentation is not beside these tests", allow_module_level=True)
PAGES = sorted(DOCS.rglob("*.md"))
GENERATED = ("api/", "papers/", "../papers/", "notebooks/", "../notebooks/index.md", "../../notebooks/index.md", "course/",
             "../course/")

needs_estimators = pytest.mark.skipif(find_spec("sklearn") is None, reason="needs the extra sklearn")


def load(name):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS.parent)
        return importlib.import_module(f"docs.builder.{name}")


@pytest.fixture(scope="module")
def api():
    return load("api")


@needs_estimators
def test_the_api_has_every_public_name_once(api):
    names = [name for subject in api.subjects() for _, group in subject.groups for name in group]
    assert len(names) == len(set(names))
    of_root = {f"retroprop.{name}" for name in api.public("")}
    assert of_root <= set(names)
    for folder in ("datasets", "inspection", "inspection.saliency", "plots", "interop", "training"):
        assert {api.full_name(folder, name) for name in api.public(folder)} <= set(names)


@needs_estimators
def test_the_groups_of_the_api_name_nothing_that_is_not_public(api):
    _, *parts = api.PAGE.read_text(encoding="utf-8").split("\n## ")
    for part in parts:
        folder = re.search(r"^folder: (\S+)$", part, re.MULTILINE)[1].strip(".")
        named = [name for row in re.findall(r"^- [^:]+: (.*)$", part, re.MULTILINE) for name in row.split()]
        assert set(named) <= set(api.public(folder)), folder


@needs_estimators
def test_names_that_differ_in_case_alone_have_pages_of_different_names(api):
    renamed = api.file_names()
    assert renamed["retroprop.inspection.features.Dream"] == "retroprop.inspection.features.Dream-class"
    assert "retroprop.Linear" not in renamed


def test_the_gallery_has_every_figure():
    shown = re.findall(r"^### (\w+)$", (DOCS / "gallery.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(set(rp.plots.__all__) - {"COLORS", "LiveView", "save", "read_image", "write_image"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_to_pages(page):
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert target.startswith(("https://", *GENERATED)) or (page.parent / target).exists(), target


def test_every_how_to_is_in_the_index():
    index = (DOCS / "how-to" / "index.md").read_text(encoding="utf-8").splitlines()
    assert {path.stem for path in (DOCS / "how-to").glob("*.md")} - {"index"} <= set(index)


def test_each_question_is_asked_once_and_answered():
    questions = load("questions")
    _, groups = questions.parts((DOCS / "questions.md").read_text(encoding="utf-8"))
    found = [one for _, group in groups for one in group]
    assert len({questions.slug(question) for question, _ in found}) == len(found) >= 10
    assert all(answer for _, answer in found)


def test_the_page_of_the_course_states_the_points_of_its_exercises():
    page = load("parts").COURSE_PAGE
    assert f" {sum(exercise.points for exercise in EXERCISES)} points" in page


def test_a_page_shows_what_its_code_prints_and_draws(tmp_path):
    pytest.importorskip("sphinx", reason="needs the extra docs")
    executed = load("executed")
    page = "```python\na = 6\n```\n\nThen\n\n```python\nprint(7 * a)\n```\n"
    assert "\n42\n```" in executed.with_outputs(page, "page", tmp_path)
    with pytest.raises(executed.Failed, match="must print\n41\nprinted\n42\n"):
        executed.with_outputs(page + "\n```text\n41\n```\n", "page", tmp_path)
    with pytest.raises(executed.Failed, match="page, block 1"):
        executed.with_outputs("```python\n1 / 0\n```\n", "page", tmp_path)
    drawn = "```python\nimport retroprop as rp\nrp.plots.activation(rp.Tanh(), title='tanh')\n```\n"
    assert "{image} page-1.png\n:alt: tanh" in executed.with_outputs(drawn, "page", tmp_path)
    assert (tmp_path / "page-1.png").exists()


def test_a_module_has_the_signature_of_its_constructor():
    pytest.importorskip("sphinx", reason="needs the extra docs")
    hooks = load("hooks")
    text, _ = hooks.signature(None, "class", "", rp.Dropout, None, "(*args, **options)", None)
    assert text == "(p=0.5, *, channelwise=False, rng=None)"
    assert hooks.signature(None, "function", "", rp.fit, None, "(net)", None) is None
