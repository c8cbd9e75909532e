"""Splits and folds: each example once, no group in two parts, equal shares of each class, the same for the same seed."""

import re
from difflib import SequenceMatcher

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets import digits, folds, split
from retroprop.errors import ArgumentError, DataError, ShapeError

R = np.random.default_rng(5)
N = 203
CLASSES = R.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1])
GROUPS = R.integers(0, 23, N)
NUMBERS = np.arange(N)


def parts(test=0.25, rng=0, **how):
    """The indices of both parts."""
    (train, _), (held_out, _) = split(NUMBERS, CLASSES, test, rng, **how)
    return train, held_out


HOWS = [{}, {"stratify": True}, {"groups": GROUPS}, {"groups": GROUPS, "stratify": True}]


@pytest.mark.parametrize("how", HOWS, ids=["plain", "stratified", "grouped", "both"])
def test_each_example_is_in_one_part_and_the_same_seed_gives_the_same_parts(how):
    train, test = parts(**how)
    assert sorted([*train, *test]) == NUMBERS.tolist()
    assert [a.tolist() for a in parts(**how)] == [train.tolist(), test.tolist()]
    assert set(parts(rng=1, **how)[1]) != set(test)
    assert train.tolist() != sorted(train)                          # in random order
    for seed in range(3):
        found = folds(CLASSES, 4, rng=seed, **how)
        assert sorted(np.concatenate([one for _, one in found])) == NUMBERS.tolist()
        assert all(sorted([*others, *own]) == NUMBERS.tolist() for others, own in found)
    assert [a.tolist() for pair in folds(CLASSES, 4, rng=3, **how) for a in pair] != [
        a.tolist() for pair in folds(CLASSES, 4, rng=2, **how) for a in pair]


def test_without_the_new_arguments_the_parts_are_those_of_one_permutation():
    order = np.random.default_rng(7).permutation(N)
    train, test = parts(50, rng=7)
    assert (train.tolist(), test.tolist()) == (order[:-50].tolist(), order[-50:].tolist())


@pytest.mark.parametrize("stratify", [False, True])
def test_no_group_is_in_two_parts(stratify):
    for seed in range(20):
        train, test = parts(rng=seed, groups=GROUPS, stratify=stratify)
        assert not set(GROUPS[train]) & set(GROUPS[test])
        assert abs(len(test) - 0.25 * N) < np.bincount(GROUPS).max()
        for train, test in folds(CLASSES, 5, rng=seed, groups=GROUPS, stratify=stratify):
            assert not set(GROUPS[train]) & set(GROUPS[test])


def test_folds_of_groups_differ_by_no_more_than_the_largest_group():
    for seed in range(20):
        sizes = [len(test) for _, test in folds(N, 5, rng=seed, groups=GROUPS)]
        assert np.ptp(sizes) <= np.bincount(GROUPS).max()


@pytest.mark.parametrize("test", [0.25, 0.1, 37, 150])
def test_of_each_class_a_stratified_test_part_has_its_share_up_to_one_example(test):
    for seed in range(10):
        train, held_out = parts(test, rng=seed, stratify=True)
        assert len(held_out) == (test if isinstance(test, int) else round(test * N))
        for name in "abc":
            share = np.sum(name == CLASSES) * len(held_out) / N
            assert abs(np.sum(CLASSES[held_out] == name) - share) < 1
    assert CLASSES[train].tolist() != sorted(CLASSES[train])


@pytest.mark.parametrize("k", [2, 3, 7])
def test_folds_have_equal_sizes_and_stratified_ones_equal_classes_up_to_one_example(k):
    for how in ({}, {"stratify": True}):
        found = folds(CLASSES, k, rng=0, **how)
        assert np.ptp([len(test) for _, test in found]) <= 1
    for name in "abc":
        assert np.ptp([np.sum(CLASSES[test] == name) for _, test in found]) <= 1


def test_every_class_and_example_is_equally_often_in_a_stratified_test_part():
    """The choice within a class is random: over many seeds no example is preferred."""
    times = np.zeros(12)
    y = [0] * 8 + [1] * 4
    for seed in range(600):
        (_, _), (held_out, _) = split(np.arange(12), y, 3, seed, stratify=True)
        times[held_out] += 1
    assert np.abs(times / 600 - 3 / 12).max() < 4 * np.sqrt(3 / 16 / 600)


def test_stratified_groups_have_more_equal_classes_than_groups_alone():
    y = np.where(GROUPS < 8, "rare", "often")                       # whole groups of one class
    wanted = np.mean(y == "rare")

    def spread(stratify):
        return np.mean([abs(np.mean(y[test] == "rare") - wanted) for seed in range(20)
                        for _, test in folds(y, 4, rng=seed, groups=GROUPS, stratify=stratify)])

    assert spread(True) < 0.3 * spread(False)


