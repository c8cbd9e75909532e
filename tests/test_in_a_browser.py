"""What a browser lacks: BLAS in NumPy, integers of 64 bits for indices, processes, locks, and some packages.

These tests take each away. ``.ci/pyodide.mjs`` runs the library in Pyodide itself.
"""

import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import arguments, files, progress
from retroprop.experiments.sweeps import workers
from retroprop.modules.core.arrays import dot, matmul, product_without_blas

LAYOUTS = {"rows": np.ascontiguousarray, "columns": np.asfortranarray, "steps": lambda a: np.repeat(a, 2, 1)[:, ::2]}


@pytest.mark.parametrize("missing", [None, "scipy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_without_blas_are_those_of_numpy_in_any_layout(dtype, missing, monkeypatch):
    if missing:
        monkeypatch.setitem(sys.modules, "scipy.linalg.blas", None)
    product, rng = product_without_blas(), np.random.default_rng(0)
    for n, k, m in ((5, 3, 4), (1, 1, 1), (6, 100, 90)):
        a, b = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
        for first, second, third in itertools.product(LAYOUTS.values(), repeat=3):
            out = third(np.full((n, m), np.nan, dtype))             # what was there before is not read
            assert product(first(a), second(b), out) is out
            assert_allclose(out, a @ b, rtol=1e-5, atol=1e-5)
            assert_allclose(product(first(a), second(b)), a @ b, rtol=1e-5, atol=1e-5)
            assert_allclose(product(a[0], second(b)), a[0] @ b, rtol=1e-5, atol=1e-5)
            assert_allclose(product(first(a), b[:, 0], np.empty(n, dtype)), a @ b[:, 0], rtol=1e-5, atol=1e-5)
    assert product(np.ones((0, 3), dtype), np.ones((3, 2), dtype)).shape == (0, 2)


def test_elsewhere_products_are_those_of_numpy():
    assert (dot, matmul) == (np.ndarray.dot, np.matmul)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_needs_no_scipy(dtype, monkeypatch):
    """The standard library's Φ agrees with SciPy's, far into the left tail, where both phases use exp(z²) erfc(z)."""
    x = np.concatenate([np.linspace(-60, 9, 500), [-1e4, 0, 1e4]]).astype(dtype).reshape(1, -1)
    found = []
    for _ in range(2):
        module = rp.GELU()
        found.append((module.forward(x), module.backward(np.ones_like(x))))
        monkeypatch.setitem(sys.modules, "scipy.special", None)
    assert_allclose(*found, rtol=1e-6 if dtype == "float32" else 1e-12, atol=0)


@pytest.mark.parametrize("write", [rp.save, rp.save_model, rp.load])
def test_files_of_networks_say_which_package_is_missing(write, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(rp.RetropropError, match="files of networks need the package safetensors: pip install") as error:
        write(rp.Sequential(rp.Linear(2, 2, rng=0)), tmp_path / "net.safetensors")
    assert isinstance(error.value, ImportError)
    assert not list(tmp_path.iterdir())


def test_training_needs_no_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    net = rp.Sequential(rp.Linear(2, 2, rng=0))
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.xor(20, rng=0), epochs=1)
    progress.progress_bar(3, "run", True).write("said", file=sys.stdout)
    assert capsys.readouterr().out == "said\n"


def test_without_threads_tqdm_has_no_monitor(monkeypatch):
    import tqdm
    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 10)
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    assert progress.place() is tqdm.tqdm
    assert tqdm.tqdm.monitor_interval == 10
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert progress.place().monitor_interval == 0


def test_runs_are_done_in_this_process_whatever_jobs_is(monkeypatch):
    monkeypatch.setattr(workers, "IN_BROWSER", True)
    monkeypatch.setattr("retroprop.experiments.sweeps.threads.IN_BROWSER", True)
    monkeypatch.setitem(sys.modules, "joblib", None)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    here = []
    for jobs in (None, 2):
        assert dict(workers.Workers(jobs).run(lambda k: here.append(k) or -k, [(3,), (4,)])) == {0: -3, 1: -4}
    assert here == [3, 4, 3, 4]


def test_files_are_written_where_there_are_no_locks(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "msvcrt" if sys.platform == "win32" else "fcntl", None)
    files.write(tmp_path / "text", "content")
    assert (tmp_path / "text").read_text() == "content"


def test_integers_of_any_width_are_counted():
    for dtype in ("int64", "int32", "uint8"):
        assert_array_equal(arguments.bincount(np.array([0, 2, 2], dtype), minlength=4), [1, 0, 2, 0])
