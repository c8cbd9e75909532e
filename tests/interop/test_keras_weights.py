"""from_keras: weights of Keras, from its files, lists and models, in the layout and with the conventions of this library."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.interop import from_keras

FILES = Path(__file__).parent / "files"


def dense(*, bias=True):
    a, b, c = np.random.default_rng(0).spawn(3)
    return rp.Sequential(rp.Linear(3, 4, rng=a), rp.BatchNorm(4), rp.Linear(4, 4, bias, rng=b), rp.BatchNorm(4),
                         rp.Linear(4, 2, rng=c))


def images():
    a, b = np.random.default_rng(0).spawn(2)
    return rp.Sequential(rp.Conv2d(2, 3, 3, rng=a), rp.ReLU(), rp.Flatten(), rp.BatchNorm(12), rp.Linear(12, 2, rng=b))


def in_keras(net):
    """The state of a network as a list of arrays of Keras."""
    arrays = [np.asarray(getattr(module, name) if name in module.buffers else getattr(module, name).data)
              for _, module in net.named_modules() if module.own_parameters() for name in ("weight", "bias", *module.buffers)]
    return [array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T.copy() for array in arrays]


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py", reason="needs the extra keras")


def conventions(net):
    return [(round(one.momentum, 12), one.eps, one.unbiased) for _, one in net.named_modules() if isinstance(one, rp.BatchNorm)]


@pytest.mark.parametrize("name", ["plain.keras", "plain.h5"])
def test_a_saved_model_tells_order_momentum_and_eps(h5py, name):
    net, expected = dense(bias=False), np.load(FILES / "plain.npz")
    assert from_keras(net, FILES / name) is net
    assert_allclose(net.predict(expected["x"]), expected["predicted"], rtol=1e-6)
    assert conventions(net) == [(0.2, 0.01, False), (0.01, 1e-3, False)]
    assert [parameter.frozen for parameter in net[3].parameters()] == [True, False]     # scale=False
    from_keras(net, str(FILES / name), momentum=0.5, eps=0.1)
    assert conventions(net) == [(0.5, 0.1, False), (0.5, 0.1, False)]


def test_a_list_of_weights_is_transposed_and_has_the_defaults_of_keras():
    source = dense()
    for array in (source[1].running_mean, source[1].running_var, source[3].running_var):
        array[...] = np.random.default_rng(1).uniform(1, 2, 4)
    weights = in_keras(source)
    net = from_keras(dense(), weights)
    for name, array in source.state_dict().items():
        assert_array_equal(net.state_dict()[name], array)
    assert conventions(net) == [(0.01, 1e-3, False)] * 2
    weights[0][...] = 7                                             # the numbers are copies
    assert_array_equal(net[0].weight.data, source[0].weight.data)


def test_what_follows_flattened_images_is_put_into_the_order_of_channels_first():
    """Of an image of 2 x 2 pixels and 3 channels, Keras's row holds the channels of a pixel side by side."""
    source = images()
    weights = in_keras(source)
    order = np.arange(12).reshape(3, 2, 2).transpose(1, 2, 0).reshape(-1)               # which of ours stand there
    theirs = [*weights[:2], *(array[order] for array in weights[2:7]), weights[7]]
    source[3].running_mean[...], theirs[4] = np.arange(12), np.arange(12)[order]
    net = from_keras(rp.Sequential(images()), theirs)
    for name, array in source.state_dict().items():
        assert_array_equal(net.state_dict()[f"0.{name}"], array)
    kept = from_keras(images(), theirs, data_format="channels_first")
    assert_array_equal(kept[3].running_mean, np.arange(12)[order])


@pytest.mark.parametrize(("channels", "moved"), [(1, False), (3, True)])
def test_images_that_are_flattened_at_once_have_the_channels_that_are_given(channels, moved):
    net, kernel = rp.Sequential(rp.Flatten(), rp.Linear(12, 1)), np.arange(12.0)[:, None]
    from_keras(net, [kernel, np.zeros(1)], channels=channels)
    assert_array_equal(net[1].weight.data[0], kernel.reshape(4, 3).T.reshape(-1) if moved else kernel[:, 0])


def weights_file(h5py, path, layers):
    with h5py.File(path, "w") as file:
        for place, arrays in layers.items():
            group = file.create_group(f"{place}/vars")
            for k, array in enumerate(arrays):
                group[str(k)] = array


