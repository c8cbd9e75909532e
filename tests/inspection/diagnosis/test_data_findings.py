"""Findings on data: each is exact, has its numbers, and is absent where there is nothing to find."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.inspection.diagnosis.data import data_findings

R = np.random.default_rng(6)
X, Y = R.standard_normal((200, 4)), R.integers(0, 3, 200)


CLASSES = "each class has a value of its own there."


def said(*source, **how):
    return [finding.what for finding in data_findings(data_set(*source, **how))]


@pytest.mark.parametrize("name", ["digits", "moons", "circles", "spirals", "xor", "blobs", "sine"])
def test_nothing_is_found_in_the_data_that_come_with_the_library(name):
    assert said(name) == []


@pytest.mark.parametrize(("column", "y", "how"), [
    (Y, Y, CLASSES), (np.array([7, -1, 0.5])[Y], Y, CLASSES), (Y, np.array(["a", "b", "c"])[Y], CLASSES),
    (X[:, 0] * -3 + 100, X[:, 0], "y is a linear function of it.")])
def test_a_column_that_gives_y_away(column, y, how):
    x = np.column_stack([R.standard_normal((200, 2)), column])
    assert said((x, y)) == [f"column 2 gives y away: {how}"]
    both = np.column_stack([x, column])
    assert said((both, y)) == [f"2 of 4 columns (2, 3) give y away: {how.replace('of it.', 'of each.')}"]
    x[0, 2] += 1.5                                                  # in one example it is something else
    assert said((x, y)) == []


def test_equal_examples_in_both_parts():
    x = np.concatenate([X, X[:3]])
    y = np.concatenate([Y, Y[:3]])
    assert said((x, y)) == ["6 of the 203 examples occur more than once, and may be in both the training and the test part: "
                            "the test error is too small."]
    assert said((X, Y), test=(x[190:], y[190:])) == ["13 of the 13 test examples are training examples too: the test error is "
                                                     "too small."]
    assert said((x[:201], y[:201])) == []                           # one pair of 201 is no matter


def test_uneven_and_rare_classes():
    assert said((X, [0] * 180 + [1] * 20)) == ["90 % of the examples are of class 0: a network that always answers it errs on "
                                               "10 %."]
    assert said((X, ["a"] * 98 + ["b"] * 98 + ["c"] * 4)) == [
        "1 of 3 classes has fewer than 5 examples (c): a part may have none of them."]
    assert said((X, [0] * 150 + [1] * 50)) == []


def test_classes_that_only_the_test_part_has():
    test = X[:40], np.repeat([1, 3, 5], [20, 15, 5])
    assert said((X[40:], Y[40:]), test=(test[0] + 9, test[1])) == [
        "2 of 5 classes (3, 5) of the test part have no training example: a network cannot learn to answer it."]


def test_constant_columns_of_tables_by_name():
    frames = pytest.importorskip("pandas")
    frame = frames.DataFrame(X, columns=list("abcd")).assign(e=3, f=0.5, y=Y)
    assert said(frame) == ["2 of 6 columns (e, f) are constant, and of no use."]
    assert said(frame.drop(columns="f")) == ["column e is constant, and of no use."]


def test_the_scale_of_inputs_is_named_first_with_its_numbers():
    """The issue's case: the digits times 1000, plus 5000."""
    x, y = rp.datasets.digits()
    net = rp.Sequential(rp.Linear(64, 10, rng=0))
    first, *_ = rp.diagnose(net, x[:300] * 1000 + 5000, y[:300])
    assert first.what == (
        "the inputs have a root mean square of 5319, but initializers assume about 1, so that the first layer saturates or "
        "explodes: the columns have means from 5000 to 5751 and standard deviations from 0 to 420.")
    assert not rp.diagnose(net, rp.datasets.standardize(x * 1000 + 5000)[0][:300], y[:300])


def test_a_finding_of_what_the_lecture_does_not_treat_names_no_slide():
    [finding] = data_findings(data_set((X, [0] * 180 + [1] * 20)))
    assert str(finding).splitlines()[-1].endswith("Remedy: compare errors with this one.")
