"""Claims: what holds, what does not, and what nobody can tell."""

import math

import pytest
from scipy.stats import t, ttest_rel

from retroprop.experiments.papers.claims import claim, difference, every, summary
from retroprop.experiments.reports.statistics import estimate, number, paired

LOW, HIGH, NEAR = [0.1, 0.2, 0.15, 0.12, 0.17], [0.3, 0.35, 0.4, 0.28, 0.41], [0.12, 0.17, 0.16, 0.11, 0.18]


def test_the_interval_is_students():
    found = estimate(LOW)
    low, high = t.interval(0.95, 4, loc=found.mean, scale=math.sqrt(sum((v - found.mean) ** 2 for v in LOW) / 4 / 5))
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))
    assert estimate([0.5]).text("%") == "50 %"
    assert estimate(LOW).text("%") == "14.8 ± 4.9 %"
    assert math.isnan(estimate([]).mean)


def test_the_p_value_is_scipys_and_says_nothing_where_there_is_nothing():
    assert paired(LOW, NEAR) == pytest.approx(ttest_rel(LOW, NEAR).pvalue)
    for a, b in (([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), ([1], [2]), ([1, 2], [2, 3]), ([math.nan, 1], [1, 3]), ([], [])):
        assert math.isnan(paired(a, b))


def test_a_difference_that_seeds_cannot_tell_is_undecided():
    assert difference("smaller", "figure 1", LOW, HIGH).verdict == "yes"
    assert difference("smaller", "figure 1", HIGH, LOW).verdict == "NO"
    for a, b in ((LOW, NEAR), (NEAR, LOW), (LOW[1:], HIGH)):        # the last: a seed is missing
        assert difference("smaller", "figure 1", a, b).verdict == "inconclusive"
    assert difference("smaller", "figure 1", [1, 2], [2, 3]).verdict == "yes"      # the same in each seed: no test, no doubt
    assert difference("smaller", "figure 1", [], HIGH).verdict == "–"


def test_means_and_every_seed():
    assert claim("small", "table 1", LOW, lambda v: v < 0.16, "under 0.16").verdict == "yes"
    assert every("small", "table 1", LOW, lambda v: v < 0.16, "under 0.16").verdict == "NO"
    assert every("small", "table 1", LOW, lambda v: v < 0.16, "under 0.16").here == "0.148 ± 0.049; in 3 of 5 seeds"
    assert claim("small", "table 1", [], lambda v: v < 1, "under 1").verdict == "–"


def test_a_row_gives_the_reason_only_where_a_claim_does_not_come_out():
    yes, no = (claim("c", "s", [v], lambda v: v < 1, "under 1", reason="because", paper="0.5") for v in (0, 2))
    assert (yes.row()["reason"], no.row()["reason"]) == ("", "because")
    assert no.cells() == ["c", "0.5 (s)", "2", "under 1", "NO"]
    assert summary([yes, no, difference("d", "s", LOW, NEAR)]) == "1 of 3 claims came out; 1 did not; 1 inconclusive."


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (12345.678, "12346"), (math.inf, "inf"), (-0.000123456, "-0.000123")])
def test_numbers_have_three_digits(value, text):
    assert number(value) == text
