"""fit with checkpoints that is killed (SIGKILL) at random moments: the resumed run has the bits of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from saved_runs import RUNS

import retroprop as rp

# Forks a run again and again, and kills it at a random moment; a run that ends says what it has computed.
KILLING = """
import os, random, signal, sys, time
from pathlib import Path
import saved_runs

def run(name, path):
    child = os.fork()
    if not child:
        digest, _ = saved_runs.trained(name, path, resume=True)
        path.with_suffix(".txt").write_text(digest)
        os._exit(0)
    return child

name, folder, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
start = time.perf_counter()
whole, _ = saved_runs.trained(name, folder / "whole.safetensors")
seconds, killed, found, k = time.perf_counter() - start, 0, [], 0
while killed < kills or not found:
    path, done = folder / f"{k}.safetensors", False
    while not done:
        child = run(name, path)
        if killed < kills:
            time.sleep(random.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        done = path.with_suffix(".txt").exists()
    found.append(path.with_suffix(".txt").read_text())
    k += 1
print(killed, len(found), *{*found, whole})
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(("name", "kills"), [
    ("adam", 1), pytest.param("adam", 20, marks=pytest.mark.long),
    *(pytest.param(name, 50, marks=pytest.mark.long) for name in RUNS)])
def test_a_killed_run_is_resumed_with_the_bits_of_one_that_was_not(name, kills, tmp_path):
    folders = Path(__file__).parent, Path(rp.__file__).parents[1], os.environ.get("PYTHONPATH", "")
    where = os.pathsep.join(map(str, folders))
    options = ["-W", "error", "-W", "ignore::DeprecationWarning"]   # of fork, which Python 3.12 takes for dangerous
    said = subprocess.run([sys.executable, *options, "-c", KILLING, name, str(tmp_path), str(kills)], text=True, check=True,
                          stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": where, "OPENBLAS_NUM_THREADS": "1"})
    killed, ended, *digests = said.stdout.split()
    assert (int(killed) >= kills, int(ended) >= 1, len(digests)) == (True, True, 1)
