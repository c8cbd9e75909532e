"""`retroprop.datasets`: values, types, seeds, and wrong arguments."""

import gzip
import os
import re
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import datasets
from retroprop.errors import ArgumentError, DataError, DtypeError, FileFormatError, ShapeError
from retroprop.inspection import layer_statistics

X, Y = np.random.default_rng(3).random((7, 2)), np.arange(7)
TOYS = (datasets.moons, datasets.circles, datasets.spirals, datasets.xor, datasets.blobs)
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}


def refuses(error, text):
    """``pytest.raises`` for an error of this type and exactly this text."""
    return pytest.raises(error, match=f"^{re.escape(text)}$")


def ids(pieces):
    """Return the labels of some batches, as lists."""
    return [y.tolist() for _, y in pieces]


# Digits


def test_digits_are_the_test_part_of_the_uci_data():
    x, y = datasets.digits()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((1797, 64), np.float32, (1797,), np.int64)
    raw = 16 * x
    assert_array_equal(raw, np.round(raw))
    assert (raw.min(), raw.max()) == (0, 16)
    assert_allclose((raw.mean(dtype=float), raw.std(dtype=float)), (4.8842, 6.0168), atol=5e-5)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_belong_to_the_caller():
    x, y = datasets.digits()
    x += 1
    y += 1
    again_x, again_y = datasets.digits()
    assert again_x.max() == 1
    assert again_y.max() == 9


# Toys


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("n", [1, 2, 10, 503])
def test_toys_are_balanced_points_of_the_plane(toy, n):
    x, y = toy(n, rng=0)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((n, 2), np.float32, (n,), np.int64)
    counts = np.bincount(y, minlength=3 if toy is datasets.blobs else 2)
    assert np.ptp(counts) <= 1


@pytest.mark.parametrize("toy", [*TOYS, datasets.sine])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(toy):
    one, two, three, fresh = toy(30, rng=5), toy(30, rng=np.random.default_rng(5)), toy(30, rng=6), toy(30)
    for a, b in zip(one, two, strict=True):
        assert_array_equal(a, b)
    assert not np.array_equal(one[0], three[0])
    assert not np.array_equal(one[0], fresh[0])


@pytest.mark.parametrize("toy", TOYS)
def test_examples_of_toys_are_shuffled(toy):
    _, y = toy(400, rng=0)
    assert abs(y[:100].mean() - y.mean()) < 0.2                     # sorted labels differ by half a class or more
    assert 0.2 < np.mean(y[1:] != y[:-1]) < 0.8                     # alternating ones change at every step


def test_toys_without_noise_lie_where_their_docstrings_say():
    x, y = datasets.moons(101, noise=0, rng=0)
    down, up = x[y == 0], x[y == 1] - [1, 0.5]                      # each about its centre
    assert_allclose(np.hypot(*down.T), 1, atol=1e-6)
    assert_allclose(np.hypot(*up.T), 1, atol=1e-6)
    assert down[:, 1].min() >= 0 >= up[:, 1].max()

    x, y = datasets.circles(101, noise=0, rng=0)
    assert_allclose(np.hypot(*x.T), 1 - y / 2, atol=1e-6)

    x, y = datasets.spirals(101, classes=3, turns=2, noise=0, rng=0)
    radius = np.hypot(*x.T)
    assert 0.1 <= radius.min() < radius.max() <= 1
    assert_allclose(np.exp(1j * np.arctan2(x[:, 1], x[:, 0])), np.exp(2j * np.pi * (2 * radius + y / 3)), atol=1e-5)

    x, y = datasets.xor(102, noise=0, rng=0)
    assert_array_equal(y, x[:, 0] != x[:, 1])
    assert sorted(np.unique(x, axis=0, return_counts=True)[1]) == [25, 25, 26, 26]

    x, y = datasets.blobs(101, 5, noise=0, rng=0)
    assert_allclose(x[:, 0] + 1j * x[:, 1], np.exp(2j * np.pi * y / 5), atol=1e-6)

    x, y = datasets.sine(101, noise=0, rng=0)
    assert_allclose(y, np.sin(x), atol=1e-6)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((101, 1), np.float32, (101, 1), np.float32)


