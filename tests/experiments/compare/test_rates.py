"""Each initialization gets the learning rate that is best on a validation part; the test part takes no part in the choice."""

import math

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.compare.comparison import Comparison, best_rate, rate_table
from retroprop.experiments.compare.config import Config, learning_rates
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.metric import Metric
from retroprop.experiments.compare.rates import GROWTH, REACH, around, beyond, place, rate_at, survived
from retroprop.experiments.compare.remarks import of_rates
from retroprop.experiments.compare.results import Sizes, TrainingRun

SMALL = {"depth": 1, "width": 10, "epochs": 3, "seeds": 2, "progress": False}


def made(validation, errors=None, diverged=(), chance=0.9):
    """A comparison with these mean validation errors by initialization and rate; ``errors`` are those on the test part."""
    given = validation if errors is None else errors
    runs = [TrainingRun(init, seed, [0.5], [given[init][rate]], [[0.0], [0.0]], [], [], rate=rate, validation=error,
                        diverged="the cost is nan" if (init, rate) in diverged else None)
            for init, by_rate in validation.items() for rate, error in by_rate.items() for seed in range(2)]
    config = vars(Config()) | {"init": tuple(validation), "seeds": 2}
    return Comparison(config, runs, Metric("classes", "%", chance, chance), Sizes(80, 20, 25), 2, 10)


@pytest.mark.parametrize(("given", "found"), [
    ("0.003,0.01", (0.003, 0.01)), (" 0.1 , 0.03", (0.03, 0.1)), ([0.1, 0.03, 0.1], (0.03, 0.1)), (np.array([0.1]), 0.1),
    ("0.1", 0.1), (1, 1.0), (np.float32(0.5), 0.5), ("AUTO", "auto"), (None, 0.03)])
def test_rates_are_a_number_several_or_auto(given, found):
    config = Config(lr=given)
    assert config.lr == found
    assert Config(lr=config.lr) == config
    if given is not None:
        assert learning_rates(given) == found


def test_the_grid_is_that_of_1_and_3_around_the_usual_rate():
    assert Config(lr="auto").rates == (0.003, 0.01, 0.03, 0.1, 0.3)
    assert Config(lr="auto", optimizer="adam").rates == (0.0001, 0.0003, 0.001, 0.003, 0.01)
    assert all(place(rate_at(k)) == k for k in range(-20, 20))
    assert len(around(0.03)) == 2 * REACH + 1


def test_the_rate_is_chosen_by_the_validation_error_whatever_the_test_error():
    validation = {"Glorot": {0.01: 0.1, 0.1: 0.05, 1.0: 0.3}}
    found = made(validation, errors={"Glorot": {0.01: 0.0, 0.1: 0.6, 1.0: 0.3}})
    assert found.chosen == {"Glorot": 0.1}
    assert [run.error for run in found["Glorot"]] == [0.6, 0.6]


def test_of_equal_rates_the_middle_one_is_chosen():
    assert made({"A": dict.fromkeys((0.01, 0.03, 0.1), 0.9)}).chosen == {"A": 0.03}


def test_a_run_that_diverges_counts_as_a_constant_prediction():
    found = made({"A": {0.1: 0.0, 1.0: 0.0}, "B": {0.1: 0.5, 1.0: 0.2}}, diverged={("A", 0.1)})
    assert found.chosen == {"A": 1.0, "B": 1.0}
    assert found.rates()[0].validation.mean == 0.9
    assert (found.rates()[0].diverged, found.rates()[0].runs) == (2, 2)


def test_a_rate_that_stays_finite_is_ahead_of_one_that_never_does():
    found = made({"A": {0.1: 0.95, 1.0: 0.0}, "B": {0.1: 0.0, 1.0: 0.0}}, diverged={("A", 1.0), ("B", 0.1), ("B", 1.0)})
    assert found.chosen == {"A": 0.1, "B": 1.0}


