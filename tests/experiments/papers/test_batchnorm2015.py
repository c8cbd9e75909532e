"""Ioffe & Szegedy 2015: the plan, the runs in small, and claims that can come out and can fail to."""

import json
import pickle

import pytest

from retroprop.experiments.lab.trained import trained
from retroprop.experiments.papers.batchnorm2015 import plan as plans
from retroprop.experiments.papers.batchnorm2015.claims import spans, steps_to_learn
from retroprop.experiments.papers.batchnorm2015.runs import exact, redundant
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.reproduce.job import paper, reproduce
from retroprop.experiments.reproduce.paper import Report, Results, Scale
from retroprop.experiments.reproduce.series import Series
from retroprop.experiments.sweeps.trials import Done, Failed

PAPER = paper("batchnorm2015")


def made_up(trial, good):
    """What a run might have given: as the paper says, or the other way round."""
    how = trial.settings
    if trial.task is exact:
        error = 1e-10 if good else 1e-3
        mode = {"network": error, "x": error, "gamma": error, "beta": error}
        return {"training": mode, "evaluation": mode, "modes_apart": 2.0 if good else 0.0}
    if trial.task is redundant:
        rows = [{"step": step, "error": 0.1} for step in how["at"]]
        other = [row | {"error": row["error"] + (0 if good else 0.1)} for row in rows]
        size = 1e-14 if good else 0.5
        return {"with_bias": rows, "without": other, "bias_gradient": size, "apart": size, "apart_running": size}
    ahead = how["batch_norm"] == good
    if "readings" not in how:                                       # of the sweep over learning rates
        learns = ahead or how["lr"] == 3.0
        rows = [{"step": step, "error": (0.01 if ahead else 0.05) if learns else 0.9} for step in how["at"]]
        rows = [row | {"validation": abs(how["lr"] - 3)} for row in rows]
        return {"readings": rows, "diverged": None}
    lag = {0.01: 100, 0.1: 20, 0.5: 0}[how.get("norm_momentum", 0.1)] if good else 0
    rows = [{"step": step, "error": 0.9 if step <= lag or not ahead else 0.02, "inputs": [-1.0, 0.0, 1.0],
             "of_batch": 0.02 if good or step > 50 else 0.9} for step in how["at"]]
    moved = 0.4 if ahead else 2.0
    rows = [row | {"gamma": 1.0 + row["step"] / 1000} for row in rows]
    return {"readings": rows, "diverged": None, "moved": moved,
            "moved_of_batch": moved / 1.25, "moved_normalized": 0.1}


def results(good, scale="quick", of=lambda trial: True):
    how = Scale(scale)
    done = [Done(trial, made_up(trial, good), 1.0) for trial in PAPER.plan(how) if of(trial)]
    return Results(how, done)


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="somewhere", digest="abc")], ids=str)
def test_the_plan_is_text_and_its_runs_differ(scale):
    trials = PAPER.plan(scale)
    assert len({trial.key for trial in trials}) == len(trials)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings
        assert pickle.loads(pickle.dumps(trial)) == trial


def test_the_papers_scale_is_the_papers():
    trials = [trial for trial in PAPER.plan(Scale("paper", data="somewhere")) if trial.task is trained]
    assert len(trials) == 10
    assert all(trial.resumable and trial.settings["binary"] for trial in trials)
    assert {(trial.settings["steps"], trial.settings["batch_size"]) for trial in trials} == {(50_000, 60)}


def test_claims_hold_where_they_should_and_fail_where_they_should():
    assert {claim.id: claim.verdict for claim in PAPER.claims(results(True)) if not claim.holds} == {}
    equal = {"momentum-high-lags-less", "momentum-low-lags-longer"}         # which compare equal numbers here
    assert {claim.id for claim in PAPER.claims(results(False)) if claim.holds is not False} == equal


def test_claims_have_ids_of_their_own_at_each_scale():
    for scale in ("quick", "small", "paper"):
        ids = [claim.id for claim in PAPER.claims(Results(Scale(scale, data="x"), []))]
        assert len(set(ids)) == len(ids)


