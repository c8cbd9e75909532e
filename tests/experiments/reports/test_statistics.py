"""Intervals and tests over runs: Student's for independent runs, corrected where runs divide the same examples anew."""

import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control, spearmanr, t, ttest_1samp

from retroprop.experiments.reports.statistics import benjamini_hochberg, estimate, holm, paired, rank_correlation

VALUES = [0.031, 0.024, 0.040, 0.028, 0.033]


@pytest.mark.parametrize("count", [2, 5, 30])
def test_independent_runs_have_students_interval(count):
    values = np.random.default_rng(0).normal(size=count)
    found = estimate(values)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx(
        t.interval(0.95, count - 1, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(count)))
    assert paired(values, np.zeros(count)) == pytest.approx(ttest_1samp(values, 0).pvalue)


def test_shared_examples_widen_the_interval_by_nadeau_and_bengio():
    """Their variance of the mean: (1/n + test/train) s²; at 500 of 1797 examples, five splits are worth less than two seeds."""
    plain, resampled = estimate(VALUES), estimate(VALUES, 500 / 1297)
    assert resampled.mean == plain.mean
    assert resampled.half / plain.half == pytest.approx(math.sqrt((1 / 5 + 500 / 1297) / (1 / 5)))


def test_p_is_below_5_percent_where_the_interval_leaves_0_out():
    for share in (0.0, 0.25):
        for shift in np.linspace(0, 0.06, 25):
            gaps = np.array(VALUES) - shift
            found = estimate(gaps, share)
            assert (paired(VALUES, np.full(5, shift), share) < 0.05) == (abs(found.mean) > found.half)


def test_only_the_corrected_interval_covers_new_data():
    """The mean of the test parts of random splits against the true mean: without the correction a fifth of them miss it."""
    rng, covered = np.random.default_rng(1), np.zeros(2)
    for _ in range(400):
        x = rng.normal(size=40)
        errors = [x[rng.permutation(40)[:10]].mean() for _ in range(10)]
        covered += [abs(found.mean) <= found.half for found in (estimate(errors), estimate(errors, 10 / 30))]
    plain, corrected = covered / 400
    assert plain < 0.8
    assert corrected > 0.93


def test_one_run_has_no_interval_and_none_no_mean():
    assert math.isnan(estimate([0.5]).half)
    assert math.isnan(estimate([]).mean)


@pytest.mark.parametrize(("ps", "expected"), [
    ([0.01, 0.02, 0.03], [0.03, 0.04, 0.04]),                       # 3·0.01, 2·0.02, then never less than before
    ([0.5, math.nan, 0.01], [0.5, math.nan, 0.02]),
    ([0.9, 0.8], [1.0, 1.0]),
])
def test_holm_by_hand(ps, expected):
    np.testing.assert_allclose(holm(ps), expected)


def test_benjamini_and_hochberg_is_scipys_and_nan_is_no_test():
    ps = np.random.default_rng(0).uniform(size=30) ** 3
    np.testing.assert_allclose(benjamini_hochberg(ps), false_discovery_control(ps), rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg([0.5, math.nan, 0.01]), [0.5, math.nan, 0.02])
    assert benjamini_hochberg([]) == []


def test_rank_correlation_is_scipys():
    a, b = [20.0, 40, 60, 60, 60, 50], [3.6, 6.8, 15.8, math.inf, 25, 12]
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert math.isnan(rank_correlation(a, [1.0] * 6))
