"""Data that do not fit into memory: streams of batches, and memory-mapped arrays, train as arrays do."""

import tracemalloc
from functools import partial
from itertools import count, islice

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(40, rng=0)
PARTS = [slice(k, k + 10) for k in range(0, 40, 10)]
BATCHES = [(X[part], Y[part]) for part in PARTS]


class Loader:
    """What a DataLoader is: an object that is iterated anew for each epoch."""

    def __init__(self, batches=BATCHES):
        self.batches, self.passes = batches, 0

    def __iter__(self):
        self.passes += 1
        return iter(self.batches)


def same(iterator):
    return iterator


def build(features=2):
    return rp.Sequential(rp.Linear(features, 5, rng=0), rp.Tanh(), rp.Linear(5, 3, rng=1))


def fit(data, epochs=2, features=2, loss=None, **options):
    net = build(features)
    history = rp.fit(net, loss or rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.2), data, epochs=epochs, progress=False,
                     **{"rng": 0} | options)
    return net.state_dict(), history


def by_hand(batches, epochs=2):
    net, costs = build(), []
    step = rp.Step(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.2))
    for _ in range(epochs):
        costs.append(np.mean([step(*batch) for batch in batches]))
    return net.state_dict(), costs


@pytest.mark.parametrize("make", [Loader, lambda: lambda: iter(BATCHES), lambda: lambda: (list(batch) for batch in BATCHES),
                                  lambda: dict(enumerate(BATCHES)).values()],
                         ids=["loader", "function", "generators", "view"])
def test_a_stream_is_trained_on_batch_by_batch(make):
    found, history = fit(make(), validation=(X, Y), metrics=["f1_score"])
    expected, costs = by_hand(BATCHES)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert history["cost"] == pytest.approx(costs)
    assert len(history["validation_cost"]) == len(history["f1_score"]) == 2


def test_each_epoch_is_one_pass():
    loader = Loader()
    fit(loader, epochs=3)
    assert loader.passes == 3
    _, history = fit(iter(BATCHES), epochs=1)
    assert history["epoch"] == [1]


@pytest.mark.long
def test_a_metric_of_a_stream_may_need_more_than_its_first_batch():
    order = np.argsort(Y)
    _, history = fit(Loader([(X[order[part]], Y[order[part]]) for part in PARTS]), metrics=["roc_auc_score"])
    assert len(history["roc_auc_score"]) == 2


def test_batches_have_weights():
    weights = np.arange(40) % 3.0
    found, history = fit(Loader([(X[part], Y[part], weights[part]) for part in PARTS]))
    expected, _ = by_hand([(X[part], Y[part], weights[part]) for part in PARTS])
    np.testing.assert_array_equal(found["0.weight"], expected["0.weight"])
    assert history["cost"][0] != pytest.approx(by_hand(BATCHES)[1][0])


