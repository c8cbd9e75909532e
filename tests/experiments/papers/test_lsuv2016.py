"""The paper of LSUV: its plan, and what its claims make of results."""

import json

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab.networks import Maxout
from retroprop.experiments.lab.trained import trained
from retroprop.experiments.papers.lsuv2016.plan import INITS, plan
from retroprop.experiments.papers.lsuv2016.runs import convolutional, fitted
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.pages import write_paper
from retroprop.experiments.reproduce.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done, Failed

PAPER = paper("lsuv2016")


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")])
def test_the_plan_is_of_settings_that_json_can_hold(scale):
    trials = plan(scale)
    assert len({trial.key for trial in trials}) == len(trials)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings


def made(farthest=1.05, deep=0.05, other=0.9, tries=1):
    """Results as they would be: a variance, and errors of the deep network from LSUV and from other initializations."""
    found = []
    for trial in plan(Scale("small")):
        settings = trial.settings
        if trial.task is trained:
            error = deep if settings["init"] == "LSUV" else other
            error = 0.9 if settings["activation"] == "sigmoid" else error
            result = {"readings": [{"step": step, "error": error} for step in settings["at"]], "diverged": None}
        else:
            result = {"tries": [*[1] * 9, 2 - tries, tries], "biases": True, "before": [1, 2], "after": [1.0, farthest],
                      "between": [0.5, 1e-9]}
        found.append(Done(trial, result, 1.0))
    return Results(Scale("small"), found)


def verdicts(results):
    return {claim.id: claim.holds for claim in PAPER.claims(results)}


def test_all_come_out_on_results_as_they_are():
    assert all(verdicts(made()).values())


@pytest.mark.parametrize(("change", "lost"), [
    ({"farthest": 1.12}, {"tanh-variance-1", "relu-variance-1", "sigmoid-variance-1"}),
    ({"tries": 2}, {"tanh-one-rescaling", "relu-one-rescaling", "sigmoid-one-rescaling"}),      # 0 and 2 are not 1 on the mean
    ({"deep": 0.2}, {"relu30-learns"}),
    ({"other": 0.5}, {"relu30-orthogonal-stalls"}),
    ({"deep": 0.95}, {"relu30-learns", "relu30-as-good-as-he", "relu10-ahead"}),
])
def test_claims_fail_on_results_that_deny_them(change, lost):
    assert lost <= {id for id, holds in verdicts(made(**change)).items() if not holds}


@pytest.mark.long
def test_without_runs_nothing_is_judged_and_nothing_crashes(tmp_path):
    results = Results(Scale("small"), [Failed(trial, "no", "") for trial in plan(Scale("small"))])
    assert {claim.holds for claim in PAPER.claims(results)} == {None}
    write_paper(PAPER, results, PAPER.claims(results), tmp_path)
    assert "no run ended" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_one_run_of_each_kind():
    dense = fitted(activation="relu", depth=3, width=20, seed=0)
    assert dense["tries"] == [1, 1, 1, 1]
    assert dense["biases"]
    assert all(abs(variance - 1) < 0.2 for variance in dense["after"])
    assert len(convolutional(seed=0)["after"]) == 4


def test_the_authors_network_has_two_maxout_convolutions_a_block(mnist_folder):
    [settings] = [trial.settings for trial in plan(Scale("paper", seeds=1, data="mnist", digest="0", steps=2))
                  if trial.settings["init"] == "LSUV"]
    assert settings["stages"] == [[16, 16], [16, 16], [12, 12]]
    assert (settings["pools"], settings["drop"]) == ([[4, 2], [4, 2], [2, 2]], 0.3)
    assert (settings["optimizer"], settings["lr"], settings["batch_size"]) == ("rmsprop", 0.002, 64)
    found = trained(**settings | {"data": str(mnist_folder(count=12)), "batch_size": 4})
    assert [row["step"] for row in found["readings"]] == [0, 1, 2]


def test_maxout_takes_the_larger_of_two_channels():
    """The contract: forward, finite differences, shapes."""
    x = np.random.default_rng(0).normal(size=(3, 4, 2, 2))
    np.testing.assert_array_equal(Maxout().forward(x), np.maximum(x[:, ::2], x[:, 1::2]))
    rp.check_module(Maxout(), x)


def test_the_papers_scale_has_a_run_for_each_initialization():
    trials = plan(Scale("paper", seeds=1, data="mnist", digest="0", steps=7))
    assert [(trial.task, trial.settings["init"]) for trial in trials] == [(trained, init) for init in INITS]
    assert all(trial.resumable for trial in trials)
    assert {trial.settings["steps"] for trial in trials} == {7}


def test_the_papers_scale_on_few_small_images(mnist_folder, tmp_path):
    """All runs at the paper's scale, two steps, and the page of them."""
    scale = Scale("paper", seeds=1, data=str(mnist_folder(count=20)), steps=2, digest="0")
    results = Results(scale, [Done(trial, trial.task(**trial.settings), 0.0) for trial in plan(scale)])
    claims = PAPER.claims(results)
    assert not any(one.measured == "no run ended" for one in claims)
    write_paper(PAPER, results, claims, tmp_path / "page")
    assert (tmp_path / "page" / "report.html").exists()
