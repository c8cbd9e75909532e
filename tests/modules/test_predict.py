"""predict is the forward of evaluation mode and changes nothing, also with workspaces that are kept for small inputs."""

import gc
import pickle
import threading
import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
from cases import MODULES, numbers
from counting import function_calls
from interrupts import interrupted, lines_of
from numpy.testing import assert_array_equal
from steps import SMALL_G, SMALL_X, assert_same, small_net, step

import retroprop as rp
from retroprop.modules.core.rewinding import SHAPES
from retroprop.modules.core.summary import KEPT
from retroprop.modules.core.values import each, parts

X = numbers(6, 3).astype("float32")


def net():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.Sequential(rp.BatchNorm(4), rp.Tanh()), rp.Dropout(0.5, rng=0),
                         rp.Linear(4, 2, rng=2))


def right(module, x):
    """Return the forward in evaluation mode, with workspaces that are new."""
    with module.preserved_evaluation() as kept, kept:
        return module.eval().forward(x)


def assert_predicts(module, x):
    for _ in range(2):                                              # a new workspace, and one that was kept
        for got, expected in zip(parts(module.predict(x)), parts(right(module, x)), strict=True):
            assert_array_equal(got, expected)


@pytest.mark.parametrize("case", MODULES, ids=str)
def test_predict_is_the_forward_of_evaluation_mode(case):
    """Of every module, for numbers of either dtype, and for one example, then all, then one."""
    module, one = case.build(), each(lambda array: array[:1], case.x)
    for x in (case.x, each(lambda array: array.astype("float32"), case.x), one, case.x, one):
        assert_predicts(module, x)


