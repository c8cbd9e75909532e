"""check_gradients on correct networks, on wrong ones, and at kinks."""

import re

import numpy as np
import pytest
from cases import LOSSES, MODULES, numbers
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError
from retroprop.inspection.derivatives.gradient_rows import compare_gradients

X, Y = numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]


class Doubled(rp.Tanh):
    """A backward that is wrong by a factor."""

    factor = 2.0

    def backward(self, g):
        return self.factor * super().backward(g)


class Slightly(Doubled):
    factor = 1 + 3e-7


class Forgetful(rp.Linear):
    """An update that leaves the bias out."""

    def update(self):
        kept = self.bias.grad.copy()
        super().update()
        self.bias.grad = kept


def net(*, first=(), middle=None, last=rp.Linear):
    middle = rp.Tanh() if middle is None else middle
    return rp.Sequential(*first, rp.Linear(3, 4, rng=0), middle, last(4, 3, rng=1))


def check(made, **options):
    return rp.check_gradients(made, rp.CrossEntropy(), X, Y, **options)


def failed(found):
    return [row.name for row in found.rows if not row.passed]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", [case for case in MODULES if not isinstance(case.build().predict(case.x), tuple)], ids=str)
def test_every_module_passes(case, training):
    module = case.build().train(training)
    target = numbers(*module.predict(case.x).shape, seed=1)
    found = rp.check_gradients(module, rp.MSE(), case.x, target)
    assert found.passed, found
    inputs = [f"x[{k}]" for k in range(len(case.x))] if isinstance(case.x, tuple) else ["x"]
    moved = [name for name, integers in zip(inputs, module.holds_integers(case.x), strict=True) if not integers]
    assert [row.name for row in found.rows] == [*(name for name, _ in module.named_parameters()), *moved]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", LOSSES, ids=str)
def test_every_loss_passes(case, reduction):
    loss = case.build()
    loss.reduction = reduction
    found = rp.check_gradients(rp.Identity(), loss, case.x, case.target)
    assert found.passed, found


def test_the_network_is_left_as_it_was():
    made = net(middle=rp.Dropout(0.5, rng=3))
    made[0].weight.frozen = made[0].bias.frozen = True              # update has nothing to do there
    state, masks, gradient = made.state_dict(), str(made[1].rng.bit_generator.state), made[0].weight.grad.copy()
    assert check(made).passed
    assert check(made, directions=2).passed
    for name, array in made.state_dict().items():
        assert_array_equal(array, state[name])
    assert str(made[1].rng.bit_generator.state) == masks
    assert_array_equal(made[0].weight.grad, gradient)
    assert made[0].weight.frozen
    assert made.point is None


def test_the_data_are_left_alone():
    x = X.copy()
    x.flags.writeable = False
    assert rp.check_gradients(net(), rp.CrossEntropy(), x, Y).passed


def test_propagations_are_counted():
    """Two per number, one to see whether the cost repeats, and one for backward."""
    n = 31 + X.size
    assert check(net()).propagations == (2 * n + 2) * len(X)
    assert check(net(), directions=3).propagations == (2 * (4 * 3 + 3) + 2) * len(X)


@pytest.mark.parametrize("directions", [None, 3])
@pytest.mark.parametrize("middle", [Doubled(), Slightly()], ids=lambda module: type(module).__name__)
def test_a_wrong_backward_shows_in_everything_before_it(middle, directions):
    assert failed(check(net(middle=middle), directions=directions)) == ["0.weight", "0.bias", "x"]


def test_a_wrong_backward_of_the_first_module_shows_in_x():
    assert failed(check(net(first=[Doubled()]))) == ["x"]


def test_an_update_that_forgets_a_parameter_shows():
    made = net(last=Forgetful)
    gradient = rp.finite_differences(made, rp.CrossEntropy(), X, Y)["2.bias"]
    made[2].bias.grad = gradient                                    # the stale gradient is correct, and must not count
    assert failed(check(made)) == ["2.bias"]


