"""The pages of reproduced papers: the finding first, then a figure, the claims by whose they are, and how to run it again."""

from dataclasses import replace

import pages
import pytest

import retroprop as rp
from retroprop.experiments.reproduce import job as reproduce
from retroprop.experiments.reproduce.bounds import above, below
from retroprop.experiments.reproduce.claims import claim, difference, not_run
from retroprop.experiments.reproduce.figures import grid
from retroprop.experiments.reproduce.job import PAPERS
from retroprop.experiments.reproduce.pages import reading, write_paper
from retroprop.experiments.reproduce.paper import Paper, Report, Results, Scale, Texts, filled
from retroprop.experiments.reproduce.reproduced import Reproduced
from retroprop.experiments.reproduce.series import Series
from retroprop.experiments.sweeps.trials import Trial

PAGE = """# A tiny paper

Nobody, 1900.

It asks nothing.

## before
### Before training

Nothing yet.

In the paper: nothing.

## after
### After training

It is {error}.

In the paper: an error of 5 %.
"""
HEADER = ["claim", "reproduced", "measured: mean ± half a 95 % interval", "criterion", "in the paper", "whose claim"]


def number(*, seed):
    return {"error": 0.1 + 0.01 * seed, "other": 0.3 + 0.02 * seed}


def plan(scale):
    return [Trial(number, {"seed": seed}) for seed in range(scale.seeds)]


def judged(results):
    error, other = (results.series(name, number) for name in ("error", "other"))
    return [difference("smaller", "smaller", "paper", "figure 1", error, other, unit="%"),
            claim("small", "small", "project", "", error, below(0.05), unit="%", reason="it is larger"),
            claim("seen", "seen", "exact", "figure 2", other, above(0.1), unit="%"),
            not_run("large", "large", "table 1", "5 %", "it is large")]


