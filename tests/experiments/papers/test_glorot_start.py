"""Glorot & Bengio before training: runs measure what their names say, and claims judge the numbers that they are given."""

import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp
from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.networks import INITIALIZERS, dense, initialization
from retroprop.experiments.papers.glorot2010.initial_claims import allowed, claims, predicted
from retroprop.experiments.papers.glorot2010.initial_page import before_training, farthest
from retroprop.experiments.papers.glorot2010.plan import EVERY_INIT
from retroprop.experiments.papers.glorot2010.plan import before_training as plan
from retroprop.experiments.papers.glorot2010.runs import IMAGES, histograms, layers, signals, singular_values, surface
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.paper import Report, Results, Scale
from retroprop.experiments.sweeps.trials import Done

PAPER = paper("glorot2010")

SMALL = {"data": "digits", "activation": "tanh", "init": "Glorot", "width": 12, "depth": 3, "seed": 0}


def ran(trials):
    return [Done(trial, json.loads(json.dumps(trial.task(**trial.settings))), 0.0) for trial in trials]


@pytest.fixture(scope="module")
def outcomes():
    """One seed of the quick plan, without its widest networks."""
    return ran([trial for trial in plan(Scale("quick", 1)) if trial.settings.get("width", 0) < 300])


def test_layers_are_those_of_the_network():
    found, data = layers(**SMALL, examples=2), source("digits")
    net, loss = dense(64, 10, initialization("Glorot").initializer, depth=3, width=12, seed=0), rp.CrossEntropy()
    x, y = (a[:IMAGES] for a in data.part())
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    z = np.tanh(x @ net[0].weight.data.T)
    assert_allclose(found["activation"][0], z.std(), rtol=1e-5)
    assert_allclose(found["magnitude"][0], np.abs(z).mean(), rtol=1e-5)
    assert_allclose(found["gradient"][0], net[0].gradient.var(), rtol=1e-4)
    assert_allclose(found["weight_gradient"][2], net[4].weight.grad.std(), rtol=1e-5)
    assert_allclose(found["weight"][0], 64 * net[0].weight.data.var(), rtol=1e-5)
    assert found["ratio"] == [128 / 76, 1.0, 1.0]


def test_singular_values_are_those_of_the_jacobian():
    part, x = rp.Sequential(rp.Linear(5, 5, dtype="float64", rng=0), rp.Sigmoid()), np.random.default_rng(1).normal(size=(3, 5))
    jacobian = rp.jacobian(part, x)
    expected = [np.linalg.svd(jacobian[k, :, k], compute_uv=False) for k in range(3)]
    found = singular_values(part[0].weight.data, part[0].forward(x), "sigmoid", 3)
    assert_allclose(found, np.mean(expected))


def test_histograms_hold_every_number_once():
    found = histograms(**SMALL, bins=20)
    for name in ("activation", "gradient", "weight_gradient"):
        assert_allclose([sum(row) for row in found[name]["shares"]], 1)
    assert_allclose(found["activation"]["std"], layers(**SMALL, examples=1)["activation"], rtol=1e-5)


def test_signals_of_orthogonal_weights_keep_their_variance_exactly():
    found = signals(init="Orthogonal", width=20, depth=12, seed=0)
    assert_allclose(found["gain"], 1)
    assert_allclose(found["linear"]["forward"] + found["linear"]["backward"], 1, rtol=1e-12)
    assert found["relu"]["forward"][-1] < 0.01


@pytest.mark.parametrize("init", EVERY_INIT)
def test_every_initialization_has_the_variance_that_it_names(init):
    initializer = initialization(init).initializer
    for shape in ((400, 400), (100, 700), (700, 100)):
        assert_allclose(initializer(shape, rng=0, dtype="float64").var(), initializer.variance(shape), rtol=0.03)


def test_prediction_is_the_product_of_the_layers_variances():
    assert_allclose(predicted(1 / 3, "linear", 3), [[1 / 3, 1 / 9, 1 / 27], [1 / 9, 1 / 3, 1]])
    assert_allclose(predicted(2.0, "relu", 4), [[2, 2, 2, 2], [1, 1, 1, 1]])
    assert_allclose(allowed(50, 100, "linear"), 0.5 + 3)


def test_spread_of_one_vector_is_what_the_theory_allows():
    """The logarithm of a vector's mean square after k Gaussian layers has about mean -vk/2n and variance vk/n."""
    rng, logs = np.random.default_rng(0), []
    for _ in range(400):
        x = np.ones(30)
        for _ in range(10):
            x = rng.normal(0, 1 / math.sqrt(30), (30, 30)) @ x
        logs.append(math.log(np.square(x).mean()))
    assert_allclose([np.mean(logs), np.var(logs)], [-1 / 3, 2 / 3], rtol=0.25)


