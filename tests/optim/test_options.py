"""Options of an optimizer that are set after it was built."""

import numpy as np
import pytest

import retroprop as rp


def layer():
    return rp.Linear(3, 2, rng=0)


def test_each_option_is_an_attribute_which_sets_it_in_all_groups():
    net = layer()
    sgd = rp.SGD([{"params": [net.weight]}, {"params": [net.bias], "momentum": 0.5}], lr=0.1)
    assert (sgd.lr, sgd.momentum) == (0.1, 0)
    sgd.momentum = 0.9
    assert [group["momentum"] for group in sgd.groups] == [0.9, 0.9]
    adam = rp.Adam(net.parameters())
    adam.betas = 0.8, 0.9
    assert adam.groups[0]["betas"] == (0.8, 0.9)


def test_an_attribute_is_set_in_all_groups_or_in_none():
    net = layer()
    sgd = rp.SGD([{"params": [net.weight], "momentum": 0.5}, {"params": [net.bias]}], lr=0.1)
    with pytest.raises(rp.ArgumentError, match="nesterov"):
        sgd.nesterov = True
    assert [group["nesterov"] for group in sgd.groups] == [False, False]


def test_the_text_of_an_optimizer_shows_the_present_options_of_its_groups():
    net = layer()
    sgd = rp.SGD([{"params": [net.weight]}, {"params": [net.bias], "momentum": 0.5}], lr=0.5)
    sgd.lr = 0.07
    assert repr(sgd) == "SGD(lr=0.07, momentum=[0.0, 0.5], nesterov=False, weight_decay=0.0, decay_biases=True)"
    rp.StepLR(sgd, 1).step()
    assert repr(sgd).startswith("SGD(lr=0.007")


def test_only_a_parameter_that_was_replaced_after_the_optimizer_was_built_is_refused():
    a, b = layer(), layer()
    b.weight = a.weight
    a.weight = rp.Parameter(a.weight.data, "weight")
    sgd = rp.SGD(b.parameters(), lr=0.1)
    b.forward([[1, 2, 3]])
    b.backward([[1, 1]])
    b.update()
    sgd.step()
    b.weight = rp.Parameter(b.weight.data, "weight")
    b.forward([[1, 2, 3]])
    b.backward([[1, 1]])
    b.update()
    with pytest.raises(rp.ArgumentError, match="was replaced by another one after this optimizer was built"):
        sgd.step()


SHARES = [(1e-6, 1e-8, 1), (1e-8, 1e-8, 1 / 2), (1e-10, 1e-8, 1 / 101), (1e-10, 1e-16, 1)]          # of the learning rate


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("size", "eps", "share"), SHARES)
def test_adam_gives_the_learning_rate_its_full_length_only_far_above_eps(dtype, size, eps, share):
    parameter = rp.Parameter(np.zeros(1, dtype), "w")
    parameter.grad = np.full(1, size, dtype)
    rp.Adam([parameter], lr=0.001, eps=eps).step()
    assert -parameter.data[0] / 0.001 == pytest.approx(share, rel=0.02)
