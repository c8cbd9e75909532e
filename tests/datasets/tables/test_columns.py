"""Columns of tables as features, targets and groups: what each kind of column becomes, and where a wrong cell is."""

import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set

N = 40
COLUMNS = {
    "PassengerId": [str(100 + k) for k in range(N)], "alive": [str(k % 2) for k in range(N)],
    "class": [str(1 + k % 3) for k in range(N)], "name": [f"Mr. {k}" for k in range(N)],
    "sex": [("male", "female")[k % 3 > 0] for k in range(N)], "age": [f"{20 + k}.5" for k in range(N)],
    "port": [("S", "C", "Q")[k % 7 % 3] for k in range(N)], "ship": ["Titanic"] * N, "empty": [""] * N}


def csv_file(folder, file="table.csv", **changed):
    columns = COLUMNS | changed
    lines = [",".join(columns), *(",".join(cells) for cells in zip(*columns.values(), strict=True))]
    (folder / file).write_text("\n".join(lines))
    return folder / file


def changed(name, row, cell):
    return {name: [*COLUMNS[name][:row], cell, *COLUMNS[name][row + 1:]]}


def test_columns_of_every_kind_become_features_and_notes_say_what_did_not(tmp_path):
    found = data_set(csv_file(tmp_path), target="alive")
    assert found.features == ("class", "sex=male", "age", "port=C", "port=Q", "port=S")
    assert (found.x.dtype, found.y.dtype, found.target, found.name) == (np.float64, np.int64, "alive", "table.csv")
    assert found.y.tolist() == [k % 2 for k in range(N)]
    ports = np.array([k % 7 % 3 for k in range(N)])
    expected = [1 + np.arange(N) % 3, np.arange(N) % 3 == 0, 20.5 + np.arange(N), ports == 1, ports == 2, ports == 0]
    np.testing.assert_array_equal(found.x, np.column_stack(expected))
    assert found.notes == (
        "Column PassengerId was left out: it numbers the rows.",
        "Column name was left out: it holds 40 different texts, more than 20.",
        "Column sex was encoded: 1 where it holds male, 0 elsewhere.",
        "Column port was encoded: one column for each of C, Q, S.",
        "Column ship was left out: it holds one text only.",
        "Column empty was left out: it is empty.")


@pytest.mark.parametrize(("name", "left_out"), [
    ("", True), ("Unnamed: 0", True), ("id", True), ("ID", True), ("customer_id", True), ("PassengerId", True),
    ("userID", True), ("index", True), ("rownames", True), ("BID", False), ("SOLID", False), ("paid", False), ("acid", False),
    ("humid", False), ("time", False)])
def test_a_column_that_numbers_the_rows_is_known_by_its_name(tmp_path, name, left_out):
    (tmp_path / "table.csv").write_text(f"{name},b,y\n" + "".join(f"{k},{k}.5,{'uv'[k % 2]}\n" for k in range(9)))
    found = data_set(tmp_path / "table.csv")
    assert found.features == (("b",) if left_out else (name, "b"))
    (tmp_path / "table.csv").write_text(f"{name},b,y\n" + "".join(f"{k // 2},{k}.5,{'uv'[k % 2]}\n" for k in range(9)))
    assert len(data_set(tmp_path / "table.csv").features) == 2      # its numbers are not all different


@pytest.mark.parametrize(("cells", "kind", "notes"), [
    (["setosa", "virginica"] * 30, "binary", 0), (["0", "1", "2"] * 20, "classes", 0), (["-1", "1"] * 30, "binary", 0),
    (["0.0", "1.0", "2.0"] * 20, "values", 1), (["151.0", "75.0", "141.5"] * 20, "values", 0),
    ([str(k) for k in range(25, 85)], "values", 1), ([str(k) for k in range(20)] * 3, "classes", 0),
    ([str(k) for k in range(30)] * 25, "classes", 1), ([str(k) for k in range(30)] * 10, "values", 1),
    (["True", "False"] * 30, "binary", 0), ([str(2**60), "1" * 30] * 30, "binary", 0)])
def test_the_kind_of_a_target_follows_from_how_it_is_written(tmp_path, cells, kind, notes):
    """Text and few or often repeated integers are classes; decimal points and many integers are numbers."""
    (tmp_path / "table.csv").write_text("a,b,y\n" + "".join(f"{k}.5,{k % 7},{cell}\n" for k, cell in enumerate(cells)))
    found = data_set(tmp_path / "table.csv")
    assert (found.targets.kind, len(found.notes) + len(found.targets.notes)) == (kind, notes)


