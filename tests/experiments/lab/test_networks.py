"""Networks by name: initializations, LSUV among them, and architectures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.experiments.lab.data import source, spread
from retroprop.experiments.lab.networks import (
    FITTED,
    INITIALIZATIONS,
    Initialization,
    abbreviated,
    convolutions,
    dense,
    initialization,
    initializations,
    noisy,
    rectifiers,
)


@pytest.mark.parametrize(("name", "label", "distribution"), [
    ("glorot", "Glorot", rp.GlorotUniform()), ("He", "He", rp.HeNormal()), ("he in", "He in", rp.HeNormal("in")),
    ("He-out", "He out", rp.HeNormal("out")), ("lecun-uniform", "LeCun uniform", rp.LeCunUniform()),
    ("N(0,1)", "N(0, 1)", rp.Normal(1.0)), ("n(0, 0.01)", "N(0, 0.01²)", rp.Normal(0.01)),
    ("N(0, 0.01²)", "N(0, 0.01²)", rp.Normal(0.01)), ("N(0, 1e-9)", "N(0, 1e-09²)", rp.Normal(1e-9)),
    ("U(-0.5,0.5)", "U(-0.5, 0.5)", rp.Uniform(-0.5, 0.5))])
def test_initializations_by_name(name, label, distribution):
    assert initialization(name) == Initialization(label, distribution)
    assert initialization(name).initializer == distribution


def test_each_name_of_the_list_is_its_own_label():
    assert [initialization(name).label for name in INITIALIZATIONS] == list(INITIALIZATIONS)


@pytest.mark.parametrize(("name", "text"), [
    ("Xavier", "init must be one of Glorot, .*, LSUV, .*, got 'Xavier'"),
    ("N(0, 1..2)", r"init must be one of Glorot, .*, got 'N\(0, 1\.\.2\)'"),
    (rp.GlorotUniform(), r"init must be names of initializations, such as 'Glorot', got GlorotUniform\(")])
def test_names_that_are_none_are_refused(name, text):
    with pytest.raises(rp.ArgumentError, match=text):
        initialization(name)


def test_lsuv_is_no_initializer_alone():
    """Orthogonal weights that were never scaled on data would be another initialization under its name."""
    assert initialization("lsuv") == Initialization("LSUV", rp.Orthogonal(), fitted=True)
    with pytest.raises(rp.ArgumentError, match="init must be an initialization that needs no data here, got 'LSUV'"):
        _ = initialization("LSUV").initializer


def network(name, **options):
    data = source("digits")
    return initialization(name).network(
        lambda initializer: dense(64, 10, initializer, depth=2, width=30, **{"seed": 4} | options), data.some, 4)


def test_lsuv_scales_orthogonal_weights_on_the_data():
    """Each layer's output has variance 1 before training."""
    x = source("digits").some(FITTED)
    for name, unit in (("Orthogonal", False), ("LSUV", True)):
        outputs = [layer.activation for layer in rp.layer_statistics(network(name, activation="relu"), x)
                   if layer.kind == "Linear"]
        assert all((abs(y.var() - 1) < 0.1) == unit for y in outputs)


def test_only_lsuv_asks_for_data():
    asked = []
    for name in ("Glorot", "LSUV"):
        initialization(name).network(lambda initializer: rectifiers(64, 10, initializer, sizes=[8], seed=0),
                                     lambda count: asked.append(count) or source("digits").some(count), 0)
    assert asked == [FITTED]


def test_lsuv_is_paired_with_orthogonal_and_its_fit_draws_nothing():
    """The same random numbers, each weight times a number of its own; afterwards the masks of Dropout are those of others."""
    plain, fitted = (network(name, batch_norm=True, dropout=0.5) for name in ("Orthogonal", "LSUV"))
    for (name, a), b in zip(plain.named_parameters(), fitted.parameters(), strict=True):
        factor = b.data.flat[0] / a.data.flat[0] if a.data.ndim == 2 else 1
        assert (factor == 1) == (a.data.ndim == 1), name
        assert_allclose(b.data, factor * a.data, rtol=1e-5)
    for (_, a), (_, b) in zip(plain.named_generators(), fitted.named_generators(), strict=True):
        assert str(a.bit_generator.state) == str(b.bit_generator.state)
    for (_, a), (_, b) in zip(plain.named_buffers(), fitted.named_buffers(), strict=True):
        assert_array_equal(a, b)


