"""The page of a comparison: the answer first, every kind of result in its own words, and files that hold all numbers."""

import csv
import json
import math
from dataclasses import replace

import comparisons
import numpy as np
import pages
import pytest
from comparisons import at_rates, comparison, falling, spread

import retroprop as rp
from retroprop.__main__ import main
from retroprop.experiments.compare import remarks
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.report import write_report
from retroprop.experiments.reports import drawing

GLOROT, SLOW, NOTHING, DIVERGED = (
    falling(0.08, 0.04, 0.02), falling(0.5, 0.2, 0.05), falling(0.92, 0.92, 0.92, width=0), [[0.9, None]] * 5)
FEW = {"N(0, 0.01²)": NOTHING, "Standard": SLOW, "Glorot": GLOROT, "N(0, 1)": DIVERGED}
RATES = {"Standard": {0.01: spread(0.3), 0.1: spread(0.04), 1.0: spread(0.06)},
         "Glorot": {0.01: spread(0.05), 0.1: spread(0.02), 1.0: spread(0.9)},
         "N(0, 1)": {0.01: spread(0.8), 0.1: [0.7, 0.7, None, 0.7, 0.7], 1.0: [None] * 5}}
VALUES = {"Glorot": falling(100.0, 70.0, 55.0, width=2), "He": falling(120.0, 90.0, 60.0, width=2)}


@pytest.fixture
def empty_figures(monkeypatch):
    def draw(drawings, folder, workers):
        for one in drawings:
            rp.plots.write_image(np.zeros((2, 2)), folder / f"{one.name}.png")
            (folder / f"{one.name}.svg").write_text("<svg/>", encoding="utf-8")

    monkeypatch.setattr(drawing, "draw", draw)


@pytest.fixture
def write(tmp_path, empty_figures):
    """Write the report of a comparison whose figures are empty; return its page and its folder."""
    def write(made):
        write_report(made, tmp_path)
        return pages.read(tmp_path / "report.html"), tmp_path

    return write


def tables(page):
    """The tables of a page: their rows as texts."""
    return [[[cell.text for cell in row.inside if cell.tag in ("th", "td")] for row in table.all("tr")]
            for table in page.all("table")]


def test_the_title_is_the_finding_then_comes_its_figure_then_the_table(write):
    page, _ = write(comparison(FEW))
    [body] = page.all("body")
    order = [one for one in body.inside if one.parents == ("html", "body")]
    assert [one.tag for one in order[:4]] == ["h1", "p", "figure", "div"]
    assert order[0].text == "Glorot learns in 1 epoch; N(0, 0.01²) and N(0, 1) not within 3"
    assert order[1].text == (
        "64-5×100-10 network of tanh units on digits; 3 epochs of sgd at learning rate 0.03, batches of 10, 5 runs of each. A "
        "network has learned when its test error is 10 % or less; on the test examples, always predicting the "
        "most frequent class has 90.0 %.")
    assert len(order[2].all("img")) == 2


def test_remarks_about_the_data_stand_above_the_title_and_those_about_the_runs_below_the_table(write):
    made = comparison(FEW, unfit=("x has values up to 6000, so that the first layer saturates.",))
    runs = remarks.of_runs(made)
    assert runs == ["All seeds have the same test part, of 500 examples: the ± does not cover its choice, which alone adds "
                    "± 1.2 points (95 %) to the error of Glorot."]
    page, _ = write(replace(made, remarks=("x: has values up to 6000. Remedy: scale.", "2 rows were left out.", *runs)))
    [body] = page.all("body")
    order = [one.tag for one in body.inside if one.parents == ("html", "body")]
    assert order[:4] == ["aside", "aside", "h1", "p"]
    warnings, notes = body.all("aside")
    assert (warnings.attributes["class"], notes.attributes["class"]) == ("remarks", "notes")
    assert [one.text for one in warnings.all("p")] == ["x: has values up to 6000. Remedy: scale."]
    assert [one.text for one in notes.all("p")] == ["2 rows were left out."]
    assert page.all("h1")[0].text == "Check the data first: x has values up to 6000"
    assert runs[0] in [one.text for one in page.all("li")]


def test_rows_are_ranked_with_the_verdict_second_and_the_effect_before_p(write):
    page, _ = write(comparison(FEW))
    table = tables(page)[0]
    assert table[0] == ["initialization", "verdict", "test error ± half a 95 % interval",
                        "against Glorot ± half a 95 % interval", "p, by Holm"]
    assert table[1] == ["Glorot", "learns in 1 epoch", "2.0 ± 0.2 %", "–", "–"]
    assert table[2][:3] == ["Standard", "learns in 3 epochs", "5.0 ± 0.2 %"]
    assert table[2][3].startswith("+3.0 ± ")
    assert table[2][3].endswith(" points")
    assert table[2][4] == "< 0.0001"
    assert [row[:3] for row in table[3:]] == [["N(0, 0.01²)", "learns nothing", "92.0 ± 0.0 %"], ["N(0, 1)", "diverges", "–"]]
    assert table[4][3:] == ["–", "–"]