def test_one_wrong_entry_is_named():
    class Off(rp.Linear):
        def update(self):
            super().update()
            self.weight.grad[2, 1] += 1e-5

    found = check(net(last=Off))
    row = found["2.weight"]
    assert (row.where, row.directions) == ("[2, 1]", None)
    assert row.error == pytest.approx(1e-5, rel=1e-3)
    assert row.computed - row.numerical == pytest.approx(1e-5, rel=1e-3)
    assert row.relative == row.error / row.largest
    assert str(found).splitlines()[-1] == (f"FAILED: 2.weight[2, 1]: finite differences give {row.numerical:.9g}, "
                                           f"backpropagation {row.computed:.9g}")
    assert failed(check(net(last=Off), directions=5)) == ["2.weight"]


def test_a_gradient_that_is_not_a_number_fails():
    class Nan(rp.Linear):
        def update(self):
            super().update()
            self.weight.grad[1, 2] = np.nan

    found = check(net(last=Nan))
    assert failed(found) == ["2.weight"]
    assert found["2.weight"].where == "[1, 2]"


def test_large_arrays_are_compared_along_directions():
    """The smallest arrays are compared entry by entry, up to 2000 numbers in all."""
    made = rp.Sequential(rp.Linear(30, 60, rng=0), rp.Tanh(), rp.Linear(60, 3, rng=1))
    found = rp.check_gradients(made, rp.CrossEntropy(), numbers(7, 30), Y)
    assert {row.name: row.directions for row in found.rows} == {
        "0.weight": 10, "0.bias": None, "2.weight": None, "2.bias": None, "x": None}
    assert found.passed
    assert found["0.weight"].where.startswith("direction ")


def test_small_arrays_are_compared_entry_by_entry_and_not_along_more_directions():
    found = check(net(), directions=4)
    assert {row.name: row.directions for row in found.rows} == {
        "0.weight": 4, "0.bias": None, "2.weight": 4, "2.bias": None, "x": 4}
    assert found["0.weight"] == check(net(), directions=4)["0.weight"]
    assert found["0.weight"].numerical != check(net(), directions=4, rng=1)["0.weight"].numerical


def test_the_derivative_along_a_direction_is_the_product_with_the_gradient():
    """Directions have length 1: with gradient w, the largest of 20 derivatives is about 2.2 |w| / √40."""
    w = numbers(1, 40)
    line = rp.Sequential(rp.Linear(40, 1, bias=False, rng=0))
    found = rp.check_gradients(line, rp.L1(), w, [[-100.0]], directions=20)["0.weight"]
    assert found.largest == pytest.approx(np.linalg.norm(w) * 2.2 / np.sqrt(40), rel=0.5)


# Kinks


def test_at_a_kink_the_derivatives_on_both_sides_are_reported():
    """The first example lies on the kink of every hidden unit."""
    made, x = net(middle=rp.ReLU()), X.copy()
    x[0] = 0
    found = rp.check_gradients(made, rp.CrossEntropy(), x, Y)
    assert {row.name: row.outcome for row in found.rows} == {
        "0.weight": "agrees", "0.bias": "inconclusive", "2.weight": "agrees", "2.bias": "agrees", "x": "agrees"}
    assert not found.passed
    assert len(found["0.bias"].kinks) == 4
    assert len(found["x"].kinks) == 3
    kink = found["0.bias"].kinks[0]
    assert kink.where == "[0]"
    assert min(abs(kink.computed - kink.left), abs(kink.computed - kink.right)) < 1e-6      # as ReLU'(0) = 0 on one side
    assert abs(kink.left - kink.right) > 1e-3
    assert (f"left out: 4 of 4 places, which lie on kinks; 0.bias[0]: the derivative is {kink.left:.4g} to the left, "
            f"{kink.right:.4g} to the right, and backpropagation gives {kink.computed:.4g}") in str(found).splitlines()
    assert "left out" in str(found).splitlines()[3]
    assert str(found).splitlines()[-1] == "inconclusive: 0.bias: every place lies on a kink"


