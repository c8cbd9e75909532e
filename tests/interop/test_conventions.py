"""The page on the conventions of libraries: it is that of its table, and what it says of this library is so."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp

DOCS = Path(__file__).parents[2] / "docs"
if not (DOCS / "conventions.csv").exists():
    pytest.skip("the pages are not beside these tests", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("conventions_page", DOCS / "conventions.py")
PAGE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PAGE)
ROWS = PAGE.read()
X = np.array([[1.0, 2], [3, 2], [5, 2], [7, 9]])


def test_the_page_is_that_of_the_table():
    assert (DOCS / "conventions.md").read_text(encoding="utf-8") == PAGE.page(ROWS)


def test_each_row_says_how_a_model_is_moved_and_each_library_has_a_version():
    assert [row for row in ROWS if not row.there or bool(row.move) == (row.libraries == PAGE.OURS)] == []
    libraries = {name for row in ROWS for name in row.libraries.split(", ")} - {PAGE.OURS}
    assert libraries == set(PAGE.VERSIONS)
    for subject in {row.subject for row in ROWS}:
        names = [name for row in ROWS if row.subject == subject for name in row.libraries.split(", ")]
        assert len(names) == len(set(names))                        # no library has two conventions


def slope(module, at):
    module.forward(np.array([[at]]))
    return module.backward(np.ones((1, 1))).item()


def step(kind, gradients, **options):
    """The change of a parameter by each of the gradients."""
    net = rp.Linear(1, 1, bias=False, dtype="float64", rng=0)
    optimizer, before, changes = kind(net.parameters(), **options), net.weight.data.item(), []
    for g in gradients:
        net.forward(np.array([[g]]))
        net.backward(np.ones((1, 1)))
        net.update()
        optimizer.step()
        changes.append(net.weight.data.item() - before)
        before = net.weight.data.item()
    return changes


def dense():
    assert rp.Linear(3, 4).weight.shape == (4, 3)


def momentum_of_norm():
    norm = rp.BatchNorm(2)
    norm.forward(X)
    assert_allclose(norm.running_mean, 0.1 * X.mean(0), rtol=1e-6)


def eps_of_norm():
    assert rp.BatchNorm(2).eps == 1e-5


def variance_of_norm():
    for unbiased in (True, False):
        norm = rp.BatchNorm(2, eps=1e-12, dtype="float64", unbiased=unbiased)
        assert_allclose(norm.forward(X).var(0), 1)
        assert_allclose(norm.running_var, 0.9 + 0.1 * X.var(0, ddof=unbiased))


def batch_of_one():
    with pytest.raises(rp.ShapeError):
        rp.BatchNorm(2).forward(X[:1])
    net = rp.Sequential(rp.Linear(2, 2, rng=0), rp.BatchNorm(2))
    rp.fit(net, rp.MSE(), rp.SGD(net.parameters(), lr=0.1), (X, X), epochs=1, batch_size=3, progress=False)


def bce():
    loss = rp.BCE()
    assert loss.forward(np.array([[0.0]]), np.array([[1]])) == loss.forward(np.array([[1.0]]), np.array([[0]])) == 100
    assert_allclose(loss.backward(), 1e12)


def classes():
    with pytest.raises(rp.DataError):
        rp.CrossEntropy().forward(X, [0, 1, 2, 0])


def smoothing():
    """The value of PyTorch's, Keras's and optax's cross-entropy with smoothing 0.3."""
    soft = 0.7 * np.array([[1.0, 0, 0]]) + 0.3 / 3
    assert_allclose(rp.CrossEntropy().forward(np.array([[2.0, 0, -1]]), soft), 0.669846, rtol=1e-6)


def squared():
    assert rp.MSE().forward(np.array([[1.0, 3.0]]), np.zeros((1, 2))) == 5


def huber():
    assert [rp.Huber().forward(np.array([[d]]), np.zeros((1, 1))) for d in (0.5, 3.0)] == [0.125, 2.5]


def adam():
    assert_allclose(step(rp.Adam, [1e-4], lr=0.1, eps=1e-3), -0.1 * 1e-4 / (1e-4 + 1e-3))
    assert step(rp.Adam, [0.3]) == step(rp.Adam, [0.3], eps=1e-8)


def adamw():
    assert step(rp.AdamW, [0.3]) == step(rp.AdamW, [0.3], weight_decay=0.01) != step(rp.Adam, [0.3])


def rmsprop():
    assert_allclose(step(rp.RMSprop, [1e-4], lr=0.1, eps=1e-3), -0.1 * 1e-4 / (0.1 * 1e-4 + 1e-3))
    assert step(rp.RMSprop, [0.3]) == step(rp.RMSprop, [0.3], alpha=0.99, eps=1e-8)


def adagrad():
    assert_allclose(step(rp.Adagrad, [1e-4], lr=0.1, eps=1e-3), -0.1 * 1e-4 / (1e-4 + 1e-3))
    assert step(rp.Adagrad, [0.3]) == step(rp.Adagrad, [0.3], eps=1e-10)


def momentum():
    net = rp.Linear(1, 1, bias=False, rng=0)
    sgd, before = rp.SGD(net.parameters(), lr=1, momentum=0.5), net.weight.data.item()
    for rate in (1, 0):
        sgd.groups[0]["lr"] = rate
        net.forward(np.ones((1, 1)))
        net.backward(np.ones((1, 1)))
        net.update()
        sgd.step()
    assert_allclose(net.weight.data.item() - before, -1)            # Keras: -1.5