def test_runs_that_diverge_and_pairs_that_are_left_are_counted(write):
    page, _ = write(comparison({"Glorot": GLOROT, "He": [*SLOW[:3], [0.5, None], [None]], "LeCun": GLOROT}))
    rows = {row[0]: row for row in tables(page)[0]}
    assert rows["He"][1] == "learns in 3 epochs (3 of 5 runs)"
    assert rows["He"][2].endswith(" % (2 of 5 diverged)")
    assert rows["He"][3].endswith(" points in 3 pairs")
    assert rows["LeCun"][3:] == ["equal", "–"]


def test_one_rate_is_called_what_it_is_and_the_fair_command_stands_beside(write):
    page, _ = write(comparison(FEW))
    said = "All were trained at one learning rate, 0.03: the ranking is that of this rate"
    assert any(said in one.text for one in page.all("p"))
    commands = [one.text for one in page.all("pre")]
    assert len(commands) == 2
    assert "--lr auto" in commands[0]
    assert "--lr 0.03" in commands[1]
    single, _ = write(comparison({"Glorot": GLOROT}))
    assert len(single.all("pre")) == 1                              # nothing to rank


def test_rates_each_start_at_its_own_and_which_it_survives(write):
    page, folder = write(at_rates(RATES))
    table = tables(page)[0]
    assert table[0][-2:] == ["best rate", "survives rates"]
    assert {row[0]: row[-2:] for row in table[1:]} == {
        "Glorot": ["0.1", "0.01 to 0.1 (× 10)"], "Standard": ["0.1", "0.01 to 1 (× 100)"], "N(0, 1)": ["0.1", "none"]}
    assert page.all("h1")[0].text.endswith(", each at its best of 3 learning rates")
    assert (folder / "rates.png").exists()
    assert not any("trained at one learning rate" in one.text for one in page.all("p"))
    assert "Learning rates" in [one.text for one in page.all("h2")]
    with (folder / "rates.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert [row["rate"] for row in rows if row["chosen"] == "True"] == ["0.1"] * 3
    assert {row["diverged"] for row in rows if (row["init"], row["rate"]) == ("N(0, 1)", "0.1")} == {"1"}


def test_many_initializations_are_ranked_in_two_panels(write):
    page, folder = write(comparisons.many(51))
    assert page.all("h1")[0].text == "Of 51 initializations, 17 learn in 1 epoch, 17 more within 20 and 17 do not"
    first = page.all("figure")[0]
    assert len(first.all("img")) == 2
    assert "dark blue circle, learns in 1 epoch; light blue circle, learns later; purple triangle" in first.text
    assert len(tables(page)[0]) == 52
    errors = [float(row[2].split()[0]) for row in tables(page)[0][1:]]
    assert errors == sorted(errors)
    assert not (folder / "learning-curves.png").exists()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1e6
    shown = next(one.text for one in page.all("figure") if "costs.svg" in one.text)
    assert "Shown: U(-1, 1)" in shown


@pytest.mark.parametrize(("kind", "unit", "chance", "words"), [
    ("values", "", 120.0, ["RMSE is 84.9 or less (an R² of 0.5 or more)",
                               "always predicting the mean has 120", "mean squared error"]),
    ("binary", "%", 0.4, ["error is 10 % or less;", "most frequent class has 40.0 %", "binary cross-entropy"]),
    ("labels", "%", 0.15, ["error is 7.5 % or less (half of the error of always predicting",
                              "more frequent value of each label has 15.0 %", "binary cross-entropy"]),
])
def test_each_kind_of_target_has_its_words_and_units(write, kind, unit, chance, words):
    errors = VALUES if kind == "values" else {"Glorot": falling(0.2, 0.08, 0.05), "He": falling(0.3, 0.2, 0.09)}
    page, _ = write(comparison(errors, kind=kind, unit=unit, chance=chance))
    for text in words:
        assert text in " ".join(one.text for one in page.all("p")), text
    header = tables(page)[0][0]
    assert ("test R²" in header) == (kind == "values")
    assert header[2] == f"test {'RMSE' if kind == 'values' else 'error'} ± half a 95 % interval"
    assert ("points" in tables(page)[0][2][-2]) == (kind != "values")


def test_folds_groups_and_divisions_are_said(write):
    def said(made):
        return " ".join(one.text for one in write(made)[0].all("p"))

    assert "All runs share one division of the data" in said(comparison(FEW))
    folds = [replace(run, fold=fold) for run in comparison(FEW).runs for fold in range(3)]
    text = said(replace(comparisons.of_runs(folds, cv=3, group="form", stratify=True), resampled=0.5))
    for part in ("15 runs of each", "each of 5 seeds and 3 folds", "paired by seed and fold", "Each run divides the data anew",
                 "Each fold is the test part once with each seed, of 3 folds", "No group of “form” was divided among parts",
                 "Each class has the same share of all parts"):
        assert part in text, part


@pytest.mark.parametrize("errors", [
    {"Glorot": DIVERGED, "He": [[None]] * 5}, {"Glorot": GLOROT}, {"Glorot": GLOROT[:1], "He": SLOW[:1]},
    {"Glorot": GLOROT, "He": GLOROT}, {f"U(-{k}, {k})": DIVERGED for k in range(1, 13)},
    {"Glorot": falling(0.5, 0.0, 0.0, width=0)},
], ids=["all diverge", "one", "one run", "equal", "many that diverge", "no error at all"])
def test_every_page_is_whole(write, errors):
    """One main heading, alternative texts, a header for each row, and links that lead somewhere."""
    page, folder = write(comparison(errors))
    assert len(page.all("h1")) == 1
    assert page.all("html")[0].attributes["lang"] == "en"
    assert all(len(one.attributes["alt"]) > 20 for one in page.all("img"))
    for table in page.all("table"):
        for row in table.all("tr")[1:]:
            assert [one.attributes["scope"] for one in row.all("th")] == ["row"]
            assert all(one.attributes["data-label"] for one in row.all("td"))
    assert all((folder / one.attributes["href"]).exists() for one in page.all("a"))
    assert {"results.csv", "summary.csv", "rates.csv", "config.json"} <= {one.attributes["href"] for one in page.all("a")}
    assert "nan" not in " ".join(cell for table in tables(page) for row in table for cell in row)


def test_alternative_texts_say_what_a_figure_shows(write):
    page, _ = write(comparison(FEW))
    texts = [one.attributes["alt"] for one in page.all("img")]
    assert texts[0] == ("Median test error from the first epoch to the last: N(0, 0.01²) from 92.0 to 92.0 %; "
                        "Standard from 50.0 to 5.0 %; Glorot from 8.0 to 2.0 %; N(0, 1) diverges.")
    assert texts[1] == ("Test error after 3 epochs, the lowest first: Glorot 2.0 ± 0.2 %; Standard 5.0 ± 0.2 %; "
                        "N(0, 0.01²) 92.0 ± 0.0 %; N(0, 1) diverges.")
    assert len(set(texts)) == len(texts)


def test_config_holds_all_that_decides_the_numbers_and_the_names_of_the_files(write):
    _, folder = write(comparison(FEW, names=tuple("0123456789")))
    saved = json.loads((folder / "config.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert set(comparison(FEW).config) <= set(saved)
    assert {"command", "seed_values", "finding", "metric", "sizes", "chosen_rates", "reference", "versions"} <= set(saved)
    assert set(saved["files"]) == {path.name for path in folder.iterdir()}


def test_a_forced_report_leaves_no_file_of_the_earlier_one(write):
    write(at_rates(RATES))
    _, folder = write(comparison(FEW))
    assert not (folder / "survival.svg").exists()
    assert not (folder / "rates.svg").exists()
    assert set(json.loads((folder / "config.json").read_text(encoding="utf-8"))["files"]) == {
        path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("empty_figures")
def test_a_report_of_other_settings_is_kept_and_of_the_same_replaced(tmp_path):
    options = {"data": "moons", "init": ["Glorot"], "depth": 1, "width": 4, "epochs": 1, "seeds": 1, "progress": False,
               "out": tmp_path / "out", "jobs": 1}
    compare(**options)
    page = (tmp_path / "out" / "report.html").read_bytes()
    with pytest.raises(rp.ArgumentError, match=r"but .*out holds some \(epochs: 1 there, 2 now\)"):
        compare(**options | {"epochs": 2})
    assert (tmp_path / "out" / "report.html").read_bytes() == page
    compare(**options)
    assert (tmp_path / "out" / "report.html").read_bytes() == page
    compare(**options | {"epochs": 2}, force=True)
    assert (tmp_path / "out" / "report.html").read_bytes() != page


def test_numbers_survive_figures_that_cannot_be_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "draw", lambda *arguments: pytest.fail("no space left"))
    with pytest.raises(pytest.fail.Exception):
        write_report(comparison(FEW), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"results.csv", "summary.csv", "rates.csv", "config.json"}
    with (tmp_path / "summary.csv").open(encoding="utf-8") as file:
        assert math.isclose(float(list(csv.DictReader(file))[2]["error"]), 0.02)


@pytest.mark.usefixtures("empty_figures")
def test_commands_without_out_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    """A folder that is not named is the next one, and said; a named one is refused if it holds other results."""
    monkeypatch.chdir(tmp_path)
    small = {"data": "moons", "init": "Glorot", "depth": 1, "width": 4, "epochs": 1, "seeds": 1, "jobs": 1}
    command = ["compare", *(f"--{name}={value}" for name, value in small.items())]
    for more, folder in ([], "compare"), (["--lr", "0.1"], "compare-2"), (["--lr", "0.1"], "compare-2"), ([], "compare"):
        assert main([*command, *more]) == 0
        assert capsys.readouterr().err.endswith(f"The report is in results/{folder}/report.html\n")
    assert main([*command, "--lr", "0.1", "--out", "results/compare"]) == 2
    assert "results/compare holds some (lr: 0.03 there, 0.1 now)" in capsys.readouterr().err
