"""The report fills the blocks of the page."""

import json
import re
from pathlib import Path

import pytest
from given import RESULTS

import retroprop as rp
from benchmarks.report import BLOCK, blocks, filled, write

PAGE = Path(rp.__file__).parent / "docs" / "performance.md"


def test_a_block_gets_its_lines_and_the_text_around_it_stays():
    page = "# Title\n\n<!-- imports -->\n\nold\n\n<!-- end -->\n\ntext\n\n<!-- busy -->\n\nkept\n\n<!-- end -->\n"
    assert filled(page, {"imports": ["new", "lines"]}) == page.replace("old", "new\nlines")


def test_a_page_that_is_filled_again_does_not_change():
    made = blocks(RESULTS)
    once = filled(PAGE.read_text(encoding="utf-8"), made)
    assert filled(once, made) == once


def test_the_page_has_each_block_once_and_no_other():
    assert sorted(found["name"] for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))) == sorted(blocks(RESULTS))


def test_losses_come_before_the_tables():
    names = [found["name"] for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]
    assert names[:2] == ["machine", "losses"]


def test_a_run_of_one_part_leaves_the_other_blocks():
    assert {"machine", "losses", "imports"} == blocks({key: RESULTS[key] for key in ("machine", "imports")}).keys()


def test_numbers_blocks_and_figures_are_written(tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "docs" / "page.md"
    (page.parent / "images").mkdir(parents=True)
    page.write_text("<!-- imports -->\n\nold\n\n<!-- end -->\n", encoding="utf-8")
    write(RESULTS, tmp_path / "out", page)
    assert json.loads((tmp_path / "out" / "benchmarks.json").read_text()) == RESULTS
    assert "| NumPy | 76.1 |" in page.read_text(encoding="utf-8")
    drawn = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert drawn == {f"{folder}/{name}.png" for folder in ("out", "docs/images") for name in ("steps", "growth")}


def test_only_the_figures_that_are_asked_for_are_drawn(tmp_path):
    write(RESULTS, tmp_path, draw=["imports"])
    assert not list(tmp_path.glob("*.png"))


def test_each_figure_of_the_page_has_a_finding_as_its_text():
    made = blocks(RESULTS)
    for name in ("figure of steps", "figure of growth"):
        assert re.fullmatch(r"!\[.{30,}\]\(images/\w+\.png\)", made[name][0])
