"""Scores of predictions: scikit-learn's values, and what has no score."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp

# Ten examples of three classes, with ties; values from scikit-learn 1.9.1.
P = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1], [0.5, 0.5, 0.0], [0.3, 0.3, 0.4], [0.1, 0.2, 0.7],
              [0.9, 0.0, 0.1], [0.4, 0.35, 0.25], [0.25, 0.5, 0.25], [0.0, 0.1, 0.9]])
Y = np.array([0, 2, 1, 1, 0, 2, 0, 2, 1, 2])


def test_values_are_scikit_learns():
    skl = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for classes, n in [(2, 10), (3, 10), (7, 200)]:
        y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
        p = rng.random((n, classes)).round(2) + 0.01
        p /= p.sum(1, keepdims=True)
        chosen = p.argmax(1)
        assert_array_equal(rp.confusion_matrix(p, y), skl.confusion_matrix(y, chosen, labels=range(classes)))
        for average in ("macro", "micro", "weighted"):
            assert_allclose(rp.f1_score(p, y, average), skl.f1_score(y, chosen, average=average, zero_division=0), rtol=1e-12)
        if classes == 2:
            assert_allclose(rp.roc_auc_score(p, y), skl.roc_auc_score(y, p[:, 1]), rtol=1e-12)
            assert_allclose(rp.roc_auc_score(p[:, 1:], y), skl.roc_auc_score(y, p[:, 1]), rtol=1e-12)
            assert_allclose(rp.f1_score(p[:, 1], y), skl.f1_score(y, p[:, 1] > 0.5), rtol=1e-12)
        else:
            assert_allclose(rp.roc_auc_score(p, y), skl.roc_auc_score(y, p, multi_class="ovr"), rtol=1e-12)
            p = rng.random((n, classes))                            # without ties, of which scikit-learn takes the last
            assert_allclose(rp.top_k_accuracy_score(p, y, 2), skl.top_k_accuracy_score(y, p, k=2), rtol=1e-12)
        a, b = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
        b[:, 1] = 2
        assert_allclose(rp.r2_score(a, b), skl.r2_score(b, a), rtol=1e-12)
        assert_allclose(rp.mean_absolute_error(a, b), skl.mean_absolute_error(b, a), rtol=1e-12)


def test_weighted_values_are_scikit_learns():
    skl, rng = pytest.importorskip("sklearn.metrics"), np.random.default_rng(1)
    w, y = {"sample_weight": rng.uniform(0.1, 3, 60)}, np.concatenate([np.arange(4), rng.integers(0, 4, 56)])
    p = rng.random((60, 4))
    p /= p.sum(1, keepdims=True)
    chosen, binary, column = p.argmax(1), y % 2, p[:, 1].round(1)   # with ties
    for found, expected in [
        (rp.accuracy(p, y, **w), skl.accuracy_score(y, chosen, **w)),
        (rp.top_k_accuracy_score(p, y, 2, **w), skl.top_k_accuracy_score(y, p, k=2, **w)),
        (rp.confusion_matrix(p, y, **w), skl.confusion_matrix(y, chosen, **w)),
        *[(rp.f1_score(p, y, kind, **w), skl.f1_score(y, chosen, average=kind, **w)) for kind in ("macro", "weighted")],
        (rp.f1_score(column, binary, **w), skl.f1_score(binary, column > 0.5, **w)),
        (rp.roc_auc_score(column, binary, **w), skl.roc_auc_score(binary, column, **w)),
        (rp.roc_auc_score(p, y, **w), skl.roc_auc_score(y, p, multi_class="ovr", **w)),
        (rp.r2_score(p[:, :2], p[:, 2:], **w), skl.r2_score(p[:, 2:], p[:, :2], **w)),
        (rp.mean_absolute_error(p[:, 0], column, **w), skl.mean_absolute_error(column, p[:, 0], **w))]:
        assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("score", [rp.accuracy, rp.f1_score, rp.confusion_matrix, rp.roc_auc_score, rp.top_k_accuracy_score,
                                   rp.r2_score, rp.mean_absolute_error])
def test_weights_count_examples_and_one_of_weight_0_not_at_all(score):
    weight = np.array([1, 0, 2, 3, 1, 2, 0, 1, 1, 2])
    twice, p, y = np.repeat(np.arange(10), weight), P, Y
    if score in (rp.r2_score, rp.mean_absolute_error):
        p, y = P[:, 0], Y / 2
    wild = p.copy()
    wild[weight == 0] = np.nan
    given = wild if score not in (rp.r2_score, rp.mean_absolute_error) else p
    assert_allclose(score(given, y, sample_weight=weight), score(p[twice], y[twice]), rtol=1e-12)
    with pytest.raises(rp.DataError, match="sample_weight must hold numbers of at least 0, and one above 0, got 0 to 0"):
        score(p, y, sample_weight=0 * weight)


def test_values_by_hand():
    """Predicted: 0 2 1 0 2 2 0 0 1 2 (of equal columns, the first)."""
    assert_array_equal(rp.confusion_matrix(P, Y), [[2, 0, 1], [1, 2, 0], [1, 0, 3]])
    assert_allclose(rp.f1_score(P, Y), (4 / 7 + 4 / 5 + 6 / 8) / 3)
    assert_allclose(rp.f1_score(P, Y, "weighted"), (3 * 4 / 7 + 3 * 4 / 5 + 4 * 6 / 8) / 10)
    assert rp.f1_score(P, Y, "micro") == rp.accuracy(P, Y) == rp.top_k_accuracy_score(P, Y, 1) == 0.7
    assert rp.top_k_accuracy_score(P, Y, 2) == 0.9                  # example 7 has its class third
    assert rp.top_k_accuracy_score(P, Y) == 1
    assert rp.top_k_accuracy_score([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], [1, 2], 1) == 0
    assert rp.roc_auc_score([0.5, 0.5, 0.5, 0.9], [0, 1, 0, 1]) == 0.75
    assert rp.r2_score([[2.0], [3.0]], [2, 3]) == 1
    assert rp.r2_score([1.0, 1.0], [2.0, 2.0]) == 0
    assert rp.r2_score([0.2, 0.2, 0.2], [0.1, 0.1, 0.1]) == 0       # their mean is not 0.1
    assert rp.mean_absolute_error([1, 2], [0, 4]) == 1.5


def test_a_class_that_occurs_nowhere_is_in_no_mean():
    p = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]
    assert rp.f1_score(p, [0, 1]) == 1
    assert_allclose(rp.roc_auc_score(p, [0, 1]), 1)


def test_logits_have_their_own_threshold():
    assert_array_equal(rp.confusion_matrix([-1.0, 0.3], [0, 1], threshold=0), [[1, 0], [0, 1]])


NAN = float("nan")


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: rp.top_k_accuracy_score([0.1, 0.9], [0, 1]), rp.ShapeError, "prediction must have shape .* of at least 2, got"),
    (lambda: rp.top_k_accuracy_score(P, Y, 0), rp.ArgumentError, "k must be an integer of at least 1, got 0"),
    (lambda: rp.top_k_accuracy_score([[NAN, 0]], [0]), rp.DataError, "prediction must be finite, got NaN"),
    (lambda: rp.confusion_matrix(P, Y[:4]), rp.ShapeError, "y must have as many examples as prediction, 10, got 4"),
    (lambda: rp.confusion_matrix(P, Y + 1), rp.DataError, r"y must hold classes from 0 to 2, got \[3\]"),
    (lambda: rp.confusion_matrix(Y, Y), rp.DataError, "prediction must hold scores or probabilities, got integers up to 2"),
    (lambda: rp.f1_score(P, Y, "binary"), rp.ArgumentError, "average must be one of 'macro', 'micro', 'weighted', got"),
    (lambda: rp.f1_score([NAN, 1], [0, 1]), rp.DataError, "prediction must be finite, got NaN or infinity for 1 of 2 examples"),
    (lambda: rp.roc_auc_score([0.1, 0.2], [1, 1]), rp.DataError, "y must hold two classes or more, got only 1"),
    (lambda: rp.roc_auc_score([0.1, NAN], [0, 1]), rp.DataError, "prediction must be finite, got 1 NaN"),
    (lambda: rp.r2_score([1.0, 2], [[1.0, 2], [2, 3]]), rp.ShapeError, "r2_score: y must have the shape of prediction"),
    (lambda: rp.mean_absolute_error([1.0, NAN], [1, 2]), rp.DataError, "prediction must be finite, got 1 NaN")])
def test_what_has_no_score_is_refused(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


# In fit


def problem(loss, outputs, y):
    x = np.random.default_rng(1).standard_normal((len(y), 4)).astype("float32")
    net = rp.Sequential(rp.Linear(4, 6, rng=0), rp.Tanh(), rp.Linear(6, outputs, rng=1), *[rp.Sigmoid()] * (loss is rp.BCE))
    return net, loss(), rp.SGD(net.parameters(), lr=0.1), (x, y)


def spread(prediction, y):
    return np.float32(prediction.max() - prediction.min())


CLASSES = np.arange(20) % 3


@pytest.mark.parametrize(("loss", "outputs", "y", "threshold"), [
    (rp.CrossEntropy, 3, CLASSES, 0), (rp.BCE, 1, (CLASSES % 2).astype(float), 0.5), (rp.BCEWithLogits, 1, CLASSES % 2, 0)])
def test_the_history_has_a_column_for_each_metric(loss, outputs, y, threshold):
    """Of validation as of ``predict`` after the epoch; of training as of the epoch's steps: in one batch, before the step."""
    net, cost, sgd, (x, _) = problem(loss, outputs, y)
    before = net.predict(x)
    history = rp.fit(net, cost, sgd, (x, y), epochs=1, batch_size=20, validation=(x, y), rng=0,
                     metrics=["f1_score", "accuracy", "roc_auc_score", spread])
    assert list(history) == ["epoch", "cost", "f1_score", "accuracy", "roc_auc_score", "spread", "validation_cost",
                             "validation_accuracy", "validation_f1_score", "validation_roc_auc_score", "validation_spread",
                             "seconds"]
    for prefix, prediction in (("", before), ("validation_", net.predict(x))):
        assert_allclose(history[prefix + "f1_score"], rp.f1_score(prediction, y, threshold=threshold), rtol=1e-12)
        assert_allclose(history[prefix + "accuracy"], rp.accuracy(prediction, y, threshold), rtol=1e-12)
        p = np.exp(prediction.astype(float)) / np.exp(prediction.astype(float)).sum(1, keepdims=True)
        assert_allclose(history[prefix + "roc_auc_score"], rp.roc_auc_score(p if outputs > 1 else prediction, y), rtol=1e-12)
        assert_allclose(history[prefix + "spread"], np.ptp(prediction), rtol=1e-6)


