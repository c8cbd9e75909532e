"""Processes that are killed: no worker outlives the sweep, and nothing that had ended is lost."""

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
from retroprop.experiments.sweeps.progress import read_progress

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
PATH = os.pathsep.join([str(Path(rp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])


def living(session):
    """The processes of a session that have not ended; one that nobody has waited for yet has."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session, *_ = path.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):                               # it has just ended
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def until(what, patience=30.0):
    """Wait until ``what()`` is true; return whether it is."""
    end = time.monotonic() + patience
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(what())


def started(folder, *command):
    """Start Python in a session of its own; its modules may be in ``folder``."""
    return subprocess.Popen([sys.executable, *map(str, command)], cwd=folder, start_new_session=True, text=True,
                            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), PATH])},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# Workers are copies of the process or, where another thread runs in it, new processes.
KINDS = {"copies": "",
         "new processes": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"}

# Runs that say which process they are in, then last for a minute.
LASTING = """
import os, sys, time
from pathlib import Path

from retroprop.experiments.sweeps.workers import Workers

def lasting(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    __MAIN__
    import lasting
    list(Workers(2).run(lasting.lasting, [(sys.argv[1],)] * 2))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_worker_outlives_a_killed_sweep(kind, tmp_path):
    (tmp_path / "lasting.py").write_text(LASTING.replace("__MAIN__", KINDS[kind]))
    (tmp_path / "pids").mkdir()
    process = started(tmp_path, "lasting.py", tmp_path / "pids")
    assert until(lambda: len(list((tmp_path / "pids").iterdir())) == 2)
    workers = {int(path.name) for path in (tmp_path / "pids").iterdir()}
    assert workers < set(living(process.pid))
    process.kill()
    process.communicate()
    assert until(lambda: not living(process.pid), 5)                # nor the processes that watch resources


# The command, which also says when runs have ended.
SAYING = """
import sys
from contextlib import contextmanager
from types import SimpleNamespace

from retroprop.__main__ import main
from retroprop.experiments.compare import job

@contextmanager
def progress_bar(*_):
    yield SimpleNamespace(update=lambda: print("ended", file=open("ended", "w")))

job.progress_bar = progress_bar
if __name__ == "__main__":
    __MAIN__
    sys.exit(main(["compare", "--data", "moons", "--depth", "1", "--seeds", "10000", "--jobs", "2"]))
"""


@pytest.mark.parametrize(("sent", "status", "word", "kind"), [
    (signal.SIGTERM, 143, "terminated", "copies"),
    pytest.param(signal.SIGINT, 130, "interrupted", "copies", marks=pytest.mark.long),
    pytest.param(signal.SIGTERM, 143, "terminated", "new processes", marks=pytest.mark.long)],
    ids=["terminated", "interrupted", "terminated, new processes"])
def test_a_command_that_is_stopped_says_so_and_leaves_nothing_behind(sent, status, word, kind, tmp_path):
    (tmp_path / "saying.py").write_text(SAYING.replace("__MAIN__", KINDS[kind]))
    process = started(tmp_path, "saying.py")
    assert until((tmp_path / "ended").exists)                       # its workers hold all that runs need
    assert len(living(process.pid)) >= 3                            # itself and two workers; perhaps what watches resources
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)       # as a terminal does
    out, err = process.communicate()
    assert (process.returncode, out, err) == (status, "", f"retroprop: {word}\n")
    assert until(lambda: not living(process.pid), 5)


# A script with a sweep to be killed; its runs take a tenth of a second and log when they begin and end.
KILLED = """
import sys, time
from pathlib import Path

from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Trial
from retroprop.experiments.sweeps.workers import Workers

def slow(*, k, log):
    say(log, f"begin {k}")
    time.sleep(0.1)
    say(log, f"end {k}")
    return {"square": k * k}

def say(log, word):
    with open(log, "a", encoding="utf-8") as file:
        file.write(word + "\\n")

def main(folder):
    trials = [Trial(slow, {"k": k, "log": str(folder / "log")}) for k in range(12)]
    return sweep(trials, Workers(2), Store(folder / "runs"), progress=False)

if __name__ == "__main__":
    import killed
    killed.main(Path(sys.argv[1]))
"""


@pytest.mark.long
def test_a_killed_sweep_goes_on_and_loses_only_the_runs_in_flight(tmp_path):
    """SIGKILL at a random moment: finished runs are stored, except those on their way to the store, and never repeated."""
    (tmp_path / "killed.py").write_text(KILLED)
    log, runs = tmp_path / "log", tmp_path / "runs"
    process = started(tmp_path, "killed.py", tmp_path)
    assert until(log.exists)
    time.sleep(np.random.default_rng().uniform(0.05, 0.5))
    process.kill()
    process.communicate()
    assert until(lambda: not living(process.pid), 5)
    words = log.read_text().split("\n")
    ended = sum(word.startswith("end") for word in words)
    kept = {json.loads(path.read_text())["of"]["settings"]["k"] for path in runs.glob("*.json")}
    assert 0 <= ended - len(kept) <= 2                              # two workers: at most two results were on their way
    log.write_text("")
    again = started(tmp_path, "killed.py", tmp_path)
    again.communicate()
    assert again.returncode == 0
    begun = [int(word.split()[1]) for word in log.read_text().split("\n") if word.startswith("begin")]
    assert sorted(begun) == sorted(set(range(12)) - kept)
    assert len(list(runs.glob("*.json"))) == 12


ENDLESS = """
import sys
from pathlib import Path

import retroprop as rp
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import source
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.sweep import sweep
from retroprop.experiments.sweeps.trials import Trial
from retroprop.experiments.sweeps.workers import Workers

loop.EVERY = 0.05

def endless(*, seed, checkpoint=None):
    net = rp.Sequential(rp.Linear(64, 10, rng=seed))
    loop.train(net, rp.SGD(net.parameters(), lr=0.1), source("digits").stream(10, seed), 10**9, at=(), read=dict,
               checkpoint=checkpoint)

def main(folder):
    trials = [Trial(endless, {"seed": seed}, True) for seed in range(2)]
    sweep(trials, Workers(2), Store(folder / "runs"), progress=False)

if __name__ == "__main__":
    import endless
    endless.main(Path(sys.argv[1]))
"""


@pytest.mark.long
def test_long_runs_of_a_killed_sweep_keep_their_last_checkpoints(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    process = started(tmp_path, "endless.py", tmp_path)

    def saved():
        found = {path.name: read_progress(path) for path in tmp_path.glob("runs/*.unfinished")}
        return {name: progress.step for name, progress in found.items() if progress}

    assert until(lambda: len(saved()) == 2)
    before = saved()
    process.kill()
    process.communicate()
    assert until(lambda: not living(process.pid), 5)
    after = saved()
    assert all(after[name] >= step > 0 for name, step in before.items())
