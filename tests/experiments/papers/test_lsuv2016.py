"""The paper of LSUV: its plan, and what its claims make of results."""

import json

import pytest

from retroprop.experiments.lab.dense import errors
from retroprop.experiments.papers import reproduce
from retroprop.experiments.papers.lsuv2016 import paper as lsuv2016
from retroprop.experiments.papers.lsuv2016.plan import STARTS, plan
from retroprop.experiments.papers.lsuv2016.runs import convolutional, fitted, images
from retroprop.experiments.papers.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done, Failed


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")])
def test_the_plan_is_of_settings_that_json_can_hold(scale):
    trials = plan(scale)
    assert len({trial.key for trial in trials}) == len(trials)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings


def made(farthest=1.05, deep=0.05, other=0.9, tries=1):
    """Results as they would be: a variance, and errors of the deep network from LSUV and from other starts."""
    found = []
    for trial in plan(Scale("small")):
        settings = trial.settings
        if trial.task is errors:
            error = deep if settings["init"] == "LSUV" else other
            error = 0.9 if settings["activation"] == "sigmoid" else error
            result = {"readings": [{"step": step, "error": error} for step in settings["at"]], "diverged": None}
        else:
            result = {"tries": [*[1] * 9, 2 - tries, tries], "biases": True, "before": [1, 2], "after": [1.0, farthest],
                      "between": [0.5, 1e-9]}
        found.append(Done(trial, result, 1.0))
    return Results(Scale("small"), found)


def verdicts(results):
    return {claim.what: claim.holds for claim in lsuv2016.claims(results)}


def test_all_come_out_on_results_as_they_are():
    assert all(verdicts(made()).values())


@pytest.mark.parametrize(("change", "lost"), [
    ({"farthest": 1.12}, {"tanh: on 512 other imag", "relu: on 512 other imag", "sigmoid: on 512 other imag"}),
    ({"tries": 2}, {"tanh: a dense", "relu: a dense", "sigmoid: a dense"}),     # 0 and 2 are not 1 on the mean
    ({"deep": 0.2}, {"relu, 30 layers: learns"}),
    ({"other": 0.5}, {"relu, 30 layers: plain orthogonal "}),
    ({"deep": 0.95}, {"relu, 30 layers: learns", "relu, 30 layers: as good as He's s", "relu, 10 layers: after 150 steps, "}),
])
def test_claims_do_not_come_out_on_results_that_deny_them(change, lost):
    denied = {what for what, holds in verdicts(made(**change)).items() if not holds}
    assert all(any(what.startswith(start) for what in denied) for start in lost), denied


def test_without_runs_nothing_is_judged_and_nothing_crashes(tmp_path):
    results = Results(Scale("small"), [Failed(trial, "no", "") for trial in plan(Scale("small"))])
    assert {claim.holds for claim in lsuv2016.claims(results)} == {None}
    reproduce.write_paper("lsuv2016", results, lsuv2016.claims(results), tmp_path)
    assert "no run ended" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_one_run_of_each_kind():
    dense = fitted(activation="relu", depth=3, width=20, seed=0)
    assert dense["tries"] == [1, 1, 1, 1]
    assert dense["biases"]
    assert all(abs(variance - 1) < 0.2 for variance in dense["after"])
    assert len(convolutional(seed=0)["after"]) == 4
    found = images(data="digits", init="LSUV", lr=0.01, batch_size=4, steps=2, at=[0, 2], seed=0)
    assert [row["step"] for row in found["readings"]] == [0, 2]


def test_papers_scale_has_a_run_for_each_start():
    trials = plan(Scale("paper", seeds=1, data="mnist", digest="0", steps=7))
    assert [(trial.task, trial.settings["init"]) for trial in trials] == [(images, init) for init in STARTS]
    assert all(trial.resumable for trial in trials)
    assert {trial.settings["steps"] for trial in trials} == {7}