@pytest.mark.parametrize("count", [14, 30, 100])
def test_each_seed_has_a_division_of_its_own_with_groups_in_equal_classes(count):
    """Evenness chooses among random divisions: it does not always find the same one."""
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, count, 20 * count), rng.integers(0, 2, 20 * count)
    held_out = [frozenset(split(groups, y, 0.2, seed, groups=groups, stratify=True)[1][0].tolist()) for seed in range(40)]
    assert len(set(held_out[:20])) > 15
    times = np.sum([[group in one for group in range(count)] for one in held_out], axis=0)
    assert times.max() < 30                                          # no group is in nearly all test parts
    assert np.mean(times == 0) < 0.2                                 # nor are many in none
    assert len({tuple(folds(y, 4, rng=seed, groups=groups, stratify=True)[0][1]) for seed in range(20)}) > 15


def test_stratified_test_parts_of_groups_are_more_even_than_those_of_groups_alone():
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, 30, 1000), rng.integers(0, 2, 1000)

    def spread(stratify):
        parts = [split(groups, y, 0.2, seed, groups=groups, stratify=stratify)[1][1] for seed in range(30)]
        return np.mean([abs(part.mean() - y.mean()) for part in parts])

    assert spread(True) < 0.5 * spread(False)


def test_groups_may_be_of_any_kind_and_as_many_as_the_parts():
    for groups in ([7, 7, -1], ["a", "a", "b"], np.array([1.5, 1.5, 2]), np.array([True, True, False])):
        (train, _), (test, _) = split(np.arange(3), np.arange(3), 1, 0, groups=groups)
        assert (sorted(train), test.tolist()) in (([0, 1], [2]), ([2], [0, 1]))
        assert sorted(sorted(one.tolist()) for _, one in folds(3, 2, rng=0, groups=groups)) == [[0, 1], [2]]


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: parts(groups=GROUPS[1:]), ShapeError, "groups must have one entry for each of the 203 examples, got 202"),
    (lambda: parts(groups=["a"] * N), DataError, "groups must hold at least two groups, got only 'a'"),
    (lambda: parts(groups=[None, *"ab"]), DataError,
     "groups must hold a label for each example, got 1 missing of 3, first at 0"),
    (lambda: split(NUMBERS, NUMBERS / 2, stratify=True), DataError,
     "y must hold the class of each example with stratify=True, got float64 of shape (203,)"),
    (lambda: split(NUMBERS, np.eye(N), stratify=True), DataError, "with stratify=True, got float64 of shape (203, 203)"),
    (lambda: split([1, 2, 3], ["u", "u", "v"], stratify=True), DataError,
     "y must hold at least two examples of each class with stratify=True, got one of 'v'"),
    (lambda: folds(9, 3, stratify=True), DataError,
     "y must hold the class of each example with stratify=True, got their number, 9"),
    (lambda: folds(9, 1), ArgumentError, "k must be an integer of at least 2, got 1"),
    (lambda: folds([1, 2, 3], 4), ArgumentError, "k must be at most 3, the number of examples, got 4"),
    (lambda: folds(3, 3, groups=[1, 1, 2]), ArgumentError, "k must be at most 2, the number of groups, got 3"),
    (lambda: folds(0, 3), ArgumentError, "y must be an integer of at least 1, got 0"),
])
def test_what_cannot_be_divided_is_refused(call, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call()


def test_the_digits_come_in_14_forms_each_of_one_order():
    x, y, forms = digits(groups=True)
    assert [np.array_equal(a, b) for a, b in zip((x, y), digits(), strict=True)] == [True, True]
    assert forms.dtype == np.int64
    assert (np.diff(forms) >= 0).all()
    assert np.bincount(forms).tolist() == [130, 126, 130, 130, 130, 130, 130, 123, 128, 130, 128, 130, 122, 130]
    orders = ["".join(map(str, y[forms == form])) for form in range(14)]
    assert all(SequenceMatcher(None, order, orders[0], autojunk=False).ratio() > 0.96 for order in orders)
    assert SequenceMatcher(None, orders[0], "".join(map(str, y[65:195])), autojunk=False).ratio() < 0.8


def test_unseen_forms_are_harder_than_unseen_images():
    """A network learns the hand of a writer: nearest neighbours, which need no training, err more on other forms."""
    x, y, forms = digits(groups=True)

    def error(groups):
        wrong = []
        for seed in range(3):
            (train, a), (test, b) = rp.datasets.split(x, y, 500, seed, groups=groups)
            nearest = (np.square(test).sum(1)[:, None] - 2 * test @ train.T + np.square(train).sum(1)).argmin(1)
            wrong.append(np.mean(a[nearest] != b))
        return np.mean(wrong)

    assert error(forms) > 1.5 * error(None)
