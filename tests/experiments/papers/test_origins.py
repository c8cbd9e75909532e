"""Whose each claim is, as far as the texts of the papers show; and the verdicts at the small scale, which the README counts.

``verdicts.csv`` lists all claims of the small scale. The origins of the first six papers' claims were found by reading the
papers, claim by claim; those of the four later ones were not checked against the texts, as their pages say. A claim is the
paper's if its text or its figures make it, whatever number this project's criterion takes; that of mathematics if it follows
without an experiment; of an independent implementation if its number is what another program gave; this project's otherwise.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest

from retroprop.experiments.reproduce.claims import ORIGINS, Claim, summary
from retroprop.experiments.reproduce.job import PAPERS, paper
from retroprop.experiments.reproduce.paper import Results, Scale

with Path(__file__).with_name("verdicts.csv").open(encoding="utf-8", newline="") as file:
    KEPT = {(row["paper"], row["id"]): row for row in csv.DictReader(file)}
ORIGINS_BY_PAPER = {                                                # exact, paper, independent, project
    "glorot2010": (14, 49, 15, 11), "he2015": (8, 9, 0, 7), "saxe2014": (8, 5, 4, 3), "lsuv2016": (4, 6, 0, 5),
    "batchnorm2015": (10, 13, 0, 9), "dropout2014": (5, 38, 0, 4), "schoenholz2017": (4, 7, 16, 0),
    "santurkar2018": (0, 5, 6, 3), "cohen2021": (0, 8, 0, 2), "yang2021": (3, 15, 5, 1)}


def claims_of(name, scale):
    return {one.id: one for one in paper(name).claims(Results(scale, []))}


@pytest.mark.parametrize("name", PAPERS)
def test_every_claim_of_the_small_scale_has_the_origin_that_was_found(name):
    found, kept = claims_of(name, Scale("small")), {id: row["origin"] for (of, id), row in KEPT.items() if of == name}
    assert {id: one.origin for id, one in found.items()} == {id: kept[id] for id in found}
    assert tuple(list(kept.values()).count(origin) for origin in ORIGINS) == ORIGINS_BY_PAPER[name]
    others = set(kept) - set(found)                                 # about the widths of the runs, of which there are none
    assert all(id.startswith(("gradient-ratio-", "saturated-width")) for id in others)


@pytest.mark.parametrize("name", PAPERS)
def test_a_claim_says_whose_it_is_at_every_scale_and_where_it_stands_if_it_is_the_papers(name):
    for scale in (Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")):
        for one in claims_of(name, scale).values():
            assert one.source or one.origin in ("independent", "project")
            assert one.source not in ("ours", "the paper")
            assert "memory" not in one.source + one.paper


@pytest.mark.parametrize(("name", "id", "origin", "source"), [
    ("glorot2010", "singular-standard", "paper", "sec. 4.2.2"),
    ("glorot2010", "weight-gradient-normalized", "paper", "sec. 4.3, figure 8, eq. 14"),
    ("glorot2010", "std-of-z-standard", "independent", "figure 6 shows histograms"),
    ("glorot2010", "sigmoid-standard-chance", "project", "near sec. 3.1; table 1: 2.21 % on MNIST, 4 layers, more steps"),
    ("glorot2010", "tanh-weight-gradients-alike", "paper", "figure 9"),
    ("he2015", "relu30-glorot-stalls", "paper", "figure 3"),
    ("he2015", "layers14-alike", "paper", "sec. 2.2, the model of table 2"),
    ("saxe2014", "gaussian20-share-small", "independent", "figure 6B shows histograms"),
    ("saxe2014", "exact-solution-middle", "exact", "eq. 12"),
    ("saxe2014", "tanh-orthogonal-gain-dies", "paper", "sec. 4"),
    ("saxe2014", "tanh-glorot-gain-dies", "project", "after sec. 4, on orthogonal weights"),
    ("lsuv2016", "tanh10-ahead", "project", ""),
    ("batchnorm2015", "plain-low-rate-fails", "project", ""),
    ("batchnorm2015", "plain-high-rate-fails", "paper", "sec. 3.3"),
    ("dropout2014", "autoencoder-silent", "project", "after figure 8; a peak at 0 stands in a summary"),
    ("dropout2014", "ridge-weights", "exact", "sec. 9.1"),
    ("dropout2014", "rate-ratio", "paper", "appendix A"),
    ("schoenholz2017", "gradient", "exact", "sec. 5"), ("schoenholz2017", "depths-follow-scale", "paper", "figure 5"),
    ("schoenholz2017", "spectrum-gaussian", "independent", "5 % at depth 100"),
    ("cohen2021", "edge-0.8", "paper", "abstract, figure 1")])
def test_places_that_the_texts_of_the_papers_show(name, id, origin, source):
    one = claims_of(name, Scale("small"))[id]
    assert (one.origin, one.source) == (origin, source)


def test_the_verdicts_of_the_small_scale_are_counted_by_whose_claims_they_are():
    holds = {"yes": True, "NO": False}
    made = [Claim(id, "", row["origin"], "", "", "", "", holds.get(row["reproduced"]),
                  values=(0.0,) * (row["reproduced"] == "inconclusive")) for (_, id), row in KEPT.items()]
    assert [one.verdict for one in made] == [row["reproduced"] for row in KEPT.values()]
    assert summary(made, "the papers") == (
        "Claims of mathematics: 55 of 56 are reproduced, 1 is inconclusive. Claims of the papers: 85 of 144 are "
        "reproduced, 11 are not, 48 are inconclusive. Claims of an independent implementation: 32 of 46 are reproduced, 14"
        " are inconclusive. Claims of this project: 35 of 45 are reproduced, 10 are inconclusive. 11 claims are not "
        "judged.")
    assert Counter(row["reproduced"] for row in KEPT.values()) == {"yes": 207, "inconclusive": 73, "NO": 11, "–": 11}