@pytest.mark.parametrize("toy", [*TOYS, datasets.sine])
def test_noise_is_the_standard_deviation(toy):
    quiet, noisy = (np.hstack([a.reshape(4000, -1) for a in toy(4000, noise=noise, rng=0)]) for noise in (0, 0.3))
    deviation = (noisy - quiet).std(axis=0)
    assert_allclose(deviation[deviation > 0], 0.3, rtol=0.05)
    assert np.count_nonzero(deviation) == (1 if toy is datasets.sine else 2)


@pytest.mark.parametrize("toy", [*TOYS, datasets.sine])
def test_toys_refuse_arguments_without_drawing(toy):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with refuses(ArgumentError, "n must be an integer of at least 1, got 2.5"):
        toy(2.5, rng=rng)
    with refuses(ArgumentError, "noise must be a number in [0, inf), got -1"):
        toy(5, noise=-1, rng=rng)
    assert rng.bit_generator.state == before


def test_toys_refuse_one_class_and_no_turns():
    for toy in (datasets.spirals, datasets.blobs):
        with refuses(ArgumentError, "classes must be an integer of at least 2, got 1"):
            toy(10, classes=1)
    with refuses(ArgumentError, "turns must be a number in (0, inf), got 0"):
        datasets.spirals(10, turns=0)


# Batches


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 100])
@pytest.mark.parametrize("join_single", [False, True])
def test_every_example_appears_once_an_epoch_beside_its_label(size, join_single):
    seen = []
    for xb, yb in datasets.batches(X, Y, batch_size=size, rng=0, join_single=join_single):
        assert_array_equal(xb, X[yb])
        seen.extend(yb)
    assert sorted(seen) == Y.tolist()
    assert size == 100 or seen != Y.tolist()


def test_sizes_of_batches():
    def sizes(n, **options):
        return [len(yb) for _, yb in datasets.batches(np.zeros((n, 2)), np.zeros(n), **options)]

    assert sizes(7, batch_size=3) == [3, 3, 1]
    assert sizes(7, batch_size=3, drop_last=True) == [3, 3]
    assert sizes(6, batch_size=3, drop_last=True) == [3, 3]
    assert sizes(7, batch_size=3, join_single=True) == [3, 4]
    assert sizes(8, batch_size=3, join_single=True) == [3, 3, 2]
    assert sizes(6, batch_size=3, join_single=True) == [3, 3]
    assert sizes(3, batch_size=1, join_single=True) == [1, 1, 1]        # asked for: they are full batches
    assert sizes(1, batch_size=3, join_single=True) == [1]              # nothing to join
    assert sizes(7, batch_size=3, join_single=True, drop_last=True) == [3, 3]


def test_without_shuffling_batches_are_views_in_order():
    pieces = list(datasets.batches(X, Y, batch_size=3, shuffle=False))
    assert ids(pieces) == [[0, 1, 2], [3, 4, 5], [6]]
    assert all(np.shares_memory(xb, X) and np.shares_memory(yb, Y) for xb, yb in pieces)


def test_shuffled_batches_are_the_callers():
    for xb, yb in datasets.batches(X, Y, batch_size=3, rng=0):
        assert not np.shares_memory(xb, X)
        assert not np.shares_memory(yb, Y)


def test_the_order_follows_the_seed_and_is_fresh_without_one():
    x, y = np.zeros((100, 1)), np.arange(100)

    def order(rng):
        return ids(datasets.batches(x, y, batch_size=32, rng=rng))

    assert order(4) == order(4) == order(np.random.default_rng(4))
    assert order(4) != order(5)
    assert order(None) != order(None)
    rng = np.random.default_rng(4)
    assert order(rng) != order(rng)


def test_batches_takes_targets_of_any_kind_and_lists():
    x, y = X.reshape(7, 2, 1), np.array(list("abcdefg"))
    (xb, yb), *_ = datasets.batches(x, y, batch_size=2, shuffle=False)
    assert (xb.shape, yb.tolist()) == ((2, 2, 1), ["a", "b"])
    (xb, yb), *_ = datasets.batches(X, X[:, ::-1], batch_size=3, rng=0)
    assert_array_equal(yb, xb[:, ::-1], strict=True)
    assert ids(datasets.batches([[1.0], [2.0]], [[3], [4]], batch_size=2, shuffle=False)) == [[[3], [4]]]


