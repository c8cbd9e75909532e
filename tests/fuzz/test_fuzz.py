"""A small sample of what ``python tests/fuzz --mutations 100000`` does; and the command notices what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine import fuzz, mutation
from kept_files import Runs
from targets import TARGETS, sandbox

import retroprop as rp
from retroprop.experiments.sweeps.store import Store

SAMPLE = {"states": 40, "idx": 40, "mnist": 20, "npz": 40, "runs": 30, "progress": 20, "scripts": 15, "tables": 60,
          "models": 20, "onnx": 60}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_give_right_results_or_clear_errors_in_little_memory(name):
    report = fuzz(name, SAMPLE[name], seed=2018)
    assert report.failures == []
    assert sum(report.outcomes.values()) == SAMPLE[name]
    assert report.memory < 1


def raising(error):
    def read(*_):
        raise error
    return read


@pytest.mark.parametrize(("find", "text"), [
    (raising(KeyError("seconds")), "KeyError: 'seconds'"),
    (raising(rp.StateError("one\ntwo")), "a message of several lines"),
    (raising(rp.DataError("got <object object at 0x7f>")), "a message with an address"),
    (raising(rp.DataError("?")), "a message of 1 characters: ?"),
    (lambda *_: json.loads('{"result": 3}'), "Wrong: the run came back as {'result': 3}"),
    (lambda *_: bytes(2**22) and None, "times the memory that is allowed"),
])
def test_the_command_notices_what_is_wrong_and_keeps_the_bytes(tmp_path, monkeypatch, find, text):
    place = sandbox(tmp_path / "again", "runs")
    read = Runs.read
    monkeypatch.setattr(Runs, "read", lambda self, content: content == self.whole or read(self, content))
    monkeypatch.setattr(Store, "find", find)
    report = fuzz("runs", 3, failed=tmp_path)
    assert [k for k, _ in report.failures] == [0, 1, 2]
    assert all(text in wrong for _, wrong in report.failures)
    assert (tmp_path / "runs-0-1").read_bytes() == mutation(place, 0, 1)


@pytest.mark.long
def test_the_command_runs_each_target_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, str(Path(__file__).parent), "--mutations", "6", "--only", "idx", "runs", "--failed", "bad"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ, check=True)
    assert [line.partition(" mutations")[0] for line in done.stdout.splitlines()] == ["idx: 3", "runs: 3"]
    assert os.listdir(tmp_path / "bad") == []


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_thousands_of_mutated_files(name):
    report = fuzz(name, 3000, seed=1)
    assert report.failures == []
