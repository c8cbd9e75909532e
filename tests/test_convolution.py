"""The tiles of a Conv2d: a way to work that stays small, whatever the pictures, and that changes no result."""

from itertools import pairwise

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose
from steps import step

import retroprop as rp
from retroprop.modules import convolution

MEGABYTES = 1000 * 1000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "filters", "kernel"), [
    ((1, 1, 3, 3), 1, 3), ((32, 1, 28, 28), 16, 3), ((32, 16, 14, 14), 32, 3), ((1, 3, 700, 500), 16, 7),
    ((2, 64, 90, 120), 64, 3), ((500, 16, 9, 9), 32, 5),
    ((20_000, 1, 3, 3), 2, 3), ((3, 512, 14, 14), 512, 3), ((3, 300, 12, 12), 8, 11)])
def test_columns_stay_under_two_megabytes(shape, filters, kernel, dtype):
    conv = rp.Conv2d(shape[1], filters, kernel, padding=1, dtype=dtype, rng=0)
    tiles = conv.prepare(shape, np.dtype(dtype)).tiles
    assert len({id(tile.product.base) for tile in tiles}) == 1      # one room serves all tiles
    assert tiles[0].product.base.nbytes < 2 * MEGABYTES
    ends = [0, *(tile.numbers.stop for tile in tiles)]
    assert [tile.numbers.start for tile in tiles] == ends[:-1]
    assert all(tile.product.shape[1] == end - start for tile, (start, end) in zip(tiles, pairwise(ends), strict=True))
    assert ends[-1] == shape[0] * np.prod(conv.output_shape(shape)[2:])


@pytest.mark.parametrize("places", [1, 2, 5, 7, 14, 35, 70])
@pytest.mark.parametrize("options", [{"padding": 1}, {"stride": 2, "padding": (2, 1)}, {"dilation": (2, 1), "bias": False}],
                         ids=str)
def test_tiles_of_any_size_give_the_same(places, options, monkeypatch):
    """Of a part of the examples, of some pixels of a row, of whole rows."""
    conv = rp.Conv2d(2, 3, 3, **options, dtype="float64", rng=0)
    x = numbers(5, 2, 11, 9)
    g = numbers(*conv.output_shape(x.shape), seed=1)
    expected = step(conv, x, g)
    assert len(conv.scratch.tiles) == 1
    monkeypatch.setattr(convolution, "TILE", places * (len(conv.scratch.matrix) + 3) * x.itemsize)
    monkeypatch.setattr(convolution, "LEAST", 1)
    conv.forget()
    found = step(conv, x, g)
    assert len(conv.scratch.tiles) > 1
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)
