"""he2015 and saxe2014: plans are plain data, claims judge what they are given, and exact facts of the runs."""

import json
import pickle

import numpy as np
import pytest

from retroprop.experiments.papers import he2015, saxe2014
from retroprop.experiments.papers.depth_runs import convolutions, signals
from retroprop.experiments.papers.paper import Results, Scale
from retroprop.experiments.papers.saxe2014_runs import products, reduced, scalar
from retroprop.experiments.sources import source
from retroprop.experiments.sweep import Done
from retroprop.initializers import HeNormal

PAPERS = [he2015.PAPER, saxe2014.PAPER]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")],
                         ids=lambda scale: scale.name)
def test_plans_are_plain_data_and_without_runs_nothing_is_judged(paper, scale):
    plan = paper.plan(scale)
    assert all(json.loads(json.dumps(trial.settings)) == trial.settings and pickle.loads(pickle.dumps(trial)) == trial
               for trial in plan)
    assert len({trial.key for trial in plan}) == len(plan)
    assert all(one.holds is None for one in paper.claims(Results(scale, [])))


def test_a_signal_that_dies_is_said_to_die():
    trials = [trial for trial in he2015.PAPER.plan(Scale("quick")) if trial.task is signals]
    dead = [Done(trial, {"signal": [1.0, 1e-9], "gradient": [1e-9, 1.0]}, 0.0) for trial in trials]
    found = he2015.PAPER.claims(Results(Scale("quick"), dead))
    assert [one.holds for one in found[:8]] == [False] * 8


def test_products_of_orthogonal_matrices_keep_all_lengths():
    values = products(init="Orthogonal", size=12, depths=[1, 30], seed=0)["values"]["30"]
    np.testing.assert_allclose(values, 1, atol=1e-12)


def test_gradient_descent_follows_the_exact_solution():
    assert scalar(s=1.0, u0=0.001, lr=0.002, steps=8000)["worst"] < 0.02


def test_the_reduced_examples_have_the_gradient_of_all():
    x, y = source("digits").train
    r, q = reduced("digits")
    w = np.random.default_rng(0).standard_normal((64, 10))
    expected = x.T.astype(float) @ (x @ w - np.eye(10)[y]) / len(y)
    np.testing.assert_allclose(r.T.astype(float) @ (r @ w - q), expected, rtol=1e-3, atol=1e-4)


def test_thirty_layers_are_thirty():
    net = convolutions(30, 28, 10, HeNormal(), 0)
    assert sum(name.endswith("weight") for name, _ in net.named_parameters()) == 30
    assert net.forward(np.zeros((2, 784), np.float32)).shape == (2, 10)
