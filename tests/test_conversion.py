"""What becomes an array keeps its numbers: nothing is unmasked, invented or rounded to infinity on the way."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from kinds import matrix

import retroprop as rp
from retroprop.arguments import as_array, as_floating, as_numbers
from retroprop.errors import DataError, DtypeError, ShapeError

NUMBERS = np.array([[1.0, -999.0], [3.0, 4.0]])
MASKED = np.ma.masked_equal(NUMBERS, -999)
FILL = "; fill or leave them out"


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("can't convert a tensor\nthat requires grad")


@pytest.mark.parametrize(("x", "error", "text"), [
    (MASKED, DataError, "must not have masked values, got 1 of 4 masked" + FILL),
    ([MASKED[1], MASKED[0]], DataError, "x[1] must not have masked values, got 1 of 2 masked" + FILL),
    ([[1, 2], [3, np.ma.masked]], DataError, "x[1][1] must not have masked values, got 1 of 1 masked" + FILL),
    (scipy.sparse.eye_array(3).tocsr(), DtypeError, "must be a dense array, got a sparse csr_array; use its .toarray()"),
    (scipy.sparse.coo_matrix(np.eye(3)), DtypeError, "got a sparse coo_matrix; use its .toarray()"),
    ({1, 2}, DtypeError, "must be real numbers, got set"),
    (Unreadable(), DtypeError, "must be an array, got Unreadable, which NumPy cannot convert: can't convert a tensor that "),
    ([[1], [2, 3]], ShapeError, "must be an array, got rows of different lengths"),
    ([10**400], DtypeError, "must be real numbers, got object"),
], ids=lambda value: type(value).__name__)
def test_gaps_are_refused_with_their_count(x, error, text):
    with pytest.raises(error) as caught:
        as_numbers(x, "x", rp.Tanh())
    assert str(caught.value).startswith("Tanh(): x")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("x", "expected"), [
    (np.ma.array(NUMBERS), NUMBERS),
    (NUMBERS.astype(">f8"), NUMBERS),
    (matrix(NUMBERS, None), NUMBERS),
], ids=lambda value: type(value).__name__)
def test_what_has_no_gaps_is_an_array_of_its_numbers(x, expected):
    array = as_numbers(x, "x")
    assert type(array) is np.ndarray
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, expected, strict=True)


def test_a_plain_array_comes_back_itself():
    assert as_array(NUMBERS, "x") is NUMBERS
    assert as_floating(NUMBERS, None, "x") is NUMBERS
    assert as_floating(NUMBERS, NUMBERS.dtype, "x") is NUMBERS


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 31, 64, 1001])
@pytest.mark.parametrize("kind", ["contiguous", "strided", "big-endian"])
def test_a_finite_number_never_becomes_infinite(size, kind):
    """At each place: processors convert several numbers at a time, and the last ones one by one."""
    x = {"contiguous": np.ones(size), "strided": np.ones((size, 2))[:, 1], "big-endian": np.ones(size, ">f8")}[kind]
    for place in {0, size // 2, size - 1}:
        x[place] = -1e39
        with pytest.raises(DataError) as caught:
            as_floating(x, np.dtype("float32"), "x")
        assert str(caught.value) == ("x must fit float32, whose largest number is 3.4e+38, got 1 of "
                                     f"{size} numbers beyond it, up to -1e+39")
        x[place] = np.inf
        assert as_floating(x, np.dtype("float32"), "x")[place] == np.inf
        x[place] = 1e-60
        with np.errstate(all="raise"):                              # which says nothing about a number too small
            assert as_floating(x, np.dtype("float32"), "x")[place] == 0
        x[place] = np.finfo(np.float32).max


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="long double is double here")
def test_a_number_beyond_float64_is_refused():
    with pytest.raises(DataError, match=r"x must fit float64, whose largest number is 1.8e\+308, got 1 of 2 numbers"):
        as_floating(np.array(["1", "1e3000"]).astype(np.longdouble), None, "x")


def test_whatever_converts_sees_an_overflow():
    large, fit = np.full((2, 3), 1e39), "must fit float32, whose largest number is 3.4e+38, got 6 of 6 numbers beyond it"
    net, add, loss = rp.Linear(3, 3, rng=0), rp.Add(), rp.MSE()
    net.forward(np.ones((2, 3)))
    add.forward((np.ones((2, 3), "float32"), np.ones((2, 3), "float32")))
    for call, name in [
        (lambda: net.forward(large), "Linear(3, 3): x"), (lambda: net.backward(large), "Linear(3, 3): g"),
        (lambda: net.jvp(large), "Linear(3, 3): t"),
        (lambda: add.backward(large), "Add(): g"), (lambda: add.jvp((large, large)), "Add(): t[0]"),
        (lambda: loss.forward(np.ones((2, 3), "float32"), large), "MSE(): target"),
        (lambda: rp.Parameter(large, "p"), "Parameter 'p': data"),
        (lambda: setattr(rp.Parameter(np.ones((2, 3)), "p"), "data", large), "data"),
    ]:
        with pytest.raises(DataError) as caught:
            call()
        assert f"{name} {fit}" in str(caught.value)


def test_nothing_is_imported_to_know_a_masked_array():
    """NumPy imports its masked arrays when they are first used, and so do we."""
    code = ("import sys, numpy as np, retroprop as rp; rp.Tanh().forward([[1.0]]); rp.Tanh().forward(np.asmatrix([[1.0]]));"
            "print([name for name in ('numpy.ma', 'scipy.sparse', 'pandas') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
