"""Containers: their parameters, the errors that they raise, and their text."""

import pickle
import warnings
from copy import deepcopy

import numpy as np
import pytest
from cases import Both, Residual, numbers
from numpy.testing import assert_allclose, assert_array_equal
from steps import SMALL_G, SMALL_X, assert_same, refuses, small_net, step

import retroprop as rp
from retroprop.errors import ArgumentError, DtypeError, PhaseError, ShapeError


class Fragile(rp.Tanh):
    """A module whose phases raise an error on request."""

    fails = False

    def forward(self, x, out=None):
        if self.fails:
            raise ValueError("as told")
        return super().forward(x, out)

    def backward(self, g, out=None):
        if self.fails:
            raise ValueError("as told")
        return super().backward(g, out)


# Parameters


def test_a_shared_parameter_gets_the_sum_of_both_gradients():
    first, second = (rp.Linear(3, 3, rng=seed, dtype="float64") for seed in (1, 2))
    second.weight = first.weight
    net = rp.Sequential(first, rp.Tanh(), second)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x, g = numbers(5, 3), numbers(5, 3, seed=1)
    for _ in range(2):                                              # the second update must not add to the first
        step(net, x, g)
        expected = rp.numerical_gradient(lambda _: np.vdot(g, net.predict(x)), first.weight.data)
        assert_allclose(first.weight.grad, expected, atol=1e-8)


@pytest.mark.parametrize("tie", [
    lambda a, b, c: rp.Sequential(a, rp.Tanh(), rp.Sequential(b, rp.Tanh(), c)),
    lambda a, b, c: rp.Sequential(rp.Sequential(a, rp.Tanh(), b), rp.Tanh(), c),
    lambda a, b, c: Both(a, Both(b, c)),
    lambda a, b, c: rp.Sequential(Both(a, b), c),
], ids=["a, (b, c)", "(a, b), c", "composites", "a composite in a container"])
def test_a_parameter_may_be_shared_at_any_depth(tie):
    layers = [rp.Linear(3, 3, rng=seed, dtype="float64") for seed in (1, 2, 3)]
    layers[1].weight = layers[2].weight = layers[0].weight
    net, x, g, weight = tie(*layers), numbers(5, 3), numbers(5, 3, seed=1), layers[0].weight
    step(net, x, g)
    once = weight.grad.copy()
    assert_allclose(once, rp.numerical_gradient(lambda _: np.vdot(g, net.predict(x)), weight.data), atol=1e-8)
    net.update()
    assert_array_equal(weight.grad, once)
    net.accumulate()
    assert_allclose(weight.grad, 2 * once, rtol=1e-12)


def test_a_parameter_tied_in_a_network_that_ran_is_seen_when_the_optimizer_is_built():
    """From then on the gradients are added, although the container had already planned its updates."""
    net = rp.Sequential(rp.Linear(3, 3, dtype="float64", rng=0), rp.Tanh(), rp.Linear(3, 3, dtype="float64", rng=1))
    x, g = numbers(5, 3), numbers(5, 3)
    step(net, x, g)
    net[2].weight = net[0].weight
    rp.SGD(net.parameters(), lr=0.1)
    step(net, x, g)
    expected = rp.numerical_gradient(lambda w: np.vdot(g, net.forward(x)), net[0].weight.data)
    assert_allclose(net[0].weight.grad, expected, rtol=1e-6)


def test_all_parameters_are_views_of_one_vector():
    net = small_net()
    homes = {id(parameter.flat) for parameter in net.parameters()}
    assert len(homes) == 1
    home = net[0].weight.flat
    assert home.data.size == 3 * 4 + 4 + 4 * 2 + 2
    home.data[:] = 0
    assert not any(parameter.data.any() for parameter in net.parameters())


