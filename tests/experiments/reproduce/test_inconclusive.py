"""What is inconclusive although there are numbers: no difference, a verdict that a seed decides, infinite numbers."""

import math

from retroprop.experiments.reports.statistics import estimate
from retroprop.experiments.reproduce.bounds import below
from retroprop.experiments.reproduce.claims import claim, difference
from retroprop.experiments.reproduce.series import Series, best

LOW, HIGH = [0.1, 0.2, 0.15, 0.12, 0.17], [0.3, 0.35, 0.4, 0.28, 0.41]


def series(*values):
    return Series.of(enumerate(values))


def judged(low, high):
    return difference("id", "smaller", "paper", "figure 1", series(*low), series(*high))


def test_two_sides_that_never_learned_are_inconclusive():
    """All differences are 0, or not numbers."""
    for a, b in (([0.9] * 5, [0.9] * 5), (LOW, LOW), ([math.inf] * 5, [math.inf] * 5), (LOW, [math.inf, math.inf, *HIGH[2:]])):
        found = judged(a, b)
        assert (found.verdict, found.agreeing) == ("inconclusive", "5 of 5")
    assert judged(HIGH, [one - 0.25 for one in HIGH]).cells()[1] == "NO (5 of 5)"


def test_a_verdict_that_fewer_than_half_of_the_repeats_share_is_inconclusive():
    """p is 0.03 with five seeds, and above 0.05 without any of four of them."""
    found = judged([0.0] * 5, [0.1, 0.3, 0.07, 0.05, 0.25])
    assert found.p < 0.05
    assert (found.verdict, found.agreeing) == ("inconclusive", "4 of 5")
    near_limit = claim("id", "c", "paper", "s", series(*LOW), below(0.2))
    assert near_limit.holds is None
    assert below(0.2).judge(estimate(LOW)) is True


def test_a_number_that_is_infinite_in_some_seeds_alone_has_no_mean_to_judge():
    assert claim("id", "c", "paper", "s", series(1, 1.1, math.inf, 0.9, 1), below(2)).verdict == "inconclusive"
    assert claim("id", "c", "paper", "s", series(*[math.inf] * 5), below(2)).verdict == "NO"
    assert best({0.1: series(1.0, math.inf), 0.2: series(5.0, 6.0)}) == 0.2     # a rate that diverged is not chosen
