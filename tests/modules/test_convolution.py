"""Convolution and pooling: comparison with explicit sums, the memory layout of images in a network, and the tiles."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from steps import step

import retroprop as rp
from retroprop.inspection.contract.cases import numbers
from retroprop.modules import convolution
from retroprop.modules.convolution import tile_size
from retroprop.modules.core.arrays import by_channel

MEGABYTES = 1000 * 1000


def one_by_one(layer, x):
    """Return y, each number computed by the formula of the docstring."""
    (sh, sw), (ph, pw), (dh, dw) = ((n, n) if isinstance(n, int) else n for n in (layer.stride, layer.padding, layer.dilation))
    y = np.zeros(layer.output_shape(x.shape))
    for n, f, i, j in np.ndindex(*y.shape):
        y[n, f, i, j] = 0 if layer.bias is None else layer.bias.data[f]
        for c, u, v in np.ndindex(*layer.weight.shape[1:]):
            row, column = sh * i + dh * u - ph, sw * j + dw * v - pw
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                y[n, f, i, j] += layer.weight.data[f, c, u, v] * x[n, c, row, column]
    return y


LAYERS = [
    lambda dtype: rp.Conv2d(2, 3, 2, rng=0, bias_init=rp.Normal(1), dtype=dtype),
    lambda dtype: rp.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), bias=False, rng=0, dtype=dtype),
    lambda dtype: rp.Conv2d(2, 1, 1, stride=3, padding=1, rng=0, bias_init=rp.Normal(1), dtype=dtype),
    lambda dtype: rp.Conv2d(2, 2, (1, 5), padding=(0, 4), dilation=2, rng=0, bias_init=rp.Normal(1), dtype=dtype)]


@pytest.mark.parametrize("build", LAYERS)
def test_convolution_is_the_sum_in_its_docstring(build):
    layer, x = build("float64"), numbers(2, 2, 5, 7)
    assert_allclose(layer.forward(x), one_by_one(layer, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "filters", "kernel"), [
    ((1, 1, 3, 3), 1, 3), ((32, 1, 28, 28), 16, 3), ((32, 16, 14, 14), 32, 3), ((1, 3, 700, 500), 16, 7),
    ((2, 64, 90, 120), 64, 3), ((500, 16, 9, 9), 32, 5),
    ((20_000, 1, 3, 3), 2, 3), ((3, 512, 14, 14), 512, 3), ((3, 300, 12, 12), 8, 11)])
def test_columns_stay_under_two_megabytes(shape, filters, kernel, dtype):
    conv = rp.Conv2d(shape[1], filters, kernel, padding=1, dtype=dtype, rng=0)
    tiles = conv.prepare(shape, np.dtype(dtype)).tiles
    buffers = {tile.product.ctypes.data: tile.product.nbytes for tile in reversed(tiles)}     # the first tiles are the largest
    assert len(buffers) == conv.prepare(shape, np.dtype(dtype)).workers <= 4    # each worker uses one buffer for all its tiles
    assert max(buffers.values()) < 2 * MEGABYTES
    ends = [0, *(tile.numbers.stop for tile in tiles)]
    assert [tile.numbers.start for tile in tiles] == ends[:-1]
    assert all(tile.product.shape[1] == end - start for tile, (start, end) in zip(tiles, pairwise(ends), strict=True))
    assert ends[-1] == shape[0] * np.prod(conv.output_shape(shape)[2:])


@pytest.mark.parametrize("places", [1, 2, 5, 7, 14, 35, 70])
@pytest.mark.parametrize("options", [{"padding": 1}, {"stride": 2, "padding": (2, 1)}, {"dilation": (2, 1), "bias": False}],
                         ids=str)
def test_tiles_of_any_size_give_the_same(places, options, monkeypatch):
    """Tiles of a part of the examples, of some pixels of a row, and of whole rows."""
    conv = rp.Conv2d(2, 3, 3, **options, dtype="float64", rng=0)
    x = numbers(5, 2, 11, 9)
    g = numbers(*conv.output_shape(x.shape), seed=1)
    expected = step(conv, x, g)
    assert len(conv.scratch.tiles) == 1
    monkeypatch.setattr(convolution, "TILE", places * (len(conv.scratch.matrix) + 3) * x.itemsize)
    monkeypatch.setattr(convolution, "LEAST", 1)
    conv.clear_evaluation()
    found = step(conv, x, g)
    assert len(conv.scratch.tiles) > 1
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_tiles_are_cut_along_rows_then_columns_then_examples():
    most = convolution.TILE // 4 // 100                             # places, of 90 numbers and 10 outputs in float32 each
    assert most == 983
    assert tile_size(90, 10, (8, 10, 12), 4) == (8, 10, 12)
    assert tile_size(90, 10, (28, 28, 32), 4) == (1, 28, 32)
    assert tile_size(90, 10, (28, 28, 16), 4) == (2, 28, 16)
    assert tile_size(90, 10, (28, 28, 100), 4) == (1, 7, 100)       # 28 in four equal parts, not in three of 9 and one of 1
    assert tile_size(90, 10, (28, 28, 2000), 4) == (1, 1, 667)


def test_convolution_is_one_linear_at_every_place():
    """A 1 by 1 convolution is a Linear on the channels, with the same gradients."""
    linear, conv = rp.Linear(3, 4, rng=0, dtype="float64"), rp.Conv2d(3, 4, 1, dtype="float64")
    conv.weight.data = linear.weight.data[:, :, None, None]
    x, g = numbers(5, 3, 2, 6), numbers(5, 4, 2, 6, seed=3)
    for module, axes in ((linear, (0, 2, 3, 1)), (conv, (0, 1, 2, 3))):
        module.forward(x.transpose(axes))
        module.backward(g.transpose(axes))
        module.update()
    assert_allclose(conv.weight.grad[:, :, 0, 0], linear.weight.grad, rtol=1e-12)
    assert_allclose(conv.bias.grad, linear.bias.grad, rtol=1e-12)


def net():
    return rp.Sequential(rp.Conv2d(1, 4, 3, padding=1, rng=1), rp.BatchNorm(4), rp.ReLU(), rp.MaxPool2d(2),
                         rp.Dropout(0.5, rng=2), rp.Conv2d(4, 3, 2, rng=3), rp.Tanh(), rp.AvgPool2d(2, 1), rp.Flatten(),
                         rp.Linear(3, 2, rng=4))


def test_images_lie_batch_last_between_modules_without_copies():
    """Images lie batch last from the first Conv2d on, and their gradients too, except the arrays of the caller."""
    model = net()
    y = model.forward(numbers(5, 1, 6, 6))
    plan = model.scratch
    gx = model.backward(np.ones_like(y))
    images = [a for _, a in plan.forwards if a.ndim == 4] + [a for _, _, a in plan.backwards if a.ndim == 4]
    assert len(images) == 16
    assert all(by_channel(a) is not None for a in images)
    assert y.flags.c_contiguous
    assert gx.flags.c_contiguous


def test_without_a_convolution_arrays_stay_c_contiguous():
    """Layers of the last axis, for inputs of four axes, without a convolution before them."""
    model = rp.Sequential(rp.Linear(3, 4, rng=1), rp.ReLU(), rp.LayerNorm(4), rp.Tanh(), rp.Linear(4, 2, rng=2))
    model.forward(numbers(5, 2, 6, 3))
    assert all(a.flags.c_contiguous for _, a in model.scratch.forwards)
    assert all(a.flags.c_contiguous for _, _, a in model.scratch.backwards)


def test_the_layout_of_the_input_changes_nothing():
    x = numbers(5, 1, 6, 6).astype("float32")
    last = x.transpose(1, 2, 3, 0).copy().transpose(3, 0, 1, 2)
    assert not np.array_equal(x.strides, last.strides)
    for a, b in zip(*([model.forward(some), model.backward(np.ones((5, 2)))] for model, some in ((net(), x), (net(), last))),
                    strict=True):
        assert_array_equal(a, b)


def drawn_module(rng, shape):
    """Return a random module that takes an input of this shape: images, or what earlier modules made of them."""
    seed, size, step, pad = (int(rng.integers(*limits)) for limits in ((0, 999), (1, 4), (1, 3), (0, 2)))
    candidates = [
        lambda: rp.Conv2d(shape[1], 3, (size, 3), step, pad, rng=seed, dtype="float64"),
        lambda: rp.MaxPool2d(size + 1, step, pad), lambda: rp.AvgPool2d(size + 1, step, pad),
        lambda: rp.AvgPool2d(3, 1, 1), lambda: rp.MaxPool2d(3, 1, 1),
        lambda: rp.Upsample2d((1, size)), lambda: rp.BatchNorm(shape[1], dtype="float64"), rp.ReLU, rp.GELU, rp.Tanh,
        lambda: rp.LayerNorm(shape[-1], dtype="float64"), lambda: rp.Linear(shape[-1], 4, rng=seed, dtype="float64"),
        rp.Softmax, rp.Softsign, lambda: rp.Function(np.sin, np.cos), rp.Flatten, rp.GlobalAvgPool2d,
        lambda: rp.Reshape(shape[2], shape[1], shape[3])]
    while True:
        try:
            module = candidates[rng.integers(len(candidates))]()
            if 1 < np.prod(module.output_shape(shape)[1:]) < 2000:
                return module
        except (rp.RetropropError, IndexError):
            pass


@pytest.mark.parametrize("seed", range(60))
def test_a_random_net_of_images_computes_what_its_modules_compute_one_by_one(seed):
    """Outputs, input gradients and parameter gradients do not depend on memory layouts and shared buffers."""
    rng = np.random.default_rng(seed)
    x, modules, shape = rng.standard_normal((3, 2, 6, 5)), [], (3, 2, 6, 5)
    for _ in range(rng.integers(2, 7)):
        modules.append(drawn_module(rng, shape))
        shape = modules[-1].output_shape(shape)
    alone, y, g = deepcopy(modules), x, rng.standard_normal(shape)
    model = rp.Sequential(rp.Sequential(*modules) if seed % 3 == 0 else modules[0], *([] if seed % 3 == 0 else modules[1:]))
    for module in alone:
        y = module.forward(y)
    assert_allclose(model.forward(x), y, rtol=1e-9, atol=1e-11)
    gx = model.backward(g)
    model.update()
    for module in alone[::-1]:
        g = module.backward(g)
        module.update()
    assert_allclose(gx, g, rtol=1e-9, atol=1e-11)
    for found, expected in zip(model.parameters(), [p for module in alone for p in module.parameters()], strict=True):
        assert_allclose(found.grad, expected.grad, rtol=1e-9, atol=1e-11)


def test_the_mean_of_a_large_image_is_as_exact_batch_last():
    x = (100 + numbers(1, 2, 400, 400)).astype("float32")
    last = np.concatenate([x, x]).transpose(1, 2, 3, 0).copy().transpose(3, 0, 1, 2)
    assert_allclose(rp.GlobalAvgPool2d().forward(last)[:1], x.mean((2, 3), dtype="float64"), rtol=2e-6)


def test_channels_are_dropped_whole():
    drop = rp.Dropout(0.4, channelwise=True, rng=0)
    y = drop.forward(np.ones((300, 20, 3, 2)))
    channels = y.reshape(300, 20, -1)
    assert_array_equal(channels, np.broadcast_to(channels[:, :, :1], channels.shape))
    assert set(np.unique(y)) == {0, 1 / 0.6}
    dropped = (channels[:, :, 0] == 0).mean()
    assert abs(dropped - 0.4) < 4 * np.sqrt(0.24 / 6000)
    with pytest.raises(rp.ShapeError, match=r"channels, \.\.\.\) with at least three axes, got \(5, 3\)"):
        drop.forward(np.ones((5, 3)))


@pytest.mark.parametrize("pool", [rp.MaxPool2d(2), rp.MaxPool2d(3, 1, 1)], ids=str)
def test_the_gradient_of_a_maximum_goes_to_one_of_equal_numbers(pool):
    x = np.zeros((1, 1, 4, 6))
    y = pool.forward(x)
    for window in np.ndindex(y.shape):
        g = np.zeros_like(y)
        g[window] = 2
        gx = pool.backward(g)
        assert gx[gx != 0].tolist() == [2]


def test_padding_is_never_the_maximum_and_counts_in_the_mean():
    x = np.full((1, 1, 2, 2), -1.0)
    assert_array_equal(rp.MaxPool2d(2, padding=1).forward(x), np.full((1, 1, 2, 2), -1.0))
    assert_array_equal(rp.AvgPool2d(2, padding=1).forward(x), np.full((1, 1, 2, 2), -0.25))


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: rp.Conv2d(0, 2, 3), rp.ArgumentError, "in_channels must be an integer of at least 1, got 0"),
    (lambda: rp.Conv2d(1, 2, (3, 0)), rp.ArgumentError, r"kernel_size\[1\] must be an integer of at least 1, got 0"),
    (lambda: rp.Conv2d(1, 2, (3, 3, 3)), rp.ArgumentError,
     r"kernel_size must be an int or a pair \(height, width\), got \(3, 3, 3\)"),
    (lambda: rp.Conv2d(1, 2, 3, padding=-1), rp.ArgumentError, "padding must be an integer of at least 0, got -1"),
    (lambda: rp.Conv2d(1, 2, 3, stride=0), rp.ArgumentError, "stride must be an integer of at least 1, got 0"),
    (lambda: rp.Conv2d(1, 2, 3, dilation=1.5), rp.ArgumentError, "dilation must be an integer of at least 1, got 1.5"),
    (lambda: rp.MaxPool2d(3, padding=2), rp.ArgumentError, "padding must be at most half of kernel_size, 3, got 2"),
    (lambda: rp.Conv2d(1, 2, 3).forward(np.ones((5, 3, 4, 4))), rp.ShapeError,
     r"Conv2d\(1, 2, 3\): x must have shape \(batch, 1, height, width\), got \(5, 3, 4, 4\)"),
    (lambda: rp.Conv2d(1, 2, 3).forward(np.ones((5, 4, 4))), rp.ShapeError, r"\(batch, 1, height, width\), got \(5, 4, 4\)"),
    (lambda: rp.Conv2d(1, 2, 3, padding=(1, 0), dilation=2).forward(np.ones((5, 1, 2, 9))), rp.ShapeError,
     r"x must be at least 3 pixels high and 5 wide, got \(5, 1, 2, 9\)"),
    (lambda: rp.AvgPool2d(3).forward(np.ones((5, 1, 2, 9))), rp.ShapeError, "x must be at least 3 pixels high and 3 wide"),
    (lambda: rp.GlobalAvgPool2d().forward(np.ones((5, 3))), rp.ShapeError, r"\(batch, channels, height, width\), got \(5, 3\)"),
    (lambda: rp.Upsample2d(0), rp.ArgumentError, "scale_factor must be an integer of at least 1, got 0")])
def test_bad_arguments_and_inputs_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_repr_shows_sizes_as_they_were_given():
    assert repr(rp.Conv2d(1, 2, (3, 5), padding=(1, 2))) == "Conv2d(1, 2, (3, 5), padding=(1, 2))"
    assert repr(rp.MaxPool2d(2)) == "MaxPool2d(2)"
    assert repr(rp.Dropout(0.2, channelwise=True)) == "Dropout(p=0.2, channelwise=True)"
