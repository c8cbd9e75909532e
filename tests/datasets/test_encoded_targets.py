"""Targets: the kind of y, the names of what is predicted, and what a loss gets; found from all parts by one encoder."""

import pickle
import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets import Targets
from retroprop.datasets.data_set import data_set

MATRIX = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
LOSSES = {"classes": rp.CrossEntropy, "binary": rp.BCEWithLogits, "labels": rp.BCEWithLogits, "values": rp.MSE}


@pytest.mark.parametrize(("y", "kind", "names", "encoded"), [
    (["b", "a", "c"], "classes", ("a", "b", "c"), [1, 0, 2]),
    ([7, 0, 255], "classes", ("0", "7", "255"), [1, 0, 2]),
    ([-1, 1, 1], "binary", ("-1", "1"), [0, 1, 1]),
    (np.array([True, False]), "binary", ("False", "True"), [1, 0]),
    (np.array([3, 5, 5], "u1"), "binary", ("3", "5"), [0, 1, 1]),
    (np.array([2, 9, 4], ">i2"), "classes", ("2", "4", "9"), [0, 2, 1]),
    (np.array([[4], [2], [3]]), "classes", ("2", "3", "4"), [2, 0, 1]),
    (np.array(["x", "y"], object), "binary", ("x", "y"), [0, 1]),
    (MATRIX, "labels", ("0", "1", "2"), MATRIX.tolist()),
    (MATRIX.astype(bool), "labels", ("0", "1", "2"), MATRIX.tolist()),
    (MATRIX.astype("f4"), "labels", ("0", "1", "2"), MATRIX.tolist()),
    (np.eye(3)[[2, 0, 1]], "classes", ("0", "1", "2"), [2, 0, 1]),
    (np.eye(2, dtype=int)[[1, 0]], "binary", ("0", "1"), [1, 0]),
    ([2.5, -1.0, 3.0], "values", ("y",), [[2.5], [-1], [3]]),
    (np.array([[2.5], [1.5]], "f4"), "values", ("y",), [[2.5], [1.5]]),
    (np.array([[0.0], [1.0]]), "values", ("y",), [[0], [1]]),       # as of shape (2,)
    (np.array([[2.5, 1], [0, 1]]), "values", ("0", "1"), [[2.5, 1], [0, 1]]),
])
def test_the_kind_follows_from_type_and_shape(y, kind, names, encoded):
    found = Targets.of(y)
    assert (found.kind, found.names) == (kind, names)
    result = found.encode(y)
    assert result.tolist() == encoded
    assert result.dtype == {"classes": "i8", "binary": "i8", "labels": "f4"}.get(kind, result.dtype)
    assert found.outputs == (1 if kind == "binary" else len(names))
    again = pickle.loads(pickle.dumps(found))
    assert (again.kind, again.names, again.encode(y).tolist()) == (kind, names, encoded)


@pytest.mark.parametrize("y", [["b", "a", "c"], [-1, 1, 1], MATRIX, np.eye(3), [2.5, -1, 3], np.array([[2.5, 1], [0, 1]])])
def test_the_loss_of_each_kind_takes_what_is_encoded(y):
    found = Targets.of(y)
    prediction = np.random.default_rng(0).standard_normal((len(y), found.outputs))
    assert np.isfinite(LOSSES[found.kind]().forward(prediction, found.encode(y)))


def test_targets_are_those_of_all_parts_together():
    found = Targets.of([3, 1], [7])
    assert found.names == ("1", "3", "7")
    assert found.encode([7]).tolist() == [2]
    assert Targets.of(np.eye(3), [[1, 1, 0]]).kind == "labels"
    assert Targets.of([0.0, 1.0], [0.5]).notes == ()


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars"])
@pytest.mark.parametrize("values", [[0.0, 1.0], [2.5, 1.5], [0, 1], ["u", "v"]])
def test_a_column_means_the_same_as_its_values_in_every_form(library, values):
    flat, x = np.array(values * 6), np.random.default_rng(0).random((12, 2))
    frames = pytest.importorskip(library)
    if library != "numpy":
        x = frames.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    found = [data_set((x, y)) for y in (flat, flat[:, None])]
    found += [] if library == "numpy" else [data_set((x, y)) for y in (frames.Series("y", flat) if library == "polars" else (
        frames.Series(flat, name="y")), frames.DataFrame({"y": flat}))]
    targets = [one.targets for one in found]
    assert len({(one.kind, one.outputs, one.notes) for one in targets}) == 1
    assert len({str(one.targets.encode(one.y).tolist()) for one in found}) == 1
    tested = data_set((x, flat), test=(x[:3], flat[:3, None]))       # the test part may have the other form
    assert tested.targets.encode(tested.test[1]).tolist() == found[0].targets.encode(flat[:3]).tolist()


