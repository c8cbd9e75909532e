"""least_squares: the Levenberg-Marquardt method on the residuals of every output of every example."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.training.second_order import least_squares as squares

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (60, 2))
Y = np.stack([np.sin(3 * X[:, 0]) * X[:, 1], X[:, 0] ** 2], axis=1)


def network(dtype="float64", *between):
    return rp.Sequential(rp.Linear(2, 8, rng=0), *between, rp.Tanh(), rp.Linear(8, 2, rng=1)).astype(dtype)


def small_images():
    net = rp.Sequential(rp.Conv2d(1, 2, 2, rng=0), rp.Tanh(), rp.Flatten(), rp.Linear(8, 2, rng=1)).astype("float64")
    return net, RNG.standard_normal((9, 1, 3, 3)), RNG.standard_normal((9, 2))


def frozen_bias():
    net = network()
    net[2].bias.frozen = True
    return net, X, Y


def tied():
    net = rp.Sequential(rp.Linear(2, 2, rng=0), rp.Tanh(), rp.Linear(2, 2, rng=1)).astype("float64")
    net[2].weight = net[0].weight
    return net, X, Y


def held_statistics():
    net = network("float64", rp.BatchNorm(8))
    net.forward(X)
    return net.eval(), X, Y


@pytest.mark.parametrize("case", [small_images, frozen_bias, tied, held_statistics])
def test_the_jacobian_is_that_of_finite_differences(case):
    """Of every output of every example, by every parameter that moves; a shared one has one column for each number."""
    net, x, y = case()
    residuals = squares.Residuals(net, x, y)
    residuals.begin()
    start, columns = residuals.start, []
    for k in range(start.size):
        step = 1e-5 * (np.arange(start.size) == k)
        columns.append((residuals(start + step) - residuals(start - step)) / 2e-5)
    assert_allclose(residuals.jacobian(start), np.stack(columns, axis=1), atol=1e-9)
    assert_allclose((residuals(start) ** 2).sum() / 2, rp.MSE().forward(net.predict(x), y))


def test_targets_of_one_axis_are_those_of_one_column():
    def trained(y):
        net = rp.Linear(2, 1, rng=0)
        return rp.least_squares(net, X, y, progress=False)["cost"]
    assert trained(Y[:, 1]) == trained(Y[:, 1:])


@pytest.mark.parametrize("method", squares.METHODS)
def test_a_linear_problem_is_solved_in_a_few_steps(method):
    net = rp.Linear(2, 2, dtype="float64", rng=0)
    history = rp.least_squares(net, X, Y, method)
    solution, *_ = np.linalg.lstsq(np.hstack([X, np.ones((60, 1))]), Y, rcond=None)
    assert_allclose(np.vstack([net.weight.data.T, net.bias.data]), solution, atol=1e-9)
    assert len(history["cost"]) <= 5
    assert history["gradient_norm"][-1] < 1e-9
    assert history["epoch"] == list(range(len(history["cost"])))
    assert "termination condition is satisfied" in history.stopped


def test_it_reaches_costs_that_adam_does_not():
    """With 141 parameters and sin(3 a) + b**2 at 300 points, 400 iterations reach 9e-12, and Adam 2e-4 in the same time."""
    targets = rp.Sequential(rp.Linear(2, 4, rng=5), rp.Tanh(), rp.Linear(4, 2, rng=6)).astype("float64").predict(X)
    net, other = network(), network()
    history = rp.least_squares(net, X, targets, max_iter=60)
    rp.fit(other, rp.MSE(), rp.Adam(other.parameters(), lr=0.01), (X, targets), epochs=60, batch_size=10, rng=0)
    assert rp.MSE().forward(net.predict(X), targets) == pytest.approx(history["cost"][-1])
    assert history["cost"][-1] < 1e-9
    assert rp.MSE().forward(other.predict(X), targets) > 1e-5
    assert (np.diff(history["cost"]) <= 0).all()


def test_iterations_are_bounded():
    history = rp.least_squares(network(), X, Y, max_iter=3)
    assert (history["epoch"], history.stopped) == ([0, 1, 2, 3], "max_iter, 3 iterations, has been reached")


def test_frozen_parameters_and_statistics_stay():
    net = network("float32", rp.BatchNorm(8))
    net.forward(X)
    net[0].weight.frozen = True
    before = net.state_dict()
    rp.least_squares(net, X, Y, max_iter=3)
    after = net.state_dict()
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == {"1.running_mean", "1.running_var", "1.num_batches_tracked", "0.weight"} & before.keys()
    assert all(module.training for _, module in net.named_modules())


def test_a_network_that_draws_is_refused_and_one_that_could_is_not():
    net = network("float64", rp.Dropout(0.5, rng=1))
    before, state = net.state_dict(), repr(net[1].rng.bit_generator.state)
    with pytest.raises(rp.ArgumentError, match="least_squares: net must not draw random numbers, as Dropout does in"):
        rp.least_squares(net, X, Y)
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])
    assert repr(net[1].rng.bit_generator.state) == state
    assert rp.least_squares(net.eval(), X, Y, max_iter=30)["cost"][-1] < 1e-3


def test_ctrl_c_leaves_the_lowest_cost(monkeypatch):
    net, costs = network(), []

    class Interrupted(squares.Residuals):
        def __call__(self, vector):
            if self.evaluations == 6:
                self.net[0].weight.data[:] = 7
                raise KeyboardInterrupt
            values = super().__call__(vector)
            costs.append(float(values @ values) / 2)
            return values

    monkeypatch.setattr(squares, "Residuals", Interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        rp.least_squares(net, X, Y)
    assert caught.value.history.interrupted
    assert len(caught.value.history["cost"]) > 1
    assert_allclose(rp.MSE().forward(net.predict(X), Y), min(costs))


def test_costs_that_are_not_finite_are_refused_at_the_start_and_survived_later():
    net = network()
    net[2].weight.data[:] = math.inf
    with pytest.raises(rp.NonFiniteError, match="least_squares: the cost at the start must be finite, got NaN or infinity"):
        rp.least_squares(net, X, Y)

    class Logarithm(rp.Module):                                     # not a number below 0, where the first step leads
        def forward(self, x):
            self.point = x
            return np.log(x)

        def backward(self, g):
            return g / self.point

    net = rp.Sequential(rp.Linear(1, 1, bias=False, weight_init=rp.Constant(10.0)), Logarithm()).astype("float64")
    history = rp.least_squares(net, [[1.0]], [[0.0]])
    assert_allclose(net[0].weight.data, 1, rtol=1e-6)
    assert math.isfinite(history["cost"][-1])


@pytest.mark.parametrize(("x", "options", "text"), [
    (X, {"method": "LM"}, "method must be one of 'lm', 'trf', got 'LM'; did you mean 'lm'"),
    (X, {"maxiter": 7}, "least_squares: options must be among ftol, xtol, gtol, got 'maxiter'"),
    (X, {"tol": 0}, "tol must be a number in "),
    (X, {"xtol": "a"}, "xtol must be a number in "),
    (X[:5], {}, 'method="lm" needs at least as many numbers in y as net has parameters, got 10 and 42'),
])
def test_wrong_arguments_are_refused(x, options, text):
    with pytest.raises(rp.ArgumentError, match=text):
        rp.least_squares(network(), x, Y[:len(x)], **options)


def test_fewer_residuals_than_parameters_are_for_the_other_method():
    net = network()
    assert rp.least_squares(net, X[:5], Y[:5], "trf")["cost"][-1] < 1e-9


def test_batch_dependent_modules_are_refused():
    class Centred(rp.Module):
        batch_dependent = True

        def forward(self, x):
            return x - x.mean(axis=0)

        def backward(self, g):
            return g - g.mean(axis=0)

    with pytest.raises(rp.ArgumentError, match=r"least_squares: examples must be independent, got the batch-dependent Cent"):
        rp.least_squares(network("float64", Centred()), X, Y)