def test_metrics_change_no_bit_of_training_and_make_no_prediction():
    states, forwards = [], []
    for metrics in ([], ["f1_score", "top_k_accuracy_score"]):
        net, cost, sgd, data = problem(rp.CrossEntropy, 3, CLASSES)
        with rp.tape(net) as tape:
            rp.fit(net, cost, sgd, data, epochs=3, batch_size=7, validation=data, rng=0, metrics=metrics)
        forwards.append(sum(record.phase == "forward" for record in tape.records))
        states.append(net.state_dict())
    assert forwards[0] == forwards[1]
    for name in states[0]:
        assert_array_equal(states[0][name], states[1][name])


def test_early_stopping_knows_the_direction_of_a_named_metric():
    x = np.random.default_rng(1).standard_normal((20, 4)).astype("float32")
    y = x[:, :1] * 2
    net = rp.Linear(4, 1, rng=0)
    sgd = rp.SGD(net.parameters(), lr=0.05)
    history = rp.fit(net, rp.MSE(), sgd, (x, y), epochs=200, validation=(x, y), rng=0, metrics=["r2_score"],
                     callbacks=[rp.EarlyStopping(3, "validation_r2_score", min_delta=1e-3)])
    assert history["validation_r2_score"][-1] > 0.95
    assert len(history["epoch"]) < 200


