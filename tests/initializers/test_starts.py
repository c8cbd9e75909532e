"""Starts by the names of libraries, and drawing the layers of a network in place from them."""

import copy
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError
from retroprop.initializers import chain, networks, of, starts
from retroprop.initializers.networks import layers_of
from retroprop.initializers.start import KNOWN, library_names
from retroprop.inspection.contract.cases import MODULES


def dense(**options):
    return rp.Sequential(rp.Linear(7, 6, rng=0, **options), rp.Tanh(), rp.Linear(6, 5, rng=1, **options), rp.Tanh(),
                         rp.Linear(5, 3, rng=2, **options))


def images(activation=rp.ReLU):
    return rp.Sequential(rp.Conv2d(2, 4, 3, rng=0), rp.BatchNorm(4), activation(), rp.MaxPool2d(2), rp.Dropout(0.5),
                         rp.Flatten(), rp.Linear(16, 10, rng=1), activation(), rp.Linear(10, 3, rng=2))


# Names


@pytest.mark.parametrize(("name", "library"), [
    ("pytorch", "PyTorch"), ("PyTorch", "PyTorch"), ("torch", "PyTorch"), ("Scikit Learn", "scikit-learn"),
    ("sklearn", "scikit-learn"), ("r_nnet", "R-nnet"), ("R-AMORE", "R-AMORE"), ("tensorflow.js", "TensorFlow.js"),
    ("TensorFlowJS", "TensorFlow.js"), ("brainjs", "brain.js"), ("Gluon", "MXNet"), ("mxnet-module", "MXNet Module"),
    ("ML-FNN", "ml-fnn"), ("opencv", "OpenCV"), ("H2O", "H2O"), ("R-RSNNS", "RSNNS"), ("numpy_ml", "numpy-ml")])
def test_case_and_punctuation_do_not_matter(name, library):
    assert of(name).name == library


def test_names_are_distinct_and_none_is_that_of_an_initialization():
    from retroprop.experiments.lab.networks import INITIALIZATIONS, initialization
    assert len(KNOWN) == len(library_names())
    assert all(initialization(name).start is None for name in INITIALIZATIONS)
    assert all(initialization(name).start is of(name) for name in library_names())


@pytest.mark.parametrize(("name", "end"), [
    ("PyTroch", "got 'PyTroch'; did you mean 'PyTorch'?"), ("Kreas", "got 'Kreas'; did you mean 'Keras'?"),
    ("neuralnet2", "got 'neuralnet2'; did you mean 'neuralnet'?"), ("xyzzy", "got 'xyzzy'"), (3, "got 3"), (None, "got None")])
def test_other_names_are_refused_with_what_was_meant(name, end):
    with pytest.raises(ArgumentError, match=rf"^name must be a library: PyTorch, .*, mlxtend; {re.escape(end)}$"):
        of(name)


def test_a_start_can_be_copied_pickled_and_compared():
    for start in starts():
        assert pickle.loads(pickle.dumps(start)) is start
        assert copy.deepcopy(start) == start
    assert of("PyTorch") != of("MindSpore")
    assert repr(of("Keras")) == ("Start(name='Keras', version='3.15.1', weight='U(±√(6/(i+o)))', bias='0', "
                                 "convolution=('U(±√(6/(i+o)))', '0'), aliases=('tf.keras', 'TensorFlow'))")


