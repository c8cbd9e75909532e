"""Schoenholz et al. 2017: the integrals of mean-field theory, random networks that follow them, and claims that can fail."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import retroprop as rp
from retroprop.experiments.lab.trained import trained
from retroprop.experiments.papers.schoenholz2017.claims import depths, distance, kept_length, per_layer
from retroprop.experiments.papers.schoenholz2017.plan import ARRIVED, BIASES, CRITICAL, ISOMETRIC
from retroprop.experiments.papers.schoenholz2017.runs import deepest, propagated, spectra
from retroprop.experiments.papers.schoenholz2017.theory import (
    correlation,
    correlations,
    critical,
    depth_scale,
    growth,
    length,
    mean_of_pair,
    slope,
)
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.pages import write_paper
from retroprop.experiments.reproduce.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done

PAPER = paper("schoenholz2017")


def expected(function, q):
    """E f(u) for u of N(0, q), by adaptive quadrature."""
    return quad(lambda z: function(math.sqrt(q) * z) * norm.pdf(z), -12, 12, epsabs=1e-12)[0]


def test_the_critical_variance_is_the_known_one():
    assert critical(BIASES) == pytest.approx(1.761, abs=5e-4)
    assert critical(0) == 1
    with pytest.raises(rp.ArgumentError, match="bias_variance must be from 0 to 2, got 10"):
        critical(10)
    assert critical(2) == pytest.approx(4.267, rel=1e-3)
    assert ISOMETRIC["weight_variance"] == pytest.approx(critical(ISOMETRIC["bias_variance"]), abs=1e-4)
    assert growth(critical(0.3), 0.3) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("variance", [1, CRITICAL, 4])
def test_length_and_growth_are_those_of_another_quadrature(variance):
    q = length(variance, BIASES)
    assert q == pytest.approx(variance * expected(lambda u: math.tanh(u) ** 2, q) + BIASES, abs=1e-6)
    assert growth(variance, BIASES) == pytest.approx(variance * expected(lambda u: math.cosh(u) ** -4, q), abs=1e-6)


@pytest.mark.parametrize("c", [0.0, 0.5, 0.99])
def test_a_pair_has_prices_derivative_and_the_limits_of_one_variable(c):
    """d/dc E f(u) f(v) = q E f'(u) f'(v)."""
    q, h = 1.3, 1e-5
    numerical = (mean_of_pair(np.tanh, q, c + h) - mean_of_pair(np.tanh, q, c - h)) / (2 * h)
    assert numerical == pytest.approx(q * mean_of_pair(slope, q, c), rel=1e-6)
    assert mean_of_pair(np.tanh, q, 1.0) == pytest.approx(expected(lambda u: math.tanh(u) ** 2, q), abs=1e-6)
    assert mean_of_pair(np.tanh, q, 0.0) == pytest.approx(0, abs=1e-12)


def test_order_makes_examples_alike_and_chaos_does_not():
    assert correlation(1, BIASES) == correlation(critical(BIASES), BIASES) == 1
    c = correlation(4, BIASES)
    assert 0 < c < 0.5
    assert correlations(4, BIASES, c, 9) == pytest.approx([c] * 9)
    assert correlations(4, BIASES, 0.9, 60)[-1] == pytest.approx(c, abs=1e-3)


def test_the_depth_scale_is_that_at_which_correlations_decay_and_is_infinite_at_the_critical_point():
    away = 1 - np.array(correlations(1.25, BIASES, 0.9, 60)[-20:])
    assert -1 / np.polyfit(range(20), np.log(away), 1)[0] == pytest.approx(depth_scale(1.25, BIASES), rel=1e-3)
    assert depth_scale(critical(BIASES), BIASES) == math.inf
    assert depth_scale(1.7, BIASES) > depth_scale(1.25, BIASES)
    assert depth_scale(1.9, BIASES) > depth_scale(4, BIASES)


def test_a_wide_random_network_follows_the_theory():
    for variance in (1, 4):
        found = propagated(weight_variance=variance, bias_variance=BIASES, depth=12, width=150, seed=0)
        assert kept_length(found, variance) == pytest.approx(1, abs=0.1)
        assert per_layer(found, variance) == pytest.approx(1, abs=0.1)
        assert distance(found, variance) < 0.15


def test_orthogonal_weights_keep_singular_values_together():
    values = {init: spectra(init=init, **ISOMETRIC, depths=[30], width=40, seed=0)["values"]["30"]
              for init in ("Orthogonal", "LeCun")}
    assert values["Orthogonal"][-1] > 0.1 * values["Orthogonal"][0]
    assert values["LeCun"][20] < 0.1 * values["LeCun"][0]


def test_deeper_networks_are_tried_until_one_does_not_learn():
    settings = {"data": "digits", "centred": True, "width": 20, "lr": 0.1, "batch_size": 16, "steps": 60, "at": [0, 30, 60],
                "level": 0.5, "seed": 0, "bias_variance": BIASES}
    found = deepest(weight_variance=0.3, depths=[1, 12, 13], **settings)
    assert found["deepest"] == 1
    assert (len(found["errors"]), found["steps"][1]) == (2, 60)
    assert found["errors"][0] <= 0.5 < found["errors"][1]
    assert deepest(weight_variance=0.3, depths=[12], **settings)["deepest"] == 0


def made_up(scale, layers, first=20):
    """Results of ``layers(variance)`` that learn, and of networks with orthogonal weights that arrive at step ``first``."""
    def result(trial):
        one = trial.settings
        if trial.task is deepest:
            return {"deepest": layers(one["weight_variance"])}
        if trial.task is propagated:
            chi = growth(one["weight_variance"], BIASES)
            return {"length": [length(one["weight_variance"], BIASES)] * 3, "gradient": [chi**2, chi, 1.0],
                    "correlation": correlations(one["weight_variance"], BIASES, 0.5, 3)}
        if trial.task is spectra:
            low = 0.5 if one["init"] == "Orthogonal" else 1e-6
            return {"values": {str(depth): [1.0] + 39 * [low] for depth in one["depths"]}}
        arrived = first if one["init"] == "Orthogonal" else 60 + one["seed"]
        rows = [{"step": step, "error": 0.9 if step < arrived else ARRIVED, "validation": 0.9 if step < arrived else one["lr"]}
                for step in one["at"]]
        return {"readings": rows, "diverged": None}

    return Results(scale, [Done(trial, result(trial), 0.0) for trial in PAPER.plan(scale)])


def test_claims_can_hold_and_can_fail():
    near = {1: 20, 1.25: 40, 1.5: 60, CRITICAL: 80, 2: 60, 2.5: 50, 3: 40, 4: 30}
    good = {one.id: one for one in PAPER.claims(made_up(Scale("small"), near.__getitem__))}
    far = {"arrival-gaussian-10", "arrival-gaussian-100", "arrival-orthogonal-30", "arrival-orthogonal-100"}  # of the trial
    assert {id for id, one in good.items() if one.holds is not True} == {"dropout-destroys", *far}
    bad = {one.id: one for one in PAPER.claims(made_up(Scale("small"), lambda variance: 100 - near[variance], first=150))}
    for id in ("depths-follow-scale", "deeper-than-order", "deeper-than-chaos", "deepest-1", "orthogonal-30-faster"):
        assert good[id].holds is True
        assert bad[id].holds is False


def test_a_depth_that_no_seed_has_is_not_judged():
    results = made_up(Scale("small"), lambda variance: 20)
    lost = Results(results.scale, [one for one in results.outcomes if one.trial.settings.get("weight_variance") != CRITICAL])
    assert not len(depths(lost)[CRITICAL])
    assert {one.id: one.holds for one in PAPER.claims(lost)}["depths-follow-scale"] is None


@pytest.mark.long
def test_the_papers_scale_on_few_small_images(mnist_folder, tmp_path):
    """One run of each kind at the paper's scale, two steps, and the page of them."""
    scale = Scale("paper", seeds=1, data=str(mnist_folder(zoom=1, frame=0, count=20)), steps=2, digest="0")
    smaller = {"width": 20, "depths": [2, 3], "depth": 2}
    done = []
    for trial in PAPER.plan(scale):
        settings = trial.settings | {name: value for name, value in smaller.items() if name in trial.settings}
        result = trial.task(**settings)
        if trial.task is spectra:
            result = {"values": {str(depth): 15 * result["values"]["2"] for depth in trial.settings["depths"]}}
        elif trial.task is propagated:
            result = {name: 15 * values for name, values in result.items()}
        done.append(Done(trial, result, 0.0))
    write_paper(PAPER, Results(scale, done), PAPER.claims(Results(scale, done)), tmp_path / "page")
    assert (tmp_path / "page" / "report.html").exists()
    assert any(trial.task is trained for trial in PAPER.plan(scale))
