"""Files of text: every usual way to write a table gives the same one; what cannot be read is told with its line."""

import csv
import gzip
import io
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retroprop.datasets.tables.cells import OF_NUMBERS
from retroprop.datasets.tables.table import Numbers
from retroprop.datasets.tables.text import read_csv
from retroprop.errors import FileFormatError

NAMES = ("length", "width", "species")
ROWS = [["5.1", "3", "setosa"], ["4.9", "12", "setosa"], ["-0.5", "-4", "other"], ["1e3", "+5", "setosa"]]


def table(path, content, name="table.csv"):
    (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path / name)


def written(delimiter, header=NAMES, rows=ROWS, end="\n", **how):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end, **how).writerows([*([header] if header else []), *rows])
    return out.getvalue()


def held(found):
    """The columns as lists, and whether those of numbers are written as integers."""
    return [(column.values.tolist(), column.whole) if isinstance(column, Numbers) else column.labels.tolist()
            for column in found.columns]


EXPECTED = [([5.1, 4.9, -0.5, 1000], False), ([3, 12, -4, 5], True), ["setosa", "setosa", "other", "setosa"]]


@pytest.mark.parametrize("content", [
    *(written(delimiter, quoting=quoting) for delimiter in ",;\t|" for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    written(" "), written(",", end="\r\n"), written(",", end="\r"), "\ufeff" + written(","), "# " + written(","),
    written(",").replace(",", ", "), written(",") + "\n\n,,\n", written(","). replace("5.1", "   5.1 "),
    written(" ").replace(" ", "   ").replace("5.1", "  5.1"), written(",").encode("utf-16"), "\n,,\n" + written(","),
    gzip.compress(written(",").encode(), mtime=0)], ids=repr)
def test_every_way_to_write_a_table_gives_the_same(tmp_path, content):
    found = table(tmp_path, content)
    assert held(found) == EXPECTED
    assert (found.names, found.header, found.target) == (NAMES, True, None)
    assert found.place(1) == f"line {5 if content[:2] == chr(10) + chr(44) else 3}"


@pytest.mark.parametrize("delimiter", ";\t| ")
def test_decimal_commas_are_decimal_points_where_commas_separate_nothing(tmp_path, delimiter):
    found = table(tmp_path, written(delimiter).replace(".", ","))
    assert held(found) == EXPECTED
    assert found.notes == ("Commas in numbers are decimal points.",)
    text = table(tmp_path, "a;b\n1,5;1,2,3\n2,5;2\n")
    assert held(text) == [([1.5, 2.5], False), ["1,2,3", "2"]]


@pytest.mark.parametrize(("content", "names"), [
    ("a,b\n1,2\n3,4\n", ("a", "b")),
    ("1,2\n3,4\n5,6\n", None),
    ("0,1,2\n3,4,5\n6,7,8\n", ("0", "1", "2")),                       # pandas' names of columns without names
    (",0,1\n0,4,5\n1,7,8\n", ("", "0", "1")),                         # with its index
    ("5.1,3.5,setosa\n4.9,3.0,setosa\n4,5,other\n", None),            # UCI's iris.data
    ("country,2001,2002\nNorway,1.5,2\nPeru,3,4\n", ("country", "2001", "2002")),
    ("name,kind\nann,x\nbob,y\n", ("name", "kind")),
    ("aardvark,1,0,0,4,1\nbass,0,1,1,0,4\nbear,1,0,0,4,1\n", None),     # UCI's zoo.data: the first row is an animal
    ("ann,23,180\nbob,31,175\n", None),
    ("ann,1987,5\nbob,1990,6\ncem,,7\n", None),                     # years above years
    ("country,1990\nNorway,1.5\nPeru,1995\n", ("country", "1990")),
    ("sample,0,1,2\nu,5,0,1\nv,7,8,9\n", ("sample", "0", "1", "2")),   # pandas' numbers beside the name of its index
    ("ann,ann,4\nbob,cem,5\n", None),                               # no two columns have one name
    ("x,y\nx,x\ny,x\n", None),                                        # the first row occurs again
    ('"a","b"\n"1",2.5,"u"\n"2",3.5,"v"\n', ("", "a", "b")),          # R's names of rows, which have no name
    ("a,a,,b\n1,2,3,4\n", ("a", "a (2)", "column 3", "b")),
    ("a,a,a (2),a,column 6,\n1,2,3,4,5,6\n", ("a", "a (3)", "a (2)", "a (4)", "column 6", "column 6 (2)")),
    ("a,b\n1,2,\n3,4,\n", ("a", "b", "column 3")),                   # lines end in a comma
    ("a,b,,\n1,2\n3,4\n", ("a", "b")),                               # the header does
    ("5,1;x\n4,9;y\n3;y\n", None),
    ("a;b\n4,9;y\n3;y\n", ("a", "b")),
    ("5.1,x\n4.9,y\n3,y\n", None),                                  # no column is called 5.1
])
def test_a_header_is_told_from_data(tmp_path, content, names):
    found = table(tmp_path, content)
    assert found.header == (names is not None)
    assert found.names == (names or tuple(str(k + 1) for k in range(len(found.columns))))
    if names is None:
        assert found.notes[-1] == f"The file has no header: its columns are 1 to {len(found.columns)}."
    elif "2001" in names or "1990" in names:
        assert found.notes == ("The first line was read as the names of the columns, although it holds numbers too.",)
    else:
        assert not any("line" in note for note in found.notes)


def test_files_that_come_with_scikit_learn_declare_rows_columns_and_classes(tmp_path):
    content = "4,2,malignant,benign\n17.99,10.38,0\n20.57,17.77,0\n11.42,20.38,1\n12.45,15.7,1\n"
    found = table(tmp_path, content)
    assert (found.names, found.target) == (("1", "2", "target"), "target")
    assert held(found)[2] == ["malignant", "malignant", "benign", "benign"]
    for wrong in (content.replace("4,2", "5,2"), content.replace("0.38,1", "0.38,2")):
        with pytest.raises(FileFormatError, match=r"must hold the . rows, with classes 0 to 1 at the end, that its first line"):
            table(tmp_path, wrong)


def test_gaps_are_missing_values_and_rows_of_gaps_alone_are_no_rows(tmp_path):
    found = table(tmp_path, "a,b,c\n1,u,0\n,,\n,,0\nNA,n/a,0\n?,NULL,0\nnan,NaN,0\n-,v,0\n5,<NA>,0\n")
    numbers, text, _ = found.columns
    assert numbers.missing.tolist() == [False, True, True, True, True, True, False]
    assert (numbers.values[[0, 6]].tolist(), numbers.whole) == ([1, 5], True)
    assert (text.missing.tolist(), text.texts) == ([False, True, True, True, True, False, True], ("u", "v"))
    assert [found.place(k) for k in (0, 1, 6)] == ["line 2", "line 4", "line 9"]


@pytest.mark.parametrize(("cells", "numeric"), [
    (["1_000", "2"], False), (["inf", "1"], True), (["١", "2"], True), (["0x1", "2"], False), (["1e5", "2"], True),
    (["007", "8"], True), (["1 000", "2"], False), (["-", "2"], True), (["true", "false"], False), (["1d5", "2"], False)])
def test_numbers_are_what_float_reads_without_underscores(tmp_path, cells, numeric):
    first, _ = table(tmp_path, "a,b\n" + "".join(f"{cell},1\n" for cell in cells)).columns
    assert isinstance(first, Numbers) == numeric


def test_text_far_below_numbers_makes_a_column_of_text_with_every_cell_as_it_was_written(tmp_path):
    cells = [f"{k:04}" for k in range(9000)] + ["x"]
    found = table(tmp_path, "a,b\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells)))
    assert found.columns[0].labels.tolist() == cells
    assert found.columns[1].values.tolist() == list(range(9001))
    assert found.place(9000) == "line 9002"


def test_lines_are_counted_through_cells_of_several_lines(tmp_path):
    found = table(tmp_path, 'a,b\n1,"u\nv"\n\n2,"w\r\nx"\n3,y\n')
    assert [found.place(k) for k in range(3)] == ["line 3", "line 6", "line 7"]


@pytest.mark.parametrize(("content", "text"), [
    (b"", "must hold a table, got no lines with text"),
    (b"\n \n", "must hold a table, got no lines with text"),
    (b"a,b\n", "must hold at least one row below the header, got none"),
    (b"12\n13\n", "must be a table of at least two columns, separated by commas, semicolons, tabs, bars or blanks, got '12'"),
    (b"a,b,c\n1,2,3\n4,5,6\n7,8\n", "must have 3 cells in each line, separated by commas, got 2 in line 4"),
    (b"a;b\n1;2\n4;5\n7;8;9\n", "must have 2 cells in each line, separated by semicolons, got 3 in line 4"),
    (b"a,b,c,d\n1,2\n3,4\n", "must have 2 names in its header, as many as cells below, got 4"),
    (b'a,b\n1,2\n3,"4\n5,6\n', "must be a table of text, got in line 4: unexpected end of data"),
    (b'a,b\n1,2\n3,"4"5\n', "must be a table of text, got in line 3: commas expected after '\"'"),
    (b'a\tb\n1\t2\n3\t"4"5\n', "must be a table of text, got in line 3: tabs expected after '\"'"),
    (b"a,b\n1," + b"2" * 140_000 + b"\n", "must be a table of text, got in line 2: field larger than field limit"),
    ("a,b\n1,é\n".encode("latin-1"), "must be text in UTF-8, got byte 0xe9; save it again as CSV in UTF-8"),
    ("a,b\n1,2\n".encode("utf-16")[:-1], "must be text in UTF-8, got byte 0x0a"),
    (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "must be complete gzip data, got: Compressed file ended before"),
])
def test_what_is_no_table_is_refused_with_its_line(tmp_path, content, text):
    with pytest.raises(FileFormatError, match=re.escape(f"{tmp_path / 'table.csv'} {text}")) as error:
        table(tmp_path, content)
    assert str(error.value).isprintable()


CELLS = st.one_of(st.integers(-10**6, 10**6).map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr),
                  st.text(st.characters(categories=["L", "P", "Z", "N"]), min_size=1, max_size=8))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(2, 4), st.integers(2, 6), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, data, width, height, delimiter):
    """Each column is one of numbers, each equal bit for bit, or one of text, each cell without blanks around it."""
    rows = [[data.draw(CELLS) for _ in range(width)] for _ in range(height)]
    header = [f"column-{k}" for k in range(width)]
    found = table(tmp_path_factory.mktemp("csv"), written(delimiter, header, rows, quoting=csv.QUOTE_ALL))
    for k, column in enumerate(found.columns):
        cells = [row[k].strip() for row in rows]
        if OF_NUMBERS & set(map(str.lower, cells)) or found.notes:
            continue
        if isinstance(column, Numbers):
            assert np.array_equal(column.values, [float(cell) for cell in cells])
        else:
            assert column.labels.tolist() == cells


def test_memory_is_that_of_the_numbers_not_of_their_texts(tmp_path):
    """Rows are converted some at a time: Python's own lists of cells would take thirty times the file."""
    rows = "".join(f"{k},{k / 8},{k % 7},{'uvw'[k % 3]}\n" for k in range(60_000))
    (tmp_path / "table.csv").write_text(f"a,b,c,d\n{rows}")
    tracemalloc.start()
    try:
        found = read_csv(tmp_path / "table.csv")
        assert tracemalloc.get_traced_memory()[1] < 7 * len(rows)
    finally:
        tracemalloc.stop()
    assert len(found) == 60_000
