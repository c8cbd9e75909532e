"""What a table and a report may say: on results that are made up, so that each case is there."""

import math

import pytest

import retroprop as rp
from retroprop.experiments.compare.job import Config
from retroprop.experiments.compare.report import findings
from retroprop.experiments.compare.results import Result, Trained

X, Y = rp.datasets.digits()


def looks(activation):
    net = rp.Sequential(rp.Linear(64, 20, rng=0), activation(), rp.Linear(20, 20, rng=1), activation(),
                        rp.Linear(20, 10, rng=2))
    return rp.layer_statistics(net, X[:50], rp.CrossEntropy(), Y[:50], arrays=False)


def result(*, activation=rp.Tanh, chance=0.9, start=0.0, **errors):
    """Runs by start: for each seed its test error after the only epoch, or None for a run that diverged."""
    runs = [Trained(init, seed, [] if error is None else [0.5], [] if error is None else [error], [[start], [0.0]],
                    looks(activation), [], "fit: the cost is nan" if error is None else None)
            for init, group in errors.items() for seed, error in enumerate(group)]
    config = vars(Config()) | {"init": tuple(errors), "seeds": len(next(iter(errors.values())))}
    return Result(config, runs, 1297, 500, 64, 10, chance)


def verdicts(found):
    return [row[-1] for row in found.table()[1:]]


def test_a_reference_that_diverged_once_leaves_the_other_pairs():
    found = result(Glorot=[None, 0.02, 0.02], He=[0.03, 0.03, 0.05])
    assert found.summary()[1]["pairs"] == 2
    assert verdicts(found) == ["–", "+2.0 points in 2 pairs, p = 0.2952"]
    assert found.table()[1][2] == "2.0 ± 0.0 % (1 of 3 diverged)"


def test_without_a_pair_there_is_no_comparison():
    assert verdicts(result(Glorot=[None, None], He=[0.03, 0.02])) == ["–", "no seed in which both ended"]
    assert verdicts(result(Glorot=[0.02, 0.03], He=[None, None])) == ["–", "diverged"]
    assert verdicts(result(Glorot=[None, None], He=[None, None])) == ["–", "diverged"]


def test_differences_without_spread_are_no_proof():
    """0.022 - 0.020 and 0.024 - 0.022 differ in their last bits: one test example more is wrong in each seed."""
    found = result(Glorot=[0.020, 0.022], He=[0.022, 0.024])
    assert math.isnan(found.summary()[1]["p"])
    assert verdicts(found) == ["–", "+0.2 points (the same in each seed: no test)"]
    assert verdicts(result(Glorot=[0.02], He=[0.03])) == ["–", "+1.0 points (one seed: no test)"]
    assert verdicts(result(Glorot=[0.02, 0.03], He=[0.02, 0.03])) == ["–", "equal"]


def test_never_is_said_only_of_never():
    found = result(Glorot=[0.02] * 5, He=[0.08, 0.09, 0.2, 0.3, 0.2], LeCun=[0.2] * 5)
    assert [row[3] for row in found.table()[1:]] == ["1", "2 of 5 seeds", "never"]
    said = findings(found)
    assert said[1] == "He: 17.4 % of the test examples are wrong at the end; 2 of 5 seeds got down to 10 %."
    assert said[2] == "LeCun: 20.0 % of the test examples are wrong at the end, and it never gets down to 10 %."


def test_the_same_number_of_epochs_is_not_slower():
    assert findings(result(Glorot=[0.02], He=[0.03]))[1].endswith("it is down to 10 % after 1 epoch.")


@pytest.mark.parametrize(("chance", "error", "learns"), [(0.9, 0.91, False), (0.9, 0.5, True), (0.5, 0.4, True),
                                                         (0.5, 0.49, False)])
def test_what_is_no_better_than_a_constant_answer_learns_nothing(chance, error, learns):
    said = findings(result(Glorot=[0.02], He=[error], chance=chance))[1]
    assert ("it learns nothing" in said) != learns


def test_rectifiers_are_dead_and_not_saturated():
    found = result(activation=rp.ReLU, Glorot=[0.02], start=0.4)
    assert found.table()[0][5] == "dead"
    assert "40 % of the hidden units are dead before the first step" in findings(found)[0]
    assert "40 % of the hidden outputs are saturated" in findings(result(Glorot=[0.02], start=0.4))[0]


def test_a_start_that_always_diverges_is_said_to():
    assert findings(result(Glorot=[None, None]))[0].startswith("Glorot: the cost is no longer finite after some steps")
