"""LSUV (layer-sequential unit variance) and MaxNorm."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp

X, Y = (a[np.random.default_rng(0).permutation(len(a))] for a in rp.datasets.digits())   # in the file, writer follows writer


def deep(activation, **options):
    sizes = [64, *[100] * 10]
    hidden = [module for k in range(10) for module in (rp.Linear(sizes[k], 100, rng=k, **options), activation())]
    return rp.Sequential(*hidden, rp.Linear(100, 10, rng=10, **options))


def outputs(net, x):
    return [layer.std ** 2 for layer in rp.layer_statistics(net, x, arrays=False) if layer.kind in ("Linear", "Conv2d")]


@pytest.mark.parametrize("activation", [rp.Tanh, rp.ReLU, rp.Sigmoid])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_dense_layer_is_scaled_once_and_other_images_agree(activation, dtype):
    net = deep(activation, dtype=dtype)
    found = rp.lsuv(net, X[:256], rng=0)
    assert [layer.tries for layer in found] == [1] * 11
    assert [layer.path for layer in found] == [str(2 * k) for k in range(11)]
    np.testing.assert_allclose([layer.after for layer in found], 1, rtol=1e-5)
    np.testing.assert_allclose(outputs(net, X[:256]), 1, rtol=1e-3)
    for seed in range(5):
        rp.lsuv(net, X[:256], rng=seed)
        assert all(0.9 < variance < 1.1 for variance in outputs(net, X[300:812]))


def test_the_weights_are_an_orthonormal_matrix_times_a_number():
    net = rp.Sequential(rp.Linear(64, 20), rp.Tanh(), rp.Linear(20, 30))
    rp.lsuv(net, X[:100], rng=3)
    for layer, axis in ((net[0], 0), (net[2], 1)):
        w = layer.weight.data if axis == 0 else layer.weight.data.T
        gram = w @ w.T
        np.testing.assert_allclose(gram / gram[0, 0], np.eye(len(w)), atol=1e-5)


def test_weights_that_are_there_keep_their_directions():
    net = deep(rp.Tanh)
    before = [p.data.copy() for p in net.parameters()]
    rp.lsuv(net, X[:100], orthogonal=False)
    for p, old in zip(net.parameters(), before, strict=True):
        if p.data.ndim == 2:
            np.testing.assert_allclose(p.data / old, np.full(p.shape, p.data[0, 0] / old[0, 0]), rtol=1e-4)


def images():
    return rp.Sequential(rp.Reshape(1, 8, 8), rp.Conv2d(1, 16, 3, padding=1, rng=0), rp.BatchNorm(16), rp.ReLU(),
                         rp.Dropout(0.5, rng=1), rp.MaxPool2d(2), rp.Conv2d(16, 8, 3, bias_init=rp.Normal(0.5), rng=2),
                         rp.Flatten(), rp.Linear(32, 10, rng=3))


def test_convolutions_and_nothing_but_weights_changes():
    """Biases, parameters and statistics of norms, the generator of Dropout, modes and points do not change."""
    net = images()
    net.forward(X[:3])
    point, stream = net[-1].point.copy(), str(net[4].rng.bit_generator.state)
    before = net.state_dict()
    found = rp.lsuv(net, X[:256], tol=0.01, rng=0)
    assert [layer.path for layer in found] == ["1", "6", "8"]
    assert all(abs(layer.after - 1) < 0.01 for layer in found)
    kernel = net[6].weight.data.reshape(8, -1)                      # a convolution's rows are orthogonal, too
    gram = kernel @ kernel.T
    np.testing.assert_allclose(gram / gram[0, 0], np.eye(8), atol=1e-5)
    assert found[1].tries > 1                                       # its bias is not zero, and is not scaled
    for name, array in net.state_dict().items():
        if name in ("1.weight", "6.weight", "8.weight"):
            assert not np.array_equal(array, before[name])
        else:
            assert_array_equal(array, before[name])
    assert net.training
    assert str(net[4].rng.bit_generator.state) == stream
    assert_array_equal(net[-1].point, point)


def test_a_convolutional_net_has_unit_variance_on_other_images_too():
    net = rp.Sequential(rp.Reshape(1, 8, 8), rp.Conv2d(1, 16, 3, padding=1, rng=0), rp.ReLU(), rp.Conv2d(16, 16, 3, rng=1),
                        rp.ReLU(), rp.MaxPool2d(2), rp.Flatten(), rp.Linear(144, 10, rng=2))
    assert [layer.tries for layer in rp.lsuv(net, X[:256], rng=0)] == [1, 1, 1]
    assert all(0.9 < variance < 1.1 for variance in outputs(net, X[300:812]))


def test_a_net_in_eval_mode_is_scaled_as_it_will_train():
    """With the initial running statistics, the layer after BatchNorm would be scaled differently."""
    training, evaluating = images(), images().eval()
    rp.lsuv(training, X[:256], rng=0)
    rp.lsuv(evaluating, X[:256], rng=0)
    assert not any(module.training for _, module in evaluating.named_modules())
    for p, q in zip(training.parameters(), evaluating.parameters(), strict=True):
        assert_array_equal(p.data, q.data)


def test_tries_end_where_biases_alone_vary_too_much():
    net = rp.Sequential(rp.Linear(64, 30, bias_init=rp.Normal(5), rng=0))
    with pytest.warns(UserWarning, match=r"module 0, Linear\(64, 30.*has variance .* after 3 tries"):
        [layer] = rp.lsuv(net, X[:100], max_tries=3, rng=0)
    assert (layer.tries, layer.path) == (3, "0")
    assert layer.after > 1.1
    [layer] = rp.lsuv(net, X[:100], tol=100, orthogonal=False)      # near enough as it is
    assert layer.tries == 0
    assert layer.before == layer.after


def test_the_records_print_as_a_table():
    net = rp.Sequential(rp.Sequential(rp.Linear(64, 30, rng=0), rp.Tanh()), rp.Linear(30, 10, rng=1))
    found = rp.lsuv(net, X[:100], rng=0)
    head, rule, *rows = str(found).splitlines()
    assert head.split() == ["layer", "module", "tries", "variance", "before", "after"]
    assert set(rule) == {"-"}
    assert [row.split()[0] for row in rows] == ["0.0", "1"]
    assert all(row.endswith("1.00") for row in rows)


def test_several_inputs_arrays_or_lists():
    rows = np.random.default_rng(0).normal(size=(9, 2))
    for x in ((rows, rows[::-1]), (rows.tolist(), rows[::-1].tolist()), [rows, rows[::-1]]):
        net = rp.Graph({"a": (rp.Linear(2, 3, rng=0), "x"), "b": (rp.Linear(2, 4, rng=1), "y"), "c": (rp.Concat(), "a", "b")},
                       inputs=("x", "y"), outputs="c")
        assert [layer.path for layer in rp.lsuv(net, x, rng=0)] == ["a", "b"]
    for x, error, text in (((rows[:0], rows[:0]), rp.DataError, "x must not be empty"),
                           ((rows, rows * np.nan), rp.DataError, "x must be finite"),
                           (rows, rp.ShapeError, "tuple of 2 arrays")):
        with pytest.raises(error, match=text):
            rp.lsuv(net, x)


def test_frozen_and_shared_weights():
    frozen = deep(rp.Tanh)
    frozen[0].weight.frozen = True
    old = frozen[0].weight.data.copy()
    assert [layer.path for layer in rp.lsuv(frozen, X[:100], rng=0)] == [str(2 * k) for k in range(1, 11)]
    assert_array_equal(frozen[0].weight.data, old)
    one, two = rp.Linear(64, 64, rng=0), rp.Linear(64, 64, rng=1)
    two.weight = one.weight
    shared = rp.Sequential(one, rp.Tanh(), two)
    assert [layer.path for layer in rp.lsuv(shared, X[:100], rng=0)] == ["0"]
    assert outputs(shared, X[:100])[0] == pytest.approx(1, rel=1e-4)


def test_a_graph_is_scaled_in_the_order_in_which_data_pass():
    net = rp.Graph({"a": (rp.Linear(64, 30, rng=0), "x"), "t": (rp.Tanh(), "a"), "b": (rp.Linear(30, 30, rng=1), "t"),
                    "s": (rp.Add(), "a", "b"), "c": (rp.Linear(30, 5, rng=2), "s")}, inputs="x", outputs="c")
    assert [layer.path for layer in rp.lsuv(net, X[:200], rng=0)] == ["a", "b", "c"]
    np.testing.assert_allclose(outputs(net, X[:200]), 1, rtol=1e-3)


def test_the_same_seed_the_same_weights_and_an_optimizer_still_holds_them():
    a, b = deep(rp.ReLU), deep(rp.ReLU)
    sgd = rp.SGD(a.parameters(), lr=0.03)
    rp.lsuv(a, X[:256], rng=7)
    rp.lsuv(b, X[:256], rng=7)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert_array_equal(p.data, q.data)
    history = rp.fit(a, rp.CrossEntropy(), sgd, (X, Y), epochs=2, rng=0, progress=False)
    assert history["cost"][-1] < 1


@pytest.mark.parametrize(("change", "error", "text"), [
    ({"net": 3}, rp.ArgumentError, "net must be a Module, got 3"),
    ({"net": rp.Tanh()}, rp.ArgumentError, r"net must have a weight that is not frozen, got Tanh\(\)"),
    ({"x": X[:1]}, rp.ShapeError, "x must hold at least two examples"),
    ({"x": X[:0]}, rp.DataError, "x must not be empty"),
    ({"x": X[:9] * np.nan}, rp.DataError, "x"),
    ({"x": X[:9] * 0}, rp.DataError, r"the output of module 0, Linear\(64, 100\), must have a variance on x, got 0"),
    ({"x": X[:9, :3]}, rp.ShapeError, "64"),
    ({"tol": 0}, rp.ArgumentError, r"tol must be a number in \(0, inf\), got 0"),
    ({"max_tries": 0}, rp.ArgumentError, "max_tries must be an integer of at least 1, got 0"),
    ({"rng": "no"}, rp.ArgumentError, "rng must be"),
])
def test_bad_input_changes_nothing(change, error, text):
    net = deep(rp.Tanh)
    before = net.state_dict()
    with pytest.raises(error, match=text):
        rp.lsuv(**({"net": net, "x": X[:50]} | change))
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])


def test_a_layer_in_the_middle_that_is_constant_puts_all_back():
    nothing = rp.Function(lambda a: a * 0, lambda a: a * 0)
    net = rp.Sequential(rp.Linear(64, 5, rng=0), rp.ReLU(), rp.Linear(5, 5, rng=1), nothing, rp.Linear(5, 2, rng=2))
    before = net.state_dict()
    with pytest.raises(rp.DataError, match=r"module 4, Linear\(5, 2\), must have a variance"):
        rp.lsuv(net, X[:50], rng=0)
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])


def test_long_vectors_are_scaled_back_and_short_ones_stay():
    net = rp.Sequential(rp.Linear(2, 3, rng=0), rp.BatchNorm(3))
    net[0].weight.data = np.array([[3.0, 4.0], [0.3, 0.4], [0, 2]])
    net[0].bias.data = [9.0, 9, 9]
    net[1].weight.data = [9.0, 9, 9]
    rp.MaxNorm(2).project(net)
    np.testing.assert_allclose(net[0].weight.data, [[1.2, 1.6], [0.3, 0.4], [0, 2]], rtol=1e-6)
    assert_array_equal(net[0].bias.data, [9, 9, 9])
    assert_array_equal(net[1].weight.data, [9, 9, 9])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fit_keeps_every_vector_and_every_filter_within_the_norm(dtype):
    net = rp.Sequential(rp.Reshape(1, 8, 8), rp.Conv2d(1, 4, 3, dtype=dtype, rng=0), rp.ReLU(), rp.Flatten(),
                        rp.Linear(144, 30, dtype=dtype, rng=1), rp.ReLU(), rp.Linear(30, 10, dtype=dtype, rng=2))
    frozen = net[6].weight
    frozen.data *= 10
    frozen.frozen = True
    kept, longest = frozen.data.copy(), []

    def look(run):
        rows = (w.data.reshape(len(w.data), -1) for w in (net[1].weight, net[4].weight))
        longest.append([float(np.linalg.norm(row, axis=1).max()) for row in rows])

    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.5), (X[:300], Y[:300]), epochs=4, rng=0, progress=False,
           callbacks=[rp.MaxNorm(0.5), look])
    assert np.max(longest) <= 0.5 * (1 + 1e-6)
    assert longest[-1] == pytest.approx([0.5, 0.5], rel=1e-5)       # it held them back
    assert_array_equal(frozen.data, kept)
    assert net[4].weight.data.dtype == dtype


@pytest.mark.parametrize("layer", [
    rp.Linear(20000, 3, weight_init=rp.Normal(1), rng=0),           # a sum of squares in float32 would be off by 1e-6
    rp.Conv2d(5, 3, 4, weight_init=rp.Normal(1), rng=0),
    rp.Linear(7, 3, weight_init=rp.Normal(1e25), rng=0),            # and of these, infinite
], ids=str)
def test_the_projection_keeps_directions_and_its_norm_is_exact(layer):
    """Holds for column-major arrays of any number of axes, width and size of the numbers."""
    before = layer.weight.data.reshape(3, -1).astype(np.float64)
    rp.MaxNorm(0.5).project(layer)
    after = layer.weight.data.reshape(3, -1).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 0.5, rtol=2e-7)
    np.testing.assert_allclose(after, before * 0.5 / np.linalg.norm(before, axis=1, keepdims=True), rtol=3e-7)
    kept = layer.weight.data.copy()
    rp.MaxNorm(0.6).project(layer)
    assert_array_equal(layer.weight.data, kept)


def test_a_shared_weight_is_held_and_stays_shared():
    one, two = rp.Linear(64, 64, rng=0), rp.Linear(64, 64, rng=1)
    two.weight = one.weight
    net = rp.Sequential(one, rp.Tanh(), two, rp.Tanh(), rp.Linear(64, 10, rng=2))
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.5), (X[:300], Y[:300]), epochs=2, rng=0, progress=False,
           callbacks=[rp.MaxNorm(0.7)])
    assert net[0].weight is net[2].weight
    assert np.linalg.norm(net[0].weight.data, axis=1).max() == pytest.approx(0.7, rel=1e-6)


@pytest.mark.parametrize("c", [0, -1, np.nan, "2"])
def test_the_norm_must_be_positive(c):
    with pytest.raises(rp.ArgumentError, match=r"c must be a number in \(0, inf\)"):
        rp.MaxNorm(c)
