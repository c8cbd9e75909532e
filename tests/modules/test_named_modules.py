"""Sequential with names, and Residual."""

import copy
import pickle
import re

import numpy as np
import pytest
from cases import IMAGES, numbers
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, ShapeError


def named():
    return rp.Sequential(fc1=rp.Linear(3, 4, rng=1), relu=rp.ReLU(), fc2=rp.Linear(4, 2, rng=2))


def plain():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.ReLU(), rp.Linear(4, 2, rng=2))


def test_names_are_those_of_pytorch():
    net = named()
    assert list(net.state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert net.fc1 is net["fc1"] is net[0]
    assert [*net] == [net.fc1, net.relu, net.fc2]
    assert repr(net) == "Sequential(fc1=Linear(3, 4), relu=ReLU(), fc2=Linear(4, 2))"


def test_names_change_no_number():
    x, g = numbers(5, 3), numbers(5, 2)
    for one, other in zip((named(), named().fc1), (plain(), plain()[0]), strict=True):
        assert_array_equal(one.forward(x), other.forward(x))
    net, same = named(), plain()
    for each in (net, same):
        each.forward(x)
        each.backward(g)
        each.update()
    for a, b in zip(net.parameters(), same.parameters(), strict=True):
        assert_array_equal(a.grad, b.grad)


def test_copies_have_attributes_of_their_own():
    for net in (copy.deepcopy(named()), pickle.loads(pickle.dumps(named()))):
        assert net.fc1 is net[0]
        net.fc1.weight.data[...] = 0
        assert not net.state_dict()["fc1.weight"].any()


def test_the_name_is_in_texts_of_the_network():
    net = named()
    assert "fc2 Linear(4, 2)" in net.summary((1, 3))
    assert 'label="relu: ReLU()"' in net.graphviz()
    with rp.tape(net) as tape:
        net.forward(numbers(5, 3))
    assert all(name in str(tape) for name in ("fc1 Linear(3, 4)", "relu ReLU()", "fc2 Linear(4, 2)"))
    with pytest.raises(ShapeError) as caught:
        net.forward(numbers(5, 2))
    assert caught.value.__notes__ == ["in Sequential['fc1']"]


@pytest.mark.parametrize(("build", "text"), [
    (lambda: rp.Sequential(rp.Tanh(), a=rp.Tanh()), "either all modules must have names or none, got 1 without, and 'a'"),
    (lambda: rp.Sequential(**{"fc-1": rp.Tanh()}), "a name must be one that Python takes for an attribute, got 'fc-1'"),
    (lambda: rp.Sequential(**{"class": rp.Tanh()}), "a name must be one that Python takes for an attribute, got 'class'"),
    (lambda: rp.Sequential(**{"0": rp.Tanh()}), "a name must be one that Python takes for an attribute, got '0'"),
    (lambda: rp.Sequential(forward=rp.Tanh()), "'forward' must be another name, since an attribute of every"),
    (lambda: rp.Sequential(updates=rp.Tanh()), "'updates' must be another name, since an attribute of every"),
    (lambda: rp.Sequential(training=rp.Tanh()), "'training' must be another name, since an attribute of every"),
    (lambda: rp.Sequential(x=rp.Tanh()), "'x' must be another name, since its input has it"),
    (lambda: rp.Sequential(fc1=np.tanh), "argument fc1 must be a Module, got <ufunc 'tanh'>"),
    (lambda: rp.Sequential({"a": rp.Tanh()}), "must be a Module, got {'a': Tanh()}; unpack a dict: Sequential(**modules)"),
    (lambda: named()[:2], "Sequential(**dict(list(copy.deepcopy(net.nodes).items())[:2]))")])
def test_what_cannot_be_named_so_is_refused(build, text):
    with pytest.raises(ArgumentError, match=re.escape(text)):
        build()


def test_a_slice_of_copies_keeps_the_names():
    net = named()
    part = rp.Sequential(**dict(list(copy.deepcopy(net.nodes).items())[:2]))
    assert repr(part) == "Sequential(fc1=Linear(3, 4), relu=ReLU())"


def test_a_module_that_is_replaced_is_noticed():
    net = named()
    net.relu = rp.Tanh()
    for use in (net.parameters, lambda: net.predict(numbers(5, 3)), net.state_dict):
        with pytest.raises(ArgumentError, match=r"^Sequential: relu must stay ReLU\(\), got Tanh\(\): make a new Sequential"):
            use()


# Residual


def test_a_block_adds_its_input():
    x, linear = numbers(5, 3), rp.Linear(3, 3, rng=0, dtype="float64")
    block = rp.Residual(copy.deepcopy(linear), rp.Tanh())
    assert_array_equal(block.forward(x), np.tanh(linear.forward(x)) + x)


def test_a_shortcut_projects():
    block = rp.Residual(rp.Conv2d(2, 4, 3, 2, 1, rng=0), rp.ReLU(), shortcut=rp.Conv2d(2, 4, 1, 2, rng=1))
    y = block.forward(IMAGES)
    assert_array_equal(y, np.maximum(block["0"].forward(IMAGES), 0) + block.shortcut.forward(IMAGES))
    assert [name for name, _ in block.named_parameters()] == ["0.weight", "0.bias", "shortcut.weight", "shortcut.bias"]
    assert repr(block) == ("Residual(Conv2d(2, 4, 3, stride=2, padding=1), ReLU(), shortcut=Conv2d(2, 4, 1, stride=2))")


def test_a_deep_net_of_blocks_passes_its_gradient():
    net = rp.Sequential(*(rp.Residual(rp.Linear(4, 4, weight_init=rp.Normal(0.01), rng=k), rp.Tanh()) for k in range(50)))
    net.forward(numbers(5, 4))
    g = numbers(5, 4, seed=1)
    gx = net.backward(g)
    assert 0.5 < np.linalg.norm(gx) / np.linalg.norm(g) < 2


@pytest.mark.parametrize(("build", "error", "text"), [
    (rp.Residual, ArgumentError, "Residual needs at least one module"),
    (lambda: rp.Residual(np.tanh), ArgumentError, "Residual: argument 0 must be a Module, got <ufunc 'tanh'>"),
    (lambda: rp.Residual([rp.Tanh()]), ArgumentError, "got [Tanh()]; unpack a list: Residual(*modules)"),
    (lambda: rp.Residual(rp.Tanh(), shortcut=1), ArgumentError, "Residual: shortcut must be a Module, got 1"),
    (lambda: rp.Residual(rp.Linear(3, 2)).output_shape((5, 3)), ShapeError,
     "Add(): the arrays of x must have one shape, got (5, 2) and (5, 3)")])
def test_wrong_blocks_are_refused(build, error, text):
    with pytest.raises(error, match=re.escape(text)):
        build()