def test_series_and_frames_are_taken_with_their_gaps_refused():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(["b", "a", "b"])
    for column in (series, series.astype("category"), series.astype("string"), pandas.Series([2, 1, 2]).astype("Int64"),
                   pandas.Series([True, False, True]).astype("boolean")):
        assert (Targets.of(column).kind, Targets.of(column).encode(column).tolist()) == ("binary", [1, 0, 1])
    assert Targets.of(pandas.Series([1.5, 2]).astype("Float64")).kind == "values"
    assert Targets.of(pandas.DataFrame(MATRIX)).kind == "labels"
    with pytest.raises(rp.DataError, match="y must hold a label for each example, got 1 missing of 3, first at 1"):
        Targets.of(pandas.Series(["b", None, "b"]))
    polars = pytest.importorskip("polars")
    assert Targets.of(polars.Series(["b", "a", "b"])).encode(polars.Series(["a"])).tolist() == [0]
    assert Targets.of(polars.Series([1, 2]), polars.Series([3])).kind == "classes"


def test_floats_that_look_like_classes_are_values_and_a_note_says_so():
    found = Targets.of([0.0, 1.0, 2.0])
    assert found.kind == "values"
    assert found.notes == ("The 3 different numbers in y are whole but floating: they are predicted as numbers; as integers "
                           "they would be classes.",)
    assert Targets.of(np.arange(21.0)).notes == Targets.of([0.5, 1]).notes == Targets.of([0, 1]).notes == ()


def test_integers_that_look_like_numbers_are_classes_and_a_note_says_so():
    found = Targets.of(np.arange(25, 65))
    assert found.kind == "classes"
    assert found.notes == ("The 40 different integers in y, of 40 examples, are classes; as floats they would be predicted as "
                           "numbers.",)
    assert Targets.of(np.arange(20)).notes == Targets.of(np.repeat(np.arange(40), 20)).notes == ()


@pytest.mark.parametrize(("y", "error", "text"), [
    ([3, 3], rp.DataError, "y must hold at least two classes, got only 3"),
    (np.ones(4), rp.DataError, "y must hold at least two different numbers, got only 1.0"),
    (np.ones((4, 1)), rp.DataError, "y must hold at least two different numbers, got only 1.0"),
    (np.array([[2.5, 1.5]] * 3), rp.DataError, "y must hold at least two different rows, got only [2.5, 1.5]"),
    (np.eye(3)[[1, 1]], rp.DataError, "y must hold at least two different rows, got only [0.0, 1.0, 0.0]"),
    ([], rp.DataError, "y must not be empty, got shape (0,)"),
    (3, rp.ShapeError, "y must have an axis of examples, got shape ()"),
    ([1, "a"], rp.DtypeError, "y must hold labels that are all numbers or all text, got int, str"),
    ([1.5, np.nan], rp.DataError, "y must hold a label for each example, got 1 missing of 2, first at 1"),
    (np.array([1.5, np.inf]), rp.DataError, "y must be finite, got 1 NaN or infinite of 2 values, first at (1,)"),
    ([[1, 2], [3, 4]], rp.DataError, "y must hold one label for each example, or a matrix of 0 and 1, or floats, got int64 of "
                                     "shape (2, 2)"),
    ([["a", "b"], ["c", "d"]], rp.DtypeError, "y of shape (2, 2) must hold numbers, got <U1"),
    (np.zeros((2, 2, 2)), rp.ShapeError, "y must have shape (N,) or (N, K), got (2, 2, 2)"),
    (np.array([1 + 2j, 3]), rp.DtypeError, "y must hold labels that are all numbers or all text, got complex"),
    (np.ma.array([1, 2, 3], mask=[0, 1, 0]), rp.DataError, "y must not have masked values, got 1 of 3 masked"),
])
def test_what_is_no_target_is_refused(y, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}"):
        Targets.of(y)


def test_y_of_another_kind_than_was_found_is_refused():
    with pytest.raises(rp.DataError, match="target must hold the classes 1, 3, got 2"):
        Targets.of([1, 3]).encode([2], "target")
    with pytest.raises(rp.DataError, match="y must be a matrix of 0 and 1, with one 1 in each row"):
        Targets.of(np.eye(3)).encode(np.ones((2, 3)))
    with pytest.raises(rp.DataError, match=r"y must be a matrix of 0 and 1$"):
        Targets.of(MATRIX).encode(2 * MATRIX)
    with pytest.raises(rp.ShapeError, match=r"y must have shape \(N, 3\), got \(2, 2\)"):
        Targets.of(MATRIX).encode(np.eye(2))
    with pytest.raises(rp.ShapeError, match=r"y must have the same shape in all parts, got \(4, 3\) and \(2, 2\)"):
        Targets.of(MATRIX, np.eye(2))
