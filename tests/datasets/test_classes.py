"""Classes: the labels that occur, numbered in order, as scikit-learn's LabelEncoder numbers them."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.classes import Classes


@pytest.mark.parametrize("labels", [
    [1, 2, 3, 1], [0, 255, 255], [0, 20_000_000], [-1, 1, -1], [True, False], ["b", "a", "b"], [2.5, 1.0, 2.5],
    np.array(["x", "yy"]), np.array([3, 1], ">i2"), np.array(["b", "a"], object), [b"u", b"v"],
    [2**63 + 5, 2**63 + 6]])
def test_classes_are_the_labels_that_occur(labels):
    distinct, indices = np.unique(labels, return_inverse=True)
    found = Classes.of(labels)
    np.testing.assert_array_equal(found.classes, distinct)
    np.testing.assert_array_equal(found.encode(labels), indices)
    np.testing.assert_array_equal(found.classes[found.encode(labels)], labels)
    assert found.encode(labels).dtype == np.int64
    assert found.names == tuple(label.decode() if isinstance(label, bytes) else str(label) for label in distinct.tolist())


def test_classes_are_those_of_all_parts_together():
    found = Classes.of([3, 1], [7, 1])
    assert found.names == ("1", "3", "7")
    assert found.encode([7, 3]).tolist() == [2, 1]


def test_labels_of_tables_are_encoded():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(["b", "a", "b"])
    for column in (series, series.astype("category"), series.astype("string"), pandas.Series([2, 1, 2]).astype("Int64")):
        assert Classes.of(column).encode(column).tolist() == [1, 0, 1]
    for column in (series.where(series != "a"), pandas.Series([2, None, 2], dtype="Int64"), series.where(
            series != "a").astype("category")):
        with pytest.raises(rp.DataError, match="y must hold a label for each example, got 1 missing of 3, first at 1"):
            Classes.of(column)


@pytest.mark.parametrize(("labels", "error", "text"), [
    ([3, 3, 3], rp.DataError, "y must hold at least two classes, got only 3"),
    ([], rp.DataError, r"y must not be empty, got shape \(0,\)"),
    (1, rp.ShapeError, "y must have an axis of examples"),
    (np.eye(2), rp.ShapeError, r"y must hold one label for each example, of shape \(N,\), got shape \(2, 2\)"),
    ([-1, 2**63 + 5], rp.DataError, f"must hold integers that all fit int64 or all fit uint64, or text, got -1 to {2**63 + 5}"),
    ([2**70, 2**70 + 1], rp.DataError, "must hold integers that all fit int64 or all fit uint64, or text"),
    ([1, "a"], rp.DtypeError, "y must hold labels that are all numbers or all text, got int, str"),
    ([1, 2j], rp.DtypeError, "all numbers or all text, got complex, int"),
    (["a", None, "b"], rp.DataError, "got 1 missing of 3, first at 1"),
    (["a", float("nan")], rp.DataError, "got 1 missing of 2, first at 1"),
    ([1.0, np.nan, np.nan], rp.DataError, "got 2 missing of 3, first at 1"),
    (np.ma.array([1, 2, -999], mask=[0, 0, 1]), rp.DataError, "y must not have masked values, got 1 of 3 masked"),
    (np.array(["NaT", "2026-01-01"], "M8[D]"), rp.DataError, "got 1 missing of 2, first at 0")])
def test_what_are_no_classes_is_refused(labels, error, text):
    with pytest.raises(error, match=text):
        Classes.of(labels)


def test_a_label_that_is_none_of_the_classes_is_refused():
    with pytest.raises(rp.DataError, match="target must hold the classes 1, 3, got 2"):
        Classes.of([3, 1]).encode([1, 2], "target")
    with pytest.raises(rp.DataError, match="must hold the classes 1, 3, got 'a'"):
        Classes.of([3, 1]).encode(["a"])
    with pytest.raises(rp.DataError, match=r"19, \.\.\. \(50 in all\), got 99"):
        Classes.of(range(50)).encode([99])
    with pytest.raises(rp.DtypeError, match="got int, str"):
        Classes.of([1, 2], ["a", "b"])