def test_batches_refuses_at_the_call():
    with refuses(ArgumentError, "batch_size must be an integer of at least 1, got 0"):
        datasets.batches(X, Y, batch_size=0)
    with refuses(ShapeError, "y must have as many examples as x, 7, got 6"):
        datasets.batches(X, Y[:6], batch_size=2)
    with refuses(ShapeError, "y must have an axis of examples, got shape ()"):
        datasets.batches(X, 1, batch_size=2)
    with refuses(DataError, "x must not be empty, got shape (0, 2)"):
        datasets.batches(X[:0], Y[:0], batch_size=2)
    with refuses(ArgumentError, "batch_size must be at most 7, the number of examples, with drop_last=True, got 8"):
        datasets.batches(X, Y, batch_size=8, drop_last=True)


# Split and standardize


def test_split_takes_the_test_part_from_the_end_of_one_permutation():
    x, y = datasets.digits()
    train, test = datasets.split(x, y, test=500, rng=0)
    order = np.random.default_rng(0).permutation(1797)
    for part, chosen in ((train, order[:1297]), (test, order[1297:])):
        assert_array_equal(part[0], x[chosen])
        assert_array_equal(part[1], y[chosen])


@pytest.mark.parametrize(("test", "held_out"), [
    (0.2, 1), (0.5, 4), (0.9, 6), (np.float32(0.3), 2), (3, 3), (np.int8(6), 6),
])
def test_split_divides_all_examples_by_fraction_or_number(test, held_out):
    (x, y), (x_test, y_test) = datasets.split(X, Y, test=test, rng=1)
    assert len(y_test) == len(x_test) == held_out
    assert sorted([*y, *y_test]) == Y.tolist()
    assert_array_equal(np.vstack([x, x_test]), X[[*y, *y_test]])


def test_split_refuses_an_empty_part():
    for test, count in ((7, 7), (0.01, 0), (0.99, 7)):
        message = f"test must leave at least one example in each part, got {test}: {count} of 7 examples"
        with refuses(ArgumentError, message):
            datasets.split(X, Y, test=test)
    for test in (0.0, 1.0, -0.5, float("nan"), "many", None):
        with refuses(ArgumentError, f"test must be a number in (0, 1), got {test!r}"):
            datasets.split(X, Y, test=test)
    for test in (0, -1, True):
        with refuses(ArgumentError, f"test must be an integer of at least 1, got {test!r}"):
            datasets.split(X, Y, test=test)
    with refuses(ShapeError, "y must have as many examples as x, 7, got 5"):
        datasets.split(X, Y[:5])


def test_standardize_measures_on_the_training_part_alone():
    train, test = datasets.standardize(X[:4], X[4:])
    mean, deviation = X[:4].mean(axis=0), X[:4].std(axis=0)
    assert_allclose(train, (X[:4] - mean) / deviation)
    assert_allclose(test, (X[4:] - mean) / deviation)
    assert_allclose(train.mean(axis=0), 0, atol=1e-15)
    assert_allclose(train.std(axis=0), 1)


def test_standardize_only_centres_a_constant_feature():
    tiny = 1e-300 * np.arange(10)                                   # the square of its deviation underflows
    train = np.column_stack([np.full(10, 0.1), np.arange(10), tiny])
    z, other = datasets.standardize(train, train + np.eye(3)[0])
    assert_array_equal(z[:, 0], 0)
    assert_array_equal(other[:, 0], 1)
    assert np.abs(z[:, 2]).max() < 1e-298


def test_standardize_keeps_float_types_shapes_and_its_input():
    for dtype, result in (("f2", "f2"), ("f4", "f4"), ("f8", "f8"), ("u1", "f4"), ("i8", "f4"), ("?", "f4")):
        x = np.random.default_rng(0).integers(0, 2, (9, 3, 2)).astype(dtype)
        before = x.copy()
        a, b, c = datasets.standardize(x, x[:2], x[:5])
        assert {a.dtype, b.dtype, c.dtype} == {np.dtype(result)}
        assert (a.shape, b.shape, c.shape) == ((9, 3, 2), (2, 3, 2), (5, 3, 2))
        assert_array_equal(x, before)
    assert_array_equal(datasets.standardize([1.0, 3.0])[0], [-1, 1])