def test_a_target_is_found_by_its_name_or_number_or_the_error_lists_the_columns(tmp_path):
    (tmp_path / "a.csv").write_text("u,v,Label\n1,2,x\n3,4,y\n5,6,y\n")
    assert data_set(tmp_path / "a.csv").target == data_set(tmp_path / "a.csv", target="last").target == "Label"
    assert data_set(tmp_path / "a.csv", target="u").target == "u"
    (tmp_path / "b.csv").write_text("1,2,x\n3,4,y\n5,6,x\n")
    assert data_set(tmp_path / "b.csv", target=3).target == data_set(tmp_path / "b.csv", target="last").target == "3"
    (tmp_path / "c.csv").write_text("u,class,label\n1,2,x\n3,4,y\n5,6,y\n")
    for name, target, text in (
            ("a.csv", "lable", "target must be a column of {}, one of u, v, Label, got 'lable'; did you mean 'Label'?"),
            ("b.csv", None, "target must be the number of the column of {} that is to be predicted, since the table has no "
                            "header: 1 to 3, or 'last', got None"),
            ("b.csv", 4, "target must be a column of {}, one of 1, 2, 3, got 4"),
            ("c.csv", None, "target must be the column of {} that is to be predicted, one of u, class, label, got None")):
        with pytest.raises(rp.ArgumentError, match=f"^{re.escape(text.format(tmp_path / name))}$"):
            data_set(tmp_path / name, target=target)
    with pytest.raises(rp.ArgumentError, match=r"group must be a column of .*, one of u, v, Label, got 'w'"):
        data_set(tmp_path / "a.csv", group="w")


def test_several_targets_are_labels_or_values(tmp_path):
    (tmp_path / "a.csv").write_text("u,l1,l2,l3\n1,0,1,true\n3,1,1,false\n5,0,0,true\n")
    found = data_set(tmp_path / "a.csv", target="l1,l2,l3")
    assert (found.targets.kind, found.targets.names, found.target, found.features) == (
        "labels", ("l1", "l2", "l3"), "l1, l2, l3", ("u",))
    assert found.y.tolist() == [[0, 1, 1], [1, 1, 0], [0, 0, 1]]
    values = data_set(tmp_path / "a.csv", target=["u", "l1"])
    assert (values.targets.kind, values.targets.names, values.y.tolist()) == ("values", ("u", "l1"), [[1, 0], [3, 1], [5, 0]])
    (tmp_path / "b.csv").write_text("u,v,w\n1,0,a\n3,1,b\n")
    with pytest.raises(rp.DataError, match="must hold numbers in each of several targets, got text such as 'a' in column 'w'"):
        data_set(tmp_path / "b.csv", target="v,w")


def test_missing_values_are_refused_with_their_place_or_their_rows_are_left_out(tmp_path):
    holes = changed("age", 4, "NA") | changed("port", 7, "")
    path = csv_file(tmp_path, **holes)
    text = (f"{path} must hold a value in each cell, got none in line 6, column 'age' (2 of 40 rows lack one, in columns age, "
            "port); missing='drop' leaves such rows out")
    with pytest.raises(rp.DataError, match=f"^{re.escape(text)}$"):
        data_set(path, target="alive")
    found = data_set(path, target="alive", missing="drop", group="class")
    kept = [k for k in range(N) if k not in (4, 7)]
    assert found.x[:, found.features.index("age")].tolist() == [20.5 + k for k in kept]
    assert found.y.tolist() == [k % 2 for k in kept]
    assert found.groups.tolist() == [1 + k % 3 for k in kept]
    assert found.notes[-1] == "2 of 40 rows were left out: they lack a value in columns age, port."
    (x, y), _ = rp.datasets.load(path, target="alive", missing="drop")
    assert (len(x), len(y)) == (38, 38)
    for name in ("alive", "class"):                                 # of the target, and of the groups
        text = rf"got none in line 3, column '{name}' \(1 of 40 rows lack one, in column {name}\)"
        with pytest.raises(rp.DataError, match=text):
            data_set(csv_file(tmp_path, **changed(name, 1, "?")), target="alive", group="class")
    assert len(data_set(csv_file(tmp_path, **changed("name", 1, "")), target="alive").x) == N       # of what is left out
    with pytest.raises(rp.DataError, match="must have a row with a value in each cell, got none: values are missing"):
        data_set(csv_file(tmp_path, age=["", "1.5"] * 20, port=["a", "", "b", ""] * 10), target="alive", missing="drop")
    with pytest.raises(rp.ArgumentError, match="missing must be one of 'refuse', 'drop', got 'mean'"):
        data_set(path, target="alive", missing="mean")