CHANGES = {
    "load_state_dict": lambda net: net.load_state_dict({name: array + 1 for name, array in net.state_dict().items()}),
    "numbers in place": lambda net: net[0].weight.data.fill(0.5),
    "numbers assigned": lambda net: setattr(net[3].bias, "data", [1, 2]),
    "another Parameter": lambda net: setattr(net[3], "bias", rp.Parameter([3, 4], "bias")),
    "a tied Parameter": lambda net: setattr(net[1][0], "bias", net[1][0].weight),
    "astype": lambda net: net.astype("float64"),
    "frozen": lambda net: setattr(net[0].weight, "frozen", True),
    "statistics in place": lambda net: net[1][0].running_mean.fill(3),
    "other statistics": lambda net: setattr(net[1][0], "running_var", np.full(4, 2, "float32")),
    "a step": lambda net: (step(net, X, np.ones((6, 2), "float32")), rp.SGD(net.parameters(), lr=0.1).step()),
    "eps": lambda net: setattr(net[1][0], "eps", 1.0),
    "p": lambda net: setattr(net[2], "p", 0.1),
    "modes": lambda net: net[1].eval(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_predict_follows_each_change(change):
    module = net()
    before = module.predict(X)
    CHANGES[change](module)
    assert_predicts(module, X)
    if change not in ("frozen", "p", "modes"):
        assert not np.array_equal(module.predict(X), before) or change == "astype"
    assert module.predict(X).dtype == module.dtype


def test_predict_follows_a_setting_that_changes_shapes():
    pool, x = rp.Sequential(rp.MaxPool2d(2)), numbers(1, 2, 6, 6).astype("float32")
    assert pool.predict(x).shape == (1, 2, 3, 3)
    pool[0].kernel_size = 3
    assert pool.predict(x).shape == (1, 2, 2, 2)


@pytest.mark.parametrize("again", [False, True])
def test_predict_between_the_phases_changes_nothing(again):
    """Neither later gradients, nor modes, points, statistics and the masks that Dropout will draw."""
    module, twin = net(), net()
    for each_one in (module, twin):
        each_one[1].eval()
    g, x = np.ones((6, 2), "float32"), X[:1]
    if again:
        module.predict(x)
    state = module.state_dict()
    module.forward(X)
    points = [(inner.point, inner.gradient, inner.training) for _, inner in module.named_modules()]
    module.predict(x), module.predict(X)
    for (point, gradient, training), (_, inner) in zip(points, module.named_modules(), strict=True):
        assert (inner.point is point, inner.gradient is gradient, inner.training) == (True, True, training)
    gx = module.backward(g)
    module.predict(x)
    module.update()
    assert_same([gx, *(p.grad for p in module.parameters())], step(twin, X, g)[1:])
    assert_same([array for name, array in module.state_dict().items() if "running" not in name],
                [array for name, array in state.items() if "running" not in name])
    assert_array_equal(module.train().forward(X), twin.train().forward(X))


def test_two_predictions_share_no_memory():
    module = rp.Sequential(rp.Linear(3, 2, rng=0), rp.Tanh())
    first = module.predict(X)
    kept = first.copy()
    second = module.predict(-X)
    assert not np.may_share_memory(first, second)
    assert_array_equal(first, kept)
    first.fill(0)
    assert_array_equal(module.predict(X), kept)


def test_an_input_that_was_predicted_is_free():
    """Its memory is not held, nor that of the array that it is a view of."""
    tracemalloc.start()
    try:
        module, large = small_net(), np.zeros((1_000_000, 3), "float32")
        module.predict(large[:2])
        before = tracemalloc.get_traced_memory()[0]
        del large
        assert before - tracemalloc.get_traced_memory()[0] > 10_000_000
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_calls_and_is_bounded():
    module, rng = rp.Sequential(rp.Linear(8, 16, rng=1), rp.ReLU(), rp.Linear(16, 8, rng=2)), np.random.default_rng(0)
    xs = [rng.standard_normal((n, 8), dtype="float32") for n in range(1, 8000, 160)]
    tracemalloc.start()
    try:
        for x in xs * 3:
            module.predict(x)
            gc.collect(0)
            assert tracemalloc.get_traced_memory()[0] < 2 * SHAPES * KEPT
    finally:
        tracemalloc.stop()


def test_copies_and_files_hold_no_workspaces():
    module = small_net()
    size = len(pickle.dumps(module))
    module.predict(SMALL_X)
    assert len(pickle.dumps(module)) == size
    for copy in (deepcopy(module), pickle.loads(pickle.dumps(module))):
        copy[0].weight.data += 1
        assert_array_equal(copy.predict(SMALL_X), copy.eval().forward(SMALL_X))
    assert_predicts(module, SMALL_X)


def test_a_tape_records_predict_and_later_predictions_are_right():
    module = small_net()
    expected = module.predict(SMALL_X)
    with rp.tape(module) as t:
        assert_array_equal(module.predict(SMALL_X), expected)
    assert [record.label for record in t.records] == ["Sequential(…)", "0 Linear(3, 4)", "1 ReLU()", "2 Linear(4, 2)"]
    assert_array_equal(module.predict(SMALL_X), expected)


def test_predict_after_a_module_ran_alone_and_inside_another_network():
    module = small_net()
    expected = module.predict(SMALL_X)
    module[1].forward(SMALL_X)
    assert_array_equal(module.predict(SMALL_X), expected)
    nodes = {"a": (module, "x"), "s": (rp.Sigmoid(), "a"), "m": (rp.Multiply(), "a", "s")}
    outer = rp.Graph(nodes, inputs="x", outputs=("m", "a"))
    assert_array_equal(outer.predict(SMALL_X)[1], expected)
    outer.forward(SMALL_X)
    outer.backward((SMALL_G, SMALL_G))
    assert_array_equal(module.predict(SMALL_X), expected)
    outer.update()
    assert_predicts(outer, SMALL_X)


class Reaches(rp.Module):
    """A user's module with a function that reads the module itself."""

    def __init__(self):
        self.sign = lambda: 1 if self.training else -1

    def forward(self, x):
        self.point = x
        return self.sign() * x

    def backward(self, g):
        return self.sign() * g


class Counts(rp.Module):
    """A user's module that counts its forwards."""

    def __init__(self):
        self.count = 0

    def forward(self, x):
        self.count += 1
        self.point = x
        return x * self.count

    def backward(self, g):
        return g * self.count


def test_modules_of_users_see_themselves_in_evaluation_mode():
    reaches = rp.Sequential(rp.Identity(), Reaches())
    for _ in range(2):
        assert_array_equal(reaches.predict(X), -X)
    counts = rp.Sequential(Counts())
    for k in range(1, 4):
        assert_array_equal(counts.predict(X), X * k)
    assert counts[0].count == 3


def test_predict_of_an_input_as_before_calls_few_functions():
    """Fewer than ten besides those of forward, in Python and in C; the first predict makes hundreds of calls."""
    module, x = small_net(), SMALL_X[:1].copy()
    first = sum(function_calls(lambda: module.predict(x)))
    module.eval().forward(x)
    forward = sum(function_calls(lambda: module.forward(x)))
    module.train().forward(SMALL_X)
    assert sum(function_calls(lambda: module.predict(x))) < forward + 10 < first / 10


def test_an_error_leaves_the_network_and_its_workspaces_right():
    module = rp.Sequential(rp.Embedding(4, 3, rng=0), rp.Flatten(), rp.Linear(6, 2, rng=1))
    good, bad = np.array([[0, 3]]), np.array([[0, 4]])
    expected = module.predict(good)
    module.forward(good)
    with pytest.raises(rp.DataError):
        module.predict(bad)
    assert_array_equal(module.predict(good), expected)
    module.backward(np.ones((1, 2), "float32"))
    module.update()


def test_predict_refuses_a_network_that_another_thread_predicts_with():
    entered, go_on, main = threading.Event(), threading.Event(), threading.get_ident()

    def wait(x):
        if threading.get_ident() != main:
            entered.set()
            assert go_on.wait(10)
        return x

    module = rp.Sequential(rp.Function(wait, np.ones_like))
    module.predict(X)
    assert module._twins
    thread = threading.Thread(target=lambda: module.predict(X))
    thread.start()
    assert entered.wait(10)
    try:
        for call in (module.predict, module.forward):
            with pytest.raises(rp.PhaseError, match="another thread is running this module"):
                call(X)
    finally:
        go_on.set()
        thread.join()
    assert_array_equal(module.predict(X), X)


def test_an_interrupt_leaves_right_predictions_and_gradients():
    expected, right_step = small_net().predict(SMALL_X), step(small_net(), SMALL_X, SMALL_G)
    module = small_net()
    module.predict(SMALL_X)
    for stop in range(lines_of(lambda: module.predict(SMALL_X))):
        module.predict(SMALL_X)
        module.forward(SMALL_X)
        gx = module.backward(SMALL_G)
        interrupted(lambda: module.predict(SMALL_X), stop)
        module.update()
        assert_same([gx, *(p.grad for p in module.parameters())], right_step[1:])
        assert_array_equal(module.predict(SMALL_X), expected)
