"""load_state_dict: values that cannot be are refused with their place, and nothing is changed."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import StateError


def network(dtype="float32"):
    return rp.Sequential(rp.Linear(2, 3, rng=0, dtype=dtype), rp.BatchNorm(3, dtype=dtype), rp.Linear(3, 3, rng=1, dtype=dtype))


def trained(kind):
    """A network and its optimizer after two steps."""
    net = network()
    optimizer = kind(net.parameters())
    rp.fit(net, rp.MSE(), optimizer, (np.random.default_rng(0).standard_normal((8, 2)), np.zeros((8, 3))), epochs=2,
           batch_size=8, rng=0, progress=False)
    return net, optimizer


def refused(target, state, *texts):
    """Loading raises StateError with each of the texts, and leaves the state of the target alone."""
    before = flat(target.state_dict())
    with pytest.raises(StateError) as caught:
        target.load_state_dict(state)
    for text in texts:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    after = flat(target.state_dict())
    for name, array in before.items():
        assert_array_equal(after[name], array)


def flat(state):
    return state["state"] if "groups" in state else state


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["0.weight", "1.running_mean", "1.running_var"])
def test_values_that_are_not_finite_are_refused(name, value):
    net = network()
    state = net.state_dict()
    state[name].flat[2] = value
    at = tuple(map(int, np.unravel_index(2, state[name].shape)))
    refused(net, state, f"{name!r} must be finite in float32, got {value}, the first of 1 at {at}")


def test_values_that_the_dtype_cannot_hold_are_refused():
    """1e300 is a number in float64 and infinite in float32; 1e-300 is 0 to float32's precision."""
    net, wide = network(), network("float64")
    state = wide.state_dict()
    state["2.bias"][:] = [0, 1e300, -1e39]
    refused(net, state, "'2.bias' must be finite in float32, got 1e+300, the first of 2 at (1,)")
    wide.load_state_dict(state)
    assert wide[2].bias.data[1] == 1e300
    state["2.bias"][:] = 1e-300
    with np.errstate(all="raise"):
        net.load_state_dict(state)
    assert_array_equal(net[2].bias.data, np.zeros(3, "float32"))


def test_a_variance_is_never_below_zero():
    net = network()
    state = net.state_dict()
    state["1.running_var"][1] = -1e-3
    refused(net, state, "'1.running_var' must be at least 0, got -0.001")
    state["1.running_var"][1] = 0
    state["1.running_mean"][1] = -1
    net.load_state_dict(state)


def test_everything_that_is_wrong_is_listed():
    net = network()
    state = net.state_dict()
    state["0.bias"][:] = np.nan
    state["1.running_var"][:] = -1
    del state["2.bias"]
    state[3] = np.zeros(2)
    refused(net, state, "missing '2.bias'", "unexpected 3",
            "'0.bias' must be finite in float32, got nan, the first of 3 at (0,)",
            "'1.running_var' must be at least 0, got -1.0, the first of 3 at (0,)")


def test_a_shared_parameter_has_one_value():
    shared = rp.Parameter(np.eye(2), "weight")
    net = rp.Sequential(rp.Linear(2, 2, rng=0), rp.Tanh(), rp.Linear(2, 2, rng=1))
    net[0].weight = net[2].weight = shared
    state = net.state_dict()
    state["2.weight"] = state["2.weight"] + 1
    refused(net, state, "'0.weight' and '2.weight' are one array, but their values differ")
    state["0.weight"] = state["0.weight"] + 1
    net.load_state_dict(state)
    assert_array_equal(net[2].weight.data, np.eye(2) + 1)
    net.load_state_dict({"2.weight": np.eye(2)}, strict=False)
    assert_array_equal(net[0].weight.data, np.eye(2))


class Running(rp.Module):
    """The running maximum of all inputs: infinite before the first."""

    buffers = ("largest",)

    def __init__(self):
        super().__init__()
        self.largest = np.full(2, -np.inf)

    def forward(self, x, out=None):
        np.maximum(self.largest, x.max(0), out=self.largest)
        return x.copy()

    def backward(self, g, out=None):
        return g.copy()


def test_a_buffer_that_begins_infinite_can_be_loaded_so():
    a, b = Running(), Running()
    a.load_state_dict(b.state_dict())
    b.forward(np.ones((3, 2)))
    a.load_state_dict(b.state_dict())
    assert_array_equal(a.largest, [1, 1])


@pytest.mark.parametrize(("kind", "name", "value", "text"), [
    (rp.Adam, "0.mean", np.nan, "'0.mean' must be finite in float32, got nan"),
    (rp.Adam, "3.square", -1e-9, "'3.square' must be at least 0, got -1"),
    (rp.AdamW, "0.square", -1, "'0.square' must be at least 0, got -1"),
    (rp.Adagrad, "0.square", -1, "'0.square' must be at least 0, got -1"),
    (rp.RMSprop, "0.square", -1, "'0.square' must be at least 0, got -1"),
    (rp.RMSprop, "0.velocity", 1e300, "'0.velocity' must be finite in float32, got 1e+300"),
    (lambda p: rp.SGD(p, lr=0.1, momentum=0.9), "0.velocity", -np.inf, "'0.velocity' must be finite in float32, got -inf"),
])
def test_states_of_optimizers_that_cannot_be_are_refused(kind, name, value, text):
    _, optimizer = trained(kind)
    state = optimizer.state_dict()
    state["state"][name] = state["state"][name].astype("float64")
    state["state"][name].flat[0] = value
    refused(optimizer, state, text)


@pytest.mark.parametrize(("steps", "text"), [
    (-1, "'0.steps' must be at least 0, got -1"), (2.5, "'0.steps' must be integers, as int64, got 2.5"),
    (np.nan, "'0.steps' must be integers, as int64, got nan"), (np.uint64(2**63), "'0.steps' must be"),
    (1e300, "'0.steps' must be integers, as int64, got 1e+300"), (np.zeros(1), "'0.steps' must have shape (), got (1,)")])
def test_steps_are_integers_of_at_least_zero(steps, text):
    net, optimizer = trained(rp.Adam)
    state = optimizer.state_dict()
    state["state"]["0.steps"] = np.array(steps)
    with np.errstate(all="raise"):
        refused(optimizer, state, text)
    state["state"]["0.steps"] = np.array(7.0)                       # an integer, whatever its dtype
    optimizer.load_state_dict(state)
    assert optimizer.state_dict()["state"]["0.steps"] == 7
    rp.fit(net, rp.MSE(), optimizer, (np.ones((8, 2)), np.zeros((8, 3))), epochs=1, rng=0, progress=False)


@pytest.mark.parametrize("change", [{"state": None}, {"state": [1]}, {"groups": None}, {"groups": 3}, {"groups": {}}])
def test_states_of_optimizers_have_their_form(change):
    _, optimizer = trained(rp.Adam)
    with pytest.raises(StateError, match=re.escape('"state" must be a dict and "groups" a list, as of state_dict(), got ')):
        optimizer.load_state_dict(optimizer.state_dict() | change)
