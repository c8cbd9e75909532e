"""Claims, series and bounds: what holds, what does not, and what nobody can tell."""

import math

import pytest
from scipy.stats import false_discovery_control, t, ttest_rel

import retroprop as rp
from retroprop.experiments.reports.statistics import estimate, number
from retroprop.experiments.reports.statistics import paired as p_value
from retroprop.experiments.reproduce.bounds import (
    above,
    at_least,
    at_most,
    below,
    between,
    exactly,
    near,
    within_factor,
)
from retroprop.experiments.reproduce.claims import (
    HEADER,
    claim,
    computed,
    corrected,
    counted,
    difference,
    every,
    not_run,
    summary,
)
from retroprop.experiments.reproduce.paper import Results, Scale, trials
from retroprop.experiments.reproduce.series import (
    Series,
    best,
    best_by_seed,
    combined,
    largest,
    paired,
    rows,
    smallest,
)
from retroprop.experiments.sweeps.trials import Done, Failed

LOW, HIGH, NEAR = [0.1, 0.2, 0.15, 0.12, 0.17], [0.3, 0.35, 0.4, 0.28, 0.41], [0.12, 0.17, 0.16, 0.11, 0.18]


def series(*values):
    return Series.of(enumerate(values))


def judged(low, high, **options):
    return difference("id", "smaller", "paper", "figure 1", series(*low), series(*high), **options)


def test_the_interval_is_students():
    found = estimate(LOW)
    low, high = t.interval(0.95, 4, loc=found.mean, scale=math.sqrt(sum((v - found.mean) ** 2 for v in LOW) / 4 / 5))
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))
    assert estimate([0.5]).text("%") == "50 %"
    assert estimate(LOW).text("%") == "14.8 ± 4.9 %"
    assert math.isnan(estimate([]).mean)