def test_the_table_is_imported_when_it_is_used():
    code = ("import sys, retroprop as rp; rp.Linear(2, 3); print('retroprop.initializers.libraries' in sys.modules); "
            "print('of' in dir(rp.initializers), rp.initializers.of('keras').name)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "Keras"]


# Networks


@pytest.mark.parametrize("name", [start.name for start in starts()])
def test_a_network_gets_the_arrays_of_the_rule(name):
    net = dense()
    of(name)(net, rng=7)
    for layer, (weight, bias) in zip(net.modules[::2], of(name).draw(chain(7, 6, 5, 3), rng=7), strict=True):
        assert_array_equal(layer.weight.data, weight.astype("float32"))
        assert_array_equal(layer.bias.data, bias.astype("float32"))


def test_the_parameters_stay_where_they_are():
    """An optimizer that holds them, the flat vector, and workspaces that view it, see the new numbers."""
    net, x = dense(), np.ones((4, 7), np.float32)
    net.forward(x)
    flat, arrays = net[0].weight.flat, [(p.data, p.flat, p.offset) for p in net.parameters()]
    of("PyTorch")(net, rng=0)
    assert all(p.data is data and p.flat is same and p.offset == offset
               for p, (data, same, offset) in zip(net.parameters(), arrays, strict=True))
    assert_array_equal(flat.data[:3], net.parameters()[0].data.T.reshape(-1)[:3])
    fresh = dense()
    fresh.load_state_dict(net.state_dict())
    assert_array_equal(net.forward(x), fresh.forward(x))


def test_float64_networks_start_with_the_same_numbers_rounded_less():
    single, double = dense(), dense(dtype="float64")
    for net in (single, double):
        of("Flax")(net, rng=1)
    for a, b in zip(single.parameters(), double.parameters(), strict=True):
        assert_array_equal(a.data, b.data.astype("float32"))


def test_a_seed_and_a_generator_decide_the_numbers():
    def drawn(rng):
        net = dense()
        of("PyTorch")(net, rng=rng)
        return net[2].weight.data.copy()

    assert_array_equal(drawn(5), drawn(np.int64(5)))
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    first = drawn(one)
    assert_array_equal(first, drawn(two))
    assert not np.array_equal(first, drawn(one))                    # the generator has moved on
    assert_array_equal(drawn(one), (drawn(two), drawn(two))[1])
    assert not np.array_equal(drawn(None), drawn(None))
    with pytest.raises(ArgumentError, match="rng must be None, an integer of at least 0"):
        drawn("seed")


def test_layers_without_a_bias_and_frozen_parameters():
    net = rp.Sequential(rp.Linear(7, 6, bias=False, rng=0), rp.Tanh(), rp.Linear(6, 5, rng=1), rp.Linear(5, 3, rng=2))
    net[2].weight.frozen = net[3].bias.frozen = True
    kept = net[2].weight.data.copy()
    of("PyTorch")(net, rng=0)
    assert_array_equal(net[2].weight.data, kept)
    assert net[2].bias.data.any()
    assert not net[3].bias.data.any()
    assert 0.3 < np.abs(net[3].weight.data).max() <= 5**-0.5 + 1e-7


def test_a_shared_weight_is_drawn_once_and_counted_once():
    net = rp.Sequential(rp.Linear(6, 6, rng=0), rp.Tanh(), rp.Linear(6, 6, rng=1))
    net[2].weight = net[0].weight
    of("R-AMORE")(net, rng=0)
    assert net[2].weight is net[0].weight
    [(_, first), _] = layers_of(net)
    assert first.parameters == 36 + 6 + 6
    weight = of("R-AMORE").draw([first], rng=0)[0][0]
    assert np.abs(weight).max() <= (3 / 48) ** 0.5


def test_only_layers_are_drawn():
    net = images()
    others = net[1].parameters()
    before = [p.data.copy() for p in others]
    of("Keras")(net, rng=0)
    for p, old in zip(others, before, strict=True):
        assert_array_equal(p.data, old)
    assert np.abs(net[0].weight.data).max() <= (6 / (18 + 36)) ** 0.5


def test_all_layers_or_none_are_drawn():
    for name, text in (("scikit-learn", "no rule for a convolution"), ("OpenCV", "no rule for a convolution")):
        net = rp.Sequential(rp.Linear(4, 4, rng=0), rp.Tanh(), rp.Reshape(1, 2, 2), rp.Conv2d(1, 2, 2, rng=1))
        before = net.state_dict()
        with pytest.raises(ArgumentError, match=rf"^start: module 3, Conv2d\(1, 2, .*, must be a dense layer: .*{text}$"):
            of(name)(net, rng=0)
        for path, array in net.state_dict().items():
            assert_array_equal(array, before[path])


def test_what_is_no_network_is_refused():
    with pytest.raises(ArgumentError, match=r"^start: net must have a Linear, .* or another layer with weights, got Tanh\("):
        of("Keras")(rp.Tanh())
    for wrong in (3, None, [rp.Linear(2, 3)], np.ones(3), "net"):
        with pytest.raises(ArgumentError, match=r"^start: net must be a Module, got "):
            of("Keras")(wrong)
    for wrong in (3, (1,), (1, 0), (0, "1"), (0, np.inf), (np.nan, 1), (-1e308, 1e308)):
        with pytest.raises(ArgumentError, match=r"^inputs"):
            of("Keras")(dense(), inputs=wrong)
    for wrong in ((3,), (3, 0), (3, 2.5)):
        with pytest.raises(ArgumentError, match=r"units|each size"):
            chain(*wrong)


# Activations: that of the next module with one


def found(net):
    return [(layer.found, layer.last) for _, layer in layers_of(net)]


def test_the_activation_is_that_of_the_next_module_with_one():
    assert found(images()) == [(("relu",), False), (("relu",), False), (("identity",), True)]
    net = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Linear(3, 3, rng=1), rp.Sequential(rp.LayerNorm(3), rp.GELU()),
                        rp.Linear(3, 3, rng=2), rp.Softmax())
    assert found(net) == [(("identity",), False), (("gelu",), False), (("softmax",), True)]

    class Mine(rp.Tanh):
        pass

    assert found(rp.Sequential(rp.Linear(3, 3), Mine()))[0][0] == ("tanh",)


