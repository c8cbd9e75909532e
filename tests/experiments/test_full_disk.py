"""A disk that is full, or a folder that cannot be written, costs no result."""

import errno
from pathlib import Path

import pytest

import retroprop as rp
from retroprop import files
from retroprop.__main__ import main
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import source
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Done, Trial
from retroprop.experiments.sweeps.workers import Workers

SMALL = ["--data", "blobs", "--init", "He", "Glorot", "--depth", "1", "--width", "4", "--epochs", "1", "--seeds", "2", "--jobs",
         "1"]


@pytest.fixture
def full(monkeypatch):
    """A function after whose call the disk is full: files can be created, but not be filled."""
    def sync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")      # as the system says it: without the name of the file

    return lambda: monkeypatch.setattr(files.os, "fsync", sync)


def test_the_table_is_printed_and_the_last_line_names_the_file(tmp_path, capsys, monkeypatch, full):
    from retroprop.experiments.compare import job
    run_all = job.run_all
    monkeypatch.setattr(job, "run_all", lambda *arguments: [run_all(*arguments), full()][0])
    assert main(["compare", *SMALL, "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert "Glorot" in out
    assert err.splitlines()[-1].startswith(f"retroprop: {tmp_path}")
    assert err.splitlines()[-1].endswith(": No space left on device")
    assert not list(tmp_path.iterdir())                             # no file in parts either


def test_in_a_script_the_results_are_an_attribute_of_the_error(tmp_path, monkeypatch):
    from retroprop.experiments.compare import job

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "write_report", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        rp.compare("blobs", init="He", depth=1, width=4, epochs=1, seeds=2, jobs=1, out=tmp_path, progress=False)
    assert [run.seed for run in caught.value.results.runs] == [0, 1]
    assert "the results are the attribute results of this error" in caught.value.__notes__[0]


@pytest.mark.parametrize("command", [["compare", "--jobs", "1"], ["look"], ["reproduce", "saxe2014"]], ids=lambda c: c[0])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(command, tmp_path, capsys, monkeypatch):
    def refused(path, content):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refused)
    assert main([*command, "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"retroprop: {tmp_path / 'out'}")
    assert err.endswith(": Read-only file system\n")


def square(*, k):
    return {"square": k * k}


def test_a_sweep_goes_on_with_runs_that_cannot_be_stored(tmp_path, capsys, full):
    store, trials = Store(tmp_path), [Trial(square, {"k": k}) for k in range(3)]
    sweep(trials[:1], Workers(1), store, progress=False)
    full()
    found = sweep(trials, Workers(1), store)
    assert [one.result["square"] for one in found] == [0, 1, 4]
    assert isinstance(found[2], Done)
    assert str(store.error) == f"[Errno 28] No space left on device: '{store.path(trials[1])}'"
    assert f"not stored: test_full_disk.square(k=2): {store.error}" in capsys.readouterr().err


def test_a_long_run_goes_on_without_checkpoints(tmp_path, monkeypatch, full):
    monkeypatch.setattr(loop, "EVERY", 0.0)
    full()
    net = rp.Sequential(rp.Linear(64, 10, rng=0))
    found = loop.train(net, rp.SGD(net.parameters(), lr=0.1), source("digits").stream(10, 0), 5, at=(5,), read=lambda step: {},
                       checkpoint=tmp_path / "run")
    assert [row["step"] for row in found.readings] == [5]
