"""Figures of saliency maps."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cases import numbers
from drawn import assert_draws_in_figure
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import plots, saliency
from retroprop.errors import ArgumentError, ShapeError

X = numbers(3, 1, 4, 5)


def randomized(x=X):
    net = rp.Sequential(rp.Flatten(), rp.Linear(20, 6, rng=0), rp.Tanh(), rp.Linear(6, 3, rng=1), rp.Softmax())
    return saliency.randomization(net, x, rng=0)


def rows(figure, count):
    """Return the images, row by row."""
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images and ax.get_label() != "<colorbar>"]
    return [shown[k:k + len(shown) // count] for k in range(0, len(shown), len(shown) // count)]


@pytest.mark.parametrize("draw", [lambda figure: plots.saliency(X, X, title="a message", figure=figure),
                                  lambda figure: plots.randomization(randomized(), title="a message", figure=figure)])
def test_figures_are_drawn_into_and_returned(draw):
    assert_draws_in_figure(draw)


def test_saliency_draws_inputs_and_the_magnitudes_of_each_map():
    maps = {"one": numbers(3, 1, 4, 5, seed=1), "another": -np.ones(X.shape)}
    figure = plots.saliency(X, maps, names=["a", 7, "c"])
    found = rows(figure, 3)
    for i in range(3):
        assert_array_equal(found[i][0], X[i, 0])
        magnitude = abs(maps["one"][i, 0])
        assert_allclose(found[i][1], np.minimum(magnitude / np.quantile(magnitude, 0.99), 1))
        assert_array_equal(found[i][2], np.ones((4, 5)))
    assert [ax.get_title() for ax in figure.axes[:3]] == ["input", "one", "another"]
    assert [figure.axes[k].get_ylabel() for k in (0, 3, 6)] == ["a", "7", "c"]


def test_a_map_of_zeros_is_dark_and_a_single_number_is_bright():
    maps = np.zeros((2, 20, 20))
    maps[1, 3, 4] = -0.2
    none, lone = (row[1] for row in rows(plots.saliency(maps, maps), 2))
    assert not none.any()
    assert (lone.max(), np.count_nonzero(lone)) == (1, 1)


def test_colours_are_drawn_as_colours_and_rows_of_numbers_in_the_given_shape():
    x = np.abs(numbers(2, 3, 4, 5)) * 0.9
    shown, magnitude = rows(plots.saliency(x, -x), 2)[1]
    assert_array_equal(shown, np.clip(x[1], 0, 1).transpose(1, 2, 0))
    assert magnitude.shape == (4, 5)
    flat = X.reshape(3, 20)
    assert_array_equal(rows(plots.saliency(flat, flat, shape=(4, 5)), 3), rows(plots.saliency(X, X), 3))


def test_randomization_draws_a_column_per_stage_and_the_correlations_below():
    found = randomized()
    figure = plots.randomization(found, examples=2)
    shown = rows(figure, 2)
    for i in range(2):
        assert_array_equal(shown[i][0], X[i, 0])
        for stage in range(3):
            magnitude = found.maps[stage, i]
            assert_allclose(shown[i][1 + stage], np.minimum(magnitude / np.quantile(magnitude, 0.99), 1))
    assert [ax.get_title() for ax in figure.axes[:4]] == ["input", "trained", "Linear\nat 3", "+ Linear\nat 1"]
    curve = figure.axes[-1].lines[1]
    assert_allclose(curve.get_ydata(orig=False), [1, *found.correlations.mean(1)])


def test_more_examples_than_there_are_and_rows_of_numbers():
    figure = plots.randomization(randomized(X.reshape(3, 20)), examples=9, shape=(5, 4))
    assert [image.shape for row in rows(figure, 3) for image in row] == [(5, 4)] * 12


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: plots.saliency(X, {}), ArgumentError, "maps must hold at least one labelled entry, got {}"),
    (lambda: plots.saliency(X, {"a": X[:2]}), ShapeError,
     "maps must have the shape of x, (3, 1, 4, 5), got (2, 1, 4, 5) for 'a'"),
    (lambda: plots.saliency(X, X, names=["a"]), ArgumentError, "names must hold one name for each of 3 examples, got 1"),
    (lambda: plots.saliency(X.reshape(3, 20), X.reshape(3, 20)), ShapeError,
     "x must be images, (examples, channels, height, width), (examples, height, width) or, if they are square, rows of "
     "numbers, got shape (3, 20)"),
    (lambda: plots.saliency(X.reshape(3, 20), X.reshape(3, 20), shape=(4, 4)), ShapeError,
     "x must be rows of 4 x 4 numbers, according to shape, got shape (3, 20)"),
    (lambda: plots.saliency(numbers(3, 2, 4, 5), X), ShapeError, "x must have one channel or three, got shape (3, 2, 4, 5)"),
    (lambda: plots.randomization(3), ArgumentError,
     "randomization: result must come from retroprop.saliency.randomization, got 3"),
    (lambda: plots.randomization(randomized(), examples=0), ArgumentError, "examples must be an integer of at least 1, got 0")])
def test_bad_arguments_are_refused(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}"):
        call()


def test_names_may_be_an_array():
    figure = plots.saliency(X, X, names=np.array([4, 0, 7]))
    assert [ax.get_ylabel() for ax in figure.axes[:6:2]] == ["4", "0", "7"]
    plt.close(figure)