@pytest.mark.long
def test_missing_runs_are_not_judged_and_do_not_crash(tmp_path):
    nothing = Results(Scale(), [Failed(trial, "error", "") for trial in PAPER.plan(Scale())])
    claims = PAPER.claims(nothing)
    assert claims
    assert all(claim.holds is None for claim in claims)
    page = Page("nothing")
    report = Report(page, Figures(page, tmp_path), PAPER.texts)
    PAPER.draw(nothing, report)
    partly = results(True, of=lambda trial: trial.settings["seed"] > 0 or not trial.settings.get("batch_norm"))
    assert all(claim.holds for claim in PAPER.claims(partly))
    PAPER.draw(partly, report)
    assert {path.name for path in tmp_path.iterdir()} >= {"figure-1.png", "rates.png", "momentum.png"}


def test_the_reason_says_what_was_measured():
    [one] = [claim for claim in PAPER.claims(results(False)) if claim.id == "bn-stays"]
    assert one.holds is False
    assert "move by 1.6 instead of 2" in one.reason
    assert "from 1.1 to 2" in one.reason


def test_biases_before_batch_norm_do_nothing():
    run = redundant(data="digits", lr=0.1, batch_size=60, steps=10, at=[0, 10], seed=0)
    assert run["with_bias"] == run["without"]
    assert run["apart"] < 1e-9 < 1e-3 < run["apart_running"]
    assert run["bias_gradient"] < 1e-9


def test_gradients_are_exact_in_both_modes():
    run = exact(batch_size=5, features=3, seed=1)
    for mode in (run["training"], run["evaluation"]):
        assert max(mode[name] for name in ("x", "gamma", "beta", "network")) < 1e-7
    assert run["modes_apart"] > 0.1


def test_numbers_picked_from_runs():
    rows = [{"step": 0, "error": 0.9, "of_batch": 0.5}, {"step": 50, "error": 0.05, "of_batch": 0.06}]
    assert steps_to_learn({"readings": rows}) == 50
    assert steps_to_learn({"readings": [*rows[:1], {"step": 70, "error": 0.4}]}) == 70
    errors = {0.1: [0.05, 0.5], 1.0: [0.04, 0.5], 10.0: [0.09, 0.5], 100.0: [0.5, 0.05]}
    found = spans({lr: Series.of(enumerate(values)) for lr, values in errors.items()})
    assert found.values == pytest.approx((100, 1))


def test_the_best_rates_are_chosen_on_validation_examples_and_named_and_those_alone_are_compared():
    [one] = [claim for claim in PAPER.claims(results(True)) if claim.id == "bn-lower-at-best-rates"]
    assert one.measured.endswith("; rates 3 with, 3 without")
    assert one.values == pytest.approx([-0.04] * 5)


def test_the_papers_scale_runs_on_a_folder(mnist_folder, tmp_path):
    data = mnist_folder()
    found = reproduce("batchnorm2015", scale="paper", data=data, steps=3, seeds=1, jobs=1, out=tmp_path / "out", progress=False)
    assert not found.failed
    assert all(claim.holds is None for claim in found.claims["batchnorm2015"])
    assert (tmp_path / "out" / "paper" / "batchnorm2015" / "report.html").is_file()
    assert plans.setting(Scale("paper", data=str(data), steps=3), True)["at"] == [0, 3]


def test_the_title_says_that_a_network_did_not_learn_rather_than_how_long_it_was_trained():
    never = results(True)
    what, rate = "A test error of 10 % takes 50 steps with BatchNorm", "without (learning rate 0.5)"
    assert PAPER.finding(never) == f"{what}, more than 1000 {rate}"
    for one in never.of(trained):
        one.result["readings"][-1]["error"] = 0.05
    assert PAPER.finding(never) == f"{what}, 1000 {rate}"
    assert PAPER.finding(results(True, of=lambda trial: trial.task is exact)) == ""