def test_standardize_is_exact_for_float32_far_from_zero():
    x = (1e4 + np.random.default_rng(0).standard_normal((1000, 1))).astype(np.float32)
    exact = x.astype(np.float64)
    assert_allclose(datasets.standardize(x)[0], (exact - exact.mean()) / exact.std(), atol=1e-6)


def test_standardize_has_scikit_learns_rule_for_constants():
    """0.3 and 0.1 + 0.2 are one number: their difference is rounding, and must not be scaled to 1.

    The columns that count as constant are those of ``StandardScaler`` of scikit-learn 1.9.1.
    """
    rng = np.random.default_rng(0)
    near = np.array([[0.3], [0.1 + 0.2]] * 50)
    assert np.abs(datasets.standardize(near)[0]).max() < 1e-15
    columns = [near[:, 0], 1e-30 * rng.random(100), 1e6 + 1e-9 * rng.random(100), 1e6 + 1e-5 * rng.random(100),
               -5 + 1e-13 * rng.random(100), np.full(100, 0.1), np.zeros(100), rng.random(100)]
    z, = datasets.standardize(np.column_stack(columns))
    assert_array_equal(np.abs(z).max(0) < 1e-3, [True, False, True, False, True, True, True, False])
    assert_array_equal(z[:, 5:7], 0)


def test_standardize_knows_the_rounding_of_float32():
    near = np.array([[0.7], [np.nextafter(np.float32(0.7), np.float32(1))]] * 50, "float32")
    assert np.abs(datasets.standardize(near)[0]).max() < 1e-6
    assert_allclose(np.abs(datasets.standardize(near.astype(float))[0]), 1)


def test_columns_of_float32_far_from_zero_keep_their_variance():
    """NumPy adds the rows of a C-ordered float32 array one by one, in float32: it finds a variance of 2 or more for 1."""
    signs = np.tile([[1.0, -1, 1], [-1, 1, -1]], (100_000, 1))
    x = (signs + 3000).astype("float32")
    assert x.var(0).max() > 2
    assert_array_equal(datasets.standardize(x)[0], signs)
    [layer] = layer_statistics(rp.Identity(), x, arrays=False)
    assert (layer.mean, layer.std) == (3000, 1)


def test_standardize_refuses_what_it_cannot_measure():
    with refuses(ShapeError, "others[1] must have shape (examples, 2), got (7, 3)"):
        datasets.standardize(X, X, np.zeros((7, 3)))
    with refuses(DataError, "x_train must be finite, got 1 NaN or infinite of 2 values, first at (1, 0)"):
        datasets.standardize([[0.0], [np.inf]])
    with refuses(DtypeError, "others[0] must hold real numbers, got dtype complex128"):
        datasets.standardize(X, X + 0j)
    with refuses(DataError, "x_train must not be empty, got shape (0, 2)"):
        datasets.standardize(X[:0])


def test_what_standardize_returns_is_a_tuple_also_for_one_array():
    """Forgotten, it becomes a tuple with one array in all places that take examples and labels."""
    scaled = datasets.standardize(X)
    net = rp.Sequential(rp.Linear(2, 7, rng=0))
    sgd, loss = rp.SGD(net.parameters(), lr=0.1), rp.CrossEntropy()
    for name, act in (("x", lambda x: rp.evaluate(net, loss, x, Y)), ("x", lambda x: datasets.split(x, Y)),
                      ("data[0]", lambda x: rp.fit(net, loss, sgd, (x, Y), epochs=1)),
                      ("x", lambda x: datasets.batches(x, Y, batch_size=2))):
        with refuses(ShapeError, f"{name} must be an array, got a tuple of one array; unpack it, as in x, = standardize(x)"):
            act(scaled)


# IDX files


def idx(a, code=0x08):
    """Return the bytes of an IDX file, written by hand."""
    axes = b"".join(length.to_bytes(4, "big") for length in a.shape)
    return bytes([0, 0, code, a.ndim]) + axes + a.astype(a.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.mark.parametrize("code", IDX_TYPES)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0, 3), (2, 1, 3, 2)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_of_every_type_and_shape(path, code, shape, pack):
    a = np.asarray(np.random.default_rng(0).uniform(0, 100, shape)).astype(IDX_TYPES[code])
    path.write_bytes(pack(idx(a, code)))
    b = datasets.read_idx(path)
    assert_array_equal(b, a, strict=True)
    assert b.dtype.isnative
    assert b.flags.writeable
    assert_array_equal(datasets.read_idx(str(path)), a)


