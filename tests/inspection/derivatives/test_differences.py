"""Finite differences: schemes, counts of propagations, and the error as a function of the step."""

import pickle
import re

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, DtypeError, ShapeError
from retroprop.inspection.derivatives.batch_cost import BatchCost

X, Y = numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]
SLOPES = {"central": 2, "one_sided": 1}


def refuses(error, text):
    """Return ``pytest.raises`` for an error whose text begins with ``text``."""
    return pytest.raises(error, match=f"^{re.escape(text)}")


def net(end=()):
    return rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh(), rp.Linear(4, 3, rng=1), *end)


def with_everything():
    """BatchNorm and Dropout in training, a shared weight, a frozen parameter, float32."""
    first, second = rp.Linear(3, 3, rng=0), rp.Linear(3, 3, rng=1)
    second.weight = first.weight
    first.bias.frozen = second.weight.frozen = True
    return rp.Sequential(first, rp.BatchNorm(3), rp.Tanh(), rp.Dropout(0.3, rng=2), second)


def gradients(net, loss, x, y):
    """Return the gradients of ``update`` in float64."""
    for parameter in net.parameters():
        parameter.frozen = False
    net.astype("float64")
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    return {name: parameter.grad for name, parameter in net.named_parameters()}


class TwoInputs(rp.Module):
    """A minimal module of two inputs: a W' + b²."""

    arity = 2

    def __init__(self):
        self.weight = rp.Parameter(numbers(2, 3), "weight")

    def output_shape(self, input_shape):
        return input_shape[1]

    def forward(self, x):
        self.point = x
        return x[0] @ self.weight.data.T + x[1] ** 2

    def backward(self, g):
        return g @ self.weight.data, 2 * self.point[1] * g

    def update(self):
        self.weight.grad = self.gradient.T @ self.point[0]


# Finite differences


@pytest.mark.parametrize(("scheme", "error"), [("central", 1e-9), ("forward", 1e-6), ("backward", 1e-6)])
def test_finite_differences_of_a_network_equal_update(scheme, error):
    """On a float64 copy, with one mask, and without side effects."""
    made, loss = with_everything(), rp.CrossEntropy()
    masks, statistics = made[3].rng.bit_generator.state, made[1].running_mean.copy()
    found = rp.finite_differences(made, loss, X, Y, scheme)
    assert str(made[3].rng.bit_generator.state) == str(masks)
    assert_array_equal(made[1].running_mean, statistics)
    assert made.dtype == "float32"
    assert made.point is None
    assert loss.point is None
    assert made[0].bias.frozen

    expected = gradients(made, loss, X, Y)
    assert list(found) == [name for name, _ in made.named_parameters()]
    for name, gradient in expected.items():
        assert found[name].dtype == np.float64
        assert_allclose(found[name], gradient, atol=error, err_msg=name)


def test_one_sided_schemes_give_one_sided_derivatives():
    """At a kink they give the two derivatives, and the central scheme their mean."""
    kink = rp.Sequential(rp.Linear(1, 1, bias=False, weight_init=rp.Zeros(), rng=0), rp.ReLU())
    found = {scheme: rp.finite_differences(kink, rp.L1(), [[3.0]], [[-1.0]], scheme)["0.weight"].item()
             for scheme in ("central", "forward", "backward")}
    assert found == pytest.approx({"central": 1.5, "forward": 3.0, "backward": 0.0}, abs=1e-7)


@pytest.mark.parametrize(("scheme", "evaluations"), [("central", 2 * 31), ("forward", 31 + 1), ("backward", 31 + 1)])
def test_propagations_are_those_of_the_lecture(scheme, evaluations, monkeypatch):
    """2 n N (slide 41), (n + 1) N one-sided; counted at the loss too."""
    passed, forward = [], rp.CrossEntropy.forward
    monkeypatch.setattr(rp.CrossEntropy, "forward", lambda self, p, y: passed.append(len(p)) or forward(self, p, y))
    found = rp.finite_differences(net(), rp.CrossEntropy(), X, Y, scheme)
    assert found.propagations == evaluations * len(X) == sum(passed)


def test_the_result_is_a_dict_that_survives_pickling():
    found = rp.finite_differences(net(), rp.CrossEntropy(reduction="sum"), X, Y)
    again = pickle.loads(pickle.dumps(found))
    assert isinstance(found, dict)
    assert again.propagations == found.propagations
    assert_array_equal(again["2.bias"], found["2.bias"])


