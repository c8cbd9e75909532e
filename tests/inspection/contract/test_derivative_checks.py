"""``check_cases``: what it counts, and that every kind of mistake fails."""

import numpy as np
import pytest
from cases import Affine, Square, case, numbers

import retroprop as rp
from retroprop.inspection.contract.derivative_checks import check_cases


class Twice(Affine):
    """A mistake in a parameter's gradient."""

    def update(self):
        super().update()
        self.scale.grad *= 2


class WrongInEvaluation(Affine):
    def backward(self, g):
        return super().backward(g) * (1 if self.training else 1.001)


class NotANumber(Affine):
    def backward(self, g):
        return np.full_like(g, np.nan)


class Broken(Affine):
    def backward(self, g):
        raise ValueError("no such luck")


def row_of(module, x=None, target=None):
    check = check_cases([case(lambda: module, x, target)])
    return check, check.rows[0]


def test_numbers_are_counted_in_both_modes():
    assert row_of(rp.Linear(3, 4, rng=0))[1].numbers == 2 * (5 * 3 + 4 * 3 + 4)
    assert row_of(rp.Add(), (numbers(5, 3), numbers(5, 3, seed=3)))[1].numbers == 2 * 2 * 15
    assert row_of(rp.MSE(), numbers(5, 3), numbers(5, 3, seed=3))[1].numbers == 2 * 15


@pytest.mark.parametrize(("wrong", "where"), [
    (Square(), "Square() in training mode: dC/dx["),
    (Twice(3), "Twice(3) in training mode: dC/dscale["),
    (WrongInEvaluation(3), "WrongInEvaluation(3) in evaluation mode: dC/dx["),
    (NotANumber(3), "NotANumber(3) in training mode: dC/dx["),
])
def test_a_mistake_fails(wrong, where):
    check, row = row_of(wrong)
    assert not check.passed
    assert row.cells()[-1] == "FAILED"
    assert f"FAILED: {where}" in str(check)
    assert "passed: " not in str(check)


def test_a_module_that_raises_fails_alone():
    check = check_cases([case(lambda: Broken(3)), case(rp.Tanh)])
    assert [row.passed for row in check.rows] == [False, True]
    assert not check.passed
    assert str(check).splitlines()[-1] == "FAILED: Broken(3): in training mode, ValueError: no such luck"


def test_a_kink_at_the_input_fails():
    check, _ = row_of(rp.ReLU(), np.zeros((5, 3)))
    assert not check.passed
    assert "FAILED: ReLU() in training mode: dC/dx[0, 0]: the derivative is " in str(check)


def test_relative_errors_of_gradients_that_are_round_off_are_not_shown():
    """A bias before BatchNorm has no effect: its gradient is 0 up to round-off."""
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4))
    _, row = row_of(net)
    assert float(row.cells()[3]) < 1e-7
    assert any(not one.largest > one.rounding for one in row.parameters["training"])
    assert row_of(rp.Tanh())[1].cells()[3] == ""
    assert row_of(NotANumber(3))[1].cells()[2] == "nan"
