"""The table and the findings of a comparison, for made-up results that cover each case."""

import math

import pytest

import retroprop as rp
from retroprop.experiments.compare.comparison import Comparison
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.metric import Metric
from retroprop.experiments.compare.report import findings
from retroprop.experiments.compare.results import Sizes, TrainingRun

X, Y = rp.datasets.digits()


def statistics_of_layers(activation):
    net = rp.Sequential(rp.Linear(64, 20, rng=0), activation(), rp.Linear(20, 20, rng=1), activation(),
                        rp.Linear(20, 10, rng=2))
    return rp.layer_statistics(net, X[:50], rp.CrossEntropy(), Y[:50], arrays=False)


def result(*, activation=rp.Tanh, chance=0.9, saturated=0.0, **errors):
    """A comparison from the test errors by initialization and seed, after one epoch; None is a run that diverged."""
    runs = [TrainingRun(init, seed, [] if error is None else [0.5], [] if error is None else [error], [[saturated], [0.0]],
                    statistics_of_layers(activation), [], "fit: the cost is nan" if error is None else None)
            for init, group in errors.items() for seed, error in enumerate(group)]
    config = vars(Config()) | {"init": tuple(errors), "seeds": len(next(iter(errors.values())))}
    return Comparison(config, runs, Metric("classes", "%", chance), Sizes(1297, 0, 500), 64, 10)


def verdicts(found):
    return [row[1] for row in found.table()[1:]]


def test_a_reference_that_diverged_once_leaves_the_other_pairs():
    found = result(Glorot=[None, 0.02, 0.02], He=[0.03, 0.03, 0.05])
    assert found.summary()[1]["pairs"] == 2
    assert verdicts(found) == ["–", "+2.0 ± 12.7 points in 2 pairs, p = 0.2952"]
    assert found.table()[1][2] == "2.0 ± 0.0 % (1 of 3 diverged)"


def test_without_a_pair_there_is_no_comparison():
    assert verdicts(result(Glorot=[None, None], He=[0.03, 0.02])) == ["–", "no run in which neither diverged"]
    assert verdicts(result(Glorot=[0.02, 0.03], He=[None, None])) == ["–", "diverged"]
    assert verdicts(result(Glorot=[None, None], He=[None, None])) == ["–", "diverged"]


def test_differences_without_spread_are_no_proof():
    """0.022 - 0.020 and 0.024 - 0.022 differ in their last bits, but both are one test example."""
    found = result(Glorot=[0.020, 0.022], He=[0.022, 0.024])
    assert math.isnan(found.summary()[1]["p"])
    assert verdicts(found) == ["–", "+0.2 points (the same in each run: no test)"]
    assert verdicts(result(Glorot=[0.02], He=[0.03])) == ["–", "+1.0 points (one run: no test)"]
    assert verdicts(result(Glorot=[0.02, 0.03], He=[0.02, 0.03])) == ["–", "equal"]


def test_never_is_said_only_of_never():
    found = result(Glorot=[0.02] * 5, He=[0.08, 0.09, 0.2, 0.3, 0.2], LeCun=[0.2] * 5)
    assert [row[3] for row in found.table()[1:]] == ["1", "2 of 5 runs", "never"]
    said = findings(found)
    assert said[1] == "He: the test error ends at 17.4 ± 11.3 %; it reaches 10 % in 2 of 5 runs."
    assert said[2] == "LeCun: the test error ends at 20.0 ± 0.0 % and never reaches 10 %."


def test_the_same_number_of_epochs_is_not_slower():
    assert findings(result(Glorot=[0.02], He=[0.03]))[1].endswith("it reaches 10 % after 1 epoch.")


@pytest.mark.parametrize(("chance", "error", "learns"), [(0.9, 0.91, False), (0.9, 0.5, True), (0.5, 0.4, True),
                                                         (0.5, 0.49, False)])
def test_a_network_no_better_than_a_constant_prediction_learns_nothing(chance, error, learns):
    said = findings(result(Glorot=[0.02], He=[error], chance=chance))[1]
    assert ("learns nothing" in said) != learns


def test_rectifiers_are_dead_and_not_saturated():
    found = result(activation=rp.ReLU, Glorot=[0.02], saturated=0.4)
    assert found.table()[0][-1] == "dead"
    assert "40 % of the hidden units are dead before the first step" in findings(found)[0]
    assert "40 % of the hidden outputs are saturated" in findings(result(Glorot=[0.02], saturated=0.4))[0]


def test_an_initialization_that_always_diverges_is_reported():
    assert findings(result(Glorot=[None, None]))[0].startswith("Glorot: the cost becomes infinite or NaN in every run")
