"""After each epoch a comparison looks at a copy that stays prepared: it sees what it would see in the network itself."""

import numpy as np
import pytest

from retroprop import Linear, Sequential, Tanh, datasets
from retroprop.datasets.data_set import data_set
from retroprop.experiments.compare import training
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.parts import Problem
from retroprop.experiments.compare.training import Task, Twin, train_one

EPOCHS = 3


def trained(rates=None, data=None, **settings):
    config = Config(depth=2, width=5, epochs=EPOCHS, lr=rates, **settings)
    problem = Problem.of(data_set(datasets.moons(700, rng=0) if data is None else data), config)
    return train_one(problem, config, Task("Glorot", 0.1, 1))       # of a seed whose layers no figure shows


@pytest.mark.parametrize("settings", [
    {}, {"activation": "relu"}, {"batch_norm": True}, {"dropout": 0.5}, {"rates": (0.1, 0.3)},
    {"rates": (0.1, 0.3), "dropout": 0.5}], ids=str)
def test_a_look_at_the_copy_is_one_at_the_network(settings, monkeypatch):
    by_copy = trained(**settings)
    monkeypatch.setattr(Twin, "suits", lambda *_: False)
    by_network = trained(**settings)
    assert by_copy.errors == by_network.errors
    assert by_copy.saturation == by_network.saturation
    assert by_copy.costs == by_network.costs
    assert len(by_copy.errors) == EPOCHS


@pytest.mark.parametrize(("settings", "suits"), [({}, True), ({"batch_norm": True}, False), ({"dropout": 0.5}, False)], ids=str)
def test_networks_that_differ_by_mode_are_looked_at_themselves(settings, suits, monkeypatch):
    """Their copy would have statistics and random numbers of its own."""
    made = []
    monkeypatch.setattr(training, "Twin", type("Spy", (Twin,), {"__init__": lambda self, net: made.append(net) or
                                                                Twin.__init__(self, net)}))
    trained(**settings)
    assert bool(made) == suits


def test_a_look_prepares_nothing_anew_and_a_large_test_part_gets_no_copy(monkeypatch):
    prepared, prepare = [], Sequential.prepare
    monkeypatch.setattr(Sequential, "prepare", lambda self, shape, dtype:
                        prepared.append(shape) or prepare(self, shape, dtype))
    trained(rates=(0.1, 0.3))
    assert prepared.count((140, 2)) == 3                            # once for the copy; the network before and after training
    net = Sequential(Linear(2, 1000, rng=0), Tanh(), Linear(1000, 1, rng=1))
    assert [Twin.suits(net, np.zeros((n, 2), np.float32)) for n in (100, 100_000)] == [True, False]
