"""Frames and series of pandas and polars are arrays if no value is missing, and are refused with the count if some are."""

import numpy as np
import pytest

from retroprop.arguments import as_numbers
from retroprop.errors import DataError, DtypeError

pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
NUMBERS = np.array([[1.0, -999.0], [3.0, 4.0]])
FILL = "; fill or leave them out"


def nullable(*columns):
    return pd.DataFrame({f"c{k}": pd.array(values, dtype) for k, (values, dtype) in enumerate(columns)})


@pytest.mark.parametrize(("x", "error", "text"), [
    (pd.Series([1, None, None], dtype="Int64"), DataError, "must not have missing values, got 2 missing in a Series" + FILL),
    (pd.Series([1.0, None]), DataError, "must not have missing values, got 1 missing in a Series" + FILL),
    (nullable(([1, None], "Int64"), ([None, None], "Float32")), DataError, "got 3 missing in a DataFrame" + FILL),
    (pd.array([True, None], "boolean"), DataError, "got 1 missing in a BooleanArray" + FILL),
    ([pd.Series([1, 2]), pd.Series([1, None], dtype="Int8")], DataError, "x[1] must not have missing values, got 1 missing in"),
    (pl.Series([True, None]), DataError, "got 1 missing in a Series" + FILL),
    (pl.DataFrame({"a": [1, None], "b": [1.0, None]}), DataError, "got 2 missing in a DataFrame" + FILL),
    (pl.LazyFrame({"a": [1]}), DtypeError, "must be real numbers, got LazyFrame"),
    (pd.Series(["1", "2"]), DtypeError, "must be real numbers, got object"),
    (nullable(([1, 2], "Int64"), (["1", "2"], "string")), DtypeError, "must be real numbers, got object"),
], ids=lambda value: type(value).__name__)
def test_missing_values_are_counted(x, error, text):
    with pytest.raises(error) as caught:
        as_numbers(x, "x")
    assert str(caught.value).startswith("x")
    assert text in str(caught.value)


@pytest.mark.parametrize(("x", "expected"), [
    (pd.DataFrame(NUMBERS), NUMBERS),
    (pl.DataFrame(NUMBERS), NUMBERS),
    (pd.Series([1, 2], dtype="Int64"), np.array([1, 2])),
    (nullable(([1, 2], "Int64"), ([3, 4], "Int64")), np.array([[1, 3], [2, 4]])),
    (nullable(([1, 2], "Int64"), ([0.5, 4], "Float64")), np.array([[1, 0.5], [2, 4]])),
    (nullable(([True, False], "boolean"), ([0.5, 4], "Float32")), np.array([[1, 0.5], [0, 4]], "float32")),
    (pd.Series(pd.Categorical([2, 3])), np.array([2, 3])),
], ids=lambda value: type(value).__name__)
def test_a_complete_frame_is_an_array_of_its_numbers(x, expected):
    array = as_numbers(x, "x")
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, expected, strict=True)