@pytest.mark.parametrize(("cells", "target", "text"), [
    (changed("age", 4, "2o.5"), "alive", "must hold numbers in column 'age', got '2o.5' in line 6"),
    (changed("age", 4, "inf"), "alive", "must hold finite numbers, got inf in line 6, column 'age'"),
    (changed("age", 4, "2o.5"), "age", "must hold numbers in column 'age', got '2o.5' in line 6"),
    ({"age": [f'"{k},500"' for k in range(N)]}, "alive", "must hold numbers in column 'age', got '0,500' in line 2"),
    ({"age": [f"{k} %" for k in range(N)]}, "alive", "must hold numbers in column 'age', got '0 %' in line 2"),
    ({"age": [f"$ {k}" for k in range(N)]}, "age", "must hold numbers in column 'age', got '$ 0' in line 2"),
    ({}, "name", "must hold classes or numbers in column 'name', the target, got 40 different texts in 40 rows"),
])
def test_a_wrong_cell_is_told_with_its_line_and_column(tmp_path, cells, target, text):
    path = csv_file(tmp_path, **cells)
    with pytest.raises(rp.DataError, match=f"^{re.escape(f'{path} {text}')}$"):
        data_set(path, target=target)


@pytest.mark.parametrize(("cells", "wrong", "line"), [
    ([*"1234512"] + ["five"] + [*"12345"] * 4, "five", 9), ([*"123451234"] + ["n.a."] + [*"12345"] * 4, "n.a.", 11),
    ([f'"{k % 5},234"' for k in range(30)], "0,234", 2), ([f"${k % 5}" for k in range(30)], "$0", 2),
    ([*"0123"] * 6 + ["3+"], "3+", 26)])
def test_text_among_numbers_is_refused_however_few_different_cells_there_are(tmp_path, cells, wrong, line):
    (tmp_path / "a.csv").write_text("rating,b,y\n" + "".join(f"{cell},{k}.5,{'uv'[k % 2]}\n" for k, cell in enumerate(cells)))
    text = f"{tmp_path / 'a.csv'} must hold numbers in column 'rating', got {wrong!r} in line {line}"
    with pytest.raises(rp.DataError, match=f"^{re.escape(text)}$"):
        data_set(tmp_path / "a.csv")


@pytest.mark.parametrize("cells", [["20-29", "30-39", "40-49"], ["<5", "5-10", ">10"], ["1st", "2nd", "3rd"], ["A1", "2", "B"]])
def test_texts_with_digits_are_no_numbers(tmp_path, cells):
    (tmp_path / "a.csv").write_text("age,y\n" + "".join(f"{cells[k % 3]},{'uv'[k % 2]}\n" for k in range(12)))
    assert data_set(tmp_path / "a.csv").features == tuple(f"age={cell}" for cell in sorted(cells))


def test_integers_that_floats_do_not_hold_stay_different_labels_and_groups(tmp_path):
    large = [2**60 + k % 3 for k in range(12)]
    (tmp_path / "a.csv").write_text("a,user,y\n" + "".join(f"{k}.5,{one},{one}\n" for k, one in enumerate(large)))
    found = data_set(tmp_path / "a.csv", group="user")
    assert (found.y.tolist(), found.groups.tolist(), found.y.dtype) == (large, large, np.int64)
    assert found.targets.names == tuple(str(2**60 + k) for k in range(3))
    larger = [str(one) for one in (10**30, 10**30 + 1, 5)] * 4
    (tmp_path / "a.csv").write_text("a,y\n" + "".join(f"{k}.5,{one}\n" for k, one in enumerate(larger)))
    assert data_set(tmp_path / "a.csv").y.tolist() == larger
    (tmp_path / "a.csv").write_text("a,b,y\n" + f"1,{2**60},x\n2,,y\n" + "".join(f"{k},{k},x\n" for k in range(9000)))
    assert data_set(tmp_path / "a.csv", missing="drop", group="b").groups[[0, 1, -1]].tolist() == [2**60, 0, 8999]


