"""A run whose process is interrupted has failed: it is never stored, or shown, as finished."""

import ast
import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from joblib.externals.loky import process_executor

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.parts import Problem
from retroprop.experiments.compare.training import Task, Watch, train_one
from retroprop.experiments.look.subjects import DATA
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Failed, Trial
from retroprop.experiments.sweeps.workers import Workers

EPOCHS = 4


def trained(*, seed, at, once):
    """A run that sends SIGINT to its own process, and to no other, in epoch ``at``, unless the file ``once`` exists."""
    x, y = rp.datasets.blobs(40, rng=seed)
    net = rp.Sequential(rp.Linear(2, 3, rng=seed))

    def interrupt(run):
        if run.epoch == at and not Path(once).exists():
            Path(once).touch()
            os.kill(os.getpid(), signal.SIGINT)

    history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=EPOCHS, rng=seed,
                     callbacks=[interrupt], progress=False)
    return {"epochs": len(history["epoch"]), "cost": history["cost"][-1]}


needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="os.kill(pid, SIGINT) ends a process on Windows")


def plan(once):
    return [Trial(trained, {"seed": seed, "at": 2 if seed == 1 else 0, "once": str(once)}) for seed in range(3)]


@needs_signals
def test_a_run_whose_worker_alone_is_interrupted_has_failed_and_is_run_again_in_full(tmp_path, capsys):
    store, trials = Store(tmp_path / "runs"), plan(tmp_path / "once")
    first = sweep(trials, Workers(2), store)
    assert isinstance(first[1], Failed)
    assert first[1].error == "RetropropError: the worker process was interrupted before the run had ended"
    assert "failed: test_interrupted_runs.trained(seed=1" in capsys.readouterr().err
    assert store.find(trials[1]) is None
    again = sweep(trials, Workers(2), store, progress=False)
    assert [one.result["epochs"] for one in again] == [EPOCHS] * 3
    assert again[1].result == trained(**trials[1].settings)         # to the last bit
    assert [again[0], again[2]] == [first[0], first[2]]


@needs_signals
def test_an_interrupted_worker_is_an_error_and_no_result(tmp_path):
    tasks = [(str(tmp_path / "once"),)] * 2
    with pytest.raises(rp.RetropropError, match="the worker process was interrupted before the run had ended"):
        list(Workers(2).run(interrupted_in_a_worker, tasks))


def interrupted_in_a_worker(once):
    return trained(seed=0, at=1, once=once)


def test_tasks_that_are_given_up_let_no_thread_of_their_workers_fail(monkeypatch):
    """joblib hands over the next task as one ends. Here its thread is slow, and the workers are ended meanwhile."""
    handled = process_executor._ExecutorManagerThread.process_result_item

    def slowly(self, item):
        handled(self, item)
        time.sleep(0.3)

    monkeypatch.setattr(process_executor._ExecutorManagerThread, "process_result_item", slowly)
    with closing(Workers(2).run(abs, [(k,) for k in range(9)])) as results:
        assert next(results) in {(k, k) for k in range(9)}
    assert sorted(Workers(2).run(abs, [(-k,) for k in range(3)])) == [(k, k) for k in range(3)]


@needs_signals
def test_ctrl_c_ends_a_sweep_in_this_process_and_keeps_what_ended(tmp_path, capsys):
    store, trials = Store(tmp_path / "runs"), plan(tmp_path / "once")
    with pytest.raises(KeyboardInterrupt):
        sweep(trials, Workers(1), store)
    assert "1 of 3 runs are stored: the same command continues from them" in capsys.readouterr().err
    assert [store.find(trial) is not None for trial in trials] == [True, False, False]
    again = sweep(trials, Workers(1), store, progress=False)
    assert [one.result["epochs"] for one in again] == [EPOCHS] * 3


@needs_signals
@pytest.mark.long
def test_a_dask_worker_that_is_interrupted_gives_no_half_run(tmp_path):
    """Dask runs tasks in threads, where no interrupt arrives: the worker goes on, or the run begins again elsewhere."""
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    trials = plan(tmp_path / "once")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
                                  silence_logs=50) as cluster:
        found = sweep(trials, Workers(backend="dask", scheduler=cluster.scheduler_address), progress=False)
    assert (tmp_path / "once").exists()
    for trial, one in zip(trials, found, strict=True):
        assert isinstance(one, Failed) or one.result == trained(**trial.settings)


@pytest.mark.parametrize("session", [False, True], ids=["script", "session"])
def test_a_run_of_compare_or_look_that_is_interrupted_is_no_run(session, monkeypatch):
    """Not at a prompt either, where ``fit`` itself gives the history back."""
    if session:
        monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)

    def interrupt(self, run):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Watch, "after_epoch", interrupt)
    config = Config(depth=1, width=4, epochs=3)
    problem = Problem.of(data_set(rp.datasets.blobs(40, rng=0)), config)
    with pytest.raises(KeyboardInterrupt) as caught:
        train_one(problem, config, Task("Glorot", 0.1, 0))
    assert caught.value.history["epoch"] == [1]
    images = DATA["digits"]
    (x, y), _ = images.read()
    with pytest.raises(KeyboardInterrupt):
        next(iter(images.recipes.values())).train((x[:64], y[:64]), 0, 2, [lambda run: signal.raise_signal(signal.SIGINT)])


@pytest.mark.parametrize("folder", ["experiments", "inspection", "benchmarks"])
def test_every_fit_of_the_library_asks_whether_it_was_interrupted(folder):
    root = Path(rp.__file__).parent / folder
    if not root.is_dir():
        pytest.skip("an installed library has no benchmarks")
    for path in root.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        asked = {id(call.func.value) for call in calls
                 if isinstance(call.func, ast.Attribute) and call.func.attr == "raise_if_interrupted"}
        fits = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", None)) == "fit"
                and any(word.arg == "epochs" for word in call.keywords)]
        assert {id(call) for call in fits} <= asked, path
