"""The task of training: each of its settings does what its name says, and errors are picked from its results."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.experiments.lab import trained as task
from retroprop.experiments.lab.data import Prepared, black_and_white, digest, source
from retroprop.experiments.lab.loop import Drawn, train
from retroprop.experiments.lab.networks import dense
from retroprop.experiments.lab.trained import Shrink, descent, error_at, penalties, rise, trained

SMALL = {"data": "digits", "init": "Glorot", "lr": 0.1, "batch_size": 20, "steps": 30, "at": [0, 10, 30], "seed": 0,
         "depth": 1, "width": 20}


@pytest.fixture
def nets(monkeypatch):
    """The networks that `trained` trains, in their order."""
    made = []

    def noting(net, *args, **options):
        made.append(net)
        return train(net, *args, **options)

    monkeypatch.setattr(task, "train", noting)
    return made


def weights(net):
    return [parameter.data for parameter in net.parameters() if parameter.data.ndim > 1]


def test_a_result_is_json_and_the_same_again():
    found = trained(**SMALL)
    assert json.loads(json.dumps(found)) == found == trained(**SMALL)
    assert [row["step"] for row in found["readings"]] == [0, 10, 30]
    assert found["diverged"] is None
    assert found["readings"][-1]["error"] < 0.5 < found["readings"][0]["error"]
    assert trained(**SMALL | {"seed": 1}) != found


def test_names_that_are_none_are_refused():
    with pytest.raises(rp.ArgumentError, match=r"network must be one of 'dense', .*, got 'deep'"):
        trained(**SMALL, network="deep")
    with pytest.raises(rp.ArgumentError, match=r"readings must be one of 'errors', .*, got 'all'"):
        trained(**SMALL, readings="all")
    with pytest.raises(TypeError, match="dept"):
        trained(**SMALL, dept=3)


@pytest.mark.parametrize(("network", "architecture"), [
    ("dense", {"depth": 2, "width": 8, "activation": "relu"}), ("rectifiers", {"sizes": [8, 6]}),
    ("convolutions", {"stages": [[2], [3]], "pools": 1}),
    ("maxouts", {"stages": [[2, 2]], "pools": [[4, 2]], "drop": 0.3, "optimizer": "rmsprop"}),
    ("noisy", {"sizes": [8], "keep": 0.5, "keep_input": 0.8})])
@pytest.mark.parametrize("init", ["He", "LSUV"])
def test_every_network_trains_from_an_initialization_with_and_without_data(network, architecture, init):
    how = {name: value for name, value in SMALL.items() if name not in ("depth", "width")} | {"steps": 2, "at": [2]}
    found = trained(**how | {"init": init}, network=network, **architecture)
    assert 0 <= error_at()(found) <= 1


def test_lsuv_is_fitted(nets):
    trained(**SMALL | {"init": "LSUV", "steps": 0})
    first = nets[0][0].predict(source("digits").some(256))
    assert first.var() == pytest.approx(1, abs=0.1)


def test_l2_shrinks_weights_alone_and_by_its_rate():
    net = dense(4, 3, rp.HeNormal(), depth=1, width=5, seed=0)
    before = [parameter.data.copy() for parameter in net.parameters()]
    net.forward(np.zeros((2, 4), np.float32))
    net.backward(np.zeros((2, 3), np.float32))
    net.update()
    optimizer = descent(net, lr=0.5, momentum=0.0, l2=0.1)
    for parameter in net.parameters():
        parameter.data += parameter.data.ndim == 1                  # biases that are not 0
    optimizer.step()
    for old, new in zip(before, net.parameters(), strict=True):
        assert_allclose(new.data, old * 0.95 if old.ndim > 1 else 1, rtol=1e-6)


def test_l1_shrinks_weights_to_zero_and_no_further():
    net = rp.Sequential(rp.Linear(2, 2))
    net[0].weight.data[...] = [[0.3, -0.3], [0.01, 0]]
    net[0].bias.data[...] = 0.3
    Shrink(0.1).project(net)
    assert_allclose(net[0].weight.data, [[0.2, -0.2], [0, 0]], rtol=1e-6)
    assert_allclose(net[0].bias.data, 0.3)
    assert [type(one) for one in penalties(0.1, 1e-3, 2.0)] == [rp.MaxNorm, Shrink]
    assert penalties(0.1, 0.0, None) == []


def test_norm_l1_and_l2_are_in_force(nets):
    for penalty in ({}, {"norm": 0.5}, {"l1": 0.01}, {"l2": 0.1}):
        trained(**SMALL, **penalty)
    plain, clipped, sparse, decayed = (weights(net) for net in nets)
    assert max(np.linalg.norm(w, axis=1).max() for w in clipped) <= 0.5 * (1 + 1e-6) < np.linalg.norm(plain[0], axis=1).max()
    assert np.mean(sparse[0] == 0) > 0.02 > np.mean(plain[0] == 0)
    assert np.abs(decayed[0]).sum() < np.abs(plain[0]).sum()


def test_momentum_rises_evenly_in_the_first_tenth():
    optimizer = descent(dense(4, 3, rp.HeNormal(), depth=0), lr=0.1, momentum=0.5)
    values = []
    for _ in range(20):
        rise(optimizer, 0.9, 10 * (0.9 - 0.5) / 100)
        values.append(optimizer.groups[0]["momentum"])
    assert_allclose(values, np.minimum(0.5 + 0.04 * np.arange(1, 21), 0.9))
    assert trained(**SMALL, momentum=0.9) != trained(**SMALL, momentum=0.9, rising=True)
    assert trained(**SMALL, momentum=0.4) == trained(**SMALL, momentum=0.4, rising=True)      # never above what is asked


def test_fewer_examples_black_and_white_and_validation(monkeypatch):
    seen = []
    monkeypatch.setattr(task, "train", lambda net, optimizer, stream, *args, **options: (
        seen.append(stream), train(net, optimizer, stream, *args, **options))[1])
    trained(**SMALL, examples=50)
    trained(**SMALL, binary=True)
    assert len(seen[0].y) == 50
    assert isinstance(seen[1], Prepared)
    assert set(np.unique(seen[1].batch(0)[0])) == {0, 1}
    found = trained(**SMALL | {"data": "validated-digits"})
    assert set(found["readings"][0]) == {"step", "error", "validation"}
    assert 0 < error_at(30, "validation")(found) < error_at(0, "validation")(found)


def test_training_ends_once_no_error_is_larger_than_asked():
    found, whole = (trained(**SMALL | {"data": "validated-digits", "at": range(31)}, until=until) for until in (0.5, None))
    *before, last = found["readings"]
    assert max(last["error"], last["validation"]) <= 0.5
    assert all(max(row["error"], row["validation"]) > 0.5 for row in before)
    assert found["readings"] == whole["readings"][:len(found["readings"])]
    assert last["step"] < 30


def test_black_and_white():
    assert_array_equal(black_and_white(np.array([0.0, 0.49, 0.5, 1.0])), [0, 0, 1, 1])


def test_a_digest_decides_nothing():
    assert digest("digits") is None
    assert trained(**SMALL, digest="abc") == trained(**SMALL)


def test_errors_are_picked_by_step_and_part():
    rows = [{"step": 0, "error": 0.9, "validation": 0.8}, {"step": 5, "error": 0.25, "validation": 0.5}]
    result = {"readings": rows, "diverged": None}
    assert (error_at()(result), error_at(0)(result), error_at(part="validation")(result)) == (0.25, 0.9, 0.5)
    diverged = {"readings": rows, "diverged": 5, "chance": 0.88}
    assert (error_at()(diverged), error_at(5)(diverged), error_at(6)(diverged)) == (0.88, 0.25, 0.88)


def test_a_run_that_diverges_says_where_and_errs_like_the_best_constant_answer():
    found = trained(**SMALL | {"lr": 1e30}, activation="relu")
    assert 0 < found["diverged"] < 30
    assert error_at()(found) == found["chance"] == 1 - np.bincount(source("digits").test[1]).max() / 500


def test_training_ends_at_the_first_reading_that_is_enough():
    x, y = source("digits").train
    net = dense(64, 10, rp.HeNormal(), depth=0, seed=0)
    ended = train(net, rp.SGD(net.parameters(), lr=0.1), Drawn(x, y, 10, 0), 20, at=range(0, 21, 2),
                  read=lambda step: {"twice": 2 * step}, until=lambda row: row["twice"] >= 11)
    assert ended.readings == [{"step": step, "twice": 2 * step} for step in (0, 2, 4, 6)]
    assert ended.diverged is None


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_base_width_starts_the_network_in_mup_and_gives_each_group_its_rate(monkeypatch, optimizer):
    made = []
    monkeypatch.setattr(task, "mup", lambda *given, **options: made.append(rp.mup(*given, **options)) or made[-1])
    how = SMALL | {"init": "He", "steps": 3, "at": [3], "optimizer": optimizer, "lr": 0.01, "readings": "costs"}
    assert trained(**how, base_width=20) != trained(**how, base_width=5)
    assert [{getattr(scale, optimizer) for scale in scales} for scales in made] == [
        {1.0}, {1.0, 0.25} if optimizer == "adam" else {4.0, 1.0, 0.25}]