def test_a_derivative_of_0_at_a_kink_has_no_sign():
    made = rp.Sequential(rp.Linear(1, 1, weight_init=rp.Constant(1.0), bias_init=rp.Constant(-2.0)), rp.ReLU())
    made.forward([[2.0]])
    assert np.signbit(made.backward([[-1.0]]))                      # would print as -0
    assert str(rp.check_gradients(made, rp.MSE(), [[2.0]], [[1.0]])).count("and backpropagation gives 0\n") == 3


def test_beside_a_kink_the_derivative_at_the_parameters_must_agree():
    """The kink lies within the first step, whose central difference is no derivative; that of a smaller step is."""
    class Wrong(rp.ReLU):
        def backward(self, g):
            return 0.9 * super().backward(g)

    x, y = [[1.0], [2.0]], [[1.0], [1.0]]
    for activation, passes in ((rp.ReLU, True), (Wrong, False)):
        for beside in (3e-6, 3e-7, 3e-9):
            made = rp.Sequential(rp.Linear(1, 1, weight_init=rp.Zeros(), bias_init=rp.Constant(beside), rng=0), activation())
            row = rp.check_gradients(made, rp.MSE(), x, y)["0.bias"]
            assert row.passed is passes
            assert not row.kinks
            assert (row.largest, row.numerical) == pytest.approx((2, -2), rel=1e-5)     # at the parameters


def test_curvature_is_no_kink():
    """One-sided differences differ there too, by h C''."""
    class Steep(rp.Module):
        def forward(self, x):
            self.point = x
            return np.sin(30 * x)

        def backward(self, g):
            return 30 * np.cos(30 * self.point) * g * 1.001

    found = rp.check_gradients(Steep(), rp.MSE(), X, np.zeros_like(X))
    assert not found.passed
    assert not found["x"].kinks


@pytest.mark.parametrize("size", [255, 1e4, 1e6])
@pytest.mark.parametrize("factor", [1, 1 + 1e-4])
def test_large_inputs_need_smaller_steps(size, factor):
    """The first step is too large for the curve: no kink is reported, and only a wrong gradient fails."""
    for seed in range(5):
        middle = Doubled()
        middle.factor = factor
        made = rp.Sequential(rp.Linear(3, 4, dtype="float64", rng=seed), middle, rp.Linear(4, 3, dtype="float64", rng=9))
        made[0].weight.data = made[0].weight.data / size
        found = rp.check_gradients(made, rp.CrossEntropy(), X * size, Y)
        assert not any(row.kinks for row in found.rows)
        assert [name for name in failed(found) if name != "x"] == (["0.weight", "0.bias"] if factor > 1 else [])


@pytest.mark.parametrize("activation", [rp.Tanh, rp.SiLU])
def test_smooth_networks_have_no_error_and_no_kink_on_pixels(activation):
    x, y = rp.datasets.digits()
    for seed in range(10):
        made = rp.Sequential(rp.Linear(64, 10, rng=seed), activation(), rp.Linear(10, 10, rng=seed + 100))
        batch = slice(10 * seed, 10 * seed + 10)
        found = rp.check_gradients(made, rp.CrossEntropy(), x[batch] * (255 / x.max()), y[batch])
        assert not any(row.kinks or row.outcome == "differs" for row in found.rows), found  # saturated units are inconclusive


def test_round_off_is_that_of_the_terms_not_of_their_sum():
    """Predictions of 1e6 that miss by 1: the cost is 1, and has the round-off of 1e6."""
    line = rp.Sequential(rp.Linear(1, 1, dtype="float64", weight_init=rp.Constant(1e3)))
    assert rp.check_gradients(line, rp.MSE(), [[1e3]], [[1e6 - 1]]).passed


def test_the_worst_place_is_the_one_that_round_off_explains_least():
    """The first entry is steep: a smaller step agrees, with a round-off that is larger than the error of the second."""
    def cost(a):
        return 1e-3 / 3e4 * np.sin(3e4 * a[0]) + 1e-4 * a[1]

    row = compare_gradients("a", cost, np.zeros(2), np.array([1e-3 + 5e-9, 1e-4 + 1e-9]), 3e-10)
    assert row.where == "[1]"
    assert not row.passed
    assert compare_gradients("a", cost, np.zeros(2), np.array([1e-3 + 5e-9, 1e-4]), 3e-10).passed


