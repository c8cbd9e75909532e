"""The folder of a sweep: damage is noticed and said, what kills left is cleared away, and sweeps do not disturb each other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.loop import Unfinished, train
from retroprop.experiments.sweeps.progress import read_progress
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Done, Trial
from retroprop.experiments.sweeps.workers import Workers
from retroprop.files import Lock


def halved(*, k, checkpoint=None):
    return {"half": k / 2, "nested": [{"ä": [k, None]}]}


TRIAL = Trial(halved, {"k": 5})
LONG = Trial(halved, {"k": 5}, resumable=True)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def here(monkeypatch):
    """Let sweeps run in this process."""
    monkeypatch.setattr(Workers, "run", lambda self, function, tasks, *more: ((k, function(*t)) for k, t in enumerate(tasks)))


def test_a_stored_run_never_comes_back_changed(store):
    """Whatever happens to its file: a bit changed, a digit changed, a part missing, or all of it another run's."""
    store.keep(Done(TRIAL, halved(k=5), 0.25))
    content, rng = store.path(TRIAL).read_bytes(), np.random.default_rng(0)
    assert store.find(TRIAL) == Done(TRIAL, halved(k=5), 0.25)
    for _ in range(200):
        k, bit = rng.integers(len(content)), rng.integers(8)
        store.path(TRIAL).write_bytes(content[:k] + bytes([content[k] ^ 1 << bit]) + content[k + 1:])
        assert store.find(TRIAL) is None
    store.path(TRIAL).write_bytes(content.replace(b"2.5", b"3.5"))
    assert store.find(TRIAL) is None
    other = Trial(halved, {"k": 6})
    store.keep(Done(other, halved(k=6), 0.5))
    store.path(other).replace(store.path(TRIAL))
    assert store.find(TRIAL) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"seconds": 1, "result": {"half": 7.5}}'])
def test_a_damaged_run_is_made_again_and_the_sweep_says_so(store, monkeypatch, capsys, content):
    here(monkeypatch)
    store.folder.mkdir()
    store.path(TRIAL).write_bytes(content)
    damaged = f"damaged: {store.path(TRIAL)} is not what a sweep wrote for this run, which is made again"
    for said in (damaged, "1 of 1 runs are stored already"):
        [found] = sweep([TRIAL], Workers(1), store)
        assert found.result == halved(k=5)
        assert said in capsys.readouterr().err


def test_a_run_that_was_kept_without_a_checksum_is_made_again(store, monkeypatch, capsys):
    here(monkeypatch)
    store.folder.mkdir()
    kept = {"of": json.loads(TRIAL.text), "seconds": 1.0, "result": {"half": 7.5}}
    store.path(TRIAL).write_text(json.dumps(kept))
    assert sweep([TRIAL], Workers(1), store)[0].result == halved(k=5)
    assert "damaged: " in capsys.readouterr().err


def test_the_next_sweep_clears_away_what_kills_left(store, monkeypatch):
    """Parts of files, locks, and checkpoints of runs that have ended since; but nothing that a living process holds."""
    here(monkeypatch)
    store.keep(Done(LONG, halved(k=5), 1.0))
    Path(store.checkpoint(LONG)).touch()
    for name in ("a.json.0123456789abcdef.part", "b.unfinished.lock"):
        (store.folder / name).touch()
    held = Lock(store.folder / "c.unfinished")
    assert held.acquire()
    sweep([LONG], Workers(1), store, progress=False)
    assert sorted(os.listdir(store.folder)) == sorted([f"{LONG.key}.json", "c.unfinished.lock"])
    held.release()


def lesson():
    net = rp.Sequential(rp.Linear(64, 10, rng=0))
    return net, rp.SGD(net.parameters(), lr=0.05, momentum=0.9)


def test_one_of_two_processes_saves_a_run_and_the_other_takes_over(store):
    """The second neither writes nor deletes anything, and sees the end of the first."""
    path, (net, sgd) = Path(store.checkpoint(LONG)), lesson()
    with Unfinished(path, 100) as second:
        with Unfinished(path, 100) as first:
            first.save(10, net, sgd, [])
            second.save(5, net, sgd, [])
            assert read_progress(path)[:2] == (10, 100)
            store.drop(LONG)
            assert path.is_file()                                   # it is in use
        assert second.resume(*lesson()) == (10, [])
        second.save(20, net, sgd, [])
        assert read_progress(path)[:2] == (20, 100)
        store.drop(LONG)
        assert path.is_file()
    store.drop(LONG)
    assert os.listdir(store.folder) == []


def test_a_checkpoint_that_has_changed_in_any_way_counts_as_none(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 0.0)
    net, sgd = lesson()
    train(net, sgd, source("digits").stream(10, 3), 3, at=(), read=dict, checkpoint=tmp_path / "a")
    path, rng = tmp_path / "a", np.random.default_rng(0)
    assert Unfinished(path, 9).resume(*lesson())[0] == 3
    content = path.read_bytes()
    for k in (*range(0, len(content), 40), *rng.integers(len(content), size=50)):
        path.write_bytes(content[:k] + bytes([content[k] ^ 1 << rng.integers(8)]) + content[k + 1:])
        assert Unfinished(path, 9).resume(*lesson()) == (0, [])
    path.write_bytes(content)
    assert Unfinished(path, 9).resume(*lesson())[0] == 3


# Two sweeps of the same long runs in one folder, which save after every step.
TOGETHER = """
import json, sys
from pathlib import Path

import retroprop as rp
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import source
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Trial
from retroprop.experiments.sweeps.workers import Workers

def lesson(*, seed, checkpoint=None):
    loop.EVERY = 0.0
    net = rp.Sequential(rp.Linear(64, 10, rng=seed))
    loop.train(net, rp.SGD(net.parameters(), lr=0.1), source("digits").stream(10, seed), 60, at=(), read=dict,
               checkpoint=checkpoint)
    return {"sum": float(net[0].weight.data.sum(dtype="float64"))}

def main(folder):
    trials = [Trial(lesson, {"seed": seed}, True) for seed in range(12)]
    found = sweep(trials, Workers(2), Store(folder / "runs"), progress=False)
    print(json.dumps([getattr(one, "result", one) for one in found]))

if __name__ == "__main__":
    import together
    together.main(Path(sys.argv[1]))
"""


def started(tmp_path):
    where = os.pathsep.join([str(tmp_path), str(Path(rp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen([sys.executable, "together.py", str(tmp_path)], cwd=tmp_path, stdout=subprocess.PIPE,
                            env=os.environ | {"PYTHONPATH": where}, start_new_session=True)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_two_sweeps_in_one_folder_end_well_also_if_one_is_killed(tmp_path):
    (tmp_path / "together.py").write_text(TOGETHER)
    killed, *others = [started(tmp_path) for _ in range(3)]
    patience = time.monotonic() + 60
    while not list(tmp_path.glob("runs/*.unfinished")) and time.monotonic() < patience:
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    results = [json.loads(one.communicate()[0]) for one in others]
    assert results[0] == results[1]
    assert all(one.returncode == 0 for one in others)
    again = started(tmp_path)
    assert json.loads(again.communicate()[0]) == results[0]
    assert len(list(tmp_path.glob("runs/*.json"))) == 12
    assert not [path.name for path in tmp_path.glob("runs/*") if path.suffix != ".json"]