def test_the_p_value_is_scipys_and_says_nothing_where_there_is_nothing():
    assert p_value(LOW, NEAR) == pytest.approx(ttest_rel(LOW, NEAR).pvalue)
    for a, b in (([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), ([1], [2]), ([1, 2], [2, 3]), ([math.nan, 1], [1, 3]), ([], [])):
        assert math.isnan(p_value(a, b))


def test_a_difference_that_seeds_cannot_tell_is_inconclusive():
    assert judged(LOW, HIGH).verdict == "yes"
    assert judged(HIGH, LOW).verdict == "NO"
    for a, b in ((LOW, NEAR), (NEAR, LOW), ([0.1], [0.3])):
        assert judged(a, b).verdict == "inconclusive"
    assert judged([1, 2], [2, 3]).verdict == "yes"                  # the same in each seed: no test, no doubt
    assert judged([], HIGH).verdict == "–"


def test_a_difference_compares_the_seeds_that_both_have():
    low, high = Series.by_seed({0: 5.0, 1: 1.0, 2: 2.0}), Series.by_seed({1: 2.0, 2: 3.5, 7: 0.0})
    found = difference("id", "smaller", "paper", "figure 1", low, high)
    assert found.values == (-1.0, -1.5)
    assert found.measured.startswith("difference -1.25 ± 3.2: 1.5 ± ")
    assert found.found.endswith("; p = 0.1257")
    assert judged(LOW, HIGH, unit="%").found == "difference -20 ± 5.6 points: 14.8 ± 4.9 % against 34.8 ± 7.2 %; p = 0.0006"
    assert judged([1, 2], [2, 3]).found.startswith("difference -1 ± 0: 1.5 ± ")


def test_means_and_every_seed():
    low, bound = series(*LOW), below(0.16)
    assert claim("id", "small", "paper", "table 1", low, below(0.3)).verdict == "yes"
    assert every("id", "small", "paper", "table 1", low, bound).verdict == "NO"
    assert every("id", "small", "paper", "table 1", low, bound).measured == "0.148 ± 0.049; in 3 of 5 seeds"
    assert every("id", "small", "paper", "table 1", low, bound).criterion == "below 0.16 in each seed"
    assert claim("id", "small", "paper", "table 1", series(), below(1)).verdict == "–"
    assert claim("id", "small", "paper", "table 1", series(math.nan, 0), below(1)).holds is None


@pytest.mark.parametrize(("values", "verdict"), [((2.0, 2.2, 2.1, 2.1), "yes"), ((0.2, 0.3, 0.25), "NO"),
                                                 ((0.5, 3.0, 2.5), "inconclusive"), ((1.5, 1.5), "NO"),
                                                 ((2.0,), "yes"), ((1.0,), "NO")])
def test_a_mean_whose_interval_crosses_a_limit_is_inconclusive(values, verdict):
    """One number has no interval."""
    assert claim("id", "grows", "paper", "table 1", series(*values), above(1.5)).verdict == verdict


def test_an_interval_may_cross_either_limit_or_hold_both():
    bound = between(1.0, 2.0)
    for values, holds in (((1.4, 1.5, 1.6), True), ((0.9, 1.0, 1.2), None), ((1.9, 2.0, 2.2), None), ((0.0, 1.5, 3.0), None),
                          ((0.1, 0.2, 0.3), False), ((3.1, 3.2, 3.3), False)):
        assert bound.judge(estimate(values)) is holds


def test_each_claim_says_how_many_repeats_without_a_seed_agree():
    steady, one_decides = series(0.1, 0.11, 0.12, 0.1, 0.11), series(0.1, 0.1, 0.1, 0.1, 0.5)
    assert claim("id", "c", "paper", "s", steady, below(0.3)).cells()[1] == "yes (5 of 5)"
    assert claim("id", "c", "paper", "s", one_decides, below(0.3)).cells()[1] == "inconclusive (4 of 5)"
    assert every("id", "c", "paper", "s", one_decides, below(0.3)).cells()[1] == "NO (4 of 5)"
    assert computed("id", "c", "paper", "s", lambda one: max(one), [one_decides], below(0.3)).cells()[1] == "NO (4 of 5)"
    assert judged(LOW, HIGH).row()["repeats"] == "5 of 5"
    assert claim("id", "c", "paper", "s", series(0.1, 0.2), below(0.3)).agreeing == ""      # one seed shows nothing


def test_tests_are_corrected_together_by_benjamini_and_hochberg():
    """One test with p = 0.02 counts; among 20 others that show nothing it does not."""
    lucky = judged([0.0] * 5, [0.11, 0.25, 0.1, 0.06, 0.24])
    assert (0.01 < lucky.p < 0.05, lucky.verdict, corrected([lucky])[0].verdict) == (True, "yes", "yes")
    others = [judged(LOW, NEAR) for _ in range(20)]
    found, *rest = corrected([lucky, *others, claim("id", "c", "paper", "s", series(*LOW), below(1))])
    assert (found.verdict, found.holds) == ("inconclusive", None)
    assert found.q == pytest.approx(false_discovery_control([lucky.p, *(one.p for one in others)])[0])
    assert found.found.endswith(f"; p = {found.p:.4f}, corrected = {found.q:.4f}")
    assert rest[-1].verdict == "yes"                                # a threshold is no test
    assert {one.holds for one in found.repeats} == {None}           # held to the same level


def test_runs_that_diverged_and_shared_test_parts_are_named():
    lost = Series({(0, 0): 0.9, (1, 0): 0.1, (2, 0): 0.1}, diverged=frozenset({(0, 0)}))
    assert claim("id", "c", "paper", "s", lost, below(1)).measured.endswith("; 1 of 3 runs diverged")
    shared = Series({(0, 0): 0.9, (1, 0): 0.1}, one_test=True)
    assert judged(LOW, HIGH).measured.count("one test part") == 0
    assert difference("id", "c", "paper", "s", shared, lost).measured.endswith(
        "; 1 of 4 runs diverged; one test part for all seeds")


def test_seeds_that_divide_the_same_examples_anew_have_wider_intervals():
    """The variance of the mean is (1/5 + 500/1297) s², not s²/5."""
    plain = Series.of(enumerate(LOW))
    shared = Series(plain.numbers, resampled=500 / 1297)
    assert (shared - 1).estimate.half / (plain - 1).estimate.half == pytest.approx(math.sqrt(1 + 5 * 500 / 1297))
    high = Series(Series.of(enumerate(HIGH)).numbers, resampled=500 / 1297)
    assert difference("id", "c", "paper", "s", shared, high).p > judged(LOW, HIGH).p


def test_a_row_gives_the_reason_only_where_a_claim_fails():
    yes, no = (claim("id", "c", "project", "s", series(v), below(1), reason="because", paper="0.5") for v in (0, 2))
    assert (yes.row()["reason"], no.row()["reason"]) == ("", "because")
    assert no.cells() == ["c", "NO", "2", "below 1", "0.5", "this project: s"]
    assert len(no.cells()) == len(HEADER)
    assert list(no.row()) == ["id", "claim", "origin", "source", "in_the_paper", "measured", "criterion", "reproduced",
                              "repeats", "p", "corrected_p", "reason", "values"]
    found = [yes, no, judged(LOW, NEAR), judged([], [])]
    assert summary(found) == ("Claims of the paper: 0 of 1 are reproduced, 1 is inconclusive. Claims of this project: 1 of 2 "
                              "is reproduced, 1 is not. 1 claim is not judged.")


def test_claims_are_counted_apart_by_whose_they_are():
    made = [claim("id", "c", origin, "s", series(value), below(1))
            for origin, values in (("exact", (0,)), ("paper", (0, 0, 2)), ("independent", (2,)), ("project", (0, 2)))
            for value in values]
    assert counted(made) == {"exact": {"yes": 1, "NO": 0, "inconclusive": 0, "–": 0},
                             "paper": {"yes": 2, "NO": 1, "inconclusive": 0, "–": 0},
                             "independent": {"yes": 0, "NO": 1, "inconclusive": 0, "–": 0},
                             "project": {"yes": 1, "NO": 1, "inconclusive": 0, "–": 0}}
    assert summary(made, "the papers") == (
        "Claims of mathematics: 1 of 1 is reproduced. Claims of the papers: 2 of 3 are reproduced, 1 is not. Claims of an "
        "independent implementation: 0 of 1 are reproduced, 1 is not. Claims of this project: 1 of 2 is reproduced, 1 is not.")
    assert [one.whose for one in made] == ["mathematics: s", *["the paper: s"] * 3, "an independent implementation: s",
                                           *["this project: s"] * 2]
    with pytest.raises(rp.ArgumentError, match="origin must be one of 'exact', 'paper', 'independent', 'project', got 'ours'"):
        claim("id", "c", "ours", "s", series(1), below(1))


def test_a_claim_that_nothing_repeats_is_the_papers():
    one = not_run("id", "c", "table 2", "0.95 %", "too large")
    assert (one.verdict, one.measured, one.whose) == ("–", "not run: too large", "the paper: table 2")


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (12345.678, "12346"), (math.inf, "inf"), (-0.000123456, "-0.000123")])
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