@pytest.mark.parametrize("steep", [1, 1e2, 1e3])
def test_the_round_off_of_smaller_steps_hides_no_error(steep):
    """Round-off grows as steps shrink, but no smaller step is tried once the estimate no longer changes."""
    def cost(a):
        return 1e-3 / steep * np.sin(steep * a[0])

    for wrong, passes in ((0, True), (1e-9, False), (3e-9, False), (1e-7, False)):
        row = compare_gradients("a", cost, np.zeros(1), np.array([1e-3 + wrong]), 3e-10)
        assert row.passed is passes
        assert not row.kinks


def test_the_largest_derivative_is_taken_at_the_parameters():
    """The step of one entry crosses a kink with a derivative of 1 behind it, which does not excuse the error of the other."""
    def cost(a):
        return max(0.0, a[0] - 1e-6) + 1e-6 * a[1]

    row = compare_gradients("a", cost, np.zeros(2), np.array([0, 1e-6 + 1e-8]), 1e-11)
    assert row.largest == pytest.approx(1e-6)
    assert (row.where, row.passed) == ("[1]", False)
    assert compare_gradients("a", cost, np.zeros(2), np.array([0, 1e-6]), 1e-11).passed


def test_a_steep_entry_is_compared_again_when_the_largest_derivative_becomes_smaller():
    """An error that is small against 0.4, the difference across a kink, is not small against 1e-3."""
    def cost(a):
        return max(0.0, a[0] - 1e-6) + 1e-3 / 3e4 * np.sin(3e4 * a[1])

    row = compare_gradients("a", cost, np.zeros(2), np.array([0, 1e-3]), 1e-11)
    assert row.largest == pytest.approx(1e-3, rel=1e-7)
    assert row.passed


# Inconclusive comparisons


def vanishing(wrong):
    """Five sigmoid layers of small weights: the gradient of the first is 3e-10."""
    made = []
    for k in range(5):
        made += [rp.Linear(10, 10, weight_init=rp.Normal(std=0.01), rng=k), Halved() if k == wrong else rp.Sigmoid()]
    return rp.Sequential(*made, rp.Linear(10, 3, rng=9))


class Halved(rp.Sigmoid):
    def backward(self, g):
        return super().backward(g) / 2


@pytest.mark.parametrize("wrong", [0, None])
def test_a_gradient_below_round_off_is_inconclusive(wrong):
    found = rp.check_gradients(vanishing(wrong), rp.CrossEntropy(), numbers(10, 10), np.arange(10) % 3)
    inconclusive = [row for row in found.rows if row.outcome == "inconclusive"]
    assert [row.name for row in inconclusive] == failed(found) == ["0.weight", "0.bias", "x"]
    assert not found.passed
    assert str(found).splitlines()[-3:] == [
        f"inconclusive: {row.name}: the largest derivative, {row.largest:.2g}, is less than 10 times the round-off of finite "
        f"differences, {row.rounding:.2g}" for row in inconclusive]


def test_a_wrong_backward_shows_once_its_gradient_exceeds_round_off():
    found = rp.check_gradients(vanishing(2), rp.CrossEntropy(), numbers(10, 10), np.arange(10) % 3)
    assert {"2.weight", "4.weight"} <= {row.name for row in found.rows if row.outcome == "differs"}
    assert found["6.weight"].passed


def test_an_array_with_kinks_everywhere_is_inconclusive():
    class Wrong(rp.ReLU):
        def backward(self, g):
            return 17 * super().backward(g)

    made = rp.Sequential(rp.Linear(3, 4, weight_init=rp.Zeros()), Wrong(), rp.Linear(4, 3, rng=1))
    assert failed(check(made)) == ["0.weight", "0.bias"]


def test_a_missing_gradient_below_round_off_is_inconclusive():
    class Blind(rp.Identity):
        def backward(self, g):
            return 0 * g

    found = rp.check_gradients(rp.Sequential(Blind(), *[*vanishing(None)]), rp.CrossEntropy(), numbers(10, 10), [0] * 10)
    assert found["x"].computed == 0
    assert found["x"].outcome == "inconclusive"


