"""Data of any origin become one form: arrays, frames, dicts and files of other libraries, with names, groups and test parts."""

import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set

R = np.random.default_rng(4)
X, Y = R.random((12, 3)), np.arange(12) % 3


def outcome(found):
    return found.x.tolist(), found.y.tolist(), found.features, found.target, found.targets.kind


@pytest.mark.parametrize("y", [Y, Y.tolist(), Y.astype("u1"), np.array(list("abc"))[Y], Y - 1, Y[:, None]])
def test_arrays_and_lists_with_labels_of_any_kind(y):
    found = data_set((X.tolist(), y))
    assert (found.x.dtype, found.x.shape, found.name, found.test, found.notes) == (np.float64, (12, 3), "arrays", None, ())
    assert found.targets.encode(found.y).tolist() == Y.tolist()


def test_the_test_part_comes_beside_the_data_in_each_of_three_ways():
    """As Keras' load_data and this library's split and load return it, or as an argument."""
    held_out = X[:5], Y[:5]
    for found in (data_set((X, Y), test=held_out), data_set(((X, Y), held_out)), data_set(((X, Y), None), test=held_out)):
        assert [a.tolist() for a in found.test] == [a.tolist() for a in held_out]
    assert data_set(rp.datasets.load("moons")).x.shape == (500, 2)
    assert data_set(rp.datasets.split(X, Y, 4, rng=0)).test[0].shape == (4, 3)
    with pytest.raises(rp.ArgumentError, match="test must be None if data has a test part, got both"):
        data_set(((X, Y), held_out), test=held_out)
    with pytest.raises(rp.ShapeError, match=r"test: x must have shape \(examples, 3\), got \(5, 2\)"):
        data_set((X, Y), test=(X[:5, :2], Y[:5]))
    with pytest.raises(rp.DataError, match="test: x must be finite, got 15 NaN or infinite of 15 values"):
        data_set((X, Y), test=(X[:5] * np.inf, Y[:5]))
    with pytest.raises(rp.DataError, match="test: y must hold a label for each example, got 1 missing of 5, first at 0"):
        data_set((X, Y), test=(X[:5], [None, *Y[:4]]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_the_names_of_their_columns(library):
    frames = pytest.importorskip(library)
    whole = {"u": X[:, 0], "v": X[:, 1], "kind": ["b", "a", "c"] * 4, "flag": [True, False] * 6, "n": np.arange(12)}
    frame = frames.DataFrame(whole)
    found = data_set(frame, target="kind")
    assert (found.features, found.target, found.name) == (("u", "v", "flag", "n"), "kind", "arrays")
    np.testing.assert_array_equal(found.x, np.column_stack([X[:, :2], [1, 0] * 6, np.arange(12)]))
    assert found.y.tolist() == ["b", "a", "c"] * 4
    apart = frame.drop(columns="kind") if library == "pandas" else frame.drop("kind")
    assert outcome(data_set((apart, frame["kind"]))) == outcome(found)
    assert data_set((apart, Y)).target == "y"
    tested = data_set(frame, target="kind", test=frame[:4])
    assert [a.tolist() for a in tested.test] == [found.x[:4].tolist(), found.y[:4].tolist()]
    assert data_set(frame, target="kind", group="n").groups.tolist() == list(range(12))
    assert data_set(frame, target=["u", "v"]).y.shape == (12, 2)
    text = "target must be the column of data that is to be predicted, one of u, v, kind, flag, n, got None"
    with pytest.raises(rp.ArgumentError, match=text):
        data_set(frame)
    assert data_set(frame, target="n").targets.kind == "classes"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_gaps_of_frames_are_told_with_row_and_column(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"a": [1.5, None, 3, 4], "b": ["u", "v", None, "u"], "y": [0, 1, 0, 1]})
    text = ("data must hold a value in each cell, got none in row 1, column 'a' (2 of 4 rows lack one, in columns a, b); "
            "missing='drop' leaves such rows out")
    with pytest.raises(rp.DataError, match=f"^{re.escape(text)}$"):
        data_set(frame)
    assert data_set(frame, missing="drop").x.tolist() == [[1.5, 0], [4, 0]] or len(data_set(frame, missing="drop").x) == 2


def test_columns_of_pandas_own_types():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "a": pandas.array([1, 2, 3, 4], "Int64"), "b": pandas.Categorical(["x", "y", "x", "z"]),
        "c": pandas.array([True, False, True, True], "boolean"), "d": pandas.array([1.5, 2, 3, 4], "Float64"),
        "y": pandas.array(["p", "q", "p", "q"], "string")})
    found = data_set(frame)
    assert found.features == ("a", "b=x", "b=y", "b=z", "c", "d")
    assert found.x.tolist() == [[1, 1, 0, 0, 1, 1.5], [2, 0, 1, 0, 0, 2], [3, 1, 0, 0, 1, 3], [4, 0, 0, 1, 1, 4]]
    assert found.y.tolist() == ["p", "q", "p", "q"]
    for unit in ("s", "ns"):
        frame["when"] = pandas.to_datetime(["2026-01-01"] * 4).as_unit(unit)
        with pytest.raises(rp.DtypeError, match=rf"data\['when'\] must hold numbers or text, got datetime64\[{unit}\]"):
            data_set(frame)


