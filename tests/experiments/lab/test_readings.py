"""Readings: what a run measures on its way, and that measuring changes nothing."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.networks import dense, initialization
from retroprop.experiments.lab.readings import COSTED, READINGS, Costs, movements
from retroprop.experiments.lab.trained import trained
from retroprop.losses import CrossEntropy

SMALL = {"data": "digits", "init": "N(0, 0.1)", "lr": 0.5, "batch_size": 60, "seed": 0, "activation": "sigmoid", "depth": 3,
         "width": 100}
FOLLOWED = SMALL | {"readings": "batch statistics"}


@pytest.mark.parametrize("readings", READINGS)
def test_measuring_changes_no_error(readings):
    how = SMALL | {"steps": 20, "batch_norm": True}
    few, many = (trained(**how, at=at, readings=name) for at, name in (([20], "errors"), ([*range(0, 21, 5)], readings)))
    assert few["readings"][-1]["error"] == many["readings"][-1]["error"]
    assert [row["step"] for row in many["readings"]] == [0, 5, 10, 15, 20]


def test_costs_are_those_of_the_images_that_the_network_learns_from():
    """Centred, or in black and white: as `Source.prepared` makes them."""
    for changes in ({"centred": True}, {"binary": True}):
        data = source("digits", 0)._replace(binary=changes.get("binary", False))
        data = data.centred() if changes.get("centred") else data
        net = dense(data.features, data.classes, initialization("Glorot").initializer, depth=1, width=10, seed=0)
        x, y = data.train
        expected = CrossEntropy().forward(net.predict(data.prepared(x[:COSTED])), y[:COSTED])
        assert Costs(net, data._replace(train=(x[:COSTED], y[:COSTED])), batch_size=10, seed=0).read()["cost"] == expected


def test_layers_are_read_one_by_one():
    found = trained(**SMALL | {"depth": 2}, steps=5, at=[0, 5], readings="layers")
    assert {len(row[name]) for row in found["readings"] for name in row if name not in ("step", "error")} == {2}
    assert [sum(counts) for counts in found["histograms"]] == [300 * 100] * 2


def test_a_typical_sigmoid_is_read():
    """The one whose percentiles move by the median of all; BatchNorm's modes differ, without it there is one."""
    plain, normalized = (trained(**FOLLOWED, steps=120, at=[0, 100, 120], batch_norm=batch_norm)
                         for batch_norm in (False, True))
    assert normalized["readings"][-1]["error"] < 0.1 < 0.6 < plain["readings"][-1]["error"]
    for run in (plain, normalized):
        assert all(row["inputs"] == sorted(row["inputs"]) for row in run["readings"])
        read, moved = ("inputs_of_batch", "moved_of_batch") if run is normalized else ("inputs", "moved")
        table = np.array([row[read] for row in run["readings"][1:]])
        assert np.ptp(table, axis=0).max() == pytest.approx(run[moved], rel=0.1)
    assert all(row["error"] == row["of_batch"] for row in plain["readings"])
    assert any(row["error"] != row["of_batch"] for row in normalized["readings"])


def test_the_causes_of_movement_are_told_apart():
    """Before γ and β the percentiles move least; γ is read at each step."""
    run = trained(**FOLLOWED, steps=200, at=[0, 100, 150, 200], batch_norm=True)
    assert 0 < run["moved_normalized"] < run["moved_of_batch"]
    assert run["readings"][0]["gamma"] == 1 < run["readings"][-1]["gamma"]
    assert all(len(row["inputs"]) == 3 and "normalized" not in row for row in run["readings"])


def test_errors_with_the_statistics_of_batches_are_a_copys():
    few, many = (trained(**FOLLOWED, steps=20, at=at, batch_norm=True)["readings"][-1] for at in ([20], [*range(21)]))
    assert (few["error"], few["of_batch"]) == (many["error"], many["of_batch"])


def test_running_statistics_of_momentum_one_are_those_of_the_last_batch():
    slow, fast = (trained(**FOLLOWED, steps=5, at=[5], batch_norm=True, norm_momentum=m)["readings"][0] for m in (0.0, 1.0))
    assert slow["error"] > 0.8
    assert fast["error"] < 0.7
    assert slow["of_batch"] == fast["of_batch"]


def test_movements_are_from_the_settled_step_on_and_the_median_units():
    readings = [{"step": step, "inputs": [[shift * unit, 0.0, 1.0] for unit in range(5)]}
                for step, shift in ((0, 100.0), (100, 1.0), (200, 3.0))]
    moves, unit = movements(readings)
    assert_array_equal(moves, [0, 2, 4, 6, 8])
    assert unit == 2
    assert_array_equal(movements(readings[:1])[0], [0] * 5)         # a run that ended before


def test_averages_of_sampled_networks_are_for_runs_that_ended():
    how = {name: SMALL[name] for name in ("data", "batch_size", "seed")} | {
        "network": "noisy", "sizes": [20], "keep": 0.5, "keep_input": 1.0, "init": "He", "readings": "sampled averages"}
    found = trained(**how, lr=0.1, steps=20, at=[20])
    assert found["scaled"] == found["readings"][-1]["error"]        # weight scaling is evaluation mode
    assert len(found["averages"]["errors"]) == len(found["averages"]["stds"]) == 100
    assert "averages" not in trained(**how, lr=1e30, steps=20, at=[20])


def test_noise_that_is_redrawn_moves_the_inputs_and_batchnorm_holds_them():
    """A shift from N(0, 0.5²) moves a unit's mean by about 0.5; the weights are those of the network without it."""
    how = SMALL | {"depth": 2, "readings": "drifts", "steps": 40, "at": range(0, 41, 2)}
    quiet = trained(**how, batch_norm=True)
    shaken = trained(**how, network="shaken", shift=0.5, scale=0.25)
    assert max(quiet["moved"]) < 0.02
    assert shaken["moved"] == pytest.approx([0.5, 0.5], abs=0.1)
    assert all(len(row["mean"]) == len(row["spread"]) == 2 for row in shaken["readings"])
    still = trained(**how, network="shaken", shift=0.0, scale=0.0)
    assert [row["error"] for row in still["readings"]] == [row["error"] for row in quiet["readings"]]


def test_the_cost_is_that_of_training_examples():
    found = trained(**SMALL | {"activation": "relu"}, steps=0, at=[0], readings="costs")
    assert found["readings"][0]["cost"] == pytest.approx(np.log(10), abs=0.3)
