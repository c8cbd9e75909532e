"""decay_biases=False: weight decay leaves out biases and the weights of BatchNorm, as groups of parameters do."""

import numpy as np
import pytest

import retroprop as rp

OPTIMIZERS = {"SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "Adam": {}, "AdamW": {}, "RMSprop": {"momentum": 0.5},
              "Adagrad": {}}


def build():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Tanh(), rp.Linear(4, 2, rng=1))
    for parameter in net.parameters():
        parameter.data += 0.5
    return net


def train(net, optimizer, steps=3):
    x, y = np.random.default_rng(0).standard_normal((6, 3)), np.arange(6) % 2
    step = rp.Step(net, rp.CrossEntropy(), optimizer)
    for _ in range(steps):
        step(x, y)
    return net.state_dict()


def grouped(net, name, decay, **options):
    weights = [parameter for parameter in net.parameters() if parameter.data.ndim > 1]
    others = [parameter for parameter in net.parameters() if parameter.data.ndim < 2]
    return getattr(rp, name)([{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0}], **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_biases_are_spared_as_in_a_group_of_their_own(name):
    net, twin, plain = build(), build(), build()
    found = train(net, getattr(rp, name)(net.parameters(), **OPTIMIZERS[name], weight_decay=0.3, decay_biases=False))
    expected = train(twin, grouped(twin, name, 0.3, **OPTIMIZERS[name]))
    decayed = train(plain, getattr(rp, name)(plain.parameters(), **OPTIMIZERS[name], weight_decay=0.3))
    for parameter, array in expected.items():
        np.testing.assert_array_equal(found[parameter], array, err_msg=parameter)
    assert not np.allclose(found["3.bias"], decayed["3.bias"], rtol=1e-4)
    assert not np.allclose(found["1.weight"], decayed["1.weight"], rtol=1e-4)


def test_the_option_takes_effect_at_the_next_step_and_states_go_on():
    net, twin = build(), build()
    sgd = rp.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.3)
    groups = grouped(twin, "SGD", 0.3, lr=0.1, momentum=0.9)
    groups.weight_decay = 0.3
    for change in (False, True):
        train(net, sgd)
        train(twin, groups)
        sgd.decay_biases, groups.groups[1]["weight_decay"] = change, 0.3 * change
    for decay in (0.0, 0.2):
        sgd.weight_decay, sgd.decay_biases = decay, False
        groups.groups[0]["weight_decay"], groups.groups[1]["weight_decay"] = decay, 0
        found, expected = train(net, sgd), train(twin, groups)
    for parameter, array in expected.items():
        np.testing.assert_array_equal(found[parameter], array, err_msg=parameter)


def test_without_decay_nothing_is_divided():
    net = build()
    sgd = rp.SGD(net.parameters(), lr=0.1, decay_biases=False)
    train(net, sgd)
    assert len(sgd.segments) == 1
    sgd.weight_decay = 0.1
    train(net, sgd)
    assert len(sgd.segments) == 4


def test_a_state_from_before_the_option_is_taken():
    net = build()
    adam = rp.Adam(net.parameters(), decay_biases=False)
    train(net, adam)
    state = adam.state_dict()
    del state["groups"][0]["decay_biases"]
    other = rp.Adam(build().parameters(), lr=0.5, decay_biases=False)
    other.load_state_dict(state)
    assert (other.lr, other.decay_biases) == (1e-3, False)
    del state["groups"][0]["eps"]
    for wrong in (state["groups"], [], [*adam.state_dict()["groups"], {}]):
        with pytest.raises(rp.StateError, match="which do not fit"):
            other.load_state_dict({"state": state["state"], "groups": wrong})