def test_idx_files_truncated_anywhere_are_refused(path):
    whole = idx(np.arange(6, dtype="i2").reshape(2, 3), 0x0B)
    for content in (whole, gzip.compress(whole)):
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(FileFormatError):
                datasets.read_idx(path)


@pytest.mark.parametrize(("content", "text"), [
    (b"", "must start with the magic number of IDX, 00 00 type axes, got nothing"),
    (b"PK\3\4 and more", "must start with the magic number of IDX, 00 00 type axes, got 50 4b 03 04"),
    (b"\0\0\x0a\1", "must start with the magic number of IDX, 00 00 type axes, got 00 00 0a 01"),
    (b"\0\0\x08\3\0\0", "is truncated: a header of 3 axes takes 16 bytes, got 6"),
    (idx(np.zeros((2, 3), "i4"), 0x0C)[:-1], "is truncated: int32 of shape (2, 3) takes 36 bytes, got 35"),
    (idx(np.zeros(5, "u1")) + b"\n", "is too long: uint8 of shape (5,) takes 13 bytes, got 14"),
    (b"\0\0\x08\2" + b"\xff" * 8,
     "is truncated: uint8 of shape (4294967295, 4294967295) takes 18446744065119617037 bytes, got 12"),
    (b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"a", f"must have a shape that NumPy allows, got {(1,) * 65}"),
    (gzip.compress(b"a long text", mtime=0)[:-9],
     "must be complete gzip data, got: Compressed file ended before the end-of-stream marker was reached"),
])
def test_idx_files_that_are_not_what_they_claim(path, content, text):
    path.write_bytes(content)
    with refuses(FileFormatError, f"{path} {text}"):
        datasets.read_idx(path)


@pytest.mark.parametrize("place", [12, -8, -1], ids=["data", "checksum", "length"])
def test_damaged_gzip_is_refused(path, place):
    content = bytearray(gzip.compress(idx(np.arange(100, dtype="u1"))))
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="must be complete gzip data, got: "):
        datasets.read_idx(path)


def test_a_missing_file_stays_a_missing_file(tmp_path):
    for read, name in ((datasets.read_idx, "none"), (datasets.load, "none.npz")):
        with pytest.raises(FileNotFoundError, match=name):
            read(tmp_path / name)


# MNIST folders

MNIST = {
    "train-images-idx3-ubyte": np.arange(5 * 3 * 4, dtype="u1").reshape(5, 3, 4) * 4,
    "train-labels-idx1-ubyte": np.array([3, 0, 9, 1, 1], "u1"),
    "t10k-images-idx3-ubyte": np.full((2, 3, 4), 255, "u1"),
    "t10k-labels-idx1-ubyte": np.array([7, 2], "u1"),
}


def write_mnist(folder, rename=lambda name: name, **changed):
    for name, a in MNIST.items():
        content = idx(changed.get(name.split("-idx")[0].replace("-", "_"), a))
        target = folder / rename(name)
        target.write_bytes(gzip.compress(content) if target.suffix == ".gz" else content)


@pytest.mark.parametrize("rename", [
    lambda name: name,
    lambda name: name + ".gz",
    lambda name: name.replace("-idx", ".idx"),
    lambda name: name.replace("-idx", ".idx") + ".gz",
], ids=["plain", "gz", "dotted", "dotted gz"])
@pytest.mark.parametrize("read", [datasets.mnist, datasets.load])
def test_mnist_folders(tmp_path, rename, read):
    write_mnist(tmp_path, rename)
    (x, y), (x_test, y_test) = read(tmp_path)
    assert (x.dtype, y.dtype, x_test.dtype, y_test.dtype) == (np.float32, np.int64, np.float32, np.int64)
    assert_allclose(x, MNIST["train-images-idx3-ubyte"].reshape(5, 12) / 255, rtol=1e-7)
    assert_array_equal(x_test, np.ones((2, 12)))
    assert (y.tolist(), y_test.tolist()) == ([3, 0, 9, 1, 1], [7, 2])


