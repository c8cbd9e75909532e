"""Targets: what each loss refuses, the rounding that it tolerates, and batches whose examples weigh nothing."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, PhaseError, ShapeError

X = np.random.default_rng(2018).standard_normal((5, 3))
NAN, INF = np.nan, np.inf
ABOVE = {kind: float(np.nextafter(np.ones((), kind), 2)) for kind in ("float32", "float64")}


def refuses(error, text):
    return pytest.raises(error, match=f"^{re.escape(text)}$")


class Missing(rp.MSE):
    """Targets of NaN are missing: they cost nothing."""

    def costs(self, prediction, target):
        return super().costs(prediction, np.where(np.isnan(target), prediction, target))


@pytest.mark.parametrize("build", [rp.MSE, rp.L1, rp.Huber])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_target_is_a_number(build, reduction, dtype):
    """NaN and infinity are refused, and leave no evaluation for backward; large numbers are taken."""
    loss, x = build(reduction=reduction), X.astype(dtype)
    for bad in ([NAN], [INF], [-INF], [INF, -INF, NAN]):
        y = np.zeros_like(x)
        y[1, :len(bad)] = bad
        for given in (y, y.tolist()):
            with refuses(DataError, f"{loss!r}: targets must be finite, got {len(bad)} NaN or infinite of 15 values"):
                loss.forward(x, given)
            with pytest.raises(PhaseError):
                loss.backward()
    large = np.full_like(x, np.sqrt(np.finfo(dtype).max) * 4)
    with np.errstate(over="ignore"):
        assert np.all(loss.forward(x, large) > 1e15)


def test_a_loss_may_give_a_meaning_to_nan():
    assert Missing().forward([1.0, 2.0], [NAN, 0.0]) == 2.0


def test_cross_entropy_takes_distributions():
    """Rows with several ones, or none, are no probabilities of one class."""
    loss = rp.CrossEntropy()
    for rows, count, total in (([[1, 1, 0], [0, 0, 1]], 1, "2"), ([[0, 0, 0], [0.5, 0.5, 0.5]], 2, "0"),
                               ([[0.2, 0.3, 0.5], [0.2, 0.3, 0.49]], 1, "0.99")):
        with refuses(DataError, f"{loss!r}: the probabilities of each example must add up to 1, got {count} of 2 examples with "
                                f"another sum, first {total}"):
            loss.forward(X[:2], np.array(rows))
    for rows in ([[1, 0, 0], [0, 0, 1]], [[1 / 3] * 3, [0.333, 0.333, 0.333]], np.float16([[0.1, 0.2, 0.7]] * 2)):
        assert loss.forward(X[:2].astype("float32"), rows) > 0


@pytest.mark.parametrize("build", [rp.CrossEntropy, rp.NLL])
def test_predictions_have_a_column_for_each_class(build):
    """Also where a data set is checked at once, as ``fit`` does before the first batch."""
    for shape in ((5, 1, 3), (5,), (5, 3, 1)):
        for act in (build().forward, lambda x, y: build().check_all(y, x)):
            with refuses(ShapeError, f"{build()!r}: prediction must have shape (N, K), got {shape}"):
                act(np.zeros(shape), np.zeros(5, int))
    net = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Reshape(1, 3))
    with pytest.raises(ShapeError, match=r"prediction must have shape \(N, K\), got \(5, 1, 3\)"):
        rp.fit(net, build(), rp.SGD(net.parameters(), lr=0.1), (X, [0, 1, 2, 1, 0]), epochs=1)


# Rounding at the ends of [0, 1]


@pytest.mark.parametrize("dtype", ABOVE)
@pytest.mark.parametrize("build", [rp.BCE, rp.BCEWithLogits])
def test_an_ulp_outside_counts_as_the_end(build, dtype):
    """Scalers give 1.0000000000000002 for 1; costs and gradients are those of 0 and 1 up to rounding."""
    x = np.array([0.2, 0.7, 0.4], dtype)
    y = np.array([ABOVE[dtype], 1 - ABOVE[dtype], 0.5], dtype)
    loss, exact = build("none"), build("none")
    assert_allclose(loss.forward(x, y), exact.forward(x, np.array([1, 0, 0.5], dtype)), rtol=1e-6)
    assert_allclose(loss.backward(), exact.backward(), rtol=1e-6)


@pytest.mark.parametrize("dtype", ABOVE)
def test_a_probability_an_ulp_outside_counts_as_the_end(dtype):
    p = np.array([ABOVE[dtype], ABOVE[dtype], 1 - ABOVE[dtype], 1 - ABOVE[dtype]], dtype)
    loss, exact = rp.BCE("none"), rp.BCE("none")
    assert_array_equal(loss.forward(p, [0, 1, 0, 1]), exact.forward(np.array([1, 1, 0, 0], dtype), [0, 1, 0, 1]))
    assert_array_equal(loss.backward(), exact.backward())


@np.errstate(invalid="ignore")
def test_a_prediction_of_nan_has_the_cost_nan():
    """So that a network that has diverged is found as such, with every loss."""
    for build in (rp.BCE, rp.BCEWithLogits, rp.MSE, rp.L1, rp.Huber, rp.Hinge):
        assert np.isnan(build().forward([NAN, 0.5], [0, 1]))
    for build in (rp.CrossEntropy, rp.NLL):
        assert np.isnan(build().forward([[NAN, 0.5]], [0]))
    net = rp.Sequential(rp.Linear(3, 1, rng=0), rp.Sigmoid())
    net[0].weight.data[:] = NAN
    with pytest.raises(rp.NonFiniteError, match=r"epoch 1, batch 1 is nan; .* module 0, Linear\(3, 1\)"):
        rp.fit(net, rp.BCE(), rp.SGD(net.parameters(), lr=0.1), (X, [0, 1, 0, 1, 0]), epochs=1)


@pytest.mark.parametrize(("y", "text"), [
    ([0.0, 1 + 2**-51], "targets must be in [0, 1], got values from 0 to 1.0000000000000004"),
    ([-1e-9, 1.0], "targets must be in [0, 1], got values from -1e-09 to 1"),
    ([0.0, 1.0000004], "targets must be in [0, 1], got values from 0 to 1.0000004"),
    ([0.123456789, 1.25], "targets must be in [0, 1], got values from 0.123457 to 1.25")])
def test_the_message_shows_what_is_outside(y, text):
    """Six digits, or as many as tell a number from the end of the range."""
    with refuses(DataError, f"BCEWithLogits(): {text}"):
        rp.BCEWithLogits().forward(np.zeros(2), y)


def test_the_message_of_hinge_shows_what_is_not_0_or_1():
    with refuses(DataError, "Hinge(): targets must be 0 or 1, got [0.0, 1.0000000000000002]"):
        rp.Hinge().forward(np.zeros(2), [0.0, 1 + 2**-52])


# Weights of classes


@pytest.mark.parametrize("build", [rp.CrossEntropy, rp.NLL])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_of_weight_0_counts_nothing(build, dtype):
    loss, x = build([0, 1, 2]), X.astype(dtype)
    assert (loss.forward(x, np.zeros(5, int)), loss.divisor) == (0, 0)
    assert_array_equal(loss.backward(), np.zeros((5, 3), dtype))
    twin, y = build([0, 1, 2]), np.array([0, 1, 2, 1, 0])
    assert loss.forward(x, y) == twin.forward(x, y)
    assert_array_equal(loss.backward(), twin.backward())
    assert_array_equal(build([0, 1, 2], "none").forward(x, np.zeros(5, int)), np.zeros(5))


def test_training_goes_on_over_batches_of_weight_0():
    """The cost of an epoch is the mean over the examples that count, as if the others were not there."""
    y, order = np.array([0, 0, 1, 2, 1, 0]), np.random.default_rng(3)
    x = order.standard_normal((6, 3))
    def trained(kept):
        net = rp.Sequential(rp.Linear(3, 3, rng=0, dtype="float64"))
        history = rp.fit(net, rp.CrossEntropy([0, 1, 3]), rp.SGD(net.parameters(), lr=0.0), (x[kept], y[kept]), epochs=2,
                         batch_size=1, rng=0, progress=False)
        return history["cost"]
    assert_allclose(trained(np.arange(6)), trained(y > 0), rtol=1e-12)


def test_a_data_set_of_weight_0_is_refused_before_the_first_batch():
    net = rp.Sequential(rp.Linear(3, 3, rng=0))
    before, loss = net.state_dict(), rp.CrossEntropy([0, 1, 1])
    text = f"{loss!r}: target must hold a class whose weight is not 0: without one, the mean is not defined"
    with refuses(DataError, text):
        rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (X, np.zeros(5, int)), epochs=1)
    with refuses(DataError, text):
        rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (X, np.arange(5) % 3), epochs=1, validation=(X, np.zeros(5, int)))
    with refuses(DataError, text):
        rp.training.evaluate(net, loss, X, np.zeros(5, int))
    assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])
    rp.CrossEntropy([0, 1, 1], "sum").check_all(np.zeros(5, int), X)


@pytest.mark.parametrize("weight", [[1, 1e-46], [1, 1e39], [NAN, 1], [1, INF], [-1, 1], [0, 0]])
def test_a_weight_is_a_number_that_float32_holds_with_its_inverse(weight):
    with refuses(ArgumentError, "CrossEntropy: weight must be one number for each class, 0 or from 1e-30 to 1e+30, and not "
                                f"all 0, got {weight!r}"):
        rp.CrossEntropy(weight)
    loss, other = rp.CrossEntropy([1e-30, 1e30]), rp.CrossEntropy()
    x = X[:2, :2].astype("float32")
    for label in (0, 1):
        assert_allclose(loss.forward(x, [label] * 2), other.forward(x, [label] * 2), rtol=1e-6)
        assert_allclose(loss.backward(), other.backward(), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_of_minus_zero_are_in_the_range(dtype):
    """The range of targets is checked by their bits, of which those of -0 are larger than those of 1."""
    x = np.array([0.5, 0.25, 0.75], dtype)
    for loss in (rp.BCE(), rp.BCEWithLogits()):
        assert loss.forward(x, np.array([-0.0, 1, 0.5], dtype)) == loss.forward(x, np.array([0, 1, 0.5], dtype))
        for wrong in (1.5, -0.5, NAN, -NAN, INF, -INF):
            with pytest.raises(DataError, match="must be in"):
                loss.forward(x, np.array([0, wrong, 1], dtype))
