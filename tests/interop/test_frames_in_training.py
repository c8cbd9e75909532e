"""Frames of pandas and polars in fit, predict and evaluate: columns are remembered, and checked from then on."""

import pickle
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest

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


def test_categories_are_not_numbers_even_if_they_are_coded_by_some(net):
    coded = frame(pd).assign(width=pd.Categorical(Y))
    for call in (lambda: trained((coded, Y)), lambda: net.predict(coded)):
        with pytest.raises(DtypeError, match=r"must hold numbers, got categories in .width.: make a column of 0 and 1"):
            call()
    assert trained((coded.assign(width=coded["width"].astype(int)), Y))[0].feature_names == NAMES


@pytest.mark.parametrize("labels", [
    np.array(["no", "yes"])[Y], pd.Series(np.array(["no", "yes"])[Y], dtype="category"),
    pl.Series(np.array(["no", "yes"])[Y], dtype=pl.Categorical)], ids=["text", "pandas", "polars"])
def test_labels_are_refused_with_the_encoder_that_makes_numbers_of_them(net, labels):
    hint = r"must hold real numbers, got dtype .*; Targets\.of\(y\)\.encode\(y\), of retroprop\.datasets, makes numbers of"
    with pytest.raises(DtypeError, match=r"data\[1\] " + hint):
        trained((X, labels))
    with pytest.raises(DtypeError, match="y " + hint):
        rp.evaluate(net, rp.CrossEntropy(), X, labels)
    np.testing.assert_array_equal(rp.datasets.Targets.of(labels).encode(labels), Y)


def test_no_library_of_frames_is_loaded():
    code = ("import retroprop as rp, numpy as np, sys; net = rp.Linear(3, 2); x, y = np.ones((4, 3)), [0, 1, 0, 1]; "
            "rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1); net.predict(x); "
            "import retroprop.interop; print(*sys.modules)")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "polars", "sklearn", "scipy"} & set(loaded)
