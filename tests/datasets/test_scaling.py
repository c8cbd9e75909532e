"""A fitted scaler: the numbers of `standardize`, for other data and back; and which tables need one."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.datasets import Scaler, digits, load, scales_differ, standardize
from retroprop.datasets.scaling import described_scale

R = np.random.default_rng(3)
X = np.column_stack([R.normal(5000, 1000, 60), R.normal(0, 0.01, 60), np.full(60, 7.0), R.integers(0, 2, 60)])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?"])
def test_a_scaler_is_standardize_for_data_to_come_and_back(dtype):
    train, other = X[:40].astype(dtype), X[40:].astype(dtype)
    scaler = pickle.loads(pickle.dumps(Scaler.of(train)))
    for found, expected in zip((scaler.scaled(train), scaler.scaled(other)), standardize(train, other), strict=True):
        assert_array_equal(found, expected, strict=True)
    assert_allclose(scaler.unscaled(scaler.scaled(other)), other, rtol=1e-6, atol=1e-6)
    assert scaler.unscaled(scaler.scaled(other)).dtype == np.float64
    assert scaler.deviation[2] == 1                                 # constant


def test_a_scaler_takes_targets_too():
    y = np.array([[25.0], [346.0], [100.0]])
    assert_allclose(Scaler.of(y).unscaled(Scaler.of(y).scaled(y)), y)
    assert_array_equal(Scaler.of(y[:, 0]).scaled(y[:, 0]), Scaler.of(y).scaled(y)[:, 0])
    large = 1e9 + y
    assert_allclose(Scaler.of(large).unscaled(Scaler.of(large).scaled(large).astype("f4")) - 1e9, y, atol=1e-4)
    with pytest.raises(rp.DataError, match="y must be finite, got 1 NaN"):
        Scaler.of([1, np.nan], "y")


@pytest.mark.parametrize(("x", "differ"), [
    (X, True), (standardize(X)[0], False), (X[:, [2]], False), (X[:, [1]], True), (X[:, [3]], False),
    (np.column_stack([X[:, 0] / 5000, X[:, 0] / 1e8, X[:, 0] / 1e8]), True),
    (255 * digits()[0], True), (digits()[0], False), (digits()[0] * 1000 + 5000, True), (X.reshape(60, 2, 2), False),
    *((load(name)[0][0], False) for name in ("moons", "circles", "spirals", "xor", "blobs", "sine"))])
def test_tables_whose_columns_differ_in_scale_are_told_from_pixels_and_standardized_columns(x, differ):
    assert scales_differ(x) is differ


def test_the_scale_in_words():
    x = np.array([[4000.0, 0.5], [6000.0, -0.5]])
    assert described_scale(x) == "the columns have means from 0 to 5000 and standard deviations from 0.5 to 1000"
    assert described_scale(x[:, :1]) == "the columns have means of 5000 and standard deviations of 1000"