STEP = 1e-9                                                         # just beside a limit


@pytest.mark.parametrize(("bound", "text", "met", "unmet"), [
    (at_most(1.2, "times"), "at most 1.2 times", [1.2, 1.2 - STEP, -math.inf], [1.2 + STEP, math.inf]),
    (at_least(0.9), "at least 0.9", [0.9, 0.9 + STEP, math.inf], [0.9 - STEP]),
    (below(0.12, "%"), "below 12 %", [0.12 - STEP, -1], [0.12, 0.12 + STEP]),
    (above(0.85, "%"), "above 85 %", [0.85 + STEP], [0.85, 0.85 - STEP]),
    (between(0.7, 1.3), "0.7 to 1.3", [0.7, 1, 1.3], [0.7 - STEP, 1.3 + STEP]),
    (between(0.2, 0.4, "%"), "20 to 40 %", [0.2, 0.4], [0.2 - STEP, 0.4 + STEP]),
    (between(-1.4, -0.5), "-1.4 to -0.5", [-1.4, -0.5], [-1.4 - STEP, -0.5 + STEP]),
    (near(0.5, 0.25), "at most 0.25 from 0.5", [0.25, 0.5, 0.75], [0.25 - STEP, 0.75 + STEP]),
    (near(0, 0.02, "points"), "at most 2 points from 0 points", [-0.02, 0, 0.02], [-0.02 - STEP, 0.02 + STEP]),
    (within_factor(4, 0.5), "0.5 within a factor of 4", [0.125, 2], [0.125 - STEP, 2 + STEP, -0.5]),
    (exactly(0), "exactly 0", [0, -0.0], [STEP, -STEP]),
    (exactly(1), "exactly 1", [1], [1 - STEP, 1 + STEP]),
], ids=lambda value: getattr(value, "text", None))
def test_the_text_and_the_predicate_of_a_bound_agree(bound, text, met, unmet):
    """At the limits and just beside them; NaN meets nothing."""
    assert bound.text == text
    assert all(bound.holds(value) for value in met)
    assert not any(bound.holds(value) for value in [*unmet, math.nan])


def test_words_around_a_bound_leave_its_predicate():
    bound = at_most(0.02, "%").of("test error").noting("; a note")
    assert bound.text == "test error at most 2 %; a note"
    assert (bound.holds(0.02), bound.holds(0.021)) == (True, False)


