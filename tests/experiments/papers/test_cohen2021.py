"""Cohen et al. 2021: sharpness and stability on a parabola, where both are known, and claims that can hold and can fail."""

import numpy as np
import pytest

from retroprop.experiments.lab.data import source
from retroprop.experiments.papers.cohen2021.runs import descended, examples_of, rises
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.pages import write_paper
from retroprop.experiments.reproduce.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done

PAPER = paper("cohen2021")
LINEAR = {"data": "digits", "examples": 40, "wrong": 0.3, "init": "LeCun", "depth": 0, "width": 1, "seed": 0}


def test_examples_are_centred_and_some_have_a_wrong_class():
    data = source("digits", 3)
    batch, right = (examples_of(data, 100, wrong, seed=3) for wrong in (0.3, 0.0))
    np.testing.assert_allclose(batch.x.mean(0), 0, atol=1e-6)
    np.testing.assert_array_equal(batch.x, right.x)
    assert (batch.y.sum(1) == 1).all()
    assert (batch.y != right.y).any(1).sum() == 30


def test_a_linear_network_has_the_curvature_of_its_examples_and_is_stable_up_to_2_over_it():
    """The mean of squares is a parabola: H = 2/(10 n) [X 1]'[X 1] for each output."""
    x = examples_of(source("digits", 0), 40, 0.3, 0).x.astype(float)
    largest = float(np.linalg.eigvalsh(np.cov(x.T, bias=True) * 2 / 10).max())
    known = max(largest, 2 / 10)                                    # of the biases, since x is centred
    stable, unstable = (descended(**LINEAR, lr=factor / known, steps=60, at=[60]) for factor in (1.9, 2.1))
    assert stable["sharpness"] == pytest.approx([known], rel=1e-5)
    assert stable["rises"] == [0, 0]
    assert unstable["rises"][1] == 1


def test_rises_are_counted_in_halves():
    assert rises(np.array([3.0, 2, 1, 2, 1, 2, 3, 4, 5])) == [0.25, 1.0]


@pytest.mark.parametrize("good", [True, False])
def test_claims_can_hold_and_can_fail(good):
    def result(lr):
        at_edge = {True: ([1.5, 2.04 / lr], 0.3), False: ([1.5, 1.6 / lr], 0.0)}
        stable = {True: ([1.5, 3.0], 0.0), False: ([20.0, 20.0], 0.2)}
        sharpness, rising = (at_edge if lr > 0.5 else stable)[good]
        costs = np.geomspace(1, 0.1, 7)[::1 if good else -1].tolist()
        return {"diverged": None, "sharpness": sharpness, "rises": [0.0, rising], "windows": costs, "costs": costs}

    scale = Scale("small")
    runs = [Done(trial, result(trial.settings["lr"]), 0.0) for trial in PAPER.plan(scale)]
    found = {one.id: one.holds for one in PAPER.claims(Results(scale, runs)) if one.id != "stochastic"}
    assert len(found) == 9
    assert set(found.values()) == {good}


def test_a_run_that_diverged_is_not_judged():
    scale = Scale("quick")
    lost = {"diverged": 7, "sharpness": [1.0], "rises": [1.0, 1.0], "windows": [1.0], "costs": [1.0]}
    claims = PAPER.claims(Results(scale, [Done(trial, lost, 0.0) for trial in PAPER.plan(scale)]))
    assert all(one.holds is None for one in claims)
    assert "5 of 5 runs diverged" in claims[0].measured


@pytest.mark.long
def test_the_papers_scale_on_few_small_images(mnist_folder, tmp_path):
    """Two steps at the paper's scale, and the page of them."""
    scale = Scale("paper", seeds=1, data=str(mnist_folder(zoom=1, frame=0, count=20)), steps=2, digest="0")
    runs = [Done(trial, trial.task(**trial.settings | {"width": 10, "examples": 15}), 0.0) for trial in PAPER.plan(scale)]
    write_paper(PAPER, Results(scale, runs), PAPER.claims(Results(scale, runs)), tmp_path / "page")
    assert (tmp_path / "page" / "report.html").exists()
