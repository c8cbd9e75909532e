"""predict, evaluate and the validation of fit run in parts: the same numbers to rounding, in memory near that of training."""

import math
import tracemalloc

import numpy as np
import pytest

import retroprop as rp
from retroprop.modules.core.summary import LEAST, WORKSPACE, examples_at_once

SINGLE = np.dtype("float32")


def conv(size=16, maps=16):
    a, b, c = np.random.default_rng(0).spawn(3)
    return rp.Sequential(rp.Conv2d(1, maps, 3, padding=1, rng=a), rp.BatchNorm(maps), rp.ReLU(),
                         rp.Conv2d(maps, maps, 3, padding=1, rng=b), rp.ReLU(), rp.MaxPool2d(2), rp.Flatten(),
                         rp.Linear(maps * size * size // 4, 10, rng=c))


def images(count, size=16):
    rng = np.random.default_rng(1)
    return rng.standard_normal((count, 1, size, size), dtype="float32"), rng.integers(10, size=count)


def peak(function):
    """Return the largest number of bytes that NumPy held beyond those before the call."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_validation_needs_at_most_thirty_percent_more_memory_than_training():
    train, validation = images(64, 32), images(400, 32)

    def trained(held_out):
        net = conv(32)
        rp.fit(net, rp.CrossEntropy(), rp.Adam(net.parameters()), train, epochs=1, rng=0, validation=held_out, progress=False)

    alone = peak(lambda: trained(None))
    assert alone > 10e6
    assert peak(lambda: trained(validation)) < 1.3 * alone


@pytest.mark.parametrize("function", [
    lambda net, x, y: net.predict(x),
    lambda net, x, y: rp.evaluate(net, rp.CrossEntropy(), x, y),
], ids=["predict", "evaluate"])
def test_memory_does_not_grow_with_the_number_of_examples(function):
    (x, y), net = images(200), conv()
    few, many = (peak(lambda: function(net, x[:n], y[:n])) for n in (40, 200))  # noqa: B023
    assert many < 1.2 * few


@pytest.mark.parametrize("loss", [
    rp.CrossEntropy(), rp.CrossEntropy(reduction="sum"), rp.CrossEntropy(weight=np.linspace(0, 1, 10)), rp.NLL(),
    rp.CrossEntropy(weight=np.linspace(0, 1, 10), reduction="sum"), rp.MSE(), rp.MSE("sum"), rp.Huber()], ids=repr)
def test_the_parts_together_cost_what_all_examples_cost(loss):
    (x, y), net = images(100), conv()
    if isinstance(loss, rp.NLL):
        net = rp.Sequential(net, rp.LogSoftmax())
    of_classes = isinstance(loss, (rp.CrossEntropy, rp.NLL))
    y = y if of_classes else np.eye(10)[y]
    assert examples_at_once(net.eval(), x.shape, SINGLE) < 50
    whole = loss.forward(net.forward(x), y)
    right = rp.accuracy(net.forward(x), y) if of_classes else None
    for size in (None, 1, 7, 100, 1000):
        found = rp.evaluate(net, loss, x, y, size)
        assert found.cost == pytest.approx(whole, rel=1e-5)
        assert found.accuracy == right
    np.testing.assert_allclose(net.predict(x), net.forward(x), rtol=1e-4, atol=1e-5)


def test_one_part_has_the_same_bits_as_the_loss_itself():
    x, y = rp.datasets.digits()
    net, loss = rp.Sequential(rp.Linear(64, 20, rng=0), rp.Tanh(), rp.Linear(20, 10, rng=1)), rp.CrossEntropy(np.arange(1, 11))
    assert examples_at_once(net, x.shape, SINGLE) == len(x)
    assert rp.evaluate(net, loss, x, y).cost == loss.forward(net.forward(x), y)
    np.testing.assert_array_equal(net.predict(x), net.forward(x))


def test_fit_validates_as_evaluate_does():
    train, held_out = images(64), images(100)
    net, loss = conv(), rp.CrossEntropy()
    history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), train, epochs=1, rng=0, validation=held_out, progress=False)
    assert (history["validation_cost"][0], history["validation_accuracy"][0]) == rp.evaluate(net, loss, *held_out)


def test_a_small_network_gets_all_examples_at_once_and_a_large_one_equal_parts():
    small = rp.Sequential(rp.Linear(64, 32, rng=0), rp.ReLU(), rp.Linear(32, 10, rng=1))
    assert examples_at_once(small, (2000, 64), SINGLE) == 2000
    large = rp.Sequential(rp.Linear(784, 1000, rng=0), rp.Tanh(), rp.Linear(1000, 1000, rng=1))
    numbers = 784 + 1000 + 2 * 1000 + 2 * 1000
    most = (WORKSPACE + 4 * sum(p.data.size for p in large.parameters()) // 2) / (4 * numbers)
    at_once = examples_at_once(large, (10000, 784), SINGLE)
    assert 0.9 * most < at_once <= most
    parts = math.ceil(10000 / at_once)
    assert 0 <= parts * at_once - 10000 < parts                     # of sizes that differ by less than the number of parts
    net = conv(64).eval()
    assert [examples_at_once(net, (n, 1, 64, 64), SINGLE) for n in (1000, 9, 8)] == [LEAST, 5, 8]


class Centred(rp.Module):
    """Subtracts the mean of the batch, also in evaluation mode."""

    batch_dependent = True

    def forward(self, x):
        self.point = x
        return x - x.mean(0)

    def backward(self, g):
        return g - g.mean(0)


def test_examples_that_depend_on_each_other_stay_together():
    x, _ = images(100)
    net = rp.Sequential(conv()[0], Centred())
    assert examples_at_once(net, x.shape, SINGLE) == 100
    np.testing.assert_array_equal(net.predict(x), net.eval().forward(x))


def test_a_wrong_shape_is_refused_by_forward_itself():
    x, _ = images(100, 17)
    with pytest.raises(rp.ShapeError, match=r"Linear\(256, 10\): x must have shape \(\.\.\., 256\), got \(100, 289\)"):
        rp.Sequential(rp.Flatten(), rp.Linear(256, 10, rng=0)).predict(x)


@pytest.mark.parametrize(("loss", "end"), [
    (rp.CrossEntropy(), []), (rp.BCEWithLogits(), []), (rp.BCE(), [rp.Sigmoid()]), (rp.Hinge(), [])], ids=repr)
def test_one_hot_targets_have_an_accuracy(loss, end):
    x, y = rp.datasets.blobs(60, rng=0)
    one_hot = np.eye(3)[y]
    net = rp.Sequential(rp.Linear(2, 3, rng=0), *end)
    history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (x, one_hot), epochs=30, rng=0, validation=(x, one_hot),
                     progress=False)
    assert history["validation_accuracy"][-1] == rp.accuracy(net.predict(x), y) > 0.5
    assert rp.evaluate(net, loss, x, one_hot.astype(int)).accuracy == history["validation_accuracy"][-1]


def test_probabilities_and_several_labels_have_no_accuracy():
    x, y = rp.datasets.blobs(60, rng=0)
    net = rp.Linear(2, 3, rng=0)
    smooth, several = 0.1 + 0.7 * np.eye(3)[y], np.minimum(np.eye(3)[y] + np.eye(3)[0], 1)
    assert rp.evaluate(net, rp.CrossEntropy(), x, smooth).accuracy is None
    assert rp.evaluate(net, rp.BCEWithLogits(), x, several).accuracy is None
    assert rp.evaluate(net, rp.MSE(), x, np.eye(3)[y]).accuracy is None


def test_targets_that_all_have_weight_0_have_no_mean():
    x, y = rp.datasets.blobs(60, rng=0)
    loss = rp.CrossEntropy(weight=[0, 1, 1])
    with pytest.raises(rp.DataError, match="weight"):
        rp.evaluate(rp.Linear(2, 3, rng=0), loss, x, 0 * y)


def test_what_no_batch_can_pass_is_refused_before_a_callback_is_called():
    """BatchNorm needs two examples; frozen parameters are not trained."""
    called = []

    class Called(rp.Callback):
        def before_training(self, run):
            called.append(run)

    net, (x, y) = rp.Sequential(rp.Linear(2, 3, rng=0), rp.BatchNorm(3)), rp.datasets.blobs(9, rng=0)
    sgd = rp.SGD(net.parameters(), lr=0.1)
    for count, size in ((9, 1), (1, 8)):
        with pytest.raises(rp.ShapeError, match=r"BatchNorm\(3\): training needs at least two values of each feature"):
            rp.fit(net, rp.CrossEntropy(), sgd, (x[:count], y[:count]), epochs=1, batch_size=size, callbacks=[Called()])
    net[1].eval()
    rp.fit(net, rp.CrossEntropy(), sgd, (x, y), epochs=1, batch_size=1, progress=False)
    for parameter in net.parameters():
        parameter.frozen = True
    text = "optimizer must hold a parameter of net that is not frozen, got frozen ones only"
    with pytest.raises(rp.ArgumentError, match=text):
        rp.fit(net, rp.CrossEntropy(), sgd, (x, y), epochs=1, callbacks=[Called()])
    assert not called
