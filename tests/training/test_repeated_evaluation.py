"""evaluate of few examples, which uses workspaces again: the numbers of the phases; nothing that it is given changes."""

import gc
import weakref

import numpy as np
import pytest
from cases import numbers
from counting import function_calls
from interrupts import interrupted, lines_of
from numpy.testing import assert_array_equal

import retroprop as rp

X, Y = numbers(6, 3).astype("float32"), np.array([0, 1, 3, 0, 2, 0])


def net():
    return rp.Sequential(rp.Linear(3, 5, rng=1), rp.BatchNorm(5), rp.ReLU(), rp.Dropout(0.5, rng=0), rp.Linear(5, 4, rng=2))


def right(module, loss, x, y):
    """Return what the phases compute, with workspaces that are new."""
    with module.preserved_evaluation() as kept, kept, loss.preserved_evaluation() as kept, kept:
        prediction = module.eval().forward(x)
        return loss.forward(prediction, y), (prediction.argmax(1) == y).mean()


CHANGES = {
    "nothing": lambda module, loss: None,
    "reduction": lambda module, loss: setattr(loss, "reduction", "sum"),
    "weight": lambda module, loss: setattr(loss, "weight", [1, 2, 3, 4]),
    "parameters": lambda module, loss: module[0].weight.data.fill(0.3),
    "statistics": lambda module, loss: module[1].running_mean.fill(0.3),
    "dtype": lambda module, loss: module.astype("float64"),
    "modes": lambda module, loss: module[1].eval(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_evaluate_follows_each_change(change):
    module, loss = net(), rp.CrossEntropy()
    for act in (CHANGES["nothing"], CHANGES[change]):
        act(module, loss)
        for x, y in ((X, Y), (X[:1], Y[:1]), (X, Y[::-1]), (X, Y)):
            assert rp.evaluate(module, loss, x, y) == right(module, loss, x, y)


@pytest.mark.parametrize("loss", [rp.BCE(), rp.BCEWithLogits(), rp.Hinge(), rp.MSE(), rp.Huber(0.5), rp.L1("sum")], ids=repr)
def test_evaluate_between_the_phases_changes_nothing(loss):
    module, y = rp.Sequential(rp.Linear(3, 1, rng=0), rp.Sigmoid()), (Y > 0).astype("float32")[:, None]
    loss.forward(module.forward(X), y)
    gx = module.backward(loss.backward())
    rp.evaluate(module, loss, X[:2], y[:2])
    loss.forward(module.forward(X), y)
    rp.evaluate(module, loss, X[:2], 1 - y[:2])
    assert_array_equal(module.backward(loss.backward()), gx)


def test_weights_of_the_examples_count_as_before():
    module, loss, weight = net(), rp.CrossEntropy(), np.array([0, 1, 0, 2, 0, 0])
    few = [1, 3, 3]
    for _ in range(2):
        found = rp.evaluate(module, loss, X, Y, sample_weight=weight)
        assert found.cost == pytest.approx(rp.evaluate(module, loss, X[few], Y[few]).cost, rel=1e-6)
        assert found.accuracy == rp.evaluate(module, loss, X[few], Y[few]).accuracy


def test_targets_that_are_refused_are_refused_each_time():
    module, loss = net(), rp.CrossEntropy(weight=[0, 1, 1, 1])
    for _ in range(2):
        rp.evaluate(module, loss, X, Y)
        with pytest.raises(rp.DataError, match=r"classes must be in 0\.\.3, got values from 4 to 4"):
            rp.evaluate(module, loss, X, np.full(6, 4))
        with pytest.raises(rp.DataError, match="target must hold a class whose weight is not 0"):
            rp.evaluate(module, loss, X, np.zeros(6, int))
        with pytest.raises(rp.ShapeError, match="y must have as many examples as x, 6, got 5"):
            rp.evaluate(module, loss, X, Y[:5])


class CountingLoss(rp.Loss):
    """A user's loss with an attribute that costs changes, and a check of all targets of its own."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def costs(self, prediction, target):
        self.count += 1
        self.point = prediction - target
        return self.point**2 * self.count

    def derivatives(self):
        return 2 * self.point * self.count

    def check_all(self, target, prediction):
        if not np.any(target):
            raise rp.DataError("all targets are 0")
        return super().check_all(target, prediction)


def test_a_loss_of_a_user_is_not_changed():
    module, loss, y = rp.Sequential(rp.Linear(3, 1, rng=0)), CountingLoss(), np.ones((6, 1), "float32")
    first = rp.evaluate(module, loss, X, y)
    assert (rp.evaluate(module, loss, X, y), loss.count) == (first, 0)
    with pytest.raises(rp.DataError, match="all targets are 0"):
        rp.evaluate(module, loss, X, 0 * y)


def test_examples_and_targets_that_were_evaluated_are_free():
    module, loss, x, y = rp.Sequential(rp.Linear(3, 1, rng=0)), rp.MSE(), X.copy(), np.ones((6, 1), "float32")
    rows, held = y[:3], weakref.ref(y)
    rp.evaluate(module, loss, x[:3], rows)
    del y, rows
    gc.collect()
    assert held() is None


def test_an_evaluation_as_before_calls_few_functions():
    """Fewer than a hundred besides those of the phases, in Python and in C; the first makes hundreds."""
    module, loss, x, y = net(), rp.CrossEntropy(), X[:1].copy(), Y[:1]
    first = sum(function_calls(lambda: rp.evaluate(module, loss, x, y)))
    again = sum(function_calls(lambda: rp.evaluate(module, loss, x, y)))
    module.eval()
    loss.forward(module.forward(x), y)
    phases = sum(function_calls(lambda: loss.forward(module.forward(x), y)))
    assert again < phases + 100 < first / 4


def test_an_interrupted_evaluation_leaves_the_next_ones_right():
    module, loss = net(), rp.CrossEntropy()
    expected = rp.evaluate(module, loss, X, Y)
    for stop in range(0, lines_of(lambda: rp.evaluate(module, loss, X, Y)), 3):
        interrupted(lambda: rp.evaluate(module, loss, X, Y), stop)
        assert rp.evaluate(module, loss, X, Y) == expected