@pytest.mark.parametrize(("std", "size"), [(1e-3, 7), (1.0, 7), (1.0, 2)])
def test_a_gradient_of_zero_agrees_where_it_cancels(std, size):
    """A bias before BatchNorm, also where BatchNorm enlarges gradients, and in a batch of two."""
    made = rp.Sequential(rp.Linear(3, 4, weight_init=rp.Normal(std=std), rng=0), rp.BatchNorm(4), rp.Tanh(),
                         rp.Linear(4, 3, rng=1))
    found = rp.check_gradients(made, rp.CrossEntropy(), X[:size], Y[:size])
    assert found.passed, found
    assert found["0.bias"].zero
    assert not found["0.weight"].zero


def test_a_gradient_of_zero_agrees_if_no_gradient_arrives():
    """Dead units; a parameter that nothing reads, and one of a module that does not run."""
    class Idle(rp.Linear):
        def __init__(self, *features, **options):
            super().__init__(*features, **options)
            self.unread, self.inner = rp.Parameter(np.ones(2), "unread"), rp.Linear(1, 1, bias=False)

    made = rp.Sequential(Idle(3, 4, bias_init=rp.Constant(-100), rng=0), rp.ReLU(), rp.Linear(4, 3, rng=1))
    found = check(made)
    assert found.passed, found
    assert [row.name for row in found.rows if row.zero] == [
        "0.weight", "0.bias", "0.unread", "0.inner.weight", "2.weight", "x"]


class Drawing(rp.MSE):
    """A loss that adds noise to the target."""

    def __init__(self, rng):
        super().__init__()
        if isinstance(rng, np.random.Generator):
            self.rng = rng                                          # an attribute, so that the check rewinds it
        self.draw = [rng.standard_normal]

    def costs(self, prediction, target):
        draw = self.rng.standard_normal if hasattr(self, "rng") else self.draw[0]
        return super().costs(prediction, target + 0.1 * draw(target.shape).astype(target.dtype))


def test_a_cost_that_does_not_repeat_is_refused():
    with pytest.raises(ArgumentError, match=r"^net and loss must give the same cost each time they run, got "):
        rp.check_gradients(net(), Drawing(np.random.RandomState(0)), X, X)
    assert rp.check_gradients(net(), Drawing(np.random.default_rng(0)), X, X).passed


# Names and text


def test_an_input_and_a_parameter_may_both_be_called_x():
    class Scale(rp.Module):
        def __init__(self):
            self.x = rp.Parameter(np.ones(3), "x")

        def forward(self, x):
            self.point = x
            return x * self.x.data

        def backward(self, g):
            return g * self.x.data

        def update(self):
            self.x.grad = 3 * (self.gradient * self.point).sum(0)

    found = rp.check_gradients(Scale(), rp.MSE(), X, 0 * X)
    assert not found["x"].passed
    assert found["input x"].passed
    with pytest.raises(ArgumentError, match=r"^name must be one of 'x', 'input x', got 'y'$"):
        found["y"]


def test_the_table_is_aligned():
    lines = str(check(net(), directions=3)).splitlines()
    assert lines[0].split() == ["gradient", "of", "numbers", "compared", "largest", "error", "relative", "at"]
    assert set(lines[1]) == {"-"}
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[2].split()[:4] == ["0.weight", "12", "3", "directions"]
    assert lines[-1] == "passed: every error is within 1e-07 of the largest gradient of its array, plus round-off"


def test_a_gradient_of_zero_is_called_round_off():
    """The bias before BatchNorm has no effect."""
    made = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Tanh(), rp.Linear(4, 3, rng=1))
    found = check(made)
    assert found.passed
    assert str(found).splitlines()[3].split()[0] == "0.bias"
    assert "round-off" in str(found).splitlines()[3]


@pytest.mark.parametrize("directions", [0, 2.5])
def test_check_gradients_refuses(directions):
    with pytest.raises(ArgumentError, match=f"^{re.escape(f'directions must be an integer of at least 1, got {directions}')}$"):
        check(net(), directions=directions)
