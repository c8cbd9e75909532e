"""A Parameter that takes another's place, at any time: its gradient is the sum over its places, and optimizers notice."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from steps import refuses

import retroprop as rp

RNG = np.random.default_rng(0)
X, G = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 3))


def chain():
    return rp.Sequential(rp.Linear(3, 3, rng=0), rp.Tanh(), rp.Linear(3, 3, rng=1)).astype("float64")


def nested():
    first, second = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Tanh()), rp.Sequential(rp.Linear(3, 3, rng=1))
    return rp.Sequential(first, second).astype("float64")


def graph():
    return rp.Graph({"a": (rp.Linear(3, 3, rng=0), "x"), "t": (rp.Tanh(), "a"), "b": (rp.Linear(3, 3, rng=1), "t"),
                     "z": (rp.Add(), "a", "b")}, inputs="x", outputs="z").astype("float64")


LAYERS = {chain: lambda net: (net[0], net[2]), nested: lambda net: (net[0][0], net[1][0]),
          graph: lambda net: (net["a"], net["b"])}


def phases(net):
    net.forward(X), net.backward(G), net.update()


def untied(build, net):
    """A network of the same numbers, whose two weights are two Parameters."""
    other = build()
    other.load_state_dict(net.state_dict())
    phases(other)
    return other


@pytest.mark.parametrize("when", ["before the first step", "after a step", "between forward and backward", "before update"])
@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
def test_the_gradient_of_a_shared_parameter_is_the_sum_whenever_it_was_shared(build, when):
    net = build()
    first, second = LAYERS[build](net)
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    second.weight.data[...] = first.weight.data                     # between the phases the point must stay that of forward
    if when != "before the first step":
        phases(net)
    if when == "after a step":
        optimizer.step()
        second.weight.data[...] = first.weight.data
    if when == "between forward and backward":
        net.forward(X)
    if when == "before update":
        net.forward(X), net.backward(G)
    second.weight = first.weight
    if when in ("before the first step", "after a step"):
        net.forward(X)
    if when != "before update":
        net.backward(G)
    net.update()
    a, b = LAYERS[build](untied(build, net))
    assert_allclose(first.weight.grad, a.weight.grad + b.weight.grad, rtol=1e-12)
    assert_allclose(second.bias.grad, b.bias.grad, rtol=1e-12)


@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
def test_an_optimizer_built_before_the_assignment_trains_the_shared_parameter(build):
    """It moves by the sum, once, and the other Parameter, which left the network, does not matter."""
    net = build()
    first, second = LAYERS[build](net)
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    phases(net)
    optimizer.step()
    second.weight = first.weight
    phases(net)
    before = first.weight.data.copy()
    a, b = LAYERS[build](untied(build, net))
    optimizer.step()
    assert_allclose(first.weight.data, before - 0.1 * (a.weight.grad + b.weight.grad), rtol=1e-12)
    assert second.weight is first.weight


def test_an_optimizer_refuses_to_pass_over_a_new_parameter():
    net = chain()
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    phases(net)
    optimizer.step()
    old, state = net[0].weight, net.state_dict()
    net[0].weight = rp.Parameter(np.ones((3, 3)), "weight", "float64")
    phases(net)
    text = ("SGD(lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0, decay_biases=True): "
            "Parameter('weight', shape=(3, 3), dtype='float64') "
            "was replaced by another one after this optimizer was built, which would not move it: build the optimizer again, "
            "from net.parameters()")
    for _ in range(2):
        with refuses(rp.ArgumentError, text):
            optimizer.step()
    assert_allclose(net[2].weight.data, state["2.weight"], rtol=0)
    rp.SGD(net.parameters(), lr=0.1).step()
    net[0].weight = old
    phases(net)
    optimizer.step()


def test_a_new_parameter_that_is_frozen_or_another_of_the_optimizer_is_no_mistake():
    net = chain()
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    fixed = rp.Parameter(np.ones((3, 3)), "weight", "float64")
    fixed.frozen = True
    net[0].weight = fixed
    net[2].weight, net[2].bias = rp.Parameter(np.ones((3, 3)), "weight", "float64"), net[0].bias
    net[2].weight = net[0].weight                                   # replaced twice: the last counts
    phases(net)
    optimizer.step()
    assert_allclose(fixed.data, np.ones((3, 3)), rtol=0)