def test_a_branch_with_two_activations_is_ambiguous_where_the_rule_depends_on_it():
    net = rp.Graph({"h": (rp.Linear(3, 4, rng=0), "x"), "a": (rp.Tanh(), "h"), "b": (rp.ReLU(), "h"), "s": (rp.Add(), "a", "b"),
                    "y": (rp.Linear(4, 2, rng=1), "s")}, inputs="x", outputs="y")
    assert found(net) == [(("tanh", "relu"), False), (("identity",), True)]
    of("PyTorch")(net, rng=0)
    for name in ("numpy-ml", "H2O", "ConvNetJS", "neurolab"):
        with pytest.raises(ArgumentError, match=r"^start: the activation after module h, Linear\(3, 4\), must be one that "
                                                r"the rule can know, got tanh and relu$"):
            of(name)(net, rng=0)
    with pytest.raises(ArgumentError, match=r"^start: the activation of the hidden layers must be one .*, got tanh and relu$"):
        of("scikit-learn")(net, rng=0)


def test_a_residual_block_has_one_activation_and_its_first_layer_is_not_the_last():
    net = rp.Graph({"h": (rp.Linear(3, 3, rng=0), "x"), "a": (rp.ReLU(), "h"), "k": (rp.Linear(3, 3, rng=1), "a"),
                    "s": (rp.Add(), "k", "h"), "y": (rp.ReLU(), "s")}, inputs="x", outputs="y")
    assert found(net) == [(("relu",), False), (("relu",), True)]


def test_a_module_of_the_users_hides_what_follows_its_layers():
    class Block(rp.Module):
        def __init__(self):
            self.inner = rp.Linear(3, 3, rng=1)

        def forward(self, x):
            self.point = x
            return np.sin(self.inner.forward(x))

        def backward(self, g):
            return g

    net = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Tanh(), Block(), rp.Function(np.sin, np.cos), rp.Linear(3, 2, rng=2))
    assert found(net) == [(("tanh",), False), (("identity",), True), (("unknown",), None)]
    of("PyTorch")(net, rng=0)
    assert net[2].inner.bias.data.any()
    with pytest.raises(ArgumentError, match=r"^start: module 2.inner, Linear\(3, 3\), must be in a Sequential or Graph"):
        of("R-monmlp")(net, rng=0)
    with pytest.raises(ArgumentError, match=r"must be one that the rule can know, got unknown$"):
        of("numpy-ml")(net, rng=0)
    with pytest.raises(ArgumentError, match=r"must be one that the rule can know, got Function$"):
        of("numpy-ml")(rp.Sequential(rp.Linear(3, 3), rp.Function(np.sin, np.cos)))


def test_every_module_is_an_activation_or_is_passed():
    """A new module must be put among one of them."""
    from retroprop.initializers.architecture import ACTIVATIONS
    kinds = {type(case.build()).__name__ for case in MODULES}
    others = {"Function", "Graph", "Linear", "Conv2d", "Sequential", "Embedding", "Residual"}
    assert {kind for kind in kinds if kind.lower() not in ACTIVATIONS} - networks.PASSED - others == set()