def test_layers_of_a_class_are_numbered_in_a_file_of_weights(h5py, tmp_path):
    """``dense_10`` stands before ``dense_2`` in the file; arrays of optimizers and of Dropout's generators are no layers."""
    arrays = [[np.full((2, 2), k), np.full(2, k)] for k in range(12)]
    places = ["layers/dense", *(f"layers/dense_{k}" for k in range(1, 12))]
    weights_file(h5py, path := tmp_path / "a.weights.h5", dict(zip(places, arrays, strict=True)) | {
        "optimizer": [np.ones(3)], "layers/dropout/seed_generator": [np.ones(2)]})
    net = from_keras(rp.Sequential(*(rp.Linear(2, 2) for _ in range(12))), path)
    assert [module.bias.data[0] for module in net] == list(range(12))


NORM = [np.ones(3)] * 4


@pytest.mark.parametrize(("layers", "module", "text"), [
    ({"layers/sequential/layers/dense": [np.eye(3)], "layers/dense": [np.eye(3)]}, rp.Linear(3, 3, bias=False),
     "the order does not tell which arrays are meant: not as many of the same shapes; the network has '0' (weight (3, 3)), the "
     "file 'layers/dense_0' (weight (3, 3)), 'layers/sequential_0/layers/dense_0' (weight (3, 3)); give a .keras file, or "
     "model.get_weights()"),
    ({"layers/batch_normalization": NORM[:3]}, rp.BatchNorm(3), "layers/batch_normalization has arrays of the shapes (3,), "
     "(3,), (3,), which none of Dense, Conv2D, BatchNormalization has in a .weights.h5 file"),
    ({"layers/layer_normalization": NORM}, rp.BatchNorm(3), "layers/layer_normalization has arrays"),
    ({"layers/conv2d_transpose": [np.ones((2, 2, 3, 3))]}, rp.Conv2d(3, 3, 2, bias=False), "layers/conv2d_transpose has"),
    ({"layers/dense": [np.eye(3)]}, rp.Linear(3, 4, bias=False), "not as many of the same shapes; the network has '0' (weight "
     "(4, 3)), the file none"),
])
def test_a_file_of_weights_that_does_not_fit_is_refused(h5py, tmp_path, layers, module, text):
    weights_file(h5py, path := tmp_path / "a.weights.h5", layers)
    with pytest.raises(rp.StateError) as caught:
        from_keras(rp.Sequential(module), path)
    assert text in str(caught.value)


def test_layers_in_inner_models_give_no_order_in_a_file_of_weights(h5py, tmp_path):
    layers = {"layers/sequential/layers/dense": [np.eye(3)], "layers/dense": [np.eye(3)]}
    weights_file(h5py, path := tmp_path / "a.weights.h5", layers)
    with pytest.raises(rp.StateError, match="names that give no order of the same shapes; the network has '0'"):
        from_keras(rp.Sequential(*(rp.Linear(3, 3, bias=False) for _ in range(2))), path)


