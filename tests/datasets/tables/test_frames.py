"""Frames and series: the type of a column says what it holds."""

import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set

N = 60
K = np.arange(N)
X = {"a": K / 7, "b": np.sqrt(K)}


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    """Makes a frame, of either library, of X and further columns."""
    library = pytest.importorskip(request.param)
    return lambda **more: library.DataFrame(X | more)


@pytest.mark.parametrize("missing", [float("nan"), None])
def test_labels_in_a_list_beside_a_frame_may_not_be_missing(frame, missing):
    labels = ["a", "b", "c", missing] * 15
    with pytest.raises(rp.DataError, match="got none in row 3, column 'y'"):
        data_set((frame(), labels))
    found = data_set((frame(), labels), missing="drop")
    assert (found.targets.names, len(found.x)) == (("a", "b", "c"), 45)
    with pytest.raises(rp.DataError, match="got none in row 3, column 'group'"):
        data_set((frame(), ["u", "v"] * 30), group=labels)


def test_labels_in_a_list_beside_a_frame_are_all_numbers_or_all_text(frame):
    with pytest.raises(rp.DtypeError, match=r"^y must hold numbers or text, got int, str$"):
        data_set((frame(), ["a", 1, "b"] * 20))
    assert data_set((frame(), [0, 1, 2] * 20)).y.tolist() == [0, 1, 2] * 20
    assert data_set((frame(), [[0, 1], [1, 1], [0, 0]] * 20)).targets.kind == "labels"
    assert data_set((frame(), [0.5, 1, 2] * 20)).targets.kind == "values"


def test_digits_of_type_text_are_text(frame):
    """As notes advise for integers that are classes: ``frame.assign(y=frame.y.astype(str))``."""
    many = [str(k % 25) for k in range(N)]
    found = data_set(frame(y=many))
    assert (found.targets.kind, found.y.tolist()) == ("classes", many)
    assert data_set(frame(s=[str(k % 3) for k in range(N)], y=many)).features == ("a", "b", "s=0", "s=1", "s=2")
    wrong = ["five" if k == 7 else str(k % 5) for k in range(N)]
    for target in ("y", "s"):                                        # text among numbers, which a reader of files made text
        text = "data must hold numbers in column 's', got 'five' in row 7"
        with pytest.raises(rp.DataError, match=f"^{re.escape(text)}$"):
            data_set(frame(s=wrong, y=many), target=target)
    with pytest.raises(rp.DataError, match="test must hold numbers in column 's', got '0' in row 0"):
        data_set(frame(s=K % 3, y=many), test=frame(s=[str(k % 3) for k in range(N)], y=many))


@pytest.mark.parametrize("values", [K % 30, K % 30 / 2, [str(k % 30) for k in range(N)]])
def test_categories_are_classes_or_columns_of_0_and_1(values):
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(pandas.Categorical(values), name="g")
    frame = pandas.DataFrame(X)
    assert data_set((frame, series)).targets.kind == "classes"
    assert data_set((frame.to_numpy(), series)).targets.kind == "classes"
    assert data_set(frame.assign(g=series), target="g").targets.names == tuple(sorted({str(value) for value in series}))
    few = pandas.Categorical(K % 3 * 100)
    found = data_set(frame.assign(c=few, y=["u", "v"] * 30))
    assert found.features == ("a", "b", "c=0", "c=100", "c=200")
    assert found.x[:4, 2:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    mixed = pandas.Categorical(["five" if k == 7 else str(k % 5) for k in range(N)])    # which is meant, by its type
    assert len(data_set(frame.assign(c=mixed, y=["u", "v"] * 30)).features) == 8


@pytest.mark.parametrize("first", [2**60, 2**63, -2**60])
def test_integers_that_floats_do_not_hold_stay_different(frame, first):
    dtype = np.uint64 if first > 0 else np.int64
    large = np.array([first + 1, first + 2] * 30, dtype)
    names = tuple(sorted((str(first + 1), str(first + 2)), key=int))
    for found in (data_set(frame(y=large)), data_set((frame(), large)), data_set((frame(), large.tolist())),
                  data_set((np.column_stack(list(X.values())), large)), data_set(frame(w=large, y=[0, 1] * 30), group="w")):
        values = found.y if found.groups is None else found.groups
        assert list(map(str, values.tolist())) == list(map(str, large.tolist()))
        if found.groups is None:
            assert found.targets.names == names


def test_bytes_are_text():
    pandas = pytest.importorskip("pandas")
    y = np.array([b"no", b"yes"] * 30)
    assert data_set((np.column_stack(list(X.values())), y)).targets.names == ("no", "yes")
    for source in ((pandas.DataFrame(X), y), pandas.DataFrame(X | {"y": y.tolist()})):
        assert data_set(source).y.tolist() == ["no", "yes"] * 30


def test_y_beside_a_frame_is_known_by_its_place_whatever_its_name():
    pandas = pytest.importorskip("pandas")
    frame, y = pandas.DataFrame(X), K % 3
    found = data_set((frame, pandas.Series(y, name="kind")), test=(frame[:5], y[:5]))
    assert (found.target, found.features, found.test[1].tolist()) == ("kind", ("a", "b"), y[:5].tolist())
