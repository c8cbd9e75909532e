"""minimize: lowest costs by SciPy's methods, on the parameters that may move, and whole states whatever ends it."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.training.second_order import minimizing


def regression(dtype="float64", outputs=1):
    """A linear problem, whose solution is known."""
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((50, 3)), rng.standard_normal((50, outputs))
    y = x @ rng.standard_normal((3, outputs)) + 2 + 0.1 * noise
    return rp.Linear(3, outputs, dtype=dtype, rng=0), x, y


@pytest.mark.parametrize("method", minimizing.METHODS)
def test_a_linear_problem_has_its_least_squares_solution(method):
    net, x, y = regression()
    history = rp.minimize(net, rp.MSE(), x, y, method)
    solution, *_ = np.linalg.lstsq(np.hstack([x, np.ones((50, 1))]), y, rcond=None)
    assert_allclose(np.append(net.weight.data, net.bias.data), solution[:, 0], atol=1e-6)
    assert_allclose(history["cost"][-1], ((net.predict(x) - y) ** 2).mean())
    assert history["epoch"] == list(range(len(history["cost"])))
    assert history["gradient_norm"][-1] < 1e-6
    assert history.stopped and not history.interrupted              # noqa: PT018


def test_digits_are_learned_in_a_hundredth_of_the_evaluations():
    """SGD at 0.03, batch 10, is at a cost of 0.0098 after 200 epochs, which are 36,000 evaluations of ten examples."""
    x, y = rp.datasets.digits()
    net = rp.Sequential(rp.Linear(64, 30, rng=0), rp.Tanh(), rp.Linear(30, 10, rng=1))
    history = rp.minimize(net, rp.CrossEntropy(), x, y, max_iter=100)
    costs, evaluations = np.array(history["cost"]), np.array(history["evaluations"])
    assert (np.diff(costs) <= 0).all()
    assert evaluations[costs < 0.0098][0] < 60


def test_frozen_parameters_and_statistics_stay():
    x, y = rp.datasets.digits()
    net = rp.Sequential(rp.Linear(64, 20, rng=0), rp.BatchNorm(20), rp.Tanh(), rp.Linear(20, 10, rng=1))
    net.forward(x[:100])                                            # statistics of some examples
    net[3].weight.frozen = True
    before = net.state_dict()
    rp.minimize(net, rp.CrossEntropy(), x[:200], y[:200], max_iter=5)
    after = net.state_dict()
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == {"1.running_mean", "1.running_var", "1.num_batches_tracked", "3.weight"} & before.keys()
    assert all(module.training for _, module in net.named_modules())


def test_a_minimum_is_found_at_once():
    net = rp.Linear(2, 1, bias=False, weight_init=rp.Zeros())
    history = rp.minimize(net, rp.MSE(), np.ones((3, 2)), np.zeros((3, 1)))
    assert (history["epoch"], history["cost"], history["evaluations"]) == ([0], [0], [1])


def test_shared_parameters_move_once():
    net = rp.Sequential(rp.Linear(3, 3, rng=0, dtype="float64"), rp.Tanh(), rp.Linear(3, 3, rng=1, dtype="float64"))
    net[2].weight = net[0].weight
    x = np.random.default_rng(0).standard_normal((20, 3))
    rp.minimize(net, rp.MSE(), x, np.tanh(x), max_iter=20)
    assert net[2].weight is net[0].weight


def test_a_network_that_draws_is_refused_and_one_that_could_is_not():
    x, y = rp.datasets.moons(30, rng=0)
    net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.Dropout(0.5, rng=1), rp.Linear(4, 2, rng=2))
    before, state = net.state_dict(), repr(net[1].rng.bit_generator.state)
    with pytest.raises(rp.ArgumentError, match="net must not draw random numbers, as Dropout does in"):
        rp.minimize(net, rp.CrossEntropy(), x, y)
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])
    assert repr(net[1].rng.bit_generator.state) == state
    net.eval()
    assert rp.minimize(net, rp.CrossEntropy(), x, y)["cost"][-1] < 0.4
    assert not net.training


def test_the_lowest_of_all_parameters_is_kept_whatever_ends_it(monkeypatch):
    """Ctrl-C in an evaluation, or an error: not those that were just being tried."""
    net, x, y = regression()
    seen, limit = [], 5

    class Interrupted(minimizing.Cost):
        def __call__(self, vector):
            if len(seen) == limit:
                at = [parameter.data for parameter in self.moving]
                for array in at:
                    array[...] = 7
                raise KeyboardInterrupt
            cost, gradient = super().__call__(vector)
            seen.append((cost, [parameter.data.copy() for parameter in self.moving]))
            return cost, gradient

    monkeypatch.setattr(minimizing, "Cost", Interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        rp.minimize(net, rp.MSE(), x, y, method="CG")
    assert caught.value.history.interrupted
    _, best = min(seen, key=lambda one: one[0])
    for parameter, array in zip(net.parameters(), best, strict=True):
        assert_array_equal(parameter.data, array)


def test_a_cost_that_is_not_finite_at_the_start_is_refused():
    net, x, y = regression()
    net.weight.data[:] = 1e200
    before = net.weight.data.copy()
    with pytest.raises(rp.NonFiniteError, match="minimize: the cost at the start must be finite, got NaN or infinity"):
        rp.minimize(net, rp.MSE(), x, y)
    assert_array_equal(net.weight.data, before)


@pytest.mark.parametrize("method", minimizing.METHODS)
def test_a_trial_that_is_not_finite_is_survived(method):
    """Of -log(w) + w, starting where the first step is too long: w below 0 has no logarithm."""
    class Barrier(rp.Loss):
        def costs(self, prediction, target):
            self.point = prediction
            return prediction - np.log(prediction)

        def derivatives(self):
            return 1 - 1 / self.point

    net = rp.Linear(1, 1, bias=False, weight_init=rp.Constant(10.0), dtype="float64")
    history = rp.minimize(net, Barrier(), [[1.0]], [[0.0]], method)
    assert_allclose(net.weight.data, 1, rtol=1e-4)
    assert math.isfinite(history["cost"][-1])


@pytest.mark.parametrize(("change", "options", "text"), [
    (lambda net: None, {"method": "LBFGS"}, "method must be one of 'L-BFGS-B', 'BFGS', 'CG', got 'LBFGS'"),
    (lambda net: None, {"maxiter": 7}, "options of L-BFGS-B must be among maxcor, maxfun, .*, got 'maxiter'"),
    (lambda net: None, {"method": "CG", "maxcor": 7}, "options of CG must be among gtol, c1, c2, norm, got 'maxcor'"),
    (lambda net: None, {"maxcor": -1}, "maxcor must be an integer of at least 1, got -1"),
    (lambda net: None, {"gtol": "a"}, r"gtol must be a number in \[0, inf\), got 'a'"),
    (lambda net: None, {"max_iter": 0}, "max_iter must be an integer of at least 1, got 0"),
    (lambda net: setattr(net.weight, "frozen", True) or setattr(net.bias, "frozen", True), {},
     "minimize: net must have a parameter that is not frozen")])
def test_wrong_arguments_are_refused(change, options, text):
    net, x, y = regression()
    change(net)
    with pytest.raises(rp.ArgumentError, match=text):
        rp.minimize(net, rp.MSE(), x, y, **options)


def test_data_that_the_loss_does_not_take_are_refused():
    net, x, y = regression()
    with pytest.raises(rp.DataError, match="y must be finite, got 1 NaN"):
        rp.minimize(net, rp.MSE(), x, np.where(y == y.max(), math.nan, y))
