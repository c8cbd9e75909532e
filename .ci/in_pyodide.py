"""What the library does in a browser: .ci/pyodide.mjs runs these functions, in this order, in Pyodide."""

import itertools
import pickle
import sys
import tempfile
from pathlib import Path

import numpy as np

import retroprop as rp
from retroprop.modules.core.arrays import dot, product_without_blas

ABSENT = ("safetensors", "joblib", "threadpoolctl", "tqdm")


def check_products(product):
    """``product`` multiplies matrices in any layout, into arrays of any layout and content, as NumPy does."""
    rng = np.random.default_rng(0)
    layouts = (np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, 1)[:, ::2])
    for dtype, (n, k, m) in itertools.product(("f", "d"), ((5, 3, 4), (1, 2, 1), (40, 100, 90))):
        a, b = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
        tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "f" else {"rtol": 1e-9, "atol": 1e-12}
        for first, second, third in itertools.product(layouts, repeat=3):
            out = third(np.full((n, m), np.nan, dtype))
            assert product(first(a), second(b), out) is out
            np.testing.assert_allclose(out, a @ b, **tolerance)
            np.testing.assert_allclose(product(first(a), second(b)), a @ b, **tolerance)
    assert product(np.ones((0, 3), "f"), np.ones((3, 2), "f")).shape == (0, 2)


def with_numpy_alone():
    """Training needs NumPy and lazy_loader; GELU needs no SciPy; ``save`` names what it needs."""
    x, y = rp.datasets.moons(400, noise=0.1, rng=0)
    for activation in (rp.Tanh, rp.GELU):
        net = rp.Sequential(rp.Linear(2, 16, rng=0), activation(), rp.Linear(16, 16, rng=1), activation(),
                            rp.Linear(16, 2, rng=2))
        rp.fit(net, rp.CrossEntropy(), rp.Adam(net.parameters(), lr=0.01), (x, y), epochs=40, rng=0)
        accuracy = rp.accuracy(net.predict(x), y)
        assert accuracy >= 0.97, accuracy
    images, labels = (array[:100] for array in rp.datasets.digits())
    orthogonal = rp.initializers.Orthogonal()
    wide = rp.Sequential(rp.Linear(64, 600, weight_init=orthogonal, rng=0), rp.ReLU(), rp.Linear(600, 600, rng=1), rp.ReLU(),
                         rp.Linear(600, 10, rng=2))                 # elsewhere threads would divide its products and its steps
    convolutional = rp.Sequential(rp.Conv2d(1, 16, 3, padding=1, rng=0), rp.MaxPool2d(2), rp.Flatten(),
                                  rp.Linear(256, 10, rng=1))
    for large, shape in ((wide, (64,)), (convolutional, (1, 8, 8))):
        history = rp.fit(large, rp.CrossEntropy(), rp.SGD(large.parameters(), lr=0.05, momentum=0.9),
                         (images.reshape(-1, *shape), labels), epochs=3, batch_size=10, clip=10.0, rng=0)
        assert history["cost"][-1] < history["cost"][0]
    check_products(dot)
    loaded = {"scipy", "matplotlib", *ABSENT} & set(sys.modules)
    assert not loaded, loaded
    for write in (rp.save, rp.save_model):
        try:
            write(net, "net.safetensors")
            raise AssertionError(f"{write.__name__} wrote a file without safetensors")
        except ImportError as error:
            said = str(error)
        assert "need the package safetensors: pip install safetensors" in said, said
        assert not Path("net.safetensors").exists()
    return f"moons: {accuracy:.1%} correct"


def with_scipy_and_matplotlib():
    """``compare`` works in this process, whatever ``jobs`` is; figures are drawn; networks can be pickled."""
    check_products(product_without_blas())
    with tempfile.TemporaryDirectory() as folder:
        found = rp.compare(data="moons", epochs=4, seeds=2, jobs=2, progress=True, out=folder)
        assert {"report.html", "results.csv", "learning-curves.png"} <= {path.name for path in Path(folder).iterdir()}
        import matplotlib as mpl
        from matplotlib.figure import Figure
        mpl.use("agg")                                              # Pyodide's own backend needs a window
        net = rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 2, rng=1))
        figure = rp.plots.decision_boundary(net, *rp.datasets.moons(100, rng=0)).figure
        assert isinstance(figure, Figure)
        figure.savefig(f"{folder}/figure.png")
    assert str(pickle.loads(pickle.dumps(net))) == str(net)
    return f"compare: {found.finding}"
