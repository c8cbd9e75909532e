"""Frames of pandas and polars in fit, predict and evaluate: columns are remembered, and checked from then on."""

import json
import pickle
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest
from safetensors.numpy import save_file

import retroprop as rp
from retroprop.errors import DataError, DtypeError

pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
X, Y = np.random.default_rng(0).standard_normal((12, 3)), np.arange(12) % 2
NAMES = ("length", "width", "depth")
WANTED = "must have the columns that the network was trained on, 'length', 'width', 'depth', got columns "


def frame(kind, names=NAMES, x=X):
    return kind.DataFrame(dict(zip(names, x.T, strict=True)))


def trained(data, validation=None, net=None):
    net = rp.Linear(3, 2, rng=0) if net is None else net
    history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), data, epochs=2, batch_size=5,
                     validation=validation, rng=0, progress=False)
    return net, history


@pytest.fixture(scope="module")
def net():
    return trained((frame(pd), Y))[0]


@pytest.mark.parametrize("kind", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_trains_as_its_array_does_and_its_columns_are_remembered(kind):
    (of_frame, history), (of_array, expected) = trained((frame(kind), Y), (frame(kind), Y)), trained((X, Y), (X, Y))
    assert history["validation_cost"] == expected["validation_cost"]
    assert of_frame.feature_names == NAMES
    assert of_array.feature_names is None
    np.testing.assert_array_equal(of_frame.predict(frame(kind)), of_array.predict(X))
    assert rp.evaluate(of_frame, rp.CrossEntropy(), frame(kind), Y) == rp.evaluate(of_array, rp.CrossEntropy(), X, Y)


@pytest.mark.parametrize(("names", "text"), [
    (("length", "depth", "width"), "3 in another order, from column 1 on, 'depth'"),
    (("length", "width", "height"), "without 'depth' and with 'height'"),
], ids=["moved", "another"])
@pytest.mark.parametrize("kind", [pd, pl], ids=["pandas", "polars"])
def test_other_columns_and_another_order_are_refused(net, kind, names, text):
    other, loss = frame(kind, names), rp.CrossEntropy()
    for call, name in [(lambda: net.predict(other), "Linear(3, 2): x"), (lambda: rp.evaluate(net, loss, other, Y), "x"),
                       (lambda: trained((other, Y), net=deepcopy(net)), "data[0]"),
                       (lambda: trained((frame(pd), Y), (other, Y)), "validation[0]"),
                       (lambda: rp.minimize(deepcopy(net), loss, other, Y, max_iter=1), "x")]:
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == f"{name} {WANTED}{text}"


def test_a_column_too_many_or_too_few_is_named(net):
    for other, text in ((frame(pd).assign(area=1.0), "with 'area'"), (frame(pd)[["width"]], "without 'length', 'depth'")):
        with pytest.raises(DataError, match=f"got columns {text}$"):
            net.predict(other)


def test_arrays_and_numbered_columns_are_taken_as_they_are(net):
    np.testing.assert_array_equal(net.predict(pd.DataFrame(X)), net.predict(X))
    assert trained((pd.DataFrame(X), Y))[0].feature_names is None
    assert trained((X, Y), net=deepcopy(net))[0].feature_names == NAMES


def test_copies_remember_and_a_refused_fit_does_not(net):
    assert deepcopy(net).feature_names == pickle.loads(pickle.dumps(net)).feature_names == NAMES
    fresh = rp.Linear(3, 2, rng=0)
    with pytest.raises(DataError):
        trained((frame(pd), Y + 1), net=fresh)
    assert fresh.feature_names is None
    rp.minimize(fresh, rp.CrossEntropy(), frame(pd), Y, max_iter=1)
    assert fresh.feature_names == NAMES
    fresh.feature_names = None
    assert trained((frame(pl, "abc"), Y), net=fresh)[0].feature_names == ("a", "b", "c")


def test_a_call_that_is_refused_late_leaves_no_columns_and_no_labels():
    fresh, x = rp.Sequential(rp.Linear(3, 2, rng=0), rp.Dropout(0.5, rng=0)), frame(pd)
    loss, sgd = rp.CrossEntropy(), rp.SGD(fresh.parameters(), lr=0.1)
    for call in (lambda: rp.fit(fresh, loss, sgd, (x, WORDS), epochs=1, callbacks=[rp.EarlyStopping()], progress=False),
                 lambda: rp.minimize(fresh, loss, x, WORDS, progress=False),
                 lambda: rp.least_squares(fresh, x, X[:, :2], progress=False)):
        with pytest.raises(rp.errors.ArgumentError):
            call()
        assert (fresh.feature_names, fresh.class_labels) == (None, None)


def test_categories_are_not_numbers_even_if_they_are_coded_by_some(net):
    coded = frame(pd).assign(width=pd.Categorical(Y))
    for call in (lambda: trained((coded, Y)), lambda: net.predict(coded)):
        with pytest.raises(DtypeError, match=r"hold numbers, got categories in .width.: .*, or numbers: \.cat\.codes, for an"):
            call()
    assert trained((coded.assign(width=coded["width"].astype(int)), Y))[0].feature_names == NAMES


WORDS = np.array(["no", "yes"])[Y]


@pytest.mark.parametrize("labels", [
    WORDS, WORDS.tolist(), WORDS.astype(object), pd.Series(WORDS), pd.Series(WORDS, dtype="category"), pl.Series(WORDS),
    pl.Series(WORDS, dtype=pl.Categorical)], ids=lambda labels: f"{type(labels).__module__} {getattr(labels, 'dtype', '')}")
def test_text_and_categories_are_numbered_and_the_network_remembers_them(labels):
    (net, history), (of_codes, expected) = trained((X, labels), (X, labels)), trained((X, Y), (X, Y))
    assert history["validation_cost"] == expected["validation_cost"]
    assert (net.class_labels, of_codes.class_labels) == (("no", "yes"), None)
    loss = rp.CrossEntropy()
    assert rp.evaluate(net, loss, X, labels) == rp.evaluate(net, loss, X, Y) == rp.evaluate(of_codes, loss, X, Y)
    assert rp.evaluate(net, loss, X[1::2], labels[1::2]) == rp.evaluate(net, loss, X[1::2], Y[1::2])
    np.testing.assert_array_equal(rp.datasets.Targets.of(labels).encode(labels), Y)


def test_integer_categories_are_labels_and_integers_are_classes():
    net, _ = trained((X, pd.Series(pd.Categorical(20 - 10 * Y))))
    assert net.class_labels == (10, 20)
    assert rp.evaluate(net, rp.CrossEntropy(), X, pd.Series(pd.Categorical(20 - 10 * Y))).cost == rp.evaluate(
        net, rp.CrossEntropy(), X, 1 - Y).cost
    with pytest.raises(DataError, match=r"classes must be in 0\.\.1, got values from 10 to 20"):
        trained((X, 20 - 10 * Y))


def test_labels_of_validation_count_and_unknown_ones_are_refused():
    net, _ = trained((X[:6], WORDS[:6]), (X, np.where(np.arange(12) < 11, WORDS, "maybe")), net=rp.Linear(3, 3, rng=0))
    assert net.class_labels == deepcopy(net).class_labels == ("maybe", "no", "yes")
    trained((X, WORDS), net=net)
    assert net.class_labels == ("maybe", "no", "yes")
    with pytest.raises(DataError, match=r"data\[1\] must hold the classes maybe, no, yes, got 'never'"):
        trained((X, ["yes", "never"] * 6), net=net)
    with pytest.raises(DataError, match="y must hold the classes maybe, no, yes, got 'never'"):
        rp.evaluate(net, rp.CrossEntropy(), X, ["yes", "never"] * 6)
    fresh = rp.Linear(3, 2, rng=0)
    rp.minimize(fresh, rp.CrossEntropy(), X, WORDS, max_iter=1)
    assert fresh.class_labels == ("no", "yes")


@pytest.mark.parametrize(("net", "loss"), [(rp.Linear(3, 1, rng=0), rp.BCEWithLogits()), (rp.Linear(3, 1, rng=0), rp.Hinge()),
                                           (rp.Linear(3, 2, rng=0), rp.CrossEntropy())], ids=str)
def test_labels_for_which_there_is_no_output_are_named(net, loss):
    sgd = rp.SGD(net.parameters(), lr=0.1)
    for data, validation, text in [
            (WORDS, np.where(Y == 0, "no", "maybe"), r"validation\[1\] must hold the classes no, yes, got 'maybe'"),
            (["a", "b", "c"] * 4, None, r"data\[1\] must hold at most 2 classes for .*, got 3: a, b, c")]:
        with pytest.raises(DataError, match=f"^{text}$"):
            rp.fit(net, loss, sgd, (X, data), epochs=1, validation=None if validation is None else (frame(pd), validation))
    with pytest.raises(DataError, match=r"^y must hold at most 2 classes for .*, got 3: a, b, c$"):
        rp.minimize(net, loss, X, ["a", "b", "c"] * 4, max_iter=1)
    assert net.class_labels is None


def test_a_saved_model_has_columns_and_labels(tmp_path):
    net, _ = trained((frame(pd), WORDS))
    rp.save_model(net, tmp_path / "model.safetensors")
    model = rp.load_model(tmp_path / "model.safetensors")
    assert (model.net.feature_names, model.net.class_labels) == (NAMES, ("no", "yes"))
    np.testing.assert_array_equal(model.predict(frame(pl)), np.array(net.class_labels)[net.predict(X).argmax(1)])
    assert rp.evaluate(model.net, rp.CrossEntropy(), frame(pl), WORDS) == rp.evaluate(net, rp.CrossEntropy(), X, Y)


@pytest.mark.parametrize("words", [WORDS, WORDS.astype(bytes)], ids=["text", "bytes"])
def test_load_gives_a_network_the_names_of_the_one_that_was_saved(tmp_path, words):
    """And none where the file has none: the weights of another network have other classes."""
    (net, _), (other, _) = trained((frame(pd), words)), trained((frame(pd, "abc"), np.where(Y == 1, "never", "always")))
    plain, names = trained((X, Y))[0], (other.feature_names, other.class_labels)
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    rp.save(net, tmp_path / "net", optimizer)
    rp.save(plain, tmp_path / "plain")
    with pytest.raises(rp.StateError):
        rp.load(other, tmp_path / "plain", rp.SGD(other.parameters(), lr=0.1))
    assert (other.feature_names, other.class_labels) == names       # a refused file changes nothing
    rp.load(other, tmp_path / "net")
    assert (other.feature_names, other.class_labels) == (NAMES, tuple(np.unique(words).tolist()))
    rp.load(other, tmp_path / "plain")
    assert (other.feature_names, other.class_labels) == (None, None)
    rp.Checkpoint(tmp_path / "step").save(1, net, optimizer)
    rp.load(other, tmp_path / "step")
    assert (other.feature_names, other.class_labels) == (net.feature_names, net.class_labels)
    save_file(plain.state_dict(), tmp_path / "of PyTorch")
    rp.load(other, tmp_path / "of PyTorch")
    assert (other.feature_names, other.class_labels) == (None, None)
    rp.save_model(plain, tmp_path / "model", targets=["yes", "no"])
    rp.load(other, tmp_path / "model")
    assert other.class_labels == rp.load_model(tmp_path / "model").net.class_labels == ("yes", "no")


@pytest.mark.parametrize("notes", [
    {"columns": 3}, {"columns": [3]}, {"columns": None, "labels": [[3.5]]}, {"columns": None, "labels": {}}], ids=str)
def test_names_that_are_none_are_refused(tmp_path, notes):
    net = rp.Linear(3, 2, rng=0)
    save_file(net.state_dict(), tmp_path / "net", {"retroprop": json.dumps(notes)})
    with pytest.raises(rp.FileFormatError, match=r"its notes must be those that retroprop.save writes"):
        rp.load(net, tmp_path / "net")


def test_labels_without_classes_are_refused_with_the_encoder_that_makes_numbers_of_them(net):
    hint = r"must hold real numbers, got dtype .*; Targets\.of\(y\)\.encode\(y\), of retroprop\.datasets, makes numbers of"
    with pytest.raises(DtypeError, match="y " + hint):
        rp.evaluate(net, rp.CrossEntropy(), X, WORDS)
    fresh = rp.Linear(3, 1, rng=0)
    with pytest.raises(DtypeError, match=r"data\[1\] " + hint):
        rp.fit(fresh, rp.MSE(), rp.SGD(fresh.parameters(), lr=0.1), (X, WORDS), epochs=1)
    assert fresh.class_labels is None
    with pytest.raises(DtypeError, match=r"validation\[1\] " + hint):      # numbers and text together: whose order?
        trained((X, Y), (X, WORDS))


def test_no_library_of_frames_is_loaded():
    code = ("import retroprop as rp, numpy as np, sys; net = rp.Linear(3, 2); x, y = np.ones((4, 3)), [0, 1, 0, 1]; "
            "rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1); net.predict(x); "
            "import retroprop.interop; print(*sys.modules)")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "polars", "sklearn", "scipy"} & set(loaded)