def test_a_network_without_parameters_has_none():
    found = rp.finite_differences(rp.Softmax(), rp.MSE(), X, X, "forward")
    assert (found, found.propagations) == ({}, 0)


def test_a_module_of_several_inputs_takes_a_tuple_of_arrays():
    module, x, y = TwoInputs(), (numbers(5, 3), numbers(5, 2)), np.ones((5, 2))
    found = rp.finite_differences(module, rp.MSE(), x, y)
    assert_allclose(found["weight"], gradients(module, rp.MSE(), x, y)["weight"], atol=1e-9)
    assert found.propagations == 2 * 6 * 5
    check = rp.check_gradients(module, rp.MSE(), x, y)
    assert [row.name for row in check.rows] == ["weight", "x[0]", "x[1]"]
    assert check.passed
    with refuses(ShapeError, "x must hold arrays with equal numbers of examples, got 5, 4"):
        rp.finite_differences(module, rp.MSE(), (x[0], x[1][:4]), y)


def test_a_module_of_one_input_takes_a_tuple_of_rows():
    assert BatchCost(net(), rp.CrossEntropy(), ((1, 2, 3), (4, 5, 6)), [0, 1]).x.shape == (2, 3)


@pytest.mark.parametrize(("error", "text", "change"), [
    (ArgumentError, "loss must return one number, got CrossEntropy(reduction='none'), which returns an array of shape (7,)",
     {"loss": rp.CrossEntropy(reduction="none")}),
    (ArgumentError, "net must be a Module, got 3", {"net": 3}),
    (ArgumentError, "loss must be a Loss, got Tanh()", {"loss": rp.Tanh()}),
    (DataError, "x must be finite, got 1 NaN or infinite of 3 values, first at (0, 1)", {"x": [[1, np.nan, 2]]}),
    (ShapeError, "x must have an axis of examples, got shape ()", {"x": 1.0}),
    (ShapeError, "x must have a batch axis before the axes that Sequential(", {"x": X[0], "y": Y[0]}),
    (ShapeError, "Linear(3, 4, dtype='float64'): x must have shape (..., 3), got (7, 2)", {"x": X[:, :2]}),
])
@pytest.mark.parametrize("function", [rp.finite_differences, rp.check_gradients, rp.step_size_errors,
                                      lambda *args: rp.perturb(*args, "0.bias", 1)],
                         ids=["finite_differences", "check_gradients", "step_size_errors", "perturb"])
def test_all_refuse(function, error, text, change):
    with refuses(error, text):
        function(*({"net": net(), "loss": rp.CrossEntropy(), "x": X, "y": Y} | change).values())


def test_numerical_gradient_refuses():
    a = np.arange(3.0)
    for entries in ([True, False, False], [[0, 1]], [0.5], [3], [-4], 1):
        with refuses(ArgumentError, f"entries must be a sequence of integers, each an index into 3 numbers, got {entries!r}"):
            rp.numerical_gradient(lambda a: (a**2).sum(), a, entries=entries)
    with refuses(DtypeError, "entries must be real numbers, got <U1"):
        rp.numerical_gradient(lambda a: (a**2).sum(), a, entries=["0"])
    for value in (a, a[:1], None, "1", [1.0], 1j):
        with refuses(ArgumentError, f"cost must return one number, got {value!r}"):
            rp.numerical_gradient(lambda a, value=value: value, a)
    assert_array_equal(a, [0, 1, 2])


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.float64(1), np.array(1.0)])
def test_a_cost_may_be_a_number_of_any_type(value):
    assert_array_equal(rp.numerical_gradient(lambda a: value, np.ones(2)), [0, 0])


def test_entries_may_be_negative():
    a = np.arange(3.0)
    assert_allclose(rp.numerical_gradient(lambda a: (a**2).sum(), a, entries=[-1, 1]), [4, 2])
    assert rp.numerical_gradient(lambda a: (a**2).sum(), a, entries=[]).shape == (0,)


def test_examples_may_be_single_numbers():
    found = rp.check_gradients(rp.Tanh(), rp.MSE(), X[:, 0], X[:, 1])
    assert found.passed
    assert found.propagations == (2 * 7 + 2) * 7


def test_finite_differences_refuse_an_unknown_scheme():
    with refuses(ArgumentError, "scheme must be one of 'central', 'forward', 'backward', got 'left'"):
        rp.finite_differences(net(), rp.CrossEntropy(), X, Y, "left")


