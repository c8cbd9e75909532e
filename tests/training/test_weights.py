"""Weights of examples and classes in fit and evaluate: a weight of 2 is the example taken twice, "balanced" scikit-learn's."""

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(30, rng=0)
WEIGHT = np.arange(30) % 3.0
TWICE = np.repeat(np.arange(30), WEIGHT.astype(int))


def net(outputs=3):
    return rp.Sequential(rp.Linear(2, 5, dtype="float64", rng=0), rp.Tanh(),
                         rp.Linear(5, outputs, dtype="float64", rng=1))


def trained(data, loss=None, outputs=3, epochs=3, **options):
    model = net(outputs)
    history = rp.fit(model, loss or rp.CrossEntropy(), rp.SGD(model.parameters(), lr=0.1), data, epochs=epochs, rng=0,
                     progress=False, batch_size=100, **options)
    return np.concatenate([parameter.data.ravel() for parameter in model.parameters()]), history


def test_an_example_of_weight_2_trains_like_two():
    parameters, history = trained((X, Y), sample_weight=WEIGHT)
    expected, of_repeated = trained((X[TWICE], Y[TWICE]))
    np.testing.assert_allclose(parameters, expected, rtol=1e-10)
    np.testing.assert_allclose(history["cost"], of_repeated["cost"], rtol=1e-12)


def test_the_cost_of_an_epoch_is_the_weighted_mean_of_all_examples():
    """Also in batches of unequal weight, one of which has none, and with weights of the classes in the loss."""
    weight = np.where(np.arange(30) < 20, 0.0, WEIGHT)
    loss, model = rp.CrossEntropy(weight=[1, 2, 3]), net()
    history = rp.fit(model, loss, rp.SGD(model.parameters(), lr=0), (X, Y), epochs=2, batch_size=4, rng=0, progress=False,
                     sample_weight=weight, validation=(X, Y, weight))
    costs = rp.CrossEntropy(weight=[1, 2, 3], reduction="none").forward(model.predict(X), Y) / np.array([1, 2, 3])[Y]
    expected = np.average(costs, weights=weight * np.array([1, 2, 3])[Y])
    assert history["cost"] == pytest.approx([expected] * 2, rel=1e-12)
    assert history["validation_cost"] == pytest.approx([expected] * 2, rel=1e-12)
    right = model.predict(X).argmax(1) == Y
    assert history["validation_accuracy"][0] == pytest.approx(np.average(right, weights=weight), rel=1e-12)


@pytest.mark.parametrize("size", [None, 7])
def test_evaluate_weighs_cost_and_accuracy(size):
    found, repeated = (rp.evaluate(net(), rp.CrossEntropy(), X, Y, size, sample_weight=WEIGHT),
                       rp.evaluate(net(), rp.CrossEntropy(), X[TWICE], Y[TWICE]))
    assert found == pytest.approx(repeated, rel=1e-12)


@pytest.mark.long                                                   # the import
def test_balanced_weights_are_those_of_scikit_learn():
    utils = pytest.importorskip("sklearn.utils", reason="needs the extra scikit-learn")
    y = np.array([0, 2, 2, 2, 1, 2])
    expected = utils.class_weight.compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(rp.class_weights(y), expected, rtol=1e-15)


def test_balanced_weights_are_n_over_k_times_the_count():
    np.testing.assert_allclose(rp.class_weights([[0], [3], [3], [3]], classes=5), [2, 0, 0, 2 / 3, 0], rtol=1e-15)


@pytest.mark.parametrize(("loss", "y", "outputs"), [
    (rp.CrossEntropy(), Y % 2 + (Y == 2), 3), (rp.CrossEntropy(), np.eye(3)[Y], 3), (rp.BCEWithLogits(), (Y == 0) * 1.0, 1),
    (rp.Hinge(), (Y == 0)[:, None] * 1, 1)], ids=["classes", "one-hot", "BCEWithLogits", "Hinge"])