def test_of_numbers_with_decimal_commas_the_cell_that_is_none_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("a;y\n" + "".join(f"{k},5;{k % 2}\n" for k in range(30)) + "o,5;1\n")
    with pytest.raises(rp.DataError, match=r"must hold numbers in column 'a', got 'o,5' in line 32"):
        data_set(tmp_path / "a.csv")


def test_a_table_needs_a_feature(tmp_path):
    (tmp_path / "a.csv").write_text("id,y\n1,a\n2,b\n")
    with pytest.raises(rp.DataError, match="must have a column of numbers, or of at most 20 texts, beside y, got id, y"):
        data_set(tmp_path / "a.csv")


def test_a_test_part_is_encoded_like_the_training_part(tmp_path):
    train = csv_file(tmp_path)
    test = csv_file(tmp_path, "test.csv", **{name: cells[:6] for name, cells in COLUMNS.items()} | {"port": ["S"] * 5 + ["X"]})
    found = data_set(train, target="alive", test=test)
    assert found.features[-4:] == ("port=C", "port=Q", "port=S", "port=X")
    assert found.test[0].shape == (6, 7)
    assert found.test[0][:, -4:].tolist() == [[0, 0, 1, 0]] * 5 + [[0, 0, 0, 1]]
    assert (found.x[:, -1] == 0).all()
    few = {name: cells[:6] for name, cells in COLUMNS.items()}
    with pytest.raises(rp.DataError, match=r"test\.csv must hold numbers in column 'age', got 'old' in line 2"):
        data_set(train, target="alive", test=csv_file(tmp_path, "test.csv", **few | {"age": ["old"] * 6}))
    (tmp_path / "test.csv").write_text("alive,age\n1,20.5\n")
    with pytest.raises(rp.DataError, match=r"test\.csv must have the columns of .*table\.csv, but lacks PassengerId, class"):
        data_set(train, target="alive", test=tmp_path / "test.csv")


def test_groups_are_a_column_that_is_no_feature(tmp_path):
    found = data_set(csv_file(tmp_path), target="alive", group="name")
    assert found.groups.tolist() == COLUMNS["name"]
    assert not any("name" in note for note in found.notes)
    assert data_set(csv_file(tmp_path), target="alive", group="PassengerId").groups.dtype == np.int64
    assert data_set(csv_file(tmp_path), target="alive", group=np.arange(N) % 4).groups.tolist() == [k % 4 for k in range(N)]
    with pytest.raises(rp.ShapeError, match=r"group must have as many examples as .*table\.csv, 40, got 39"):
        data_set(csv_file(tmp_path), target="alive", group=np.arange(N - 1))


def test_no_group_is_in_the_test_part_too(tmp_path):
    def part(file, groups):
        cells = [f"{k}.5,{group},{'uv'[k % 2]}" for k, group in enumerate(groups)]
        (tmp_path / file).write_text("\n".join(["a,w,y", *cells]))
        return tmp_path / file

    train = part("train.csv", ["w1", "w2", "w3"] * 4)
    text = (f"{tmp_path / 'test.csv'} must hold none of the groups of {train}, got 2 of its 3 in both, in column 'w': w1, w3")
    with pytest.raises(rp.DataError, match=f"^{re.escape(text)}$"):
        data_set(train, test=part("test.csv", ["w1", "w3", "w4"]), group="w")
    assert data_set(train, test=part("test.csv", ["w4", "w5"]), group="w").notes == ()
    (tmp_path / "bare.csv").write_text("a,y\n1,u\n2,v\n")
    note = "Whether the test part holds groups of the training part is not known: no groups are given for it."
    x, y = np.eye(12), ["u", "v"] * 6
    assert data_set(train, test=tmp_path / "bare.csv", group="w").notes == (note,)
    assert data_set((x, y), test=(x, y), group=np.arange(12) % 3).notes == (note,)


def test_names_in_messages_can_be_printed(tmp_path):
    (tmp_path / "a.csv").write_text('id,"k\0\nn"\n1,a\n2,b\n3,a\n')
    for how in ({"target": "last"}, {}, {"target": "last", "group": "x"}):
        with pytest.raises(rp.RetropropError) as error:
            data_set(tmp_path / "a.csv", **how)
        assert str(error.value).isprintable()