@pytest.mark.parametrize(("names", "target"), [
    (("x", "y", "x_test", "y_test"), "y"), (("x_train", "y_train", "x_test", "y_test"), "y_train"),
    (("X_train", "Y_train", "X_test", "Y_test"), "Y_train"), (("data", "target", "data_test", "target_test"), "target"),
    (("train_images", "train_labels", "test_images", "test_labels"), "train_labels"),
    (("X", "y", "X_test", "y_test"), "y"), (("images", "labels", "images_test", "labels_test"), "labels"),
    (("arr_0", "arr_1", "arr_2", "arr_3"), "arr_1")])
def test_npz_files_and_dicts_with_the_names_of_other_libraries(tmp_path, names, target):
    values = dict(zip(names, (X, Y, X[:5], Y[:5]), strict=True))
    np.savez(tmp_path / "all.npz", **values, other=Y)
    for found in (data_set(tmp_path / "all.npz"), data_set(values)):
        assert [a.tolist() for a in (found.x, found.y, *found.test)] == [a.tolist() for a in values.values()]
        assert found.target == target
    np.savez(tmp_path / "some.npz", **{name: values[name] for name in names[:2]})
    assert data_set(tmp_path / "some.npz").test is None
    (x, y), (x_test, y_test) = rp.datasets.load(tmp_path / "all.npz")
    assert [len(a) for a in (x, y, x_test, y_test)] == [12, 12, 5, 5]