@pytest.mark.parametrize("rename", [str, lambda name: name + ".gz"], ids=["plain", "gz"])
def test_bytes_of_mnist_stay_in_plain_files(tmp_path, rename):
    write_mnist(tmp_path, rename)
    (x, y), (x_test, y_test) = datasets.idx.mnist_bytes(tmp_path)
    for a, b in zip((x, y, x_test, y_test), MNIST.values(), strict=True):
        assert_array_equal(a, b.reshape(len(b), -1) if b.ndim == 3 else b, strict=True)
    if rename is str:                                               # what the file holds now is what is read
        assert not x.flags.writeable
        with (tmp_path / "train-images-idx3-ubyte").open("r+b") as file:
            file.seek(16)
            file.write(b"\xff")
        assert x[0, 0] == 255


@pytest.mark.parametrize("code", [0x08, 0x0B, 0x0E])
def test_mapped_files_hold_the_same_numbers(path, code):
    a = np.arange(6).reshape(2, 3).astype(IDX_TYPES[code])
    path.write_bytes(idx(a, code))
    assert_array_equal(datasets.read_idx(path, mapped=True), a)


def test_mnist_lists_what_is_missing(tmp_path):
    write_mnist(tmp_path)
    for name in list(MNIST)[1:3]:
        (tmp_path / name).unlink()
    missing = "train-labels-idx1-ubyte, t10k-images-idx3-ubyte"
    with refuses(FileNotFoundError, f"{tmp_path} must hold the four files of MNIST, but lacks {missing}"):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize(("part", "a", "error", "text"), [
    ("t10k_labels", np.zeros(3, "u1"), ShapeError,
     "{0}t10k-labels-idx1-ubyte must have as many examples as {0}t10k-images-idx3-ubyte, 2, got 3"),
    ("train_labels", np.zeros((5, 1), "u1"), FileFormatError,
     "{0}train-labels-idx1-ubyte must hold uint8 on 1 axes, got uint8 of shape (5, 1)"),
    ("train_images", np.zeros((0, 3, 4), "u1"), DataError,
     "{0}train-images-idx3-ubyte must not be empty, got shape (0, 3, 4)"),
    ("t10k_images", np.zeros((2, 3, 5), "u1"), ShapeError,
     "{0}t10k-images-idx3-ubyte must have shape (examples, 12), got (2, 15)"),
])
def test_mnist_refuses_files_that_do_not_fit_together(tmp_path, part, a, error, text):
    write_mnist(tmp_path, **{part: a})
    with refuses(error, text.format(f"{tmp_path}{os.sep}")):
        datasets.mnist(tmp_path)


# load: names and .npz files


def test_load_knows_the_embedded_and_generated_data_by_name():
    sizes = {"digits": 1797, "shapeset": 10_000, "easy-shapeset": 10_000}
    for name in ("digits", "moons", "circles", "spirals", "xor", "blobs", "sine", "shapeset", "easy-shapeset"):
        (x, y), test = datasets.load(name)
        again, _ = datasets.load(name)
        assert test is None
        assert len(x) == len(y) == sizes.get(name, 500)
        assert y.ndim == 2 or y.max() == {"digits": 9, "shapeset": 8, "easy-shapeset": 2, "blobs": 2}.get(name, 1)
        assert_array_equal(x, again[0])


def test_load_lists_the_names_when_it_knows_none(tmp_path):
    names = "digits, moons, circles, spirals, xor, blobs, sine, shapeset, easy-shapeset"
    for source in ("moon", str(tmp_path / "nowhere")):
        with refuses(ArgumentError, f"source must be one of {names}, a folder in MNIST format, a folder of images with a "
                                    f"folder for each class, a CSV file or an .npz file, got {source!r}"):
            datasets.load(source)


