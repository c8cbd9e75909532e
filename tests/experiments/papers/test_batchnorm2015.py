"""Ioffe & Szegedy 2015: the plan, the runs in small, and claims that can come out and can fail to."""

import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from test_compare import write_mnist_format

from retroprop.experiments.lab.dense import errors
from retroprop.experiments.papers.batchnorm2015 import plan as plans
from retroprop.experiments.papers.batchnorm2015.claims import gap, span, steps_to_learn
from retroprop.experiments.papers.batchnorm2015.paper import PAPER
from retroprop.experiments.papers.batchnorm2015.runs import black_and_white, exact, followed, movements, redundant
from retroprop.experiments.papers.paper import Results, Scale
from retroprop.experiments.papers.reproduce import reproduce
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.sweeps.trials import Done, Failed

SMALL = {"data": "digits", "init": "N(0, 0.1)", "lr": 0.5, "batch_size": 60, "seed": 0}


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
    if trial.task is errors:
        learns = ahead or how["lr"] == 3.0
        rows = [{"step": step, "error": (0.01 if ahead else 0.05) if learns else 0.9} for step in how["at"]]
        return {"readings": rows, "diverged": None}
    lag = {0.01: 100, 0.1: 20, 0.5: 0}[how.get("momentum", 0.1)] if good else 0
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
    trials = [trial for trial in PAPER.plan(Scale("paper", data="somewhere")) if trial.task is followed]
    assert len(trials) == 10
    assert all(trial.resumable and trial.settings["binary"] for trial in trials)
    assert {(trial.settings["steps"], trial.settings["batch_size"]) for trial in trials} == {(50_000, 60)}


def test_claims_come_out_where_they_do_and_not_where_they_do_not():
    assert {claim.what: claim.verdict for claim in PAPER.claims(results(True)) if not claim.holds} == {}
    assert {claim.what: claim.verdict for claim in PAPER.claims(results(False)) if claim.holds is not False} == {}


def test_missing_runs_are_not_judged_and_do_not_crash(tmp_path):
    nothing = Results(Scale(), [Failed(trial, "error", "") for trial in PAPER.plan(Scale())])
    claims = PAPER.claims(nothing)
    assert claims
    assert all(claim.holds is None for claim in claims)
    page = Page("nothing")
    PAPER.draw(nothing, page, Figures(page, tmp_path))
    partly = results(True, of=lambda trial: trial.settings["seed"] > 0 or not trial.settings.get("batch_norm"))
    assert all(claim.holds for claim in PAPER.claims(partly))
    PAPER.draw(partly, page, Figures(page, tmp_path))
    assert {path.name for path in tmp_path.iterdir()} >= {"figure-1.png", "rates.png", "momentum.png"}


def test_a_followed_run_reads_percentiles_of_the_typical_sigmoid():
    plain, normalized = (followed(**SMALL, steps=120, at=[0, 100, 120], batch_norm=batch_norm) for batch_norm in (False, True))
    assert normalized["readings"][-1]["error"] < 0.1 < 0.6 < plain["readings"][-1]["error"]
    for run in (plain, normalized):
        assert all(row["inputs"] == sorted(row["inputs"]) for row in run["readings"])
        table = np.array([row["inputs"] for row in run["readings"][1:]])
        assert np.ptp(table, axis=0).max() == pytest.approx(run["moved"], rel=0.1)
    assert all(row["error"] == row["of_batch"] for row in plain["readings"])            # without BN the modes are one
    assert any(row["error"] != row["of_batch"] for row in normalized["readings"])


def test_what_moves_is_told_apart():
    """Before γ and β the percentiles move least; gamma is read at each step."""
    run = followed(**SMALL, steps=200, at=[0, 100, 150, 200], batch_norm=True)
    assert 0 < run["moved_normalized"] < run["moved_of_batch"]
    assert run["readings"][0]["gamma"] == 1 < run["readings"][-1]["gamma"]
    assert all(len(row["inputs"]) == 3 and "normalized" not in row for row in run["readings"])


def test_the_reason_says_what_was_measured():
    [one] = [claim for claim in PAPER.claims(results(False)) if "evaluation: moved by" in claim.what]
    assert one.holds is False
    assert "move by 1.6 instead of 2" in one.reason
    assert "from 1.1 to 2" in one.reason


def test_reading_does_not_change_the_run():
    """Errors with the statistics of batches are a copy's: more readings, the same network."""
    few, many = (followed(**SMALL, steps=20, at=at, batch_norm=True)["readings"][-1] for at in ([20], [*range(21)]))
    assert (few["error"], few["of_batch"]) == (many["error"], many["of_batch"])


def test_running_statistics_of_momentum_one_are_those_of_the_last_batch():
    slow, fast = (followed(**SMALL, steps=5, at=[5], batch_norm=True, momentum=m)["readings"][0] for m in (0.0, 1.0))
    assert slow["error"] > 0.8
    assert fast["error"] < 0.7
    assert slow["of_batch"] == fast["of_batch"]


def test_movements_are_from_the_settled_step_on_and_the_median_units():
    readings = [{"step": step, "inputs": [[shift * unit, 0.0, 1.0] for unit in range(5)]}
                for step, shift in ((0, 100.0), (100, 1.0), (200, 3.0))]
    moves, unit = movements(readings)
    assert_array_equal(moves, [0, 2, 4, 6, 8])
    assert unit == 2


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
    assert gap(0)({"readings": rows}) == pytest.approx(0.4)
    runs = [Done(SimpleNamespace(settings={"lr": lr}), {"diverged": None, "readings": [{"step": 9, "error": error}]}, 1.0)
            for lr, error in ((0.1, 0.05), (1.0, 0.04), (10.0, 0.09), (100.0, 0.5))]
    assert span(runs) == pytest.approx(100)
    assert span(runs[3:]) == 1


def test_black_and_white():
    assert_array_equal(black_and_white(np.array([0.0, 0.49, 0.5, 1.0])), [0, 0, 1, 1])


def test_the_papers_scale_runs_on_a_folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_mnist_format(data)
    found = reproduce("batchnorm2015", scale="paper", data=data, steps=3, seeds=1, jobs=1, out=tmp_path / "out", progress=False)
    assert not found.failed
    assert all(claim.holds is None for claim in found.claims["batchnorm2015"])
    assert (tmp_path / "out" / "paper" / "batchnorm2015" / "report.html").is_file()
    assert plans.figure_one(Scale("paper", data=str(data), steps=3), True)["at"] == [0, 3]
