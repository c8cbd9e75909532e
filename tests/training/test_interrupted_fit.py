"""Ctrl-C in fit: a user at a prompt gets the history back; everybody else gets KeyboardInterrupt, with the history."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import retroprop as rp
from retroprop.training.session import interactive

X, Y = rp.datasets.blobs(60, rng=0)


def fit(epoch=2, callbacks=(), **options):
    """Train for five epochs, with SIGINT after one of them."""
    def interrupt(run):
        if run.epoch == epoch:
            signal.raise_signal(signal.SIGINT)

    net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.BatchNorm(4), rp.Linear(4, 3, rng=1)).eval()
    net[1].train()
    history = None
    try:
        history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (X, Y), epochs=5, rng=0, progress=False,
                         callbacks=[*callbacks, interrupt], **options)
    finally:
        assert [module.training for module in net] == [False, True, False]
    return net, history


@pytest.fixture
def prompt(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)


def test_an_interrupt_is_raised_with_the_history_and_the_modes_are_restored():
    with pytest.raises(KeyboardInterrupt) as caught:
        fit()
    history = caught.value.history
    assert history["epoch"] == [1, 2]
    assert history.stopped == "interrupted"
    assert history.interrupted
    assert "the attribute history of this error has its epochs so far: epoch 2: cost " in caught.value.__notes__[0]


def test_at_a_prompt_the_history_comes_back(prompt):
    _, history = fit()
    assert history["epoch"] == [1, 2]
    assert (history.stopped, history.interrupted) == ("interrupted", True)
    assert str(history).endswith("; stopped: interrupted")


def test_whoever_must_not_take_an_interrupted_run_for_finished_asks(prompt):
    _, history = fit()
    with pytest.raises(KeyboardInterrupt) as caught:
        history.raise_if_interrupted()
    assert caught.value.history is history
    _, whole = fit(epoch=6)
    whole.raise_if_interrupted()
    assert pickle.loads(pickle.dumps(history)).interrupted          # as from a worker


@pytest.mark.parametrize("at", ["batch", "step", "validation", "end"])
def test_an_interrupt_comes_at_any_time(at, prompt, monkeypatch):
    """Columns stay equally long, and ``after_training`` is called once, also if the interrupt comes in it."""
    ended = []

    class Interrupt(rp.Callback):
        def before_batch(self, run):
            if at == "batch" and run.epoch == 3 and run.batch == 2:
                signal.raise_signal(signal.SIGINT)

        def after_step(self, run):
            if at == "step" and run.epoch == 3:
                signal.raise_signal(signal.SIGINT)

        def after_training(self, run):
            ended.append("first")
            if at == "end" and not run.history.interrupted:
                signal.raise_signal(signal.SIGINT)

    class Last(rp.Callback):
        def after_training(self, run):
            ended.append("last")

    class Slow(rp.CrossEntropy):
        def costs(self, prediction, target):
            if at == "validation" and len(target) == len(Y) and len(seen) == 2:
                signal.raise_signal(signal.SIGINT)
            return super().costs(prediction, target)

    seen = []
    net = rp.Linear(2, 3, rng=0)
    history = rp.fit(net, Slow(), rp.SGD(net.parameters(), lr=0.1), (X, Y), epochs=4, rng=0, validation=(X, Y), progress=False,
                     callbacks=[Interrupt(), Last(), lambda run: seen.append(run.epoch)])
    assert history.interrupted
    assert {len(column) for column in history.values()} == {4 if at == "end" else 2}
    assert ended == (["first", "first", "last"] if at == "end" else ["first", "last"])
    assert net.training


def test_early_stopping_restores_the_best_state_of_an_interrupted_run():
    states = []
    net = rp.Sequential(rp.Linear(2, 3, rng=0))

    def score(run):
        states.append(run.net.state_dict())
        run.history.append({"score": [0.3, 0.9, 0.1][run.epoch - 1]})

    def interrupt(run):
        if run.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (X, Y), epochs=9, rng=0, progress=False,
               callbacks=[score, rp.EarlyStopping(monitor="score", mode="max"), interrupt])
    np.testing.assert_array_equal(net.state_dict()["0.weight"], states[1]["0.weight"])


def test_a_thread_and_a_child_process_of_a_session_have_no_user(prompt, monkeypatch):
    assert interactive()
    found = []
    thread = threading.Thread(target=lambda: found.append(interactive()))
    thread.start()
    thread.join()
    assert found == [False]
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "the session")        # as after a fork
    assert not interactive()
    monkeypatch.undo()
    assert not interactive()                                        # a test has no prompt


@pytest.mark.parametrize(("application", "session"), [
    (SimpleNamespace(interact=False), False), (SimpleNamespace(interact=True), True), (SimpleNamespace(), True), (None, True)],
    ids=["script", "terminal", "kernel", "embedded"])
def test_a_script_that_ipython_runs_has_no_user(application, session, prompt, monkeypatch):
    """IPython sets sys.ps1 for scripts too."""
    shell = SimpleNamespace(parent=application)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert interactive() == session


SCRIPT = """
import signal
import retroprop as rp
x, y = rp.datasets.blobs(60, rng=0)
net = rp.Linear(2, 3, rng=0)
interrupt = lambda run: run.epoch < 2 or signal.raise_signal(signal.SIGINT)
history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=4, callbacks=[interrupt])
print("result:", len(history["cost"]), history.stopped)
"""


@pytest.mark.parametrize(("command", "session"), [
    (["script.py"], False), (["-i"], True),
    pytest.param(["-m", "IPython", "--quick", "script.py"], False, marks=pytest.mark.long),
    pytest.param(["-m", "IPython", "--quick", "--simple-prompt"], True, marks=pytest.mark.long),
], ids=["script", "session", "script in IPython", "IPython"])
def test_a_script_is_known_from_a_session(command, session, tmp_path):
    if "IPython" in command:
        pytest.importorskip("IPython")
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run([sys.executable, *command], cwd=tmp_path, env=os.environ | {"IPYTHONDIR": str(tmp_path)}, text=True,
                         capture_output=True, input=SCRIPT if session else None, check=False)
    said = ran.stdout + ran.stderr
    assert ("result: 2 interrupted" in said) == session, said
    assert ("KeyboardInterrupt" in said) != session, said
