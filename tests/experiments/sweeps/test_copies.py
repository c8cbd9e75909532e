"""Copies of a process carry out tasks as new processes would: results, errors, deaths, one thread of BLAS."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.sweeps import copies
from retroprop.experiments.sweeps.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux alone")

# A script: a test's own process has other threads where tests run in parallel, and is not copied then.
SCRIPT = """
import json, os, signal, sys, threading, traceback

import numpy as np
from threadpoolctl import threadpool_info

from retroprop.experiments.sweeps.copies import can_copy
from retroprop.experiments.sweeps.workers import Workers

class Told(Exception):
    def __init__(self, code, reason):                               # pickle cannot make it anew: it would give one argument
        super().__init__(f"{reason} ({code})")

class Local:
    def __reduce__(self):
        raise TypeError("no bytes for this")

def task(kind):
    if kind == "error":
        raise ValueError("of a task")
    if kind == "odd error":
        raise Told(3, "odd")
    if kind == "no bytes":
        return Local()
    if kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "interrupted":
        signal.raise_signal(signal.SIGINT)
    if kind == "overflow":
        return float(np.float32(1e38) * np.float32(1e38) > 1)
    return [kind, os.getpid(), [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]]

def failed(kind):
    try:
        list(Workers(2).run(task, [(kind,)] * 2))
    except Exception as error:
        return [type(error).__name__, str(error), "in task" in str(error.__cause__)]

def main():
    np.seterr(all="raise")                                          # which holds here, as in no worker
    loaded = []
    ahead = lambda: loaded.append(threading.active_count())
    found = {"results": sorted(Workers(2).run(task, [(k,) for k in range(9)], ahead=ahead))}
    found["lost"] = sorted(Workers(2).run(task, [("interrupted",), (1,)], lambda k, error: str(error)))
    found |= {kind: failed(kind) for kind in ("error", "odd error", "no bytes", "dies", "overflow")}
    found |= {"here": os.getpid(), "copied": can_copy(), "ahead": loaded, "files": len(os.listdir("/proc/self/fd")),
              "threads": task(0)[2]}
    Workers(2).run(task, [(k,) for k in range(9)]).close()          # of which none was asked for
    next(given_up := Workers(2).run(task, [(k,) for k in range(9)]))
    given_up.close()
    found["files after"] = len(os.listdir("/proc/self/fd"))
    print(json.dumps(found))

main()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    script = tmp_path_factory.mktemp("copies") / "script.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join([str(Path(rp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=False,
                          env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "2"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_task_is_done_once_by_one_of_two_copies_with_one_thread(found):
    assert found["copied"]
    assert [[k, kind] for k, (kind, *_) in found["results"]] == [[k, k] for k in range(9)]
    processes = {process for _, (_, process, _) in found["results"]}
    assert 1 <= len(processes) <= 2
    assert found["here"] not in processes
    if found["threads"]:
        assert {tuple(threads) for _, (_, _, threads) in found["results"]} == {(1,)}
        assert found["threads"] == [2]                              # as before


def test_what_is_wanted_ahead_has_ended_with_the_results_and_hinders_no_later_copies(found):
    assert found["ahead"] == [2]
    assert found["copied"]


def test_an_error_of_a_task_comes_with_the_place_where_it_was_raised(found):
    assert found["error"] == ["ValueError", "of a task", True]
    assert found["odd error"] == ["RetropropError", "Told: odd (3)", True]
    assert found["no bytes"][:2] == ["TypeError", "no bytes for this"]


def test_a_copy_that_dies_is_an_error_and_one_that_is_interrupted_has_no_result(found):
    assert found["dies"][1].startswith("a worker process died, perhaps because memory ran out")
    (_, lost), (_, (kind, *_)) = found["lost"]
    assert (lost, kind) == ("the worker process was interrupted before the run had ended", 1)


def test_errors_of_floats_are_those_of_a_new_process(found):
    assert found["overflow"][:2] == ["RuntimeWarning", "overflow encountered in scalar multiply"]


def test_copies_leave_no_files_open(found):
    assert found["files after"] == found["files"]


def test_a_process_with_other_threads_is_not_copied(monkeypatch):
    monkeypatch.setattr(copies.threading, "active_count", lambda: 2)
    assert not copies.can_copy()


def test_results_of_this_process_and_of_workers_are_equal():
    tasks = [(np.arange(3.0) + k,) for k in range(3)]
    assert dict(Workers(1).run(np.sum, tasks)) == dict(Workers(2).run(np.sum, tasks)) == {0: 3.0, 1: 6.0, 2: 9.0}