@pytest.mark.parametrize(("given", "x_type"), [
    ("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("f2", "f4"), ("u1", "f4"), (">i8", "f4"), ("?", "f4"),
])
def test_npz_files_give_floats_and_int64_labels(path, given, x_type):
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(given)
    np.savez(path.with_suffix(".npz"), x=x, y=x[:, 0])
    (a, b), test = datasets.load(path.with_suffix(".npz"))
    assert_array_equal(a, x.astype(x_type), strict=True)
    assert_array_equal(b, x[:, 0].astype(x_type if "f" in given else "i8"), strict=True)
    assert test is None


def test_npz_files_keep_their_test_part(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x=X, y=Y, x_test=X[:3], y_test=Y[:3], remark=np.array(["not read"], object))
    (x, y), test = datasets.load(str(path))
    for a, b in zip((x, y, *test), (X, Y, X[:3], Y[:3]), strict=True):
        assert_array_equal(a, b, strict=True)


BAD = X.copy()
BAD[[2, 5], [1, 0]] = np.nan, -np.inf


@pytest.mark.parametrize(("arrays", "error", "text"), [
    ({"x": BAD, "y": Y}, DataError, "{}: x must be finite, got 2 NaN or infinite of 14 values, first at (2, 1)"),
    ({"x": X, "y": Y * np.nan}, DataError, "{}: y must be finite, got 7 NaN or infinite of 7 values, first at (0,)"),
    ({"x": X, "y": Y[:, None, None]}, ShapeError, "{}: y must have shape (N,) or (N, K), got (7, 1, 1)"),
    ({"x": X, "y": Y[1:]}, ShapeError, "{}: y must have as many examples as {}: x, 7, got 6"),
    ({"x": X[:0], "y": Y[:0]}, DataError, "{}: x must not be empty, got shape (0, 2)"),
    ({"x": X[:, 0], "y": Y}, ShapeError, "{}: x must have shape (examples, features, ...), got (7,)"),
    ({"x": X + 0j, "y": Y}, DtypeError, "{}: x must hold real numbers, got dtype complex128"),
    ({"x": X, "y": np.array([list("ab")] * 7)}, DtypeError, "{}: y of shape (7, 2) must hold numbers, got <U1"),
    ({"x": X, "y": Y, "x_test": BAD, "y_test": Y}, DataError,
     "{}: x_test must be finite, got 2 NaN or infinite of 14 values, first at (2, 1)"),
    ({"x": X, "y": Y, "x_test": X.T, "y_test": Y[:2]}, ShapeError,
     "{}: x_test must have shape (examples, 2), got (2, 7)"),
    ({"x": X, "y": Y, "x_test": X, "y_test": X}, ShapeError, "{}: y_test must have shape (examples,), got (7, 2)"),
    ({"x": X, "y": Y, "x_test": X}, FileFormatError, "{} must hold both or neither of x_test and y_test, got x, y, x_test"),
    ({"pictures": X}, FileFormatError,
     "{} must hold arrays x and y, x_train and y_train, data and target, or images and labels, got pictures"),
    ({f"array_{k}": X for k in range(20)}, FileFormatError,
     "{} must hold arrays x and y, x_train and y_train, data and target, or images and labels, got "
     + ", ".join(f"array_{k}" for k in range(12)) + ", ..."),
    ({"x": X.astype(object), "y": Y}, FileFormatError,
     "{} must be an intact .npz file without objects, got: Object arrays cannot be loaded when allow_pickle=False"),
])
def test_npz_files_that_cannot_be_learned_from(tmp_path, arrays, error, text):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    with refuses(error, text.replace("{}", str(path))):
        datasets.load(path)


def test_npz_files_truncated_or_damaged_anywhere_are_refused_or_whole(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"must be an (intact )?\.npz file"):
            datasets.load(path)
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1:])
        try:
            (x, y), _ = datasets.load(path)
        except FileFormatError:
            continue
        assert_array_equal(x, X)                                    # a byte that does not matter: a date, a version
        assert_array_equal(y, Y)


def test_other_files_are_not_taken_for_npz(tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, X)
    with refuses(FileFormatError, f"{path} must be an .npz file, which starts with b'PK\\x03\\x04', got b'\\x93NUM'"):
        datasets.load(path)


# Use of the data with the rest of the library


def test_epochs_visit_all_digits_in_ever_new_orders():
    x, y = datasets.digits()
    numbers = np.arange(len(x))
    rng = np.random.default_rng(0)
    epochs = [np.concatenate([i for _, i in datasets.batches(x, numbers, batch_size=32, rng=rng)]) for _ in range(4)]
    assert all(np.array_equal(np.sort(epoch), numbers) for epoch in epochs)
    assert not any(np.array_equal(a, b) for a, b in pairwise(epochs))
    xb, yb = next(datasets.batches(x, y, batch_size=32, rng=0))
    assert (xb.shape, xb.dtype, yb.shape, yb.dtype) == ((32, 64), np.float32, (32,), np.int64)