@pytest.mark.parametrize(("h", "error"), [(1e-2, 1e-4), (1e-4, 1e-8), (6e-6, 1e-10)])
def test_the_error_of_truncation_falls_with_the_square_of_the_step(h, error):
    a = np.array([0.3, -0.8])
    found = rp.numerical_gradient(lambda a: np.sin(a).sum(), a, step=h)
    assert np.abs(found - np.cos(a)).max() < error
    assert_array_equal(a, [0.3, -0.8])


def test_the_array_is_restored_if_the_cost_raises():
    a = np.array([1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        rp.numerical_gradient(lambda a: 1 / 0, a)
    assert_array_equal(a, [1, 2])


# The step


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_truncation_grows_with_the_step_and_round_off_with_its_inverse(dtype):
    """Slopes 2, 1 and -1 in a log-log plot, and the least error near the best steps of theory."""
    found = rp.step_size_errors(net(), rp.CrossEntropy(), X, Y, dtype=dtype)
    h = found.steps
    assert (found.dtype, len(h)) == (dtype, 48)
    assert_allclose((h[0], h[-1]), (np.finfo(dtype).eps, 1))
    for scheme, order in SLOPES.items():
        errors, best = getattr(found, scheme), getattr(found, f"best_{scheme}")
        assert best ** (1 + order) == pytest.approx(np.finfo(dtype).eps)
        for slope, where in ((order, (h > 10 * best) & (h < 0.3)), (-1, h < best / 10)):
            assert np.polyfit(np.log(h[where]), np.log(errors[where]), 1)[0] == pytest.approx(slope, abs=0.2)
        assert 1 / 30 < h[errors.argmin()] / best < 30
    assert found.propagations == (48 * 2 * 31 + 1) * len(X)


def test_errors_are_relative_to_the_largest_gradient():
    """C = log(1 + e^w) at w = 0.5."""
    one = rp.Sequential(rp.Linear(1, 1, bias=False, weight_init=rp.Constant(0.5), rng=0))
    found = rp.step_size_errors(one, rp.BCEWithLogits(), [[1.0]], [[0.0]], [1.0])
    exact, (low, here, high) = 1 / (1 + np.exp(-0.5)), np.log1p(np.exp([-0.5, 0.5, 1.5]))
    assert_allclose(found.central, abs((high - low) / 2 - exact) / exact)
    assert_allclose(found.one_sided, abs(high - here - exact) / exact)


def test_a_large_network_is_sampled():
    large = rp.Sequential(rp.Linear(3, 50, rng=0), rp.Tanh(), rp.Linear(50, 3, rng=1))
    found = rp.step_size_errors(large, rp.CrossEntropy(), X, Y, [1e-5, 1e-2])
    assert found.propagations == (2 * 2 * 100 + 1) * len(X)
    assert found.central[0] < 1e-8 < found.central[1]
    other = rp.step_size_errors(large, rp.CrossEntropy(), X, Y, [1e-5, 1e-2], rng=1)
    assert (other.central != found.central).any()


def test_step_size_errors_print_the_best_steps():
    lines = str(rp.step_size_errors(net(), rp.CrossEntropy(), X, Y, [1e-2, 1e-8, 1e-5])).splitlines()
    assert lines[0].split() == ["step", "central", "one-sided", "by", "theory"]
    assert [line.split()[0] for line in lines[2:]] == ["1.0e-08", "1.0e-05", "1.0e-02"]
    assert [line[27:].strip() for line in lines[2:]] == ["best one-sided step", "best central step", ""]


@pytest.mark.parametrize("steps", [[], [1e-17, 1e-3], [np.nan, 1e-3], [1e-3, np.inf], [-1.0]], ids=str)
def test_step_size_errors_refuse_bad_steps(steps):
    with refuses(ArgumentError, "steps must be finite and at least 2.22e-16, the least that changes a float64 1, got "):
        rp.step_size_errors(net(), rp.CrossEntropy(), X, Y, steps)


def test_step_size_errors_refuse_a_network_without_gradients():
    with refuses(ArgumentError, "step_size_errors: net must have parameters, got Tanh()"):
        rp.step_size_errors(rp.Tanh(), rp.MSE(), X, X)
    zero = rp.Sequential(rp.Linear(3, 1, bias=False, rng=0))
    with refuses(ArgumentError, "step_size_errors: net must have a gradient that is not 0 everywhere, got Sequential("):
        rp.step_size_errors(zero, rp.MSE(), np.zeros((7, 3)), np.ones((7, 1)))
