"""`Sequential` computes bit for bit what its modules compute one by one, and shares memory between them safely."""

import tracemalloc
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
from cases import Affine, Residual, numbers
from numpy.testing import assert_array_equal
from steps import SMALL_G, SMALL_X, assert_same, by_hand, small_net, step

import retroprop as rp
from retroprop.errors import PhaseError

WIDTH = 4
HIDDEN = {                                                          # modules that take (5, 4) and return it
    "Linear": lambda: rp.Linear(WIDTH, WIDTH, rng=1),
    "Identity": rp.Identity,
    "Sigmoid": rp.Sigmoid,
    "Tanh": rp.Tanh,
    "ReLU": rp.ReLU,
    "LeakyReLU": rp.LeakyReLU,
    "ELU": rp.ELU,
    "GELU": rp.GELU,
    "SiLU": rp.SiLU,
    "Softplus": rp.Softplus,
    "Softsign": rp.Softsign,
    "HardTanh": rp.HardTanh,
    "Softmax": rp.Softmax,
    "LogSoftmax": rp.LogSoftmax,
    "Dropout": lambda: rp.Dropout(0.4, rng=2),
    "BatchNorm": lambda: rp.BatchNorm(WIDTH),
    "LayerNorm": lambda: rp.LayerNorm(WIDTH),
    "Flatten": rp.Flatten,
    "Reshape": lambda: rp.Reshape(2, 2),                            # followed by Flatten, see `pair`
    "user's": lambda: Affine(WIDTH),
    "composite": lambda: Residual(rp.Sequential(rp.Tanh(), rp.Linear(WIDTH, WIDTH, rng=3))),
    "Sequential": lambda: rp.Sequential(rp.ReLU(), rp.Linear(WIDTH, WIDTH, bias=False, rng=4), rp.Tanh()),
}
X, G = numbers(5, WIDTH).astype("float32"), numbers(5, WIDTH, seed=1).astype("float32")


def modules(*names):
    """Return new modules of these names, with Flatten after Reshape, so that the next module gets (5, 4)."""
    found = []
    for name in names:
        found.append(HIDDEN[name]())
        if name == "Reshape":
            found += [rp.Tanh(), rp.Flatten()]
    return found


# The plan


@pytest.mark.filterwarnings("ignore:Sequential. .* start with the same numbers")
@pytest.mark.parametrize("second", HIDDEN)
@pytest.mark.parametrize("first", HIDDEN)
def test_every_pair_computes_the_same_as_its_modules_one_by_one(first, second):
    """In training and evaluation, in a second step on the same buffers, between two Linears, and as first and last modules."""
    for make in (lambda: modules(first, second),
                 lambda: [rp.Linear(WIDTH, WIDTH, rng=5), *modules(first, second), rp.Linear(WIDTH, WIDTH, rng=6)]):
        parts, net = make(), rp.Sequential(*make())
        for _ in range(2):
            assert_same(step(net, X, G), by_hand(parts, X, G))
        y, _, *gradients = by_hand(parts, X, G)
        assert_same(step(net, X, G, input_gradient=False), [y, None, *gradients])
        for module in (net, *parts):
            module.eval()
        assert_same(step(net, X, G), by_hand(parts, X, G))


@pytest.mark.parametrize("batch", [10, 40])
def test_a_trained_plan_has_the_parameters_of_modules_trained_one_by_one(batch):
    """Twenty steps of SGD with momentum, with layers for which Linear uses its other forms of the products."""
    def make():
        return [rp.Linear(300, 280, rng=1), rp.Tanh(), rp.Linear(280, 40, rng=2), rp.BatchNorm(40), rp.ReLU(),
                rp.Dropout(rng=3), rp.Linear(40, 10, rng=4)]

    parts, net, loss = make(), rp.Sequential(*make()), rp.CrossEntropy()
    optimizer = rp.SGD(net.parameters(), lr=0.1, momentum=0.9)
    other = rp.SGD([parameter for module in parts for parameter in module.parameters()], lr=0.1, momentum=0.9)
    rng = np.random.default_rng(5)
    for _ in range(20):
        x, y = rng.normal(size=(batch, 300)).astype("float32"), rng.integers(10, size=batch)
        cost = loss.forward(net.forward(x), y)
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        optimizer.step()
        assert_same(by_hand(parts, x, loss.backward())[2:], [parameter.grad for parameter in net.parameters()])
        other.step()
    assert np.isfinite(cost)
    assert_same([parameter.data for module in parts for parameter in module.parameters()],
                [parameter.data for parameter in net.parameters()])