@pytest.mark.parametrize("again", [deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
def test_a_copy_has_a_vector_of_its_own_and_trains_alone(again):
    net = small_net()
    step(net, SMALL_X, SMALL_G)
    copy, before = again(net), net.state_dict()
    sgd = rp.SGD(copy.parameters(), lr=0.1)
    expected = step(net, SMALL_X, SMALL_G)
    assert_same(step(copy, SMALL_X, SMALL_G), expected)
    sgd.step()
    assert all(np.shares_memory(p.data, copy[0].weight.flat.data) for p in copy.parameters())
    assert not any(np.array_equal(p.data, before[name]) for name, p in copy.named_parameters())
    assert_same(net.state_dict().values(), before.values())


def test_frozen_modules_are_left_out_and_thawed():
    net, expected = small_net(), step(small_net(), SMALL_X, SMALL_G)
    for parameter in net[0].parameters():
        parameter.frozen = True
    step(net, SMALL_X, SMALL_G)
    assert not net[0].weight.grad.any()
    assert_array_equal(net[2].weight.grad, expected[4])
    for parameter in net[0].parameters():
        parameter.frozen = False
    assert_same(step(net, SMALL_X, SMALL_G), expected)


# Errors


def test_the_same_instance_twice_is_refused():
    layer = rp.Linear(3, 3, rng=0)
    text = ("Sequential: Linear(3, 3) stands in two places, {}; make a second module and share the Parameter "
            "(b.weight = a.weight)")
    with refuses(ArgumentError, text.format("0 and 1")):
        rp.Sequential(layer, layer)
    with refuses(ArgumentError, text.format("0.inner and 2")):
        rp.Sequential(Residual(layer), rp.Tanh(), layer)


def test_a_module_of_another_container_is_refused_while_that_lives():
    net = small_net()
    text = ("Sequential: argument 1, ReLU(), is already inside another container; copy it (copy.deepcopy), or make a second "
            "module and share the Parameter")
    with refuses(ArgumentError, text):
        rp.Sequential(rp.Tanh(), net[1])
    relu = net[1]
    del net
    rp.Sequential(rp.Tanh(), relu)


def test_an_argument_that_is_no_module_is_refused():
    with refuses(ArgumentError, "Sequential needs at least one module"):
        rp.Sequential()
    with refuses(ArgumentError, "Sequential: argument 1 must be a Module, got [Tanh()]; unpack a list: Sequential(*modules)"):
        rp.Sequential(rp.Tanh(), [rp.Tanh()])


def test_mixed_dtypes_are_refused():
    with refuses(DtypeError, "Sequential: all parameters must have one dtype, got float32 (0.bias) and float64 (1.bias); "
                             "use astype"):
        rp.Sequential(rp.Linear(3, 4, rng=0), rp.Linear(4, 2, rng=1, dtype="float64"))
    net = small_net()
    net[0].astype("float64")
    with refuses(DtypeError, "Sequential: all parameters must have one dtype, got float64 (0.bias) and float32 (2.bias); "
                             "use astype"):
        net.forward(SMALL_X)


def test_equal_weights_warn():
    with pytest.warns(UserWarning, match=r"^Sequential: 0\.weight and 1\.weight start with the same numbers; "
                                         "give each layer an rng of its own$"):
        rp.Sequential(rp.Linear(3, 3, rng=0), rp.Linear(3, 3, rng=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small_net()


def test_an_error_names_the_module_that_raised_it():
    net = rp.Sequential(rp.Tanh(), rp.Sequential(rp.Tanh(), rp.Linear(3, 4, rng=0)))
    with pytest.raises(ShapeError) as caught:
        net.forward(np.ones((5, 2)))
    assert str(caught.value) == "Linear(3, 4): x must have shape (..., 3), got (5, 2)"
    assert caught.value.__notes__ == ["in Sequential[1]", "in Sequential[1]"]
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Sequential(rp.BatchNorm(4)))
    with pytest.raises(ShapeError, match="training needs at least two values") as caught:
        net.forward(np.ones((1, 3)))
    assert caught.value.__notes__ == ["in Sequential[0]", "in Sequential[1]"]


def test_a_forward_that_fails_leaves_no_point():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), Fragile(), rp.Tanh())
    expected = step(deepcopy(net), SMALL_X, numbers(5, 4).astype("float32"))
    net.forward(SMALL_X)
    net[1].fails = True
    with pytest.raises(ValueError, match="as told") as caught:
        net.forward(SMALL_X)
    assert caught.value.__notes__ == ["in Sequential[1]"]
    with pytest.raises(PhaseError, match="no forward has run"):
        net.backward(np.ones((5, 4)))
    net[1].fails = False
    assert_same(step(net, SMALL_X, numbers(5, 4).astype("float32")), expected)


def test_a_backward_that_fails_leaves_no_gradient():
    """The modules after the one that failed hold gradients of the new g, those before it gradients of the old one."""
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Sequential(Fragile()), rp.Linear(4, 2, rng=2))
    step(net, SMALL_X, SMALL_G)
    net[1][0].fails = True
    with pytest.raises(ValueError, match="as told") as caught:
        net.backward(-SMALL_G)
    assert caught.value.__notes__ == ["in Sequential[0]", "in Sequential[1]"]
    with pytest.raises(PhaseError, match="no backward has run since the last forward"):
        net.update()
    net[1][0].fails = False
    net.backward(SMALL_G)                                           # the point is still valid
    net.update()


def test_an_input_that_is_refused_leaves_the_point():
    net = small_net()
    net.forward(SMALL_X)
    with pytest.raises(ShapeError):
        net.forward(np.ones((5, 4)))
    assert_same([net.backward(SMALL_G)], step(small_net(), SMALL_X, SMALL_G)[1:2])


# Text


def test_repr_lists_the_modules():
    net = small_net()
    assert repr(net) == "Sequential(Linear(3, 4), ReLU(), Linear(4, 2))"
    assert (len(net), net[1], list(net)) == (3, net.modules[1], list(net.modules))
    assert [path for path, _ in rp.Sequential(net, Residual(rp.Tanh())).named_modules()] == [
        "", "0", "0.0", "0.1", "0.2", "1", "1.inner"]


def test_summary_is_a_table():
    net = rp.Sequential(rp.Sequential(rp.Linear(64, 1000, rng=0), rp.ReLU()), rp.Linear(1000, 10, rng=1))
    assert net.summary((1, 64)) == """\
module                output shape  parameters  memory
------------------------------------------------------
0.0 Linear(64, 1000)  (1, 1000)         65,000  260 kB
0.1 ReLU()            (1, 1000)              0     0 B
1 Linear(1000, 10)    (1, 10)           10,010   40 kB
------------------------------------------------------
total                                   75,010  300 kB"""
    with pytest.raises(ShapeError):
        net.summary((1, 63))