def test_cost_surface_is_flat_where_its_slopes_are_small():
    found = surface(reach=6.0, points=9, seed=0)
    for name, rows in found["costs"].items():
        slopes = np.hypot(*np.gradient(np.asarray(rows), 1.5))
        assert np.shape(rows) == (9, 9)
        assert 0 <= found["plateau"][name] < 1
        assert slopes.max() > 0
    assert max(map(max, found["costs"]["quadratic"])) <= 1


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="shapeset")])
def test_plan_is_json_and_goes_to_workers(scale):
    trials = plan(scale)
    inits = {trial.settings["init"] for trial in trials if trial.task is signals}
    assert inits == {*INITIALIZERS, "N(0, 0.01)", "N(0, 1)", "U(-1, 1)"}
    assert pickle.loads(pickle.dumps(trials)) == trials
    assert len({trial.key for trial in trials}) == len(trials)
    assert json.loads(json.dumps([trial.settings for trial in trials])) == [trial.settings for trial in trials]


def test_paper_scale_reads_the_users_files():
    scale = Scale("paper", 1, "/data/mnist", digest="abc")
    own = [trial for trial in plan(scale) if trial.settings.get("data") == "/data/mnist"]
    assert {trial.settings["digest"] for trial in own} == {"abc"}
    assert len(own) == 2
    found = claims(Results(scale, [Done(trial, {"singular": 0.5}, 0.0) for trial in own]))[-2:]
    assert [one.holds for one in found] == [True, False]


def test_layers_of_files_in_mnists_format(tmp_path):
    """The run of the paper's scale, but for its width."""
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 60), ("t10k", 20)):
        header = np.array([0x803, count, 6, 6], ">i4").tobytes()
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(header + rng.bytes(count * 36))
        header = np.array([0x801, count], ">i4").tobytes()
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(header + bytes(k % 10 for k in range(count)))
    trials = [trial for trial in plan(Scale("paper", 1, str(tmp_path), steps=3, digest="abc"))
              if trial.settings.get("data") == str(tmp_path)]
    found = [trial.task(**trial.settings | {"width": 50}) for trial in trials]
    assert_allclose([one["weight"][1] for one in found], [1 / 3, 1], rtol=0.1)
    assert_allclose([one["ratio"][0] for one in found], 72 / 86)


def drawn(results, folder):
    page = Page("untrained")
    report = Report(page, Figures(page, folder), PAPER.texts)
    for name, part in before_training(results):
        report.add(name, None if isinstance(part, list) else part, seeds="1 seed", width=100, flat=["6 %"] * 4,
                   **farthest(results))
    return page


@pytest.mark.long
def test_claims_and_page_of_few_runs(outcomes, tmp_path, monkeypatch):
    results = Results(Scale("quick", 1), outcomes)
    found = {one.id: one.holds for one in claims(results)}
    assert found["gradient-ratio-standard-width100"] is True
    assert found["variance-orthogonal"] is True
    write = rp.plots.canvas.write                                   # small images: drawing takes long
    monkeypatch.setattr(rp.plots, "save", lambda figure, folder, name: [
        write(figure, folder / f"{name}.{kind}", 30) for kind in ("png", "svg")])
    drawn(results, tmp_path)
    assert {"depth-forward.png", "depth-backward.png", "initial-layers.png", "surfaces.png", "width.png"} <= {
        path.name for path in tmp_path.iterdir()}


def test_a_claim_that_is_false_is_not_reproduced(outcomes):
    """Runs of the normalized initialization, given out as standard ones."""
    wrong = [one._replace(result=next(other.result for other in outcomes if other.trial.settings == one.trial.settings
                                      | {"init": "Glorot"}))
             if one.trial.task in (layers, signals) and one.trial.settings["init"] == "Standard" else one for one in outcomes]
    found = {one.id: one.holds for one in claims(Results(Scale("quick", 1), wrong))}
    assert found["gradient-ratio-standard-width100"] is False
    assert found["weights-standard"] is False
    assert found["factor-standard-linear"] is False
    assert found["singular-standard"] is False


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="/data")])
def test_without_runs_nothing_is_judged_or_drawn(scale, tmp_path):
    results = Results(replace(scale), [])
    found = claims(results)
    assert {one.holds for one in found} == {None}
    assert len({one.id for one in found}) == len(found)
    drawn(results, tmp_path)
    assert list(tmp_path.iterdir()) == []