def test_the_test_part_has_no_say_in_the_choice():
    """Its targets spread a tenth of the others: a constant errs less there than any network on the validation part."""
    rng = np.random.default_rng(0)
    x, shrunk = rng.normal(size=(200, 4)), rng.normal(size=(50, 4)) * [0.1, 1, 1, 1]
    y, y_test = (10 * part[:, 0] + rng.normal(size=len(part)) * noise for part, noise in ((x, 3), (shrunk, 0.1)))
    found = compare((x, y), "Glorot", test=(shrunk, y_test), lr=(0.01, 0.03, 1e30), activation="relu", standardize=False,
                    **SMALL)
    assert found.metric.validation > 5 * found.metric.chance
    assert found.chosen["Glorot"] < 1
    assert found.rates()[-1].validation.mean == found.metric.validation
    assert found.survives("Glorot")


def test_where_all_runs_diverge_there_is_no_edge_and_no_rank():
    """A comes after B at its own rate; at 1.0 it diverges, which is no error of 90 %. C diverges at every rate."""
    errors = {"A": {0.1: 0.3, 1.0: 0.0}, "B": {0.1: 0.2, 1.0: 0.95}, "C": {0.1: 0.0, 1.0: 0.0}}
    found = made(errors, diverged={("A", 1.0), ("C", 0.1), ("C", 1.0)})
    said = of_rates(found)
    assert said == ["A and B do best at the lowest rate that was tried, 0.1: a better rate may lie beyond.",
                    "The ranking at each common learning rate is that at the best rate of each initialization."]
    assert [row.count("diverged") for row in rate_table(found)] == [0, 0, 1, 2]      # in the order of the errors
    row = {"diverged": 2, "runs": 2, "rate": 0.1}
    assert (best_rate(row), best_rate(row | {"diverged": 1})) == ("–", "0.1")


@pytest.mark.parametrize(("options", "share"), [({}, 40 / 160), ({"split": "fixed"}, 0), ({"test": True}, 40 / 160)])
def test_intervals_of_validation_errors_are_corrected_by_the_validation_part(options, share):
    x, y = rp.datasets.blobs(n=250 if "test" not in options else 200, rng=0)
    test = {"test": (x, y)} if options.pop("test", False) else {}
    row = compare((x, y), "Glorot", lr=(1e-3, 0.1), **SMALL | options | test).rates()[0]
    spread = np.std(row.validation.values, ddof=1)
    assert spread > 0
    assert row.validation.half == pytest.approx(12.7062 * spread * math.sqrt(1 / 2 + share), rel=1e-4)


def test_an_initialization_survives_the_rates_halfway_to_the_best_without_divergence():
    found = made({"A": {0.1: 0.1, 0.3: 0.5, 1.0: 0.51, 3.0: 0.2}, "B": {0.1: 0.9, 0.3: 0.88, 1.0: 0.9, 3.0: 0.9}},
                 diverged={("A", 3.0)})
    assert (found.survives("A"), found.survives("B")) == ((0.1, 0.3), ())
    assert survived(made({"A": {0.1: math.nan}}).rates(), "A", 0.9) == ()           # one rate: nothing was validated


def test_the_grid_grows_where_an_edge_is_chosen_until_two_decades_beyond():
    def rising(count):
        return made({"A": {rate_at(k): -k for k in range(-5, -5 + count)}, "B": {rate_at(k): abs(k + 3) for k in range(-5, 0)}})

    assert beyond(rising(5).rates(), 0.03) == [("A", 1.0)]
    assert beyond(rising(2 * REACH + 1 + GROWTH).rates(), 0.03) == []


@pytest.fixture(scope="module")
def grown():
    """At most 3 examples a batch and few steps: the usual rate, and its neighbours, are too small."""
    return compare("blobs", ["Glorot", "N(0, 0.01)"], lr="auto", batch_size=200, **SMALL)


def test_auto_goes_on_until_the_best_rate_is_inside_the_grid(grown):
    rates = [row.rate for row in grown.rates() if row.init == "Glorot"]
    assert rates[0] == 0.003
    assert max(rates) > 0.3
    assert grown.chosen["Glorot"] < max(rates) or max(rates) == rate_at(place(0.03) + REACH + GROWTH)


def test_every_initialization_is_trained_at_each_rate_on_the_same_parts(grown):
    assert grown.sizes == (320, 80, 100)
    for init in grown.inits:
        for rate in around(0.03):
            assert [run.seed for run in grown.at(init, rate)] == [0, 1]
    digests = {(run.init, run.seed): run.digest for run in grown.runs}
    assert all(run.digest == digests[run.init, run.seed] for run in grown.runs)
    assert len(set(digests.values())) == 4