def test_arrays_of_npz_files_can_be_named(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, species=Y, writer=Y // 2)
    found = data_set(tmp_path / "a.npz", target="species", group="writer")
    assert (found.target, found.groups.tolist()) == ("species", (Y // 2).tolist())
    for how, text in (
            ({"target": "spezies"}, "must hold the array that target names, one of x, species, writer, got 'spezies'; did you "
                                    "mean 'species'?"),
            ({"target": "species", "group": "w"}, "must hold the array that group names, one of x, species, writer"),
            ({}, "must hold arrays x and y, x_train and y_train, data and target, or images and labels, got x, species")):
        with pytest.raises(rp.FileFormatError, match=re.escape(text)):
            data_set(tmp_path / "a.npz", **how)


def test_names_of_features_and_classes_are_kept(tmp_path):
    values = {"data": X, "target": Y, "feature_names": ["u", "v", "w"], "target_names": np.array(["a", "b", "c"])}
    np.savez(tmp_path / "bunch.npz", **values)
    for found in (data_set(values), data_set(tmp_path / "bunch.npz")):
        assert (found.features, found.targets.names) == (("u", "v", "w"), ("a", "b", "c"))
        assert found.y.tolist() == np.array(["a", "b", "c"])[Y].tolist()


def test_a_test_part_has_no_test_part_of_its_own(tmp_path):
    np.savez(tmp_path / "both.npz", x=X, y=Y, x_test=X, y_test=Y)
    with pytest.raises(rp.ArgumentError, match=r"test must be one part, x and y, got both\.npz, which has a test part"):
        data_set((X, Y), test=tmp_path / "both.npz")


def test_groups_of_arrays_and_of_the_digits():
    assert data_set((X, Y), group=["a", "b"] * 6).groups.tolist() == ["a", "b"] * 6
    assert np.array_equal(data_set("digits", group="form").groups, rp.datasets.digits(groups=True)[2])
    with pytest.raises(rp.ArgumentError, match=r"group must be 'form' of the digits, a column of a table, .*, got 'writer'"):
        data_set("digits", group="writer")
    with pytest.raises(rp.ShapeError, match="group must have one entry for each of the 12 examples, got 11"):
        data_set((X, Y), group=Y[1:])


@pytest.mark.parametrize(("source", "error", "text"), [
    (X, rp.ArgumentError, "data must be a name, a path, arrays (x, y), a dict of arrays or a frame, got ndarray alone"),
    (3, rp.ArgumentError, "data must be a name, a path, arrays (x, y), a dict of arrays or a frame, got int"),
    ("digit", rp.ArgumentError, "data must be one of digits, moons, circles, spirals, xor, blobs, sine, shapeset, "
                                "easy-shapeset, a folder in MNIST format, a folder of images with a folder for each class, a "
                                "CSV file or an .npz file, got 'digit'"),
    ((X, Y[1:]), rp.ShapeError, "y must have as many examples as x, 12, got 11"),
    ((X[:, 0], Y), rp.ShapeError, "x must have shape (examples, features, ...), got (12,)"),
    ((np.where(X > 0.9, np.nan, X), Y), rp.DataError, "x must be finite, got "),
    ({"u": X, "v": Y}, rp.FileFormatError, "data must hold arrays x and y, x_train and y_train, data and target, or images and "
                                           "labels, got u, v")])
def test_what_is_no_data_set_is_refused(source, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}"):
        data_set(source)


def test_frames_that_are_not_computed_yet_are_refused_without_a_warning():
    polars = pytest.importorskip("polars")
    with pytest.raises(rp.ArgumentError, match="or a frame, got LazyFrame"):
        data_set(polars.LazyFrame({"a": [1, 2], "y": [0, 1]}))


def test_files_of_other_programs_are_refused_by_their_name(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\3\4")
    with pytest.raises(rp.FileFormatError, match=r"a\.xlsx must be a CSV file, an \.npz file or a folder, got \.xlsx; save"):
        data_set(tmp_path / "a.xlsx")
    for name in ("none.csv", "none.npz"):
        with pytest.raises(FileNotFoundError, match=name):
            data_set(tmp_path / name)
    with pytest.raises(rp.ArgumentError, match="target must be None for data without named columns or arrays, got 'y'"):
        data_set((X, Y), target="y")


@pytest.mark.parametrize(("name", "shape", "kind", "names"), [
    ("iris", (150, 4), "classes", 3), ("wine", (178, 13), "classes", 3), ("breast_cancer", (569, 30), "binary", 2),
    ("diabetes", (442, 10), "values", 1)])
def test_the_tables_of_scikit_learn_as_users_have_them(tmp_path, name, shape, kind, names):
    """Written from a frame, with or without index and names of classes; as a Bunch; and as the files that come with it."""
    sklearn = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("pandas")
    bunch = getattr(sklearn, f"load_{name}")(as_frame=True)
    path, frame = tmp_path / f"{name}.csv", bunch.frame
    for index in (False, True):
        frame.to_csv(path, index=index)
        for target in ("target", None):
            found = data_set(path, target=target)
            assert (found.x.shape, found.targets.kind, len(found.targets.names)) == (shape, kind, names)
            np.testing.assert_array_equal(found.x, bunch.data.to_numpy())
            np.testing.assert_array_equal(found.y, bunch.target.to_numpy())
            assert rp.datasets.scales_differ(found.x)
            assert found.features == tuple(bunch.feature_names)
    assert outcome(data_set(frame))[:2] == outcome(found)[:2]
    assert data_set(bunch).targets.kind == kind
    if kind != "values":
        frame.assign(target=[str(bunch.target_names[k]) for k in bunch.target]).to_csv(path, index=False)
        named = data_set(path)
        assert named.targets.names == tuple(sorted(bunch.target_names))
        raw = data_set(f"{sklearn.__path__[0]}/data/{'wine_data' if name == 'wine' else name}.csv", target="target")
        np.testing.assert_array_equal(raw.x, named.x)
        np.testing.assert_array_equal(raw.y, named.y)
