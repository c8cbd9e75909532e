"""Loggers: every epoch of the history in a file, once, whatever ends the run."""

import csv
import json
import math
import struct
import sys
from copy import deepcopy
from types import SimpleNamespace

import interrupts
import pytest
from numpy.testing import assert_allclose

import retroprop as rp
from retroprop.training.watching import loggers

NAMES = ("run.csv", "run.jsonl", "board")


def logger(folder, name, **options):
    if name == "board":
        pytest.importorskip("tensorboardX", reason="needs the extra tensorboard")
    folder.mkdir(exist_ok=True)
    return {"run.csv": rp.CSVLog, "run.jsonl": rp.JSONLog, "board": rp.TensorBoard}[name](folder / name, **options)


def rows(folder, name):
    """The rows of a log as dicts of numbers, by readers that know nothing of this library."""
    if name == "run.csv":
        with (folder / name).open(newline="", encoding="utf-8") as file:
            return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    if name == "run.jsonl":
        return [json.loads(row) for row in (folder / name).read_text(encoding="utf-8").splitlines()]
    return [{"epoch": event.step} | {value.tag: value.simple_value for value in event.summary.value}
            for event in events(folder / name / loggers.EVENTS) if not event.file_version]


def events(path):
    from tensorboardX.proto.event_pb2 import Event
    with path.open("rb") as file:
        while header := file.read(12):
            size, _ = struct.unpack("<QI", header)
            body, _ = file.read(size), file.read(4)
            yield Event.FromString(body)


def trained(*callbacks, epochs=3, resume=False):
    net = rp.Sequential(rp.Linear(2, 2, rng=0))
    return rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.moons(40, rng=0), epochs=epochs,
                  rng=0, callbacks=callbacks, resume=resume)


def history(epochs, **columns):
    made = rp.History()
    made.update(epoch=[float(epoch) for epoch in range(1, epochs + 1)], cost=[1 / epoch for epoch in range(1, epochs + 1)],
                **columns)
    return made


def run(made):
    return SimpleNamespace(history=made, resume=bool(made["epoch"]))


