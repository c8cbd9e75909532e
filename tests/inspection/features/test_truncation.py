"""The part of a network up to a layer, as a network of its own."""

from __future__ import annotations

import warnings
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.inspection.features.truncation import layers, scores, truncated


def nested():
    block = rp.Sequential(rp.Linear(4, 3, rng=0), rp.Dropout(0.5, rng=1), rp.Tanh())
    return rp.Sequential(block, rp.BatchNorm(3), rp.Linear(3, 2, rng=2), rp.Softmax())


def graph():
    inside = rp.Graph({"s": (rp.Add(), "u", "v"), "t": (rp.Tanh(), "u"), "w": (rp.Multiply(), "s", "t")},
                      inputs=["u", "v"], outputs="w")
    return rp.Graph({"a": (rp.Sequential(inside, rp.Sigmoid()), "x", "y"), "b": (rp.Linear(4, 2, rng=0), "y"),
                     "c": (rp.Concat(), "a", "b"), "p": (rp.LogSoftmax(), "c")}, inputs=["x", "y"], outputs="p")


def inputs(net):
    x, y = np.random.default_rng(0).standard_normal((2, 5, 4)).astype("float32")
    return x if net.arity == 1 else (x, y)


def layer_by_layer(net, x):
    """Return the output of each layer by path: each leaf runs alone, and a container has the output of its last leaf."""
    net, found = deepcopy(net).eval(), {}
    paths = {id(module): path for path, module in net.leaves()}

    def step(module, value):
        found[paths[id(module)]] = y = deepcopy(module).forward(value)
        return y

    net.flow(x, step)
    return {path: found[module.leaves(path)[-1][0]] for path, module in layers(net).items()}


@pytest.mark.parametrize("make", [nested, graph])
def test_the_output_of_the_part_is_that_of_the_layer(make):
    net = make()
    x = inputs(net)
    fewer = {"a.0.t": x[0], "b": x[1]} if make is graph else {}     # layers that depend on one of the inputs only
    for path, y in layer_by_layer(net, x).items():
        assert_array_equal(truncated(net, path).forward(fewer.get(path, x)), y, err_msg=path)


def test_the_part_has_exactly_the_modules_on_which_the_layer_depends():
    assert repr(truncated(nested(), "0.0")) == "Sequential(Sequential(Linear(4, 3)))"
    assert list(truncated(graph(), "b")) == ["b"]
    assert [name for name, _ in truncated(graph(), "a.0.t").named_modules()] == ["", "a", "a.0", "a.0.t"]


def test_the_part_is_a_copy_in_evaluation_mode_and_the_network_does_not_change():
    net = nested()
    x = inputs(net)
    y = net.forward(x).copy()
    part = truncated(net, "1")
    part.parameters()[0].data[...] = 0
    assert not part.training
    assert net.training
    assert_array_equal(net.backward(np.ones_like(y)).shape, x.shape)          # its point still exists
    assert np.abs(net.parameters()[0].data).max() > 0


def test_shared_parameters_stay_shared_and_no_warning_comes_twice():
    first, second = rp.Linear(4, 4, rng=0), rp.Linear(4, 4, rng=1)
    second.weight = first.weight
    part = truncated(rp.Sequential(first, rp.Tanh(), second, rp.Tanh()), "2")
    assert part[0].weight is part[2].weight
    with pytest.warns(UserWarning, match="start with the same numbers"):
        net = rp.Sequential(rp.Linear(4, 4, rng=0), rp.Tanh(), rp.Linear(4, 4, rng=0), rp.Tanh())
    with warnings.catch_warnings(action="error"):
        truncated(net, "2")


def test_scores_are_the_input_of_the_final_module():
    for net in (nested(), graph()):
        x = inputs(net)
        values = layer_by_layer(net, x)
        assert_array_equal(scores(net).forward(x), values["c" if net.arity == 2 else "2"])
    linear = rp.Sequential(rp.Linear(4, 2, rng=0))
    x = inputs(linear)
    y = linear.forward(x)
    for closing in (rp.Sigmoid(), rp.Sequential(rp.Softmax()), rp.Identity()):
        assert_array_equal(scores(rp.Sequential(deepcopy(linear), closing)).forward(x), y)
    assert_array_equal(scores(rp.Softmax()).forward(x), x)


def test_errors_list_the_layers():
    with pytest.raises(rp.ArgumentError, match=r"layer must be one of '0', '0\.0', '0\.1', '0\.2', '1', '2', '3', got '4'"):
        truncated(nested(), "4")
    with pytest.raises(rp.ArgumentError, match=r"layer must be in a Sequential or a Graph, not in Tanh\(\), got ''"):
        truncated(rp.Tanh(), "")
    with pytest.raises(rp.ArgumentError, match="one output, the class scores, got 2"):
        scores(rp.Graph({"a": (rp.Tanh(), "x"), "b": (rp.Sigmoid(), "x")}, inputs="x", outputs=["a", "b"]))
    inside = rp.Graph({"s": (rp.Tanh(), "u"), "t": (rp.Add(), "s", "v")}, inputs=["u", "v"], outputs="t")
    net = rp.Sequential(rp.Graph({"a": (rp.Tanh(), "x"), "b": (rp.Sigmoid(), "x")}, inputs="x", outputs=["a", "b"]), inside)
    assert truncated(net, "1.t").output_shape((5, 4)) == (5, 4)
    with pytest.raises(rp.ArgumentError, match=r"depend on all arrays of the tuple that its container reads, got '1\.s'"):
        truncated(net, "1.s")


def test_the_paths_are_those_of_named_modules():
    for net in (nested(), graph()):
        assert set(layers(net)) == {path for path, _ in net.named_modules()} - {""}
        with pytest.raises(rp.ArgumentError, match="layer must be one of"):
            truncated(net, "")
