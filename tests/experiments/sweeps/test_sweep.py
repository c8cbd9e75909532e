"""Sweeps: a finished run is not repeated, a failed run does not stop the others, and workers do not change the numbers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import digest, source
from retroprop.experiments.lab.loop import Drawn, Generated, train
from retroprop.experiments.reproduce import job as reproduce
from retroprop.experiments.reproduce.paper import Scale
from retroprop.experiments.sweeps import trials as trials_file
from retroprop.experiments.sweeps.progress import Bar, read_progress, remaining
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import carried_out
from retroprop.experiments.sweeps.sweep import sweep as run
from retroprop.experiments.sweeps.trials import Done, Failed, Trial
from retroprop.experiments.sweeps.workers import Workers


def square(*, k, log=None):
    """A run that writes a line into a log."""
    if log is not None:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{k}\n")
    if k < 0:
        raise ValueError("k is negative")
    return {"square": k * k, "list": [k, {"half": k / 2}]}


def trials(numbers, log=None):
    return [Trial(square, {"k": k, "log": None if log is None else str(log)}) for k in numbers]


@pytest.mark.long
def test_results_come_in_the_order_of_the_trials_and_equal_trials_run_once(tmp_path):
    log = tmp_path / "log"
    found = run(trials([3, 1, 3, 2], log), Workers(2), progress=False)
    assert [one.result["square"] for one in found] == [9, 1, 9, 4]
    assert sorted(log.read_text().split()) == ["1", "2", "3"]


def test_what_ended_is_not_run_again(tmp_path):
    log, store = tmp_path / "log", Store(tmp_path / "runs")
    first = run(trials([1, 2], log), Workers(2), store, progress=False)
    second = run(trials([1, 2, 3], log), Workers(2), store, progress=False)
    assert second[:2] == first
    assert sorted(log.read_text().split()) == ["1", "2", "3"]


def test_a_run_that_fails_is_reported_with_its_settings_and_tried_again(tmp_path, capsys):
    log, store = tmp_path / "log", Store(tmp_path / "runs")
    for _ in range(2):
        found = run(trials([1, -1, 2], log), Workers(2), store)
        assert [type(one) for one in found] == [Done, Failed, Done]
        assert found[1].error == "ValueError: k is negative"
        assert "in square" in found[1].where
        assert f"failed: test_sweep.square(k=-1, log='{log}'): ValueError: k is negative" in capsys.readouterr().err
    assert sorted(log.read_text().split()) == ["-1", "-1", "1", "2"]


def die(*, k):
    """A run whose worker is killed, as when memory runs out."""
    if k == 2:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"k": k}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_that_dies_ends_the_sweep_with_a_clear_error_and_what_ended_is_kept(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(rp.RetropropError, match="a worker process died"):
        run([Trial(die, {"k": k}) for k in range(3)], Workers(2), store, progress=False)
    assert store.find(Trial(die, {"k": 0})).result == {"k": 0}
    assert run([Trial(die, {"k": k}) for k in (0, 1, 3)], Workers(2), store, progress=False)[2].result == {"k": 3}


@pytest.mark.parametrize("content", ["", "{", "{}", '{"of": {}, "result": 1, "seconds": 1}', "[1]"])
def test_a_damaged_or_foreign_file_is_as_good_as_none(content, tmp_path):
    store, (trial,) = Store(tmp_path), trials([2])
    store.path(trial).write_text(content)
    assert store.find(trial) is None
    assert run([trial], Workers(1), store, progress=False)[0].result["square"] == 4
    assert store.find(trial).result["square"] == 4


def test_other_code_is_another_run(monkeypatch):
    (trial,) = trials([2])
    key = trial.key
    monkeypatch.setattr(trials_file, "version", lambda module: {"source": "another"})
    assert trial.key != key
    failed, _ = carried_out(trial, key, None)                       # as in a worker with other code than the sweep's
    assert "the worker's code differs from the sweep's" in failed.error


LOADED = """
import json, sys
from importlib import import_module

def loaded(module):
    for name in [name for name in sys.modules if name.partition(".")[0] == "retroprop"]:
        del sys.modules[name]
    import_module(module)
    return [m.__file__ for name, m in sys.modules.items() if name.startswith("retroprop.") and m.__file__]

