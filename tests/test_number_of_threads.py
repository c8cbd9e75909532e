"""Every module and every loss of the library, in shapes whose products BLAS would divide: one or two threads, the same bits."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import retroprop as rp
from retroprop import losses, modules
from retroprop.inspection.contract.cases import numbers
from retroprop.modules.core.arrays import ALONE_VECTOR, LONG
from retroprop.threads import blas

N, WIDE, CLASSES = LONG + 100, ALONE_VECTOR + 2000, 2000            # rows, features and classes
FEW = 5


def activations():
    kinds = (rp.ReLU, rp.Tanh, rp.Sigmoid, rp.Softsign, rp.HardTanh, rp.LeakyReLU, rp.ELU, rp.GELU, rp.SiLU, rp.Softplus)
    return rp.Sequential(rp.Linear(100, 60, rng=0), *(kind() for kind in kinds), rp.LayerNorm(60), rp.Linear(60, 2, rng=1))


def wide():
    """The inner products of single rows are long."""
    return rp.Sequential(rp.BatchNorm(WIDE), rp.LayerNorm(WIDE), rp.Softmax(), rp.LogSoftmax(), rp.Linear(WIDE, 2, rng=0))


def graph():
    return rp.Graph({
        "a": (rp.Linear(60, 70, rng=0), "x"), "b": (rp.Residual(rp.LayerNorm(70), rp.Linear(70, 70, rng=1)), "a"),
        "c": (rp.Identity(), "a"), "d": (rp.Add(), "b", "c"), "e": (rp.Multiply(), "a", "d"), "f": (rp.Concat(), "a", "e"),
        "g": (rp.Function(np.sin, np.cos), "f"), "h": (rp.Sequential(rp.Dropout(0.3, rng=2), rp.BatchNorm(140)), "g"),
        "y": (rp.Linear(140, 2, rng=3), "h")}, inputs="x", outputs="y")


def images():
    return rp.Sequential(rp.Conv2d(3, 24, 3, padding=1, rng=0), rp.BatchNorm(24), rp.MaxPool2d(2), rp.Upsample2d(2),
                         rp.AvgPool2d(2), rp.Conv2d(24, 32, 3, rng=1), rp.GlobalAvgPool2d(), rp.Flatten(), rp.Reshape(8, 4),
                         rp.Linear(4, 8, rng=2), rp.Flatten(), rp.LayerNorm(64), rp.Linear(64, 2, rng=3))


def words():
    return rp.Sequential(rp.Embedding(60, 200, rng=0), rp.LayerNorm(200), rp.Linear(200, 60, rng=1), rp.Flatten(),
                         rp.Linear(1200, 2, rng=2))


NETS = {                                                            # each with the shape of its input
    "activations": (activations, (N, 100)), "wide": (wide, (FEW, WIDE)), "graph": (graph, (LONG, 60)),
    "images": (images, (16, 3, 28, 28)), "words": (words, (25, 20))}

ONE_COLUMN, POSITIVE = numbers(WIDE, 1, seed=1), np.abs(numbers(300, CLASSES))
SHARES = POSITIVE / POSITIVE.sum(1, keepdims=True)
LABELS, WEIGHT = np.arange(300) * 6, 1 + np.arange(CLASSES) % 3
SURE = np.where(np.arange(CLASSES) == LABELS[:, None], 20.0, 0.0) + numbers(300, CLASSES) / 10        # costs of almost 0
LOSSES = {                                                          # each with a prediction and a target
    "MSE": (rp.MSE, ONE_COLUMN, ONE_COLUMN + 1), "L1": (rp.L1, ONE_COLUMN, ONE_COLUMN + 1),
    "Huber": (rp.Huber, ONE_COLUMN, ONE_COLUMN + 1), "Hinge": (rp.Hinge, ONE_COLUMN, ONE_COLUMN > 0),
    "BCEWithLogits": (rp.BCEWithLogits, ONE_COLUMN, ONE_COLUMN > 0),
    "BCE": (rp.BCE, 1 / (1 + np.exp(-ONE_COLUMN)), ONE_COLUMN > 0),
    "MSE of few": (rp.MSE, ONE_COLUMN[:8000], 0 * ONE_COLUMN[:8000]),
    "NLL": (rp.NLL, np.log(SHARES), LABELS),
    "CrossEntropy": (rp.CrossEntropy, POSITIVE, LABELS), "CrossEntropy of shares": (rp.CrossEntropy, POSITIVE, SHARES),
    "CrossEntropy with weights": (lambda *reduction: rp.CrossEntropy(WEIGHT, *reduction), POSITIVE, LABELS),
    "CrossEntropy, small": (rp.CrossEntropy, SURE, LABELS)}


def digest(*arrays):
    for array in arrays:
        assert np.isfinite(array).all()
    return [np.asarray(array).tobytes() for array in arrays]


def trained(name):
    """Return the bits of two steps, a tangent, and the gradients of single examples."""
    build, shape = NETS[name]
    net, y = build(), np.arange(shape[0]) % 2
    x = np.random.default_rng(0).integers(60, size=shape) if name == "words" else numbers(*shape).astype("float32")
    loss, sgd, found = rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1, momentum=0.9), []
    for _ in range(2):
        found += digest(loss.forward(net.forward(x), y))
        gx = net.backward(loss.backward())
        net.update()
        sgd.step()
        found += digest(gx, net.jvp(np.ones(shape, "float32")), *(parameter.grad for parameter in net.parameters()))
    net.eval()
    found += digest(*(parameter.data for parameter in net.parameters()), *(rp.evaluate(net, loss, x, y, sample_weight=1.0 + y)))
    few = slice(2 * FEW)
    return found + digest(*rp.per_example_gradients(net, loss, x[few], y[few]).values(),
                          rp.per_example_norms(net, loss, x[few], y[few]))


def costs(name):
    build, x, y = LOSSES[name]
    return [bits for dtype in ("float32", "float64") for bits in costs_of(build(), x.astype(dtype), y)]


def costs_of(loss, x, y):
    found = []
    for weight in (None, np.random.default_rng(0).uniform(1, 2, len(x))):
        found += digest(loss.forward(x, y, weight), loss.backward(), loss.jvp(np.ones_like(x)))
    loss.reduction = "none"
    return found + digest(loss.forward(x, y), loss.backward())


@pytest.mark.parametrize(("compute", "name"), [*((trained, name) for name in NETS), *((costs, name) for name in LOSSES)])
def test_what_is_computed_has_the_same_bits_for_one_thread_and_two(compute, name):
    with threadpool_limits(1, user_api="blas"):
        expected = compute(name)
    with threadpool_limits(2, user_api="blas"):
        if blas().get() < 2:
            pytest.skip("this BLAS cannot be given two threads")
        assert compute(name) == expected


def test_every_module_and_every_loss_is_among_them():
    kinds = {type(module).__name__ for build, _ in NETS.values() for _, module in build().named_modules()}
    assert set(modules.__all__) - {"Module", "Parameter"} <= kinds
    assert {name.partition(" ")[0].rstrip(",") for name in LOSSES} == set(losses.__all__) - {"Loss"}
