"""The learning-rate range test: what it finds, and what it leaves alone."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp


def problem():
    net = rp.Sequential(rp.Linear(64, 30, rng=0), rp.BatchNorm(30), rp.Tanh(), rp.Dropout(0.2, rng=3), rp.Linear(30, 10, rng=1))
    loss = rp.CrossEntropy()
    optimizer = rp.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, y = rp.datasets.digits()
    rp.fit(net, loss, optimizer, (x[:100], y[:100]), epochs=1, rng=0)
    return net, loss, optimizer, (x, y)


def everything(net, optimizer):
    arrays = [*net.state_dict().values(), *optimizer.state_dict()["state"].values(), *(p.grad for p in net.parameters())]
    return [array.tobytes() for array in arrays] + [repr(rng.bit_generator.state) for _, rng in net.named_generators()] + [
        repr(optimizer.state_dict()["groups"]), repr([module.training for _, module in net.named_modules()])]


@pytest.mark.parametrize("training", [True, False])
def test_nothing_changes(training):
    net, loss, optimizer, data = problem()
    for module in net[1], net[3]:
        module.training = training
    output = net.forward(data[0][:3])
    before = everything(net, optimizer)
    rp.lr_range_test(net, loss, optimizer, data, steps=20, rng=0)
    assert everything(net, optimizer) == before
    net.backward(np.ones_like(output))                              # it is still at the point of its own forward


def test_the_first_steps_are_those_of_a_loop():
    net, loss, optimizer, data = problem()
    found = rp.lr_range_test(net, loss, optimizer, data, lowest=0.01, highest=0.1, steps=5, batch_size=50, rng=7)
    assert_allclose(found.rates, np.geomspace(0.01, 0.1, 5))
    costs = []
    for rate, (x, y) in zip(found.rates, rp.datasets.batches(*data, batch_size=50, rng=7), strict=False):
        costs.append(loss.forward(net.forward(x), y))
        net.backward(loss.backward())
        net.update()
        optimizer.lr = rate
        optimizer.step()
    assert np.array_equal(found.costs, costs)


def test_labels_streams_and_weights_are_taken_as_by_fit():
    x, y = rp.datasets.moons(60, rng=0)
    net, labels = rp.Linear(2, 2, rng=0), np.array(["no", "yes"])[y]
    sgd = rp.SGD(net.parameters(), lr=0.1)

    def costs(data):
        return rp.lr_range_test(net, rp.CrossEntropy(), sgd, data, steps=5, batch_size=20, rng=3).costs

    expected = costs((x, y))
    assert np.array_equal(costs((x, labels)), expected)
    assert net.class_labels is None                                 # the network is as it was
    batches = list(rp.datasets.batches(x, y, batch_size=20, rng=3))
    assert np.array_equal(costs(lambda: batches)[:3], expected[:3])
    assert costs(lambda: [(*batch, np.zeros(20)) for batch in batches]).tolist() == [0] * 5
    assert len(costs(iter(batches * 2))) == 5
    with pytest.raises(rp.DataError, match="data must give its batches anew for each epoch, got none in a later one"):
        costs(iter(batches))


def test_it_ends_where_the_cost_explodes_and_suggests_a_rate_that_learns():
    net, loss, optimizer, data = problem()
    found = rp.lr_range_test(net, loss, optimizer, data, highest=1e6, rng=0)
    assert 3 < len(found.costs) == len(found.smoothed) == len(found.rates) < 100
    optimizer.lr = found.suggestion
    history = rp.fit(net, loss, optimizer, data, epochs=2, rng=0)
    assert history["cost"][-1] < 0.5
    assert f"falls most steeply at {found.suggestion:.3g}" in str(found)


def test_groups_keep_their_ratios():
    net, loss, _, data = problem()
    rates = []

    class Recorded(rp.SGD):
        def step(self):
            rates.append([group["lr"] for group in self.groups])
            super().step()

    parameters = net.parameters()
    optimizer = Recorded([{"params": parameters[:2], "lr": 0.3}, {"params": parameters[2:]}], lr=0.1)
    found = rp.lr_range_test(net, loss, optimizer, data, steps=4, rng=0)
    assert_allclose(rates, np.outer(found.rates, [1, 1 / 3]))


def test_a_rate_of_0_stays_0():
    net, loss, _, data = problem()
    first = net[0].parameters()
    others = {"params": [parameter for parameter in net.parameters() if parameter not in first]}
    still = rp.SGD([others, {"params": first, "lr": 0.0}], lr=0.1)
    found = rp.lr_range_test(net, loss, still, data, steps=5, highest=0.1, rng=0)
    for parameter in first:
        parameter.frozen = True
    frozen = rp.lr_range_test(net, loss, rp.SGD([others], lr=0.1), data, steps=5, highest=0.1, rng=0)
    np.testing.assert_array_equal(found.costs, frozen.costs)


def test_a_module_in_evaluation_mode_stays_in_it():
    net, loss, optimizer, data = problem()
    net[1].eval()
    net[3].eval()
    first = next(iter(rp.datasets.batches(*data, batch_size=40, rng=5)))
    found = rp.lr_range_test(net, loss, optimizer, data, batch_size=40, rng=5)
    assert found.costs[0] == loss.forward(net.forward(first[0]), first[1])


def test_a_cost_that_is_not_finite_before_any_step_is_an_error():
    net, loss, optimizer, data = problem()
    net[4].bias.data[:] = np.inf
    with pytest.raises(rp.NonFiniteError, match="lr_range_test: the cost of the first batch is nan, before any step"):
        rp.lr_range_test(net, loss, optimizer, data)


def test_a_cost_that_only_rises_gives_no_suggestion():
    rising = rp.RateRange(np.geomspace(1, 8, 4), np.arange(4.0), np.arange(4.0))
    assert math.isnan(rising.suggestion)


@pytest.mark.parametrize(("options", "text"), [
    ({"lowest": 1, "highest": 0.1}, "lowest must be below highest, got lowest=1 and highest=0.1"),
    ({"lowest": 0}, "lowest must be a number in \\(0, inf\\), got 0"),
    ({"steps": 2}, "steps must be an integer of at least 3, got 2")])
def test_wrong_arguments_are_refused(options, text):
    net, loss, optimizer, data = problem()
    with pytest.raises(rp.ArgumentError, match=text):
        rp.lr_range_test(net, loss, optimizer, data, **options)


def test_the_figure_marks_the_suggestion():
    net, loss, optimizer, data = problem()
    found = rp.lr_range_test(net, loss, optimizer, data, rng=0)
    ax = rp.plots.rate_range(found)
    assert ax.get_xscale() == "log"
    assert f"{found.suggestion:.2g}" in ax.get_legend_handles_labels()[1][-1]
    with pytest.raises(rp.ArgumentError, match="rate_range: found must be what lr_range_test returns"):
        rp.plots.rate_range([1])