print(json.dumps({module: loaded(module) for module in sys.argv[1:]}))
"""


def tasks_of(name):
    return {trial.task.__module__ for trial in reproduce.paper(name).plan(Scale())}


@pytest.fixture(scope="module")
def loaded():
    """The files that each module with a task loads, found in another process."""
    modules = sorted({module for name in reproduce.PAPERS for module in tasks_of(name)})
    done = subprocess.run([sys.executable, "-c", LOADED, *modules], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", reproduce.PAPERS)
def test_every_file_that_a_task_loads_is_hashed(name, loaded):
    """Files of pages, claims and plots are not hashed: runs stay valid when those change."""
    for module in tasks_of(name):
        hashed = set(map(str, trials_file.sources(module)))
        assert set(loaded[module]) <= hashed
        inside = {Path(path).relative_to(trials_file.ROOT).as_posix() for path in hashed}
        assert {"arguments.py", "modules/linear.py"} <= inside
        assert not [path for path in inside if path.startswith("plots/") or path.endswith(("claims.py", "page.py"))]


def test_training_is_hashed_with_its_data():
    hashed = trials_file.sources("retroprop.experiments.lab.trained")
    inside = {path.relative_to(trials_file.ROOT).as_posix() for path in hashed}
    assert {"datasets/digits.npz", "experiments/lab/networks.py", "optim/sgd.py"} <= inside


def test_a_task_of_the_user_s_is_hashed_with_the_whole_library():
    hashed = set(trials_file.sources(__name__))
    assert {Path(__file__), *trials_file.ROOT.joinpath("training").glob("*.py")} <= hashed


@pytest.mark.parametrize(("options", "text"), [
    ({"backend": "threads"}, "backend must be one of 'loky', 'dask', got 'threads'"),
    ({"jobs": 0}, "jobs must be an integer of at least 1, got 0"),
    ({"backend": "dask"}, "scheduler must be an address such as .*, got None with backend 'dask'"),
    ({"scheduler": "tcp://localhost:1"}, "scheduler must be .* only then, got 'tcp://localhost:1' with backend 'loky'"),
    ({"backend": "dask", "scheduler": "tcp://localhost:1", "jobs": 2}, "jobs must be None with backend 'dask'"),
])
def test_workers_that_cannot_be(options, text):
    with pytest.raises(rp.ArgumentError, match=text):
        Workers(**options)


def test_time_that_is_left():
    """The progress of two of three runs is known: 50 steps of 2 s and 10 of 4 s are left, and a third run of mean length."""
    assert remaining([(50, 100, 2.0), (90, 100, 4.0)], unfinished=3) == (100 + 40 + 300) / 2


def test_an_interrupted_sweep_says_what_is_kept(tmp_path, capsys, monkeypatch):
    def interrupted(self, function, tasks, lost, ahead):
        yield 0, function(*tasks[0])
        raise KeyboardInterrupt

    store = Store(tmp_path)
    run(trials([1]), Workers(1), store, progress=False)
    monkeypatch.setattr(Workers, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(trials([1, 2, 3]), Workers(1), store)
    said = capsys.readouterr().err
    assert "1 of 3 runs are stored already" in said
    assert "2 of 3 runs are stored: the same command continues from them" in said


class Shown:
    """A replacement for tqdm on a terminal."""

    disable = False

    def __init__(self, *arguments, **options):
        self.said = []

    def set_postfix_str(self, text):
        self.said.append(text)

    def close(self):
        pass


def test_the_bar_says_how_far_long_runs_are_and_what_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("retroprop.experiments.sweeps.progress.progress_bar", Shown)
    monkeypatch.setattr("retroprop.experiments.sweeps.progress.EVERY", 0.01)
    store, long = Store(tmp_path), [Trial(square, {"k": k}, resumable=True) for k in range(2)]
    path, progress = Path(store.checkpoint(long[0])), {"steps": 1000, "seconds_per_step": 0.4, "readings": []}
    rp.Checkpoint(path).save(250, rp.Linear(2, 1, rng=0), progress=progress)
    with Bar(long, {}, store, progress=True) as bar:
        os.utime(path, (bar.begin + 1,) * 2)    # saved while the sweep goes on
        patience = time.monotonic() + 20
        while not bar.bar.said and time.monotonic() < patience:
            time.sleep(0.01)
    assert bar.bar.said[0] == "at 25.0 %; about 12 min left"        # 300 s of this run, and 400 s of the waiting one
    assert not bar.watcher.is_alive()


class Interrupted(Exception):
    """Raised in place of a kill, which would end the test too."""


def lesson():
    """A net with Dropout's generator, an optimizer with momentum, and batches."""
    net = rp.Sequential(rp.Linear(64, 20, rng=0), rp.ReLU(), rp.Dropout(0.3, rng=1), rp.Linear(20, 10, rng=2))
    found = source("digits")
    sgd = rp.SGD(net.parameters(), lr=0.05, momentum=0.9)
    return net, sgd, found.stream(10, 3), lambda step: {"norm": float(np.abs(net[0].weight.data).sum())}