def test_shapes_may_change_and_change_back():
    parts = modules("Linear", "BatchNorm", "Dropout", "Reshape", "GELU", "Sequential")
    net = rp.Sequential(*deepcopy(parts))
    for n in (5, 7, 5, 2, 7):
        x, g = numbers(n, WIDTH, seed=n).astype("float32"), numbers(n, WIDTH, seed=n + 1).astype("float32")
        assert_same(step(net, x, g), by_hand(parts, x, g))


def test_dtypes_may_change_and_change_back():
    parts = [rp.Tanh(), rp.Softsign(), rp.Softmax()]
    net = rp.Sequential(*deepcopy(parts))
    for dtype in ("float32", "float64", "float32"):
        got = step(net, X.astype(dtype), G.astype(dtype))
        assert [a.dtype for a in got] == [dtype, dtype]
        assert_same(got, by_hand(parts, X.astype(dtype), G.astype(dtype)))


@pytest.mark.parametrize("name", [name for name in HIDDEN if name not in ("user's", "composite")])
def test_a_step_makes_no_array_of_a_hidden_layers_size(name):
    """After the plan is made, NumPy allocates less than one hidden array at the peak."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "WIDTH", 256)
        parts = modules(name) if name != "Reshape" else [rp.Reshape(16, 16), rp.Tanh(), rp.Flatten()]
    net = rp.Sequential(rp.Linear(3, 256, rng=7), *parts, rp.Linear(256, 2, rng=8))
    x, g = numbers(64, 3).astype("float32"), numbers(64, 2).astype("float32")
    step(net, x, g)
    tracemalloc.start()
    for options in ({"input_gradient": True}, {"input_gradient": False}):
        net.forward(x)
        net.backward(g, **options)
        net.update()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 256 * 4


def test_neighbours_share_an_array_only_if_no_point_saves_it():
    net = rp.Sequential(rp.Linear(4, 4, rng=1), rp.ReLU(), rp.Linear(4, 4, rng=2), rp.Sigmoid(), rp.ReLU(),
                        rp.Linear(4, 4, rng=3))
    net.forward(X)
    buffers = [buffer for _, buffer in net.scratch.forwards]
    shared = [np.shares_memory(a, b) for a, b in pairwise(buffers)]
    assert shared == [True, False, True, False]                     # Linear → ReLU, Linear → Sigmoid


# The caller's arrays


def test_returned_arrays_are_new():
    net = small_net()
    y, gx, *_ = step(net, SMALL_X, SMALL_G)
    kept = y.copy(), gx.copy()
    step(net, -SMALL_X, SMALL_G + 1)
    assert_same([y, gx], kept)


def test_out_receives_output_and_input_gradient():
    net, y, gx = small_net(), np.empty((5, 2), "float32"), np.empty((5, 3), "float32")
    assert net.forward(SMALL_X, out=y) is y
    assert net.backward(SMALL_G, out=gx) is gx
    assert_same([y, gx], step(small_net(), SMALL_X, SMALL_G)[:2])


def test_points_and_gradients_inside_can_be_read():
    net, parts = small_net(), list(deepcopy(small_net()))
    by_hand(parts, SMALL_X, SMALL_G)
    step(net, SMALL_X, SMALL_G)
    for inner, alone in zip(net, parts, strict=True):
        assert_array_equal(inner.point, alone.point)
        assert_array_equal(inner.gradient, alone.gradient)
    net.forward(SMALL_X)
    for inner in net:
        assert inner.gradient is None
        with pytest.raises(PhaseError, match="no backward has run since the last forward"):
            inner.update()


def test_an_inner_module_that_runs_alone_deletes_the_containers_point():
    net = rp.Sequential(small_net(), rp.Tanh())
    net.forward(SMALL_X)
    net[0][1].forward(np.ones((2, 4)))
    for container in (net, net[0]):
        with pytest.raises(PhaseError, match=r"no forward has run: call forward\(x\) first"):
            container.backward(SMALL_G)
    net.forward(SMALL_X)
    net.backward(SMALL_G)
    net[0][2].backward(SMALL_G)
    with pytest.raises(PhaseError, match=r"no backward has run since the last forward: call backward\(g\) first"):
        net.update()
    net.backward(SMALL_G)                                           # the point of forward is still valid
    net.update()
    assert_same(step(net, SMALL_X, SMALL_G), step(rp.Sequential(small_net(), rp.Tanh()), SMALL_X, SMALL_G))


def test_predict_may_be_called_between_the_phases():
    net, twin = small_net(), small_net()
    for each in (net, twin):
        each.forward(SMALL_X)
    net.predict(numbers(7, 3), batch_size=2)
    net[2].predict(numbers(7, 4))                                   # also of an inner module
    assert_same([net.backward(SMALL_G)], [twin.backward(SMALL_G)])
    net[0].predict(numbers(7, 3))
    for each in (net, twin):
        each.update()
    assert_same([p.grad for p in net.parameters()], [p.grad for p in twin.parameters()])