def test_scores_have_the_weights_of_the_cost():
    """In both parts: of the library's own, and of a function that has the parameter; with and without it in ``metrics``."""
    x, y = np.random.default_rng(1).standard_normal((20, 4)).astype("float32"), CLASSES
    weight, columns = np.linspace(0, 1, 20), []
    for metrics in ([], ["accuracy", spread], {"top 2": partial(rp.top_k_accuracy_score, k=2)}):
        net, cost, sgd, _ = problem(rp.CrossEntropy, 3, y)
        before = net.predict(x)
        history = rp.fit(net, cost, sgd, (x, y), epochs=1, batch_size=20, sample_weight=weight[::-1], class_weight=[1, 2, 4],
                         validation=(x, y, weight), metrics=metrics, rng=0, progress=False)
        columns.append(history["validation_accuracy"][0])
        if "accuracy" in history:
            trained = weight[::-1] * np.array([1, 2, 4])[y]
            assert_allclose(history["accuracy"], rp.accuracy(before, y, sample_weight=trained), rtol=1e-12)
            assert_allclose(history["validation_spread"], np.ptp(net.predict(x)), rtol=1e-6)
    assert columns == pytest.approx([rp.evaluate(net, cost, x, y, sample_weight=weight).accuracy] * 3, rel=1e-12)
    expected = rp.top_k_accuracy_score(net.predict(x), y, 2, sample_weight=weight)
    assert_allclose(history["validation_top 2"], expected, rtol=1e-12)


