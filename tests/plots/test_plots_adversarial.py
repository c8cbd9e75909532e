"""Figures of adversarial examples."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop import plots
from retroprop.errors import ArgumentError, ShapeError
from retroprop.inspection.adversarial import Robustness
from retroprop.plots.adversarial import magnification

RESULT = Robustness((0.2, 0.1), (0.9, 0.4), (0.8, 0.7), (0.1, 0.05), np.inf, 0.02, 500, "fgsm")


def drawn(ax):
    (image,) = ax.images
    return np.asarray(image.get_array())


@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 2, 3), (3, 2, 3)])
def test_images_the_change_and_their_sum_are_drawn(shape):
    """On one scale, from the least number to the largest; changes are magnified, around a medium grey."""
    x = numbers(5, *shape)
    moved = x + 0.01 * np.sign(numbers(5, *shape, seed=1)) * np.ptp(x)
    net = rp.Sequential(rp.Reshape(-1), rp.Linear(x[0].size, 3, rng=0))
    low, high = min(x.min(), moved.min()), max(x.max(), moved.max())
    figure = plots.adversarial(net, x, moved)
    rows = np.reshape(figure.axes, (3, 5))
    assert [ax.get_ylabel() for ax in rows[:, 0]] == ["original", "change × 50", "adversarial"]
    for k in range(5):
        for ax, a in zip(rows[::2, k], (x, moved), strict=True):
            wanted = np.moveaxis(a[k], 0, -1) if shape[0] == 3 else a[k].reshape(shape[-2:] if len(shape) > 1 else (2, 2))
            assert_allclose(drawn(ax), (wanted - low) / (high - low), atol=1e-12)
        change = 50 * (drawn(rows[2, k]) - drawn(rows[0, k]))
        assert np.abs(change).max() <= 0.5
        assert_allclose(drawn(rows[1, k]), 0.5 + change, atol=1e-12)


def test_titles_are_classes_and_probabilities():
    x = np.array([[0.5, 0.5, 0.25, 1], [0.0, 1.0, 0.5, 0.5]], "float32")
    net = rp.Linear(4, 1, weight_init=rp.Constant(1.0), bias_init=rp.Constant(-2.0))
    moved = x - np.array([[0.25], [0.0]])
    rows = np.reshape(plots.adversarial(net, x, moved, title="Two").axes, (3, 2))
    titles = [[(ax.get_title(), ax.title.get_color()) for ax in row] for row in rows]
    assert titles[0] == [("1 (56 %)", "black"), ("0 (50 %)", "black")]
    assert titles[2] == [("0 (68 %)", plots.COLORS[1]), ("0 (50 %)", "black")]
    assert rows[0, 0].figure.get_suptitle() == "Two"
    named = plots.adversarial(net, x, moved, names=["cat", "dog"])
    assert [ax.get_title() for ax in named.axes[:2]] == ["dog\n(56 %)", "cat\n(50 %)"]


def test_no_change_is_drawn():
    x = np.zeros((1, 4))
    (_, change, _) = plots.adversarial(rp.Linear(4, 2, rng=0), x, x).axes
    assert_array_equal(drawn(change), np.full((2, 2), 0.5))
    assert change.get_ylabel() == "change × 1"


@pytest.mark.parametrize(("largest", "factor"), [
    (0.5, 1), (0.8, 1), (0.25, 2), (0.1, 5), (0.06, 5), (0.05, 10), (0.02, 20), (0.001, 500), (1e-9, 5e8)])
def test_the_magnification_is_a_round_number(largest, factor):
    assert magnification(largest) == pytest.approx(factor)


def test_rows_of_numbers_are_square_images_or_have_the_given_shape():
    x = np.arange(24.0).reshape(2, 12) % 2
    net = rp.Linear(12, 3, rng=0)
    figure = plots.adversarial(net, x, x, shape=(3, 4))
    assert_array_equal(figure.axes[0].images[0].get_array(), x[0].reshape(3, 4))
    plt.close(figure)


def test_adversarial_refuses():
    net = rp.Linear(4, 3, rng=0)
    with refuses(ShapeError, "adversarial: moved must have the shape of x, (2, 4), got (3, 4)"):
        plots.adversarial(net, np.zeros((2, 4)), np.zeros((3, 4)))
    for shape, text in (((2, 5), "x must be images, (examples, channels, height, width), (examples, height, width) or, if "
                                 "they are square, rows of numbers, got shape (2, 5)"),
                        ((2, 2, 2, 2), "x must have one channel or three, got shape (2, 2, 2, 2)")):
        flat = rp.Sequential(rp.Reshape(-1), rp.Linear(int(np.prod(shape[1:])), 3, rng=0))
        with refuses(ShapeError, text):
            plots.adversarial(flat, np.zeros(shape), np.zeros(shape))
    assert not plt.get_fignums()


def test_robustness_is_drawn_from_size_0_on():
    ax = plots.robustness(RESULT)
    error, noise = ax.lines
    assert_array_equal(error.get_data(), [[0, 0.1, 0.2], [0.02, 0.4, 0.9]])
    assert_array_equal(noise.get_data(), [[0, 0.1, 0.2], [0.02, 0.05, 0.1]])
    assert ax.get_xlabel() == "largest change of an input, ε"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["fgsm", "random signs"]


def test_robustness_of_several_networks():
    euclidean = Robustness((1.0,), (0.5,), (0.9,), (0.1,), 2.0, 0.0, 9, "pgd(norm=2)")
    ax = plots.robustness({"a": euclidean, "b": euclidean})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "a: pgd(norm=2)", "a: random signs", "b: pgd(norm=2)", "b: random signs"]
    assert ax.get_xlabel() == "Euclidean norm of the change, ε"
    with refuses(ArgumentError, "robustness: results must be of one norm, got 2.0 and inf"):
        plots.robustness({"a": euclidean, "b": RESULT})
    with refuses(ArgumentError, "robustness: results must come from adversarial.robustness, got 3 for 'a'"):
        plots.robustness({"a": 3})
    with refuses(ArgumentError, "results must hold at least one labelled entry, got 3"):
        plots.robustness(3)