def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 0.0)                       # save after every step
    net, sgd, stream, read = lesson()
    whole = train(net, sgd, stream, 1100, at=(0, 10, 1050, 1100), read=read)       # past a block of 1000 batches
    again, sgd, stream, read = lesson()

    def stop(step):
        if step == 1050:
            raise Interrupted
        return read(step)

    with pytest.raises(Interrupted):
        train(again, sgd, stream, 1100, at=(0, 10, 1050, 1100), read=stop, checkpoint=tmp_path / "a")
    assert read_progress(tmp_path / "a")[:2] == (1050, 1100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    third, sgd, stream, read = lesson()
    resumed = train(third, sgd, stream, 1100, at=(0, 10, 1050, 1100), read=read, checkpoint=tmp_path / "a")
    assert resumed == whole
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(third.state_dict()[name], array)


def test_a_state_that_is_gone_or_damaged_begins_again(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 0.0)
    for name, damage in (("gone", Path.unlink), ("damaged", lambda path: path.write_bytes(path.read_bytes()[:100]))):
        net, sgd, stream, _ = lesson()
        with pytest.raises(Interrupted):
            train(net, sgd, stream, 20, at=(10,), read=raising, checkpoint=tmp_path / name)
        damage(tmp_path / name)
        again, sgd, stream, _ = lesson()
        train(again, sgd, stream, 20, at=(), read=raising, checkpoint=tmp_path / name)
        np.testing.assert_array_equal(again[0].weight.data, trained_whole())


def raising(step):
    raise Interrupted


def trained_whole():
    net, sgd, stream, read = lesson()
    train(net, sgd, stream, 20, at=(), read=read)
    return net[0].weight.data


def test_a_run_that_diverges_says_where():
    net, _, stream, read = lesson()
    with np.errstate(all="ignore"):
        found = train(net, rp.SGD(net.parameters(), lr=1e30), stream, 50, at=(0, 50), read=read)
    assert found.diverged is not None
    assert 0 < found.diverged < 50
    assert [row["step"] for row in found.readings] == [0]


def test_batches_are_the_same_whenever_they_are_asked_for():
    x, y = np.arange(50, dtype=np.uint8)[:, None], np.arange(50)
    drawn, made = Drawn(x, y, 4, 0), Generated(lambda n, rng: (rng.normal(size=(n, 2)), np.zeros(n, int)), 4, 0)
    for stream in (drawn, made):
        first = [stream.batch(step) for step in (0, 5, 999, 1000, 2500)]
        for step, (xs, ys) in zip((2500, 0, 1000, 5, 999), [first[k] for k in (4, 0, 3, 1, 2)], strict=True):
            np.testing.assert_array_equal(stream.batch(step)[0], xs)
            np.testing.assert_array_equal(stream.batch(step)[1], ys)
    np.testing.assert_array_equal(first[0][0], made.batch(0)[0])
    xs, ys = drawn.batch(7)
    np.testing.assert_allclose(xs[:, 0], ys / 255, rtol=1e-6)       # bytes become numbers from 0 to 1
    assert xs.dtype == np.float32


def test_the_papers_digits_are_those_of_the_paper_file():
    x, y = rp.datasets.digits()
    order = np.random.default_rng(0).permutation(1797)
    np.testing.assert_array_equal(source("digits").train[0], x[order[:1297]])
    np.testing.assert_array_equal(source("digits").test[1], y[order[1297:]])
    assert digest("digits") is None


class Cluster:
    """A replacement for a Dask cluster, whose worker dies of the third run."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def submit(self, call, function, task, pure):
        future = Mock()
        future.exception.return_value = MemoryError("KilledWorker") if task[0].settings["k"] == 2 else None
        future.result = lambda: function(*task)
        return future


def test_a_run_that_a_cluster_gives_up_fails_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(as_completed=lambda futures: reversed(list(futures))))
    monkeypatch.setattr("retroprop.experiments.sweeps.workers.client", lambda scheduler: Cluster())
    found = run(trials(range(5)), Workers(backend="dask", scheduler="tcp://nowhere:1"), progress=False)
    assert [type(one) for one in found] == [Done, Done, Failed, Done, Done]
    assert found[2].error == "MemoryError: KilledWorker"


@pytest.mark.long
def test_a_dask_worker_that_dies_fails_its_run_and_the_rest_goes_on():
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
                                  silence_logs=50) as cluster:
        found = run([Trial(die, {"k": k}) for k in range(5)], Workers(backend="dask", scheduler=cluster.scheduler_address),
                    progress=False)
    assert isinstance(found[2], Failed)                             # and perhaps a run that waited in the same worker
    assert sum(isinstance(one, Done) for one in found) >= 2
    assert all("KilledWorker" in one.error for one in found if isinstance(one, Failed))
