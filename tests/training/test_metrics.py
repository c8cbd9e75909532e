"""Metrics: what counts as a class, of a prediction and of a target, and what has none."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, NonFiniteError, ShapeError
from retroprop.experiments.lab.loop import train
from retroprop.experiments.lab.readings import error
from retroprop.experiments.lab.trained import error_at
from retroprop.inspection import adversarial, layer_statistics, saliency
from retroprop.inspection.adversarial.objective import Objective
from retroprop.training.metrics import predicted_classes

NAN, INF = np.nan, np.inf
X, Y = np.random.default_rng(0).standard_normal((6, 3)), np.array([0, 2, 1, 1, 0, 2])
LOSSES = {rp.BCE: (1, Y % 2), rp.BCEWithLogits: (1, Y % 2), rp.Hinge: (1, Y % 2), rp.CrossEntropy: (3, Y), rp.NLL: (3, Y),
          rp.MSE: (3, X), rp.L1: (3, X), rp.Huber: (3, X)}


def refuses(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}$")


def spoiled(outputs, *end, value=NAN):
    """A network whose outputs are NaN, or of another value."""
    net = rp.Sequential(rp.Linear(3, outputs, rng=0), *end)
    net[0].bias.data[:] = value
    return net


# NaN has no class


@pytest.mark.parametrize(("prediction", "count"), [
    (np.full((4, 3), NAN), 4), ([[0, 1], [NAN, 1], [1, NAN], [1, 0]], 2), ([[0, INF], [1, 0], [-INF, -INF], [0, 1]], 2),
    ([NAN, 0, 1, 1], 1), ([[INF], [0], [NAN], [-INF]], 3), (np.float32([NAN] * 4), 4)])
def test_a_prediction_that_is_not_finite_has_no_class(prediction, count):
    """Comparisons with NaN are False, and argmax takes NaN for the largest: either would be right by chance."""
    text = f"prediction must be finite, got NaN or infinity for {count} of 4 examples"
    with refuses(DataError, text):
        rp.accuracy(prediction, [0, 0, 1, 1])
    with refuses(DataError, text):
        predicted_classes(np.array(prediction))


def test_the_logarithm_of_0_may_lose():
    assert rp.accuracy([[-INF, 0.0, -3.0], [-1.0, -INF, -INF]], [1, 0]) == 1


@pytest.mark.parametrize("build", LOSSES)
@pytest.mark.parametrize("value", [NAN, INF])
def test_a_network_of_nan_has_no_evaluation(build, value):
    outputs, y = LOSSES[build]
    net = spoiled(outputs, *[rp.Sigmoid()] * (build is rp.BCE), value=NAN if build is rp.BCE else value)
    with np.errstate(invalid="ignore"), pytest.raises(DataError, match=r"must be finite, got"):
        rp.evaluate(net, build(), X, y.reshape(6, 1) if outputs == 1 else y)


def test_the_count_of_a_network_of_nan():
    text = "evaluate: the network's output must be finite, got 18 NaN or infinite of 18 values, first at (0, 0)"
    with refuses(DataError, text):
        rp.evaluate(spoiled(3), rp.CrossEntropy(), X, Y)
    with refuses(DataError, text):
        rp.evaluate(spoiled(3), rp.MSE(), X, X)


def test_attacks_and_maps_need_classes():
    net, text = spoiled(3), "prediction must be finite, got NaN or infinity for 6 of 6 examples"
    with refuses(DataError, text):
        adversarial.robustness(net, rp.CrossEntropy(), X, Y)
    with refuses(DataError, text):
        saliency.gradient(net, X)
    assert saliency.gradient(net, X, classes=0).shape == (6, 3)
    three = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Reshape(1, 3))
    with pytest.raises(ShapeError, match=r"prediction must have shape \(N, K\)"):
        adversarial.robustness(three, rp.CrossEntropy(), X, Y)


def test_shares_of_nan_are_nan():
    """Not 0 %, which would look healthy; a share of all other layers stays a number."""
    layers = layer_statistics(rp.Sequential(rp.Tanh(), rp.Linear(3, 3, rng=0), rp.Tanh(), rp.ReLU()), X * 1e-3)
    assert [layer.dead for layer in layers if layer.dead is not None] == [0.0, 0.0, 0.0]
    net = spoiled(3, rp.Tanh(), rp.Linear(3, 3, rng=1), rp.ReLU())
    first, second = (layer for layer in layer_statistics(net, X) if layer.dead is not None)
    assert np.isnan([first.saturated, first.dead]).all()
    assert second.saturated is None
    assert rp.diagnose(net, X, Y, rp.CrossEntropy())[0].where == "0.bias"


# Experiments: a network of NaN has diverged


class Batch:
    def batch(self, step):
        return X, Y


def test_a_reading_of_nan_is_a_divergence():
    """Also at the last step, after which no cost is computed that could be NaN."""
    net = rp.Sequential(rp.Linear(3, 3, rng=0))
    def spoil():
        net[0].bias.data[0] = NAN
    ended = train(net, rp.SGD(net.parameters(), lr=0.1), Batch(), 1, at=(0, 1), after_step=spoil,
                  read=lambda step: {"error": error(net.predict(X), Y)})
    assert (ended.diverged, [row["step"] for row in ended.readings]) == (1, [0])
    assert [error_at(step)(ended._asdict() | {"chance": 0.8}) for step in (1, None)] == [0.8, 0.8]
    with pytest.raises(DataError, match=r"y must hold classes from 0 to 2, got \[7\]"):
        error(np.ones((6, 3)), Y + 7 * (Y == 0))
    with refuses(NonFiniteError, "training has diverged: prediction must be finite, got NaN or infinity for 6 of 6 examples"):
        error(np.full((6, 3), NAN), Y)


# Labels are classes


@pytest.mark.parametrize(("prediction", "y", "text"), [
    (np.eye(3), [0, 1, 7], "y must hold classes from 0 to 2, got [7]"),
    (np.eye(3), [0, -1, 3], "y must hold classes from 0 to 2, got [-1, 3]"),
    (np.eye(3), [0, 1, 1.5], "y must hold classes from 0 to 2, got [1.5]"),
    ([0.2, 0.9, 0.4], [0, 2, 1], "y must hold classes from 0 to 1, got [2]"),
    ([[0.2], [0.9], [0.4]], [[-1], [1], [-1]], "y must hold classes from 0 to 1, got [-1]"),
    (np.eye(3), np.full((3, 3), 1 / 3), "y must hold, for each example, a 1 in the column of its class and 0 in the others"),
    (np.eye(3), 2 * np.eye(3), "y must hold, for each example, a 1 in the column of its class and 0 in the others"),
    (np.eye(3), np.ones((3, 3)), "y must hold, for each example, a 1 in the column of its class and 0 in the others")])
def test_a_label_that_is_no_class_is_refused(prediction, y, text):
    """It would count as an error of the network."""
    with refuses(DataError, text):
        rp.accuracy(prediction, y)


@pytest.mark.parametrize("threshold", [NAN, "0.5", None])
def test_a_threshold_is_a_number(threshold):
    with refuses(ArgumentError, f"threshold must be a number in (-inf, inf), got {threshold!r}"):
        rp.accuracy([0.5], [1], threshold)


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "bool"])
def test_labels_of_any_type_are_classes(kind):
    assert rp.accuracy([0.2, 0.9, 0.6], np.array([0, 1, 0], kind)) == pytest.approx(2 / 3)
    assert rp.accuracy([[2, 1], [0, 1], [1, 2]], np.array([0, 1, 0], kind)) == pytest.approx(2 / 3)


def test_one_hot_rows_are_classes():
    """In accuracy, in evaluate, in fit and in robustness; other probabilities have no accuracy."""
    rows, loss = np.eye(3)[Y], rp.CrossEntropy()
    net = rp.Sequential(rp.Linear(3, 3, rng=0))
    expected = rp.accuracy(net.predict(X), Y)
    assert 0 < expected < 1
    assert rp.accuracy(net.predict(X), rows) == expected
    assert rp.evaluate(net, loss, X, rows).accuracy == rp.evaluate(net, loss, X, Y).accuracy == expected
    found = [adversarial.robustness(net, loss, X, y, eps=[0.1, 0.5], rng=0) for y in (Y, rows)]
    assert (found[0].error, found[0].random_error) == (found[1].error, found[1].random_error)
    soft = 0.9 * rows + 0.1 / 3
    assert rp.evaluate(net, loss, X, soft).accuracy is None
    for y, names in ((rows, True), (soft, False)):
        history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (X, y), epochs=1, validation=(X, y), progress=False)
        assert ("validation_accuracy" in history) == names


def test_attacks_of_parts_agree_on_what_is_a_class():
    """One soft target among many: no part of the examples has classes if the whole has none."""
    rows = np.eye(3)[Y]
    net, loss = rp.Sequential(rp.Linear(3, 3, rng=0)), rp.CrossEntropy()
    assert_array_equal(Objective(net, loss, rows, False).part(slice(2, 5)).classes, Y[2:5])
    rows[-1] = 1 / 3
    assert Objective(net, loss, rows, False).part(slice(2, 5)).classes is None


def test_classes_are_no_predictions():
    with pytest.raises(rp.DataError, match="prediction must hold scores or probabilities, got integers up to 2"):
        rp.accuracy(np.array([0, 2, 1]), [0, 2, 1])
    assert rp.accuracy(np.array([0, 1, 1]), [0, 1, 0]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("call", [rp.accuracy, rp.f1_score, rp.confusion_matrix, rp.roc_auc_score, rp.top_k_accuracy_score])
def test_scores_that_refuse_labels_say_what_makes_numbers_of_them(call):
    with pytest.raises(rp.DtypeError, match=r"^y must hold real numbers, got dtype <U1; Targets\.of\(y\)\.encode\(y\)"):
        call(np.zeros((2, 2)), ["a", "b"])