@pytest.mark.parametrize("name", NAMES)
def test_each_epoch_is_in_the_file_when_it_has_ended(tmp_path, name):
    seen = []
    log = logger(tmp_path, name)
    made = trained(log, lambda run: seen.append(len(rows(tmp_path, name))))
    assert seen == [1, 2, 3]
    for k, row in enumerate(rows(tmp_path, name)):
        assert row["epoch"] == k + 1
        assert_allclose([row["cost"], row["seconds"]], [made["cost"][k], made["seconds"][k]], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_goes_on_has_each_epoch_once(tmp_path, name):
    """The process was killed in epoch 5, with half a row in the file; the checkpoint is of epoch 3."""
    log, made = logger(tmp_path, name), history(0)
    log.before_training(run(made))
    for epoch in range(1, 6):
        made.append({"epoch": float(epoch), "cost": 1 / epoch})
        log.after_epoch(run(made))
    with log.path.open("r+b") as file:
        file.truncate(log.path.stat().st_size - 3)
    again = logger(tmp_path, name)
    again.before_training(run(history(3)))
    assert [row["epoch"] for row in rows(tmp_path, name)] == [1, 2, 3]
    again.after_epoch(run(history(4)))
    again.after_training(run(history(4)))
    assert [row["epoch"] for row in rows(tmp_path, name)] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("every", [2, "3 steps"])
def test_a_run_that_fit_resumes_has_the_file_of_one_that_was_not_interrupted(tmp_path, name, every):
    def crash(run):
        if run.epoch == 4:
            raise RuntimeError

    trained(logger(tmp_path / "whole", name), epochs=6)
    path = tmp_path / "run.safetensors"
    with pytest.raises(RuntimeError):
        trained(logger(tmp_path, name), crash, rp.Checkpoint(path, every), epochs=6)
    assert len(rows(tmp_path, name)) == 4
    made = trained(logger(tmp_path, name), rp.Checkpoint(path), epochs=6, resume=True)
    found, whole = ([{key: value for key, value in row.items() if key != "seconds"} for row in rows(folder, name)]
                    for folder in (tmp_path, tmp_path / "whole"))
    assert found == whole
    assert_allclose([row["seconds"] for row in rows(tmp_path, name)], made["seconds"], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_epochs_that_a_file_lacks_come_from_the_history(tmp_path, name):
    log = logger(tmp_path, name)
    log.before_training(run(history(3, late=[7.0])))
    found = [(row["epoch"], row["cost"], row.get("late", 0)) for row in rows(tmp_path, name)]
    assert_allclose(found, [(1, 1, 0), (2, 1 / 2, 0), (3, 1 / 3, 7)], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_that_comes_later_is_empty_before(tmp_path, name):
    def late(run):
        if run.epoch > 1:
            run.history.setdefault("a, b", []).append(run.epoch / 2)

    trained(late, logger(tmp_path, name))
    assert [row.get("a, b") for row in rows(tmp_path, name)] == [None, 1, 1.5]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_any_line_loses_no_row_and_doubles_none(tmp_path, name, late, stride):
    def act(log):
        made = history(1)
        made.append({"epoch": 2.0, "cost": 0.5} | ({"late": 3.0} if late else {}))
        log.after_epoch(run(made))
        return made

    begun = logger(tmp_path, name)
    begun.before_training(run(history(1)))
    before = begun.path.read_bytes()
    for stop in range(0, interrupts.lines_of(lambda: act(deepcopy(begun))), stride):
        begun.path.write_bytes(before)
        log = deepcopy(begun)
        interrupts.interrupted(lambda log=log: act(log), stop)
        made = history(2, late=[3.0]) if late else history(2)
        log.after_training(run(made))
        assert [row.get("late", row["epoch"]) for row in rows(tmp_path, name)] == [1, 3 if late else 2]


@pytest.mark.parametrize("name", NAMES)
def test_an_older_log_is_replaced_on_request_only(tmp_path, name):
    trained(logger(tmp_path, name))
    log = logger(tmp_path, name)
    before = log.path.read_bytes()
    with pytest.raises(rp.ArgumentError, match=r"path must be a new file, or .*, which exists; overwrite=True replaces it"):
        trained(log)
    assert log.path.read_bytes() == before
    trained(logger(tmp_path, name, overwrite=True), epochs=2)
    assert [row["epoch"] for row in rows(tmp_path, name)] == [1, 2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"name,age\na,3\n", b"hello", b"\n\n", b"\xff\xfe\x00", b'[{"epoch": 1}]\n'])
def test_files_of_other_kinds_are_never_replaced(tmp_path, name, content):
    log = logger(tmp_path, name, overwrite=True)
    log.path.parent.mkdir(exist_ok=True)
    log.path.write_bytes(content)
    for made in (history(0), history(3)):
        with pytest.raises(rp.ArgumentError, match=r"path must be a new file or .* which is something else: "):
            log.before_training(run(made))
    assert log.path.read_bytes() == content


def test_numbers_that_json_lacks_are_null_and_others_exact(tmp_path):
    log = rp.JSONLog(tmp_path / "run.jsonl")
    log.before_training(run(history(0)))
    log.after_epoch(run(history(1, a=[math.nan], b=[math.inf], c=[0.1 + 0.2], d=["é"])))
    assert rows(tmp_path, "run.jsonl") == [{"epoch": 1, "cost": 1, "a": None, "b": None, "c": 0.1 + 0.2, "d": "é"}]


def test_a_row_that_cannot_be_written_is_written_later(tmp_path, monkeypatch):
    """A full disk ends no training: one warning, and the row follows."""
    log = rp.CSVLog(tmp_path / "run.csv")
    trained(log, epochs=1)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("retroprop.training.watching.logs.cut", full)
        with pytest.warns(UserWarning, match=r"run\.csv: a row cannot be written, and training goes on without"):
            log.after_epoch(run(history(2)))
        log.after_epoch(run(history(3)))
    log.after_epoch(run(history(4)))
    assert [row["epoch"] for row in rows(tmp_path, "run.csv")] == [1, 2, 3, 4]


def test_a_folder_that_is_missing_is_told_before_training(tmp_path):
    with pytest.raises(FileNotFoundError):
        trained(rp.CSVLog(tmp_path / "none" / "run.csv"))
    with pytest.raises(rp.ArgumentError, match="CSVLog: path must be a str or a Path, got None"):
        rp.CSVLog(None)


def test_without_its_extra_tensorboard_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(rp.ArgumentError, match=r"TensorBoard needs the extra .*: pip install 'retroprop\[tensorboard\]'"):
        rp.TensorBoard("board")