def decay():
    for decay_biases in (True, False):
        net = rp.Linear(1, 1, rng=0)
        net.bias.data[:] = 1
        sgd = rp.SGD(net.parameters(), lr=1, weight_decay=0.5, decay_biases=decay_biases)
        net.forward(np.zeros((1, 1)))
        net.backward(np.zeros((1, 1)))
        net.update()
        sgd.step()
        assert net.bias.data.item() == (0.5 if decay_biases else 1)


def gelu():
    from scipy.special import ndtr
    x = np.linspace(-6, 6, 1001)
    assert_allclose(rp.GELU().forward(x), x * ndtr(x), atol=1e-12)
    other = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    assert 4.7e-4 < np.abs(other - x * ndtr(x)).max() < 4.8e-4


def leaky():
    assert rp.LeakyReLU().slope == 0.01


def softplus():
    assert_allclose(rp.Softplus().forward(np.array([-20.0])), np.log1p(np.exp(-20)), rtol=1e-12)


def tanh():
    assert_allclose(rp.Tanh().forward(X), np.tanh(X))


def dropout():
    with pytest.raises(rp.ArgumentError):
        rp.Dropout(1)


def corners():
    assert [slope(rp.ReLU(), 0.0), slope(rp.HardTanh(), 1.0), slope(rp.HardTanh(), -1.0)] == [0, 0, 0]
    assert [slope(rp.LeakyReLU(0.2), 0.0), slope(rp.ELU(0.7), 0.0)] == [0.2, 0.7]
    loss = rp.L1()
    loss.forward(np.ones((1, 1)), np.ones((1, 1)))
    assert loss.backward() == 0


def maxima():
    pool = rp.MaxPool2d(2)
    pool.forward(np.ones((1, 1, 2, 2)))
    assert sorted(pool.backward(np.ones((1, 1, 1, 1))).reshape(-1)) == [0, 0, 0, 1]


def cosine():
    net = rp.Linear(1, 1, rng=0)
    sgd = rp.SGD(net.parameters(), lr=1)
    plan, rates = rp.CosineLR(sgd, T_max=2), []
    for _ in range(4):
        plan.step()
        rates.append(sgd.groups[0]["lr"])
    assert_allclose(rates, [0.5, 0, 0.5, 1], atol=1e-12)


OURS = {
    "Weights of dense layers": dense, "BatchNorm: momentum": momentum_of_norm, "BatchNorm: eps": eps_of_norm,
    "BatchNorm: variance": variance_of_norm, "BatchNorm: a batch of one in training": batch_of_one, "BCE at p = 0, y = 1": bce,
    "Classes out of range": classes, "Label smoothing s": smoothing, "Squared error": squared, "Huber": huber,
    "Adam: eps": adam, "AdamW: decay": adamw, "RMSprop": rmsprop, "Adagrad": adagrad, "Momentum": momentum,
    "Weight decay of biases": decay, "GELU": gelu,
    "LeakyReLU: slope": leaky, "Softplus at -20": softplus, "Sigmoids of the name tanh": tanh, "Dropout at p = 1": dropout,
    "Slope at the corner": corners, "Equal maxima": maxima, "Cosine schedule after T_max": cosine,
}


@pytest.mark.parametrize("row", [row for row in ROWS if row.libraries == PAGE.OURS], ids=lambda row: row.subject)
def test_what_the_page_says_of_this_library(row):
    OURS[row.subject]()


def test_what_the_page_says_of_adam_in_onnx():
    """The count T corrects the rate wherever it is above 0, and eps is added before that."""
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    from onnx.reference import ReferenceEvaluator
    domain, kinds = "ai.onnx.preview.training", {"R": ((), 1), "T": ((), 7)} | dict.fromkeys("XGVH", ((1,), 1))
    node = onnx.helper.make_node("Adam", list(kinds), ["x", "v", "h"], domain=domain)
    graph = onnx.helper.make_graph(
        [node], "adam", [onnx.helper.make_tensor_value_info(name, kind, shape) for name, (shape, kind) in kinds.items()],
        [onnx.helper.make_tensor_value_info(name, 1, (1,)) for name in "xvh"])
    model = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(domain, 1)]))
    zero, found = np.zeros(1, np.float32), {}
    for count, gradient in ((0, 1), (1, 1), (1, 1e-4)):
        inputs = {"R": np.float32(0.01), "T": np.int64(count), "X": zero, "G": zero + gradient, "V": zero, "H": zero}
        found[count, gradient] = -model.run(None, inputs)[0].item() / 0.01
    assert_allclose([*found.values()], [3.16, 1, 1 / (1 + 1e-2 * 1000**0.5)], rtol=1e-3)


def test_what_the_page_says_of_huber_in_scikit_learn():
    """The weights, the bias and ``scale_`` are those of its HuberRegressor(alpha=0, tol=1e-8) in release 1.9.1."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    y = x @ [[1], [2]] + 3 + 2 * rng.normal(size=(80, 1)) + 30 * (np.arange(80) < 8)[:, None]
    ours = rp.Linear(2, 1, dtype="float64", rng=0)
    rp.minimize(ours, rp.Huber(1.35 * 1.629758), x, y, progress=False)
    assert_allclose([*ours.weight.data[0], *ours.bias.data], [0.473421, 2.351129, 3.065667], rtol=1e-3)