def test_a_stream_of_10_gb_trains_in_300_mb():
    """Simulated: 40 batches of 5 MB, each made when its turn comes, need the memory of one or two of them."""
    def stream():
        for k in range(40):
            x = np.full((64, 20_000), 1e-3 * k, "float32")
            yield x, np.zeros(64, int)

    fit(lambda: [next(stream())], epochs=1, features=20_000)        # loads what training needs
    tracemalloc.start()
    fit(stream, epochs=1, features=20_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 64 * 20_000 * 4


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_a_memory_map_trains_as_its_array_and_is_never_read_whole(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("retroprop.datasets.checks.AT_ONCE", 2**15)
    x, y = np.random.default_rng(0).integers(0, 9, (1200, 2000)).astype(dtype), np.arange(1200) % 3
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    options = {"features": 2000, "batch_size": 20, "epochs": 1, "sample_weight": y + 1}
    expected, costs = fit((x, y), validation=(x, y), **options)
    tracemalloc.start()
    found, history = fit((mapped, y), validation=(mapped, y), **options)
    evaluation = rp.evaluate(build(2000), rp.CrossEntropy(), mapped, y, batch_size=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert (history["cost"], history["validation_cost"]) == (costs["cost"], costs["validation_cost"])
    assert evaluation == rp.evaluate(build(2000), rp.CrossEntropy(), x, y, batch_size=10)
    assert peak < 4.8e6                                             # in float32, all of it has 9.6 MB


def test_the_targets_of_a_memory_map_are_checked_first(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for y, kind, text in ((np.where(np.arange(40) == 39, 3, Y), rp.DataError, r"classes must be in 0\.\.2, got values from 0"),
                          (Y[1:], rp.ShapeError, r"data\[1\] must have as many examples as data\[0\], 40, got 39")):
        with pytest.raises(kind, match=text):
            fit((mapped, y), batch_size=8, callbacks=[lambda run: pytest.fail("has trained")])


@pytest.mark.parametrize(("data", "epochs", "kind", "text"), [
    (iter(BATCHES), 2, rp.ArgumentError, "data must give its batches anew for each of 2 epochs, got <list_iterator object"),
    (partial(same, iter(BATCHES)), 2, rp.DataError, "data must give its batches anew for each epoch, got none in a later one"),
    (Loader([]), 1, rp.DataError, "data must have at least one batch, got none from <"),
    (Loader([X]), 1, rp.ArgumentError, r"data must have batches \(x, y\) or \(x, y, weight\), got ndarray as batch 1"),
    (Loader([*BATCHES, BATCHES[0] * 2]), 1, rp.ArgumentError, "got a tuple of 4 as batch 5"),
    (Loader([(X, Y + 4)]), 1, rp.DataError, r"classes must be in 0\.\.2, got values from 4"),
    (Loader([(X, Y[1:])]), 1, rp.ShapeError, "y of batch 1 must have as many examples as x of batch 1, 40, got 39"),
    (Loader([*BATCHES, (X * np.nan, Y)]), 1, rp.DataError, "x of batch 5 must be finite, got 80 NaN or infinite of 80 values"),
    (Loader([*BATCHES, (X[:, [0, 1, 0]], Y)]), 1, rp.ShapeError, r"x of batch 5 must have shape \(examples, 2\), got"),
    (Loader([*BATCHES, (X, Y, Y - 1)]), 1, rp.DataError, "weight of batch 5 must hold numbers of at least 0, got -1 to 1"),
    (Loader([*BATCHES, ("ab", Y)]), 1, rp.ShapeError, "x of batch 5 must have an axis of examples"),
    (3, 1, rp.ArgumentError, r"data must be a pair \(x, y\), got int"), ("xy", 1, rp.ArgumentError, "got str"),
    (Loader, 1, rp.ArgumentError, r"data must be a pair \(x, y\), got type"),
    (BATCHES[:2], 1, rp.ArgumentError, "got a list of 2; of a list of batches, give a function that returns it: lambda: bat"),
    ([list(one) for one in BATCHES[:3]], 1, rp.ArgumentError, "got a list of 3; of a list of batches, give a function that"),
    (BATCHES, 1, rp.ArgumentError, "got a list of 4; of a list of batches, give a function that returns it: lambda: batches"),
    ({"x": X, "y": Y}, 1, rp.ArgumentError, r"data must be a pair \(x, y\), got dict")], ids=range(18))
def test_wrong_streams_are_refused_in_one_sentence(data, epochs, kind, text):
    with pytest.raises(kind, match=text) as caught:
        fit(data, epochs=epochs)
    assert "\n" not in str(caught.value)


def test_weights_of_a_stream_are_in_its_batches():
    for options in ({"sample_weight": Y}, {"class_weight": "balanced"}):
        with pytest.raises(rp.ArgumentError, match=r"_weight must be None for a stream, whose batches \(x, y, weight\) hold"):
            fit(Loader(), **options)


def test_a_stream_may_be_endless():
    endless = ((X, Y) for _ in count())
    found, _ = fit(lambda: islice(endless, 5), epochs=2)
    expected, _ = by_hand([(X, Y)] * 5)
    np.testing.assert_array_equal(found["0.weight"], expected["0.weight"])


def test_a_memory_map_with_a_value_that_is_not_finite_says_in_which_batch(tmp_path):
    np.save(tmp_path / "x.npy", np.where(np.arange(80).reshape(40, 2) == 71, np.inf, 1.0))
    with pytest.raises(rp.DataError, match=r"x of batch \d must be finite, got 1 NaN or infinite of 20 values"):
        fit((np.load(tmp_path / "x.npy", mmap_mode="r"), Y), batch_size=10)
