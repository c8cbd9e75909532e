"""What stands before and behind a saved network: raw examples go in, labels come out."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.datasets import Scaler, Targets
from retroprop.errors import DataError, ShapeError

X = np.array([[1.0, 200.0], [2.0, 100.0], [3.0, 300.0], [4.0, 150.0]])


@pytest.mark.parametrize(("y", "net", "loss"), [
    (["cat", "dog", "cat", "dog"], lambda: rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 1, rng=1)),
     rp.BCEWithLogits()),
    ([7, 3, 7, 3], lambda: rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 1, rng=1), rp.Sigmoid()), rp.BCE()),
    ([True, False, False, True], lambda: rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 2, rng=1)),
     rp.CrossEntropy()),
    (["a", "b", "c", "a"], lambda: rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 3, rng=1)), rp.CrossEntropy()),
    ([[0, 1], [1, 1], [0, 0], [1, 0]], lambda: rp.Sequential(rp.Linear(2, 8, rng=0), rp.Tanh(), rp.Linear(8, 2, rng=1)),
     rp.BCEWithLogits())])
def test_raw_examples_go_in_and_labels_come_out(tmp_path, y, net, loss):
    net, scaler, targets = net(), Scaler.of(X), Targets.of(y)
    encoded = targets.encode(y)
    rp.fit(net, loss, rp.Adam(net.parameters(), lr=0.1), (scaler.scaled(X), encoded), epochs=100, rng=0, progress=False)
    rp.save_model(net, tmp_path / "model", preprocessing=scaler, targets=targets)
    model = rp.load_model(tmp_path / "model")
    assert_array_equal(model.predict(X), y)
    assert model.predict(X).dtype == np.asarray(y).dtype
    assert_array_equal(model.outputs(X), net.predict(scaler.scaled(X)))
    assert_array_equal(model.targets.encode(y), encoded)
    assert model.targets.names == targets.names
    with pytest.raises(ShapeError, match=r"^x must have shape \(examples, 2\), as the data that were scaled in training, got"):
        model.predict(X[:, :1])


@pytest.mark.parametrize("last", [(rp.Sigmoid(), rp.Identity()), (rp.Sequential(rp.Sigmoid()), rp.Flatten(), rp.Dropout()),
                                  (rp.Sigmoid(), rp.Reshape(1))], ids=str)
def test_a_sigmoid_is_found_behind_what_changes_the_shape_alone(tmp_path, last):
    net = rp.Sequential(rp.Linear(2, 1, rng=0), *last)
    rp.save_model(net, tmp_path / "model", targets=["a", "b"])
    model = rp.load_model(tmp_path / "model")
    assert model.threshold == 0.5
    x = np.array([[9.0, 0], [-9, 0], [0, 9], [0, -9]])
    assert_array_equal(model.predict(x), np.where(net.predict(x)[:, 0] > 0.5, "b", "a"))
    assert len(set(model.predict(x).tolist())) == 2


@pytest.mark.parametrize(("loss", "threshold"), [
    (rp.MSE(), 0.5), (rp.Huber(2), 0.5), (rp.L1(), 0.5), (rp.BCE(), 0.5), (rp.BCEWithLogits(), 0), (rp.Hinge(), 0), (None, 0)],
    ids=str)
def test_the_loss_says_where_two_classes_are_parted(tmp_path, loss, threshold):
    net = rp.Linear(1, 1, weight_init=rp.Constant(1.0))
    rp.save_model(net, tmp_path / "model", targets=["a", "b"], loss=loss)
    assert_array_equal(rp.load_model(tmp_path / "model").predict([[-0.1], [0.1], [0.4], [0.6]]),
                       ["a", "b", "b", "b"] if threshold == 0 else ["a", "a", "a", "b"])


def test_numbers_come_out_as_they_are(tmp_path):
    net = rp.Linear(2, 1, rng=0)
    rp.save_model(net, tmp_path / "a", targets=Targets.of([0.5, 1.5]))
    rp.save_model(net, tmp_path / "b")
    for name in "ab":
        assert_array_equal(rp.load_model(tmp_path / name).predict(X), net.predict(X))


def test_labels_name_the_outputs(tmp_path):
    net = rp.Linear(2, 3, rng=0)
    rp.save_model(net, tmp_path / "model", targets=("red", "green", "blue"))
    model = rp.load_model(tmp_path / "model")
    assert_array_equal(model.predict(X), np.array(["red", "green", "blue"])[net.predict(X).argmax(1)])
    rp.save_model(rp.Tanh(), tmp_path / "model", targets=("red", "green", "blue"))
    with pytest.raises(ShapeError, match=r"^net must have an output of shape \(examples, 3\), one for each of 3 names"):
        rp.load_model(tmp_path / "model").predict(X)


@pytest.mark.parametrize(("net", "options", "labels", "error", "text"), [
    (rp.Sequential(rp.Tanh(), rp.Linear(2, 3), rp.Softmax()), {}, None, ShapeError,
     "as many as the outputs of net, 3, got 2: b, a"),
    (rp.Residual(rp.Linear(3, 3)), {"preprocessing": Scaler(np.zeros(3), np.ones(3))}, None, ShapeError,
     "as many as the outputs of net, 3, got"),
    (rp.Tanh(), {}, ("a", "b", "c"), ShapeError, "as many as net.class_labels, 3, got 2: b, a"),
    (rp.Linear(2, 2), {}, ("a", "b"), DataError, "in the order of net.class_labels, a, b, got b, a")])
def test_labels_that_contradict_the_network_are_not_saved(tmp_path, net, options, labels, error, text):
    net.class_labels = labels
    with pytest.raises(error, match=f"^save_model: targets must be {text}"):
        rp.save_model(net, tmp_path / "model", targets=["b", "a"], **options)
    assert not (tmp_path / "model").exists()


def test_each_of_several_inputs_has_its_scaler(tmp_path):
    net = rp.Graph({"e": (rp.Embedding(4, 2, rng=0), "w"), "y": (rp.Multiply(), "e", "x")}, inputs=("w", "x"), outputs="y")
    rp.save_model(net, tmp_path / "model", preprocessing=(None, Scaler.of(X)))
    model, words = rp.load_model(tmp_path / "model"), np.array([0, 3, 1, 1])
    assert_array_equal(model.predict((words, X)), net.predict((words, Scaler.of(X).scaled(X))))
    with pytest.raises(ShapeError, match=r"^x must be a tuple of 2 arrays, got"):
        model.predict(X)


def test_the_columns_of_frames_come_back(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs the extra pandas")
    frame, net = pandas.DataFrame(X, columns=["age", "size"]), rp.Linear(2, 1, rng=0)
    rp.fit(net, rp.MSE(), rp.SGD(net.parameters(), lr=1e-9), (frame, X[:, :1]), epochs=1, progress=False)
    rp.save_model(net, tmp_path / "model", preprocessing=Scaler.of(X))
    model = rp.load_model(tmp_path / "model")
    model.predict(frame)
    with pytest.raises(DataError, match="another order"):
        model.predict(frame[["size", "age"]])


def test_a_scaler_of_a_frame_knows_its_columns(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs the extra pandas")
    frame = pandas.DataFrame(X, columns=["age", "a\nb"])
    rp.save_model(rp.Linear(2, 1, rng=0), tmp_path / "model", preprocessing=Scaler.of(frame))
    model = rp.load_model(tmp_path / "model")
    assert_array_equal(model.predict(frame), model.predict(X))
    for call in (model.predict, model.preprocessing.scaled, model.preprocessing.unscaled, Scaler.of(frame).scaled,
                 lambda other: rp.datasets.standardize(frame, other)):
        with pytest.raises(DataError, match=r"must have the columns that the scaler was measured on, 'age', .*another order"):
            call(frame[frame.columns[::-1]])
    assert_array_equal(rp.datasets.standardize(frame, X)[1], rp.datasets.standardize(X)[0])
