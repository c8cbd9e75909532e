"""The table and the findings of a comparison, for made-up results that cover each case."""

import math
import shlex
from dataclasses import replace

import pytest

import retroprop as rp
from retroprop.__main__ import parser
from retroprop.experiments.compare.comparison import Comparison, fair, ratio_text
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.metric import Metric
from retroprop.experiments.compare.report import findings
from retroprop.experiments.compare.results import Sizes, TrainingRun

INITS = ("Glorot", "N(0, 1)", "U(-1, 1)", "N(0, 2²)", "N(0, 3²)", "N(0, 4²)")
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
    order = {row[0]: row[1] for row in found.table()[1:]}
    return [order[init] for init in found.inits]


def test_a_reference_that_diverged_once_leaves_the_other_pairs():
    found = result(Glorot=[None, 0.02, 0.02], He=[0.03, 0.03, 0.05])
    assert found.summary()[1]["pairs"] == 2
    assert found.summary()[1]["p"] == pytest.approx(0.2952, abs=1e-4)
    assert verdicts(found) == ["–", "+2.0 points in 2 pairs"]       # too few for an interval
    assert found.table()[1][2] == "2.0 % (1 of 3 diverged)"


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


@pytest.mark.parametrize(("settings", "command"), [
    ({}, "retroprop compare --lr auto"),
    ({"data": "iris.csv", "target": "species"}, "retroprop compare --data iris.csv --target species --lr auto"),
    ({"init": ("Glorot", "N(0, 1)"), "optimizer": "adam", "lr": 0.5, "standardize": False},
     "retroprop compare --init Glorot 'N(0, 1)' --optimizer adam --lr auto --no-standardize"),
    ({"data": "a long name " * 12, "init": INITS},
     f"retroprop compare --data '{'a long name ' * 12}' --init Glorot {' '.join(map(repr, INITS[1:]))} --lr auto"),
    ({"data": "arrays 0123456789ab", "epochs": 3}, "rp.compare((x, y), lr='auto', epochs=3)"),
])
def test_the_command_for_the_best_rates_is_one_line_without_defaults(settings, command):
    config = vars(Config(**settings))
    assert fair(config) == command
    printed = str(replace(result(**{init: [0.02] for init in config["init"]}), config=config))
    assert printed.splitlines()[-1] == "    " + command
    if command.startswith("retroprop"):
        assert parser("compare")[0].parse_args(shlex.split(command)[1:]).lr == "auto"


def test_the_terminal_says_what_was_learned_and_how_to_read_the_table():
    found = result(Glorot=[0.02, 0.03, 0.02], He=[0.3, 0.4, 0.2])
    lines = str(found).splitlines()
    assert lines[2] == "10 classes from 64 inputs; 1297 training, 500 test examples"
    legend = " ".join(str(found).split("\n\n")[3].split())
    assert legend == ("A network has learned when its test error is 10 % or less; epochs are those of the median run. p: "
                      "paired t test, after Holm's correction for several comparisons; the intervals are not corrected.")
    table = replace(found, config=found.config | {"target": "species"}, names=("a", "b", "c"), features=4,
                    metric=Metric("classes", "%", 0.062))
    assert str(table).splitlines()[2] == "3 classes of species from 4 columns; 1297 training, 500 test examples"
    assert "is 3.1 % or less (half of the error of always predicting the most frequent class);" in " ".join(str(table).split())
    values = replace(found, metric=Metric("values", "mg", 77.2), outputs=1)
    assert str(values).splitlines()[2].startswith("1 value from 64 inputs; ")
    assert "test RMSE is 54.6 mg or less (an R² of 0.5 or more);" in str(values)


def test_two_runs_are_too_few_for_intervals():
    printed = str(result(Glorot=[0.02, 0.06], He=[0.3, 0.4]))
    assert "±" not in printed
    assert "interval " not in printed
    assert "p = " not in printed
    assert "2 runs of each are too few for intervals and tests; --seeds 5 gives them." in " ".join(printed.split())
    assert "±" in str(result(Glorot=[0.02, 0.06, 0.02], He=[0.3, 0.4, 0.3]))


def test_gradients_that_no_number_describes_are_a_dash():
    found = result(Glorot=[0.02])
    assert ratio_text(found, {"gradient_ratio": math.nan}) == "–"
    assert ratio_text(found, {"gradient_ratio": 0.5}) == "0.5"
