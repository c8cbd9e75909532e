"""In this process each BLAS has one thread while a task runs, whenever it was loaded, and as many as before afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import retroprop as rp

TASKS = """
import json, os

from threadpoolctl import threadpool_info

from retroprop.experiments.sweeps.workers import Workers

def threads(load=False):
    if load:
        import scipy.linalg
    return sorted(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")

found = [threads()]
for load in (False, True, False):                                   # SciPy has a BLAS of its own
    found += [result for _, result in Workers(1).run(threads, [(load,)])] + [threads()]
print(json.dumps([found, os.environ["OPENBLAS_NUM_THREADS"]]))
"""


def test_a_blas_that_is_loaded_later_has_one_thread_too():
    pytest.importorskip("threadpoolctl")
    path = os.pathsep.join([str(Path(rp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", TASKS], env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "2"},
                          capture_output=True, text=True, check=True)
    found, variable = json.loads(done.stdout)
    if found[0] != [2] or len(found[-1]) < 2:
        pytest.skip("NumPy and SciPy share a BLAS, or have none whose threads can be counted")
    assert found == [[2], [1], [2], [1, 1], [2, 2], [1, 1], [2, 2]]
    assert variable == "2"