def test_the_choice_does_not_depend_on_the_number_of_processes(grown):
    one = compare("blobs", ["Glorot", "N(0, 0.01)"], lr="auto", batch_size=200, jobs=1, **SMALL)
    assert one.rows() == grown.rows()


def test_layers_are_watched_in_each_epoch_of_seed_0_alone(grown):
    """Of several rates; the others have the shares before and after training."""
    for run in grown.runs:
        assert len(run.saturation) == (4 if run.seed == 0 else 2)
    one = compare("blobs", "Glorot", lr="0.1", **SMALL)
    assert [len(run.saturation) for run in one.runs] == [4, 4]


def test_one_rate_leaves_no_validation_part():
    found = compare("blobs", "Glorot", lr="0.1", **SMALL)
    assert found.sizes == (400, 0, 100)
    assert "validation" not in found.rows()[0]


def test_the_edge_of_a_given_grid_is_said():
    found = compare("blobs", "Glorot", lr=[1e-6, 1e-5], **SMALL)
    assert found.remarks == ("Glorot does best at the highest rate that was tried, 1e-05: a better rate may lie beyond.",)
    edges = {name: {0.1: 0.2, 0.3: 0.1} for name in "ABCDEFG"}
    assert of_rates(made(edges))[0] == (
        "7 initializations do best at the highest rate that was tried, 0.3: a better rate may lie beyond.")


def test_a_ranking_that_depends_on_the_rate_is_said_with_the_widest_swap():
    errors = {"A": {0.1: 0.1, 0.3: 0.6}, "B": {0.1: 0.2, 0.3: 0.25}, "C": {0.1: 0.3, 0.3: 0.3}}
    assert of_rates(made(errors))[-1] == (
        "The ranking depends on the learning rate. At its own best rate each, the order is A, B, C, but at 0.3 for all, "
        "B (25.0 %) is ahead of A (60.0 %).")
    assert of_rates(made({init: errors[init] for init in "BC"}))[-1] == (
        "The ranking at each common learning rate is that at the best rate of each initialization.")


@pytest.mark.long
def test_the_ranking_of_the_lecture_depends_on_the_rate():
    """A small version: Glorot is ahead of Standard by its best rate and at 0.03, and not at 0.3."""
    found = compare(init=["Glorot", "Standard"], lr=[0.03, 0.1, 0.3], epochs=8, seeds=2, progress=False)
    errors = {(row.init, row.rate): row.error.mean for row in found.rates()}
    assert errors["Glorot", 0.03] < errors["Standard", 0.03]
    assert errors["Glorot", 0.3] > errors["Standard", 0.3]
    assert found.chosen["Glorot"] < 0.3
    assert found.summary()[0]["error"] < found.summary()[1]["error"]
    assert "at 0.3 for all, Standard (" in found.remarks[-1]
    assert 0.3 not in found.survives("Glorot")
    printed = str(found)
    assert "test error at rate  0.03 " in printed
    assert printed.count("% *") == 2


@pytest.mark.long
def test_the_five_rankings_come_out_of_one_command():
    """Glorot is ahead of Standard at each rate but 0.3; U(-1, 1) is ahead of Standard at 0.003 and 0.01 and fails at 0.3."""
    grid = (0.003, 0.01, 0.03, 0.1, 0.3)
    found = compare(lr=grid, progress=False)
    errors = {rate: {row.init: row.error.mean for row in found.rates() if row.rate == rate} for rate in grid}
    assert [at["Glorot"] < at["Standard"] for at in errors.values()] == [True] * 4 + [False]
    assert [at["U(-1, 1)"] < at["Standard"] for at in errors.values()] == [True] * 2 + [False] * 3
    assert errors[0.3]["U(-1, 1)"] > 0.8
    assert ". At its own best rate each, the order is Glorot, " in found.remarks[-1]
    assert (found.chosen["Glorot"], found.chosen["U(-1, 1)"]) == (0.1, 0.03)
    assert (found.survives("Glorot"), found.survives("N(0, 0.01²)")) == (grid[:4], ())
