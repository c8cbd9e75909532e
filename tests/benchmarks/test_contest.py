"""Workers compute the same, then they are timed; a run shows each part."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp
from benchmarks.contest import compete
from benchmarks.parts import PARTS
from benchmarks.parts.busy import processes
from benchmarks.settings import FAST
from benchmarks.workers import Failed
from benchmarks.workloads import WORKLOADS

ROOT = Path(rp.__file__).parent


class Given:
    """A worker with given values and times."""

    def __init__(self, folder, peer, values, us):
        self.folder, self.peer, self.values, self.us = folder, peer, values, us

    def ask(self, command, **arguments):
        if command == "build":
            if self.values is None:
                raise Failed("it has no such layer")
            return {"first_step_s": 0.5, "memory_mb": 1.0}
        if command == "measure":
            return self.us
        path = self.folder / f"{self.peer}.npz"
        np.savez(path, *self.values)
        return str(path)


@pytest.fixture
def race(tmp_path):
    def race(**values):
        workers = {peer.replace("_", "-"): Given(tmp_path, peer.replace("_", "-"), value, us)
                   for us, (peer, value) in enumerate(values.items(), 10)}
        return {row["peer"]: row for row in compete(WORKLOADS["W1"], workers, dict.fromkeys(workers, "by-hand"), FAST)}
    return race


def test_ratios_are_to_the_base(race):
    rows = race(by_hand=[np.ones(3)], torch=[np.ones(3)])
    assert rows["torch"]["ratio"] == {"median": 1.1, "low": 1.1, "high": 1.1}
    assert rows["torch"]["us"]["median"] == 11


def test_a_library_with_other_values_is_not_timed(race, capsys):
    assert race(by_hand=[np.ones(3)], torch=[np.ones(3) + 1e-3]).keys() == {"by-hand"}
    assert "PyTorch, foreach SGD is not timed: its values differ by 1.0e-03 of the largest" in capsys.readouterr().out


def test_a_library_that_cannot_do_the_work_is_named_and_the_others_go_on(race, capsys):
    assert race(by_hand=[np.ones(3)], sklearn=None, torch=[np.ones(3)]).keys() == {"by-hand", "torch"}
    assert "scikit-learn, 50 steps a call: it has no such layer" in capsys.readouterr().out


def test_a_failure_of_retroprop_is_raised(race):
    with pytest.raises(Failed, match="no such layer"):
        race(by_hand=[np.ones(3)], retroprop=None)


def test_busy_processes_end_with_the_measurement():
    with processes(1):
        pass                                                        # Popen's exit waits: it would hang for one that goes on


def test_plain_sgd_is_said():
    assert str(replace(WORKLOADS["W1"], momentum=0.0)) == "W1: 2-16-tanh-16-tanh-1, batch 32, plain SGD"


@pytest.mark.parametrize("part", [["steps"], pytest.param(list(PARTS), marks=pytest.mark.long)], ids=["steps", "all"])
def test_a_quick_run_without_other_libraries_writes_rows_of_each_part(part, tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--peer", "--part", *part, "--workload", "W1", "--threads", "1",
               "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "benchmarks.json").read_text())
    assert all(results[name] for name in part)
    assert {row["peer"] for row in results["steps"]} == {"retroprop", "by-hand", "floor"}
    assert all(row["error"] is None or row["error"] < 1e-6 for row in results["steps"])
