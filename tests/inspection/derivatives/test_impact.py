"""The effect of one parameter on the cost, and what gradients cost."""

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError, NonFiniteError

X, Y = numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]


def net(hidden=4, activation=rp.Tanh):
    return rp.Sequential(rp.Linear(3, hidden, rng=0), activation(), rp.Linear(hidden, 3, rng=1))


def test_perturb_gives_the_cost_with_one_number_moved():
    made, loss, deltas = net().astype("float64"), rp.CrossEntropy(), [0.5, -2.0, 0.0]
    found = rp.perturb(made, loss, X, Y, "2.weight", (0, 3), deltas)
    start = made[2].weight.data[0, 3]
    expected = []
    for delta in deltas:
        made[2].weight.data[0, 3] = start + delta
        expected.append(loss.forward(made.forward(X), Y))
    assert_allclose(found.costs, expected, rtol=1e-12)
    assert (found.value, found.cost, found.index) == (start, found.costs[2], (0, 3))


def test_the_gradient_predicts_the_cost_to_second_order():
    """The error of C + g δ falls with δ²."""
    found = rp.perturb(net(), rp.CrossEntropy(), X, Y, "0.weight", (2, 1), [1e-2, 1e-3])
    assert_allclose(found.predicted, found.cost + found.gradient * found.deltas)
    far, near = found.costs - found.predicted
    assert abs(far) > 1e-8
    assert far / near == pytest.approx(100, rel=0.1)


def test_the_sign_of_the_gradient_says_whether_the_cost_rises():
    """For a positive error, the weight of a positive input raises the cost, and that of a negative one lowers it."""
    line = rp.Sequential(rp.Linear(3, 1, bias=False, weight_init=rp.Zeros(), rng=0))
    say = [str(rp.perturb(line, rp.MSE(), [[1.0, -1.0, 0.0]], [[-2.0]], "0.weight", (0, k), [-0.1, 0.2])) for k in range(3)]
    assert say[0] == ("0.weight[0, 0] = 0: cost 4, gradient 4: increasing it raises the cost\n"
                      "change  cost  predicted\n"
                      "-----------------------\n"
                      "-0.1    3.61        3.6\n"
                      "+0.2    4.84        4.8")
    assert say[1].splitlines()[0].endswith("gradient -4: increasing it lowers the cost")
    assert say[2].splitlines()[0].endswith("gradient 0: a small change leaves the cost as it is")


def test_a_long_table_is_shortened_and_keeps_both_ends():
    lines = str(rp.perturb(net(), rp.CrossEntropy(), X, Y, "2.bias", -1)).splitlines()[3:]
    assert [float(line.split()[0]) for line in lines] == list(np.linspace(-1, 1, 9))


def test_perturb_leaves_the_network_as_it_was_and_takes_negative_indices():
    made = net()
    state = made.state_dict()
    found = rp.perturb(made, rp.CrossEntropy(), X, Y, "2.bias", -1)
    assert (found.index, found.entry) == ((2,), "2.bias[2]")
    for name, array in made.state_dict().items():
        assert_array_equal(array, state[name])
    assert made.point is None


def test_a_cost_that_overflows_is_returned():
    line = rp.Sequential(rp.Linear(3, 1, rng=0))
    assert rp.perturb(line, rp.MSE(), X, np.ones((7, 1)), "0.weight", (0, 0), [0.0, 1e200]).costs[1] == np.inf


@pytest.mark.parametrize(("text", "options"), [
    ("name must be one of '0.weight', '0.bias', '2.weight', '2.bias', got '1.weight'; did you mean '0.weight'?",
     {"name": "1.weight"}),
    ("index must be that of one number in 2.weight, which has shape (3, 4), got (3, 0)", {"index": (3, 0)}),
    ("index must be that of one number in 2.weight, which has shape (3, 4), got 1", {"index": 1}),
    ("index must be that of one number in 2.weight, which has shape (3, 4), got (0, 1.0)", {"index": (0, 1.0)}),
    ("deltas must hold at least one number, all finite, got []", {"deltas": []}),
    ("deltas must hold at least one number, all finite, got [nan]", {"deltas": [np.nan]}),
])
def test_perturb_refuses(text, options):
    with refuses(ArgumentError, text):
        rp.perturb(net(), rp.CrossEntropy(), X, Y, **({"name": "2.weight", "index": (0, 0)} | options))


def test_a_cost_that_is_not_finite_has_no_derivative():
    made = net()
    made[0].bias.data[0] = np.nan
    for function in (rp.check_gradients, lambda *args: rp.perturb(*args, "2.bias", 0), rp.step_size_errors,
                     rp.hessian_eigenvalues):
        with refuses(NonFiniteError, "the cost of this batch is nan: it has no derivative"):
            function(made, rp.CrossEntropy(), X, Y)
    for scheme in ("central", "forward"):
        with refuses(NonFiniteError, "the cost of this batch must be finite for a derivative, but is not when 0.weight "
                                     "changes"):
            rp.finite_differences(made, rp.CrossEntropy(), X, Y, scheme)


def test_finite_differences_cost_2_n_propagations_and_backpropagation_two():
    """Per example, for n parameters; the seconds are measured."""
    nets = [net(hidden) for hidden in (2, 5, 30)]
    costs = rp.gradient_costs(nets, rp.CrossEntropy(), X, Y)
    for row, made in zip(costs.rows, nets, strict=True):
        n = sum(parameter.data.size for parameter in made.parameters())
        assert row[:3] == (n, 2 * n * len(X), 2 * len(X))
        assert row.differences_seconds > row.backpropagation_seconds > 0
    lines = str(costs).splitlines()
    assert lines[0].split() == ["parameters", "differences", "seconds", "backpropagation", "seconds", "speedup"]
    assert [line.split()[1] for line in lines[2:]] == ["238", "532", "2,982"]


def test_gradient_costs_refuse_networks_without_parameters():
    for wrong in (rp.Tanh(), 3):
        with refuses(ArgumentError, f"nets must be modules with parameters, got {wrong!r}"):
            rp.gradient_costs([net(), wrong], rp.CrossEntropy(), X, Y)


def test_gradient_costs_take_a_generator_of_networks():
    assert len(rp.gradient_costs(iter([net(), net(2)]), rp.CrossEntropy(), X, Y).rows) == 2
    with refuses(ArgumentError, "nets must hold at least one module, got none"):
        rp.gradient_costs([], rp.CrossEntropy(), X, Y)
    with refuses(ArgumentError, f"nets must be a list of modules, got {net()!r}; write [net] for one"):
        rp.gradient_costs(net(), rp.CrossEntropy(), X, Y)
