"""Figures of finite differences."""

import re

import numpy as np
import pytest
from cases import numbers
from drawn import assert_draws_on_axes, labels
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import plots
from retroprop.errors import ArgumentError
from retroprop.inspection import GradientCosts
from retroprop.inspection.derivatives.gradient_costs import GradientCost

X, Y = numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]
COSTS = GradientCosts((GradientCost(90, 1800, 20, 0.5, 1e-4), GradientCost(9, 180, 20, 0.05, 2e-4)))


def net(activation=rp.Tanh):
    return rp.Sequential(rp.Linear(3, 4, rng=0), activation(), rp.Linear(4, 3, rng=1))


def errors(activation=rp.Tanh, **options):
    return rp.step_size_errors(net(activation), rp.CrossEntropy(), X, Y, **options)


def impact(**options):
    return rp.perturb(net(), rp.CrossEntropy(), X, Y, "2.weight", (0, 3), **options)


@pytest.mark.parametrize("draw", [
    lambda ax: plots.step_sizes(errors(), title="a message", ax=ax),
    lambda ax: plots.perturbation(impact(), title="a message", ax=ax),
    lambda ax: plots.gradient_costs(COSTS, title="a message", ax=ax),
])
def test_axes_are_drawn_on_and_returned(draw):
    assert_draws_on_axes(draw)


def test_step_sizes_draws_both_errors_and_marks_the_best_steps():
    found = errors()
    ax = plots.step_sizes(found)
    one_sided, central = ax.lines[:2]
    assert_array_equal(one_sided.get_data(), (found.steps, found.one_sided))
    assert_array_equal(central.get_data(), (found.steps, found.central))
    for line, best in ((one_sided, 1 / 2), (central, 1 / 3)):
        assert_allclose(found.steps[line.get_markevery()], [np.finfo(float).eps ** best], rtol=0.5)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert labels(ax) == ["one-sided, √ε = 1e-08", "central, ε^(1/3) = 6e-06"]


def test_step_sizes_draws_the_slopes_of_theory_beside_the_curves():
    ax = plots.step_sizes(errors())
    assert [text.get_text() for text in ax.texts] == ["slope −1", "slope 1", "slope 2"]
    for line, slope in zip(ax.lines[2:], (-1, 1, 2), strict=True):
        assert_allclose(np.polyfit(*np.log(line.get_data()), 1)[0], slope)


def test_a_line_whose_slope_a_curve_does_not_have_is_not_drawn():
    """Along one weight, the squared error of a network of ReLU is piecewise a parabola, without truncation error."""
    found = rp.step_size_errors(net(rp.ReLU), rp.MSE(), X, numbers(7, 3, seed=1))
    assert [text.get_text() for text in plots.step_sizes(found).texts] == ["slope −1", "slope 1"]


def test_several_step_size_curves_are_labelled():
    ax = plots.step_sizes({dtype: errors(dtype=dtype) for dtype in ("float64", "float32")})
    assert [label.partition(",")[0] for label in labels(ax)] == [
        "float64 one-sided", "float64 central", "float32 one-sided", "float32 central"]
    assert len({line.get_color() for line in ax.lines[:4]}) == 4


def test_best_steps_outside_the_range_are_not_marked():
    ax = plots.step_sizes(errors(steps=[1e-3, 1e-2]))
    assert labels(ax) == ["one-sided", "central"]
    assert [line.get_markevery() for line in ax.lines[:2]] == [[], []]


def test_perturbation_draws_the_cost_its_tangent_and_the_point():
    found = impact(deltas=[1.0, -1.0, 0.5])
    ax = plots.perturbation(found)
    cost, tangent, point = ax.lines
    assert_array_equal(cost.get_data(), ([-1, 0.5, 1], found.costs[[1, 2, 0]]))
    assert_allclose(tangent.get_ydata(), found.cost + found.gradient * np.array([-1, 0.5, 1]))
    assert_array_equal(point.get_data(), ([0], [found.cost]))
    assert ax.get_title() == f"2.weight[0, 3]: {found.effect}"
    assert labels(ax) == ["cost", f"tangent: slope {found.gradient:.3g}", f"current cost {found.cost:.4g}"]


def test_a_steep_tangent_does_not_flatten_the_curve():
    found = rp.perturb(net(), rp.CrossEntropy(), X, Y, "0.bias", 1, np.linspace(-50, 50, 81))
    bottom, top = plots.perturbation(found).get_ylim()
    assert np.ptp(found.predicted) > 2 * np.ptp(found.costs)
    assert top - bottom < 2 * np.ptp(found.costs)


@pytest.mark.parametrize(("what", "differences", "backpropagation", "ylabel"), [
    ("seconds", [0.05, 0.5], [2e-4, 1e-4], "seconds"),
    ("propagations", [180, 1800], [20, 20], "propagations of single examples")])
def test_gradient_costs_draws_both_over_the_number_of_parameters(what, differences, backpropagation, ylabel):
    ax = plots.gradient_costs(COSTS, what)
    for line, values in zip(ax.lines, (differences, backpropagation), strict=True):
        assert_array_equal(line.get_data(), ([9, 90], values))
    assert labels(ax) == ["finite differences", "backpropagation"]
    assert ax.get_ylabel() == ylabel


def test_bad_arguments_are_refused():
    with pytest.raises(ArgumentError, match=re.escape("what must be one of 'seconds', 'propagations', got 'bytes'")):
        plots.gradient_costs(COSTS, "bytes")
    for empty in ({}, 3):
        with pytest.raises(ArgumentError, match=r"^errors must hold at least one labelled entry, got "):
            plots.step_sizes(empty)
