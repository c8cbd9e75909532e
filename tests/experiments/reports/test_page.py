"""The page that all reports are: its structure, what a screen reader finds, its colours, and links to its files."""

import re

import numpy as np
import pages
import pytest

from retroprop import plots
from retroprop.experiments.reports.page import Page
from retroprop.experiments.reports.style import COLORS, RULES, STYLE

ROWS = [["start", "verdict", "test error"], ["Glorot", "learns", "2.0 ± 0.4 %"], ["N(0, 1)", "<never>", "'50' \"%\""]]


@pytest.fixture
def page(tmp_path):
    """A page with one of each part."""
    made = Page("Glorot learns & N(0, 0.01²) does not")
    made.text("64-5×100-10 on digits")
    images = [plots.write_image(np.zeros((4, 3 + k)), tmp_path / f"{name}.png") for k, name in enumerate(("curves", "ends"))]
    images[0].with_suffix(".svg").write_text("<svg/>", encoding="utf-8")
    made.figure(dict(zip(images, ("Glorot falls", "Glorot's is lowest"), strict=True)), "Medians.", finding="Glorot is ahead.")
    made.table(ROWS)
    made.table([["claim", "verdict"], ["a long sentence", "reproduced"]], sentences=True)
    made.points(["one", "<two>"])
    made.code("retroprop compare --init 'N(0, 1)'")
    made.links({"results.csv": "each run", "summary.csv": "each start"})
    made.remark("The inputs are not scaled.")
    made.write(tmp_path / "report.html")
    return pages.read(tmp_path / "report.html")


def test_a_page_has_a_language_a_title_and_one_main_heading(page):
    assert page.all("html")[0].attributes["lang"] == "en"
    assert [one.text for one in page.all("h1")] == [one.text for one in page.all("title")] == [
        "Glorot learns & N(0, 0.01²) does not"]
    names = {one.attributes.get("name"): one.attributes.get("content") for one in page.all("meta")}
    assert names["viewport"] == "width=device-width, initial-scale=1"
    assert names["color-scheme"] == "light dark"


def test_remarks_stand_above_the_title_and_parts_below_it_in_their_order(page):
    [body] = page.all("body")
    order = [one.tag for one in body.inside if one.parents == ("html", "body")]
    assert order == ["aside", "h1", "p", "figure", "div", "div", "ul", "pre", "ul"]
    assert body.all("aside")[0].text == "The inputs are not scaled."


def test_every_cell_knows_its_row_and_its_column(page):
    """For a screen reader by header cells, for a card by ``data-label``; roles stay when CSS changes the display."""
    assert pages.rows(page)[:3] == ROWS
    table = page.all("table")[0]
    assert [(one.text, one.attributes["scope"]) for one in table.all("th")] == [
        *((name, "col") for name in ROWS[0]), ("Glorot", "row"), ("N(0, 1)", "row")]
    assert [one.attributes["data-label"] for one in table.all("td")] == ROWS[0][1:] * 2
    assert {one.tag: one.attributes["role"] for one in (table, *table.inside)} == {
        "table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "th": "rowheader", "td": "cell"}


def test_an_image_says_what_it_shows_and_how_large_it_is(page):
    images = page.all("img")
    assert [one.attributes["alt"] for one in images] == ["Glorot falls", "Glorot's is lowest"]
    assert [(one.attributes["width"], one.attributes["height"]) for one in images] == [("3", "4"), ("4", "4")]
    [caption] = page.all("figcaption")
    assert caption.text == "Glorot is ahead. Medians. curves.svg"
    assert caption.all("strong")[0].text == "Glorot is ahead."


def test_a_single_image_says_its_finding_or_its_caption(tmp_path):
    png, made = plots.write_image(np.zeros((2, 2)), tmp_path / "a.png"), Page("")
    made.figure(png, "How to read it.", finding="What it shows.")
    made.figure(png, "How to read it.", beside="In the paper")
    shown = pages.parsed("".join(made.parts)).all("img")
    assert [one.attributes["alt"] for one in shown] == ["What it shows.", "How to read it."]


def test_a_figure_that_a_phone_does_not_show_as_a_whole_says_that_it_scrolls(tmp_path):
    page = Page("Wide")
    for width in (660, 900):
        page.figure(plots.write_image(np.zeros((2, width)), tmp_path / f"{width}.png"), "Caption.")
    page.write(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"<div class='(image[^']*)'>", text) == ["image", "image wider"]
    assert ".wider::before { content: \"scroll" in RULES


def test_links_lead_to_files_of_the_folder(page):
    assert {one.attributes["href"] for one in page.all("a")} == {"curves.svg", "results.csv", "summary.csv"}


@pytest.mark.parametrize("shade", [0, 1], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_4_5_in_both_themes(shade):
    color = {name: both[shade] for name, both in COLORS.items()}
    for text, ground in [("ink", "paper"), ("quiet", "paper"), ("link", "paper"), ("ink", "box"), ("ink", "warning"),
                         ("link", "warning")]:
        assert pages.contrast(color[text], color[ground]) >= 4.5, (text, ground)
    assert pages.contrast(color["edge"], color["paper"]) >= 3       # not text


def test_contrast_by_hand():
    assert pages.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert pages.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_all_colours_are_those_of_the_themes():
    """No rule has a colour of its own, but the white card behind a figure, which is drawn for a light ground."""
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", RULES)) == {"#ffffff"}
    assert set(re.findall(r"var\(--(\w+)\)", RULES)) - {"legible"} <= set(COLORS)
    for shade in (0, 1):
        assert all(f"--{name}: {both[shade]};" in STYLE for name, both in COLORS.items())
