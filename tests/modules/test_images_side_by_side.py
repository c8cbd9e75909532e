"""Modules that work on several threads: the same bits for any number of them, and right results after interrupts."""

from contextlib import suppress

import numpy as np
import pytest
from interrupts import Lines, lines_of
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

import retroprop as rp
from retroprop.inspection.contract.cases import numbers
from retroprop.modules import convolution, pooling
from retroprop.modules.core import arrays
from retroprop.modules.core.arrays import aligned, halves, side_by_side
from retroprop.threads import blas

# Large enough for several threads. The shape of x follows the module.
CASES = {
    "padding": (lambda: rp.Conv2d(16, 32, 3, padding=1, rng=0), (32, 16, 14, 14)),
    "stride and dilation": (lambda: rp.Conv2d(3, 40, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), rng=0),
                            (40, 3, 40, 30)),
    "one channel": (lambda: rp.Conv2d(1, 16, 5, bias=False, rng=0), (64, 1, 28, 28)),
    "max pooling": (lambda: rp.MaxPool2d(2), (32, 16, 28, 28)),
    "windows that overlap": (lambda: rp.MaxPool2d(3, stride=2, padding=1), (16, 5, 50, 50)),
    "one example": (lambda: rp.MaxPool2d(2), (1, 5, 200, 200)),
    "BatchNorm of features": (lambda: rp.BatchNorm(512), (128, 512)),
    "BatchNorm of images": (lambda: rp.BatchNorm(16), (32, 16, 28, 28)),
    "embedding": (lambda: rp.Embedding(60, 300, rng=0), (20, 25))}


@pytest.fixture
def several():
    """Two threads, also on a machine of one core or where the tests are given one."""
    with threadpool_limits(2, user_api="blas"):
        if blas().get() < 2:
            pytest.skip("this BLAS cannot be given two threads")
        yield


def phases(module, shape, batch_last):
    """Return the output, the gradient of the input and those of the parameters, for input of a given layout."""
    x = np.random.default_rng(0).integers(60, size=shape) if module.takes_integers else numbers(*shape)
    x = x.astype("float32")
    if batch_last:
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    net = rp.Sequential(module)
    y = net.forward(x)
    gx = net.backward(numbers(*y.shape, seed=1).astype("float32"))
    net.update()
    return [y, gx, *(parameter.grad for parameter in module.parameters())]


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_all_phases_have_the_same_bits_for_any_number_of_threads(case, batch_last):
    build, shape = CASES[case]
    results = []
    for number in (1, 2, 3):
        with threadpool_limits(number, user_api="blas"):
            results.append(phases(build(), shape, batch_last))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


def image_net():
    return rp.Sequential(rp.Conv2d(2, 24, 3, padding=1, rng=1), rp.BatchNorm(24), rp.ReLU(), rp.MaxPool2d(2),
                         rp.Conv2d(24, 33, 3, rng=2), rp.ReLU(), rp.MaxPool2d(2), rp.Flatten(), rp.Linear(1188, 10, rng=3))


X, Y = numbers(32, 2, 28, 28).astype("float32"), np.arange(32) % 10


def trained(net, steps=2):
    loss, sgd = rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        loss.forward(net.forward(X), Y)
        net.backward(loss.backward())
        net.update()
        sgd.step()
    return [parameter.data.tobytes() for parameter in net.parameters()]


def test_a_training_on_images_has_the_same_bits_for_any_number_of_threads():
    results = []
    for number in (1, 2, 3):
        with threadpool_limits(number, user_api="blas"):
            results.append(trained(image_net()))
    assert results[0] == results[1] == results[2]


def test_parts_do_not_change_what_is_computed(monkeypatch):
    """One part of everything, in turn, against several side by side."""
    net = image_net()
    expected = trained(net)
    assert net[4].scratch.workers == len(net[4].scratch.shares) == len(net[3].scratch.parts) == 2
    for module, name in ((convolution, "DIVIDED"), (arrays, "PART"), (pooling, "SMALL")):
        monkeypatch.setattr(module, name, 2**40)
    net = image_net()
    assert trained(net) == expected
    assert net[4].scratch.workers == len(net[4].scratch.shares) == len(net[3].scratch.parts) == 1


def test_products_of_a_convolution_take_blas_on_one_thread(several, monkeypatch):
    seen = set()

    def product(a, b, out):
        seen.add(blas().get())
        return np.matmul(a, b, out)

    monkeypatch.setattr(convolution, "matmul", product)
    phases(*[make() if callable(make) else make for make in CASES["padding"]], True)
    assert seen == {1}
    assert blas().get() == 2


def test_rounds_of_tiles_add_up_to_the_gradient(monkeypatch):
    build, shape = CASES["padding"]
    expected = phases(build(), shape, True)
    monkeypatch.setattr(convolution, "PARTIAL", 1)
    module = build()
    found = phases(module, shape, True)
    assert len(module.scratch.partials) == module.scratch.workers < len(module.scratch.tiles)
    for a, b in zip(found, expected, strict=True):
        assert_array_equal(a, b)


def test_an_interrupt_at_any_line_of_a_step_leaves_a_network_whose_next_step_is_right(several):
    net, (x, y) = image_net(), (X, Y)
    trained(net, 1)
    loss = rp.CrossEntropy()

    def phases_of(net):
        loss.forward(net.forward(x), y)
        gx = net.backward(loss.backward())
        net.update()
        return [gx, *(parameter.grad.copy() for parameter in net.parameters())]

    expected = phases_of(net)
    lines = lines_of(lambda: phases_of(net))
    for stop in range(0, lines, 41):
        with suppress(KeyboardInterrupt), Lines(stop):              # fewer lines run here if another thread takes more tasks
            phases_of(net)
        for a, b in zip(phases_of(net), expected, strict=True):
            assert_array_equal(a, b)
        assert not blas().inside
        assert blas().get() == 2


def test_side_by_side_gives_numpy_its_buffers_back():
    seen, before = [], np.getbufsize()
    side_by_side([lambda: seen.append(np.getbufsize())])
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda: 1 / 0])
    assert seen == [arrays.RUN] != [before]
    assert np.getbufsize() == before


@pytest.mark.parametrize("shape", [(512, 256), (3, 2**17), (400, 7, 10, 10), (2**17,)])
@pytest.mark.parametrize("batch_last", [False, True])
def test_halves_cover_a_large_array_once(shape, batch_last):
    counts = np.zeros(shape, int)
    for half in halves(shape, batch_last):
        counts[half] += 1
    assert (counts == 1).all()
    assert halves(tuple(size // 4 + 1 for size in shape), batch_last) == [] == halves((1, 2**18), batch_last)


@pytest.mark.parametrize("size", [1, 16, 17, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
def test_aligned_vectors_begin_at_a_line_of_the_cache(size, dtype):
    vector = aligned(size, dtype)
    assert (vector.shape, vector.dtype, vector.ctypes.data % 64) == ((size,), dtype, 0)
