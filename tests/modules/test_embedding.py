"""Embedding: its table, its gradient, and integers in networks."""

import re

import numpy as np
import pytest
from cases import WORDS
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, CheckError, DataError
from retroprop.modules import embedding


def test_rows_of_the_table_come_out():
    table = rp.Embedding(7, 3, rng=0)
    assert_array_equal(table.forward(WORDS), table.weight.data[WORDS])
    assert table.weight.shape == (7, 3)
    assert_array_equal(table.forward(WORDS.astype("uint8")), table.forward(WORDS.astype("float64")))


def test_the_start_is_that_of_pytorch():
    data = rp.Embedding(2000, 50, rng=0).weight.data
    assert_allclose([data.mean(), data.std()], [0, 1], atol=0.01)


@pytest.mark.parametrize("small", [embedding.SMALL, 0], ids=["one product", "sums of columns"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_a_row_is_the_sum_over_its_places(monkeypatch, small, dtype):
    monkeypatch.setattr(embedding, "SMALL", small)
    table, words = rp.Embedding(4, 2, dtype=dtype), np.array([[3, 0, 3], [3, 1, 0]])
    table.forward(words)
    table.backward(np.arange(12).reshape(2, 3, 2))
    table.update()
    assert_array_equal(table.weight.grad, [[2 + 10, 3 + 11], [8, 9], [0, 0], [0 + 4 + 6, 1 + 5 + 7]])


def test_many_small_gradients_of_one_row_are_added_exactly():
    table = rp.Embedding(1, 1)
    table.forward(np.zeros((100_000, 1)))
    table.backward(np.full((100_000, 1, 1), 0.1, "float32"))
    table.update()
    assert_allclose(table.weight.grad, 100_000 * np.float64(np.float32(0.1)), rtol=1e-7)


@pytest.mark.parametrize("padding", [2, -5])
def test_padding_is_zero_and_is_not_trained(padding):
    table = rp.Embedding(7, 3, padding, rng=0)
    assert not table.weight.data[2].any()
    table.weight.data[2] = 5
    y = table.forward(WORDS)
    assert not y[WORDS == 2].any()
    assert y[WORDS != 2].all()
    table.backward(np.ones_like(y))
    table.update()
    assert_array_equal(table.weight.grad[:, 0], np.where(np.arange(7) == 2, 0, np.bincount(WORDS.ravel(), minlength=7)))
    assert repr(table) == "Embedding(7, 3, padding_idx=2)"


@pytest.mark.parametrize(("x", "got"), [
    ([[1, 7]], "7 at (0, 1)"), ([[1], [-1]], "-1 at (1, 0)"), ([[0.5]], "0.5 at (0, 0)"), ([[np.nan]], "nan at (0, 0)"),
    ([[np.inf]], "inf at (0, 0)"), ([[2**24 + 1]], "16777216 at (0, 0)")])
def test_what_is_no_row_is_refused(x, got):
    net = rp.Sequential(rp.Embedding(7, 3, rng=0), rp.Flatten())
    text = f"Embedding(7, 3): x must hold integers from 0 to 6, got {got}"
    for call in (net.forward, net.predict, net[0].forward):
        with pytest.raises(DataError, match=f"^{re.escape(text)}(\nin Sequential\\[0\\])?$"):
            call(x)


@pytest.mark.parametrize(("arguments", "text"), [
    ((0, 3), "num_embeddings must be an integer of at least 1, got 0"),
    ((3, 0), "embedding_dim must be an integer of at least 1, got 0"),
    ((2**24 + 1, 1), "num_embeddings must be at most 16777216, up to which float32 holds every integer, got 16777217"),
    ((3, 1, 3), "padding_idx must be below num_embeddings, 3, got 3"),
    ((3, 1, -4), "padding_idx must be an integer of at least -3, got -4")])
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        rp.Embedding(*arguments)


# The laws, for integers


class Doubled(rp.Embedding):
    def backward(self, g, out=None):
        return super().backward(g, out)

    def update(self):
        super().update()
        self.weight.grad *= 2


class Moving(rp.Embedding):
    def backward(self, g, out=None):
        gx = super().backward(g, out)
        gx += 1
        return gx


class Overwritten(rp.Embedding):
    def update(self):
        for row, g in zip(self.point.ravel(), self.gradient.reshape(-1, 3), strict=True):
            self.weight.grad[row] = g


@pytest.mark.parametrize(("kind", "text"), [
    (Doubled, "update is the gradient of each parameter: in training mode, dC/dweight["),
    (Moving, "backward is the transposed jacobian: in training mode, expected dC/dx = 0, since x holds integers, got 1"),
    (Overwritten, "update is the gradient of each parameter: in training mode, dC/dweight[")])
def test_wrong_gradients_of_a_table_break_a_law(kind, text):
    with pytest.raises(CheckError, match=re.escape(text)):
        rp.check_module(kind(7, 3, rng=0), WORDS)


def test_gradients_of_a_network_are_checked_without_moving_integers():
    net = rp.Graph({"words": (rp.Embedding(7, 3, rng=1), "w"), "all": (rp.Concat(), "words", "x"),
                    "y": (rp.Linear(5, 1, rng=2), "all")}, inputs=("w", "x"), outputs="y")
    x = WORDS[:, 0], np.random.default_rng(0).standard_normal((5, 2))
    assert net.holds_integers(x) == (True, False)
    check = rp.check_gradients(net, rp.MSE(), x, np.arange(5.0)[:, None])
    assert check.passed
    assert [row.name for row in check.rows] == ["words.weight", "y.weight", "y.bias", "x[1]"]


def test_integers_are_known_behind_other_modules():
    assert rp.Sequential(rp.Flatten(), rp.Embedding(7, 3)).holds_integers(WORDS) == (True,)
    assert rp.Sequential(rp.Linear(4, 3), rp.Tanh()).holds_integers(WORDS) == (False,)


def test_a_network_of_words_learns():
    """Which of two words comes first: fit, predict and checkpoints take integers as any other numbers."""
    words = np.array([(a, b) for a in range(8) for b in range(8)])
    y = (words[:, :1] > words[:, 1:]).astype(float)
    net = rp.Sequential(embed=rp.Embedding(8, 4, rng=0), flat=rp.Flatten(), out=rp.Linear(8, 1, rng=1))
    rp.fit(net, rp.BCEWithLogits(), rp.Adam(net.parameters(), lr=0.1), (words, y), epochs=60, rng=0, progress=False)
    assert rp.accuracy(net.predict(words), y, threshold=0) == 1
    assert "embed Embedding(8, 4)  (64, 2, 4)" in net.summary((64, 2))


@pytest.mark.parametrize("tool", [lambda net: rp.saliency.gradient(net, WORDS),
                                  lambda net: rp.adversarial.fgsm(net, rp.CrossEntropy(), WORDS, WORDS[:, 0], 0.1)])
def test_tools_that_move_x_by_little_refuse_integers(tool):
    net = rp.Sequential(rp.Embedding(7, 3, rng=0), rp.Flatten(), rp.Linear(12, 7, rng=1))
    with pytest.raises(ArgumentError, match=r"^net must read numbers that can change by little, got integers, which Emb"):
        tool(net)