def test_arithmetic_pairs_the_runs_of_a_seed():
    a, b = Series.by_seed({1: 6.0, 2: 8.0, 3: 1.0}), Series.by_seed({2: 2.0, 1: 3.0, 9: 5.0})
    assert (a - b).numbers == {(1, 0): 3.0, (2, 0): 6.0}
    assert (a + b).values == (9.0, 10.0)
    assert (a * b).values == (18.0, 16.0)
    assert (a / b).values == (2.0, 4.0)
    assert (1 - b).values == (-2.0, -1.0, -4.0)
    assert (6 / b).values == (2.0, 3.0, 1.2)
    assert (a - 1).values == (5.0, 7.0, 0.0)
    assert abs(1 - a).values == (5.0, 7.0, 0.0)
    assert [one.values for one in paired(a, b)] == [(6.0, 8.0), (3.0, 2.0)]
    assert rows(a, b) == [(6.0, 3.0), (8.0, 2.0)]
    assert rows() == []


def test_runs_of_one_seed_are_paired_in_their_order():
    a, b = Series.of([(0, 1.0), (1, 2.0), (0, 3.0)]), Series.of([(0, 10.0), (0, 30.0), (1, 20.0)])
    assert a.numbers == {(0, 0): 1.0, (0, 1): 3.0, (1, 0): 2.0}
    assert (b / a).values == (10.0, 10.0, 10.0)
    assert a.worst().numbers == {(0, 0): 3.0, (1, 0): 2.0}


def test_what_a_series_says_of_its_numbers():
    found = series(1.0, 2.0, 6.0)
    assert (found.mean, found.median, len(found), list(found)) == (3.0, 2.0, 3, [1.0, 2.0, 6.0])
    assert math.isnan(series().mean)
    assert math.isnan(series().median)
    assert Series.single(2).values == (2.0,)
    assert len(Series.single(None)) == len(Series.single(math.nan)) == 0


def test_largest_smallest_and_functions_of_several():
    a, b = series(1.0, 5.0), series(2.0, 3.0, 9.0)
    assert largest(a, b).values == (2.0, 5.0)
    assert smallest(a, b).values == (1.0, 3.0)
    assert combined(lambda x, y, z: x + y * z, a, b, 10).values == (21.0, 35.0)


def test_the_best_choice_has_the_smallest_mean():
    assert best({0.1: series(3.0, 1.0), 0.2: series(1.0, 2.0), 0.3: series(2.0, 1.0)}) == 0.2
    assert best({0.1: series(), 0.2: series(math.nan), 0.3: series(4.0)}) == 0.3
    assert best({0.1: series()}) is None
    assert best({}) is None


def test_the_best_choice_of_each_seed():
    found = best_by_seed({0.1: series(3.0, 1.0, 2.0), 0.2: series(1.0, 2.0, 2.0, 0.0)})
    assert found.values == (0.2, 0.1, 0.1)                          # of equal ones the first; a seed must have all choices
    assert best_by_seed({}).values == ()


def task(*, x, seed, y=2):
    return {"twice": 2 * x, "y": y}


def test_results_give_series_of_runs_with_these_settings_or_defaults():
    scale = Scale("quick", seeds=2)
    plan = trials(scale, task, {"x": 1}, {"x": 3, "y": 5}, {"x": 1})
    assert len(plan) == 4                                           # settings that come twice are run once
    done = [Done(trial, task(**trial.settings), 0.0) for trial in plan[:3]] + [Failed(plan[3], "error", "")]
    results = Results(scale, done[::-1])
    assert results.series("twice", task, x=1).numbers == {(0, 0): 2.0, (1, 0): 2.0}
    assert results.series(lambda r: r["twice"] + 1, task, x=3).numbers == {(0, 0): 7.0}
    assert results.series("y", task, y=2).values == (2.0, 2.0)      # a default is a setting
    assert len(results.series("twice", task, x=4)) == 0


def test_a_run_without_a_number_does_not_count_for_the_median():
    nan = float("nan")
    assert Series.by_seed({0: 1.0, 1: nan, 2: 3.0}).median == 2
    assert str(Series.by_seed({0: nan}).median) == str(Series({}).median) == "nan"


def test_a_number_may_stand_on_either_side():
    series = Series.by_seed({0: 2.0, 1: 4.0})
    assert [list(one) for one in (1 + series, 2 * series, 8 / series, 1 - series)] == [[3, 5], [4, 8], [4, 2], [-1, -3]]
