"""The builder of the site replaces an earlier site and nothing else, and says what it needs before it begins."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if not (ROOT / "docs" / "builder").exists():
    pytest.skip("the documentation is not beside these tests", allow_module_level=True)
FOUND = importlib.util.spec_from_file_location("docs_place", ROOT / "docs" / "builder" / "place.py")
place = importlib.util.module_from_spec(FOUND)
FOUND.loader.exec_module(place)


@pytest.fixture
def site(tmp_path):
    made = tmp_path / "work" / "site"
    made.mkdir(parents=True)
    (made / "index.html").write_text("new")
    return made


@pytest.fixture
def out(tmp_path):
    return tmp_path / "a" / "out"


def test_an_earlier_site_is_replaced_as_a_whole(site, out):
    place.replace(out, site)
    (out / "old.html").touch()
    site.mkdir()
    place.replace(out, site)
    assert [path.name for path in out.iterdir()] == [place.MARK]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_empty_folder_is_no_hindrance(site, out):
    out.mkdir(parents=True)
    place.replace(out, site)
    assert (out / "index.html").read_text() == "new"


def test_what_is_no_earlier_site_is_refused_and_stays(site, out):
    out.mkdir(parents=True)
    (out / "thesis.txt").write_text("mine")
    link, file = out.parent / "link", out.parent / "file"
    file.touch()
    link.symlink_to(site)
    (site / place.MARK).touch()                                     # not even a link to a site
    for refused in (out, link, file):
        with pytest.raises(SystemExit, match="--out must be an earlier site, an empty folder"):
            place.replace(refused, site)
    assert (out / "thesis.txt").read_text() == "mine"
    assert (site / "index.html").exists()


def test_the_earlier_site_stays_if_the_new_one_cannot_take_its_place(site, out, monkeypatch):
    place.replace(out, site)
    rename = Path.rename

    def refused(self, target):
        if self.name == "new":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    site.mkdir()
    with pytest.raises(OSError, match="no"):
        place.replace(out, site)
    assert (out / "index.html").read_text() == "new"


@pytest.mark.parametrize(("options", "said"), [
    (["--help"], "usage: python -m docs"), (["--out", "out"], 'python -m docs needs sphinx: pip install ".[docs]"')])
def test_without_its_extra_the_builder_says_what_to_install(tmp_path, options, said):
    code = f"""import sys
sys.modules["sphinx"] = sys.modules["sphinx.application"] = None
sys.path.insert(0, {str(ROOT)!r})
sys.argv[1:] = {options!r}
from docs.__main__ import main
main()"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