@pytest.mark.parametrize(("metrics", "text"), [
    (["confusion_matrix"], r"the confusion matrix is a table: confusion_matrix\(net.predict\(x\), y\), after training or in"),
    ([rp.confusion_matrix], "metrics must hold scores, which are numbers; the confusion matrix is a table"),
    ({"table": partial(rp.confusion_matrix, threshold=0)}, r"the metric table must return a number, got array\(\["),
    ({"pair": lambda p, y: (1.0, 2.0)}, r"the metric pair must return a number, got \(1.0, 2.0\)"),
    ("accuracy", "metrics must be a list of names or functions, or a dict of functions by name, got 'accuracy'"),
    ({"validation_cost": spread}, "names are new columns of the history, got 'validation_cost'"),
    (["r2_score"], "r2_score: y must have the shape of prediction"),
    (["acuracy"], "each of the metrics must be one of 'accuracy', .*, got 'acuracy'; did you mean 'accuracy'"),
    ([3], "metrics must hold names or functions of prediction and y, got 3"),
    ([lambda p, y: 0], "metrics must hold functions whose names are new columns of the history, got '<lambda>'"),
    (["accuracy", "accuracy"], "metrics must hold functions whose names are new columns of the history, got 'accuracy'")])
def test_wrong_metrics_are_refused_before_training(metrics, text):
    net, cost, sgd, data = problem(rp.CrossEntropy, 3, CLASSES)
    before = net.state_dict()
    with pytest.raises((rp.ArgumentError, rp.ShapeError), match=text):
        rp.fit(net, cost, sgd, data, epochs=1, metrics=metrics)
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])


def test_a_metric_that_fails_on_predictions_of_0_is_not_tried_further():
    def odd(prediction, y):
        return 1.0 if prediction.any() else [][0]

    def two(prediction, y):
        return [1.0, 2.0] if prediction.any() else 1.0

    net, cost, sgd, data = problem(rp.CrossEntropy, 3, CLASSES)
    assert rp.fit(net, cost, sgd, data, epochs=1, metrics=[odd], progress=False)["odd"] == [1]
    with pytest.raises(rp.ArgumentError, match=r"the metric two must return a number, got \[1.0, 2.0\]"):
        rp.fit(net, cost, sgd, data, epochs=1, metrics=[two], progress=False)


def test_a_metric_may_be_nan():
    net, cost, sgd, data = problem(rp.CrossEntropy, 3, CLASSES)
    history = rp.fit(net, cost, sgd, data, epochs=2, metrics={"undefined": lambda prediction, y: np.float64("nan")})
    assert len(history["undefined"]) == 2


def test_a_score_that_is_not_defined_for_the_validation_part_is_refused_before_training():
    net, cost, sgd, (x, y) = problem(rp.CrossEntropy, 3, CLASSES)
    before = net[0].weight.data.copy()
    with pytest.raises(rp.DataError, match="roc_auc_score: y must hold two classes or more, got only 1"):
        rp.fit(net, cost, sgd, (x, y), epochs=1, validation=(x[y == 1], y[y == 1]), metrics=["roc_auc_score"])
    assert_array_equal(net[0].weight.data, before)


def test_functions_have_names_in_a_dict_and_scores_know_the_loss():
    """Also as functions: the F1 score of logits begins at 0, and the area is that of probabilities."""
    net, cost, sgd, (x, _) = problem(rp.CrossEntropy, 3, CLASSES)
    history = rp.fit(net, cost, sgd, (x, CLASSES), epochs=1, validation=(x, CLASSES), metrics={
        "top 2": partial(rp.top_k_accuracy_score, k=2), "area": rp.roc_auc_score})
    logits = net.predict(x).astype(float)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert_allclose(history["validation_top 2"], rp.top_k_accuracy_score(logits, CLASSES, 2))
    assert_allclose(history["validation_area"], rp.roc_auc_score(p, CLASSES), rtol=1e-12)
    net, cost, sgd, (x, _) = problem(rp.BCEWithLogits, 1, CLASSES % 2)
    history = rp.fit(net, cost, sgd, (x, CLASSES % 2), epochs=1, validation=(x, CLASSES % 2), metrics=[rp.f1_score])
    assert_allclose(history["validation_f1_score"], rp.f1_score(net.predict(x), CLASSES % 2, threshold=0))


@pytest.mark.parametrize("loss", [rp.MSE(), rp.Huber(), rp.L1()], ids=str)
def test_a_distance_to_0_and_1_parts_the_classes_in_the_middle(loss):
    net, y = rp.Linear(1, 1, weight_init=rp.Constant(1.0)), np.array([[0.0], [0], [1], [1]])
    x = np.array([[0.1], [0.4], [0.6], [0.9]], np.float32)
    history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=1e-9), (x, y), epochs=1, metrics=["accuracy", "f1_score"],
                     progress=False)
    assert history["accuracy"] == history["f1_score"] == [rp.accuracy(net.predict(x), y)] == [1]
