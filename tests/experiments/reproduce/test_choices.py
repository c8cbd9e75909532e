"""Choices by all seeds, such as that of a learning rate: a repeat without a seed makes them again without it."""

from retroprop.experiments.reproduce.claims import difference
from retroprop.experiments.reproduce.series import Series, at_best, at_others_best, chosen


def series(*values):
    return Series.of(enumerate(values))


# without seed 4 the rate 0.1 is the better one
VALIDATION = {0.1: series(1, 1, 1, 1, 20), 0.2: series(2, 2, 2, 2, 2)}
ENDS = {0.1: series(10, 11, 12, 13, 14), 0.2: series(20, 21, 22, 23, 24)}


def test_without_a_seed_the_others_choose():
    found = at_best(VALIDATION, ENDS)
    assert found.values == (20, 21, 22, 23, 24)
    assert found.without(4).values == (10, 11, 12, 13)
    assert found.without(0).values == (21, 22, 23, 24)
    assert found.without(4).without(3).values == (10, 11, 12)
    assert at_best({}, {}).values == at_best({0.1: series()}, ENDS).values == ()


def test_numbers_made_of_a_choice_are_made_again():
    """By arithmetic, by functions of several series, for some runs alone, and in pairs."""
    found = at_best(VALIDATION, ENDS)
    for made in (found - 1, 2 * found - found - 1, (found - 1).only([(1, 0), (2, 0)])):
        assert made.without(4).numbers[1, 0] == 10
    assert abs(found - 30).without(4).values == (20, 19, 18, 17)
    assert found.worst().without(4).values == (10, 11, 12, 13)
    assert (found - 1).only([(1, 0), (2, 0)]).without(4).values == (10, 11)
    assert (series(1, 2) - 1).anew is None


def test_the_repeats_of_a_claim_choose_again():
    """At 0.2 it is lower by far; but without seed 4 the choice is 0.1, where it is higher by far."""
    ends = {0.1: series(10, 11, 12, 13, 14), 0.2: series(0, 1, 2, 3, 4)}
    found = difference("id", "c", "paper", "s", at_best(VALIDATION, ends), series(6.1, 7, 8, 9, 10))
    assert (found.holds, [one.holds for one in found.repeats]) == (True, [True] * 4 + [False])


def test_a_seed_left_out_does_not_choose_for_the_others():
    """Seed 2 makes the others take the rate 0.2."""
    choices = {0.1: series(1, 2, 30), 0.2: series(4, 5, 6)}
    assert at_others_best(choices).values == (4, 5, 30)
    assert at_others_best(choices).without(2).values == (1, 2)
    assert at_others_best({}).values == ()


def test_runs_that_diverged_stay_known_at_the_rate_that_the_others_choose():
    lost = Series({(0, 0): 0.9, (1, 0): 0.1, (2, 0): 0.1}, diverged=frozenset({(0, 0)}))
    assert at_others_best({0.1: lost, 0.2: series(1, 1, 1)}).diverged == {(0, 0)}
    assert at_others_best({0.1: lost, 0.2: series(0, 0, 0)}).diverged == frozenset()
    assert chosen(lambda one: one, lost).without(1).diverged == {(0, 0)}