def draw(results, report):
    for name in ("before", "after"):
        figure, [ax] = grid(1)
        ax.plot([0, 1])
        report.add(name, figure, error="0.1")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Replace every paper by one of five numbers."""
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    made = {name: Paper(name, Texts(page), plan, judged, draw, lambda results: "The error is 12 %", "after")
            for name in reproduce.PAPERS}
    monkeypatch.setattr(reproduce, "paper", made.__getitem__)


def test_a_page_says_the_finding_then_shows_its_figure_then_the_claims_with_the_verdict_second(tiny, tmp_path):
    reproduce.reproduce("he2015", jobs=1, out=tmp_path / "out", progress=False)
    folder = tmp_path / "out/small/he2015"
    page = pages.read(folder / "report.html")
    order = [one for one in page.inside if one.tag in ("h1", "h2", "img", "table")]
    assert [(one.tag, one.text[:12]) for one in order[:5]] == [
        ("h1", "The error is"), ("h2", "After traini"), ("img", ""), ("h2", "Claim by cla"), ("table", order[4].text[:12])]
    first = page.all("p")[0].text
    assert first == ("5 seeds, scale small. Claims of mathematics: 1 of 1 is reproduced. Claims of the paper: 1 of 1 is "
                     "reproduced. Claims of this project: 0 of 1 are reproduced, 1 is not. 1 claim is not judged.")
    found = pages.rows(page)
    assert found[0] == HEADER
    assert found[1] == ["smaller", "yes (5 of 5)",
                        "difference -22 ± 2 points: 12 ± 2 % against 34 ± 3.9 %; p < 0.0001, corrected < 0.0001",
                        "a smaller mean", "–", "the paper: figure 1"]
    assert [row[1] for row in found[1:5]] == ["yes (5 of 5)", "NO (5 of 5)", "yes (5 of 5)", "–"]
    assert [row[5] for row in found[1:5]] == ["the paper: figure 1", "this project", "mathematics: figure 2",
                                              "the paper: table 1"]
    assert page.text.count("In the paper: an error of 5 %.") == 1
    links = {one.attributes["href"] for one in page.all("a")}
    assert links == {"claims.csv", "results.csv", "config.json", "before.svg", "after.svg"}
    assert all((folder / name).exists() for name in links)
    assert [one.text for one in page.all("pre")] == [
        f"retroprop reproduce he2015 --scale small --seeds 5 --out {tmp_path / 'out'}"]


def test_the_index_counts_claims_by_whose_they_are_in_its_title_its_figure_and_its_table(tiny, tmp_path):
    reproduce.reproduce("all", jobs=1, out=tmp_path / "out", progress=False)
    page, count = pages.read(tmp_path / "out/small/index.html"), len(PAPERS)
    assert page.all("h1")[0].text == (f"{count} papers: {count} of {count} of their own claims are reproduced (scale small, "
                                      "5 seeds)")
    assert page.all("img")[0].attributes["alt"] == (
        f"Of the papers' own claims, {count} of {count} reproduced; the reasons stand below.")
    tags = [one.tag for one in page.inside]
    assert tags.index("img") < tags.index("table")
    assert (tmp_path / "out/small/verdicts.svg").exists()
    header, *table = pages.rows(page)[:count + 1]
    assert header == ["paper", "claims of mathematics", "claims of the paper", "claims of this project", "not judged"]
    assert table[1] == ["he2015", "1 of 1 reproduced", "1 of 1 reproduced", "0 of 1 reproduced, 1 not", "1"]
    assert "small (this project): it is larger" in page.text
    csv = (tmp_path / "out/small/claims.csv").read_text(encoding="utf-8").splitlines()
    assert csv[0].startswith("paper,id,claim,origin,source,in_the_paper,measured,")


def test_a_page_corrects_its_own_tests_and_the_index_those_of_all_papers(tiny, tmp_path):
    """A p of 0.02 counts alone, but not among 20 tests of another paper that show nothing."""
    low, high, noise = (Series.of(enumerate(values)) for values in (
        [0.0] * 5, [0.11, 0.25, 0.1, 0.06, 0.24], [0.1, -0.1, 0.05, -0.04, 0.02]))
    one = reproduce.paper("he2015")
    papers = {"he2015": replace(one, claims=lambda results: [difference("a", "a", "paper", "figure 1", low, high)]),
              "saxe2014": replace(one, claims=lambda results: [difference(f"b{k}", "b", "paper", "figure 1", low, noise)
                                                               for k in range(20)])}
    found = Reproduced(Scale(), papers, {name: Results(Scale(), []) for name in papers})
    assert (found.claims["he2015"][0].verdict, found.indexed["he2015"][0].verdict) == ("yes", "inconclusive")
    assert found.summary()[0]["reproduced"] is None
    assert "The 21 such tests of this index are corrected together" in reading(found.indexed["he2015"] + found.indexed[
        "saxe2014"], "this index")


def test_pages_of_another_number_of_seeds_are_replaced_only_with_force(tiny, tmp_path):
    reproduce.reproduce("he2015", jobs=1, out=tmp_path / "out", progress=False)
    kept = (tmp_path / "out/small/he2015/report.html").read_bytes()
    with pytest.raises(rp.ArgumentError, match=r"holds some \(seeds: 5 there, 2 now\).*force=True"):
        reproduce.reproduce("he2015", seeds=2, jobs=1, out=tmp_path / "out", progress=False)
    assert (tmp_path / "out/small/he2015/report.html").read_bytes() == kept
    reproduce.reproduce("he2015", jobs=1, out=tmp_path / "out", progress=False)                 # the same: no hindrance
    reproduce.reproduce("he2015", seeds=2, jobs=1, out=tmp_path / "out", force=True, progress=False)
    assert (tmp_path / "out/small/he2015/report.html").read_bytes() != kept


def test_without_runs_the_title_is_the_papers(tiny, tmp_path):
    made = reproduce.paper("he2015")
    bare = Paper("he2015", made.texts, plan, judged, lambda results, report: None)
    write_paper(bare, Results(Scale(), []), judged(Results(Scale(), [])), tmp_path / "small/he2015")
    page = pages.read(tmp_path / "small/he2015/report.html")
    assert page.all("h1")[0].text == "A tiny paper"
    assert not page.all("img")


def test_a_section_is_taken_from_the_page_with_all_that_follows_it_up_to_the_next(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")

    class Recorded:
        def __init__(self):
            self.parts = []

        def heading(self, text):
            self.parts.append(text)

        text = heading

    report = Report(Recorded(), None, Texts(page))
    report.add("before")
    report.page.text("a table")
    report.add("after", error="1")
    assert report.take("before") == ["Before training", "Nothing yet.", "In the paper: nothing.", "a table"]
    assert report.take("before") == report.take("none") == []
    assert report.take("after") == ["After training", "It is 1.", "In the paper: an error of 5 %."]
    assert report.page.parts == []


def test_a_finding_is_filled_in_only_where_all_its_numbers_are_known():
    from retroprop.experiments.papers.he2015 import page
    error = Series.by_seed({0: 0.04, 1: 0.05})
    assert filled(page.__file__, he=error, glorot=error + 0.85, steps="1500") == (
        "30 ReLU layers after 1500 steps: test error 4.5 % from He's initialization, 90 % from Glorot's")
    assert filled(page.__file__, he=error, glorot=Series({}), steps="1500") == ""