def test_initializations_are_paired_by_seed():
    """Two initializations of one seed draw the same random numbers: Glorot's weights are Standard's, scaled."""
    glorot, standard = network("Glorot"), network("Standard")
    for a, b in zip(glorot.parameters(), standard.parameters(), strict=True):
        if a.data.ndim == 2:
            assert_allclose(a.data / b.data, np.full(a.shape, a.data[0, 0] / b.data[0, 0]), rtol=1e-5)
    assert not np.array_equal(glorot[0].weight.data, network("Glorot", seed=5)[0].weight.data)


def test_examples_are_spread_over_their_whole_order():
    """They may lie in the order of their classes."""
    x = np.arange(1000)[:, None]
    assert spread(x, 256)[[0, -1], 0].tolist() == [0, 999]
    assert len(set(spread(x, 256)[:, 0].tolist())) == 256
    assert spread(x[:5], 256)[:, 0].tolist() == [0, 1, 2, 3, 4]


def kinds(net):
    return [type(module).__name__ for module in net]


def test_a_dense_network_is_made_as_its_options_say():
    net = dense(64, 10, rp.HeNormal(), activation="relu", depth=2, width=30, batch_norm=True, norm_momentum=0.3, dropout=0.5)
    assert kinds(net) == ["Linear", "BatchNorm", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert {module.momentum for module in net if isinstance(module, rp.BatchNorm)} == {0.3}
    assert kinds(dense(64, 10, rp.HeNormal(), depth=0)) == ["Linear"]
    with pytest.raises(rp.ArgumentError, match=r"activation must be one of 'tanh', .*, got 'swish'"):
        dense(64, 10, rp.HeNormal(), activation="swish")


def test_rectifiers_end_with_a_linear_layer_unless_asked():
    shapes = [p.shape for p in rectifiers(6, 2, rp.HeNormal(), sizes=[5, 4], seed=0).parameters() if p.data.ndim == 2]
    assert shapes == [(5, 6), (4, 5), (2, 4)]
    assert kinds(rectifiers(6, 2, rp.HeNormal(), sizes=[5], seed=0)) == ["Linear", "ReLU", "Linear"]
    assert kinds(rectifiers(6, 2, rp.HeNormal(), sizes=[5], seed=0, last=True))[-1] == "ReLU"


def test_convolutions_pool_after_the_first_stages():
    net = convolutions(64, 10, rp.HeNormal(), stages=[[4, 4], [6]], pools=1, hidden=[7], seed=0)
    assert kinds(net) == ["Reshape", *["Conv2d", "ReLU"] * 2, "MaxPool2d", "Conv2d", "ReLU", "Flatten",
                          "Linear", "ReLU", "Linear"]
    assert net.forward(np.zeros((3, 64), np.float32)).shape == (3, 10)


def test_noise_is_before_each_layer_and_weights_do_not_depend_on_it():
    nets = [noisy(6, 2, rp.HeNormal(), sizes=[5, 4], keep=keep, keep_input=0.8, seed=1) for keep in (0.5, 1.0)]
    assert kinds(nets[0]) == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert kinds(nets[1]) == ["Dropout", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert_array_equal(a.data, b.data)


# The starts of libraries


def test_a_library_starts_weights_and_biases_and_is_paired_with_other_initializations():
    """PyTorch's weights are those of Standard, number by number, and so are those of the libraries that start alike."""
    standard, pytorch, keras = (network(name, dropout=0.5) for name in ("Standard", "pytorch", "Keras"))
    for a, b in zip(standard.parameters(), pytorch.parameters(), strict=True):
        if a.data.ndim == 2:
            assert_allclose(a.data, b.data, rtol=1e-6)
        else:
            assert np.abs(b.data).max() <= 30**-0.5 + 1e-6 or np.abs(b.data).max() <= 1 / 8
            assert b.data.all()
    for a, b in zip(network("Glorot").parameters(), keras.parameters(), strict=True):
        assert_allclose(a.data, b.data, rtol=1e-6)
    for (_, a), (_, b) in zip(standard.named_generators(), pytorch.named_generators(), strict=True):
        assert str(a.bit_generator.state) == str(b.bit_generator.state)


@pytest.mark.parametrize("name", [start.name for start in rp.initializers.starts()])
def test_every_library_is_an_initialization_of_the_seed(name):
    found = initialization(name)
    assert (found.label, found.start) == (name, rp.initializers.of(name))
    one, again, other = (network(name), network(name), initialization(name).network(
        lambda initializer: dense(64, 10, initializer, depth=2, width=30, seed=5), source("digits").some, 5))
    for a, b in zip(one.parameters(), again.parameters(), strict=True):
        assert_array_equal(a.data, b.data)
    assert np.array_equal(one[0].weight.data, other[0].weight.data) == (name == "OpenCV")
    with pytest.raises(rp.ArgumentError, match=rf"init must be a distribution of each weight here, not a library's start, got "
                                               rf"'{name}'"):
        _ = found.initializer


def test_only_neurolab_asks_for_the_range_of_the_data():
    asked = []
    for start in rp.initializers.starts():
        initialization(start.name).network(lambda initializer: rectifiers(64, 10, initializer, sizes=[8], seed=0),
                                           lambda count, name=start.name: asked.append(name) or source("digits").some(count), 0)
    assert asked == ["neurolab"]


def test_a_network_of_values_starts_its_last_layer_as_the_library_does():
    for name in ("Thinc", "H2O"):
        classes, values = (initialization(name).network(
            lambda initializer: dense(64, 10, initializer, depth=2, width=30, seed=0), source("digits").some, 0, classifier)
            for classifier in (True, False))
        assert_array_equal(classes[2].weight.data, values[2].weight.data)
        assert not np.array_equal(classes[4].weight.data, values[4].weight.data)


def test_libraries_stands_for_all_of_them():
    names = [start.name for start in rp.initializers.starts()]
    assert initializations("libraries") == initializations(["Libraries"]) == tuple(names)
    assert initializations(["Glorot", "libraries", "keras"])[:3] == ("Glorot", "Keras", "PyTorch")
    assert sorted(initializations(["Glorot", "libraries", "keras"])) == sorted(["Glorot", *names])
    for given in (["libraries"], ["Glorot", "libraries"], ["Keras", "Glorot", "libraries"], ["Glorot", "Keras"], ["Keras"]):
        assert abbreviated(initializations(given)) == tuple(given)
    assert abbreviated(initializations(["libraries", "Glorot"])) == ("Glorot", "libraries")
    for wrong in ([], ["Glorot", "glorot"], ["torch", "PyTorch"], ["libraries", "libraries"]):
        with pytest.raises(rp.ArgumentError, match="init must name at least one initialization, and each once, got "):
            initializations(wrong)
    with pytest.raises(rp.ArgumentError, match="a library that 'retroprop initializers' lists, got 'Pytroch'; did you mean "
                                               "'PyTorch'"):
        initializations("Pytroch")


def test_a_dense_network_with_a_gain_and_random_biases():
    plain, drawn = (dense(6, 3, rp.LeCunNormal(), depth=3, width=400, seed=0, **options)
                    for options in ({}, {"gain": 1.5, "bias_std": 0.2}))
    for a, b in zip(list(plain)[::2], list(drawn)[::2], strict=True):
        assert_allclose(b.weight.data, 1.5 * a.weight.data, rtol=1e-6)
        assert not a.bias.data.any()
    assert np.concatenate([layer.bias.data for layer in list(drawn)[::2]]).std() == pytest.approx(0.2, rel=0.1)