def test_class_weights_are_weights_of_the_examples(loss, y, outputs):
    few = np.arange(30) % 5 > 0                                     # classes of unequal sizes
    x, y = X[few], y[few]
    classes = y.argmax(1) if y.shape[1:] == (3,) else y.reshape(-1).astype(int)
    of_classes = rp.class_weights(classes)
    found, _ = trained((x, y), loss, outputs, class_weight="balanced", sample_weight=WEIGHT[few])
    for options in ({"class_weight": of_classes, "sample_weight": WEIGHT[few]},
                    {"sample_weight": of_classes[classes] * WEIGHT[few]}):
        np.testing.assert_array_equal(found, trained((x, y), loss, outputs, **options)[0])


def test_class_weights_train_as_those_of_the_loss():
    found, _ = trained((X[:20], Y[:20]), class_weight="balanced")
    expected, _ = trained((X[:20], Y[:20]), rp.CrossEntropy(weight=rp.class_weights(Y[:20])))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("y", "weight"), [
    (np.array(["bream", "carp", "dace"])[Y], {"carp": 2, "dace": 0.5}), (Y, {1: 2, 2: 0.5}), (Y, {0: 1, 1: 2, 2: 0.5, 3: 9})])
def test_a_dict_weighs_classes_by_label_and_one_that_it_lacks_by_1(y, weight):
    found, _ = trained((X, y), class_weight=weight)
    np.testing.assert_array_equal(found, trained((X, Y), class_weight=[1, 2, 0.5])[0])


@pytest.mark.parametrize(("options", "kind", "text"), [
    ({"sample_weight": WEIGHT[:9]}, rp.ShapeError, r"sample_weight must have shape \(30,\), a number for each"),
    ({"sample_weight": 0 * WEIGHT}, rp.DataError, "sample_weight must hold numbers of at least 0, and one above 0, got 0 to 0"),
    ({"sample_weight": WEIGHT - 1}, rp.DataError, "sample_weight must hold numbers of at least 0, and one above 0, got -1"),
    ({"sample_weight": WEIGHT / [np.inf] * np.nan}, rp.DataError, "sample_weight must be finite"),
    ({"validation": (X, Y, WEIGHT[1:])}, rp.ShapeError, r"validation\[2\] must have shape \(30,\)"),
    ({"class_weight": "even"}, rp.ArgumentError, 'class_weight must be "balanced", or a number for each class, got \'even\''),
    ({"class_weight": {0: 2, 7: 2}}, rp.ArgumentError, "must have weights of the classes 0, 1, 2, got some for 7, which"),
    ({"class_weight": {0: "a"}}, rp.DtypeError, "class_weight must be real numbers, got <U"),
    ({"class_weight": [1, 2]}, rp.ShapeError, r"class_weight must have a number for each of 3 classes, got shape \(2,\)"),
    ({"class_weight": [1, 2, -1]}, rp.DataError, "class_weight, for the classes of y, must hold numbers of at least 0"),
    ({"class_weight": "balanced", "loss": rp.MSE(), "data": (X, X), "outputs": 2}, rp.ArgumentError,
     "class_weight must be None unless the loss is one of classes and y holds classes")])
def test_weights_are_refused_in_one_sentence(options, kind, text):
    with pytest.raises(kind, match=text):
        trained(**{"data": (X, Y)} | options)


def test_class_weights_counts_labels_in_their_order():
    np.testing.assert_array_equal(rp.class_weights(["dog", "cat", "dog", "dog"]), rp.class_weights([1, 0, 1, 1]))


@pytest.mark.parametrize(("y", "kind", "text"), [
    ([0.5, 1], rp.DtypeError, "class_weights: y must hold integer classes, got float64; whole floats want"),
    ([[0, 1]], rp.ShapeError, r"class_weights: y must have shape \(N,\) or \(N, 1\), got \(1, 2\)"),
    ([0, -1], rp.DataError, "class_weights: y must hold classes from 0, got -1 to 0"),
    ([], rp.DataError, "y must not be empty")])
def test_class_weights_wants_classes(y, kind, text):
    with pytest.raises(kind, match=text):
        rp.class_weights(y)
    with pytest.raises(rp.DataError, match="class_weights: y must hold classes from 0 to 1, got 0 to 2"):
        rp.class_weights([0, 2], classes=2)