def test_layers_that_a_model_names_itself_are_known_by_their_shapes(h5py, tmp_path):
    layers = {"fc1": [np.eye(3), np.ones(3)], "norm": NORM, "fc2": [2 * np.eye(3), np.ones(3)]}
    weights_file(h5py, path := tmp_path / "a.weights.h5", layers)
    net = from_keras(rp.Sequential(rp.Linear(3, 3), rp.BatchNorm(3), rp.Linear(3, 3)), path)
    assert_array_equal(net[2].weight.data, 2 * np.eye(3))


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n", "half"])
@pytest.mark.parametrize("name", ["plain.h5", "plain.keras"])
def test_a_damaged_file_is_refused_and_changes_nothing(h5py, tmp_path, content, name):
    whole, path, net = (FILES / name).read_bytes(), tmp_path / "bad", dense(bias=False)
    path.write_bytes(whole[:len(whole) // 2] if content == "half" else content)
    before = net.state_dict()
    with pytest.raises(rp.FileFormatError, match=r"bad: not a whole file of Keras, \.weights\.h5, \.keras or \.h5"):
        from_keras(net, path)
    for key, array in before.items():
        assert_array_equal(net.state_dict()[key], array)
    with pytest.raises(FileNotFoundError):
        from_keras(net, tmp_path / "none.h5")


LISTED = in_keras(dense())


@pytest.mark.parametrize(("net", "source", "options", "kind", "text"), [
    (3, LISTED, {}, rp.ArgumentError, "from_keras: net must be a Module, got 3"),
    (dense(), 3, {}, rp.ArgumentError, "source must be the path of a file, a list of arrays or a Keras model, got 3"),
    (dense(), LISTED, {"momentum": 2}, rp.ArgumentError, "momentum must be a number in [0, 1], got 2"),
    (dense(), LISTED, {"eps": 0}, rp.ArgumentError, "eps must be a number in (0, inf), got 0"),
    (dense(), LISTED, {"data_format": "nchw"}, rp.ArgumentError, "data_format must be one of 'channels_last', 'chan"),
    (dense(), LISTED, {"channels": 0}, rp.ArgumentError, "channels must be an integer of at least 1, got 0"),
    (dense(), LISTED[:-1], {}, rp.StateError, "the weights must be 14 arrays, for '0' (weight (4, 3), bias (4,)), '1' (weight"),
    (dense(), [*LISTED[:-2], LISTED[-2].T, LISTED[-1]], {}, rp.StateError, "the layers must have the shapes of the network's "
     "modules, one after another, which are '0' (weight (4, 3), bias (4,)), '1'"),
    (dense(), [*LISTED[:-1], [np.nan, 1.0]], {}, rp.StateError, "'4.bias' must be finite in float32, got nan"),
    (dense(), [*LISTED[:-1], ["a", "b"]], {}, rp.DtypeError, "array 13 of the weights must be real numbers, got <U1"),
    (rp.Sequential(rp.LayerNorm(3)), [np.ones(3)] * 2, {}, rp.ArgumentError, "net must have parameters in Linear, Conv2d and "
     "BatchNorm only, got LayerNorm(3) at '0'"),
    (rp.Sequential(rp.Flatten(), rp.Linear(4, 1)), [np.ones((4, 1)), np.ones(1)], {"channels": 3}, rp.StateError,
     "what meets flattened images must have a multiple of 3 numbers, their channels, got 4"),
])
def test_what_does_not_fit_is_refused_and_changes_nothing(net, source, options, kind, text):
    before, counted = (net.state_dict(), conventions(net)) if net != 3 else ({}, [])
    with pytest.raises(kind) as caught:
        from_keras(net, source, **options)
    assert text in str(caught.value)
    for key, array in before.items():
        assert_array_equal(net.state_dict()[key], array)
    assert net == 3 or conventions(net) == counted


def layer(kind, name, weights, **config):
    return type(kind, (), {"name": name, "get_weights": lambda self: weights, "get_config": lambda self: config})()


def test_a_live_model_tells_its_layers(monkeypatch):
    """Also those of an inner model; other layers that have weights are refused. No package is needed for it."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    first, second = layer("Dense", "a", LISTED[:2]), layer("BatchNormalization", "b", LISTED[2:6], momentum=0.9, epsilon=0.1)
    inner = SimpleNamespace(layers=[first, layer("ReLU", "c", []), second])
    model = SimpleNamespace(layers=[inner, layer("Dense", "d", LISTED[6:8])], get_weights=list)
    net = from_keras(rp.Sequential(rp.Sequential(rp.Linear(3, 4), rp.ReLU(), rp.BatchNorm(4)), rp.Linear(4, 4)), model)
    assert_array_equal(net[1].weight.data, LISTED[6].T)
    assert conventions(net[0]) == [(0.1, 0.1, False)]
    model.layers[1] = layer("Conv2D", "d", [np.ones((1, 1, 1, 4))], groups=4)
    with pytest.raises(rp.StateError, match="Conv2D 'd' has no form here; there is one for Dense, Conv2D, BatchNormalization"):
        from_keras(net, model)
    with pytest.raises(rp.ArgumentError, match=r"needs the extra keras: pip install 'retroprop\[keras\]'"):
        from_keras(net, FILES / "plain.keras")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")
def test_a_model_of_keras_where_it_is_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("jax", reason="needs keras on jax")
    keras = pytest.importorskip("keras", reason="needs keras on jax")
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU(),
                              layers.MaxPooling2D(), layers.Flatten(), keras.Sequential([layers.Dense(4), layers.Dropout(0.3)]),
                              layers.BatchNormalization(), layers.Dense(4, use_bias=False), layers.Dense(2)])
    model.set_weights([rng.uniform(0.1, 0.5, array.shape) for array in model.get_weights()])
    x = rng.standard_normal((5, 2, 6, 6)).astype("float32")
    expected = model.predict(x.transpose(0, 2, 3, 1), verbose=0)
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "a.keras")
    for source in (model, model.get_weights(), tmp_path / "a.keras", tmp_path / "a.weights.h5"):
        net = rp.Sequential(rp.Conv2d(2, 3, 3), rp.BatchNorm(3), rp.ReLU(), rp.MaxPool2d(2), rp.Flatten(),
                            rp.Sequential(rp.Linear(12, 4), rp.Dropout(0.3)), rp.BatchNorm(4), rp.Linear(4, 4, bias=False),
                            rp.Linear(4, 2))
        assert_allclose(from_keras(net, source).predict(x), expected, atol=1e-5)
